//! Progress on its way to the ledger: the latest of each job, twice a second, in one statement. What a run said last is kept
//! until its end, and is written with that: a job that was quicker than the next statement has its progress too.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard},
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
    latest: Arc<Mutex<HashMap<JobId, Report>>>,
    some: Arc<Notify>,
}

/// What a run said last.
struct Report {
    lease: Uuid,
    progress: Progress,
    /// Whether it is on its way to the ledger, or there.
    is_sent: bool,
}

impl ProgressReporter {
    /// Notes how far a job is.
    pub(crate) fn report(&self, id: JobId, lease: Uuid, progress: Progress) {
        self.reports().insert(id, Report { lease, progress, is_sent: false });
        self.some.notify_one();
    }

    /// What a run that is over said last, and forgets it.
    pub(super) fn last(&self, id: JobId, lease: Uuid) -> Option<Progress> {
        let mut reports = self.reports();
        if reports.get(&id)?.lease != lease {
            return None;
        }
        reports.remove(&id).map(|report| report.progress)
    }

    /// What was said since the last time.
    fn news(&self) -> Vec<(JobId, Uuid, Progress)> {
        let mut reports = self.reports();
        let news = reports.iter_mut().filter_map(|(id, report)| {
            let was_sent = std::mem::replace(&mut report.is_sent, true);
            (!was_sent).then(|| (*id, report.lease, report.progress.clone()))
        });
        news.collect()
    }

    fn reports(&self) -> MutexGuard<'_, HashMap<JobId, Report>> {
        self.latest.lock().expect("no holder of this lock panics")
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
        let mut reports = reporter.news();
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
