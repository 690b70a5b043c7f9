//! The client of the tenants' own systems, for webhook endpoints and for the calls that rules make: one request, one
//! answer. When to try again is the job's to decide, so nothing is repeated here; each endpoint has a circuit of its own,
//! because many tenants may have theirs with one host.

use std::time::{Duration, SystemTime};

use bytes::Bytes;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::{Method, Url};

use super::Destinations;
use super::breaker::Breakers;
use super::concurrency::Concurrency;
use super::error::{ClientError, SetupError};
use super::http::{Answer, CallContext, Outbound, Repeat, Request, RetryPolicy, Verdict, judge_status};
use super::pacing::shared::Shared;
use super::retry::named_wait;

const UPSTREAM: &str = "webhook";

/// How much of an answer is read, in bytes; the rest is of no use to anybody.
const READ_BYTES: usize = 16 * 1024;

/// Requests to one endpoint at once, in the whole cluster: a slow one must not hold all slots of the workers.
const AT_ONCE: usize = 4;

/// How long a call waits for one of these places: most answers take less, and a call that is put off comes a second later.
const PLACE_WITHIN: Duration = Duration::from_millis(250);

/// One try of 20 s: Standard Webhooks asks for 15 to 30.
const POLICY: RetryPolicy = RetryPolicy {
    attempts: 1,
    first_delay: Duration::ZERO,
    longest_delay: Duration::ZERO,
    attempt_timeout: Duration::from_secs(20),
    longest_named_wait: Duration::ZERO,
};

/// What all endpoints share in a process: connections and circuits.
#[derive(Debug, Clone)]
pub struct Webhooks {
    outbound: Outbound,
}

/// What an endpoint answered.
#[derive(Debug, Clone)]
pub struct Answered {
    /// The HTTP status.
    pub status: u16,
    /// The headers, by name; what is no text is left out.
    pub headers: Vec<(String, String)>,
    /// The beginning of the body.
    pub body: Bytes,
    /// The wait that it named.
    pub retry_after: Option<Duration>,
}

impl Webhooks {
    /// The client of a process.
    ///
    /// # Errors
    /// No TLS.
    pub fn new(destinations: Destinations, breakers: Breakers) -> Result<Webhooks, SetupError> {
        Webhooks::with_patience(destinations, breakers, POLICY.attempt_timeout)
    }

    /// The same with another time for an answer.
    ///
    /// # Errors
    /// No TLS.
    pub fn with_patience(
        destinations: Destinations,
        breakers: Breakers,
        patience: Duration,
    ) -> Result<Webhooks, SetupError> {
        let policy = RetryPolicy { attempt_timeout: patience, ..POLICY };
        let outbound = Outbound::new(UPSTREAM, destinations, policy, breakers)?
            .reading_at_most(READ_BYTES)
            .limited_by(Concurrency::new(UPSTREAM, AT_ONCE, patience).waiting_for(PLACE_WITHIN));
        Ok(Webhooks { outbound })
    }

    /// The same with places that the whole cluster shares.
    pub fn sharing_pace(mut self, shared: Shared) -> Webhooks {
        self.outbound = self.outbound.sharing_pace(shared);
        self
    }

    /// Posts a body of JSON to an endpoint, whose circuit is known by `endpoint`, and takes any answer.
    ///
    /// # Errors
    /// No answer came, or the address may not be called, or the circuit is open, or as many requests are under way as may
    /// be.
    pub async fn post(
        &self,
        context: &CallContext,
        url: &str,
        endpoint: &str,
        headers: &[(&'static str, String)],
        body: Vec<u8>,
    ) -> Result<Answered, ClientError> {
        let answer = self.send(context, url, endpoint, headers, body, |_| Verdict::Accept).await?;
        let text = |value: &HeaderValue| value.to_str().ok().map(str::to_owned);
        Ok(Answered {
            status: answer.status.as_u16(),
            retry_after: named_wait(&answer.headers, SystemTime::now()),
            headers: answer
                .headers
                .iter()
                .filter_map(|(name, value)| Some((name.as_str().to_owned(), text(value)?)))
                .collect(),
            body: answer.body,
        })
    }

    /// The same for who wants it taken: the status, which is one of success.
    ///
    /// # Errors
    /// As for [`Webhooks::post`]; or the other side refused it, is broken, or asks for time.
    pub async fn call(
        &self,
        context: &CallContext,
        url: &str,
        endpoint: &str,
        headers: &[(&'static str, String)],
        body: Vec<u8>,
    ) -> Result<u16, ClientError> {
        let judge = |answer: &Answer| judge_status(answer.status);
        Ok(self.send(context, url, endpoint, headers, body, judge).await?.status.as_u16())
    }

    async fn send(
        &self,
        context: &CallContext,
        url: &str,
        endpoint: &str,
        headers: &[(&'static str, String)],
        body: Vec<u8>,
        judge: fn(&Answer) -> Verdict,
    ) -> Result<Answer, ClientError> {
        let forbidden = |problem| ClientError::ForbiddenAddress { upstream: UPSTREAM, problem };
        let url = Url::parse(url).map_err(|_| forbidden("it is not a URL"))?;
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            let mut value = HeaderValue::from_str(value).map_err(|_| ClientError::BadAnswer {
                upstream: UPSTREAM,
                problem: "a header of ours is no header",
            })?;
            value.set_sensitive(true);
            map.insert(HeaderName::from_static(name), value);
        }
        let request = Request {
            method: Method::POST,
            url,
            headers: map,
            body: Some(body.into()),
            repeat: Repeat::OnlyIfWithoutEffect,
        };
        self.outbound.clone().on_behalf_of(endpoint).send(context, &request, judge).await
    }
}
