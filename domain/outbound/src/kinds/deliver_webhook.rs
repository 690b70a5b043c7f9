//! Delivers an event to a webhook endpoint. When it is tried again, and how often, is the delivery's own
//! ([`crate::schedule`]), so an attempt of the job is spent only when the job itself is at fault.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use jobs::contract::{Access, Backoff, JobKind, Policy, Priority, Rerun, Subject};

use crate::deliveries::State;

/// Deliver an event.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeliverWebhook {
    /// The delivery.
    pub delivery_id: Uuid,
}

/// What came of it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct DeliverWebhookOutput {
    /// How the delivery stands.
    pub state: State,
}

impl JobKind for DeliverWebhook {
    type Output = DeliverWebhookOutput;
    const KIND: &'static str = "deliver_webhook";
    const VERSION: i16 = 1;
    const POLICY: Policy = Policy {
        queue: "outbound",
        priority: Priority::Normal,
        max_attempts: 10,
        backoff: Backoff { base: Duration::from_secs(2), cap: Duration::from_secs(300) },
        deadline: Duration::from_secs(40),
        key_limit: 1,
        access: Access::Tenant(Subject::Connections),
        rerun: Rerun::Never,
    };
}
