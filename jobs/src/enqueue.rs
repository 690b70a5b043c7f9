//! Putting jobs into the ledger, in the transaction that creates the need for them. What became
//! ready is announced to Redis after the commit; when that fails the sweeper announces it later.

use std::{collections::HashMap, time::Duration};

use chrono::{DateTime, Utc};
use serde_json::value::RawValue;
use sqlx::{Arguments, FromRow, PgConnection, postgres::PgArguments, types::Json};
use uuid::Uuid;

use database::ids::TenantId;

use crate::{
    JobId, JobKind, MAX_PAYLOAD_BYTES, Priority, QueueError, Rerun, State,
    kinds::KindInfo,
    successors::{self, Met},
};

/// A job that is to be. Made by [`NewJob::of`] or [`NewJob::raw`], refined by the `with_` methods.
#[derive(Clone, Debug)]
pub struct NewJob {
    pub(crate) id: JobId,
    pub(crate) tenant: TenantId,
    pub(crate) kind: &'static str,
    pub(crate) queue: String,
    pub(crate) priority: Priority,
    pub(crate) max_attempts: i16,
    pub(crate) run_at: Option<DateTime<Utc>>,
    pub(crate) delay: Option<Duration>,
    pub(crate) version: i16,
    pub(crate) payload: Box<RawValue>,
    pub(crate) dedup_key: Option<String>,
    pub(crate) concurrency_key: Option<String>,
    pub(crate) concurrency_limit: Option<i16>,
    pub(crate) correlation_id: String,
    pub(crate) trace_parent: Option<String>,
    pub(crate) origin: &'static str,
    pub(crate) parent_id: Option<JobId>,
    pub(crate) rerun: Rerun,
}

impl NewJob {
    /// A job of a known kind.
    ///
    /// # Errors
    /// The payload is too large or cannot be written as JSON.
    pub fn of<K: JobKind>(tenant: TenantId, payload: &K) -> Result<NewJob, QueueError> {
        let payload = serde_json::value::to_raw_value(payload).map_err(|error| QueueError::BadPayload {
            kind: K::KIND.to_owned(),
            reason: error.to_string(),
        })?;
        NewJob::unchecked(tenant, &KindInfo::of::<K>(), payload)
    }

    /// A job of a kind known by name, with a payload from outside: it is checked against the contract.
    ///
    /// # Errors
    /// The payload does not fit or is too large.
    pub fn raw(tenant: TenantId, kind: &KindInfo, payload: Box<RawValue>) -> Result<NewJob, QueueError> {
        (kind.check)(payload.get())
            .map_err(|reason| QueueError::BadPayload { kind: kind.kind.to_owned(), reason })?;
        NewJob::unchecked(tenant, kind, payload)
    }

    fn unchecked(tenant: TenantId, kind: &KindInfo, payload: Box<RawValue>) -> Result<NewJob, QueueError> {
        let size_bytes = payload.get().len();
        if size_bytes > MAX_PAYLOAD_BYTES {
            return Err(QueueError::PayloadTooLarge { size_bytes });
        }
        let id = Uuid::now_v7();
        Ok(NewJob {
            id,
            tenant,
            kind: kind.kind,
            queue: kind.policy.queue.to_owned(),
            priority: kind.policy.priority,
            max_attempts: kind.policy.max_attempts,
            run_at: None,
            delay: None,
            version: kind.version,
            payload,
            dedup_key: None,
            concurrency_key: kind.key.map(str::to_owned),
            concurrency_limit: kind.key.map(|_| kind.policy.key_limit.max(1)),
            correlation_id: id.to_string(),
            trace_parent: None,
            origin: "code",
            parent_id: None,
            rerun: kind.policy.rerun,
        })
    }

    /// The id that the job will have, unless an unfinished one with its dedup key exists.
    pub fn id(&self) -> JobId {
        self.id
    }

    /// Whose it is.
    pub fn tenant(&self) -> TenantId {
        self.tenant
    }

    /// Another priority than the kind's.
    #[must_use]
    pub fn with_priority(mut self, priority: Priority) -> NewJob {
        self.priority = priority;
        self
    }

    /// Another queue than the kind's.
    #[must_use]
    pub fn with_queue(mut self, queue: &str) -> NewJob {
        queue.clone_into(&mut self.queue);
        self
    }

    /// Another number of attempts than the kind's, 1 to 100.
    #[must_use]
    pub fn with_max_attempts(mut self, max_attempts: i16) -> NewJob {
        self.max_attempts = max_attempts.clamp(1, 100);
        self
    }

    /// Not before that time.
    #[must_use]
    pub fn with_run_at(mut self, run_at: DateTime<Utc>) -> NewJob {
        self.run_at = Some(run_at);
        self
    }

    /// Not before this time has passed since the job came into being, by the ledger's clock.
    #[must_use]
    pub fn with_delay(mut self, delay: Duration) -> NewJob {
        self.delay = Some(delay);
        self
    }

    /// At most one unfinished job of the tenant and kind has this key. While it runs, [`Rerun`] says whether
    /// it stands in for this one.
    ///
    /// # Errors
    /// The key is empty or longer than 200 bytes.
    pub fn with_dedup_key(mut self, key: &str) -> Result<NewJob, QueueError> {
        self.dedup_key = Some(checked_key("dedup_key", key)?);
        Ok(self)
    }

