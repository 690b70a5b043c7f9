//! Keeps what the current run says of every customer for the drift timeline: daily, weekly and monthly, for 7 days,
//! 60 days and a year.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use jobs::contract::{Access, Backoff, JobKind, Policy, Priority, Rerun, Subject};

/// Take a snapshot of the current run.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SnapshotProfiles {}

/// What was kept and what went.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct SnapshotProfilesOutput {
    /// Customers in today's snapshot.
    pub customers: i64,
    /// The grains that today counts for: day, week, month.
    pub grains: Vec<String>,
    /// Snapshots that were old enough to go.
    pub removed: i64,
}

impl JobKind for SnapshotProfiles {
    type Output = SnapshotProfilesOutput;
    const KIND: &'static str = "snapshot_profiles";
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
