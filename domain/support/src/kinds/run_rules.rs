//! Looks at what happened to a ticket, by the rules in force. Asked for in the transaction in which it happened.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use jobs::contract::{Access, Backoff, JobKind, Policy, Priority, Rerun, Subject};

/// Run the rules of a ticket's events.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunRules {
    /// The ticket, by our own id.
    pub ticket_id: Uuid,
}

/// What came of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunRulesOutput {
    /// Events that were looked at.
    pub events: u64,
    /// Rules that fired.
    pub fired: u64,
}

impl JobKind for RunRules {
    type Output = RunRulesOutput;
    const KIND: &'static str = "run_rules";
    const VERSION: i16 = 1;
    const POLICY: Policy = Policy {
        queue: "default",
        priority: Priority::High,
        max_attempts: 10,
        backoff: Backoff { base: Duration::from_secs(1), cap: Duration::from_secs(120) },
        deadline: Duration::from_secs(60),
        key_limit: 1,
        access: Access::Tenant(Subject::Tickets),
        rerun: Rerun::WhenAskedWhileRunning,
    };
}
