//! Empties what jobs keep of a ticket after a message of it was redacted: payloads, results, errors and kept answers.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use jobs::contract::{Access, Backoff, JobKind, Policy, Priority, Rerun, Subject};

/// Empty what jobs keep of a ticket.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RedactTraces {
    /// The ticket, by our own id.
    pub ticket_id: Uuid,
}

/// What was emptied.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RedactTracesOutput {
    /// Jobs and kept answers.
    pub jobs: u64,
}

impl JobKind for RedactTraces {
    type Output = RedactTracesOutput;
    const KIND: &'static str = "redact_traces";
    const VERSION: i16 = 1;
    const KEY: Option<&'static str> = Some("tenant");
    const POLICY: Policy = Policy {
        queue: "bulk",
        priority: Priority::High,
        max_attempts: 20,
        backoff: Backoff { base: Duration::from_secs(2), cap: Duration::from_secs(600) },
        deadline: Duration::from_secs(900),
        key_limit: 1,
        access: Access::Tenant(Subject::Privacy),
        rerun: Rerun::WhenAskedWhileRunning,
    };
}
