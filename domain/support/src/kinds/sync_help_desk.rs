//! Makes both sides of a ticket that lives in a help desk the same: status, tags, notes and messages, and looks after
//! replies that the help desk took and could not send.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use jobs::contract::{Access, Backoff, JobKind, Policy, Priority, Rerun, Subject};

/// Make a ticket the same on both sides.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SyncHelpDesk {
    /// The ticket, by our own id.
    pub ticket_id: Uuid,
}

/// What was done for it.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct SyncHelpDeskOutput {
    /// Whether the help desk was told a status.
    pub told_status: bool,
    /// Tags that it was told to add.
    pub added_tags: usize,
    /// Tags that it was told to take away.
    pub removed_tags: usize,
    /// Notes that were posted there.
    pub notes: usize,
    /// Messages of theirs that were not here.
    pub missed_messages: i64,
}

impl JobKind for SyncHelpDesk {
    type Output = SyncHelpDeskOutput;
    const KIND: &'static str = "sync_help_desk";
    const VERSION: i16 = 1;
    const POLICY: Policy = Policy {
        queue: "default",
        priority: Priority::Normal,
        max_attempts: 10,
        backoff: Backoff { base: Duration::from_secs(2), cap: Duration::from_secs(300) },
        deadline: Duration::from_secs(60),
        key_limit: 1,
        access: Access::Tenant(Subject::Tickets),
        rerun: Rerun::WhenAskedWhileRunning,
    };
}
