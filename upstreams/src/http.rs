//! The one way out of the house: how every client sends a request.
//!
//! A call goes through the address check, the circuit breaker of its host (and tenant, where the client says so), the
//! account's pace and places, a bounded number of tries with full jitter between them, and the caller's deadline. A wait that does not fit is handed back as a value, so
//! that the job is rescheduled instead of holding a worker's slot. Redirects are not followed, proxies from
//! the environment are not used (they would undo the address check), and bodies are bounded.

mod exchange;
mod streamed;

use std::sync::Arc;
use std::time::{Duration, Instant as ClockInstant, SystemTime};

use bytes::Bytes;
use reqwest::header::HeaderMap;
use reqwest::{Method, StatusCode, Url};
use tokio::time::Instant;
use tracing::Instrument;

use super::addresses::{CheckedResolver, Destinations, Forbidden};
use super::breaker::{Breakers, Permit};
use super::concurrency::{Concurrency, Place};
use super::error::{ClientError, Effect, PauseReason, SetupError, TOO_LONG, Trouble};
use super::pacing::Pacer;
use super::pacing::shared::Shared;
use super::retry::{LONGEST_NAMED, full_jitter, named_wait, spread};
pub use super::retry::{RetryPolicy, Verdict, judge_status};
use exchange::ExchangeError;
pub use streamed::Streamed;

/// Longest answer that is read, in bytes. Twenty long messages are more than a megabyte.
pub const MAX_BODY_BYTES: usize = 8 * 1024 * 1024;

/// A call that has to wait longer for its account's turn is put off: it would hold a worker's slot for nothing.
const MOMENT: Duration = Duration::from_secs(1);

/// What is put off for its account's pace looks again after so long: the pace may be open sooner than was said.
const LOOK_AGAIN: Duration = Duration::from_secs(5 * 60);

/// What a call takes from the job that makes it.
#[derive(Debug, Clone)]
pub struct CallContext {
    /// When the caller stops waiting, all tries included.
    pub deadline: Instant,
    /// The W3C trace context to pass on, if there is one.
    pub traceparent: Option<String>,
}

/// An HTTP client bound to one upstream's policy. Cheap to clone; clones share connections and circuits.
#[derive(Debug, Clone)]
pub struct Outbound {
    upstream: &'static str,
    destinations: Destinations,
    policy: RetryPolicy,
    breakers: Breakers,
    pacer: Option<Pacer>,
    places: Option<Concurrency>,
    /// On whose behalf it calls: such callers have circuits and places of their own.
    behalf: Option<Arc<str>>,
    /// Whose pace it keeps, where that is not the host's.
    paced_as: Option<Arc<str>>,
    /// After so many bytes of an answer the rest is left; without it a longer one is an error.
    read_bytes: Option<usize>,
    http: reqwest::Client,
}

/// One request, repeatable.
pub struct Request {
    /// The method.
    pub method: Method,
    /// The whole URL; it never appears in logs or errors.
    pub url: Url,
    /// Headers, credentials included.
    pub headers: HeaderMap,
    /// A body; JSON unless the headers say otherwise.
    pub body: Option<Bytes>,
    /// Whether the policy may send it twice.
    pub repeat: Repeat,
}

/// Whether a request may be sent again when it is not known what became of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Repeat {
    /// A second one does no harm.
    Always,
    /// Only when the upstream certainly did nothing with the first.
    OnlyIfWithoutEffect,
}

/// A complete answer.
pub struct Answer {
    /// The HTTP status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body, at most `MAX_BODY_BYTES`.
    pub body: Bytes,
}

impl Outbound {
    /// Builds the client of one upstream. The process must have installed a TLS provider before.
    pub fn new(
        upstream: &'static str,
        destinations: Destinations,
        policy: RetryPolicy,
        breakers: Breakers,
    ) -> Result<Self, SetupError> {
        let http = reqwest::Client::builder()
            .user_agent(concat!("Deskwork/", env!("CARGO_PKG_VERSION")))
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .dns_resolver(CheckedResolver(destinations))
            .connect_timeout(Duration::from_secs(5))
            .pool_idle_timeout(Duration::from_secs(30))
            .pool_max_idle_per_host(8)
            .build()
            .map_err(SetupError::Tls)?;
        // There from the start: an alert on its growth does not see a counter that is born at 1.
        metrics::counter!("deskwork_upstream_requests_total", "upstream" => upstream, "outcome" => "circuit_open")
            .increment(0);
        metrics::counter!("deskwork_upstream_circuits_opened_total", "upstream" => upstream).increment(0);
        for reason in ["key", "spend_limit", "not_found"] {
            metrics::counter!("deskwork_upstream_refused_total", "upstream" => upstream, "reason" => reason)
                .increment(0);
        }
        Ok(Self {
            upstream,
            destinations,
            policy,
            breakers,
            pacer: None,
            places: None,
            behalf: None,
            paced_as: None,
            read_bytes: None,
            http,
        })
    }

