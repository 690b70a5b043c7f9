//! Imports a purchase log: streaming, in batches, restartable after any batch.
//!
//! A line imported twice changes nothing, so whoever cannot go on from a checkpoint simply starts over.
//! Checkpoints stand where an order begins, because equal lines are numbered within their order.

use std::io::{self, SeekFrom};
use std::path::Path;

use chrono::{DateTime, Utc};
use sha2::{Digest, Sha256};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncSeekExt};
use uuid::Uuid;

use super::columns::{self, Columns, HeaderError};
use super::line::{self, Numbering, Rules};
use super::progress::{Progress, Stored};
use super::records::{Records, fields};
use super::store::{self, Batch, Reject};
use database::ids::TenantId;
use database::{Db, DbError, Role, Tx};

/// A usual size of a batch, in lines.
pub const DEFAULT_BATCH_LINES: u64 = 10_000;
/// So many rejected lines of an import are kept; the rest is only counted.
const REJECTS_KEPT: u64 = 10_000;

/// What is to be imported.
#[derive(Debug, Clone)]
pub struct Import {
    /// Identity; the same when the import is tried again (the job's id).
    pub id: Uuid,
    /// Whose orders they are.
    pub tenant: TenantId,
    /// Where the log comes from, for people.
    pub source: String,
    /// Size of the log in bytes, if known.
    pub size_bytes: Option<u64>,
    /// What tells this log from another. A checkpoint holds only for the same fingerprint; none means that the
    /// import always starts over.
    pub fingerprint: Option<[u8; 32]>,
    /// ISO 4217 code of lines that name no currency.
    pub currency: String,
    /// Lines a transaction, see [`DEFAULT_BATCH_LINES`].
    pub batch_lines: u64,
    /// Orders from more than two days after this are rejected.
    pub now: DateTime<Utc>,
}

/// Whether to go on after a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// Read the next batch.
    Continue,
    /// Leave the rest for another try.
    Stop,
}

/// How an import ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Everything was read.
    Finished(Progress),
    /// [`Next::Stop`] was answered; the same import goes on from here when tried again.
    Stopped(Progress),
}

