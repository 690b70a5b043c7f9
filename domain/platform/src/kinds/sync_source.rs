//! Reads a source of the tenant's orders: what was changed in a table since the last time, or a file.

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::import_orders::ImportOrdersOutput;
use crate::orders::mapping::check_name;
use jobs::contract::{Access, Backoff, JobKind, Policy, Priority, Rerun, Subject, Unfit};

/// Read a source.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SyncSource {
    /// Its name; none reads all of the tenant's, by a job each.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
}

impl SyncSource {
    /// The dedup and concurrency key of a source: it is read by one job at a time.
    pub fn key(source: &str) -> String {
        format!("source:{source}")
    }
}

/// What came of it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SyncSourceOutput {
    /// What the import did; none when nothing had changed.
    pub import: Option<ImportOrdersOutput>,
    /// Rows that were read from the source.
    pub rows: u64,
}

impl JobKind for SyncSource {
    type Output = SyncSourceOutput;
    const KIND: &'static str = "sync_source";
    const VERSION: i16 = 1;
    const POLICY: Policy = Policy {
        queue: "imports",
        priority: Priority::Normal,
        max_attempts: 8,
        backoff: Backoff { base: Duration::from_secs(10), cap: Duration::from_secs(600) },
        deadline: Duration::from_secs(3600),
        key_limit: 1,
        access: Access::Tenant(Subject::Orders),
        rerun: Rerun::Never,
    };

    fn check(&self, _: DateTime<Utc>) -> Result<(), Unfit> {
        self.source.as_deref().map_or(Ok(()), check_name).map_err(|rule| Unfit::at("source", rule))
    }
}
