//! Completion: what came of jobs, written in small batches. Results, states and the jobs that the
//! handlers asked for commit together. A write about a job whose lease was lost changes nothing.

use std::{collections::HashSet, time::Duration};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use sqlx::{Acquire, PgConnection, types::Json};
use uuid::Uuid;

use crate::{
    Announcement, JobId, NewJob, Offer, QueueError, State,
    enqueue::enqueue,
    events::Event,
    ledger::{Claimed, fingerprint::fingerprint},
    progress::{self, Progress},
    successors,
};

/// What came of one job.
#[derive(Debug)]
pub struct Completion {
    /// The job.
    pub id: JobId,
    /// The lease it ran under.
    pub lease: Uuid,
    /// How the run ended.
    pub ending: Ending,
    /// Whether its kind may have a successor, which then waits for this.
    pub may_have_successor: bool,
    /// How far it said to be last; none when it never did.
    pub progress: Option<Progress>,
}

impl Completion {
    /// What came of a claimed job.
    pub fn of(job: &Claimed, ending: Ending) -> Completion {
        let may_have_successor = job.may_have_successor;
        Completion { id: job.id, lease: job.lease, ending, may_have_successor, progress: None }
    }
}

impl Completion {
    /// About how much of memory it takes, and of the statement that writes it.
    pub fn size_bytes(&self) -> usize {
        const BESIDE: usize = 256;
        BESIDE
            + match &self.ending {
                Ending::Done { result, then } => {
                    let payloads: usize = then.iter().map(|job| BESIDE + job.payload.get().len()).sum();
                    result.as_ref().map_or(0, |result| result.get().len()) + payloads
                }
                // At most 1,000 characters of a message.
                _ => 0,
            }
    }
}

/// How a run ended.
#[derive(Debug)]
pub enum Ending {
    /// It succeeded; `then` are the jobs that follow from it.
    Done {
        /// The output as JSON.
        result: Option<Box<RawValue>>,
        /// Enqueued together with the completion, or not at all.
        then: Vec<NewJob>,
    },
    /// It failed and is tried again after the delay.
    Retry {
        /// What failed.
        failure: Failure,
        /// When the next attempt is due, from now.
        delay: Duration,
    },
    /// It waits for a time of its own choosing; this run does not count as an attempt.
    Snooze {
        /// How long, from now.
        delay: Duration,
    },
    /// It needs something that is not there, and tries again after the delay. No attempt counts; since when the
    /// job waits is noted, and forgotten with the next outcome that is not a wait.
    Wait {
        /// What is missing.
        failure: Failure,
        /// How long, from now.
        delay: Duration,
    },
    /// It failed for good.
    Dead {
        /// What failed.
        failure: Failure,
    },
    /// It was given up on purpose.
    Cancelled {
        /// Why.
        reason: String,
    },
    /// The worker stops before the job could end: handed back, no attempt is counted.
    HandedBack,
}

/// What failed: a class and a message that can be shown, and what it has in common with others.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// A short stable word: `upstream_unavailable`, `timeout`, `panic`, ...
    pub class: String,
    /// One sentence without personal data, at most 1,000 characters.
    pub message: String,
    /// Equal for failures of the same cause: the class and the message without its particulars, with the status of
    /// an upstream's answer.
    pub fingerprint: String,
}

impl Failure {
    /// A failure of a class; the message is shortened to 1,000 characters.
    pub fn new(class: &str, message: &str) -> Failure {
        let message: String = message.chars().filter(|c| *c != '\0').take(1000).collect();
        Failure { class: class.to_owned(), fingerprint: fingerprint(class, &message), message }
    }
}

/// What a batch of completions led to.
#[derive(Debug, Default)]
pub struct Completed {
    /// Jobs whose completion was written; the others' leases were lost.
    pub written: HashSet<JobId>,
    /// What the dispatcher is to be told.
    pub announcement: Announcement,
    /// What those who wait are to be told.
    pub events: Vec<Event>,
}

