//! Counts all of a tenant's orders anew after the rule of what is revenue has changed.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use jobs::contract::{Access, Backoff, JobKind, Policy, Priority, Rerun, Subject};

/// Count all orders by the rule of the moment.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecountRevenue {}

/// What changed.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RecountRevenueOutput {
    /// Orders that count otherwise than before.
    pub orders_changed: i64,
}

impl JobKind for RecountRevenue {
    type Output = RecountRevenueOutput;
    const KIND: &'static str = "recount_revenue";
    const VERSION: i16 = 1;
    const KEY: Option<&'static str> = Some("tenant");
    const POLICY: Policy = Policy {
        queue: "imports",
        priority: Priority::Normal,
        max_attempts: 5,
        backoff: Backoff { base: Duration::from_secs(5), cap: Duration::from_secs(300) },
        deadline: Duration::from_secs(3600),
        key_limit: 1,
        access: Access::Tenant(Subject::Orders),
        rerun: Rerun::WhenAskedOnceBegun,
    };
}