/// Why an import ended early. What was committed stays.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The log is not usable at all.
    #[error(transparent)]
    Header(#[from] HeaderError),
    /// The log ends before the checkpoint although its fingerprint is the same.
    #[error("the log is shorter than what was imported from it before")]
    Shortened,
    /// Another run of the same import has gone on meanwhile, or the import was cancelled.
    #[error("another run has taken over this import, or it was cancelled")]
    Superseded,
    /// The log cannot be read.
    #[error("the log cannot be read: {0}")]
    Read(#[from] io::Error),
    /// The database failed.
    #[error(transparent)]
    Db(#[from] DbError),
}

/// Imports a log from its beginning on `reader`, going on from the checkpoint of an earlier try. `after_batch` is
/// told how far it is and decides whether to go on. Dropping the future loses at most the current batch's work.
pub async fn run<R: AsyncRead + Unpin>(
    db: &Db,
    import: &Import,
    reader: R,
    mut after_batch: impl FnMut(&Progress) -> Next,
) -> Result<Outcome, ImportError> {
    let mut progress = match begin(db, import).await? {
        Begun::AlreadyDone(progress) => return Ok(Outcome::Finished(progress)),
        Begun::At(progress) => progress,
    };
    let mut records = Records::new(reader);
    let columns = read_header(&mut records).await?;
    if progress.next_byte > 0 && !records.skip_to(progress.next_byte, progress.next_line).await? {
        return Err(ImportError::Shortened);
    }
    let rules = Rules { columns: &columns, currency: &import.currency, now: import.now };
    let mut numbering = Numbering::default();
    let mut batch = Batch::default();
    loop {
        let position = records.position();
        let read = read_line(&mut records, &rules).await?;
        // A batch ends where the numbering of equal lines begins anew, so that going on from its checkpoint
        // numbers them as an uninterrupted import would.
        let is_full = batch.lines() >= import.batch_lines.max(1)
            && match &read {
                Some(Line::Order(line)) => numbering.starts_with(line),
                Some(Line::Reject(_)) => numbering.is_exhausted(),
                None => true,
            };
        if is_full || (read.is_none() && batch.lines() > 0) {
            progress = commit(db, import, &batch, &progress, position).await?;
            batch = Batch::default();
            if after_batch(&progress) == Next::Stop && read.is_some() {
                return Ok(Outcome::Stopped(progress));
            }
        }
        match read {
            Some(Line::Order(line)) => batch.add(numbering.key(&line), &line),
            Some(Line::Reject(reject)) => {
                numbering.pass_over();
                if progress.rejected + batch.rejected() < REJECTS_KEPT {
                    batch.rejects.push(reject);
                } else {
                    batch.rejects_not_kept += 1;
                }
            }
            None => {
                finish(db, import).await?;
                return Ok(Outcome::Finished(progress));
            }
        }
    }
}

/// A log file, ready to be imported.
#[derive(Debug)]
pub struct LogFile {
    /// At its beginning.
    pub file: tokio::fs::File,
    /// Its size.
    pub size_bytes: u64,
    /// Hash of its size, beginning and end: enough to tell one log from another without reading all of it.
    pub fingerprint: [u8; 32],
}

/// Opens a log file and fingerprints it.
pub async fn open(path: &Path) -> io::Result<LogFile> {
    const SAMPLE_BYTES: u64 = 256 * 1024;
    let mut file = tokio::fs::File::open(path).await?;
    let size_bytes = file.metadata().await?.len();
    let mut sample = Vec::new();
    (&mut file).take(SAMPLE_BYTES).read_to_end(&mut sample).await?;
    file.seek(SeekFrom::Start(size_bytes.saturating_sub(SAMPLE_BYTES))).await?;
    (&mut file).take(SAMPLE_BYTES).read_to_end(&mut sample).await?;
    file.seek(SeekFrom::Start(0)).await?;
    let fingerprint =
        Sha256::new().chain_update(size_bytes.to_be_bytes()).chain_update(&sample).finalize().into();
    Ok(LogFile { file, size_bytes, fingerprint })
}

enum Begun {
    At(Progress),
    AlreadyDone(Progress),
}

/// Finds the import's row or makes it. A checkpoint of another log is forgotten.
async fn begin(db: &Db, import: &Import) -> Result<Begun, ImportError> {
    let mut tx = db.tenant_tx(Role::Platform, import.tenant).await?;
    // Without a fingerprint nothing can be told to be the same log: a random one equals no other.
    let fingerprint = import.fingerprint.unwrap_or_else(rand::random);
    sqlx::query(
        "insert into platform.import_run (id, tenant_id, source, size_bytes, fingerprint)
         values ($1, $2, $3, $4, $5) on conflict (id) do nothing",
    )
    .bind(import.id)
    .bind(import.tenant)
    .bind(&import.source)
    .bind(import.size_bytes.map(|size| size as i64))
    .bind(fingerprint.as_slice())
    .execute(&mut *tx)
    .await
    .map_err(DbError::from)?;
    let stored: Stored = sqlx::query_as("select * from platform.import_run where id = $1 for update")
        .bind(import.id)
        .fetch_one(&mut *tx)
        .await
        .map_err(DbError::from)?;
    let mut progress = stored.progress();
    if stored.state == "cancelled" {
        return Err(ImportError::Superseded);
    }
    if stored.fingerprint != fingerprint {
        start_over(&mut tx, import, &fingerprint).await?;
        progress = Progress { next_line: 1, size_bytes: import.size_bytes, ..Progress::default() };
    } else if stored.state == "done" {
        return Ok(Begun::AlreadyDone(progress));
    }
    tx.commit().await.map_err(DbError::from)?;
    Ok(Begun::At(progress))
}

async fn start_over(tx: &mut Tx, import: &Import, fingerprint: &[u8]) -> Result<(), DbError> {
    sqlx::query("delete from platform.import_reject where import_id = $1")
        .bind(import.id)
        .execute(&mut **tx)
        .await?;
    sqlx::query(
        "update platform.import_run
         set source = $2, size_bytes = $3, fingerprint = $4, next_byte = 0, next_line = 1, lines_read = 0,
             inserted = 0, duplicates = 0, rejected = 0, state = 'running', updated_at = now(), finished_at = null
         where id = $1",
    )
    .bind(import.id)
    .bind(&import.source)
    .bind(import.size_bytes.map(|size| size as i64))
    .bind(fingerprint)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

async fn finish(db: &Db, import: &Import) -> Result<(), ImportError> {
    close(db, import.tenant, import.id, "done").await
}

/// Ends an import that is not finished for good; what was committed stays.
pub async fn cancel(db: &Db, tenant: TenantId, import: Uuid) -> Result<(), ImportError> {
    close(db, tenant, import, "cancelled").await
}

async fn close(db: &Db, tenant: TenantId, import: Uuid, state: &str) -> Result<(), ImportError> {
    let mut tx = db.tenant_tx(Role::Platform, tenant).await?;
    sqlx::query(
        "update platform.import_run set state = $2, updated_at = now(), finished_at = now()
         where id = $1 and state = 'running'",
    )
    .bind(import)
    .bind(state)
    .execute(&mut *tx)
    .await
    .map_err(DbError::from)?;
    tx.commit().await.map_err(DbError::from)?;
    Ok(())
}

async fn commit(
    db: &Db,
    import: &Import,
    batch: &Batch,
    from: &Progress,
    (next_byte, next_line): (u64, u64),
) -> Result<Progress, ImportError> {
    let mut to = Progress {
        next_byte,
        next_line,
        lines_read: from.lines_read + batch.lines(),
        rejected: from.rejected + batch.rejected(),
        ..from.clone()
    };
    let inserted = store::commit(db, import.tenant, import.id, batch, from, &to).await?;
    let inserted = inserted.ok_or(ImportError::Superseded)?;
    to.inserted += inserted;
    to.duplicates += batch.valid - inserted;
    Ok(to)
}

async fn read_header<R: AsyncRead + Unpin>(records: &mut Records<R>) -> Result<Columns, ImportError> {
    let header = records.next().await?.ok_or(HeaderError::Empty)?;
    if header.broken.is_some() {
        return Err(HeaderError::Unreadable.into());
    }
    let text = std::str::from_utf8(header.bytes).map_err(|_| HeaderError::Unreadable)?;
    Ok(columns::read_header(text)?)
}

enum Line {
    Order(line::OrderLine),
    Reject(Reject),
}

/// The next line that is not blank.
async fn read_line<R: AsyncRead + Unpin>(
    records: &mut Records<R>,
    rules: &Rules<'_>,
) -> io::Result<Option<Line>> {
    loop {
        let Some(record) = records.next().await? else { return Ok(None) };
        if record.bytes.trim_ascii().is_empty() {
            continue;
        }
        let judged = match (record.broken, std::str::from_utf8(record.bytes)) {
            (Some(reason), _) => Err(reason.to_owned()),
            (None, Err(_)) => Err("the line is not UTF-8 text".to_owned()),
            (None, Ok(text)) => line::read(&fields(text), rules),
        };
        return Ok(Some(match judged {
            Ok(line) => Line::Order(line),
            Err(reason) => Line::Reject(Reject::new(record.line, reason, record.bytes)),
        }));
    }
}
