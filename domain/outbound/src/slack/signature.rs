//! Whether a request comes from Slack: `X-Slack-Signature` is `v0=` and HMAC-SHA256, in hexadecimal, of
//! `v0:{X-Slack-Request-Timestamp}:{raw body}`. What is older than five minutes is refused, so that a request that was
//! overheard cannot be sent again later.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use subtle::ConstantTimeEq;

/// Header that carries the signature.
pub const SIGNATURE_HEADER: &str = "x-slack-signature";
/// Header that says when it was signed, in seconds since 1970.
pub const TIMESTAMP_HEADER: &str = "x-slack-request-timestamp";
/// How far the timestamp may be off, in seconds.
pub const TOLERANCE_SECS: i64 = 300;

/// Why a request is refused; its sender learns no more than that it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// A header is missing or no such header.
    #[error("the signature or its time is missing")]
    Missing,
    /// It was signed too long ago, or will be.
    #[error("the request is more than {TOLERANCE_SECS} s old")]
    Stale,
    /// It was not signed with this secret.
    #[error("the signature does not match")]
    Mismatch,
}

/// Accepts or refuses a request; it takes the same time whatever is wrong with the signature.
///
/// # Errors
/// It is refused.
pub fn verify(
    secret: &str,
    timestamp: Option<&[u8]>,
    signature: Option<&[u8]>,
    body: &[u8],
    now: i64,
) -> Result<(), Refused> {
    let timestamp = timestamp.and_then(|text| std::str::from_utf8(text).ok()).ok_or(Refused::Missing)?;
    let signed_at: i64 = timestamp.parse().map_err(|_| Refused::Missing)?;
    let digits = signature.and_then(|text| text.strip_prefix(b"v0=")).ok_or(Refused::Missing)?;
    let mut presented = [0; 32];
    hex::decode_to_slice(digits, &mut presented).map_err(|_| Refused::Mismatch)?;
    if now.abs_diff(signed_at) > TOLERANCE_SECS.unsigned_abs() {
        return Err(Refused::Stale);
    }
    if bool::from(mac(secret, timestamp, body).ct_eq(&presented)) { Ok(()) } else { Err(Refused::Mismatch) }
}

/// The signature that Slack puts into [`SIGNATURE_HEADER`].
pub fn sign(secret: &str, timestamp: &str, body: &[u8]) -> String {
    format!("v0={}", hex::encode(mac(secret, timestamp, body)))
}

fn mac(secret: &str, timestamp: &str, body: &[u8]) -> [u8; 32] {
    Hmac::<Sha256>::new_from_slice(secret.as_bytes())
        .expect("HMAC takes keys of any length")
        .chain_update(format!("v0:{timestamp}:"))
        .chain_update(body)
        .finalize()
        .into_bytes()
        .into()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SECRET: &str = "8f742231b10e8888abcd99yyyzzz85a5";
    const TIMESTAMP: &str = "1531420618";
    const NOW: i64 = 1_531_420_618;
    const BODY: &str = "token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c";
    const SIGNED: &str = "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503";

    fn verified(timestamp: &str, signature: &str, body: &str, now: i64) -> Result<(), Refused> {
        verify(SECRET, Some(timestamp.as_bytes()), Some(signature.as_bytes()), body.as_bytes(), now)
    }

    #[test]
    fn the_published_vector() {
        assert_eq!(sign(SECRET, TIMESTAMP, BODY.as_bytes()), SIGNED);
        assert_eq!(verified(TIMESTAMP, SIGNED, BODY, NOW), Ok(()));
        assert_eq!(verified(TIMESTAMP, SIGNED, BODY, NOW + 300), Ok(()));
        assert_eq!(verified(TIMESTAMP, SIGNED, BODY, NOW + 301), Err(Refused::Stale));
        assert_eq!(verified(TIMESTAMP, SIGNED, BODY, NOW - 301), Err(Refused::Stale));
        assert_eq!(verified("1531420619", SIGNED, BODY, NOW), Err(Refused::Mismatch));
        assert_eq!(verified(TIMESTAMP, SIGNED, "token=other", NOW), Err(Refused::Mismatch));
        assert_eq!(verified(TIMESTAMP, "v0=00", BODY, NOW), Err(Refused::Mismatch));
        assert_eq!(verified(TIMESTAMP, "v1=00", BODY, NOW), Err(Refused::Missing));
        assert_eq!(verify(SECRET, None, Some(SIGNED.as_bytes()), b"", NOW), Err(Refused::Missing));
        assert_eq!(verify(SECRET, Some(b"now"), Some(SIGNED.as_bytes()), b"", NOW), Err(Refused::Missing));
    }

    proptest! {
        #[test]
        fn no_header_makes_it_panic(timestamp in proptest::collection::vec(any::<u8>(), 0..20), signature in proptest::collection::vec(any::<u8>(), 0..80), now: i64) {
            let _ = verify(SECRET, Some(&timestamp), Some(&signature), b"x", now);
        }
    }
}
