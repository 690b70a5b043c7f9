//! Gathers what is known of a person into an archive that people and programs can read.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use jobs::contract::{Access, Backoff, JobKind, Policy, Priority, Rerun, Subject};

/// Export what is known of a person.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExportCustomer {
    /// The request, which knows whom.
    pub request_id: Uuid,
}

/// What is in the archive.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ExportCustomerOutput {
    /// Rows.
    pub rows: u64,
    /// Files of messages.
    pub files: u64,
    /// How long it is.
    pub bytes: u64,
}

impl JobKind for ExportCustomer {
    type Output = ExportCustomerOutput;
    const KIND: &'static str = "export_customer";
    const VERSION: i16 = 1;
    const KEY: Option<&'static str> = Some("tenant");
    const POLICY: Policy = Policy {
        queue: "bulk",
        priority: Priority::High,
        max_attempts: 8,
        backoff: Backoff { base: Duration::from_secs(5), cap: Duration::from_secs(600) },
        deadline: Duration::from_secs(1800),
        key_limit: 1,
        access: Access::Tenant(Subject::Privacy),
        rerun: Rerun::Never,
    };
}
