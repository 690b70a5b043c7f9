//! Reads one customer's message: mood, intent, language, topics, and whether something is asked for.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use jobs::contract::{Access, Backoff, JobKind, Policy, Priority, Rerun, Subject};

/// Read a message.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AnalyzeMessage {
    /// The message, by our own id.
    pub message_id: Uuid,
}

/// What was read. Nothing of the message's own words is in it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct AnalyzeMessageOutput {
    /// Its ticket.
    pub ticket_id: Uuid,
    /// `anthropic` or `lexicon`; none when somebody had read it before.
    pub analysed_by: Option<String>,
    /// 0 angry, 1 happy.
    pub sentiment: Option<f32>,
    /// What the customer wants.
    pub intent: Option<String>,
}

impl JobKind for AnalyzeMessage {
    type Output = AnalyzeMessageOutput;
    const KIND: &'static str = "analyze_message";
    const VERSION: i16 = 1;
    const POLICY: Policy = Policy {
        queue: "reading",
        priority: Priority::Normal,
        max_attempts: 6,
        backoff: Backoff { base: Duration::from_secs(2), cap: Duration::from_secs(300) },
        deadline: Duration::from_secs(40),
        key_limit: 1,
        access: Access::Tenant(Subject::Tickets),
        rerun: Rerun::Never,
    };
}
