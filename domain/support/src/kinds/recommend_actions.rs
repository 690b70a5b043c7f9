//! Advises the agent who has a ticket: priority, actions, talking points, warnings, and what is at stake.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use jobs::contract::{Access, Backoff, JobKind, Policy, Priority, Rerun, Subject};

/// Advise on a ticket.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecommendActions {
    /// The ticket, by our own id.
    pub ticket_id: Uuid,
}

/// The advice that is current now; its words are at GET /api/ai/tickets/{id}/recommend.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RecommendActionsOutput {
    /// urgent, high, normal or low.
    pub priority: String,
    /// `rules` or `anthropic`.
    pub made_by: String,
}

impl JobKind for RecommendActions {
    type Output = RecommendActionsOutput;
    const KIND: &'static str = "recommend_actions";
    const VERSION: i16 = 1;
    const POLICY: Policy = Policy {
        queue: "ai",
        priority: Priority::High,
        max_attempts: 6,
        backoff: Backoff { base: Duration::from_secs(2), cap: Duration::from_secs(300) },
        deadline: Duration::from_secs(60),
        key_limit: 1,
        access: Access::Tenant(Subject::Replies),
        // A ticket changes while it is looked at.
        rerun: Rerun::WhenAskedWhileRunning,
    };
}
