//! How far an import is, when it began, and what is told of its rows, as they are stored.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use database::ids::TenantId;
use serde::Serialize;
use sqlx::FromRow;
use sqlx::types::Json;
use uuid::Uuid;

use super::state::{Counts, LANES};
use super::statement::{Note, NoteKind};
use crate::identities::erased::{self, ErasureKey};
use database::{DbError, Tx};

/// So many notes of an import are kept; the rest is only counted.
pub(super) const NOTES_KEPT: u64 = 10_000;
/// So many notes are shown at once at most: those of several batches that were stored at the same time may be a few more
/// than are kept.
pub const NOTES_LISTED: u32 = 20_000;
/// So many characters of a row are kept.
const RAW_LIMIT: usize = 500;
/// What is said of a row that names somebody who was erased.
const ERASED_ROW: &str = "the row names a customer who was erased, so what stands in it is not kept; look at this line of the file";
/// Notes of one row that are kept.
const NOTES_OF_A_ROW: i64 = 16;

/// How far an import is; counters include earlier tries.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Progress {
    /// Where reading goes on, in the reader's terms.
    pub next_byte: u64,
    /// Line number at which it goes on.
    pub next_line: u64,
    /// Size of the log in bytes, if known.
    pub size_bytes: Option<u64>,
    /// Rows read, the header not counted.
    pub lines_read: u64,
    /// Of these, lines of orders that are new or were replaced.
    pub inserted: u64,
    /// Lines of orders that were there already, as they are or newer.
    pub duplicates: u64,
    /// Rows that were left out.
    pub rejected: u64,
    /// Orders that were not there before.
    pub orders_inserted: u64,
    /// Orders of which something else was stored.
    pub orders_replaced: u64,
    /// Orders that are stored as they are.
    pub orders_unchanged: u64,
    /// Orders of which something newer is stored.
    pub orders_older: u64,
    /// Rows left out, by reason.
    pub left_out: BTreeMap<String, u64>,
    /// Remarks, by reason.
    pub remarks: BTreeMap<String, u64>,
    /// Notes kept.
    pub notes: u64,
    /// The last row that each lane has committed.
    #[serde(skip)]
    pub(super) lanes: [u64; LANES],
}

impl Progress {
    /// Orders that were understood, whatever came of them.
    pub fn orders(&self) -> u64 {
        self.orders_inserted + self.orders_replaced + self.orders_unchanged + self.orders_older
    }

    /// Whether nothing of this is further than another.
    pub(super) fn is_at_most(&self, other: &Progress) -> bool {
        self.next_byte <= other.next_byte
            && self.lanes.iter().zip(other.lanes).all(|(lane, other)| *lane <= other)
    }

    pub(super) fn add(&mut self, counts: Counts) {
        self.inserted += counts.lines.unsigned_abs();
        self.duplicates += counts.lines_known.unsigned_abs();
        self.rejected += counts.lines_left_out.unsigned_abs();
        self.orders_inserted += counts.inserted.unsigned_abs();
        self.orders_replaced += counts.replaced.unsigned_abs();
        self.orders_unchanged += counts.unchanged.unsigned_abs();
        self.orders_older += counts.older.unsigned_abs();
    }
}

/// How far an import is, if the tenant has it (platform, support or marketing role).
pub async fn find(tx: &mut Tx, import: Uuid) -> Result<Option<Progress>, DbError> {
    let stored: Option<Stored> = sqlx::query_as("select * from platform.import_run where id = $1")
        .bind(import)
        .fetch_optional(&mut **tx)
        .await?;
    Ok(stored.map(|stored| stored.progress()))
}

