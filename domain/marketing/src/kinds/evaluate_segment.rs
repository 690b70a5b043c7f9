//! Finds out who is in a segment now: the members are replaced at once, and who came and who went is noted.

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use jobs::contract::{Access, Backoff, JobKind, Policy, Priority, Rerun, Subject, Unfit};

/// Evaluate a segment.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EvaluateSegment {
    /// The segment.
    pub segment_id: Uuid,
    /// Jobs that must have ended before, because they evaluate segments that this one's rule names; at most
    /// [`EvaluateSegment::MOST_AFTER`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub after: Vec<Uuid>,
}

impl EvaluateSegment {
    /// Jobs that it may wait for: a tenant has no more segments.
    pub const MOST_AFTER: usize = 1_000;

    /// One job that has not begun stands for a segment; one that runs is followed by one more, because it has read
    /// the rule and what is known of the customers.
    pub fn dedup_key(segment_id: Uuid) -> String {
        segment_id.to_string()
    }
}

/// What the evaluation found.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct EvaluateSegmentOutput {
    /// Members now.
    pub members: i64,
    /// Who were not members before.
    pub entered: i64,
    /// Who are members no more.
    pub departed: i64,
    /// How long it took, in milliseconds.
    pub took_ms: i64,
}

impl JobKind for EvaluateSegment {
    type Output = EvaluateSegmentOutput;
    const KIND: &'static str = "evaluate_segment";
    const VERSION: i16 = 1;
    const POLICY: Policy = Policy {
        queue: "default",
        priority: Priority::Normal,
        max_attempts: 5,
        backoff: Backoff { base: Duration::from_secs(2), cap: Duration::from_secs(60) },
        deadline: Duration::from_secs(360),
        key_limit: 1,
        access: Access::Tenant(Subject::Segments),
        rerun: Rerun::WhenAskedWhileRunning,
    };

    fn check(&self, _: DateTime<Utc>) -> Result<(), Unfit> {
        match self.after.len() <= EvaluateSegment::MOST_AFTER {
            true => Ok(()),
            false => {
                Err(Unfit::at("after", format!("must have at most {} ids", EvaluateSegment::MOST_AFTER)))
            }
        }
    }
}