    /// The same client with another policy, for callers that know better (and for tests).
    pub fn with_policy(mut self, policy: RetryPolicy) -> Self {
        self.policy = policy;
        self
    }

    /// The same client, whose every try is booked with `pacer` first. An account is known by its host.
    pub fn paced_by(mut self, pacer: Pacer) -> Self {
        self.pacer = Some(pacer);
        self
    }

    /// The same client with the cluster's rate buckets and places.
    pub fn sharing_pace(mut self, shared: Shared) -> Self {
        self.places = self.places.map(|places| places.shared_by(shared.clone()));
        self.pacer = self.pacer.map(|pacer| pacer.shared_by(shared));
        self
    }

    /// The same client, of which an account has so many calls at once.
    pub fn limited_by(mut self, places: Concurrency) -> Self {
        self.places = Some(places);
        self
    }

    /// The same client, whose calls wait so long for a place among those.
    pub fn waiting_for_a_place(mut self, patience: Duration) -> Self {
        self.places = self.places.map(|places| places.waiting_for(patience));
        self
    }

    /// The same client calling for this tenant (or another part that fails by itself): what fails for one opens no
    /// circuit for the others, where they share a host.
    pub fn on_behalf_of(mut self, tenant: &str) -> Self {
        self.behalf = Some(tenant.into());
        self
    }

    /// The same client keeping the pace of this account instead of its host's.
    pub fn paced_as(mut self, account: &str) -> Self {
        self.paced_as = Some(account.into());
        self
    }

    /// The same client, which leaves what is longer of an answer.
    pub fn reading_at_most(mut self, bytes: usize) -> Self {
        self.read_bytes = Some(bytes);
        self
    }

