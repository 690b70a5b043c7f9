//! Imports what a reader finds in a file: streaming, in batches, restartable after any batch.
//!
//! The reader runs beside and hands over what it found through a bounded channel, so that one reads while the other
//! stores. A batch is stored in two lanes at once, each a transaction with its part of the checkpoint, and afterwards the
//! place where reading goes on is moved. What a lane has committed it passes over when the batch comes again.

mod batch;

use chrono::{DateTime, TimeDelta, Utc};
use database::ids::TenantId;
use database::{Db, DbError, Role, Tx};
use tokio::sync::mpsc;
use uuid::Uuid;

use super::progress::{Progress, Stored};
use super::seen::Seen;
use super::state::{self, LANES, Source};
use super::statement::{Found, Place};
use super::undo;
use super::{confirmed, stale};
use crate::identities::erased::ErasureKey;
use batch::{Batch, commit};

/// A usual size of a batch, in lines.
pub const DEFAULT_BATCH_LINES: u64 = 20_000;
/// Orders that a transaction adopts which an older program left without a head.
const ADOPTED_AT_ONCE: i32 = 2_000;
/// An import of which nothing was heard for so long has ended.
const LEFT_BEHIND_AFTER: TimeDelta = TimeDelta::minutes(30);

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
    /// What tells this log, and the way it is read, from another. A checkpoint holds only for the same fingerprint; none
    /// means that the import always starts over.
    pub fingerprint: Option<[u8; 32]>,
    /// Whether the log says how orders are now, as a copy of a database does; a file of people may be an old one.
    pub is_current: bool,
    /// When the last order that it states was placed, if that is known before it is read; see
    /// [`Reading::newest_order`](super::reading::Reading::newest_order).
    pub newest_at: Option<DateTime<Utc>>,
    /// What orders without a currency are taken for when nobody stated it; the next tries take them for the same, see
    /// [`currency::of_import`](super::currency::of_import).
    pub assumed_currency: Option<String>,
    /// Lines a transaction, see [`DEFAULT_BATCH_LINES`].
    pub batch_lines: u64,
    /// Tells who was erased.
    pub erasure_key: ErasureKey,
}

/// What a reader hands over: some of what it found, in the order of the file, or why it cannot go on. It ends when the
/// file does.
pub type Chunks = mpsc::Receiver<Result<Vec<Found>, ReadError>>;

