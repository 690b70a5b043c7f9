//! What can go wrong with a call to an upstream, in the terms a handler decides by.
//!
//! Each variant stands for one outcome of the job, so mapping is a plain `match`. The texts are readable
//! alone in a log or a dead letter; none of them carries a body, a URL's query or a credential.

use std::time::Duration;

use thiserror::Error;

/// A failed call. `upstream` is the client's fixed name, for example `gorgias`.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ClientError {
    /// Come back later: the upstream named a time, or its circuit is open. Reschedule the job, keep no slot.
    #[error("{upstream} cannot be called for another {} ms: {reason}", after.as_millis())]
    RetryAfter {
        /// The upstream's name.
        upstream: &'static str,
        /// How long to stay away.
        after: Duration,
        /// Who asked for the pause.
        reason: PauseReason,
    },
    /// The upstream has no room for the request (its rate limit, an overload) and named no time. Reschedule the job
    /// as for `RetryAfter`: nothing was wrong with it.
    #[error("{upstream} has no room at the moment and does not say until when: {reason}")]
    Busy {
        /// The upstream's name.
        upstream: &'static str,
        /// What is short.
        reason: PauseReason,
        /// Whether the upstream may have carried out the request all the same.
        effect: Effect,
    },
    /// The upstream did not give a usable answer in several tries. Retry the job with its own backoff.
    #[error("{upstream} is not available: {cause}")]
    Unavailable {
        /// The upstream's name.
        upstream: &'static str,
        /// What the last try met.
        cause: Trouble,
        /// Whether the upstream may have carried out the request all the same.
        effect: Effect,
    },
    /// The upstream refused the request itself; the same request will be refused again.
    #[error("{upstream} refused the request with status {status}{}", in_brackets(.code))]
    Rejected {
        /// The upstream's name.
        upstream: &'static str,
        /// The HTTP status.
        status: u16,
        /// The upstream's own error code, or `none`.
        code: String,
    },
    /// The upstream knows no model of this name, or nothing is at its address.
    #[error(
        "{upstream} has no model {model} (status 404); set ANTHROPIC_MODEL to one that the key may use, and see that ANTHROPIC_BASE_URL is right if it is set"
    )]
    NoModel {
        /// The upstream's name.
        upstream: &'static str,
        /// The model that was asked for.
        model: String,
    },
    /// The credential is missing, wrong, or lacks a permission.
    #[error("{upstream} did not accept the credential (status {status}); check the key and its permissions")]
    Unauthorised {
        /// The upstream's name.
        upstream: &'static str,
        /// The HTTP status, 401 or 403.
        status: u16,
    },
    /// The account's spend limit is reached; retrying costs attempts and changes nothing.
    #[error(
        "{upstream} has reached its spend limit; raise the limit in its console or wait for the next billing period, then retry the dead jobs"
    )]
    SpendLimit {
        /// The upstream's name.
        upstream: &'static str,
    },
    /// The caller's deadline passed.
    #[error("the deadline passed while {upstream} was being called")]
    Deadline {
        /// The upstream's name.
        upstream: &'static str,
        /// Whether the upstream may have carried out the request all the same.
        effect: Effect,
    },
    /// The upstream answered with success, but not with what its contract says.
    #[error("{upstream} gave an answer that cannot be used: {problem}")]
    BadAnswer {
        /// The upstream's name.
        upstream: &'static str,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// The address is one that this process must not call.
    #[error("{upstream} must not be called at this address: {problem}")]
    ForbiddenAddress {
        /// The upstream's name.
        upstream: &'static str,
        /// Which rule forbids it.
        problem: &'static str,
    },
}

/// The upstream's own code, where it gave one.
fn in_brackets(code: &str) -> String {
    if code == "none" { String::new() } else { format!(" ({code})") }
}

/// The problem of an answer of which more came than is read.
pub(crate) const TOO_LONG: &str = "it is longer than 8 MiB";

/// The code of a refusal because the prompt is longer than the model reads.
pub(crate) const PROMPT_TOO_LONG: &str = "prompt_too_long";

impl ClientError {
    /// Whether a model was given more than it reads; asked with less, it may answer.
    pub fn is_prompt_too_long(&self) -> bool {
        matches!(self, Self::Rejected { code, .. } if code == PROMPT_TOO_LONG)
    }

    /// Whether more came than is read of an answer; asked for less, the upstream may do better.
    pub fn is_too_long(&self) -> bool {
        matches!(self, Self::BadAnswer { problem, .. } if *problem == TOO_LONG)
    }

    /// Whether the upstream may have carried out the request although no success was seen. A caller with an
    /// effect that must not happen twice looks it up before it asks again.
    pub fn may_have_taken_effect(&self) -> bool {
        match self {
            Self::Unavailable { effect, .. } | Self::Busy { effect, .. } | Self::Deadline { effect, .. } => {
                *effect == Effect::Possible
            }
            // It came with an answer that may be a server's error.
            Self::RetryAfter { reason: PauseReason::AskedToWait | PauseReason::Overloaded, .. }
            | Self::BadAnswer { .. } => true,
            _ => false,
        }
    }
}

/// Whether a failed request can have had its effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// It never reached the upstream, or the upstream said that it did nothing.
    None,
    /// It was sent, and what became of it is not known.
    Possible,
}

/// Why a call has to wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum PauseReason {
    /// The upstream sent Retry-After, or its published allowance is used up.
    #[error("its rate limit is used up")]
    RateLimited,
    /// The upstream said that it is down for a while.
    #[error("it asked to be left alone")]
    AskedToWait,
    /// The upstream has too much to do for everybody.
    #[error("it is overloaded")]
    Overloaded,
    /// Our circuit breaker is open after repeated failures.
    #[error("it failed repeatedly, and its circuit is open")]
    CircuitOpen,
}

/// What a single try met.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Trouble {
    /// No connection could be made, the name included.
    #[error("no connection")]
    NoConnection,
    /// The connection broke before the answer was complete.
    #[error("the connection broke")]
    Broken,
    /// One try took longer than the policy allows.
    #[error("no answer in time")]
    TimedOut,
    /// An answer that asks for another try.
    #[error("status {0}")]
    Status(u16),
}

/// A client that cannot be built; the process or the tenant's integration is misconfigured.
#[derive(Debug, Error)]
pub enum SetupError {
    /// The base URL cannot be used.
    #[error("the base URL of {upstream} is not usable: {problem}")]
    BaseUrl {
        /// The upstream's name.
        upstream: &'static str,
        /// Which rule it breaks.
        problem: &'static str,
    },
    /// A credential or setting that cannot be sent in a header.
    #[error("the {setting} of {upstream} is empty or has characters that a header cannot carry")]
    Header {
        /// The upstream's name.
        upstream: &'static str,
        /// The setting's name.
        setting: &'static str,
    },
    /// The HTTP client could not start, usually because the machine has no CA certificates.
    #[error("the HTTPS client cannot start (are CA certificates installed?)")]
    Tls(#[source] reqwest::Error),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_readable_alone() {
        let pause = ClientError::RetryAfter {
            upstream: "gorgias",
            after: Duration::from_millis(1500),
            reason: PauseReason::CircuitOpen,
        };
        assert_eq!(
            pause.to_string(),
            "gorgias cannot be called for another 1500 ms: it failed repeatedly, and its circuit is open"
        );
        let down = ClientError::Unavailable {
            upstream: "anthropic",
            cause: Trouble::Status(529),
            effect: Effect::Possible,
        };
        assert_eq!(down.to_string(), "anthropic is not available: status 529");
        assert!(down.may_have_taken_effect());
    }
}
