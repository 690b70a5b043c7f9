//! Has the help desk forget a person who was erased here: their tickets there, then the customer.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use jobs::contract::{Access, Backoff, JobKind, Policy, Priority, Rerun, Subject};

/// Erase a person in the help desk.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EraseInHelpDesk {
    /// The request, which knows whom.
    pub request_id: Uuid,
}

/// What went there.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct EraseInHelpDeskOutput {
    /// Tickets.
    pub tickets: u64,
    /// Customers.
    pub customers: u64,
}

impl JobKind for EraseInHelpDesk {
    type Output = EraseInHelpDeskOutput;
    const KIND: &'static str = "erase_in_help_desk";
    const VERSION: i16 = 1;
    const KEY: Option<&'static str> = Some("tenant");
    const POLICY: Policy = Policy {
        queue: "bulk",
        priority: Priority::Normal,
        max_attempts: 20,
        backoff: Backoff { base: Duration::from_secs(10), cap: Duration::from_secs(3600) },
        deadline: Duration::from_secs(1800),
        key_limit: 1,
        access: Access::Tenant(Subject::Privacy),
        rerun: Rerun::Never,
    };
}
