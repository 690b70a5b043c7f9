//! Calls another system for a rule. The call carries an id of its own, so that a repetition can be told from another call.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use jobs::contract::{Access, Backoff, JobKind, Policy, Priority, Rerun, Subject};

/// Make a call.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CallRuleWebhook {
    /// The call.
    pub webhook_id: Uuid,
}

/// What was answered.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CallRuleWebhookOutput {
    /// The status.
    pub status: u16,
}

impl JobKind for CallRuleWebhook {
    type Output = CallRuleWebhookOutput;
    const KIND: &'static str = "call_rule_webhook";
    const VERSION: i16 = 1;
    const POLICY: Policy = Policy {
        queue: "default",
        priority: Priority::Normal,
        max_attempts: 8,
        backoff: Backoff { base: Duration::from_secs(5), cap: Duration::from_secs(900) },
        deadline: Duration::from_secs(30),
        key_limit: 1,
        access: Access::Tenant(Subject::Tickets),
        rerun: Rerun::Never,
    };
}
