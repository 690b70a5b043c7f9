//! A lane takes job ids from Redis for the free slots of a queue, claims them in the ledger, and
//! hands what it got to the backend. It outlives Redis and Postgres being away.

use std::{collections::HashSet, sync::Arc, time::Duration};

use jobs::{
    Announcement, JobId, Offer, QueueError,
    dispatch::{Lane, advise},
    ledger::{Claimed, claim, claim_limited},
    sweep,
};
use tokio::sync::mpsc;

use super::{Shared, keep::Keep, pulse::LanePulse, slots::Slots};

/// The most that is claimed at once.
pub(super) const BATCH: usize = 500;

const RETRY_EVERY: Duration = Duration::from_millis(200);

/// The lanes of a queue with so many slots: two when one can claim while the other's jobs run, so that a job that
/// comes while a batch is being claimed need not wait for the whole of that claim.
pub(super) fn lanes(slots: usize) -> usize {
    if slots >= 8 { 2 } else { 1 }
}

/// Starts the lanes of a queue.
pub(super) fn start(shared: &Arc<Shared>, queue: &str, jobs: &mpsc::Sender<Claimed>) {
    let Some(slots) = shared.slots.get(queue) else { return };
    let configured = shared.introduction.queues.get(queue).copied().unwrap_or(1);
    for _ in 0..lanes(configured) {
        shared.lanes.spawn(run(shared.clone(), queue.to_owned(), slots.clone(), jobs.clone()));
    }
}

async fn run(shared: Arc<Shared>, queue: String, slots: Arc<Slots>, jobs: mpsc::Sender<Claimed>) {
    let mut lane: Option<Lane> = None;
    let mut ledger = Keep::new(&shared.store);
    let step = shared.pulse.lane(&queue);
    while let Some(free) = take(&slots, BATCH, &step).await {
        let mut ids = tokio::select! {
            ids = pop(&shared, &queue, &mut lane, free) => ids.inspect(|_| step.done()).unwrap_or_default(),
            // What was popped in this very moment is offered again by the sweeper.
            () = slots.closed() => Vec::new(),
        };
        // The queue may have been paused, or have lost slots, while the lane waited for work: what came
        // then waits here.
        let mut taken = slots.keep(free, ids.len());
        while !ids.is_empty() {
            if taken == 0 {
                match take(&slots, ids.len(), &step).await {
                    Some(again) => taken = again,
                    None => return offer_again(&shared, &mut ledger, &ids).await,
                }
            }
            let batch: Vec<JobId> = ids.drain(..taken.min(ids.len())).collect();
            let started = start_batch(&shared, &mut ledger, &slots, &jobs, &batch).await;
            slots.give_back(taken.saturating_sub(started));
            taken = 0;
            step.done();
        }
    }
}

/// Waits for free slots; waiting long for them is no trouble of the lane.
async fn take(slots: &Slots, max: usize, step: &LanePulse) -> Option<usize> {
    if let Some(taken) = slots.try_take(max) {
        step.working();
        return taken;
    }
    step.rests();
    let taken = slots.take(max).await;
    step.working();
    taken
}

/// Claims a batch and sends what it got to the backend; says how many jobs that are.
async fn start_batch(
    shared: &Shared,
    ledger: &mut Keep,
    slots: &Slots,
    jobs: &mpsc::Sender<Claimed>,
    ids: &[JobId],
) -> usize {
    let claimed = claim_persistently(shared, ledger, slots, ids).await;
    let taken: HashSet<JobId> = claimed.iter().map(|job| job.id).collect();
    let left: Vec<JobId> = ids.iter().copied().filter(|id| !taken.contains(id)).collect();
    let mut started = claimed.len();
    // Before the others are asked for: those may wait for the locks of their limits.
    send(shared, jobs, claimed).await;
    if left.is_empty() {
        return started;
    }
    if slots.is_shut() {
        // Paused or closed while it was claiming. Nothing more is started, and Redis has these no more.
        offer_again(shared, ledger, &left).await;
    } else {
        match claim_left(shared, ledger, &left).await {
            Ok(limited) => {
                started += limited.len();
                send(shared, jobs, limited).await;
            }
            Err(error) => {
                tracing::warn!(%error, jobs = left.len(), "not claimed; the sweeper offers them again");
            }
        }
    }
    started
}

