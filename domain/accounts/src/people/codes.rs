//! Codes: short proofs that a text was made here. They are made of what they prove under a key that follows from the
//! master key, so there is nothing secret to store and nothing to find out by reading the database.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use std::fmt;

use crate::seal::MasterKey;

/// A key for one purpose. Printing it for debugging shows nothing.
#[derive(Clone)]
pub struct CodeKey([u8; 32]);

impl CodeKey {
    /// The key for what `label` names. Another label's key says nothing about it.
    pub fn of(master: &MasterKey, label: &str) -> CodeKey {
        CodeKey(master.derive(label))
    }

    /// The code of a text: 256 bits in base64url.
    pub fn code(&self, text: &str) -> String {
        URL_SAFE_NO_PAD.encode(self.mac(text).finalize().into_bytes())
    }

    /// Whether this is the code of the text; compared in constant time.
    pub fn proves(&self, text: &str, code: &str) -> bool {
        let Ok(code) = URL_SAFE_NO_PAD.decode(code) else { return false };
        self.mac(text).verify_slice(&code).is_ok()
    }

    pub(super) fn mac(&self, text: &str) -> Hmac<Sha256> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).expect("HMAC takes keys of any length");
        mac.update(text.as_bytes());
        mac
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for CodeKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CodeKey(hidden)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_proves_its_own_text_under_its_own_label() {
        let master: MasterKey = "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=".parse().expect("a key");
        let (one, other) = (CodeKey::of(&master, "one"), CodeKey::of(&master, "other"));
        let code = one.code("text");
        assert!(one.proves("text", &code));
        assert!(!one.proves("texts", &code) && !other.proves("text", &code) && !one.proves("text", ""));
        assert!(!one.proves("text", &code[1..]) && !one.proves("text", "%%"));
    }
}
