//! Gives one ticket to the agent who fits best. Tickets that come before it in the smart order go first, so this gives
//! out what waits, as `drain_waiting` does, and answers what became of this one.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use jobs::contract::{Access, Backoff, JobKind, Policy, Priority, Rerun, Subject};

/// Assign a ticket.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AssignTicket {
    /// The ticket, by our own id.
    pub ticket_id: Uuid,
}

/// What became of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AssignTicketOutput {
    /// Whose it is now; none while it waits.
    pub agent_id: Option<Uuid>,
    /// Whether it waits in the queue for an agent with room.
    pub waits: bool,
}

impl JobKind for AssignTicket {
    type Output = AssignTicketOutput;
    const KIND: &'static str = "assign_ticket";
    const VERSION: i16 = 1;
    const POLICY: Policy = Policy {
        queue: "default",
        priority: Priority::High,
        max_attempts: 10,
        backoff: Backoff { base: Duration::from_secs(1), cap: Duration::from_secs(60) },
        deadline: Duration::from_secs(60),
        key_limit: 1,
        access: Access::Tenant(Subject::Tickets),
        rerun: Rerun::WhenAskedOnceBegun,
    };
}
