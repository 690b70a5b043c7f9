//! Erases a person everywhere, as a request asks; what it reached is its certificate.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use jobs::contract::{Access, Backoff, JobKind, Policy, Priority, Rerun, Subject};

/// Erase a person.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EraseCustomer {
    /// The request, which knows whom.
    pub request_id: Uuid,
}

/// What was reached.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct EraseCustomerOutput {
    /// Rows by table, of this run and those before it.
    pub reached: BTreeMap<String, u64>,
}

impl JobKind for EraseCustomer {
    type Output = EraseCustomerOutput;
    const KIND: &'static str = "erase_customer";
    const VERSION: i16 = 1;
    const KEY: Option<&'static str> = Some("tenant");
    const POLICY: Policy = Policy {
        queue: "bulk",
        priority: Priority::High,
        max_attempts: 20,
        backoff: Backoff { base: Duration::from_secs(2), cap: Duration::from_secs(600) },
        deadline: Duration::from_secs(1800),
        key_limit: 1,
        access: Access::Tenant(Subject::Privacy),
        rerun: Rerun::Never,
    };
}