impl Completed {
    /// Adds what another batch led to.
    pub fn merge(&mut self, other: Completed) {
        self.written.extend(other.written);
        self.announcement.merge(other.announcement);
        self.events.extend(other.events);
    }
}

/// Writes a batch of completions, in one transaction.
///
/// # Errors
/// The ledger failed. The same batch may be written again: what was committed after all is then
/// found to be over and is not written twice.
pub async fn complete(
    conn: &mut PgConnection,
    worker: Uuid,
    batch: &mut [Completion],
) -> Result<Completed, QueueError> {
    // One order for all batches, so that two never wait for each other's rows.
    batch.sort_unstable_by_key(|completion| completion.id);
    let mut completed = Completed::default();
    // Few kinds tell how far they are; what they said last stays with what is over.
    let mut reports: Vec<(JobId, Uuid, Progress)> =
        batch.iter().filter_map(|c| Some((c.id, c.lease, c.progress.clone()?))).collect();
    if !reports.is_empty() {
        progress::report(conn, &mut reports).await?;
    }
    let plain = batch
        .iter()
        .all(|c| !c.may_have_successor && matches!(&c.ending, Ending::Done { then, .. } if then.is_empty()));
    if plain {
        done(conn, batch, &mut completed).await?;
        return Ok(completed);
    }
    let mut tx = conn.begin().await?;
    done(&mut tx, batch, &mut completed).await?;
    waiting(&mut tx, worker, batch, &mut completed).await?;
    dead(&mut tx, batch, &mut completed).await?;
    cancelled(&mut tx, batch, &mut completed).await?;
    let written = &completed.written;
    let then: Vec<NewJob> = batch
        .iter_mut()
        .filter(|completion| written.contains(&completion.id))
        .flat_map(|completion| match &mut completion.ending {
            Ending::Done { then, .. } => then.clone(),
            _ => Vec::new(),
        })
        .collect();
    if !then.is_empty() {
        let (_, announcement) = enqueue(&mut tx, &then).await?;
        completed.announcement.merge(announcement);
    }
    let over: Vec<JobId> = batch
        .iter()
        .filter(|completion| completion.may_have_successor && completed.written.contains(&completion.id))
        .map(|completion| completion.id)
        .collect();
    if !over.is_empty() {
        // By a statement of its own, which sees what was asked for until the moment of the deletion.
        let released = successors::release(&mut tx, &over).await?;
        completed.events.extend(released.ready.iter().map(|job| Event { id: job.id, state: State::Ready }));
        completed.announcement.merge(released);
    }
    tx.commit().await?;
    Ok(completed)
}

async fn done(
    conn: &mut PgConnection,
    batch: &[Completion],
    completed: &mut Completed,
) -> Result<(), QueueError> {
    let (mut ids, mut leases, mut results) = (Vec::new(), Vec::new(), Vec::new());
    for completion in batch {
        if let Ending::Done { result, .. } = &completion.ending {
            ids.push(completion.id);
            leases.push(completion.lease);
            results.push(result.as_deref().map(Json));
        }
    }
    if ids.is_empty() {
        return Ok(());
    }
    let written: Vec<JobId> = sqlx::query_scalar(include_str!("done.sql"))
        .bind(&ids)
        .bind(&leases)
        .bind(&results)
        .fetch_all(conn)
        .await?;
    note(completed, written, State::Done);
    Ok(())
}

/// A job that waits again, or is to be cancelled instead.
#[derive(sqlx::FromRow)]
struct Sent {
    #[sqlx(flatten)]
    offer: Offer,
    state: State,
    cancel_reason: Option<String>,
    due_at: Option<DateTime<Utc>>,
}

