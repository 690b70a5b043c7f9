//! Brings up to date what follows from a ticket after a help desk told of it: its clocks, whose it is, its place in the
//! order. A change made here at the desk does the same in its own transaction; see [`crate::settle`].

use std::time::Duration;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use jobs::contract::{Access, Backoff, JobKind, Policy, Priority, Rerun, Subject};

/// Settle a ticket.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SettleTicket {
    /// The ticket, by our own id.
    pub ticket_id: Uuid,
}

/// The ticket as it stood afterwards.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SettleTicketOutput {
    /// Its version.
    pub version: i64,
}

impl JobKind for SettleTicket {
    type Output = SettleTicketOutput;
    const KIND: &'static str = "settle_ticket";
    const VERSION: i16 = 1;
    const POLICY: Policy = Policy {
        queue: "default",
        priority: Priority::High,
        max_attempts: 10,
        backoff: Backoff { base: Duration::from_secs(1), cap: Duration::from_secs(300) },
        deadline: Duration::from_secs(30),
        key_limit: 1,
        access: Access::Tenant(Subject::Tickets),
        // The key holds the version of the ticket that it is for.
        rerun: Rerun::Never,
    };
}
