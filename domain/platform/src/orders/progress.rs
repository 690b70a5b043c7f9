//! How far an import is, when it began, and which of its lines were refused, as they are stored.

use chrono::{DateTime, Utc};
use serde::Serialize;
use sqlx::FromRow;
use uuid::Uuid;

use database::{DbError, Tx};

/// How far an import is; counters include earlier tries.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Progress {
    /// Bytes committed.
    pub next_byte: u64,
    /// Line number at which it goes on.
    pub next_line: u64,
    /// Size of the log in bytes, if known.
    pub size_bytes: Option<u64>,
    /// Records read, the header not counted.
    pub lines_read: u64,
    /// Of these, new order lines.
    pub inserted: u64,
    /// Order lines that were there already.
    pub duplicates: u64,
    /// Lines that are no order lines.
    pub rejected: u64,
}

/// How far an import is, if the tenant has it (platform, support or marketing role).
pub async fn find(tx: &mut Tx, import: Uuid) -> Result<Option<Progress>, DbError> {
    let stored: Option<Stored> = sqlx::query_as("select * from platform.import_run where id = $1")
        .bind(import)
        .fetch_optional(&mut **tx)
        .await?;
    Ok(stored.map(|stored| stored.progress()))
}

/// When an import began, in its first try (platform, support or marketing role).
///
/// # Errors
/// The database failed, or the tenant has no such import.
pub async fn started_at(tx: &mut Tx, import: Uuid) -> Result<DateTime<Utc>, DbError> {
    Ok(sqlx::query_scalar("select started_at from platform.import_run where id = $1")
        .bind(import)
        .fetch_one(&mut **tx)
        .await?)
}

/// A line that was not imported.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, FromRow)]
pub struct RejectedLine {
    /// Number in the file, from 1.
    pub line_number: i64,
    /// Why.
    pub reason: String,
    /// Its first 500 characters. It may hold personal data.
    pub raw: String,
}

/// Rejected lines of an import after a line number, at most `limit` (platform, support or marketing role).
pub async fn rejects(
    tx: &mut Tx,
    import: Uuid,
    after_line: i64,
    limit: u32,
) -> Result<Vec<RejectedLine>, DbError> {
    Ok(sqlx::query_as(
        "select line_number, reason, raw from platform.import_reject
         where import_id = $1 and line_number > $2 order by line_number limit $3",
    )
    .bind(import)
    .bind(after_line)
    .bind(i64::from(limit))
    .fetch_all(&mut **tx)
    .await?)
}

/// An import as it is stored, as far as it is read here.
#[derive(FromRow)]
pub(super) struct Stored {
    pub(super) state: String,
    pub(super) fingerprint: Vec<u8>,
    next_byte: i64,
    next_line: i64,
    size_bytes: Option<i64>,
    lines_read: i64,
    inserted: i64,
    duplicates: i64,
    rejected: i64,
}

impl Stored {
    pub(super) fn progress(&self) -> Progress {
        Progress {
            next_byte: self.next_byte.unsigned_abs(),
            next_line: self.next_line.unsigned_abs(),
            size_bytes: self.size_bytes.map(i64::unsigned_abs),
            lines_read: self.lines_read.unsigned_abs(),
            inserted: self.inserted.unsigned_abs(),
            duplicates: self.duplicates.unsigned_abs(),
            rejected: self.rejected.unsigned_abs(),
        }
    }
}
