//! Passwords: argon2id with 19 MiB, two passes and one lane (OWASP's first choice), and how many are computed at once.
//!
//! A person who does not exist costs the same as one who does: their password is compared with a hash that nothing
//! fits. The computation leaves the async threads, and no more than two run at once, because each holds its memory; who
//! does not get a turn within a few seconds is told to come again.

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use argon2::password_hash::{PasswordHash, PasswordHasher, PasswordVerifier, Salt, SaltString};
use argon2::{Algorithm, Argon2, Params, Version};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Longest password that is looked at, in bytes: whatever is longer is refused before any work.
pub const MAX_BYTES: usize = 1_024;

/// Fewest characters of a new password.
const MIN_CHARACTERS: usize = 12;

/// How many are computed at once.
const AT_ONCE: usize = 2;

/// How long a request waits for its turn.
const PATIENCE: Duration = Duration::from_secs(5);

static TURNS: LazyLock<Arc<Semaphore>> = LazyLock::new(|| Arc::new(Semaphore::new(AT_ONCE)));

/// What nobody's password fits: made of random bytes that are then forgotten.
static NOBODYS: LazyLock<String> = LazyLock::new(|| hash_now(&rand::random::<[u8; 32]>()));

/// Why a password was not computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PasswordError {
    /// Too short, too long, or of one character.
    #[error("must have at least 12 characters and at most 1024 bytes, and not be one character repeated")]
    Unfit,
    /// Too many are being computed.
    #[error("too many passwords are being checked at once")]
    Busy,
}

/// Whether this may become somebody's password.
///
/// # Errors
/// [`PasswordError::Unfit`].
pub fn check(password: &str) -> Result<(), PasswordError> {
    let mut characters = password.chars();
    let first = characters.next();
    let is_varied = characters.any(|c| Some(c) != first);
    let fits = password.len() <= MAX_BYTES && password.chars().count() >= MIN_CHARACTERS;
    if fits && is_varied { Ok(()) } else { Err(PasswordError::Unfit) }
}

/// The hash of a new password, in the PHC form.
///
/// # Errors
/// It may be nobody's password, or there was no turn.
pub async fn hash(password: &str) -> Result<String, PasswordError> {
    check(password)?;
    let password = password.to_owned();
    compute(move || hash_now(password.as_bytes())).await
}

/// Whether the password fits the hash; without a hash it is compared with one that nothing fits.
///
/// # Errors
/// [`PasswordError::Busy`].
pub async fn fits(password: &str, hash: Option<String>) -> Result<bool, PasswordError> {
    if password.len() > MAX_BYTES {
        return Ok(false);
    }
    let password = password.to_owned();
    compute(move || {
        let is_somebodys = hash.is_some();
        let stored = hash.unwrap_or_else(|| NOBODYS.clone());
        let fits = PasswordHash::new(&stored)
            .is_ok_and(|stored| argon().verify_password(password.as_bytes(), &stored).is_ok());
        fits && is_somebodys
    })
    .await
}

async fn compute<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, PasswordError> {
    let turn = tokio::time::timeout(PATIENCE, TURNS.clone().acquire_owned());
    let Ok(Ok(turn)) = turn.await else { return Err(PasswordError::Busy) };
    let work = move |turn: OwnedSemaphorePermit| {
        let done = work();
        drop(turn);
        done
    };
    // A client that goes away does not stop the computation, so the turn ends with it and not with the request.
    tokio::task::spawn_blocking(move || work(turn)).await.map_err(|_| PasswordError::Busy)
}

fn hash_now(password: &[u8]) -> String {
    let salt = SaltString::encode_b64(&rand::random::<[u8; Salt::RECOMMENDED_LENGTH]>())
        .expect("a salt of 16 bytes");
    argon().hash_password(password, &salt).expect("the parameters are valid").to_string()
}

fn argon() -> Argon2<'static> {
    let params = Params::new(19 * 1024, 2, 1, None).expect("the parameters are valid");
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_password_fits_its_own_hash() {
        let stored = hash("correct horse battery").await.expect("hashed");
        assert!(stored.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{stored}");
        assert_eq!(fits("correct horse battery", Some(stored.clone())).await, Ok(true));
        assert_eq!(fits("correct horse batterz", Some(stored.clone())).await, Ok(false));
        assert_eq!(fits("correct horse battery", None).await, Ok(false));
        assert_eq!(fits("x", Some("no hash".to_owned())).await, Ok(false));
        assert_eq!(fits(&"x".repeat(MAX_BYTES + 1), Some(stored)).await, Ok(false));
    }

    #[test]
    fn new_passwords_have_bounds() {
        for unfit in ["", "eleven char", "aaaaaaaaaaaaaaaa", &"ab".repeat(513)] {
            assert_eq!(check(unfit), Err(PasswordError::Unfit), "{unfit}");
        }
        for fit in [
            "twelve chars",
            "\u{1F98A}\u{1F43B}\u{1F98A}\u{1F43B}\u{1F98A}\u{1F43B}\u{1F98A}\u{1F43B}\u{1F98A}\u{1F43B}\u{1F98A}\u{1F43B}",
        ] {
            assert_eq!(check(fit), Ok(()), "{fit}");
        }
    }
}
