//! Calls that a shop's rules make to its own systems: a signed POST of JSON, to public addresses by https.
//!
//! The signature is HMAC-SHA256 of the body under a secret of the shop, as `X-Deskwork-Signature: sha256=HEX`; the call's
//! id is sent as `Idempotency-Key`, so the other side knows a repetition.

use std::time::Duration;

use bytes::Bytes;
use hmac::{Hmac, KeyInit, Mac};
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::{Method, Url};
use sha2::Sha256;
use uuid::Uuid;

use super::error::{ClientError, SetupError};
use super::http::{Answer, CallContext, Outbound, Repeat, Request, RetryPolicy, Verdict, judge_status};
use super::{Breakers, Destinations};

const UPSTREAM: &str = "rule_webhook";

/// One try: the job tries again, over a longer time.
const POLICY: RetryPolicy = RetryPolicy {
    attempts: 1,
    first_delay: Duration::from_millis(250),
    longest_delay: Duration::from_secs(1),
    attempt_timeout: Duration::from_secs(10),
    longest_named_wait: Duration::from_secs(1),
};

/// The client. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Webhooks(Outbound);

/// Why a call could not be made, or was not taken.
#[derive(Debug, thiserror::Error)]
pub enum WebhookError {
    /// The address may not be called.
    #[error("the address may not be called: {0}")]
    Address(String),
    /// It did not answer, or refused.
    #[error(transparent)]
    Client(#[from] ClientError),
}

impl Webhooks {
    /// A client for these destinations.
    ///
    /// # Errors
    /// No TLS.
    pub fn new(destinations: Destinations, breakers: Breakers) -> Result<Webhooks, SetupError> {
        Ok(Webhooks(Outbound::new(UPSTREAM, destinations, POLICY, breakers)?))
    }

    /// Whether an address may be called, as far as it says itself.
    ///
    /// # Errors
    /// Says why not.
    pub fn check(&self, url: &str) -> Result<Url, WebhookError> {
        self.0.base_url(url).map_err(|error| WebhookError::Address(error.to_string()))
    }

    /// Makes a call; the status of an answer that takes it.
    ///
    /// # Errors
    /// It may not be made, was not answered, or was refused.
    pub async fn call(
        &self,
        context: &CallContext,
        url: &str,
        id: Uuid,
        secret: &[u8],
        body: Vec<u8>,
    ) -> Result<u16, WebhookError> {
        let url = self.check(url)?;
        let mut headers = HeaderMap::new();
        let mut put = |name: &'static str, value: String| {
            // Hex and ids are header values.
            if let Ok(value) = HeaderValue::from_str(&value) {
                headers.insert(HeaderName::from_static(name), value);
            }
        };
        put("idempotency-key", id.to_string());
        put("x-deskwork-signature", signature(secret, &body));
        let request = Request {
            method: Method::POST,
            url,
            headers,
            body: Some(Bytes::from(body)),
            repeat: Repeat::OnlyIfWithoutEffect,
        };
        Ok(self.0.send(context, &request, judge).await?.status.as_u16())
    }
}

fn judge(answer: &Answer) -> Verdict {
    judge_status(answer.status)
}

/// The value of `X-Deskwork-Signature`.
pub fn signature(secret: &[u8], body: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret).expect("a key may have any length");
    mac.update(body);
    format!("sha256={}", hex::encode(mac.finalize().into_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_signature_is_the_published_one() {
        // RFC 4231, test case 2.
        let expected = "sha256=5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
        assert_eq!(signature(b"Jefe", b"what do ya want for nothing?"), expected);
    }
}
