//! Looks after the days' partitions beside the leader. What ends needs a day, and it is the workers that
//! end jobs: without any scheduler the cluster still makes its days.

use std::time::Duration;

use jobs::{QueueError, Store, clock, days};

const LOOK_EVERY: Duration = Duration::from_secs(3600);

/// Workers that were started together do not look together.
const FIRST_LOOK_WITHIN: Duration = Duration::from_secs(60);

/// Looks after the days until it is dropped.
pub async fn run(store: Store) {
    tokio::time::sleep(FIRST_LOOK_WITHIN.mul_f64(rand::random())).await;
    loop {
        // A leader that is there does the same, tells of it, and tries again sooner.
        if let Err(error) = look(&store).await {
            tracing::debug!(%error, "looking after the days' partitions failed");
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

async fn look(store: &Store) -> Result<(), QueueError> {
    let look = async {
        let mut conn = store.pool().acquire().await?;
        let now = clock::now(&mut conn).await?;
        days::look_after(&mut conn, now).await
    };
    store.answers_within(days::SILENT_FOR, look).await?;
    Ok(())
}
