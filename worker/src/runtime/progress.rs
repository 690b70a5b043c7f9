//! Progress on its way to the ledger: the latest of each job, twice a second, in one statement.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use jobs::{JobId, State, events::Event, progress::Progress};
use tokio::sync::Notify;
use uuid::Uuid;

use super::Shared;

const EVERY: Duration = Duration::from_millis(500);

/// Takes progress reports; cheap to call as often as one likes.
#[derive(Clone, Default)]
pub struct ProgressReporter {
    latest: Arc<Mutex<HashMap<JobId, (Uuid, Progress)>>>,
    some: Arc<Notify>,
}

impl ProgressReporter {
    /// Notes how far a job is.
    pub(crate) fn report(&self, id: JobId, lease: Uuid, progress: Progress) {
        self.latest.lock().expect("no holder of this lock panics").insert(id, (lease, progress));
        self.some.notify_one();
    }
}

pub(super) fn start(shared: Arc<Shared>) -> ProgressReporter {
    let reporter = ProgressReporter::default();
    tokio::spawn(run(shared, reporter.clone()));
    reporter
}

async fn run(shared: Arc<Shared>, reporter: ProgressReporter) {
    loop {
        reporter.some.notified().await;
        let latest = std::mem::take(&mut *reporter.latest.lock().expect("no holder of this lock panics"));
        let mut reports: Vec<_> =
            latest.into_iter().map(|(id, (lease, progress))| (id, lease, progress)).collect();
        let written = shared.store.answers(async {
            let mut conn = shared.store.pool().acquire().await?;
            jobs::progress::report(&mut conn, &mut reports).await
        });
        // A report that does not arrive is followed by the next one.
        if let Ok(written) = written.await {
            let events: Vec<Event> =
                written.into_iter().map(|id| Event { id, state: State::Running }).collect();
            shared.dispatch.tell(&events);
        }
        tokio::time::sleep(EVERY).await;
    }
}
