//! Tells a channel what waits for it, in order. One job at a time looks after a channel: alerts that come while it runs
//! ask for one more run, and those whose time is later (quiet hours, a digest) for a job at that time.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use jobs::contract::{Access, Backoff, JobKind, Policy, Priority, Rerun, Subject};

/// Tell a channel.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SendSlackAlert {
    /// The workspace.
    pub workspace_id: Uuid,
    /// The channel in it.
    pub channel: String,
}

/// What was told.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SendSlackAlertOutput {
    /// Messages that were sent.
    pub messages: u32,
    /// Alerts that they told of.
    pub alerts: u32,
}

impl JobKind for SendSlackAlert {
    type Output = SendSlackAlertOutput;
    const KIND: &'static str = "send_slack_alert";
    const VERSION: i16 = 1;
    const POLICY: Policy = Policy {
        queue: "outbound",
        priority: Priority::High,
        max_attempts: 10,
        backoff: Backoff { base: Duration::from_secs(2), cap: Duration::from_secs(300) },
        deadline: Duration::from_secs(60),
        key_limit: 1,
        access: Access::Tenant(Subject::Connections),
        rerun: Rerun::WhenAskedWhileRunning,
    };
}
