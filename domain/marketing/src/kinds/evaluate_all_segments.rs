//! Brings every segment of a tenant up to date: makes the bit index over the facts when it is old, removes old
//! history, and enqueues an evaluation for each segment in the order of their references.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use jobs::contract::{Access, Backoff, JobKind, Policy, Priority, Rerun, Subject};

/// Evaluate all segments.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EvaluateAllSegments {}

/// What was set going.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct EvaluateAllSegmentsOutput {
    /// Evaluations that were enqueued, or stood in the queue already.
    pub segments: u32,
    /// How deep the segments refer to each other; 1 when none does.
    pub levels: u32,
    /// Customers of the bit index that was made; none when the one that is there is recent enough, or none is needed.
    pub indexed: Option<i64>,
    /// Rows of old history that were removed.
    pub pruned: u64,
}

impl JobKind for EvaluateAllSegments {
    type Output = EvaluateAllSegmentsOutput;
    const KIND: &'static str = "evaluate_all_segments";
    const VERSION: i16 = 1;
    const POLICY: Policy = Policy {
        queue: "default",
        priority: Priority::Low,
        max_attempts: 5,
        backoff: Backoff { base: Duration::from_secs(5), cap: Duration::from_secs(120) },
        deadline: Duration::from_secs(600),
        key_limit: 1,
        access: Access::Tenant(Subject::Segments),
        rerun: Rerun::WhenAskedWhileRunning,
    };
}
