//! Offers an agent's work to others, a grace time after they went offline, by the tenant's policy.

use std::time::Duration;

use jobs::contract::{Access, Backoff, JobKind, Policy, Priority, Rerun, Subject};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Offer an agent's work again.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OfferAgain {
    /// The agent.
    pub agent_id: Uuid,
}

/// What was offered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OfferAgainOutput {
    /// Tickets that are in the waiting queue again.
    pub offered: u64,
}

impl JobKind for OfferAgain {
    type Output = OfferAgainOutput;
    const KIND: &'static str = "offer_again";
    const VERSION: i16 = 1;
    const POLICY: Policy = Policy {
        queue: "default",
        priority: Priority::High,
        max_attempts: 10,
        backoff: Backoff { base: Duration::from_secs(1), cap: Duration::from_secs(60) },
        deadline: Duration::from_secs(60),
        key_limit: 1,
        access: Access::Tenant(Subject::Tickets),
        rerun: Rerun::WhenAskedOnceBegun,
    };
}
