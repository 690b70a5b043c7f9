//! A job as it is asked for, before the ledger has it: by its kind's contract, with what differs from that.

use std::time::Duration;

use chrono::{DateTime, Utc};
use database::ids::TenantId;
use serde_json::value::RawValue;
use sqlx::{Arguments, postgres::PgArguments, types::Json};
use uuid::Uuid;

use crate::contract::Unfit;
use crate::{JobId, JobKind, MAX_PAYLOAD_BYTES, Priority, QueueError, Rerun, kinds::KindInfo};

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
    /// The payload does not fit, is too large or cannot be written as JSON.
    pub fn of<K: JobKind>(tenant: TenantId, payload: &K) -> Result<NewJob, QueueError> {
        let bad = |unfit| QueueError::BadPayload { kind: K::KIND.to_owned(), unfit };
        payload.check(Utc::now()).map_err(bad)?;
        let payload =
            serde_json::value::to_raw_value(payload).map_err(|error| bad(Unfit::whole(error.to_string())))?;
        NewJob::unchecked(tenant, &KindInfo::of::<K>(), payload)
    }

    /// A job of a kind known by name, with a payload from outside: it is checked against the contract. `at` is when the job
    /// may begin.
    ///
    /// # Errors
    /// The payload does not fit or is too large.
    pub fn raw(
        tenant: TenantId,
        kind: &KindInfo,
        payload: Box<RawValue>,
        at: DateTime<Utc>,
    ) -> Result<NewJob, QueueError> {
        (kind.check)(payload.get(), at)
            .map_err(|unfit| QueueError::BadPayload { kind: kind.kind.to_owned(), unfit })?;
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
    pub(crate) fn key(&self) -> (TenantId, &'static str, Option<&str>) {
        (self.tenant, self.kind, self.dedup_key.as_deref())
    }
}

fn checked_key(field: &'static str, key: &str) -> Result<String, QueueError> {
    if key.is_empty() || key.len() > 200 || key.contains('\0') {
        return Err(QueueError::BadKey { field });
    }
    Ok(key.to_owned())
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
