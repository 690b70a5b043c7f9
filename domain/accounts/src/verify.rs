//! Whether a webhook comes from the tenant's help desk.
//!
//! The help desk documents no signature of its own; the account owner writes the headers. So a tenant chooses
//! between a shared secret in `X-Webhook-Token` and an HMAC-SHA256 of the raw body in `X-Gorgias-Signature`.
//! Up to two secrets are accepted, so that one can be replaced without a gap. Comparisons take constant time.

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use subtle::{Choice, ConstantTimeEq};

/// Header that carries the shared secret.
pub const TOKEN_HEADER: &str = "x-webhook-token";
/// Header that carries the body's signature.
pub const SIGNATURE_HEADER: &str = "x-gorgias-signature";

/// How a tenant's deliveries prove where they come from. Printing it for debugging shows no secret.
#[derive(Clone, PartialEq, Eq)]
pub struct Verification {
    /// What is compared.
    pub mode: Mode,
    /// The secrets accepted now: one, or two while one replaces the other.
    pub secrets: Vec<String>,
}

/// What is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// The secret itself, in [`TOKEN_HEADER`].
    Token,
    /// HMAC-SHA256 of the raw body, in hexadecimal with or without `sha256=`, in [`SIGNATURE_HEADER`].
    Hmac,
}

impl fmt::Debug for Verification {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Verification")
            .field("mode", &self.mode)
            .field("secrets", &self.secrets.len())
            .finish()
    }
}

/// Why a delivery is refused. All of them are a 401 to the sender.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum VerifyError {
    /// The tenant has not configured how deliveries are verified, so all are refused.
    #[error("webhook verification is not configured for this tenant")]
    NotConfigured,
    /// The header that the tenant's mode needs is not there.
    #[error("the header {0} is missing")]
    MissingHeader(&'static str),
    /// The token or signature is wrong.
    #[error("the webhook's token or signature does not match")]
    Mismatch,
}

/// Accepts or refuses a delivery by the value of its two headers, as received, and its raw body.
///
/// # Errors
/// As for [`Proof::check`].
pub fn verify(
    verification: Option<&Verification>,
    token: Option<&[u8]>,
    signature: Option<&[u8]>,
    body: &[u8],
) -> Result<(), VerifyError> {
    let mut proof = Proof::of(verification);
    proof.sent(body);
    proof.check(token, signature)
}

/// What a delivery proves, while its body comes in piece by piece. A sender that packs its bodies may have signed them
/// before or after, so both are accepted.
#[derive(Clone)]
pub struct Proof {
    mode: Option<Mode>,
    secrets: Vec<Signing>,
}

/// One secret, and the body's signatures under it.
#[derive(Clone)]
struct Signing {
    secret: String,
    sent: Hmac<Sha256>,
    unpacked: Option<Hmac<Sha256>>,
}

impl fmt::Debug for Proof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Proof").field("mode", &self.mode).field("secrets", &self.secrets.len()).finish()
    }
}

impl Proof {
    /// Nothing of the body has come yet.
    pub fn of(verification: Option<&Verification>) -> Proof {
        let secrets = verification.map(|verification| verification.secrets.as_slice()).unwrap_or_default();
        let secrets = secrets.iter().filter(|secret| !secret.is_empty());
        Proof {
            mode: verification.map(|verification| verification.mode),
            secrets: secrets
                .map(|secret| Signing { secret: secret.clone(), sent: mac(secret), unpacked: None })
                .collect(),
        }
    }

    /// The next bytes as they were sent.
    pub fn sent(&mut self, bytes: &[u8]) {
        self.secrets.iter_mut().for_each(|signing| signing.sent.update(bytes));
    }

    /// The next bytes as they were before they were packed; not called for a body that was not packed.
    pub fn unpacked(&mut self, bytes: &[u8]) {
        for signing in &mut self.secrets {
            signing.unpacked.get_or_insert_with(|| mac(&signing.secret)).update(bytes);
        }
    }

    /// Accepts or refuses the delivery by the value of its two headers, as received, when the whole body has come.
    ///
    /// # Errors
    /// Nothing is configured, or the header is missing, or it proves nothing.
    pub fn check(self, token: Option<&[u8]>, signature: Option<&[u8]>) -> Result<(), VerifyError> {
        let mode = self.mode.filter(|_| !self.secrets.is_empty()).ok_or(VerifyError::NotConfigured)?;
        let accepted = match mode {
            Mode::Token => {
                let token = token.ok_or(VerifyError::MissingHeader(TOKEN_HEADER))?;
                // Comparing digests hides the secret's length as well.
                let presented = Sha256::digest(token);
                any(self
                    .secrets
                    .iter()
                    .map(|signing| Sha256::digest(signing.secret.as_bytes())[..].ct_eq(presented.as_slice())))
            }
            Mode::Hmac => {
                let signature = signature.ok_or(VerifyError::MissingHeader(SIGNATURE_HEADER))?;
                let presented = decode_signature(signature).ok_or(VerifyError::Mismatch)?;
                let macs =
                    self.secrets.into_iter().flat_map(|signing| [Some(signing.sent), signing.unpacked]);
                any(macs.flatten().map(|mac| {
                    let signed: [u8; 32] = mac.finalize().into_bytes().into();
                    signed.ct_eq(&presented)
                }))
            }
        };
        if accepted { Ok(()) } else { Err(VerifyError::Mismatch) }
    }
}