    /// The upstream's name, as it appears in errors and metrics.
    pub fn upstream(&self) -> &'static str {
        self.upstream
    }

    /// Checks and parses a base URL: `https`, or `http` to loopback where that is allowed.
    pub fn base_url(&self, text: &str) -> Result<Url, SetupError> {
        self.destinations
            .base_url(text)
            .map_err(|Forbidden(problem)| SetupError::BaseUrl { upstream: self.upstream, problem })
    }

    /// Sends a request until `judge` accepts an answer, or there is a reason to stop.
    pub async fn send(
        &self,
        context: &CallContext,
        request: &Request,
        judge: fn(&Answer) -> Verdict,
    ) -> Result<Answer, ClientError> {
        self.destinations.check_url(&request.url).map_err(|forbidden| self.forbidden(forbidden))?;
        let host = host_key(&request.url);
        let mut delays = self.policy.delays();
        for attempt in 1.. {
            let failure = match self.attempt(context, request, judge, &host, attempt).await? {
                Ok(answer) => return Ok(answer),
                Err(failure) => failure,
            };
            if failure.effect == Effect::Possible && request.repeat == Repeat::OnlyIfWithoutEffect {
                return Err(self.give_up(&failure));
            }
            let Some(cap) = delays.next() else { return Err(self.give_up(&failure)) };
            let wait = failure.named.map_or_else(|| full_jitter(cap), |(named, _)| named);
            if wait > self.policy.longest_named_wait.max(cap) || Instant::now() + wait >= context.deadline {
                return Err(self.give_up(&failure));
            }
            tokio::time::sleep(wait).await;
        }
        unreachable!("the loop ends when the delays do")
    }

    /// One try: the outer error ends the call, the inner one is worth another try.
    async fn attempt(
        &self,
        context: &CallContext,
        request: &Request,
        judge: fn(&Answer) -> Verdict,
        host: &str,
        attempt: usize,
    ) -> Result<Result<Answer, Failure>, ClientError> {
        let whose = self.whose(host);
        let permit = self.breakers.ask(&whose, ClockInstant::now()).map_err(|after| {
            self.count("circuit_open");
            ClientError::RetryAfter { upstream: self.upstream, after, reason: PauseReason::CircuitOpen }
        })?;
        let paced = self.paced_as.as_deref().unwrap_or(host);
        self.keep_pace(context, paced).await?;
        let _place = self.take_place(&whose).await?;
        let started = Instant::now();
        let left = context.deadline.saturating_duration_since(started);
        if left.is_zero() {
            return Err(ClientError::Deadline { upstream: self.upstream, effect: Effect::None });
        }
        let allowed = left.min(self.policy.attempt_timeout);
        let span = tracing::info_span!(
            "upstream_request",
            otel.kind = "client",
            upstream = self.upstream,
            http.request.method = %request.method,
            server.address = request.url.host_str(),
            attempt,
            http.response.status_code = tracing::field::Empty,
        );
        let outcome =
            tokio::time::timeout(allowed, self.exchange(context, request).instrument(span.clone())).await;
        metrics::histogram!("deskwork_upstream_request_seconds", "upstream" => self.upstream)
            .record(started.elapsed().as_secs_f64());

        let (trouble, effect) = match outcome {
            Ok(Ok(answer)) => {
                span.record("http.response.status_code", answer.status.as_u16());
                self.count(status_class(answer.status));
                if answer.status.is_server_error() {
                    self.failed(permit);
                } else {
                    permit.succeeded();
                }
                if let Some(pacer) = &self.pacer {
                    pacer.note(paced, &answer.headers).await;
                }
                let judged = self.judged(judge(&answer), answer)?;
                if let (Some(pacer), Err(Failure { named: Some((wait, PauseReason::RateLimited)), .. })) =
                    (&self.pacer, &judged)
                {
                    pacer.empty(paced, *wait).await;
                }
                return Ok(judged);
            }
            Ok(Err(ExchangeError::Forbidden(forbidden))) => {
                self.count("forbidden_address");
                return Err(self.forbidden(forbidden));
            }
            Ok(Err(ExchangeError::TooLarge)) => {
                self.count("too_large");
                permit.succeeded();
                return Err(ClientError::BadAnswer { upstream: self.upstream, problem: TOO_LONG });
            }
            Ok(Err(ExchangeError::NoConnection)) => (Trouble::NoConnection, Effect::None),
            Ok(Err(ExchangeError::Broken)) => (Trouble::Broken, Effect::Possible),
            Err(_) if left <= self.policy.attempt_timeout => {
                self.count("deadline");
                // A caller in a hurry proves nothing about the upstream; one that waited long enough does.
                if left >= self.policy.attempt_timeout / 2 {
                    self.failed(permit);
                }
                return Err(ClientError::Deadline { upstream: self.upstream, effect: Effect::Possible });
            }
            Err(_) => (Trouble::TimedOut, Effect::Possible),
        };
        self.failed(permit);
        self.count(match trouble {
            Trouble::NoConnection => "no_connection",
            Trouble::TimedOut => "timeout",
            _ => "broken",
        });
        Ok(Err(Failure { trouble, effect, named: None, busy: None }))
    }

    /// The name of the circuit and the places of a call.
    fn whose(&self, host: &str) -> String {
        format!("{} {host} {}", self.upstream, self.behalf.as_deref().unwrap_or_default())
    }

    /// Tells the circuit that the upstream did not do its part.
    fn failed(&self, permit: Permit) {
        if permit.failed(ClockInstant::now()) {
            metrics::counter!("deskwork_upstream_circuits_opened_total", "upstream" => self.upstream)
                .increment(1);
            tracing::warn!(
                upstream = self.upstream,
                "an upstream fails again and again and is left alone for a while"
            );
        }
    }

    /// Takes one of the account's places; where all are taken the call is put off for a moment.
    async fn take_place(&self, account: &str) -> Result<Option<Place>, ClientError> {
        let Some(places) = &self.places else { return Ok(None) };
        if let Some(place) = places.enter(account).await {
            return Ok(Some(place));
        }
        self.count("no_place");
        let after = MOMENT / 4 + full_jitter(MOMENT);
        Err(ClientError::RetryAfter { upstream: self.upstream, after, reason: PauseReason::RateLimited })
    }

    /// Waits for the account's turn, if that is a matter of a moment.
    async fn keep_pace(&self, context: &CallContext, host: &str) -> Result<(), ClientError> {
        let Some(pacer) = &self.pacer else { return Ok(()) };
        let left = context.deadline.saturating_duration_since(Instant::now());
        match pacer.book(host, left.min(MOMENT)).await {
            Ok(wait) => {
                if !wait.is_zero() {
                    tokio::time::sleep(wait).await;
                }
                Ok(())
            }
            Err(wait) => {
                self.count("put_off");
                let after = spread(wait.min(LOOK_AGAIN));
                Err(ClientError::RetryAfter {
                    upstream: self.upstream,
                    after,
                    reason: PauseReason::RateLimited,
                })
            }
        }
    }

    fn judged(&self, verdict: Verdict, answer: Answer) -> Result<Result<Answer, Failure>, ClientError> {
        let upstream = self.upstream;
        let status = answer.status.as_u16();
        match verdict {
            Verdict::Accept => Ok(Ok(answer)),
            Verdict::Unauthorised => {
                self.refused("key");
                Err(ClientError::Unauthorised { upstream, status })
            }
            Verdict::SpendLimit => {
                self.refused("spend_limit");
                Err(ClientError::SpendLimit { upstream })
            }
            Verdict::Refuse { code } => {
                self.refused(if status == 404 { "not_found" } else { "request" });
                Err(ClientError::Rejected { upstream, status, code })
            }
            Verdict::Again | Verdict::Busy => {
                Ok(Err(Failure::told(answer.status, &answer.headers, verdict == Verdict::Busy)))
            }
        }
    }

    /// The error after the last try, or when the next one would come too late.
    fn give_up(&self, failure: &Failure) -> ClientError {
        let (upstream, effect) = (self.upstream, failure.effect);
        match (failure.named, failure.busy) {
            (Some((after, reason)), _) => ClientError::RetryAfter { upstream, after, reason },
            (None, Some(reason)) => ClientError::Busy { upstream, reason, effect },
            (None, None) => ClientError::Unavailable { upstream, cause: failure.trouble, effect },
        }
    }

    /// Counts a refusal that the same request would meet again.
    fn refused(&self, reason: &'static str) {
        metrics::counter!("deskwork_upstream_refused_total", "upstream" => self.upstream, "reason" => reason)
            .increment(1);
    }

    fn forbidden(&self, forbidden: Forbidden) -> ClientError {
        ClientError::ForbiddenAddress { upstream: self.upstream, problem: forbidden.0 }
    }

    fn count(&self, outcome: &'static str) {
        metrics::counter!("deskwork_upstream_requests_total", "upstream" => self.upstream, "outcome" => outcome)
            .increment(1);
    }
}

