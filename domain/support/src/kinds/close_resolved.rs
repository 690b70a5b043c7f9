//! Closes tickets that were resolved for as many days as their tenant gives customers to answer.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use jobs::contract::{Access, Backoff, JobKind, Policy, Priority, Rerun, Subject};

/// Close what was resolved long enough.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CloseResolved {}

impl CloseResolved {
    /// One at a time.
    pub const PLAIN: &'static str = "plain";
}

/// What was closed.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CloseResolvedOutput {
    /// Tickets.
    pub tickets: u64,
}

impl JobKind for CloseResolved {
    type Output = CloseResolvedOutput;
    const KIND: &'static str = "close_resolved";
    const VERSION: i16 = 1;
    const KEY: Option<&'static str> = Some("tenant");
    const POLICY: Policy = Policy {
        queue: "bulk",
        priority: Priority::Low,
        max_attempts: 5,
        backoff: Backoff { base: Duration::from_secs(10), cap: Duration::from_secs(600) },
        deadline: Duration::from_secs(900),
        key_limit: 1,
        access: Access::Tenant(Subject::Tickets),
        rerun: Rerun::WhenAskedWhileRunning,
    };
}
