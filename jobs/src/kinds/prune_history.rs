//! Removes the history that nobody needs any more: whole days of finished jobs, old dead letters,
//! old idempotency keys and side-effect records.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::contract::{Access, Backoff, JobKind, Policy, Priority, Rerun};

/// Prune once, by the given ages.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PruneHistory {
    /// How long done and cancelled jobs are kept, in days.
    pub keep_finished_days: u16,
    /// How long dead jobs are kept, in days.
    pub keep_dead_days: u16,
    /// How long side-effect records are kept, in days.
    pub keep_effects_days: u16,
}

impl Default for PruneHistory {
    fn default() -> Self {
        PruneHistory { keep_finished_days: 7, keep_dead_days: 30, keep_effects_days: 90 }
    }
}

/// What was removed.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Pruned {
    /// Days of finished jobs that were dropped.
    pub days_dropped: u32,
    /// Finished jobs that went with them.
    pub finished: i64,
    /// Dead jobs.
    pub dead: i64,
    /// Idempotency keys, side-effect records, occurrences and rates.
    pub records: i64,
}

impl JobKind for PruneHistory {
    type Output = Pruned;
    const KIND: &'static str = "prune_history";
    const VERSION: i16 = 1;
    const POLICY: Policy = Policy {
        queue: "ops",
        priority: Priority::Low,
        max_attempts: 5,
        backoff: Backoff { base: Duration::from_secs(30), cap: Duration::from_secs(600) },
        deadline: Duration::from_secs(1800),
        key_limit: 1,
        access: Access::Operator,
        rerun: Rerun::Never,
    };
}
