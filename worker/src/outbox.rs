//! Hands events out of the outbox beside the jobs, ten times a second: whichever worker looks first does it, and the
//! others find nothing. The look costs an index of a table that is empty.

use std::time::Duration;

use chrono::Utc;
use jobs::{Dispatch, QueueError, Store};
use outbound::pump;

const LOOK_EVERY: Duration = Duration::from_millis(100);

/// After a failure the database is left alone for a moment.
const REST: Duration = Duration::from_secs(1);

/// How often deliveries whose jobs may be gone are looked for, and what is old is removed: in looks.
const TEND_EVERY: u32 = 600;

/// Batches of old rows that are removed at once.
const PRUNED_BATCHES: usize = 10;

/// Hands events out until it is dropped.
pub async fn run(store: Store, dispatch: Dispatch) {
    // Workers that were started together do not tend together.
    let mut looks = rand::random::<u32>() % TEND_EVERY;
    loop {
        looks = looks.wrapping_add(1);
        let looked = match hand_out(&store, &dispatch).await {
            Ok(()) if looks.is_multiple_of(TEND_EVERY) => tend(&store, &dispatch).await,
            looked => looked,
        };
        match looked {
            Ok(()) => tokio::time::sleep(LOOK_EVERY).await,
            Err(error) => {
                tracing::debug!(%error, "events could not be handed out; they stay in the outbox");
                tokio::time::sleep(REST).await;
            }
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
