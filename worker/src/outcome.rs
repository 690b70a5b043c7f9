//! What a handler answers: it succeeded, or why it stops. Retrying, snoozing and cancelling are
//! values that the runtime understands, not texts that it guesses from.

use std::time::Duration;

use database::DbError;
use jobs::{NewJob, QueueError, ledger::Failure};
use support::assignment::AssignError;
use support::tickets::TicketError;

use upstreams::ClientError;

/// A handler's answer.
pub type Outcome<T> = Result<Success<T>, Stop>;

/// It succeeded.
#[derive(Debug)]
pub struct Success<T> {
    /// What the job leaves behind.
    pub output: T,
    /// Jobs that follow; they are enqueued together with the completion, or not at all.
    pub then: Vec<NewJob>,
}

/// The job is done and this is what it leaves behind.
pub fn done<T>(output: T) -> Outcome<T> {
    Ok(Success { output, then: Vec::new() })
}

/// The job is done, and these follow.
pub fn done_then<T>(output: T, then: Vec<NewJob>) -> Outcome<T> {
    Ok(Success { output, then })
}

/// Why a handler stops before it succeeded.
#[derive(Debug)]
pub enum Stop {
    /// Come back after this time; no attempt is counted.
    Snooze(Duration),
    /// It needs something that is not there now: the database, a connection of our own, an upstream that named a
    /// time; or it gave way to another transaction ([`DbError::is_collision`]). No attempt is counted, for that is no
    /// failure of its own; it comes back after the given time or one that grows with the wait, and fails when it has
    /// waited for [`LONGEST_WAIT`].
    Wait {
        /// What is missing.
        failure: Failure,
        /// When the other side named a time.
        after: Option<Duration>,
    },
    /// There is no point any more: the subject is gone, or somebody cancelled the job.
    Cancel(String),
    /// It failed, and may succeed later: after the given time, or after the kind's backoff.
    Retry {
        /// What failed.
        failure: Failure,
        /// When the other side named a time.
        after: Option<Duration>,
    },
    /// It failed, and would fail again.
    Fail(Failure),
}

/// How long a job waits at most for something that is not there, from its first wait; what the other side named last is
/// waited for to its end.
pub const LONGEST_WAIT: Duration = Duration::from_secs(24 * 3600);

impl Stop {
    /// Something is missing that will be there again.
    pub fn wait(class: &str, message: &str) -> Stop {
        Stop::Wait { failure: Failure::new(class, message), after: None }
    }

    /// Another run is having the effect that this one is for.
    pub fn under_way() -> Stop {
        const COME_BACK: Duration = Duration::from_secs(3);
        let failure = Failure::new("effect_under_way", "another run is having this effect at the moment");
        Stop::Wait { failure, after: Some(COME_BACK) }
    }

    /// Whether our own database was in the way, so that what was done before that may not be noted.
    pub fn is_of_database(&self) -> bool {
        matches!(self, Stop::Wait { failure, .. } if [UNAVAILABLE, CONFLICT, CONTENDED].contains(&failure.class.as_str()))
    }

    /// A failure that may pass.
    pub fn retry(class: &str, message: &str) -> Stop {
        Stop::Retry { failure: Failure::new(class, message), after: None }
    }

    /// A failure that will not pass.
    pub fn fail(class: &str, message: &str) -> Stop {
        Stop::Fail(Failure::new(class, message))
    }
}

/// The database is away.
pub(crate) const UNAVAILABLE: &str = "database_unavailable";

/// Another transaction was in the way.
const CONFLICT: &str = "database_conflict";

/// Other jobs with the same key came and went in the same moment.
const CONTENDED: &str = "queue_contended";

impl From<DbError> for Stop {
    fn from(error: DbError) -> Stop {
        let message = error.to_string();
        if error.is_unavailable() {
            Stop::wait(UNAVAILABLE, &message)
        } else if error.is_collision() {
            Stop::wait(CONFLICT, &message)
        } else {
            Stop::retry(if error.is_transient() { "database_slow" } else { "database" }, &message)
        }
    }
}

impl From<sqlx::Error> for Stop {
    fn from(error: sqlx::Error) -> Stop {
        DbError::from(error).into()
    }
}

impl From<QueueError> for Stop {
    fn from(error: QueueError) -> Stop {
        match error {
            QueueError::Ledger(error) => error.into(),
            QueueError::Dispatch(_) => Stop::wait("queue_unavailable", &error.to_string()),
            QueueError::Contended { .. } | QueueError::Unsettled(_) => {
                Stop::wait(CONTENDED, &error.to_string())
            }
            error => Stop::fail("queue", &error.to_string()),
        }
    }
}

impl From<TicketError> for Stop {
    fn from(error: TicketError) -> Stop {
        match error {
            TicketError::Db(error) => error.into(),
            TicketError::Queue(error) => error.into(),
            TicketError::BeingMerged => Stop::wait(CONFLICT, &error.to_string()),
            other => Stop::fail("ticket", &other.to_string()),
        }
    }
}

impl From<AssignError> for Stop {
    fn from(error: AssignError) -> Stop {
        match error {
            AssignError::Queue(error) => error.into(),
            AssignError::NoTicket | AssignError::NoAgent => Stop::Cancel(error.to_string()),
            error => Stop::fail("assignment", &error.to_string()),
        }
    }
}

