//! Looking at a job for a caller, once or until something happens to it.

use std::{sync::Arc, time::Duration};

use accounts::api_keys::Scope;
use jobs::{JobId, State, events::Watch, read, read::JobView};
use serde::Serialize;
use sha2::{Digest, Sha256};
use tokio::time::{Instant, sleep_until};

use crate::{
    state::AppState,
    web::{auth::Caller, problem::Problem},
};

/// How long a waiter trusts that it is told of everything. A message of Redis may get lost, so after
/// this time it looks for itself.
const TRUST: Duration = Duration::from_secs(10);

/// The job, without its payload, if the caller may see it: its tenant's own, or any for an operator.
///
/// # Errors
/// 403 without the scope, 404, or the ledger does not answer.
pub async fn at(state: &AppState, caller: &Caller, id: JobId) -> Result<Arc<JobView>, Problem> {
    caller.require(Scope::JobsRead)?;
    if let Some(view) = state.reader.job(caller.tenant.0, id).await? {
        return Ok(view);
    }
    if !caller.is_operator() {
        return Err(unknown_job());
    }
    let mut tx = state.db.queue_tx().await?;
    let view = read::job(&mut tx, None, id).await?;
    tx.commit().await?;
    let mut view = view.ok_or_else(unknown_job)?;
    view.payload = None;
    Ok(Arc::new(view))
}

/// The answer for a job that does not exist or is another tenant's.
pub fn unknown_job() -> Problem {
    Problem::not_found("there is no such job")
}

/// Where a job stands in its queue, if it waits there.
pub async fn position(state: &AppState, view: &JobView) -> Option<u64> {
    if view.state == State::Ready && !view.parked {
        return state.positions.of(&view.queue, view.id).await;
    }
    None
}

/// One who follows a job: it sees every change that lasts, and may miss those that do not.
#[derive(Debug)]
pub struct Follower {
    state: AppState,
    watch: Watch,
    /// The job as it was last seen.
    pub view: Arc<JobView>,
}

/// Why a follower came back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Came {
    /// The job changed.
    Changed,
    /// The time is over, or the process ends.
    TimeIsOver,
}

impl Follower {
    /// Begins to follow a job that the caller may see.
    ///
    /// # Errors
    /// As [`at`].
    pub async fn start(state: &AppState, caller: &Caller, id: JobId) -> Result<Follower, Problem> {
        // Listening first: a change between the look and the listening would be missed.
        let watch = state.waiters.watch(id);
        let view = at(state, caller, id).await?;
        Ok(Follower { state: state.clone(), watch, view })
    }

    /// Waits for a change, until `deadline` at most.
    ///
    /// # Errors
    /// The ledger does not answer; following may go on.
    pub async fn change(&mut self, deadline: Option<Instant>) -> Result<Came, Problem> {
        loop {
            let trust = Instant::now() + TRUST;
            let until = deadline.map_or(trust, |deadline| deadline.min(trust));
            tokio::select! {
                () = self.watch.changed() => {}
                () = self.state.ending.cancelled() => return Ok(Came::TimeIsOver),
                () = sleep_until(until) => {}
            }
            let view =
                self.state.reader.job(self.view.tenant_id, self.view.id).await?.ok_or_else(unknown_job)?;
            let changed = differs(&self.view, &view);
            self.view = view;
            if changed {
                return Ok(Came::Changed);
            }
            if deadline.is_some_and(|deadline| deadline <= Instant::now()) {
                return Ok(Came::TimeIsOver);
            }
        }
    }
}

fn differs(before: &JobView, now: &JobView) -> bool {
    what_changes(before) != what_changes(now)
}

/// What a follower is told of when it changes.
fn what_changes(view: &JobView) -> impl PartialEq + Serialize {
    let JobView { state, attempt, crashes, parked, progress, cancel_reason, finished_at, .. } = view;
    (state.as_str(), *attempt, *crashes, *parked, progress.clone(), cancel_reason.clone(), *finished_at)
}

/// Names the change that a job has seen last: the same in every process and over every connection, so that a client can
/// say how far it was told.
pub fn change_id(view: &JobView) -> String {
    let written = serde_json::to_vec(&what_changes(view)).expect("a job is plain data");
    hex::encode(&Sha256::digest(written)[..8])
}
