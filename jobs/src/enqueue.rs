//! Putting jobs into the ledger, in the transaction that creates the need for them. What became
//! ready is announced to Redis after the commit; when that fails the sweeper announces it later.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use serde_json::value::RawValue;
use sqlx::{PgConnection, Row, types::Json};
use uuid::Uuid;

use domain::ids::TenantId;

use crate::{JobId, JobKind, MAX_PAYLOAD_BYTES, Priority, QueueError, kinds::KindInfo};

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
    pub(crate) version: i16,
    pub(crate) payload: Box<RawValue>,
    pub(crate) dedup_key: Option<String>,
    pub(crate) concurrency_key: Option<String>,
    pub(crate) concurrency_limit: Option<i16>,
    pub(crate) correlation_id: String,
    pub(crate) trace_parent: Option<String>,
    pub(crate) origin: &'static str,
    pub(crate) parent_id: Option<JobId>,
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
            version: kind.version,
            payload,
            dedup_key: None,
            concurrency_key: kind.key.map(str::to_owned),
            concurrency_limit: kind.key.map(|_| kind.policy.key_limit.max(1)),
            correlation_id: id.to_string(),
            trace_parent: None,
            origin: "code",
            parent_id: None,
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

    /// At most one unfinished job of the tenant and kind has this key.
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

/// Writes jobs into the ledger through the caller's transaction, in one statement. The result has
/// the order of `jobs`. Under an application's role all of them must be of that role's tenant.
///
/// # Errors
/// The ledger does not take them; then none of them is in.
pub async fn enqueue(
    conn: &mut PgConnection,
    jobs: &[NewJob],
) -> Result<(Vec<Enqueued>, Announcement), QueueError> {
    let now = Utc::now();
    let mut outcome: HashMap<JobId, Enqueued> = HashMap::with_capacity(jobs.len());
    let mut pending: Vec<&NewJob> = jobs.iter().collect();
    // A second round is needed only when the job that stood in the way ended in this very moment.
    for _ in 0..MAX_ROUNDS {
        if pending.is_empty() {
            break;
        }
        for id in insert(conn, &pending, now).await? {
            outcome.insert(id, Enqueued { id, created: true });
        }
        pending.retain(|job| !outcome.contains_key(&job.id));
        if !pending.is_empty() {
            for standing in standing_in(conn, &pending).await? {
                for job in pending.iter().filter(|job| standing.matches(job)) {
                    outcome.insert(job.id, Enqueued { id: standing.id, created: false });
                }
            }
            pending.retain(|job| !outcome.contains_key(&job.id));
        }
    }
    if let Some(job) = pending.first() {
        return Err(QueueError::Contended { kind: job.kind });
    }
    Ok((jobs.iter().map(|job| outcome[&job.id]).collect(), announcement(jobs, &outcome, now)))
}

/// How often an insert is tried against jobs with the same dedup key that come and go.
const MAX_ROUNDS: usize = 5;

fn announcement(jobs: &[NewJob], outcome: &HashMap<JobId, Enqueued>, now: DateTime<Utc>) -> Announcement {
    let mut announcement = Announcement::default();
    for job in jobs.iter().filter(|job| outcome[&job.id].created) {
        match job.run_at.filter(|at| *at > now) {
            Some(at) => announcement.next_due = announcement.next_due.into_iter().chain([at]).min(),
            None => announcement.ready.push(Offer {
                id: job.id,
                tenant: job.tenant.0,
                queue: job.queue.clone(),
                priority: job.priority.rank(),
            }),
        }
    }
    announcement
}

async fn insert(
    conn: &mut PgConnection,
    jobs: &[&NewJob],
    now: DateTime<Utc>,
) -> Result<Vec<JobId>, QueueError> {
    Ok(sqlx::query_scalar(include_str!("enqueue.sql"))
        .bind(jobs.iter().map(|job| job.id).collect::<Vec<_>>())
        .bind(jobs.iter().map(|job| job.tenant.0).collect::<Vec<_>>())
        .bind(jobs.iter().map(|job| job.kind).collect::<Vec<_>>())
        .bind(jobs.iter().map(|job| job.queue.as_str()).collect::<Vec<_>>())
        .bind(jobs.iter().map(|job| job.priority.rank()).collect::<Vec<_>>())
        .bind(jobs.iter().map(|job| job.max_attempts).collect::<Vec<_>>())
        .bind(jobs.iter().map(|job| job.run_at.filter(|at| *at > now)).collect::<Vec<_>>())
        .bind(jobs.iter().map(|job| job.version).collect::<Vec<_>>())
        .bind(jobs.iter().map(|job| Json(&*job.payload)).collect::<Vec<_>>())
        .bind(jobs.iter().map(|job| job.dedup_key.as_deref()).collect::<Vec<_>>())
        .bind(jobs.iter().map(|job| job.concurrency_key.as_deref()).collect::<Vec<_>>())
        .bind(jobs.iter().map(|job| job.concurrency_limit).collect::<Vec<_>>())
        .bind(jobs.iter().map(|job| job.correlation_id.as_str()).collect::<Vec<_>>())
        .bind(jobs.iter().map(|job| job.trace_parent.as_deref()).collect::<Vec<_>>())
        .bind(jobs.iter().map(|job| job.origin).collect::<Vec<_>>())
        .bind(jobs.iter().map(|job| job.parent_id).collect::<Vec<_>>())
        .fetch_all(conn)
        .await?)
}

struct Standing {
    id: JobId,
    tenant: Uuid,
    kind: String,
    dedup_key: Option<String>,
}

impl Standing {
    fn matches(&self, job: &NewJob) -> bool {
        self.tenant == job.tenant.0 && self.kind == job.kind && self.dedup_key == job.dedup_key
    }
}

/// The unfinished jobs that stand in for those that were not inserted.
async fn standing_in(conn: &mut PgConnection, missing: &[&NewJob]) -> Result<Vec<Standing>, QueueError> {
    let rows = sqlx::query(
        "select j.id, j.tenant_id, j.kind, j.dedup_key
         from unnest($1::uuid[], $2::text[], $3::text[]) wanted (tenant_id, kind, dedup_key)
         join jobs.live j using (tenant_id, kind, dedup_key)",
    )
    .bind(missing.iter().map(|job| job.tenant.0).collect::<Vec<_>>())
    .bind(missing.iter().map(|job| job.kind).collect::<Vec<_>>())
    .bind(missing.iter().map(|job| job.dedup_key.as_deref()).collect::<Vec<_>>())
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Standing { id: row.get(0), tenant: row.get(1), kind: row.get(2), dedup_key: row.get(3) })
        .collect())
}
