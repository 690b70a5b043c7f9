//! Takes a mail in that was kept at the door: reads it, finds its ticket, and adds it there.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use jobs::contract::{Access, Backoff, JobKind, Policy, Priority, Rerun, Subject};

/// Take a mail in.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TakeMailIn {
    /// The mail.
    pub mail_id: Uuid,
}

/// What became of it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct TakeMailInOutput {
    /// The ticket that it is in; none when it cannot be read.
    pub ticket_id: Option<Uuid>,
    /// The message that it is.
    pub message_id: Option<Uuid>,
    /// Whether it counts as a machine's.
    pub by_machine: bool,
}

impl JobKind for TakeMailIn {
    type Output = TakeMailInOutput;
    const KIND: &'static str = "take_mail_in";
    const VERSION: i16 = 1;
    const POLICY: Policy = Policy {
        queue: "default",
        priority: Priority::High,
        max_attempts: 10,
        backoff: Backoff { base: Duration::from_secs(1), cap: Duration::from_secs(300) },
        deadline: Duration::from_secs(60),
        key_limit: 1,
        access: Access::Tenant(Subject::Tickets),
        rerun: Rerun::Never,
    };
}