/// Appends path segments to a base URL; each is encoded, so none can leave its place.
pub fn url_under(base: &Url, segments: &[&str]) -> Url {
    let mut url = base.clone();
    url.set_query(None);
    url.set_fragment(None);
    if let Ok(mut path) = url.path_segments_mut() {
        path.pop_if_empty().extend(segments);
    }
    url
}

/// The key under which circuits and rate buckets are kept: host and port.
pub fn host_key(url: &Url) -> String {
    format!("{}:{}", url.host_str().unwrap_or_default(), url.port_or_known_default().unwrap_or_default())
}

/// A try that is worth another.
struct Failure {
    trouble: Trouble,
    effect: Effect,
    /// The wait that the upstream named.
    named: Option<(Duration, PauseReason)>,
    /// What is short, when it is no failure but a lack of room.
    busy: Option<PauseReason>,
}

impl Failure {
    /// What the status and the headers of an answer tell that is no success.
    fn told(status: StatusCode, headers: &HeaderMap, is_busy: bool) -> Failure {
        let busy = is_busy.then_some(if status == StatusCode::TOO_MANY_REQUESTS {
            PauseReason::RateLimited
        } else {
            PauseReason::Overloaded
        });
        let reason = busy.unwrap_or(PauseReason::AskedToWait);
        Failure {
            trouble: Trouble::Status(status.as_u16()),
            effect: if status.as_u16() >= 500 { Effect::Possible } else { Effect::None },
            named: named_wait(headers, SystemTime::now()).map(|wait| (wait.min(LONGEST_NAMED), reason)),
            busy,
        }
    }
}

fn status_class(status: StatusCode) -> &'static str {
    match status.as_u16() {
        429 => "429",
        200..=299 => "2xx",
        300..=399 => "3xx",
        400..=499 => "4xx",
        _ => "5xx",
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// A segment, whatever is in it, stays one segment below the base.
        #[test]
        fn segments_cannot_leave_the_base(segment in ".{0,30}") {
            let base = Url::parse("https://shop.gorgias.com/api/?x=1").expect("a URL");
            let url = url_under(&base, &["tickets", &segment, "messages"]);
            prop_assert_eq!(url.host_str(), Some("shop.gorgias.com"));
            prop_assert_eq!(url.query(), None);
            prop_assert!(url.path().starts_with("/api/tickets/"));
        }
    }
}
