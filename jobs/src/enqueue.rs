//! Putting jobs into the ledger, in the transaction that creates the need for them. What became
//! ready is announced to Redis after the commit; when that fails the sweeper announces it later.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use sqlx::{FromRow, PgConnection};
use uuid::Uuid;

use crate::{
    Announcement, JobId, NewJob, Offer, QueueError, Rerun, State, new_job,
    successors::{self, Met},
};

/// A job that is in the ledger now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Enqueued {
    /// Its id.
    pub id: JobId,
    /// Whether it is new; otherwise an unfinished job with the same dedup key stands in for it.
    pub created: bool,
    /// When a new one falls due, if it has to wait.
    pub due_at: Option<DateTime<Utc>>,
    /// Where it stands: a new one is ready, or scheduled for its time or for the end of a job that runs.
    pub state: State,
}

/// As [`enqueue`], of a single job: what became of it, or of the unfinished one that stands in for it.
///
/// # Errors
/// As for [`enqueue`].
pub async fn enqueue_one(
    conn: &mut PgConnection,
    job: NewJob,
) -> Result<(Enqueued, Announcement), QueueError> {
    let (mut enqueued, announcement) = enqueue(conn, &[job]).await?;
    Ok((enqueued.swap_remove(0), announcement))
}

/// Writes jobs into the ledger through the caller's transaction, in one statement. The result has
/// the order of `jobs`. Under an application's role all of them must be of that role's tenant.
///
/// # Errors
/// The ledger does not take them; then none of them is in.
pub async fn enqueue(
    conn: &mut PgConnection,
    jobs: &[NewJob],
) -> Result<(Vec<Enqueued>, Announcement), QueueError> {
    // Nothing stands in for a job without a key.
    if jobs.iter().all(|job| job.dedup_key.is_none()) {
        return insert_all(conn, jobs).await;
    }
    let mut found = Found::default();
    let mut pending: Vec<&NewJob> = jobs.iter().collect();
    // A second round is needed only when the job that stood in the way ended in this very moment.
    for _ in 0..MAX_ROUNDS {
        if pending.is_empty() {
            break;
        }
        for (id, due_at) in insert_free(conn, &pending).await? {
            found.by_asked.insert(id, Stands::AsAsked { due_at });
        }
        pending.retain(|job| !found.by_asked.contains_key(&job.id));
        let (once, again): (Vec<&NewJob>, Vec<&NewJob>) =
            pending.iter().copied().partition(|job| job.rerun == Rerun::Never);
        if !once.is_empty() {
            found.take_standing(&once, standing_in(conn, &once).await?);
        }
        if !again.is_empty() {
            let asked = newest_of_each_key(&again);
            found.take_met(&again, &asked, successors::meet(conn, &asked).await?);
        }
        pending.retain(|job| !found.by_asked.contains_key(&job.id));
    }
    if let Some(job) = pending.first() {
        return Err(QueueError::Contended { kind: job.kind });
    }
    Ok(found.told(jobs))
}

/// How often an insert is tried against jobs with the same dedup key that come and go.
const MAX_ROUNDS: usize = 5;

/// What stands for a job that was asked for.
enum Stands {
    /// The job itself, which waits until the ledger's clock says so, if it waits.
    AsAsked { due_at: Option<DateTime<Utc>> },
    /// Another, or a successor.
    Instead(Enqueued),
}

/// What was found out about jobs that were asked for.
#[derive(Default)]
struct Found {
    /// By the id of the job asked for.
    by_asked: HashMap<JobId, Stands>,
    /// Standing jobs that a claim may have passed over while the caller's transaction held them.
    passed_over: Vec<Offer>,
}

impl Found {
    fn take_standing(&mut self, jobs: &[&NewJob], standing: Vec<Standing>) {
        for standing in standing {
            for job in jobs.iter().filter(|job| standing.matches(job)) {
                let state = State::parse(&standing.state).unwrap_or(State::Ready);
                self.by_asked.insert(
                    job.id,
                    Stands::Instead(Enqueued { id: standing.id, created: false, due_at: None, state }),
                );
            }
        }
    }

    /// `asked` are the newest of each key among `jobs`; the older ones share their fate.
    fn take_met(&mut self, jobs: &[&NewJob], asked: &[&NewJob], met: Vec<Met>) {
        for met in met {
            let Some(newest) = asked.iter().find(|job| job.id == met.asked) else { continue };
            let state = State::parse(&met.state).unwrap_or(State::Ready);
            for job in jobs.iter().filter(|job| job.key() == newest.key()) {
                let created = job.id == met.id;
                self.by_asked
                    .insert(job.id, Stands::Instead(Enqueued { id: met.id, created, due_at: None, state }));
            }
            self.passed_over.extend(met.offer());
        }
    }

