//! Compares the features and scores of the current run with those that the segmentation and the models were fitted
//! on, and what was predicted a horizon ago with what happened.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use jobs::contract::{Access, Backoff, JobKind, Policy, Priority, Rerun, Subject};

/// Compare the current run with what its models know.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DetectDrift {}

/// The verdict.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct DetectDriftOutput {
    /// fine, watch or act.
    pub verdict: String,
    /// The features and scores that are not fine.
    pub findings: Vec<String>,
}

impl JobKind for DetectDrift {
    type Output = DetectDriftOutput;
    const KIND: &'static str = "detect_drift";
    const VERSION: i16 = 1;
    const POLICY: Policy = Policy {
        queue: "intelligence",
        priority: Priority::Low,
        max_attempts: 5,
        backoff: Backoff { base: Duration::from_secs(10), cap: Duration::from_secs(300) },
        deadline: Duration::from_secs(600),
        key_limit: 1,
        access: Access::Tenant(Subject::Intelligence),
        rerun: Rerun::Never,
    };
}
