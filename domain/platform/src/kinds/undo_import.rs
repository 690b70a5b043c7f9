//! Takes an import back as a whole: orders go back to what they were before it, where nothing newer has stated them since.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use jobs::contract::{Access, Backoff, JobKind, Policy, Priority, Rerun, Subject};

/// Take an import back.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UndoImport {
    /// The import's job.
    pub import_id: Uuid,
}

/// What became of the orders that the import stated.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct UndoImportOutput {
    /// Orders that are what they were before.
    pub orders_restored: i64,
    /// Orders that are gone, because the import brought them.
    pub orders_removed: i64,
    /// Orders that stay, because another import that stands states the same.
    #[serde(default)]
    pub orders_confirmed: i64,
    /// Orders that stay, because something newer has stated them since.
    pub orders_newer: i64,
}

impl JobKind for UndoImport {
    type Output = UndoImportOutput;
    const KIND: &'static str = "undo_import";
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
        rerun: Rerun::Never,
    };
}
