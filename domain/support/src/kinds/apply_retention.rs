//! Lets a tenant's data go whose time is over, a bounded number of rows at a time.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use jobs::contract::{Access, Backoff, JobKind, Policy, Priority, Rerun, Subject};

/// Let go what is older than the tenant keeps it.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ApplyRetention {}

impl ApplyRetention {
    /// One at a time.
    pub const PLAIN: &'static str = "plain";
}

/// What went.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ApplyRetentionOutput {
    /// Rows by table; `files` are bytes of files.
    pub reached: BTreeMap<String, u64>,
}

impl JobKind for ApplyRetention {
    type Output = ApplyRetentionOutput;
    const KIND: &'static str = "apply_retention";
    const VERSION: i16 = 1;
    const KEY: Option<&'static str> = Some("tenant");
    const POLICY: Policy = Policy {
        queue: "bulk",
        priority: Priority::Low,
        max_attempts: 5,
        backoff: Backoff { base: Duration::from_secs(30), cap: Duration::from_secs(1800) },
        deadline: Duration::from_secs(3600),
        key_limit: 1,
        access: Access::Tenant(Subject::Privacy),
        rerun: Rerun::WhenAskedWhileRunning,
    };
}
