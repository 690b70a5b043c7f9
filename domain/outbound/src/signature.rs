//! Signatures of deliveries as in Standard Webhooks: `webhook-signature` is base64 of HMAC-SHA256 over
//! `id.timestamp.body`, after `v1,`; several stand side by side while one secret replaces another.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use subtle::ConstantTimeEq;

/// Names the delivery: the same for every attempt and every replay of one event.
pub const ID_HEADER: &str = "webhook-id";
/// When it was signed, in seconds since 1970.
pub const TIMESTAMP_HEADER: &str = "webhook-timestamp";
/// The signatures.
pub const SIGNATURE_HEADER: &str = "webhook-signature";

/// How far a timestamp may be off, in seconds.
pub const TOLERANCE_SECS: i64 = 300;

const PREFIX: &str = "whsec_";
const NEW_BYTES: usize = 32;

/// A secret that both sides sign with: 24 to 64 bytes. Printing it for debugging shows nothing.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Vec<u8>);

/// The text is no secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a secret is whsec_ and 24 to 64 bytes in base64")]
pub struct BadSecret;

impl Secret {
    /// A new one.
    pub fn generate() -> Secret {
        Secret(rand::random::<[u8; NEW_BYTES]>().to_vec())
    }

    /// One that is derived and stored nowhere.
    pub fn of(bytes: [u8; 32]) -> Secret {
        Secret(bytes.to_vec())
    }

    /// Reads the text form.
    ///
    /// # Errors
    /// It is none.
    pub fn parse(text: &str) -> Result<Secret, BadSecret> {
        let bytes = STANDARD.decode(text.strip_prefix(PREFIX).ok_or(BadSecret)?).map_err(|_| BadSecret)?;
        Secret::of_bytes(&bytes)
    }

    /// As it is stored, sealed.
    ///
    /// # Errors
    /// The length is not one of a secret.
    pub fn of_bytes(bytes: &[u8]) -> Result<Secret, BadSecret> {
        if (24..=64).contains(&bytes.len()) { Ok(Secret(bytes.to_vec())) } else { Err(BadSecret) }
    }

    /// The bytes, to be sealed.
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// The text form, to be shown to who owns the endpoint.
    pub fn reveal(&self) -> String {
        format!("{PREFIX}{}", STANDARD.encode(&self.0))
    }

    fn mac(&self, id: &str, timestamp: i64, body: &[u8]) -> [u8; 32] {
        Hmac::<Sha256>::new_from_slice(&self.0)
            .expect("HMAC takes keys of any length")
            .chain_update(format!("{id}.{timestamp}."))
            .chain_update(body)
            .finalize()
            .into_bytes()
            .into()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(hidden)")
    }
}

/// The value of `webhook-signature`: one signature for each secret.
pub fn sign(secrets: &[Secret], id: &str, timestamp: i64, body: &[u8]) -> String {
    let signed: Vec<String> = secrets
        .iter()
        .map(|secret| format!("v1,{}", STANDARD.encode(secret.mac(id, timestamp, body))))
        .collect();
    signed.join(" ")
}

/// The headers that sign a body.
pub fn headers(secrets: &[Secret], id: &str, timestamp: i64, body: &[u8]) -> [(&'static str, String); 3] {
    [
        (ID_HEADER, id.to_owned()),
        (TIMESTAMP_HEADER, timestamp.to_string()),
        (SIGNATURE_HEADER, sign(secrets, id, timestamp, body)),
    ]
}

/// Whether one of the signatures is that of the body under this secret, and not too old: what a receiver checks.
pub fn verify(secret: &Secret, id: &str, timestamp: &str, signatures: &str, body: &[u8], now: i64) -> bool {
    let Ok(timestamp) = timestamp.parse::<i64>() else { return false };
    if now.abs_diff(timestamp) > TOLERANCE_SECS.unsigned_abs() {
        return false;
    }
    let ours = secret.mac(id, timestamp, body);
    signatures
        .split(' ')
        .filter_map(|signature| STANDARD.decode(signature.strip_prefix("v1,")?).ok())
        .any(|theirs| bool::from(ours.ct_eq(theirs.as_slice())))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    const ID: &str = "msg_p5jXN8AQM9LWM0D4loKWxJek";
    const BODY: &[u8] = br#"{"test": 2432232314}"#;
    const SIGNED: &str = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";

    #[test]
    fn the_published_vector() {
        let secret = Secret::parse(SECRET).expect("a secret");
        assert_eq!(secret.reveal(), SECRET);
        assert_eq!(sign(std::slice::from_ref(&secret), ID, 1_614_265_330, BODY), SIGNED);
        let at = |now| verify(&secret, ID, "1614265330", SIGNED, BODY, now);
        assert!(at(1_614_265_330) && at(1_614_265_630) && at(1_614_265_030));
        assert!(!at(1_614_265_631) && !at(1_614_265_029));
        assert!(!verify(&secret, ID, "1614265330", SIGNED, b"{}", 1_614_265_330));
        assert!(!verify(&secret, "other", "1614265330", SIGNED, BODY, 1_614_265_330));
    }

    #[test]
    fn during_a_rotation_both_secrets_verify() {
        let (old, new) = (Secret::generate(), Secret::generate());
        let signed = sign(&[new.clone(), old.clone()], "a", 10, b"x");
        assert_eq!(signed.split(' ').count(), 2);
        for secret in [&old, &new] {
            assert!(verify(secret, "a", "10", &signed, b"x", 10));
        }
        assert!(!verify(&Secret::generate(), "a", "10", &signed, b"x", 10));
    }

    #[test]
    fn only_whole_secrets_are_read() {
        for bad in ["", "whsec_", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_c2hvcnQ=", "whsec_%%"] {
            assert_eq!(Secret::parse(bad), Err(BadSecret), "{bad}");
        }
        assert!(!format!("{:?}", Secret::generate()).contains("whsec"));
    }

    proptest! {
        #[test]
        fn what_is_signed_verifies_and_nothing_else(id in "[a-z0-9_]{1,40}", body in proptest::collection::vec(any::<u8>(), 0..200), flip in any::<proptest::sample::Index>()) {
            let secret = Secret::generate();
            let signed = sign(std::slice::from_ref(&secret), &id, 1_000, &body);
            prop_assert!(verify(&secret, &id, "1000", &signed, &body, 1_000));
            if !body.is_empty() {
                let mut other = body.clone();
                other[flip.index(body.len())] ^= 1;
                prop_assert!(!verify(&secret, &id, "1000", &signed, &other, 1_000));
            }
        }

        #[test]
        fn no_header_makes_it_panic(timestamp in ".{0,20}", signature in ".{0,80}") {
            let secret = Secret::of_bytes(&[7; 32]).expect("32 bytes");
            prop_assert!(!verify(&secret, "a", &timestamp, &signature, b"x", 0));
        }
    }
}
