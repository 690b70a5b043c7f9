//! Retries every dead job that matches a filter, in batches; on request a few of them first, the
//! canary, and the rest only when the canary did well.

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::{
    JobId,
    contract::{Access, Backoff, JobKind, Policy, Priority, Rerun, Unfit},
    dead::{DeadFilter, Left},
};

/// Retry what matches.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RetryDead {
    /// Which dead jobs.
    pub filter: DeadFilter,
    /// How many to try first; 0 retries all at once.
    #[serde(default)]
    pub canary: u32,
    /// The canary, once it was released: written by the job itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub released: Option<Canary>,
}

impl RetryDead {
    /// Jobs that may be tried first.
    pub const MOST_CANARY: u32 = 1_000;

    /// A tenant has one bulk retry at a time.
    pub const DEDUP_KEY: &'static str = "bulk";
}

/// Jobs that were retried before all others.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Canary {
    /// The jobs.
    pub ids: Vec<JobId>,
    /// When they were released.
    pub at: DateTime<Utc>,
    /// How many jobs matched then, these included.
    pub matching: i64,
}

/// How a bulk action ended.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct BulkReport {
    /// Jobs that were retried, discarded or cancelled.
    pub jobs: i64,
    /// Canary jobs that died again; when there are any, the rest was left alone.
    pub canary_died: i64,
    /// Jobs that matched and were left as they were.
    #[serde(default)]
    pub left: i64,
    /// Some of them, each with the reason.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left_jobs: Vec<Left>,
    /// What happened, in a sentence.
    pub summary: String,
}

impl JobKind for RetryDead {
    type Output = BulkReport;
    const KIND: &'static str = "retry_dead";
    const VERSION: i16 = 1;
    const POLICY: Policy = Policy {
        queue: "bulk",
        priority: Priority::Urgent,
        max_attempts: 5,
        backoff: Backoff { base: Duration::from_secs(1), cap: Duration::from_secs(30) },
        deadline: Duration::from_secs(1800),
        key_limit: 1,
        access: Access::Operator,
        rerun: Rerun::Never,
    };

    fn check(&self, _: DateTime<Utc>) -> Result<(), Unfit> {
        if self.canary > RetryDead::MOST_CANARY {
            return Err(Unfit::at("canary", format!("must be 0 to {}", RetryDead::MOST_CANARY)));
        }
        self.filter.check()
    }
}
