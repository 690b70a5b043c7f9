//! Computes the answers that are asked for most, so that nobody waits for them in the morning.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use jobs::contract::{Access, Backoff, JobKind, Policy, Priority, Rerun, Subject};

/// Prepare the answers. It follows the publication of a night's run.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PrepareReports {}

/// What was done.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct PrepareReportsOutput {
    /// Answers that are there now.
    pub prepared: u32,
    /// Those that no time was left for.
    pub left: u32,
    /// Rows of tables that were read.
    pub rows_read: i64,
}

impl JobKind for PrepareReports {
    type Output = PrepareReportsOutput;
    const KIND: &'static str = "prepare_reports";
    const VERSION: i16 = 1;
    const POLICY: Policy = Policy {
        queue: "intelligence",
        priority: Priority::Low,
        max_attempts: 2,
        backoff: Backoff { base: Duration::from_secs(30), cap: Duration::from_secs(300) },
        deadline: Duration::from_secs(900),
        key_limit: 1,
        access: Access::Tenant(Subject::Intelligence),
        rerun: Rerun::Never,
    };
}
