//! Completers write down what came of jobs, as many at a time as have come together while the last
//! write was under way. They do not give up: what cannot be written now is written when the ledger is
//! back, what it refuses is written when it no longer does ([`Refused`]), and what was written after all is not
//! written twice.

use std::{sync::Arc, time::Duration};

use jobs::{
    JobId, QueueError,
    ledger::{Claimed, Completion, Ending, complete, complete::Completed},
    sweep::{self, Freed},
};
use tokio::{
    sync::{Mutex, OwnedSemaphorePermit, Semaphore, mpsc},
    task::JoinSet,
};
use uuid::Uuid;

use super::{
    Shared,
    keep::Keep,
    refused::{self, Refused},
};

/// A completion, and the kind whose concurrency limit got a slot free by it.
pub(crate) struct Finished {
    pub(super) completion: Completion,
    pub(super) freed: Option<Freed>,
}

/// The most that is written at once.
const BATCH: usize = 500;
const BATCH_BYTES: usize = 8 * 1024 * 1024;

/// Completions that may wait to be written before handlers wait in turn. They count as waiting until they
/// are written.
const WAITING: usize = 2_000;
const WAITING_BYTES: usize = 32 * 1024 * 1024;

/// Where completions wait.
pub(super) struct Inbox(mpsc::Receiver<Waiting>);

/// The way into the inbox.
pub(crate) struct Intake {
    sender: mpsc::Sender<Waiting>,
    /// A permit for each byte that may wait.
    room: Arc<Semaphore>,
}

/// A completion that waits, and the room that it takes.
pub(super) struct Waiting {
    finished: Finished,
    size_bytes: usize,
    room: OwnedSemaphorePermit,
}

/// An empty inbox.
pub(super) fn inbox() -> (Intake, Inbox) {
    let (sender, receiver) = mpsc::channel(WAITING);
    (Intake { sender, room: Arc::new(Semaphore::new(WAITING_BYTES)) }, Inbox(receiver))
}

impl Intake {
    /// Puts a completion into the inbox, when there is room for it.
    async fn put(&self, finished: Finished) {
        // What is larger than all the room, a result with very many jobs after it, has it to itself.
        let size_bytes = finished.completion.size_bytes();
        let permits = u32::try_from(size_bytes.min(WAITING_BYTES)).unwrap_or(u32::MAX);
        let room = self.room.clone().acquire_many_owned(permits).await;
        let room = room.expect("the room is never closed");
        // The inbox is open as long as the completers live, which is until nothing is held.
        let _ = self.sender.send(Waiting { finished, size_bytes, room }).await;
    }
}

/// How many of these, the first at least, are written at once.
fn batch_len(sizes_bytes: impl Iterator<Item = usize>) -> usize {
    let mut sum: usize = 0;
    let fitting = sizes_bytes.take_while(|size_bytes| {
        sum = sum.saturating_add(*size_bytes);
        sum <= BATCH_BYTES
    });
    fitting.count().max(1)
}

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

pub(super) fn start(shared: Arc<Shared>, inbox: Inbox) -> Completers {
    let inbox = Arc::new(Mutex::new(inbox));
    let mut writers = JoinSet::new();
    for _ in 0..WRITERS {
        writers.spawn(run(shared.clone(), inbox.clone()));
    }
    Completers { shared, writers }
}

impl Completers {
    /// Waits until everything is written, or the ledger has taken nothing for too long.
    pub(super) async fn finish(mut self) {
        if tokio::time::timeout(LAST_WORDS, self.shared.running.idle()).await.is_err() {
            let left = self.shared.running.count();
            tracing::warn!(
                left,
                "what came of these jobs is not written, as lines above say why; the sweeper hands them out again"
            );
        }
        self.writers.abort_all();
        while self.writers.join_next().await.is_some() {}
    }
}

