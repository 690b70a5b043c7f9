//! Has the help desk forget a person who was erased here: whoever it knows by one of their addresses, their tickets there,
//! then the customers.

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
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct EraseInHelpDeskOutput {
    /// Tickets that were deleted.
    pub tickets: u64,
    /// Customers that were deleted.
    pub customers: u64,
    /// Everything that was looked for, found and left.
    #[serde(default)]
    pub report: Report,
}

/// What a certificate says of it: counts, and nobody's name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Report {
    /// What was known here and looked for there: addresses, and customers and tickets by the help desk's ids.
    pub looked_for: Counts,
    /// What the help desk had beside them: customers of these addresses, and tickets of the customers.
    pub found: Counts,
    /// What was deleted.
    pub deleted: Counts,
    /// What was not there any more.
    pub was_gone: Counts,
    /// What is still there, or was not looked for, and why.
    pub left: Vec<Left>,
}

/// How many of each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Counts {
    /// Addresses.
    pub addresses: u64,
    /// Customers.
    pub customers: u64,
    /// Tickets.
    pub tickets: u64,
}

/// What could not be done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Left {
    /// addresses, customers or tickets.
    pub what: String,
    /// How many of them.
    pub count: u64,
    /// no_connection, forbidden, refused, cut or unavailable.
    pub reason: String,
    /// The reason in a sentence, with what to do.
    pub detail: String,
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
