//! One job as a document, for functions of the database that create a need and its job in one call: they pass it to
//! `jobs.enqueue_one`, which reads the columns of `jobs.live` from it by name.

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::value::RawValue;
use uuid::Uuid;

use crate::{Announcement, NewJob, Offer};

/// A job as `jobs.enqueue_one` reads it.
#[derive(Serialize)]
pub struct JobDocument<'a> {
    id: Uuid,
    tenant_id: Uuid,
    kind: &'a str,
    queue: &'a str,
    priority: i16,
    max_attempts: i16,
    run_at: Option<DateTime<Utc>>,
    delay_secs: Option<f64>,
    payload_version: i16,
    payload: &'a RawValue,
    dedup_key: Option<&'a str>,
    concurrency_key: Option<&'a str>,
    concurrency_limit: Option<i16>,
    correlation_id: &'a str,
    trace_parent: Option<&'a str>,
    origin: &'a str,
    parent_id: Option<Uuid>,
}

impl NewJob {
    /// The job as a document.
    pub fn document(&self) -> JobDocument<'_> {
        JobDocument {
            id: self.id,
            tenant_id: self.tenant.0,
            kind: self.kind,
            queue: &self.queue,
            priority: self.priority.rank(),
            max_attempts: self.max_attempts,
            run_at: self.run_at,
            delay_secs: self.delay.map(|delay| delay.as_secs_f64()),
            payload_version: self.version,
            payload: &self.payload,
            dedup_key: self.dedup_key.as_deref(),
            concurrency_key: self.concurrency_key.as_deref(),
            concurrency_limit: self.concurrency_limit,
            correlation_id: &self.correlation_id,
            trace_parent: self.trace_parent.as_deref(),
            origin: self.origin,
            parent_id: self.parent_id,
        }
    }

    /// What Redis is to be told once the job, and not another one in its stead, is in the ledger; for a job that waits
    /// for no time.
    pub fn ready(&self) -> Announcement {
        let offer = Offer {
            id: self.id,
            tenant: self.tenant.0,
            queue: self.queue.clone(),
            priority: self.priority.rank(),
        };
        Announcement { ready: vec![offer], next_due: None }
    }
}
