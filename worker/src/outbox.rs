//! Hands events out of the outbox beside the jobs: whichever worker sees one first does it, and the others find nothing. A
//! statement waits for them in the database, which looks ten times a second, at an index of a table that is empty.

use std::time::{Duration, Instant};

use chrono::Utc;
use jobs::{Dispatch, QueueError, Store};
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
        let prune = async { pump::prune(&mut *store.pool().acquire().await?, Utc::now()).await };
        if !store.answers_slowly(prune).await? {
            break;
        }
    }
    Ok(())
}
