//! The net beneath the jobs that announce: every minute it announces whatever is due and was not told, of all tenants.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use jobs::contract::{Access, Backoff, JobKind, Policy, Priority, Rerun};

/// Announce what is due.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CheckSla {}

/// What was due.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CheckSlaOutput {
    /// Tenants with something due.
    pub tenants: i64,
    /// Tickets with something due.
    pub tickets: i64,
    /// Warnings and breaches that were told for the first time.
    pub alerts: i64,
}

impl JobKind for CheckSla {
    type Output = CheckSlaOutput;
    const KIND: &'static str = "check_sla";
    const VERSION: i16 = 1;
    const POLICY: Policy = Policy {
        queue: "default",
        priority: Priority::High,
        // The next minute brings the next one.
        max_attempts: 2,
        backoff: Backoff { base: Duration::from_secs(2), cap: Duration::from_secs(10) },
        deadline: Duration::from_secs(120),
        key_limit: 1,
        access: Access::Operator,
        rerun: Rerun::Never,
    };
}

impl CheckSla {
    /// The dedup key of the schedule: one that takes longer than a minute stands in for the next one.
    pub const PLAIN: &'static str = "all";
}