async fn send(shared: &Shared, jobs: &mpsc::Sender<Claimed>, claimed: Vec<Claimed>) {
    for job in claimed {
        if let Err(unsent) = jobs.send(job).await {
            // The backend is closed: the process stops.
            shared.hand_back(unsent.0).await;
        }
    }
}

/// Puts back what was taken and not claimed, as far as it may be claimed. When that fails the leader does it.
async fn offer_again(shared: &Shared, ledger: &mut Keep, ids: &[JobId]) {
    match still_ready(shared, ledger, ids).await {
        Ok(ready) => shared.dispatch.announce(Announcement { ready, next_due: None }),
        Err(error) => {
            tracing::warn!(%error, jobs = ids.len(), "taken and not claimed; the leader offers them again");
        }
    }
}

async fn still_ready(shared: &Shared, ledger: &mut Keep, ids: &[JobId]) -> Result<Vec<Offer>, QueueError> {
    let conn = ledger.connection().await?;
    let ready = shared.store.answers(sweep::still_ready(conn, ids)).await;
    ledger.keep_if_sound(ready)
}

/// Takes up to `max` ids; none at all when Redis is away, after a moment's wait.
async fn pop(shared: &Shared, queue: &str, lane: &mut Option<Lane>, max: usize) -> Option<Vec<JobId>> {
    let popped = match lane {
        Some(open) => open.pop(max).await,
        None => match shared.dispatch.open_lane(queue).await {
            Ok(open) => lane.insert(open).pop(max).await,
            Err(error) => Err(error),
        },
    };
    match popped {
        Ok(ids) => Some(ids),
        Err(error) => {
            // Also of one that lets nobody in, to which no lane was ever open.
            let advised = advise(&error);
            if lane.take().is_some() && !advised {
                tracing::warn!(queue, %error, "redis is away; taking no new work until it is back");
            }
            tokio::time::sleep(RETRY_EVERY).await;
            None
        }
    }
}

/// Claims, again and again while the ledger is away: the ids are nowhere else at the moment.
async fn claim_persistently(
    shared: &Shared,
    ledger: &mut Keep,
    slots: &Slots,
    ids: &[JobId],
) -> Vec<Claimed> {
    let mut told = false;
    loop {
        match claim_once(shared, ledger, ids).await {
            Ok(claimed) => return claimed,
            Err(error) if slots.is_shut() => {
                tracing::warn!(%error, jobs = ids.len(), "not claimed before stopping");
                return Vec::new();
            }
            Err(error) => {
                if !std::mem::replace(&mut told, true) {
                    tracing::warn!(%error, "claiming failed; trying again until the ledger is back");
                }
                tokio::time::sleep(RETRY_EVERY).await;
            }
        }
    }
}

async fn claim_once(shared: &Shared, ledger: &mut Keep, ids: &[JobId]) -> Result<Vec<Claimed>, QueueError> {
    let conn = ledger.connection().await?;
    let claimed = shared.store.answers(claim(conn, shared.running.worker(), ids, &shared.reruns)).await;
    let mut claimed = ledger.keep_if_sound(claimed)?;
    // Known before anything else is waited for: a lease that the process does not know is given away.
    shared.running.claimed(&mut claimed);
    Ok(claimed)
}

/// Claims those that have a concurrency limit; the others among them are no longer ready.
async fn claim_left(shared: &Shared, ledger: &mut Keep, ids: &[JobId]) -> Result<Vec<Claimed>, QueueError> {
    let conn = ledger.connection().await?;
    let limited = shared.store.answers(claim_limited(conn, shared.running.worker(), ids)).await;
    let mut limited = ledger.keep_if_sound(limited)?;
    shared.running.claimed(&mut limited);
    Ok(limited)
}