    /// No more than `limit` jobs of the tenant and kind with this key run at once in the cluster.
    ///
    /// # Errors
    /// The key is empty or longer than 200 bytes.
    pub fn with_concurrency_key(mut self, key: &str, limit: i16) -> Result<NewJob, QueueError> {
        self.concurrency_key = Some(checked_key("concurrency_key", key)?);
        self.concurrency_limit = Some(limit.max(1));
        Ok(self)
    }

    /// Where the need for the job came from: the request's correlation id and W3C trace context.
    #[must_use]
    pub fn with_cause(
        mut self,
        correlation_id: &str,
        trace_parent: Option<&str>,
        origin: &'static str,
    ) -> NewJob {
        self.correlation_id = correlation_id.chars().take(128).collect();
        self.trace_parent = trace_parent.map(|parent| parent.chars().take(128).collect());
        self.origin = origin;
        self
    }

    /// The job whose run created the need.
    #[must_use]
    pub fn with_parent(mut self, parent: JobId) -> NewJob {
        self.parent_id = Some(parent);
        self
    }
}

impl NewJob {
    /// What it shares with the job that stands in for it.
    fn key(&self) -> (TenantId, &'static str, Option<&str>) {
        (self.tenant, self.kind, self.dedup_key.as_deref())
    }
}

fn checked_key(field: &'static str, key: &str) -> Result<String, QueueError> {
    if key.is_empty() || key.len() > 200 || key.contains('\0') {
        return Err(QueueError::BadKey { field });
    }
    Ok(key.to_owned())
}

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

/// What Redis is to be told after the commit. Losing it delays a job by seconds, no more.
#[derive(Clone, Debug, Default)]
#[must_use = "announce it with Dispatch::announce after the commit"]
pub struct Announcement {
    /// Jobs that may be claimed.
    pub ready: Vec<Offer>,
    /// The earliest time at which one of the jobs falls due.
    pub next_due: Option<DateTime<Utc>>,
}

impl Announcement {
    /// Adds another one's content.
    pub fn merge(&mut self, other: Announcement) {
        self.ready.extend(other.ready);
        self.next_due = self.next_due.into_iter().chain(other.next_due).min();
    }
}

/// A claimable job, as the dispatcher needs to know it.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Offer {
    /// The job.
    pub id: JobId,
    /// Whose turn it takes.
    pub tenant: Uuid,
    /// Where it waits.
    pub queue: String,
    /// The rank of its priority.
    pub priority: i16,
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
    let mut found = Found::default();
    let mut pending: Vec<&NewJob> = jobs.iter().collect();
    // A second round is needed only when the job that stood in the way ended in this very moment.
    for _ in 0..MAX_ROUNDS {
        if pending.is_empty() {
            break;
        }
        for (id, due_at) in insert(conn, &pending).await? {
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

/// The jobs that went in, and when each falls due if it has to wait.
async fn insert(
    conn: &mut PgConnection,
    jobs: &[&NewJob],
) -> Result<Vec<(JobId, Option<DateTime<Utc>>)>, QueueError> {
    Ok(sqlx::query_as_with(include_str!("enqueue.sql"), columns(jobs)?).fetch_all(conn).await?)
}

/// The jobs as the arguments of a statement, an array a column.
pub(crate) fn columns(jobs: &[&NewJob]) -> Result<PgArguments, QueueError> {
    let mut columns = PgArguments::default();
    let mut add = || {
        columns.add(jobs.iter().map(|job| job.id).collect::<Vec<_>>())?;
        columns.add(jobs.iter().map(|job| job.tenant.0).collect::<Vec<_>>())?;
        columns.add(jobs.iter().map(|job| job.kind).collect::<Vec<_>>())?;
        columns.add(jobs.iter().map(|job| job.queue.as_str()).collect::<Vec<_>>())?;
        columns.add(jobs.iter().map(|job| job.priority.rank()).collect::<Vec<_>>())?;
        columns.add(jobs.iter().map(|job| job.max_attempts).collect::<Vec<_>>())?;
        columns.add(jobs.iter().map(|job| job.run_at).collect::<Vec<_>>())?;
        columns.add(jobs.iter().map(|job| job.version).collect::<Vec<_>>())?;
        columns.add(jobs.iter().map(|job| Json(&*job.payload)).collect::<Vec<_>>())?;
        columns.add(jobs.iter().map(|job| job.dedup_key.as_deref()).collect::<Vec<_>>())?;
        columns.add(jobs.iter().map(|job| job.concurrency_key.as_deref()).collect::<Vec<_>>())?;
        columns.add(jobs.iter().map(|job| job.concurrency_limit).collect::<Vec<_>>())?;
        columns.add(jobs.iter().map(|job| job.correlation_id.as_str()).collect::<Vec<_>>())?;
        columns.add(jobs.iter().map(|job| job.trace_parent.as_deref()).collect::<Vec<_>>())?;
        columns.add(jobs.iter().map(|job| job.origin).collect::<Vec<_>>())?;
        columns.add(jobs.iter().map(|job| job.parent_id).collect::<Vec<_>>())?;
        columns.add(jobs.iter().map(|job| job.delay.map(|delay| delay.as_secs_f64())).collect::<Vec<_>>())
    };
    add().map_err(sqlx::Error::Encode)?;
    Ok(columns)
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
