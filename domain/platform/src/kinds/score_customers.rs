//! Computes customers and writes what it found: a shard of a run, or a few named customers of the current run.

use std::time::Duration;

use jobs::contract::{Access, Backoff, JobKind, Policy, Priority, Rerun, Subject};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Compute a shard of a run, or named customers.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScoreCustomers {
    /// The run whose shard this is; none for named customers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run_id: Option<Uuid>,
    /// The shard's number.
    #[serde(default)]
    pub shard: i32,
    /// Named customers, at most 1000, computed with what the current run knows.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub customer_ids: Vec<String>,
}

impl ScoreCustomers {
    /// Most customers that may be named.
    pub const MAX_NAMED: usize = 1_000;
}

/// What was computed.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct ScoreCustomersOutput {
    /// Customers written.
    pub customers: i64,
    /// Order lines read.
    pub lines: i64,
}

impl JobKind for ScoreCustomers {
    type Output = ScoreCustomersOutput;
    const KIND: &'static str = "score_customers";
    const VERSION: i16 = 1;
    const POLICY: Policy = Policy {
        queue: "intelligence",
        priority: Priority::Normal,
        max_attempts: 10,
        backoff: Backoff { base: Duration::from_secs(2), cap: Duration::from_secs(120) },
        deadline: Duration::from_secs(900),
        key_limit: 1,
        access: Access::Tenant(Subject::Customers),
        rerun: Rerun::Never,
    };
}
