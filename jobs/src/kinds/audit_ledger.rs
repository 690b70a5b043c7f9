//! Checks that the books of the ledger balance: what was enqueued is done, dead, cancelled, waiting,
//! running or pruned, and nothing else.

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::contract::{Access, Backoff, JobKind, Policy, Priority};

/// Audit the ledger once.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuditLedger {}

/// What the audit found.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct AuditReport {
    /// Jobs that were ever enqueued, by the books.
    pub enqueued: i64,
    /// Jobs whose history was pruned, by the books.
    pub pruned: i64,
    /// Jobs that the tables hold.
    pub held: i64,
    /// Accounts whose books and tables differ; empty when all is well.
    pub drifts: Vec<Drift>,
    /// Every count of past jobs was made at this time or later; none when no past jobs are counted.
    #[serde(default)]
    pub counted_since: Option<DateTime<Utc>>,
}

impl AuditReport {
    /// On how many jobs the books and the tables differ.
    pub fn drift(&self) -> i64 {
        self.drifts.iter().map(|drift| (drift.by_the_books - drift.in_the_tables).abs()).sum()
    }
}

/// A state of a kind in which the books and the tables differ.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Drift {
    /// The queue.
    pub queue: String,
    /// The kind.
    pub kind: String,
    /// The state.
    pub state: String,
    /// How many there should be.
    pub by_the_books: i64,
    /// How many there are.
    pub in_the_tables: i64,
}

impl JobKind for AuditLedger {
    type Output = AuditReport;
    const KIND: &'static str = "audit_ledger";
    const VERSION: i16 = 1;
    const POLICY: Policy = Policy {
        queue: "ops",
        priority: Priority::Low,
        max_attempts: 3,
        backoff: Backoff { base: Duration::from_secs(10), cap: Duration::from_secs(120) },
        deadline: Duration::from_secs(300),
        key_limit: 1,
        access: Access::Operator,
    };
}
