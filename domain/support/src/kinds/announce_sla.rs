//! Tells that a ticket's clock is at risk or breached, at the time for which it was made. When nothing is due any more,
//! because somebody answered or the due time moved, it tells nothing.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use jobs::contract::{Access, Backoff, JobKind, Policy, Priority, Rerun, Subject};

/// Announce what a ticket has due.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AnnounceSla {
    /// The ticket, by our own id.
    pub ticket_id: Uuid,
}

/// What was told.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct AnnounceSlaOutput {
    /// Warnings and breaches that were told for the first time.
    pub alerts: i64,
}

impl JobKind for AnnounceSla {
    type Output = AnnounceSlaOutput;
    const KIND: &'static str = "announce_sla";
    const VERSION: i16 = 1;
    const POLICY: Policy = Policy {
        queue: "default",
        priority: Priority::High,
        max_attempts: 10,
        backoff: Backoff { base: Duration::from_secs(1), cap: Duration::from_secs(60) },
        deadline: Duration::from_secs(30),
        key_limit: 1,
        access: Access::Tenant(Subject::Tickets),
        // The key holds the time that it is for.
        rerun: Rerun::Never,
    };
}