/// Adds remarks on an import's file as a whole to those on its rows; one that is there already is replaced (platform role).
///
/// # Errors
/// The database failed.
pub async fn remark(tx: &mut Tx, import: Uuid, remarks: &BTreeMap<String, u64>) -> Result<(), DbError> {
    sqlx::query("update platform.import_run set remarks = remarks || $2 where id = $1")
        .bind(import)
        .bind(Json(remarks))
        .execute(&mut **tx)
        .await?;
    Ok(())
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

/// A row that was not imported, or was with a remark.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, FromRow)]
pub struct NotedLine {
    /// Where to go on after it; grows along the file.
    pub number: i64,
    /// Number in the file, from 1.
    pub line_number: i64,
    /// Whether it was left out or taken.
    pub kind: NoteKind,
    /// The kind of fault in fixed words; `line` for imports of before these existed.
    pub reason: String,
    /// The column as the file names it.
    pub column_name: Option<String>,
    /// What was seen, and what would be accepted.
    pub message: String,
    /// Its first 500 characters. It may hold personal data.
    pub raw: String,
}

/// What is told of an import's rows after a place, at most `limit` (platform, support or marketing role).
pub async fn notes(tx: &mut Tx, import: Uuid, after: i64, limit: u32) -> Result<Vec<NotedLine>, DbError> {
    Ok(sqlx::query_as(
        "select number, line_number, kind, reason, column_name, message, raw from platform.import_note
         where import_id = $1 and number > $2
         union all
         select line_number * 16, line_number, 'left_out', 'line', null, reason, raw from platform.import_reject
         where import_id = $1 and line_number * 16 > $2
         order by number limit $3",
    )
    .bind(import)
    .bind(after)
    .bind(i64::from(limit))
    .fetch_all(&mut **tx)
    .await?)
}

/// Keeps notes, and answers how many rows were left out by reason and how many remarks there are. Of an import that has
/// `kept` notes already only as many more as the bound lets. Of a row that names somebody who was erased no word is kept.
pub(super) async fn keep_notes(
    tx: &mut Tx,
    tenant: TenantId,
    erasure_key: &ErasureKey,
    import: Uuid,
    notes: &[(Note, u32)],
    kept: u64,
    first_of_a_row: i64,
) -> Result<Told, DbError> {
    let mut told = Told::default();
    let mut numbers: Vec<i64> = Vec::new();
    let mut of_the_row = (0, first_of_a_row);
    for (note, rows) in notes {
        let (by_reason, count) = match note.kind {
            NoteKind::LeftOut => (&mut told.left_out, u64::from(*rows)),
            NoteKind::Remark => (&mut told.remarks, 1),
        };
        *by_reason.entry(note.reason.to_owned()).or_default() += count;
        of_the_row = if of_the_row.0 == note.line {
            (note.line, of_the_row.1 + 1)
        } else {
            (note.line, first_of_a_row)
        };
        if kept + (numbers.len() as u64) < NOTES_KEPT {
            numbers.push(note.line as i64 * NOTES_OF_A_ROW + of_the_row.1.min(NOTES_OF_A_ROW - 1));
        }
    }
    if numbers.is_empty() {
        return Ok(told);
    }
    told.kept = numbers.len() as u64;
    let stored = &notes[..numbers.len()];
    let rows: Vec<&str> = stored.iter().map(|(note, _)| note.raw.as_str()).collect();
    let silent = erased::named_in(tx, tenant, erasure_key, &rows).await?;
    let told_of = stored.iter().zip(&silent).map(|((note, _), silent)| match silent {
        true => (ERASED_ROW.to_owned(), String::new()),
        false => (storable(&note.message), storable(&note.raw)),
    });
    let (messages, raws): (Vec<String>, Vec<String>) = told_of.unzip();
    let texts = |of: fn(&Note) -> String| stored.iter().map(|(note, _)| of(note)).collect::<Vec<_>>();
    sqlx::query(
        "insert into platform.import_note (tenant_id, import_id, number, line_number, kind, reason, column_name, message, raw)
         select $1, $2, * from unnest($3::bigint[], $4::bigint[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[])
         on conflict do nothing",
    )
    .bind(tenant)
    .bind(import)
    .bind(&numbers)
    .bind(stored.iter().map(|(note, _)| note.line as i64).collect::<Vec<_>>())
    .bind(texts(|note| note.kind.name().to_owned()))
    .bind(texts(|note| note.reason.to_owned()))
    .bind(stored.iter().map(|(note, _)| note.column.as_deref().map(storable)).collect::<Vec<_>>())
    .bind(messages)
    .bind(raws)
    .execute(&mut **tx)
    .await?;
    Ok(told)
}

/// What keeping notes came to.
#[derive(Default)]
pub(super) struct Told {
    pub(super) left_out: BTreeMap<String, u64>,
    pub(super) remarks: BTreeMap<String, u64>,
    pub(super) kept: u64,
}

/// What Postgres takes of a text, within its bound.
fn storable(text: &str) -> String {
    text.chars().filter(|c| *c != '\0').take(RAW_LIMIT).collect()
}

/// An import as it is stored, as far as it is read here.
#[derive(FromRow)]
pub(super) struct Stored {
    pub(super) state: String,
    pub(super) fingerprint: Vec<u8>,
    pub(super) started_at: DateTime<Utc>,
    next_byte: i64,
    next_line: i64,
    size_bytes: Option<i64>,
    lines_read: i64,
    inserted: i64,
    duplicates: i64,
    rejected: i64,
    orders_inserted: i64,
    orders_replaced: i64,
    orders_unchanged: i64,
    orders_older: i64,
    left_out: Json<BTreeMap<String, u64>>,
    remarks: Json<BTreeMap<String, u64>>,
    notes: i64,
    lanes: Vec<i64>,
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
            orders_inserted: self.orders_inserted.unsigned_abs(),
            orders_replaced: self.orders_replaced.unsigned_abs(),
            orders_unchanged: self.orders_unchanged.unsigned_abs(),
            orders_older: self.orders_older.unsigned_abs(),
            left_out: self.left_out.0.clone(),
            remarks: self.remarks.0.clone(),
            notes: self.notes.unsigned_abs(),
            lanes: std::array::from_fn(|lane| self.lanes.get(lane).map_or(0, |line| line.unsigned_abs())),
        }
    }
}