impl Shared {
    /// Passes a completion on to be written.
    pub(super) async fn finish(&self, finished: Finished) {
        self.completions.put(finished).await;
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

async fn run(shared: Arc<Shared>, inbox: Arc<Mutex<Inbox>>) {
    let mut ledger = Keep::new(&shared.store);
    let mut gathered = Vec::with_capacity(BATCH);
    let mut refused = Refused::default();
    loop {
        // What did not fit into the batch before comes first.
        if gathered.is_empty() {
            let taken = async { inbox.lock().await.0.recv_many(&mut gathered, BATCH).await };
            tokio::select! {
                biased;
                () = refused.due() => {
                    refused.write_again(&shared, &mut ledger).await;
                    continue;
                }
                taken = taken => if taken == 0 { return },
            }
        }
        let len = batch_len(gathered.iter().map(|waiting: &Waiting| waiting.size_bytes));
        refused.keep(settle(&shared, &mut ledger, gathered.drain(..len).collect()).await);
    }
}

/// What a completion leaves behind while it is written.
struct Rest {
    run: (JobId, Uuid),
    freed: Option<Freed>,
    size_bytes: usize,
    room: OwnedSemaphorePermit,
}

/// Writes what came of jobs and tells of it; what the ledger refuses comes back, with what it said.
pub(super) async fn settle(
    shared: &Shared,
    ledger: &mut Keep,
    waiting: Vec<Waiting>,
) -> Vec<(Waiting, QueueError)> {
    let (mut batch, mut rests) = (Vec::with_capacity(waiting.len()), Vec::with_capacity(waiting.len()));
    for Waiting { finished: Finished { completion, freed }, size_bytes, room } in waiting {
        rests.push(Rest { run: (completion.id, completion.lease), freed, size_bytes, room });
        batch.push(completion);
    }
    let (completed, refused) = write_persistently(shared, ledger, batch).await;
    let mut kept = Vec::new();
    for (completion, error) in refused {
        let run = (completion.id, completion.lease);
        if let Some(at) = rests.iter().position(|rest| rest.run == run) {
            let Rest { freed, size_bytes, room, .. } = rests.swap_remove(at);
            kept.push((Waiting { finished: Finished { completion, freed }, size_bytes, room }, error));
        }
    }
    for Rest { run: (id, _), .. } in rests.iter().filter(|rest| !completed.written.contains(&rest.run.0)) {
        tracing::warn!(
            job_id = %id,
            "the outcome was not written: the lease was lost while the job ran, or it had been written already"
        );
    }
    let (mut over, mut freed) = (Vec::with_capacity(rests.len()), Vec::new());
    for rest in rests {
        over.push(rest.run);
        freed.extend(rest.freed);
    }
    freed.sort();
    freed.dedup();
    shared.running.over(over);
    shared.dispatch.announce(completed.announcement);
    shared.dispatch.tell(&completed.events);
    if !freed.is_empty() {
        offer_parked(shared, &freed).await;
    }
    kept
}

/// Writes a batch, however long the ledger is away; what it refuses comes back, with what it said.
async fn write_persistently(
    shared: &Shared,
    ledger: &mut Keep,
    mut batch: Vec<Completion>,
) -> (Completed, Vec<(Completion, QueueError)>) {
    let mut told = false;
    loop {
        match write(shared, ledger, &mut batch).await {
            Ok(completed) => return (completed, Vec::new()),
            Err(error) if error.is_unavailable() => {
                if !std::mem::replace(&mut told, true) {
                    tracing::warn!(%error, "completing failed; trying again until the ledger is back");
                }
                tokio::time::sleep(RETRY_EVERY).await;
            }
            Err(error) if batch.len() > 1 => {
                // One of them is unwritable: find it, and let the others through.
                tracing::warn!(%error, "a batch of completions was refused; writing them one by one");
                let (mut all, mut refused) = (Completed::default(), Vec::new());
                for completion in batch {
                    let (completed, left) =
                        Box::pin(write_persistently(shared, ledger, vec![completion])).await;
                    all.merge(completed);
                    refused.extend(left);
                }
                return (all, refused);
            }
            Err(error) => {
                let Some(mut refused) = batch.pop() else { return Default::default() };
                return match write_instead(shared, ledger, &mut refused, &error).await {
                    Some(completed) => (completed, Vec::new()),
                    None => (Completed::default(), vec![(refused, error)]),
                };
            }
        }
    }
}

/// Writes what the ledger may take instead of an outcome that it refused for this error. None when there is nothing, or
/// not even that can be written: the completion is as before.
async fn write_instead(
    shared: &Shared,
    ledger: &mut Keep,
    completion: &mut Completion,
    error: &QueueError,
) -> Option<Completed> {
    let wants_cancelled = shared.running.wants_cancelled(completion.id, completion.lease);
    let ending = refused::instead(error, wants_cancelled)?;
    let is_lost = matches!(ending, Ending::Dead { .. });
    let outcome = std::mem::replace(&mut completion.ending, ending);
    let written = write(shared, ledger, std::slice::from_mut(completion)).await;
    if is_lost && written.is_ok() {
        tracing::error!(%error, job_id = %completion.id, "what came of the job cannot be written");
    }
    completion.ending = outcome;
    written.ok()
}

async fn write(
    shared: &Shared,
    ledger: &mut Keep,
    batch: &mut [Completion],
) -> Result<Completed, QueueError> {
    let conn = ledger.connection().await?;
    let completed = shared.store.answers(complete(conn, shared.running.worker(), batch)).await;
    ledger.keep_if_sound(completed)
}

/// Offers the jobs that waited for the slots which are free now. When it fails the sweeper does it.
async fn offer_parked(shared: &Shared, freed: &[Freed]) {
    let ready = shared.store.answers(async {
        let mut conn = shared.store.pool().acquire().await?;
        sweep::next_parked(&mut conn, freed).await
    });
    if let Ok(ready) = ready.await {
        shared.dispatch.announce(jobs::Announcement { ready, next_due: None });
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;
    use proptest::prelude::*;
    use serde_json::value::RawValue;
    use uuid::Uuid;

    use super::*;

    fn with_result(size_bytes: usize) -> Finished {
        let result = RawValue::from_string(format!("{:?}", "x".repeat(size_bytes))).expect("a JSON string");
        let ending = Ending::Done { result: Some(result), then: Vec::new() };
        Finished {
            completion: Completion {
                id: Uuid::now_v7(),
                lease: Uuid::now_v7(),
                ending,
                may_have_successor: false,
                progress: None,
            },
            freed: None,
        }
    }

    proptest! {
        #[test]
        fn a_batch_fits_or_is_one(sizes in proptest::collection::vec(0usize..(3 * BATCH_BYTES / 2), 1..20)) {
            let len = batch_len(sizes.iter().copied());
            prop_assert!(len == 1 || sizes[..len].iter().sum::<usize>() <= BATCH_BYTES);
            prop_assert!(len == sizes.len() || sizes[..=len].iter().sum::<usize>() > BATCH_BYTES);
        }
    }

    #[test]
    fn what_waits_is_bounded_in_bytes_and_in_number() {
        let put_all = |size_bytes: usize| {
            let (intake, inbox) = inbox();
            let taken =
                (0..).take_while(|_| intake.put(with_result(size_bytes)).now_or_never().is_some()).count();
            (taken, intake, inbox)
        };
        let (small, ..) = put_all(2);
        assert_eq!(small, WAITING);
        let (large, intake, mut inbox) = put_all(1024 * 1024);
        assert_eq!(large, WAITING_BYTES / (1024 * 1024) - 1, "each takes a little beside its result");

        // There is room again when one was written, not when it was taken out.
        let Ok(taken) = inbox.0.try_recv() else { panic!("one waits") };
        assert!(intake.put(with_result(1024 * 1024)).now_or_never().is_none());
        drop(taken);
        assert!(intake.put(with_result(1024 * 1024)).now_or_never().is_some());
    }

    #[test]
    fn what_is_larger_than_all_the_room_has_it_to_itself() {
        let (intake, _inbox) = inbox();
        assert!(intake.put(with_result(2 * WAITING_BYTES)).now_or_never().is_some());
        assert!(intake.put(with_result(2)).now_or_never().is_none());
    }
}
