//! Applies what a shop's webhooks told, in the order in which it happened.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use jobs::contract::{Access, Backoff, JobKind, Policy, Priority, Rerun, Subject};

/// Apply what waits.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ApplyShopEvents {}

impl ApplyShopEvents {
    /// One job that has not begun is enough; one that runs is followed by one more.
    pub const PLAIN: &str = "waiting";
}

/// What became of them.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct ApplyShopEventsOutput {
    /// Events after which something is different.
    pub applied: i64,
    /// Events after which nothing is.
    pub unchanged: i64,
    /// Events about what is not kept here.
    pub ignored: i64,
    /// Events that cannot be stored.
    pub refused: i64,
}

impl JobKind for ApplyShopEvents {
    type Output = ApplyShopEventsOutput;
    const KIND: &'static str = "apply_shop_events";
    const VERSION: i16 = 1;
    // One at a time, so that what happened first is applied first.
    const KEY: Option<&'static str> = Some("tenant");
    const POLICY: Policy = Policy {
        queue: "default",
        priority: Priority::High,
        max_attempts: 25,
        backoff: Backoff { base: Duration::from_secs(1), cap: Duration::from_secs(300) },
        deadline: Duration::from_secs(120),
        key_limit: 1,
        access: Access::Tenant(Subject::Orders),
        rerun: Rerun::WhenAskedWhileRunning,
    };
}
