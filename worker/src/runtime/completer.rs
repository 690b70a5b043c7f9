//! Completers write down what came of jobs, as many at a time as have come together while the last
//! write was under way. They do not give up: what cannot be written now is written when the ledger is
//! back, and what was written after all is not written twice.

use std::{sync::Arc, time::Duration};

use jobs::{
    QueueError,
    ledger::{Claimed, Completion, Ending, complete, complete::Completed},
    sweep::{self, Freed},
};
use tokio::{
    sync::{Mutex, mpsc},
    task::JoinSet,
};

use super::{Shared, keep::Keep};

/// A completion, and the kind whose concurrency limit got a slot free by it.
pub(crate) struct Finished {
    pub(super) completion: Completion,
    pub(super) freed: Option<Freed>,
}

/// The most that is written at once.
const BATCH: usize = 500;

/// Writers: while one waits for its commit the other gathers and writes.
pub(super) const WRITERS: usize = 2;

const RETRY_EVERY: Duration = Duration::from_millis(200);

/// How long a stopping process tries to write before it leaves the rest to the sweeper.
const LAST_WORDS: Duration = Duration::from_secs(10);

/// The completers of the process.
pub(super) struct Completers {
    shared: Arc<Shared>,
    writers: JoinSet<()>,
}

pub(super) fn start(shared: Arc<Shared>, inbox: mpsc::Receiver<Finished>) -> Completers {
    let inbox = Arc::new(Mutex::new(inbox));
    let mut writers = JoinSet::new();
    for _ in 0..WRITERS {
        writers.spawn(run(shared.clone(), inbox.clone()));
    }
    Completers { shared, writers }
}

impl Completers {
    /// Waits until everything is written, or the ledger has been away for too long.
    pub(super) async fn finish(mut self) {
        if tokio::time::timeout(LAST_WORDS, self.shared.running.idle()).await.is_err() {
            let left = self.shared.running.count();
            tracing::warn!(left, "the ledger is away; the sweeper will hand these jobs out again");
        }
        self.writers.abort_all();
        while self.writers.join_next().await.is_some() {}
    }
}

impl Shared {
    /// Passes a completion on to be written.
    pub(super) async fn finish(&self, finished: Finished) {
        // The inbox is open as long as the completers live, which is until nothing is held.
        let _ = self.completions.send(finished).await;
    }

    /// Hands back a job that was claimed and not started.
    pub(super) async fn hand_back(&self, job: Claimed) {
        let freed = job.limited.then(|| Freed::of(&job));
        let completion = Completion::of(&job, Ending::HandedBack);
        if let Some(slots) = self.slots.get(&job.queue) {
            slots.give_back(1);
        }
        self.finish(Finished { completion, freed }).await;
    }
}

async fn run(shared: Arc<Shared>, inbox: Arc<Mutex<mpsc::Receiver<Finished>>>) {
    let mut ledger = Keep::new(&shared.store);
    let mut gathered = Vec::with_capacity(BATCH);
    loop {
        if inbox.lock().await.recv_many(&mut gathered, BATCH).await == 0 {
            return;
        }
        let mut freed: Vec<Freed> =
            gathered.iter_mut().filter_map(|finished| finished.freed.take()).collect();
        freed.sort();
        freed.dedup();
        let mut batch: Vec<Completion> = gathered.drain(..).map(|finished| finished.completion).collect();
        let completed = write_persistently(&shared, &mut ledger, &mut batch).await;
        batch.retain(|completion| !completed.unwritable.contains(&completion.id));
        for lost in batch.iter().filter(|completion| !completed.written.contains(&completion.id)) {
            tracing::warn!(
                job_id = %lost.id,
                "the outcome was not written: the lease was lost while the job ran, or it had been written already"
            );
        }
        shared.running.over(batch.iter().map(|completion| (completion.id, completion.lease)));
        shared.dispatch.announce(completed.announcement);
        shared.dispatch.tell(&completed.events);
        if !freed.is_empty() {
            offer_parked(&shared, &freed).await;
        }
    }
}

async fn write_persistently(shared: &Shared, ledger: &mut Keep, batch: &mut [Completion]) -> Completed {
    let (mut told, mut refused) = (false, false);
    loop {
        match write(shared, ledger, batch).await {
            Ok(completed) => return completed,
            Err(error) if error.is_unavailable() => {
                if !std::mem::replace(&mut told, true) {
                    tracing::warn!(%error, "completing failed; trying again until the ledger is back");
                }
                tokio::time::sleep(RETRY_EVERY).await;
            }
            Err(error) if batch.len() > 1 => {
                // One of them is unwritable: find it, and let the others through.
                tracing::warn!(%error, "a batch of completions was refused; writing them one by one");
                let mut all = Completed::default();
                for completion in batch.chunks_mut(1) {
                    all.merge(Box::pin(write_persistently(shared, ledger, completion)).await);
                }
                return all;
            }
            Err(error) => {
                tracing::error!(%error, job_id = %batch[0].id, "what came of the job cannot be written");
                let failure = jobs::ledger::Failure::new("unwritable_outcome", &error.to_string());
                batch[0].ending = Ending::Dead { failure };
                if std::mem::replace(&mut refused, true) {
                    // Not even that: it stays held, and is handed out again when this process ends.
                    return Completed { unwritable: vec![batch[0].id], ..Completed::default() };
                }
            }
        }
    }
}

async fn write(
    shared: &Shared,
    ledger: &mut Keep,
    batch: &mut [Completion],
) -> Result<Completed, QueueError> {
    let completed = complete(ledger.connection().await?, shared.running.worker(), batch).await;
    ledger.keep_if_sound(completed)
}

/// Offers the jobs that waited for the slots which are free now. When it fails the sweeper does it.
async fn offer_parked(shared: &Shared, freed: &[Freed]) {
    let Ok(mut conn) = shared.store.pool().acquire().await else { return };
    if let Ok(ready) = sweep::next_parked(&mut conn, freed).await {
        shared.dispatch.announce(jobs::Announcement { ready, next_due: None });
    }
}
