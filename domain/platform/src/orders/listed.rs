//! Imports as people see them: which file, how it went, and what became of it when it was taken back.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use database::{DbError, Tx};
use sqlx::FromRow;
use sqlx::types::Json;
use uuid::Uuid;

use super::undo::Undone;

/// An import that has begun.
#[derive(Debug, Clone, FromRow)]
pub struct Listed {
    /// Its id, which is that of its job.
    pub id: Uuid,
    /// Where its file lies, or which source it was read from; see [`file_name`] and [`source_name`].
    pub source: String,
    /// `running`, `done`, `cancelled`, `failed`, `undoing` or `undone`. A `running` one whose job is over says so nowhere.
    pub state: String,
    /// When it began.
    pub started_at: DateTime<Utc>,
    /// When it ended.
    pub finished_at: Option<DateTime<Utc>>,
    /// When it was taken back.
    pub undone_at: Option<DateTime<Utc>>,
    /// The job that took or takes it back.
    pub undone_by: Option<Uuid>,
    /// Why it ended early.
    pub error: Option<String>,
    /// Rows that were read.
    pub lines_read: i64,
    /// Lines of orders that are new or were replaced.
    pub inserted: i64,
    /// Lines of orders that were there already.
    pub duplicates: i64,
    /// Rows that were left out.
    pub rejected: i64,
    /// Orders that were not there before.
    pub orders_inserted: i64,
    /// Orders of which something else was stored.
    pub orders_replaced: i64,
    /// Orders that are stored as they are.
    pub orders_unchanged: i64,
    /// Orders of which something newer is stored.
    pub orders_older: i64,
    /// Rows left out, by reason.
    pub left_out: Json<BTreeMap<String, u64>>,
    /// Remarks, by reason.
    pub remarks: Json<BTreeMap<String, u64>>,
    /// What came of taking it back.
    #[sqlx(flatten)]
    pub undone: Undone,
}

const COLUMNS: &str =
    "id, source, state, started_at, finished_at, undone_at, undone_by, error, lines_read, inserted,
    duplicates, rejected, orders_inserted, orders_replaced, orders_unchanged, orders_older, left_out, remarks,
    orders_restored, orders_removed, orders_confirmed, orders_newer";

/// Imports, the one that began last first, before a place in that order (platform or support role).
///
/// # Errors
/// The database failed.
pub async fn list(
    tx: &mut Tx,
    before: Option<(DateTime<Utc>, Uuid)>,
    limit: i64,
) -> Result<Vec<Listed>, DbError> {
    let (at, id) = before.unzip();
    let statement = format!(
        "select {COLUMNS} from platform.import_run
         where tenant_id = (select shared.current_tenant())
           and ($1::timestamptz is null or (started_at, id) < ($1, $2))
         order by started_at desc, id desc limit $3"
    );
    Ok(sqlx::query_as(sqlx::AssertSqlSafe(statement))
        .bind(at)
        .bind(id)
        .bind(limit)
        .fetch_all(&mut **tx)
        .await?)
}

/// One import, if the tenant has it (platform or support role).
///
/// # Errors
/// The database failed.
pub async fn find(tx: &mut Tx, import: Uuid) -> Result<Option<Listed>, DbError> {
    let statement = format!("select {COLUMNS} from platform.import_run where id = $1");
    Ok(sqlx::query_as(sqlx::AssertSqlSafe(statement)).bind(import).fetch_optional(&mut **tx).await?)
}

/// What stands before a source's name where an import was read from one.
const FROM_SOURCE: &str = "source ";

/// What the file is called by whoever has it; none for what was sent without a name, or read from a source.
pub fn file_name(source: &str) -> Option<&str> {
    if source_name(source).is_some() {
        return None;
    }
    let last = source.rsplit('/').next().filter(|name| !name.is_empty())?;
    // An upload is kept under an id, so that two of one name are two; see the api's import folder.
    match last.split_at_checked(UUID_LENGTH).filter(|(id, _)| Uuid::try_parse(id).is_ok()) {
        Some((_, rest)) => rest.strip_prefix('-').filter(|name| !name.is_empty()),
        None => Some(last),
    }
}

const UUID_LENGTH: usize = 36;

/// The source of the tenant's that an import was read from, by its name.
pub fn source_name(source: &str) -> Option<&str> {
    source.strip_prefix(FROM_SOURCE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_have_the_names_that_people_gave_them() {
        for (source, file, from) in [
            ("sync.csv", Some("sync.csv"), None),
            ("2026/october.csv.gz", Some("october.csv.gz"), None),
            ("tenants/0199c0de-7e1a-7c51-8f3a-2b9d5e6f7a82/kept.csv", Some("kept.csv"), None),
            ("tenants/t/0199c0de-7e1a-7c51-8f3a-2b9d5e6f7a82.csv", None, None),
            ("tenants/t/0199c0de-7e1a-7c51-8f3a-2b9d5e6f7a82-Orders Oct.csv", Some("Orders Oct.csv"), None),
            ("tenants/t/0199c0de-7e1a-7c51-8f3a-2b9d5e6f7a82-", None, None),
            ("source warehouse", None, Some("warehouse")),
            ("", None, None),
        ] {
            assert_eq!((file_name(source), source_name(source)), (file, from), "{source}");
        }
    }
}
