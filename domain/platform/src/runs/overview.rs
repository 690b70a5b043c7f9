//! Runs as people are told of them: how far they are, what they found, what went wrong.

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use serde::Serialize;
use serde_json::Value;
use sqlx::FromRow;
use uuid::Uuid;

use super::RunState;
use database::{DbError, Tx};

/// A run and how far it is.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Overview {
    /// The run, which is the id of its job as well.
    pub id: Uuid,
    /// Its number within the tenant.
    pub generation: i32,
    /// preparing, scoring, published, superseded (a later one was published) or failed.
    pub state: RunState,
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

/// A run as it is stored, and what its shards say.
#[derive(FromRow)]
struct Stored {
    id: Uuid,
    generation: i32,
    state: RunState,
    as_of: NaiveDate,
    pinned: bool,
    currency: Option<String>,
    segmentation_id: Option<Uuid>,
    churn_model_id: Option<Uuid>,
    ltv_model_id: Option<Uuid>,
    shards: Option<i32>,
    customers: Option<i64>,
    lines: Option<i64>,
    lines_left_out: Option<i64>,
    started_at: DateTime<Utc>,
    prepared_at: Option<DateTime<Utc>>,
    published_at: Option<DateTime<Utc>>,
    error: Option<String>,
    done: i64,
    last_done_at: Option<DateTime<Utc>>,
    /// Lists leave it out.
    #[sqlx(default)]
    report: Option<Value>,
}

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
pub async fn get(tx: &mut Tx, run: Uuid, now: DateTime<Utc>) -> Result<Option<Overview>, DbError> {
    let statement = format!("select r.report, {COLUMNS} and r.id = $1");
    let stored: Option<Stored> =
        sqlx::query_as(sqlx::AssertSqlSafe(statement)).bind(run).fetch_optional(&mut **tx).await?;
    Ok(stored.map(|stored| stored.overview(now)))
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
) -> Result<Vec<Overview>, DbError> {
    let statement = format!(
        "select {COLUMNS} and ($1::timestamptz is null or (r.started_at, r.id) < ($1, $2))
         order by r.started_at desc, r.id desc limit $3"
    );
    let (before_at, before_id) = before.unzip();
    let stored: Vec<Stored> = sqlx::query_as(sqlx::AssertSqlSafe(statement))
        .bind(before_at)
        .bind(before_id)
        .bind(limit)
        .fetch_all(&mut **tx)
        .await?;
    Ok(stored.into_iter().map(|stored| stored.overview(now)).collect())
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

impl Stored {
    fn overview(self, now: DateTime<Utc>) -> Overview {
        let ended_at = match self.state {
            RunState::Failed => None,
            RunState::Preparing | RunState::Scoring => Some(now),
            RunState::Published | RunState::Superseded => self.published_at,
        };
        let last_progress_at = self.last_done_at.or(self.prepared_at).unwrap_or(self.started_at);
        Overview {
            id: self.id,
            generation: self.generation,
            state: self.state,
            stuck: self.state == RunState::Scoring && now - last_progress_at > PATIENCE,
            shards: self.shards.map(|total| Shards { done: self.done, total }),
            as_of: self.as_of,
            pinned: self.pinned,
            currency: self.currency,
            segmentation_id: self.segmentation_id,
            churn_model_id: self.churn_model_id,
            ltv_model_id: self.ltv_model_id,
            customers: self.customers,
            lines: self.lines,
            lines_left_out: self.lines_left_out,
            started_at: self.started_at,
            prepared_at: self.prepared_at,
            published_at: self.published_at,
            duration_secs: ended_at.map(|ended_at| (ended_at - self.started_at).as_seconds_f64().max(0.0)),
            report: self.report,
            error: self.error,
        }
    }
}
