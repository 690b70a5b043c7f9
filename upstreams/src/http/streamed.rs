//! Answers that are read piece by piece: files that are larger than memory should be.

use std::time::{Duration, Instant as ClockInstant};

use bytes::Bytes;
use reqwest::header::HeaderMap;
use reqwest::{StatusCode, Url};
use tokio::time::Instant;

use super::exchange::ExchangeError;
use super::{CallContext, Failure, Outbound, Verdict, host_key, judge_status, status_class};
use crate::error::{ClientError, Effect, PauseReason, Trouble};

/// An answer that is read piece by piece.
pub struct Streamed {
    /// The HTTP status, a success.
    pub status: StatusCode,
    upstream: &'static str,
    response: reqwest::Response,
}

impl Streamed {
    /// The answer's headers.
    pub fn headers(&self) -> &HeaderMap {
        self.response.headers()
    }

    /// The next bytes; none at the end.
    ///
    /// # Errors
    /// The connection broke, or nothing came for so long.
    pub async fn next(&mut self, silent_for: Duration) -> Result<Option<Bytes>, ClientError> {
        let trouble = match tokio::time::timeout(silent_for, self.response.chunk()).await {
            Ok(Ok(piece)) => return Ok(piece),
            Ok(Err(_)) => Trouble::Broken,
            Err(_) => Trouble::TimedOut,
        };
        Err(ClientError::Unavailable { upstream: self.upstream, cause: trouble, effect: Effect::None })
    }
}

impl Outbound {
    /// Begins to read what lies at an address, once: whoever reads it goes on from where it broke off.
    ///
    /// # Errors
    /// As for [`Outbound::send`], by the status alone.
    pub async fn open(
        &self,
        context: &CallContext,
        url: Url,
        headers: HeaderMap,
    ) -> Result<Streamed, ClientError> {
        self.destinations.check_url(&url).map_err(|forbidden| self.forbidden(forbidden))?;
        let permit =
            self.breakers.ask(&self.whose(&host_key(&url)), ClockInstant::now()).map_err(|after| {
                self.count("circuit_open");
                ClientError::RetryAfter { upstream: self.upstream, after, reason: PauseReason::CircuitOpen }
            })?;
        let left =
            context.deadline.saturating_duration_since(Instant::now()).min(self.policy.attempt_timeout);
        let sent = tokio::time::timeout(left, self.http.get(url).headers(headers).send()).await;
        let trouble = match sent {
            Ok(Ok(response)) => {
                let status = response.status();
                self.count(status_class(status));
                if status.is_server_error() {
                    self.failed(permit)
                } else {
                    permit.succeeded()
                }
                return match judge_status(status) {
                    Verdict::Accept => Ok(Streamed { status, upstream: self.upstream, response }),
                    Verdict::Unauthorised => {
                        Err(ClientError::Unauthorised { upstream: self.upstream, status: status.as_u16() })
                    }
                    verdict @ (Verdict::Again | Verdict::Busy | Verdict::SpendLimit) => {
                        let told = Failure::told(status, response.headers(), verdict == Verdict::Busy);
                        // Reading leaves nothing behind.
                        Err(self.give_up(&Failure { effect: Effect::None, ..told }))
                    }
                    Verdict::Refuse { code } => {
                        Err(ClientError::Rejected { upstream: self.upstream, status: status.as_u16(), code })
                    }
                };
            }
            Ok(Err(error)) => match ExchangeError::of(&error) {
                ExchangeError::Forbidden(forbidden) => {
                    self.count("forbidden_address");
                    return Err(self.forbidden(forbidden));
                }
                ExchangeError::NoConnection => Trouble::NoConnection,
                _ => Trouble::Broken,
            },
            Err(_) => Trouble::TimedOut,
        };
        self.failed(permit);
        self.count(if trouble == Trouble::NoConnection { "no_connection" } else { "broken" });
        Err(ClientError::Unavailable { upstream: self.upstream, cause: trouble, effect: Effect::None })
    }
}
