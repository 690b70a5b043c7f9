//! Encryption of secrets at rest, under one master key that is configuration and never in the database.
//!
//! XChaCha20-Poly1305 with a random nonce; what the secret belongs to is authenticated with it, so a sealed
//! value copied to another tenant's row does not open.

use std::fmt;
use std::str::FromStr;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{Key, XChaCha20Poly1305, XNonce};
use hmac::{Hmac, Mac};
use sha2::Sha256;
use subtle::ConstantTimeEq;

/// First byte of a sealed value, so that another scheme can follow.
const VERSION: u8 = 1;
const NONCE_BYTES: usize = 24;

/// The key that secrets are sealed under: 32 bytes. Printing it for debugging shows nothing.
#[derive(Clone)]
pub struct MasterKey([u8; 32]);

/// The text is not a master key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a master key is 32 bytes in base64 (44 characters), for example from `openssl rand -base64 32`")]
pub struct BadMasterKey;

impl FromStr for MasterKey {
    type Err = BadMasterKey;

    fn from_str(text: &str) -> Result<MasterKey, BadMasterKey> {
        let bytes = STANDARD.decode(text.trim()).map_err(|_| BadMasterKey)?;
        bytes.try_into().map(MasterKey).map_err(|_| BadMasterKey)
    }
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MasterKey(hidden)")
    }
}

fn mac(key: &[u8], text: &[u8]) -> Hmac<Sha256> {
    <Hmac<Sha256> as hmac::KeyInit>::new_from_slice(key)
        .expect("HMAC takes keys of any length")
        .chain_update(text)
}

/// The value was sealed under another key or for another owner, or is damaged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the sealed value does not open under this master key")]
pub struct UnsealError;

impl MasterKey {
    /// A key that was stored sealed under another one.
    pub(crate) fn from_bytes(bytes: [u8; 32]) -> MasterKey {
        MasterKey(bytes)
    }

    /// Seals `plain` for `owner`, which must be named again to open it.
    pub fn seal(&self, owner: &str, plain: &[u8]) -> Vec<u8> {
        let nonce = rand::random::<[u8; NONCE_BYTES]>();
        let sealed = self
            .cipher()
            .encrypt(&XNonce::from(nonce), Payload { msg: plain, aad: owner.as_bytes() })
            .expect("a message of this size can always be sealed");
        [&[VERSION], nonce.as_slice(), &sealed].concat()
    }

    /// Opens what was sealed for `owner`.
    pub fn unseal(&self, owner: &str, sealed: &[u8]) -> Result<Vec<u8>, UnsealError> {
        let (version, rest) = sealed.split_first().ok_or(UnsealError)?;
        let (nonce, sealed) = rest.split_first_chunk::<NONCE_BYTES>().ok_or(UnsealError)?;
        if *version != VERSION {
            return Err(UnsealError);
        }
        self.cipher()
            .decrypt(&XNonce::from(*nonce), Payload { msg: sealed, aad: owner.as_bytes() })
            .map_err(|_| UnsealError)
    }

    /// Proves that a text was made here: HMAC-SHA256 under a key of its own for each purpose.
    pub fn proof(&self, purpose: &str, text: &[u8]) -> [u8; 32] {
        let of_purpose = mac(&self.0, purpose.as_bytes()).finalize().into_bytes();
        mac(&of_purpose, text).finalize().into_bytes().into()
    }

    /// Whether `proof`, which may be cut to 16 bytes or more, is that of the text. It takes the same time in any case.
    pub fn proves(&self, purpose: &str, text: &[u8], proof: &[u8]) -> bool {
        let ours = self.proof(purpose, text);
        (16..=ours.len()).contains(&proof.len()) && bool::from(ours[..proof.len()].ct_eq(proof))
    }

    /// A key for another purpose, which `label` names: nothing can be learnt from it of this one or of another.
    pub fn derive(&self, label: &str) -> [u8; 32] {
        mac(&self.0, format!("deskwork key for {label}").as_bytes()).finalize().into_bytes().into()
    }

    fn cipher(&self) -> XChaCha20Poly1305 {
        XChaCha20Poly1305::new(&Key::from(self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn opens_for_its_owner_only() {
        let key: MasterKey = STANDARD.encode([7; 32]).parse().expect("a key");
        let sealed = key.seal("a:gorgias", b"hush");
        assert_eq!(key.unseal("a:gorgias", &sealed), Ok(b"hush".to_vec()));
        assert_eq!(key.unseal("b:gorgias", &sealed), Err(UnsealError));
        let other: MasterKey = STANDARD.encode([8; 32]).parse().expect("a key");
        assert_eq!(other.unseal("a:gorgias", &sealed), Err(UnsealError));
        for cut in 0..sealed.len() {
            assert_eq!(key.unseal("a:gorgias", &sealed[..cut]), Err(UnsealError));
        }
        assert_ne!(sealed, key.seal("a:gorgias", b"hush"));
    }

    #[test]
    fn only_32_bytes_are_a_key() {
        assert_eq!("c2hvcnQ=".parse::<MasterKey>().err(), Some(BadMasterKey));
        assert_eq!("not base64".parse::<MasterKey>().err(), Some(BadMasterKey));
    }
}
