//! Wakes a ticket that was snoozed. One that was woken earlier, or put to sleep for another time, is left alone.

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use jobs::contract::{Access, Backoff, JobKind, Policy, Priority, Rerun, Subject};

/// Wake a ticket.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WakeTicket {
    /// The ticket, by our own id.
    pub ticket_id: Uuid,
    /// Until when it was to sleep.
    pub until: DateTime<Utc>,
}

/// What became of it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct WakeTicketOutput {
    /// Whether it slept until now.
    pub woken: bool,
}

impl JobKind for WakeTicket {
    type Output = WakeTicketOutput;
    const KIND: &'static str = "wake_ticket";
    const VERSION: i16 = 1;
    const POLICY: Policy = Policy {
        queue: "default",
        priority: Priority::High,
        max_attempts: 20,
        backoff: Backoff { base: Duration::from_secs(1), cap: Duration::from_secs(600) },
        deadline: Duration::from_secs(30),
        key_limit: 1,
        access: Access::Tenant(Subject::Tickets),
        rerun: Rerun::Never,
    };
}
