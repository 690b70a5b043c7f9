//! Cancels everything that waits in a queue, or everything of one kind; what runs is left to finish.

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use crate::{
    contract::{Access, Backoff, JobKind, Policy, Priority, Rerun, Unfit},
    dead::check_reason,
    kinds::retry_dead::BulkReport,
};

/// Drain a queue.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DrainQueue {
    /// The queue.
    pub queue: String,
    /// Only jobs of this kind.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// Only jobs created up to this job's id, so that what comes later is kept.
    pub up_to: Uuid,
    /// Why, for the jobs' records.
    #[serde(default)]
    pub reason: String,
}

impl JobKind for DrainQueue {
    type Output = BulkReport;
    const KIND: &'static str = "drain_queue";
    const VERSION: i16 = 2;
    const POLICY: Policy = Policy {
        // operators' jobs have a queue of their own, so that draining another never cancels them
        queue: "ops",
        priority: Priority::Urgent,
        max_attempts: 5,
        backoff: Backoff { base: Duration::from_secs(1), cap: Duration::from_secs(30) },
        deadline: Duration::from_secs(1800),
        key_limit: 1,
        access: Access::Operator,
        rerun: Rerun::Never,
    };

    fn upgrade(version: i16, payload: Value) -> Result<Self, String> {
        match version {
            // The field that came since has a default.
            1 => serde_json::from_value(payload).map_err(|error| error.to_string()),
            _ => Err(format!(
                "version {version} of the payload is unknown, this code reads version {}",
                Self::VERSION
            )),
        }
    }

    fn check(&self, _: DateTime<Utc>) -> Result<(), Unfit> {
        if self.queue == Self::POLICY.queue {
            let reason = format!("must be another than {}, in which the drain itself waits", self.queue);
            return Err(Unfit::at("queue", reason));
        }
        check_reason(&self.reason)
    }
}
