//! Sends a reply to its customer once the time to take it back is over, or at the time that its writer chose.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use jobs::contract::{Access, Backoff, JobKind, Policy, Priority, Rerun, Subject};

/// Send a reply.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SendReply {
    /// The message, by our own id.
    pub message_id: Uuid,
}

/// What became of it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SendReplyOutput {
    /// The help desk's id of it, where it went to one.
    pub external_id: Option<String>,
}

impl JobKind for SendReply {
    type Output = SendReplyOutput;
    const KIND: &'static str = "send_reply";
    const VERSION: i16 = 1;
    const POLICY: Policy = Policy {
        queue: "default",
        priority: Priority::High,
        max_attempts: 8,
        backoff: Backoff { base: Duration::from_secs(2), cap: Duration::from_secs(300) },
        deadline: Duration::from_secs(30),
        key_limit: 1,
        access: Access::Tenant(Subject::Replies),
        // Somebody sends it again who reads that it failed, and the job that says so is not over yet.
        rerun: Rerun::WhenAskedWhileRunning,
    };
}