async fn waiting(
    conn: &mut PgConnection,
    worker: Uuid,
    batch: &[Completion],
    completed: &mut Completed,
) -> Result<(), QueueError> {
    let (mut ids, mut leases, mut outcomes, mut delays, mut errors) =
        (Vec::new(), Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for completion in batch {
        let (outcome, delay, error) = match &completion.ending {
            Ending::Retry { failure, delay } => ("retry", Some(*delay), Some(Json(failure))),
            Ending::Snooze { delay } => ("snooze", Some(*delay), None),
            Ending::Wait { failure, delay } => ("wait", Some(*delay), Some(Json(failure))),
            Ending::HandedBack => ("handed_back", None, None),
            _ => continue,
        };
        ids.push(completion.id);
        leases.push(completion.lease);
        outcomes.push(outcome);
        delays.push(delay);
        errors.push(error);
    }
    if ids.is_empty() {
        return Ok(());
    }
    let sent: Vec<Sent> = sqlx::query_as(include_str!("waiting.sql"))
        .bind(&ids)
        .bind(&leases)
        .bind(&outcomes)
        .bind(delays.iter().map(|delay| delay.map(|delay| delay.as_secs_f64())).collect::<Vec<_>>())
        .bind(&errors)
        .bind(worker)
        .fetch_all(&mut *conn)
        .await?;
    // By the ledger's clock, as everything that waits.
    let next_due = sent.iter().filter_map(|job| job.due_at).min();
    for Sent { offer, state, cancel_reason, .. } in sent {
        let id = offer.id;
        // Somebody was told that it will be cancelled, and its run ended before it heard of that.
        if let Some(reason) = cancel_reason {
            let cancelled = crate::read::cancel_waiting(conn, &[id], &reason).await?;
            note(completed, cancelled, State::Cancelled);
            continue;
        }
        note(completed, vec![id], state);
        if state == State::Ready {
            completed.announcement.ready.push(offer);
        }
    }
    completed.announcement.merge(Announcement { ready: Vec::new(), next_due });
    Ok(())
}

async fn dead(
    conn: &mut PgConnection,
    batch: &[Completion],
    completed: &mut Completed,
) -> Result<(), QueueError> {
    let (mut ids, mut leases, mut errors) = (Vec::new(), Vec::new(), Vec::new());
    for completion in batch {
        if let Ending::Dead { failure } = &completion.ending {
            ids.push(completion.id);
            leases.push(Some(completion.lease));
            errors.push(Json(failure));
        }
    }
    if ids.is_empty() {
        return Ok(());
    }
    let written = bury(conn, &ids, &leases, &errors, State::Running).await?;
    note(completed, written, State::Dead);
    Ok(())
}

/// Moves jobs in `state` to the dead letters.
pub(crate) async fn bury(
    conn: &mut PgConnection,
    ids: &[JobId],
    leases: &[Option<Uuid>],
    errors: &[Json<&Failure>],
    state: State,
) -> Result<Vec<JobId>, QueueError> {
    Ok(sqlx::query_scalar(include_str!("dead.sql"))
        .bind(ids)
        .bind(leases)
        .bind(errors)
        .bind(state.as_str())
        .fetch_all(conn)
        .await?)
}

async fn cancelled(
    conn: &mut PgConnection,
    batch: &[Completion],
    completed: &mut Completed,
) -> Result<(), QueueError> {
    let (mut ids, mut leases, mut reasons) = (Vec::new(), Vec::new(), Vec::new());
    for completion in batch {
        if let Ending::Cancelled { reason } = &completion.ending {
            ids.push(completion.id);
            leases.push(completion.lease);
            reasons.push(reason.as_str());
        }
    }
    if ids.is_empty() {
        return Ok(());
    }
    let written: Vec<JobId> = sqlx::query_scalar(include_str!("cancelled.sql"))
        .bind(&ids)
        .bind(&leases)
        .bind(&reasons)
        .fetch_all(conn)
        .await?;
    note(completed, written, State::Cancelled);
    Ok(())
}

fn note(completed: &mut Completed, written: Vec<JobId>, state: State) {
    completed.events.extend(written.iter().map(|id| Event { id: *id, state }));
    completed.written.extend(written);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_bounded() {
        assert_eq!(Failure::new("x", &"a\0b".repeat(2000)).message.len(), 1000);
    }
}