/// The signature that a sender with this secret puts into [`SIGNATURE_HEADER`].
pub fn sign(secret: &str, body: &[u8]) -> String {
    let mut mac = mac(secret);
    mac.update(body);
    format!("sha256={}", hex::encode(mac.finalize().into_bytes()))
}

/// Looks at every secret, whichever matches.
fn any(matches: impl Iterator<Item = Choice>) -> bool {
    matches.fold(Choice::from(0), |found, one| found | one).into()
}

fn mac(secret: &str) -> Hmac<Sha256> {
    Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("HMAC takes keys of any length")
}

fn decode_signature(header: &[u8]) -> Option<[u8; 32]> {
    let header = header.trim_ascii();
    let digits = header.strip_prefix(b"sha256=").unwrap_or(header);
    let mut signature = [0; 32];
    hex::decode_to_slice(digits, &mut signature).ok()?;
    Some(signature)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn configured(mode: Mode, secrets: &[&str]) -> Verification {
        Verification { mode, secrets: secrets.iter().map(|secret| (*secret).to_owned()).collect() }
    }

    #[test]
    fn nothing_configured_refuses_everything() {
        assert_eq!(verify(None, Some(b"x"), Some(b"x"), b"{}"), Err(VerifyError::NotConfigured));
        let empty = configured(Mode::Token, &[""]);
        assert_eq!(verify(Some(&empty), Some(b""), None, b"{}"), Err(VerifyError::NotConfigured));
    }

    #[test]
    fn token_mode_wants_the_token() {
        let both = configured(Mode::Token, &["old", "new"]);
        assert_eq!(verify(Some(&both), Some(b"old"), None, b""), Ok(()));
        assert_eq!(verify(Some(&both), Some(b"new"), None, b""), Ok(()));
        assert_eq!(verify(Some(&both), Some(b"ne"), None, b""), Err(VerifyError::Mismatch));
        assert_eq!(
            verify(Some(&both), None, Some(b"new"), b""),
            Err(VerifyError::MissingHeader(TOKEN_HEADER))
        );
    }

    #[test]
    fn hmac_mode_wants_the_signature_of_the_exact_body() {
        // RFC 4231, test case 2.
        let known = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
        let jefe = configured(Mode::Hmac, &["Jefe"]);
        let body = b"what do ya want for nothing?";
        assert_eq!(verify(Some(&jefe), None, Some(known.as_bytes()), body), Ok(()));
        assert_eq!(verify(Some(&jefe), None, Some(known.to_uppercase().as_bytes()), body), Ok(()));
        assert_eq!(verify(Some(&jefe), None, Some(sign("Jefe", body).as_bytes()), body), Ok(()));
        assert_eq!(verify(Some(&jefe), None, Some(known.as_bytes()), b"other"), Err(VerifyError::Mismatch));
        assert_eq!(verify(Some(&jefe), None, Some(b"sha256=zz"), body), Err(VerifyError::Mismatch));
        assert_eq!(
            verify(Some(&jefe), Some(b"Jefe"), None, body),
            Err(VerifyError::MissingHeader(SIGNATURE_HEADER))
        );
    }

    #[test]
    fn a_packed_body_may_be_signed_before_or_after_packing() {
        let configured = configured(Mode::Hmac, &["old", "new"]);
        let check = |signed: &[u8]| {
            let mut proof = Proof::of(Some(&configured));
            for (sent, unpacked) in [(&b"pac"[..], &b""[..]), (b"ked", b"plain")] {
                proof.sent(sent);
                proof.unpacked(unpacked);
            }
            proof.check(None, Some(sign("new", signed).as_bytes()))
        };
        assert_eq!(check(b"packed"), Ok(()));
        assert_eq!(check(b"plain"), Ok(()));
        assert_eq!(check(b"other"), Err(VerifyError::Mismatch));
        assert_eq!(check(b""), Err(VerifyError::Mismatch));
    }

    #[test]
    fn debug_output_hides_secrets() {
        assert!(!format!("{:?}", configured(Mode::Hmac, &["hush"])).contains("hush"));
    }
}
