//! Brings the clocks of all open tickets up to policies and calendars that changed, in steps that may be begun again.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use jobs::contract::{Access, Backoff, JobKind, Policy, Priority, Rerun, Subject};

/// Derive the clocks of all open tickets anew.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecountSla {
    /// The last ticket that was looked at; the job notes it for its next run.
    #[serde(default)]
    pub after: Option<Uuid>,
}

/// What changed.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RecountSlaOutput {
    /// Tickets looked at in the last run.
    pub tickets: u64,
    /// Tickets whose clocks changed in the last run.
    pub changed: u64,
}

impl RecountSla {
    /// The dedup key: one that waits does for all changes until it begins.
    pub const PLAIN: &'static str = "all";
}

impl JobKind for RecountSla {
    type Output = RecountSlaOutput;
    const KIND: &'static str = "recount_sla";
    const VERSION: i16 = 1;
    const KEY: Option<&'static str> = Some("tenant");
    const POLICY: Policy = Policy {
        queue: "default",
        priority: Priority::Normal,
        max_attempts: 10,
        backoff: Backoff { base: Duration::from_secs(2), cap: Duration::from_secs(300) },
        deadline: Duration::from_secs(3600),
        key_limit: 1,
        access: Access::Tenant(Subject::Tickets),
        rerun: Rerun::WhenAskedOnceBegun,
    };
}
