//! A job that does what it is told: waits, fails, or calls the recording upstream. Operators use it
//! to see that a cluster works, and the chaos and load programs to count.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::contract::{Access, Backoff, JobKind, Policy, Priority, Rerun};

/// Exercise the cluster once.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Probe {
    /// A name for whoever counts.
    pub name: String,
    /// How long to work, in milliseconds.
    pub sleep_ms: u64,
    /// Attempts that fail before one succeeds.
    pub fail_attempts: u16,
    /// Fail for good, with this message.
    pub fail_for_good: Option<String>,
    /// Record an effect under the probe's name at the recording upstream (`DESK_PROBE_URL`).
    pub effect: bool,
    /// Bulk for the payload.
    pub padding: String,
}

/// What the probe did.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ProbeOutput {
    /// The attempt that succeeded.
    pub attempt: i16,
}

impl JobKind for Probe {
    type Output = ProbeOutput;
    const KIND: &'static str = "probe";
    const VERSION: i16 = 1;
    const POLICY: Policy = Policy {
        queue: "default",
        priority: Priority::Normal,
        max_attempts: 5,
        backoff: Backoff { base: Duration::from_millis(200), cap: Duration::from_secs(30) },
        deadline: Duration::from_secs(120),
        key_limit: 1,
        access: Access::Operator,
        rerun: Rerun::Never,
    };
}
