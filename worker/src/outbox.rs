//! Hands events out of the outbox beside the jobs: whichever worker sees one first does it, and the others find nothing. A
//! statement waits for them in the database, which looks ten times a second, at an index of a table that is empty.

use std::time::{Duration, Instant};

use jobs::{Dispatch, QueueError, Store, clock};
use outbound::pump;
use tracing::instrument::WithSubscriber;

/// How long a statement waits for an event: far less than an answer of the ledger may take.
const WAITS_FOR: Duration = Duration::from_secs(3);

/// Between handing out and waiting for more, so that a batch comes together, and who found another at it does not ask in vain.
const PAUSE: Duration = Duration::from_millis(100);

/// After a failure the database is left alone for a moment.
const REST: Duration = Duration::from_secs(1);

/// How often deliveries whose jobs may be gone are looked for, and what is old is removed.
const TEND_EVERY: Duration = Duration::from_secs(60);

/// Batches of old rows that are removed at once.
const PRUNED_BATCHES: usize = 10;

/// Hands events out until it is dropped.
pub async fn run(store: Store, dispatch: Dispatch) {
    // Workers that were started together do not tend together.
    let mut tend_at = Instant::now() + TEND_EVERY.mul_f64(rand::random());
    loop {
        let done = async {
            if is_event_there(&store).await? {
                hand_out(&store, &dispatch).await?;
                tokio::time::sleep(PAUSE).await;
            }
            if Instant::now() >= tend_at {
                tend(&store, &dispatch).await?;
                tend_at = Instant::now() + TEND_EVERY;
            }
            Ok::<(), QueueError>(())
        };
        if let Err(error) = done.await {
            tracing::debug!(%error, "events could not be handed out; they stay in the outbox");
            tokio::time::sleep(REST).await;
        }
    }
}

/// Hands out everything that lies in the outbox.
///
/// # Errors
/// The ledger failed; what was handed out before stays so.
pub async fn hand_out(store: &Store, dispatch: &Dispatch) -> Result<(), QueueError> {
    loop {
        let step = async { pump::hand_out(&mut *store.pool().acquire().await?).await };
        let (jobs, announcement) = store.answers(step).await?;
        dispatch.announce(announcement);
        if jobs < usize::try_from(pump::BATCH).unwrap_or(usize::MAX) {
            return Ok(());
        }
    }
}

/// Waits for an event; false when none came for a while. It is a wait on purpose, so nothing is logged of a slow statement.
async fn is_event_there(store: &Store) -> Result<bool, QueueError> {
    let wait = async {
        let mut conn = store.pool().acquire().await?;
        pump::await_event(&mut conn, WAITS_FOR).with_subscriber(tracing::Dispatch::none()).await
    };
    store.answers(wait).await
}

async fn tend(store: &Store, dispatch: &Dispatch) -> Result<(), QueueError> {
    let look = async { pump::look_after_overdue(&mut *store.pool().acquire().await?).await };
    let (revived, announcement) = store.answers(look).await?;
    dispatch.announce(announcement);
    if revived > 0 {
        tracing::warn!(revived, "jobs of webhook deliveries were gone and were asked for anew");
    }
    for _ in 0..PRUNED_BATCHES {
        let prune = async {
            let mut conn = store.pool().acquire().await?;
            let now = clock::now(&mut conn).await?;
            pump::prune(&mut conn, now).await
        };
        if !store.answers_slowly(prune).await? {
            break;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::{
        fmt::Debug,
        sync::{Arc, Mutex},
    };

    use migrations::testing::fresh_database;
    use tracing::{
        Event, Level, Metadata, Subscriber,
        field::{Field, Visit},
        span::{Attributes, Id, Record},
    };

    use super::*;

    /// The beginnings of the statements of which the client of the database warns.
    #[derive(Clone, Default)]
    struct Warnings(Arc<Mutex<Vec<String>>>);

    impl Warnings {
        fn of(&self, words: &str) -> usize {
            let told = self.0.lock().expect("nobody panics");
            told.iter().filter(|summary| summary.contains(words)).count()
        }
    }

    impl Visit for Warnings {
        fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
            if field.name() == "summary" {
                self.0.lock().expect("nobody panics").push(format!("{value:?}"));
            }
        }
    }

    impl Subscriber for Warnings {
        fn enabled(&self, metadata: &Metadata<'_>) -> bool {
            metadata.target() == "sqlx::query" && *metadata.level() == Level::WARN
        }

        fn new_span(&self, _: &Attributes<'_>) -> Id {
            Id::from_u64(1)
        }

        fn record(&self, _: &Id, _: &Record<'_>) {}

        fn record_follows_from(&self, _: &Id, _: &Id) {}

        fn event(&self, event: &Event<'_>) {
            event.record(&mut self.clone());
        }

        fn enter(&self, _: &Id) {}

        fn exit(&self, _: &Id) {}
    }

    #[tokio::test]
    async fn to_wait_for_events_is_no_slow_statement() {
        boot::install_tls();
        let database = fresh_database().await;
        let store = Store::connect(&database.url_for("desk_worker"), 2).expect("the test database's URL");
        let warnings = Warnings::default();
        // The same statement, as whatever else takes so long is told of.
        let step = async { pump::await_event(&mut *store.pool().acquire().await?, WAITS_FOR).await };
        let heard: Result<bool, QueueError> = step.with_subscriber(warnings.clone()).await;
        assert!(!heard.expect("the ledger"), "there is no event");
        assert_eq!(warnings.of("outbound.await_event"), 1);

        let heard = is_event_there(&store).with_subscriber(warnings.clone()).await;
        assert!(!heard.expect("the ledger"), "there is no event");
        assert_eq!(warnings.of("outbound.await_event"), 1, "nothing more was told");
    }
}
