//! Outcomes that the ledger refuses: a right is missing, a table is not there at the moment, a rule of the schema speaks
//! against them. They stay held, so that nobody else runs the jobs, and are written again every two seconds until the
//! ledger takes them. Of a ledger that was restored meanwhile they learn in the same way that it does not know them.

use std::{collections::VecDeque, time::Duration};

use database::DbError;
use jobs::{
    QueueError,
    ledger::{Ending, Failure},
};
use tokio::time::{Instant, sleep_until};

use super::{
    Shared,
    completer::{Waiting, settle},
    keep::Keep,
};

const AGAIN_EVERY: Duration = Duration::from_secs(2);

/// So many refusals end a round; the next one begins with others.
const REFUSALS: usize = 20;

/// How many of them the process holds.
const HELD: &str = "deskwork_outcomes_refused";

/// What a writer holds of them.
#[derive(Default)]
pub(super) struct Refused {
    waiting: VecDeque<Waiting>,
    due: Option<Instant>,
}

impl Refused {
    /// Holds more of them.
    pub(super) fn keep(&mut self, refused: Vec<(Waiting, QueueError)>) {
        let Some((_, error)) = refused.first() else { return };
        if self.waiting.is_empty() {
            tracing::error!(
                %error,
                jobs = refused.len(),
                "the ledger refuses what came of jobs; they stay held, and it is written again every {} s until it is taken",
                AGAIN_EVERY.as_secs()
            );
        }
        metrics::gauge!(HELD).increment(refused.len() as f64);
        self.waiting.extend(refused.into_iter().map(|(waiting, _)| waiting));
        self.due.get_or_insert_with(|| Instant::now() + AGAIN_EVERY);
    }

    /// Resolves when it is time to write them again; never when there are none.
    pub(super) fn due(&self) -> impl Future<Output = ()> + use<> {
        let due = self.due;
        async move {
            match due {
                Some(due) => sleep_until(due).await,
                None => std::future::pending().await,
            }
        }
    }

    /// Writes them again, each alone, so that none holds up another.
    pub(super) async fn write_again(&mut self, shared: &Shared, ledger: &mut Keep) {
        let (held, mut refusals) = (self.waiting.len(), 0);
        for _ in 0..self.waiting.len() {
            if refusals == REFUSALS {
                break;
            }
            let Some(next) = self.waiting.pop_front() else { break };
            let refused = settle(shared, ledger, vec![next]).await;
            refusals += refused.len();
            self.waiting.extend(refused.into_iter().map(|(waiting, _)| waiting));
        }
        metrics::gauge!(HELD).decrement((held - self.waiting.len()) as f64);
        if self.waiting.is_empty() {
            tracing::info!("the ledger has taken everything that it refused");
            self.due = None;
        } else {
            self.due = Some(Instant::now() + AGAIN_EVERY);
        }
    }
}

/// What may be written instead of an outcome that was refused for this error: what somebody wants of the job, or that its
/// outcome cannot be stored when that is what is wrong. None while the ledger is what is wrong: the outcome stands.
pub(super) fn instead(error: &QueueError, wants_cancelled: Option<String>) -> Option<Ending> {
    if let Some(reason) = wants_cancelled {
        return Some(Ending::Cancelled { reason });
    }
    is_of_the_outcome(error)
        .then(|| Ending::Dead { failure: Failure::new("unwritable_outcome", &error.to_string()) })
}

/// Whether these data can never be written.
fn is_of_the_outcome(error: &QueueError) -> bool {
    match error {
        QueueError::Ledger(DbError::Other(error)) => {
            // 22: data that Postgres does not store; 54: beyond its limits. Without a code they never reached it.
            let code = error.as_database_error().and_then(|error| error.code());
            code.is_none_or(|code| code.starts_with("22") || code.starts_with("54"))
        }
        QueueError::Ledger(error) => matches!(error, DbError::Constraint { .. }),
        error => !error.is_unavailable(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outcome_stands_unless_it_can_never_be_written_or_somebody_wants_another() {
        let constraint = || QueueError::from(DbError::Constraint { name: "attempt_is_positive".to_owned() });
        assert!(matches!(instead(&constraint(), None), Some(Ending::Dead { .. })));
        let wanted = instead(&constraint(), Some("no use".to_owned()));
        assert!(matches!(wanted, Some(Ending::Cancelled { reason }) if reason == "no use"));
        let away = QueueError::from(sqlx::Error::PoolTimedOut);
        assert!(instead(&away, None).is_none());
        let too_large = QueueError::PayloadTooLarge { size_bytes: 1 };
        assert!(matches!(instead(&too_large, None), Some(Ending::Dead { .. })));
    }
}
