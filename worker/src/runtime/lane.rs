//! A lane takes job ids from Redis for the free slots of a queue, claims them in the ledger, and
//! hands what it got to the backend. It outlives Redis and Postgres being away.

use std::{collections::HashSet, sync::Arc, time::Duration};

use jobs::{
    JobId, QueueError,
    dispatch::Lane,
    ledger::{Claimed, claim, claim_limited},
};
use tokio::sync::mpsc;

use super::{Shared, keep::Keep, slots::Slots};

/// The most that is claimed at once.
const BATCH: usize = 500;

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
    while let Some(free) = slots.take(BATCH).await {
        let ids = tokio::select! {
            ids = pop(&shared, &queue, &mut lane, free) => ids,
            // What was popped in this very moment is offered again by the sweeper.
            () = slots.closed() => Vec::new(),
        };
        // What was not delivered is free for the other lane at once.
        slots.give_back(free - ids.len());
        if ids.is_empty() {
            continue;
        }
        // The queue may have been paused while the lane waited for work: what came then waits here.
        if !slots.open().await {
            slots.give_back(ids.len());
            break;
        }
        let claimed = claim_persistently(&shared, &mut ledger, &slots, &ids).await;
        slots.give_back(ids.len() - claimed.len());
        for job in claimed {
            if let Err(unsent) = jobs.send(job).await {
                // The backend is closed: the process stops.
                shared.hand_back(unsent.0).await;
            }
        }
    }
}

/// Takes up to `max` ids; none when Redis is away, after a moment's wait.
async fn pop(shared: &Shared, queue: &str, lane: &mut Option<Lane>, max: usize) -> Vec<JobId> {
    let popped = match lane {
        Some(open) => open.pop(max).await,
        None => match shared.dispatch.open_lane(queue).await {
            Ok(open) => lane.insert(open).pop(max).await,
            Err(error) => Err(error),
        },
    };
    match popped {
        Ok(ids) => ids,
        Err(error) => {
            if lane.take().is_some() {
                tracing::warn!(queue, %error, "redis is away; taking no new work until it is back");
            }
            tokio::time::sleep(RETRY_EVERY).await;
            Vec::new()
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
                tracing::warn!(%error, jobs = ids.len(), "not claimed before stopping; the sweeper offers them again");
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
    let worker = shared.running.worker();
    let claimed = claim(ledger.connection().await?, worker, ids).await;
    let mut claimed = ledger.keep_if_sound(claimed)?;
    // Known before anything else is waited for: a lease that the process does not know is given away.
    shared.running.claimed(&claimed);
    let taken: HashSet<JobId> = claimed.iter().map(|job| job.id).collect();
    let left: Vec<JobId> = ids.iter().copied().filter(|id| !taken.contains(id)).collect();
    if !left.is_empty() {
        let limited = claim_limited(ledger.connection().await?, worker, &left).await;
        match ledger.keep_if_sound(limited) {
            Ok(limited) => {
                shared.running.claimed(&limited);
                claimed.extend(limited);
            }
            Err(error) => {
                tracing::warn!(%error, jobs = left.len(), "not claimed; the sweeper offers them again")
            }
        }
    }
    Ok(claimed)
}
