//! Answers a question that somebody asked: by a model that calls the tools, or by the grammar.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use jobs::contract::{Access, Backoff, JobKind, Policy, Priority, Rerun, Subject};

/// Answer a question. The question itself is where it can be let go; so is what whoever asked may see.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AnswerQuestion {
    /// The question, as kept.
    pub exchange_id: Uuid,
}

/// What came of it; the answer itself is with the question.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct AnswerQuestionOutput {
    /// The conversation that it belongs to.
    pub conversation_id: Uuid,
    /// The question.
    pub exchange_id: Uuid,
    /// `answered`, `asks` or `declined`.
    pub outcome: String,
    /// `grammar` or `anthropic`.
    pub answered_by: String,
}

impl JobKind for AnswerQuestion {
    type Output = AnswerQuestionOutput;
    const KIND: &'static str = "answer_question";
    const VERSION: i16 = 1;
    const POLICY: Policy = Policy {
        queue: "ai",
        priority: Priority::High,
        max_attempts: 3,
        backoff: Backoff { base: Duration::from_secs(1), cap: Duration::from_secs(10) },
        deadline: Duration::from_secs(180),
        key_limit: 4,
        access: Access::Tenant(Subject::Intelligence),
        rerun: Rerun::Never,
    };
}
