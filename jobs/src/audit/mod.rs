//! The audit of the books: what was enqueued is done, dead, cancelled, waiting, running or pruned, and
//! nothing else, for every queue and kind.
//!
//! The tables hold millions of jobs that ended days ago and are not touched any more. They are counted
//! once, by slices of ten minutes, and the counts are kept; a run counts what came since and what is
//! unfinished or dead. What the kept counts are worth:
//!
//! - A job too many or too few in `live`, `dead`, the books, or among those that ended within the last 20
//!   minutes is found by the next run.
//! - A row that was deleted or changed anywhere in `finished`, or added to a day that is over, is found by
//!   the run after the server has counted the change, which takes seconds: the day is counted again.
//! - Whatever else becomes of old rows (a damaged disk, a change just before a crash of the server) is
//!   found within a round: every run counts some slices again, those first that were counted longest ago.
//! - What a transaction committed more than ten minutes after its beginning is missing in its slice. So a
//!   difference is told only when every slice was counted after it was first seen, and again only when every
//!   slice was counted after it was last told: as long as it lasts nothing that was kept is relied on, and the
//!   run after its mending is quiet.

use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use sqlx::{Connection, PgConnection, Postgres, Transaction};

use crate::{
    QueueError,
    kinds::audit_ledger::{AuditReport, Drift},
};

/// How much one run may count.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// How long it may count what has to be counted; what is left then is counted by the next.
    pub at_most: Duration,
    /// How long it counts slices again of which nothing bad is known.
    pub again: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Pace { at_most: Duration::from_secs(120), again: Duration::from_millis(300) }
    }
}

/// How long [`run`] may go without an answer from the server, which ends its statements after a minute.
pub const SILENT_FOR: Duration = Duration::from_secs(70);

/// About so many jobs one statement counts again.
const PIECE: i64 = 200_000;

/// One audit writes at a time; the number is arbitrary but fixed.
const LOCK: i64 = 0x6465_736b_6175_6469;

/// The last audit that came to an end, as the leader serves it.
#[derive(Clone, Copy, Debug, PartialEq, sqlx::FromRow)]
pub struct LastAudit {
    /// Jobs on which the books and the tables differ.
    pub drift: i64,
    /// How long ago it was, in seconds; of a ledger that was never audited, how long it has had that chance.
    pub age_secs: f64,
}

/// The last audit that came to an end.
///
/// # Errors
/// The ledger failed.
pub async fn last(conn: &mut PgConnection) -> Result<LastAudit, QueueError> {
    Ok(sqlx::query_as(
        "select drift, extract(epoch from now() - audited_at)::float8 as age_secs from jobs.audit_result",
    )
    .fetch_one(conn)
    .await?)
}

/// Compares the books with the tables and keeps the result. None when there is more history to be counted
/// than one run may count: nothing is known yet, and the next run goes on where this one ended.
///
/// # Errors
/// The ledger failed; what was counted so far is kept.
pub async fn run(conn: &mut PgConnection, pace: Pace) -> Result<Option<AuditReport>, QueueError> {
    let deadline = Instant::now() + pace.at_most;
    let (began, slices_end): (DateTime<Utc>, DateTime<Utc>) =
        sqlx::query_as("select now(), date_bin('10 minutes', now() - interval '10 minutes', 'epoch')")
            .fetch_one(&mut *conn)
            .await?;
    doubt(conn).await?;
    if !count_missing(conn, slices_end, deadline).await? {
        return Ok(None);
    }
    count_again(conn, began, Instant::now() + pace.again).await?;
    let mut report = compare(conn, slices_end).await?;
    if !report.drifts.is_empty() {
        let doubtful_until = suspect(conn).await?;
        match count_again(conn, doubtful_until, deadline).await? {
            Again::Nothing => {}
            Again::All => report = compare(conn, slices_end).await?,
            Again::Some => return Ok(None),
        }
    }
    keep(conn, &report).await?;
    Ok(Some(report))
}

/// Begins a transaction that may count: the engine's own settings are for statements that touch few rows.
async fn begin(conn: &mut PgConnection) -> Result<Transaction<'_, Postgres>, QueueError> {
    let mut tx = conn.begin().await?;
    sqlx::raw_sql(
        "set local enable_seqscan = on; set local enable_hashjoin = on; set local enable_mergejoin = on;
         set local plan_cache_mode = force_custom_plan; set local statement_timeout = '60s'",
    )
    .execute(&mut *tx)
    .await?;
    Ok(tx)
}

/// As [`begin`], and alone in changing what is kept.
async fn begin_alone(conn: &mut PgConnection) -> Result<Transaction<'_, Postgres>, QueueError> {
    let mut tx = begin(conn).await?;
    sqlx::query("select pg_advisory_xact_lock($1)").bind(LOCK).execute(&mut *tx).await?;
    Ok(tx)
}

