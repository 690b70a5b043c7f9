//! The way to another system's sign-in: its description, its keys, and the exchange of a code. What is said is the
//! caller's (a library that speaks OpenID Connect); how it is said is the house's.

use std::time::Duration;

use bytes::Bytes;
use reqwest::header::HeaderMap;
use reqwest::{Method, StatusCode, Url};
use tokio::time::Instant;

use super::Destinations;
use super::breaker::Breakers;
use super::error::{ClientError, SetupError};
use super::http::{Answer, CallContext, Outbound, Repeat, Request, RetryPolicy, Verdict};

const UPSTREAM: &str = "identity";

/// A person waits in front of a browser.
const DEADLINE: Duration = Duration::from_secs(10);

/// Two tries, within the time that a person waits.
const POLICY: RetryPolicy = RetryPolicy {
    attempts: 2,
    first_delay: Duration::from_millis(200),
    longest_delay: Duration::from_secs(1),
    attempt_timeout: Duration::from_secs(5),
    longest_named_wait: Duration::from_secs(1),
};

/// The client of every tenant's sign-in elsewhere. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Identity(Outbound);

/// A complete answer.
pub type Told = (StatusCode, HeaderMap, Bytes);

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    /// The address is no URL, or one that may not be called.
    #[error("the address may not be called: {0}")]
    Address(&'static str),
    /// It did not answer.
    #[error(transparent)]
    Client(#[from] ClientError),
}

impl Identity {
    /// A client for these destinations.
    ///
    /// # Errors
    /// No TLS.
    pub fn new(destinations: Destinations, breakers: Breakers) -> Result<Identity, SetupError> {
        Ok(Identity(Outbound::new(UPSTREAM, destinations, POLICY, breakers)?))
    }

    /// Sends a request. Every answer below 500 is one: what it means is the caller's to say.
    ///
    /// # Errors
    /// There is no answer.
    pub async fn send(
        &self,
        method: Method,
        url: &str,
        headers: HeaderMap,
        body: Vec<u8>,
    ) -> Result<Told, IdentityError> {
        let url = Url::parse(url).map_err(|_| IdentityError::Address("it is not a URL"))?;
        let context = CallContext { deadline: Instant::now() + DEADLINE, traceparent: None };
        let repeat = if method == Method::GET { Repeat::Always } else { Repeat::OnlyIfWithoutEffect };
        let body = (!body.is_empty()).then(|| Bytes::from(body));
        let request = Request { method, url, headers, body, repeat };
        let answer = self.0.send(&context, &request, judge).await?;
        Ok((answer.status, answer.headers, answer.body))
    }
}

fn judge(answer: &Answer) -> Verdict {
    if answer.status.is_server_error() { Verdict::Again } else { Verdict::Accept }
}
