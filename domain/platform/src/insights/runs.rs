//! Runs: how far they are, what they found, what went wrong.

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use serde::Serialize;
use serde_json::Value;
use sqlx::Row;
use sqlx::postgres::PgRow;
use uuid::Uuid;

use database::{DbError, Tx};

/// A run.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Run {
    /// The run, which is the id of its job as well.
    pub id: Uuid,
    /// Its number within the tenant.
    pub generation: i32,
    /// preparing, scoring, published, superseded (a later one was published) or failed.
    pub state: String,
    /// Whether no shard was finished for ten minutes.
    pub stuck: bool,
    /// Its shards; null before it is prepared.
    pub shards: Option<Shards>,
    /// The last day whose orders count.
    pub as_of: NaiveDate,
    /// Whether that day was asked for.
    pub pinned: bool,
    /// ISO 4217 code; lines in others are left out.
    pub currency: Option<String>,
    /// Its segmentation.
    pub segmentation_id: Option<Uuid>,
    /// Its churn model; null when there was not enough data for one.
    pub churn_model_id: Option<Uuid>,
    /// Its model of lifetime value; null when there was not enough data for one.
    pub ltv_model_id: Option<Uuid>,
    /// Customers in it.
    pub customers: Option<i64>,
    /// Order lines read.
    pub lines: Option<i64>,
    /// Order lines left out for their currency.
    pub lines_left_out: Option<i64>,
    /// When it began.
    pub started_at: DateTime<Utc>,
    /// When its shards were opened.
    pub prepared_at: Option<DateTime<Utc>>,
    /// When readers began to see it.
    pub published_at: Option<DateTime<Utc>>,
    /// From its begin to its publication, or until now while it goes on; null when it failed.
    pub duration_secs: Option<f64>,
    /// What it found and what it could not do; only of a single run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub report: Option<Value>,
    /// Why it failed.
    pub error: Option<String>,
}

/// How many shards a run has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Shards {
    /// Those that are done.
    pub done: i64,
    /// All of them.
    pub total: i32,
}

/// A run that finishes no shard for this long is stuck.
const PATIENCE: TimeDelta = TimeDelta::minutes(10);

const COLUMNS: &str = "r.id, r.generation, r.state, r.as_of, r.pinned, r.currency, r.segmentation_id, r.churn_model_id,
    r.ltv_model_id, r.shards, r.customers, r.lines, r.lines_left_out, r.started_at, r.prepared_at, r.published_at,
    r.error, s.done, s.last_done_at
    from platform.intelligence_run r
    cross join lateral (select count(done_at) as done, max(done_at) as last_done_at
                        from platform.intelligence_shard s where s.run_id = r.id) s
    where r.tenant_id = shared.current_tenant()";

/// The run with its report; none when the tenant has no such run.
///
/// # Errors
/// The database failed.
pub async fn get(tx: &mut Tx, run: Uuid, now: DateTime<Utc>) -> Result<Option<Run>, DbError> {
    let statement = format!("select r.report, {COLUMNS} and r.id = $1");
    let row = sqlx::query(sqlx::AssertSqlSafe(statement)).bind(run).fetch_optional(&mut **tx).await?;
    let Some(row) = row else { return Ok(None) };
    Ok(Some(Run { report: row.try_get("report")?, ..read(&row, now)? }))
}

/// Runs without their reports, the latest first, from before `(started_at, id)`, at most `limit`.
///
/// # Errors
/// The database failed.
pub async fn list(
    tx: &mut Tx,
    before: Option<(DateTime<Utc>, Uuid)>,
    limit: i64,
    now: DateTime<Utc>,
) -> Result<Vec<Run>, DbError> {
    let statement = format!(
        "select {COLUMNS} and ($1::timestamptz is null or (r.started_at, r.id) < ($1, $2))
         order by r.started_at desc, r.id desc limit $3"
    );
    let (before_at, before_id) = before.unzip();
    let rows = sqlx::query(sqlx::AssertSqlSafe(statement))
        .bind(before_at)
        .bind(before_id)
        .bind(limit)
        .fetch_all(&mut **tx)
        .await?;
    Ok(rows.iter().map(|row| read(row, now)).collect::<Result<_, _>>()?)
}

/// The segmentation of a run; none when the tenant has no such run, and none in it before it is prepared.
///
/// # Errors
/// The database failed.
pub async fn segmentation(tx: &mut Tx, run: Uuid) -> Result<Option<Option<Uuid>>, DbError> {
    Ok(sqlx::query_scalar("select segmentation_id from platform.intelligence_run where id = $1")
        .bind(run)
        .fetch_optional(&mut **tx)
        .await?)
}

fn read(row: &PgRow, now: DateTime<Utc>) -> Result<Run, sqlx::Error> {
    let state: String = row.try_get("state")?;
    let started_at: DateTime<Utc> = row.try_get("started_at")?;
    let prepared_at: Option<DateTime<Utc>> = row.try_get("prepared_at")?;
    let published_at: Option<DateTime<Utc>> = row.try_get("published_at")?;
    let last_done_at: Option<DateTime<Utc>> = row.try_get("last_done_at")?;
    let done: i64 = row.try_get("done")?;
    let total: Option<i32> = row.try_get("shards")?;
    let ended_at = match state.as_str() {
        "failed" => None,
        "preparing" | "scoring" => Some(now),
        _ => published_at,
    };
    let last_progress_at = last_done_at.or(prepared_at).unwrap_or(started_at);
    Ok(Run {
        id: row.try_get("id")?,
        generation: row.try_get("generation")?,
        stuck: state == "scoring" && now - last_progress_at > PATIENCE,
        state,
        shards: total.map(|total| Shards { done, total }),
        as_of: row.try_get("as_of")?,
        pinned: row.try_get("pinned")?,
        currency: row.try_get("currency")?,
        segmentation_id: row.try_get("segmentation_id")?,
        churn_model_id: row.try_get("churn_model_id")?,
        ltv_model_id: row.try_get("ltv_model_id")?,
        customers: row.try_get("customers")?,
        lines: row.try_get("lines")?,
        lines_left_out: row.try_get("lines_left_out")?,
        started_at,
        prepared_at,
        published_at,
        duration_secs: ended_at.map(|ended_at| (ended_at - started_at).as_seconds_f64().max(0.0)),
        report: None,
        error: row.try_get("error")?,
    })
}