impl From<ClientError> for Stop {
    fn from(error: ClientError) -> Stop {
        let message = error.to_string();
        match error {
            ClientError::RetryAfter { after, .. } => {
                Stop::Wait { failure: Failure::new("upstream_busy", &message), after: Some(after) }
            }
            ClientError::Busy { .. } => Stop::wait("upstream_busy", &message),
            ClientError::Unavailable { .. } | ClientError::Deadline { .. } => {
                Stop::retry("upstream_unavailable", &message)
            }
            ClientError::BadAnswer { .. } => Stop::retry("upstream_bad_answer", &message),
            ClientError::Rejected { .. } | ClientError::NoModel { .. } => {
                Stop::fail("upstream_rejected", &message)
            }
            ClientError::Unauthorised { .. } => Stop::fail("upstream_unauthorised", &message),
            ClientError::SpendLimit { .. } => Stop::fail("upstream_spend_limit", &message),
            other => Stop::fail("upstream", &other.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use upstreams::error::{Effect, PauseReason, Trouble};
    use upstreams::files::FilesError;

    use super::*;

    const UPSTREAM: &str = "gorgias";

    /// What a stop costs the job, its class, and the time that it names.
    fn told(stop: Stop) -> (&'static str, String, Option<Duration>) {
        match stop {
            Stop::Wait { failure, after } => ("nothing", failure.class, after),
            Stop::Retry { failure, after } => ("an attempt", failure.class, after),
            Stop::Fail(failure) => ("its life", failure.class, None),
            Stop::Snooze(_) | Stop::Cancel(_) => panic!("no error asks for that"),
        }
    }

    #[test]
    fn a_wait_that_the_other_side_or_our_own_circuit_names_costs_nothing() {
        let after = Duration::from_secs(7);
        for reason in [
            PauseReason::RateLimited,
            PauseReason::AskedToWait,
            PauseReason::Overloaded,
            PauseReason::CircuitOpen,
        ] {
            let named = ClientError::RetryAfter { upstream: UPSTREAM, after, reason };
            assert_eq!(told(named.into()), ("nothing", "upstream_busy".to_owned(), Some(after)), "{reason}");
            let unnamed = ClientError::Busy { upstream: UPSTREAM, reason, effect: Effect::Possible };
            assert_eq!(told(unnamed.into()), ("nothing", "upstream_busy".to_owned(), None), "{reason}");
        }
    }

    #[test]
    fn what_fails_costs_an_attempt_and_what_is_refused_ends_the_job() {
        let effect = Effect::None;
        let cause = Trouble::NoConnection;
        for (error, cost, class) in [
            (
                ClientError::Unavailable { upstream: UPSTREAM, cause, effect },
                "an attempt",
                "upstream_unavailable",
            ),
            (ClientError::Deadline { upstream: UPSTREAM, effect }, "an attempt", "upstream_unavailable"),
            (
                ClientError::BadAnswer { upstream: UPSTREAM, problem: "no JSON" },
                "an attempt",
                "upstream_bad_answer",
            ),
            (
                ClientError::Rejected { upstream: UPSTREAM, status: 404, code: "none".to_owned() },
                "its life",
                "upstream_rejected",
            ),
            (
                ClientError::Unauthorised { upstream: UPSTREAM, status: 401 },
                "its life",
                "upstream_unauthorised",
            ),
            (ClientError::SpendLimit { upstream: UPSTREAM }, "its life", "upstream_spend_limit"),
        ] {
            assert_eq!(told(error.into()), (cost, class.to_owned(), None));
        }
    }

    #[test]
    fn a_run_that_met_our_own_database_may_not_have_noted_what_it_did() {
        let db = Stop::from(sqlx::Error::PoolTimedOut);
        let contended = Stop::from(QueueError::Contended { kind: "probe" });
        assert!(db.is_of_database() && contended.is_of_database());
        let busy =
            ClientError::Busy { upstream: UPSTREAM, reason: PauseReason::Overloaded, effect: Effect::None };
        assert!(!Stop::from(busy).is_of_database());
    }

    #[test]
    fn what_is_short_in_our_own_house_costs_nothing() {
        let redis = std::io::Error::from(std::io::ErrorKind::ConnectionRefused);
        for (stop, class) in [
            // A full pool.
            (Stop::from(sqlx::Error::PoolTimedOut), UNAVAILABLE),
            (Stop::from(sqlx::Error::Io(std::io::ErrorKind::ConnectionReset.into())), UNAVAILABLE),
            (QueueError::from(sqlx::Error::PoolTimedOut).into(), UNAVAILABLE),
            (QueueError::Dispatch(redis.into()).into(), "queue_unavailable"),
            (QueueError::Contended { kind: "probe" }.into(), CONTENDED),
            (QueueError::Unsettled(uuid::Uuid::nil()).into(), CONTENDED),
            (FilesError::Store("it answered 503".to_owned()).into(), "files_away"),
            (FilesError::Full.into(), "files_away"),
            (Stop::under_way(), "effect_under_way"),
        ] {
            let (cost, told, _) = told(stop);
            assert_eq!((cost, told.as_str()), ("nothing", class));
        }
    }
}
