//! Runs of the intelligence over all of a tenant's customers: begun once, prepared, scored shard by shard, published at
//! once, cleared up. Every step is one transaction that finds out what is left to do, so a run goes on from wherever
//! it was killed.
//!
//! Here is how a run moves on; [`shards`] are its pieces, [`published`] is what readers see of it, [`prepared`] what
//! scoring needs of it, and [`overview`] what people are told of it. What it computes is the worker's.

pub mod overview;
pub mod prepared;
pub mod published;
pub mod shards;

use chrono::{DateTime, NaiveDate, Utc};
use database::{DbError, Tx};
use jobs::QueueError;
use serde::Serialize;
use serde_json::Value;
use uuid::Uuid;

/// Where a run stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum RunState {
    /// Statistics, segmentation and models are being chosen or made.
    Preparing,
    /// Its shards are being computed.
    Scoring,
    /// Readers see it.
    Published,
    /// A later one was published.
    Superseded,
    /// It ended without a result.
    Failed,
}

/// A run.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Run {
    /// The id of its job.
    pub id: Uuid,
    /// What its rows are written under.
    pub generation: i32,
    /// Where it stands.
    pub state: RunState,
    /// The last day that counts.
    pub as_of: NaiveDate,
    /// The currency whose lines count; none before it is prepared.
    pub currency: Option<String>,
    /// The segmentation; none before it is prepared.
    #[sqlx(rename = "segmentation_id")]
    pub segmentation: Option<Uuid>,
    /// The churn model, if there is one.
    #[sqlx(rename = "churn_model_id")]
    pub churn_model: Option<Uuid>,
    /// The lifetime value model, if there is one.
    #[sqlx(rename = "ltv_model_id")]
    pub ltv_model: Option<Uuid>,
    /// Whether statistics are there.
    pub has_statistics: bool,
    /// Whether models were asked to be trained first.
    pub is_training_asked: bool,
    /// When it began.
    pub started_at: DateTime<Utc>,
    /// Customers, once prepared.
    pub customers: i64,
    /// Lines read for it, once scored.
    pub lines: i64,
    /// What it found so far.
    pub report: Value,
}

/// What came of beginning.
pub enum Begun {
    /// This job's run, new or as an earlier attempt left it.
    Run(Box<Run>),
    /// Another job's run is under way.
    Busy(Uuid),
}

/// Finds the job's run or begins it (platform role). A run whose job is gone is failed, so that it stands in nobody's
/// way.
///
/// # Errors
/// The database failed.
pub async fn begin(tx: &mut Tx, job: Uuid, as_of: NaiveDate, is_pinned: bool) -> Result<Begun, QueueError> {
    // Two jobs of a tenant that begin at once take turns here.
    sqlx::query(
        "select pg_advisory_xact_lock(hashtextextended('intelligence:' || shared.current_tenant(), 0))",
    )
    .execute(&mut **tx)
    .await?;
    let other: Option<Uuid> = sqlx::query_scalar(
        "select id from platform.intelligence_run where state in ('preparing', 'scoring') and id <> $1",
    )
    .bind(job)
    .fetch_optional(&mut **tx)
    .await?;
    if let Some(other) = other {
        if jobs::read::is_unfinished(tx, other).await? {
            return Ok(Begun::Busy(other));
        }
        fail(tx, other, "the job ended before the run did").await?;
    }
    sqlx::query(
        "insert into platform.intelligence_run (id, tenant_id, generation, as_of, pinned, started_at)
         select $1, shared.current_tenant(), coalesce(max(generation), 0) + 1, $2, $3, clock_timestamp()
         from platform.intelligence_run
         on conflict (id) do nothing",
    )
    .bind(job)
    .bind(as_of)
    .bind(is_pinned)
    .execute(&mut **tx)
    .await?;
    find(tx, job).await?.map(|run| Begun::Run(Box::new(run))).ok_or_else(|| sqlx::Error::RowNotFound.into())
}

/// A run of the tenant.
///
/// # Errors
/// The database failed.
pub async fn find(tx: &mut Tx, id: Uuid) -> Result<Option<Run>, DbError> {
    Ok(sqlx::query_as(
        "select id, generation, state, as_of, currency, segmentation_id, churn_model_id, ltv_model_id,
                statistics is not null as has_statistics, training_at is not null as is_training_asked, started_at,
                coalesce(customers, 0) as customers, coalesce(lines, 0) as lines, report
         from platform.intelligence_run where id = $1",
    )
    .bind(id)
    .fetch_optional(&mut **tx)
    .await?)
}

/// Notes that models were asked to be trained.
///
/// # Errors
/// The database failed.
pub async fn note_training(tx: &mut Tx, run: Uuid) -> Result<(), DbError> {
    sqlx::query("update platform.intelligence_run set training_at = now() where id = $1")
        .bind(run)
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// Writes what was prepared before models are chosen.
///
/// # Errors
/// The database failed.
pub async fn keep_statistics(
    tx: &mut Tx,
    run: Uuid,
    currency: &str,
    statistics: &[u8],
    segmentation: Uuid,
    report: &Value,
) -> Result<(), DbError> {
    sqlx::query(
        "update platform.intelligence_run set currency = $2, statistics = $3, segmentation_id = $4, report = report || $5
         where id = $1 and state = 'preparing'",
    )
    .bind(run)
    .bind(currency)
    .bind(statistics)
    .bind(segmentation)
    .bind(report)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Ends a run without a result.
///
/// # Errors
/// The database failed.
pub async fn fail(tx: &mut Tx, run: Uuid, error: &str) -> Result<(), DbError> {
    sqlx::query(
        "update platform.intelligence_run set state = 'failed', error = $2
         where id = $1 and state in ('preparing', 'scoring')",
    )
    .bind(run)
    .bind(error)
    .execute(&mut **tx)
    .await?;
    Ok(())
}
