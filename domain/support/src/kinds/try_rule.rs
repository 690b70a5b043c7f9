//! Tries a rule on tickets of the past, in steps that may be begun again, and does nothing.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use jobs::contract::{Access, Backoff, JobKind, Policy, Priority, Rerun, Subject};

/// Try a rule.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TryRule {
    /// The trial.
    pub trial_id: Uuid,
}

/// What it would have done.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct TryRuleOutput {
    /// Events that were looked at.
    pub events: i64,
    /// How many of them it would have fired for.
    pub fired: i64,
}

impl JobKind for TryRule {
    type Output = TryRuleOutput;
    const KIND: &'static str = "try_rule";
    const VERSION: i16 = 1;
    // A large one must not keep a tenant's other jobs waiting.
    const KEY: Option<&'static str> = Some("tenant");
    const POLICY: Policy = Policy {
        queue: "default",
        priority: Priority::Low,
        max_attempts: 5,
        backoff: Backoff { base: Duration::from_secs(2), cap: Duration::from_secs(120) },
        deadline: Duration::from_secs(3600),
        key_limit: 1,
        access: Access::Tenant(Subject::Tickets),
        rerun: Rerun::Never,
    };
}