/// Forgets the counts that are not to be trusted any more.
async fn doubt(conn: &mut PgConnection) -> Result<(), QueueError> {
    let mut tx = begin_alone(conn).await?;
    let forgotten = sqlx::query(include_str!("doubt.sql")).execute(&mut *tx).await?.rows_affected();
    tx.commit().await?;
    if forgotten > 0 {
        tracing::info!(forgotten, "rows of past days changed; the audit counts these slices again");
    }
    Ok(())
}

/// A range of slices.
#[derive(Clone, Copy, Debug, sqlx::FromRow)]
struct Slices {
    since: DateTime<Utc>,
    until: DateTime<Utc>,
}

/// Counts the slices that are not counted. Says whether all are now.
async fn count_missing(
    conn: &mut PgConnection,
    slices_end: DateTime<Utc>,
    deadline: Instant,
) -> Result<bool, QueueError> {
    let missing: Vec<Slices> =
        sqlx::query_as(include_str!("missing.sql")).bind(slices_end).fetch_all(&mut *conn).await?;
    for slices in missing {
        if Instant::now() >= deadline {
            return Ok(false);
        }
        count(conn, slices).await?;
    }
    Ok(true)
}

/// How much was counted again.
enum Again {
    Nothing,
    Some,
    All,
}

/// Counts again what was counted before `before`, the oldest first, until the deadline.
async fn count_again(
    conn: &mut PgConnection,
    before: DateTime<Utc>,
    deadline: Instant,
) -> Result<Again, QueueError> {
    let mut again = Again::Nothing;
    loop {
        let oldest: Option<Slices> = sqlx::query_as(include_str!("oldest.sql"))
            .bind(before)
            .bind(PIECE)
            .fetch_optional(&mut *conn)
            .await?;
        let Some(slices) = oldest else { return Ok(again) };
        if Instant::now() >= deadline {
            return Ok(Again::Some);
        }
        count(conn, slices).await?;
        again = Again::All;
    }
}

/// Counts slices and keeps the counts instead of those that were kept before.
async fn count(conn: &mut PgConnection, slices: Slices) -> Result<(), QueueError> {
    let mut tx = begin_alone(conn).await?;
    for statement in [
        "delete from jobs.audit_count where at >= $1 and at < $2",
        "delete from jobs.audit_slice where at >= $1 and at < $2",
        include_str!("count.sql"),
    ] {
        sqlx::query(statement).bind(slices.since).bind(slices.until).execute(&mut *tx).await?;
    }
    tx.commit().await?;
    Ok(())
}

/// An account, as the books and the tables have it.
#[derive(sqlx::FromRow)]
struct Account {
    queue: String,
    kind: String,
    account: String,
    by_the_books: i64,
    in_the_tables: i64,
}

async fn compare(conn: &mut PgConnection, slices_end: DateTime<Utc>) -> Result<AuditReport, QueueError> {
    let mut tx = begin(conn).await?;
    let accounts: Vec<Account> =
        sqlx::query_as(include_str!("compare.sql")).bind(slices_end).fetch_all(&mut *tx).await?;
    let counted_since =
        sqlx::query_scalar("select min(counted_at) from jobs.audit_slice").fetch_one(&mut *tx).await?;
    tx.commit().await?;
    let mut report = AuditReport { counted_since, ..AuditReport::default() };
    for account in accounts {
        match account.account.as_str() {
            "enqueued" => report.enqueued += account.by_the_books,
            "pruned" => report.pruned += account.by_the_books,
            _ => {
                report.held += account.in_the_tables;
                if account.by_the_books != account.in_the_tables {
                    report.drifts.push(Drift {
                        queue: account.queue,
                        kind: account.kind,
                        state: account.account,
                        by_the_books: account.by_the_books,
                        in_the_tables: account.in_the_tables,
                    });
                }
            }
        }
    }
    Ok(report)
}

/// Notes that the books and the tables seem to differ. Says when that was first seen or last told; what was
/// counted before is not to be relied on.
async fn suspect(conn: &mut PgConnection) -> Result<DateTime<Utc>, QueueError> {
    Ok(sqlx::query_scalar(
        "update jobs.audit_result set suspected_at = coalesce(suspected_at, now())
         returning greatest(suspected_at, audited_at)",
    )
    .fetch_one(conn)
    .await?)
}

/// Keeps the result for the leader.
async fn keep(conn: &mut PgConnection, report: &AuditReport) -> Result<(), QueueError> {
    sqlx::query(
        "update jobs.audit_result set audited_at = now(), drift = $1,
             suspected_at = case when $1 = 0 then null else suspected_at end",
    )
    .bind(report.drift())
    .execute(conn)
    .await?;
    Ok(())
}
