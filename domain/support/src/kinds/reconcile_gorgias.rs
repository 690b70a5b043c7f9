//! Looks through a help desk by the time of its last changes for what no webhook told, and asks for each such ticket to be
//! made the same on both sides.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use jobs::contract::{Access, Backoff, JobKind, Policy, Priority, Rerun, Subject};

/// Look through the help desk.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReconcileGorgias {}

impl ReconcileGorgias {
    /// The dedup key of the schedule's job.
    pub const PLAIN: &'static str = "reconcile";
}

/// What was found.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct ReconcileGorgiasOutput {
    /// Tickets that were looked at.
    pub looked_at: usize,
    /// Of those, with something that was missed.
    pub differed: usize,
}

impl JobKind for ReconcileGorgias {
    type Output = ReconcileGorgiasOutput;
    const KIND: &'static str = "reconcile_gorgias";
    const VERSION: i16 = 1;
    const KEY: Option<&'static str> = Some("reconcile_gorgias");
    const POLICY: Policy = Policy {
        queue: "default",
        priority: Priority::Low,
        max_attempts: 6,
        backoff: Backoff { base: Duration::from_secs(5), cap: Duration::from_secs(300) },
        deadline: Duration::from_secs(60),
        key_limit: 1,
        access: Access::Tenant(Subject::Tickets),
        rerun: Rerun::Never,
    };
}