/// Why a reader cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The file cannot be read now.
    #[error("the file cannot be read: {0}")]
    Io(#[from] std::io::Error),
    /// It is not what it should be, and will not be when it is tried again.
    #[error("{message}")]
    Refused {
        /// The kind of fault in a few fixed words of snake case.
        class: &'static str,
        /// What was seen and where, and what would be accepted.
        message: String,
    },
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

/// Why an import ended early. What was committed stays, and counts.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The file cannot be read to its end.
    #[error("{error}; {} of its lines were imported up to line {} and count; mend the file and import it again, or take the import back", .progress.inserted + .progress.duplicates, .progress.next_line.saturating_sub(1))]
    Read {
        /// What the reader says.
        error: ReadError,
        /// How far it came.
        progress: Box<Progress>,
    },
    /// There is not one order in the file.
    #[error("nothing was imported: {}", nothing(.0))]
    Nothing(Box<Progress>),
    /// Another run of the same import has gone on meanwhile, or the import was cancelled.
    #[error("another run has taken over this import, or it was cancelled")]
    Superseded,
    /// Postgres crashed and has forgotten the last batches, which were not on its disk yet. The same import goes on before
    /// them when tried again.
    #[error("Postgres crashed and forgot the last moments of this import; they are imported again")]
    Forgotten,
    /// The database failed.
    #[error(transparent)]
    Db(#[from] DbError),
}

fn nothing(progress: &Progress) -> String {
    if progress.lines_read == 0 {
        return "the file has no rows below its header".to_owned();
    }
    let reasons: Vec<String> =
        progress.left_out.iter().map(|(reason, rows)| format!("{rows} by {reason}")).collect();
    format!("all {} rows were left out ({})", progress.lines_read, reasons.join(", "))
}

/// Imports a file from where an earlier try came to. `open` begins to read at a place, the beginning being 0.
/// `after_batch` is told how far it is and decides whether to go on. Dropping the future loses at most the current batch's
/// work.
///
/// # Errors
/// Why it ended early.
pub async fn run(
    db: &Db,
    import: &Import,
    open: impl FnOnce(Place) -> Chunks,
    mut after_batch: impl FnMut(&Progress) -> Next,
) -> Result<Outcome, ImportError> {
    let (mut progress, taken_at, is_ahead) = match begin(db, import).await? {
        Begun::AlreadyDone(progress) => return Ok(Outcome::Finished(progress)),
        Begun::At { progress, taken_at, is_ahead } => (progress, taken_at, is_ahead),
    };
    adopt(db, import.tenant).await?;
    stale::derive_left_behind(db, import.tenant, Utc::now() - LEFT_BEHIND_AFTER).await?;
    let source = Source {
        name: "file",
        import: Some(import.id),
        taken_at,
        is_current: import.is_current,
        is_ahead,
        cause: import.id,
        erasure_key: import.erasure_key,
    };
    let mut rest = Rest::new(open(Place { offset: progress.next_byte, line: progress.next_line }), import);
    let mut seen = Seen::default();
    let mut batch = rest.next_batch().await;
    while !batch.is_empty() {
        // The next one is read while this one is stored.
        let (stored, next) =
            tokio::join!(commit(db, import, &source, &batch, &mut progress, &mut seen), rest.next_batch());
        match stored {
            Err(ImportError::Superseded) => return Err(why_superseded(db, &source, import, &progress).await?),
            other => other?,
        }
        let is_full = batch.rows >= rest.lines;
        batch = next;
        if is_full && after_batch(&progress) == Next::Stop {
            return Ok(Outcome::Stopped(progress));
        }
    }
    stale::derive_all(db, import.tenant, import.id).await?;
    if let Some(error) = rest.fault {
        // What was read before it counts, as far as it came.
        if matches!(error, ReadError::Refused { .. }) {
            close(db, import.tenant, import.id, "failed", Some(&error.to_string())).await?;
        }
        return Err(ImportError::Read { error, progress: Box::new(progress) });
    }
    if progress.orders() == 0 {
        let error = ImportError::Nothing(Box::new(progress));
        close(db, import.tenant, import.id, "failed", Some(&error.to_string())).await?;
        return Err(error);
    }
    close(db, import.tenant, import.id, "done", None).await?;
    Ok(Outcome::Finished(progress))
}

/// Why the import's row is not what was left in it. Batches are committed before they are on the disk, so Postgres may have
/// crashed between two of them: then the row is the same run's, as it was earlier.
async fn why_superseded(
    db: &Db,
    source: &Source,
    import: &Import,
    progress: &Progress,
) -> Result<ImportError, ImportError> {
    let mut tx = db.tenant_tx(Role::Platform, import.tenant).await?;
    let stored = read(&mut tx, import.id).await?;
    tx.commit().await.map_err(DbError::from)?;
    let is_of_this_run = stored.state == "running" && stored.started_at == source.taken_at;
    let is_earlier = stored.progress().is_at_most(progress);
    Ok(if is_of_this_run && is_earlier { ImportError::Forgotten } else { ImportError::Superseded })
}

/// What is still to be read.
struct Rest {
    chunks: Chunks,
    /// What came with the last chunk and belongs to the next batch.
    left: std::vec::IntoIter<Found>,
    /// Lines of a batch.
    lines: u64,
    /// Why the reader ended before the file did.
    fault: Option<ReadError>,
}

impl Rest {
    fn new(chunks: Chunks, import: &Import) -> Rest {
        Rest { chunks, left: Vec::new().into_iter(), lines: import.batch_lines.max(1), fault: None }
    }

    /// As much as a batch holds, and what belongs to its last order; nothing at the end.
    async fn next_batch(&mut self) -> Batch {
        let mut batch = Batch::default();
        loop {
            for found in self.left.by_ref() {
                batch.add(found);
                if batch.rows >= self.lines && batch.is_complete() {
                    return batch;
                }
            }
            match self.chunks.recv().await {
                Some(Ok(found)) => self.left = found.into_iter(),
                Some(Err(error)) => {
                    self.fault = Some(error);
                    return batch;
                }
                None => return batch,
            }
        }
    }
}

enum Begun {
    At { progress: Progress, taken_at: DateTime<Utc>, is_ahead: bool },
    AlreadyDone(Progress),
}

/// Finds the import's row or makes it. A checkpoint of another log is forgotten.
async fn begin(db: &Db, import: &Import) -> Result<Begun, ImportError> {
    let mut tx = db.tenant_tx(Role::Platform, import.tenant).await?;
    // Without a fingerprint nothing can be told to be the same log: a random one equals no other.
    let fingerprint = import.fingerprint.unwrap_or_else(rand::random);
    sqlx::query(
        "insert into platform.import_run (id, tenant_id, source, size_bytes, fingerprint, assumed_currency)
         values ($1, $2, $3, $4, $5, $6) on conflict (id) do nothing",
    )
    .bind(import.id)
    .bind(import.tenant)
    .bind(&import.source)
    .bind(import.size_bytes.map(|size| size as i64))
    .bind(fingerprint.as_slice())
    .bind(&import.assumed_currency)
    .execute(&mut *tx)
    .await
    .map_err(DbError::from)?;
    let stored = read(&mut tx, import.id).await?;
    let mut begun = (stored.progress(), stored.started_at);
    if matches!(stored.state.as_str(), "cancelled" | "undoing" | "undone") {
        return Err(ImportError::Superseded);
    }
    if stored.fingerprint != fingerprint {
        start_over(&mut tx, import, &fingerprint).await?;
        let stored = read(&mut tx, import.id).await?;
        begun = (stored.progress(), stored.started_at);
    } else if stored.state == "done" {
        return Ok(Begun::AlreadyDone(begun.0));
    }
    let is_ahead: Option<bool> = sqlx::query_scalar(include_str!("import/begin.sql"))
        .bind(import.id)
        .bind(import.tenant)
        .bind(import.newest_at)
        .fetch_one(&mut *tx)
        .await
        .map_err(DbError::from)?;
    undo::forget_old(&mut tx, import.tenant, Utc::now()).await?;
    confirmed::forget_old(&mut tx, import.tenant, Utc::now()).await?;
    tx.commit().await.map_err(DbError::from)?;
    Ok(Begun::At { progress: begun.0, taken_at: begun.1, is_ahead: is_ahead.unwrap_or(false) })
}

async fn read(tx: &mut Tx, import: Uuid) -> Result<Stored, DbError> {
    Ok(sqlx::query_as("select * from platform.import_run where id = $1 for update")
        .bind(import)
        .fetch_one(&mut **tx)
        .await?)
}

/// The orders of the earlier log stay; those that are in this one as well are replaced, because it begins later.
async fn start_over(tx: &mut Tx, import: &Import, fingerprint: &[u8]) -> Result<(), DbError> {
    for table in ["import_reject", "import_note"] {
        let statement = format!("delete from platform.{table} where import_id = $1");
        sqlx::query(sqlx::AssertSqlSafe(statement)).bind(import.id).execute(&mut **tx).await?;
    }
    sqlx::query(
        "update platform.import_run
         set source = $2, size_bytes = $3, fingerprint = $4, next_byte = 0, next_line = 1, lines_read = 0,
             inserted = 0, duplicates = 0, rejected = 0, orders_inserted = 0, orders_replaced = 0, orders_unchanged = 0,
             orders_older = 0, left_out = '{}', remarks = '{}', notes = 0, lanes = '{0,0}', started_at = clock_timestamp(),
             updated_at = now(), finished_at = null, newest_at = null,
             known_until = (select max(greatest(r.newest_at, r.known_until)) from platform.import_run r
                            where r.tenant_id = $5 and r.state <> 'undone')
         where id = $1",
    )
    .bind(import.id)
    .bind(&import.source)
    .bind(import.size_bytes.map(|size| size as i64))
    .bind(fingerprint)
    .bind(import.tenant)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Ends an import that is not finished for good; what was committed stays and counts.
///
/// # Errors
/// The database failed.
pub async fn cancel(db: &Db, tenant: TenantId, import: Uuid) -> Result<(), ImportError> {
    close(db, tenant, import, "cancelled", None).await?;
    stale::derive_all(db, tenant, import).await?;
    Ok(())
}

async fn close(
    db: &Db,
    tenant: TenantId,
    import: Uuid,
    state: &str,
    error: Option<&str>,
) -> Result<(), ImportError> {
    let mut tx = db.tenant_tx(Role::Platform, tenant).await?;
    sqlx::query(
        "update platform.import_run set state = $2, error = $3, updated_at = now(), finished_at = now()
         where id = $1 and state = 'running'",
    )
    .bind(import)
    .bind(state)
    .bind(error)
    .execute(&mut *tx)
    .await
    .map_err(DbError::from)?;
    tx.commit().await.map_err(DbError::from)?;
    Ok(())
}

/// Makes orders of lines that a program of the release before stored, which knew none.
async fn adopt(db: &Db, tenant: TenantId) -> Result<(), DbError> {
    loop {
        let mut tx = db.tenant_tx(Role::Platform, tenant).await?;
        let is_any: bool = sqlx::query_scalar(
            "select exists (select from platform.order_line where tenant_id = $1 and counts is null)",
        )
        .bind(tenant)
        .fetch_one(&mut *tx)
        .await?;
        // Mostly there is none, and nobody is to be waited for.
        if !is_any {
            return Ok(tx.commit().await?);
        }
        for lane in 0..LANES {
            state::take_lane(&mut tx, tenant, lane).await?;
        }
        let adopted: i32 = sqlx::query_scalar("select platform.adopt_orders($1, $2)")
            .bind(tenant)
            .bind(ADOPTED_AT_ONCE)
            .fetch_one(&mut *tx)
            .await?;
        tx.commit().await?;
        if adopted == 0 {
            return Ok(());
        }
    }
}