    fn told(mut self, jobs: &[NewJob]) -> (Vec<Enqueued>, Announcement) {
        let mut announcement = Announcement { ready: self.passed_over, next_due: None };
        let enqueued = jobs
            .iter()
            .map(|job| match self.by_asked.remove(&job.id) {
                Some(Stands::Instead(standing)) => standing,
                Some(Stands::AsAsked { due_at }) => inserted(&mut announcement, job, due_at),
                None => unreachable!("every job was found to stand or not to be pending"),
            })
            .collect();
        (enqueued, announcement)
    }
}

/// Announces a job that was inserted, and says how it stands.
fn inserted(announcement: &mut Announcement, job: &NewJob, due_at: Option<DateTime<Utc>>) -> Enqueued {
    let state = match due_at {
        Some(at) => {
            announcement.next_due = announcement.next_due.into_iter().chain([at]).min();
            State::Scheduled
        }
        None => {
            announcement.ready.push(Offer {
                id: job.id,
                tenant: job.tenant.0,
                queue: job.queue.clone(),
                priority: job.priority.rank(),
            });
            State::Ready
        }
    };
    Enqueued { id: job.id, created: true, due_at, state }
}

/// One job a dedup key, the last in the order of `jobs`: a statement writes a row once.
fn newest_of_each_key<'a>(jobs: &[&'a NewJob]) -> Vec<&'a NewJob> {
    let mut newest: HashMap<_, &NewJob> = HashMap::with_capacity(jobs.len());
    for &job in jobs {
        newest.insert(job.key(), job);
    }
    newest.into_values().collect()
}

/// Inserts jobs without keys.
async fn insert_all(
    conn: &mut PgConnection,
    jobs: &[NewJob],
) -> Result<(Vec<Enqueued>, Announcement), QueueError> {
    let mut announcement = Announcement::default();
    if jobs.is_empty() {
        return Ok((Vec::new(), announcement));
    }
    let columns = new_job::columns(&jobs.iter().collect::<Vec<_>>())?;
    let waiting: Vec<(JobId, DateTime<Utc>)> =
        sqlx::query_as_with(include_str!("enqueue.sql"), columns).fetch_all(conn).await?;
    let due_at: HashMap<JobId, DateTime<Utc>> = waiting.into_iter().collect();
    let enqueued =
        jobs.iter().map(|job| inserted(&mut announcement, job, due_at.get(&job.id).copied())).collect();
    Ok((enqueued, announcement))
}

/// Inserts jobs of which some have keys: those that went in, and when each falls due if it has to wait.
async fn insert_free(
    conn: &mut PgConnection,
    jobs: &[&NewJob],
) -> Result<Vec<(JobId, Option<DateTime<Utc>>)>, QueueError> {
    Ok(sqlx::query_as_with(include_str!("enqueue_keyed.sql"), new_job::columns(jobs)?)
        .fetch_all(conn)
        .await?)
}

#[derive(FromRow)]
struct Standing {
    id: JobId,
    tenant_id: Uuid,
    kind: String,
    dedup_key: Option<String>,
    state: String,
}

impl Standing {
    fn matches(&self, job: &NewJob) -> bool {
        self.tenant_id == job.tenant.0 && self.kind == job.kind && self.dedup_key == job.dedup_key
    }
}

/// The unfinished jobs that stand in for those that were not inserted.
async fn standing_in(conn: &mut PgConnection, missing: &[&NewJob]) -> Result<Vec<Standing>, QueueError> {
    Ok(sqlx::query_as(
        "select j.id, j.tenant_id, j.kind, j.dedup_key, j.state::text as state
         from unnest($1::uuid[], $2::text[], $3::text[]) wanted (tenant_id, kind, dedup_key)
         join jobs.live j using (tenant_id, kind, dedup_key)",
    )
    .bind(missing.iter().map(|job| job.tenant.0).collect::<Vec<_>>())
    .bind(missing.iter().map(|job| job.kind).collect::<Vec<_>>())
    .bind(missing.iter().map(|job| job.dedup_key.as_deref()).collect::<Vec<_>>())
    .fetch_all(conn)
    .await?)
}
