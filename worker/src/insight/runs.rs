//! Runs in the database: begun once, prepared, scored shard by shard, published at once, cleared up. Every step is
//! one transaction that finds out what is left to do, so a run goes on from wherever it was killed.

use std::time::Duration;

use chrono::{DateTime, NaiveDate, Utc};
use database::{DbError, Tx};
use serde_json::Value;
use sqlx::Row;
use sqlx::postgres::PgRow;
use uuid::Uuid;

/// Where a run stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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
#[derive(Clone, Debug)]
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
    pub segmentation: Option<Uuid>,
    /// The churn model, if there is one.
    pub churn_model: Option<Uuid>,
    /// The lifetime value model, if there is one.
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

impl Run {
    /// How long ago it began.
    pub fn run_for(&self) -> Duration {
        (Utc::now() - self.started_at).to_std().unwrap_or_default()
    }
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
pub async fn begin(tx: &mut Tx, job: Uuid, as_of: NaiveDate, is_pinned: bool) -> Result<Begun, DbError> {
    // Two jobs of a tenant that begin at once take turns here.
    sqlx::query(
        "select pg_advisory_xact_lock(hashtextextended('intelligence:' || shared.current_tenant(), 0))",
    )
    .execute(&mut **tx)
    .await?;
    sqlx::query(
        "update platform.intelligence_run r set state = 'failed', error = 'the job ended before the run did'
         where state in ('preparing', 'scoring') and id <> $1 and not exists (select from jobs.live l where l.id = r.id)",
    )
    .bind(job)
    .execute(&mut **tx)
    .await?;
    let other: Option<Uuid> = sqlx::query_scalar(
        "select id from platform.intelligence_run where state in ('preparing', 'scoring') and id <> $1",
    )
    .bind(job)
    .fetch_optional(&mut **tx)
    .await?;
    if let Some(other) = other {
        return Ok(Begun::Busy(other));
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
pub async fn find(tx: &mut Tx, id: Uuid) -> Result<Option<Run>, DbError> {
    let row = sqlx::query(
        "select id, generation, state, as_of, currency, segmentation_id, churn_model_id, ltv_model_id,
                statistics is not null as has_statistics, training_at is not null as is_training_asked, started_at,
                coalesce(customers, 0) as customers, coalesce(lines, 0) as lines, report
         from platform.intelligence_run where id = $1",
    )
    .bind(id)
    .fetch_optional(&mut **tx)
    .await?;
    Ok(row.as_ref().map(read).transpose()?)
}

fn read(row: &PgRow) -> Result<Run, sqlx::Error> {
    let state: String = row.try_get("state")?;
    Ok(Run {
        id: row.try_get("id")?,
        generation: row.try_get("generation")?,
        state: match state.as_str() {
            "preparing" => RunState::Preparing,
            "scoring" => RunState::Scoring,
            "published" => RunState::Published,
            "superseded" => RunState::Superseded,
            _ => RunState::Failed,
        },
        as_of: row.try_get("as_of")?,
        currency: row.try_get("currency")?,
        segmentation: row.try_get("segmentation_id")?,
        churn_model: row.try_get("churn_model_id")?,
        ltv_model: row.try_get("ltv_model_id")?,
        has_statistics: row.try_get("has_statistics")?,
        is_training_asked: row.try_get("is_training_asked")?,
        started_at: row.try_get("started_at")?,
        customers: row.try_get("customers")?,
        lines: row.try_get("lines")?,
        report: row.try_get("report")?,
    })
}

/// What a tenant's orders amount to.
pub struct Extent {
    /// The currency that most lines are in; none without a line.
    pub currency: Option<String>,
    /// Customers with a line.
    pub customers: i64,
    /// Their lines, in all currencies.
    pub lines: i64,
}

/// Measures a tenant's orders by its customers' profiles, which is a hundredth of the work of counting lines.
pub async fn extent(tx: &mut Tx) -> Result<Extent, DbError> {
    let rows = sqlx::query(
        "select currency, count(*) as customers, coalesce(sum(lines), 0)::bigint as lines
         from platform.customer_profile group by currency order by lines desc, currency",
    )
    .fetch_all(&mut **tx)
    .await?;
    let mut extent = Extent { currency: None, customers: 0, lines: 0 };
    for row in &rows {
        extent.currency.get_or_insert(row.try_get("currency")?);
        extent.customers += row.try_get::<i64, _>("customers")?;
        extent.lines += row.try_get::<i64, _>("lines")?;
    }
    Ok(extent)
}

/// Writes what was prepared before models are chosen.
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

/// Notes that models were asked to be trained.
pub async fn note_training(tx: &mut Tx, run: Uuid) -> Result<(), DbError> {
    sqlx::query("update platform.intelligence_run set training_at = now() where id = $1")
        .bind(run)
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// Cuts the customers into shards of about `size` and opens the run for scoring. Answers how many there are.
pub async fn open_shards(
    tx: &mut Tx,
    run: Uuid,
    size: i64,
    churn_model: Option<Uuid>,
    ltv_model: Option<Uuid>,
) -> Result<i32, DbError> {
    let shards: i32 =
        sqlx::query_scalar(include_str!("open_shards.sql")).bind(run).bind(size).fetch_one(&mut **tx).await?;
    sqlx::query(
        "update platform.intelligence_run
         set state = 'scoring', prepared_at = now(), shards = $2, churn_model_id = $3, ltv_model_id = $4,
             customers = (select count(*) from platform.customer_profile)
         where id = $1 and state = 'preparing'",
    )
    .bind(run)
    .bind(shards)
    .bind(churn_model)
    .bind(ltv_model)
    .execute(&mut **tx)
    .await?;
    Ok(shards)
}

/// A shard.
#[derive(Clone, Debug)]
pub struct Shard {
    /// Its number.
    pub shard: i32,
    /// The first customer; none is no bound.
    pub lower: Option<String>,
    /// The first customer that is not in it any more; none is no bound.
    pub upper: Option<String>,
    /// Whether it is done.
    pub is_done: bool,
    /// Customers written, once done.
    pub customers: i64,
    /// Lines read, once done.
    pub lines: i64,
    /// What it counted, once done.
    pub summary: Option<Value>,
}

/// The shards of a run, in order.
pub async fn shards(tx: &mut Tx, run: Uuid) -> Result<Vec<Shard>, DbError> {
    let rows = sqlx::query(
        "select shard, lower, upper, done_at is not null as is_done, coalesce(customers, 0) as customers,
                coalesce(lines, 0) as lines, summary
         from platform.intelligence_shard where run_id = $1 order by shard",
    )
    .bind(run)
    .fetch_all(&mut **tx)
    .await?;
    rows.iter()
        .map(|row| {
            Ok(Shard {
                shard: row.try_get("shard")?,
                lower: row.try_get("lower")?,
                upper: row.try_get("upper")?,
                is_done: row.try_get("is_done")?,
                customers: row.try_get("customers")?,
                lines: row.try_get("lines")?,
                summary: row.try_get("summary")?,
            })
        })
        .collect()
}

/// Marks a shard as done, in the transaction that wrote its rows. False when another attempt has done it before.
pub async fn close_shard(
    tx: &mut Tx,
    run: Uuid,
    shard: i32,
    customers: i64,
    lines: i64,
    summary: &Value,
) -> Result<bool, DbError> {
    let closed = sqlx::query(
        "update platform.intelligence_shard set done_at = now(), customers = $3, lines = $4, summary = $5
         where run_id = $1 and shard = $2 and done_at is null
           and exists (select from platform.intelligence_run r where r.id = run_id and r.state = 'scoring')",
    )
    .bind(run)
    .bind(shard)
    .bind(customers)
    .bind(lines)
    .bind(summary)
    .execute(&mut **tx)
    .await?;
    Ok(closed.rows_affected() == 1)
}

/// Makes a run the one that readers see, in one step for all of them. False when it is not being scored any more.
pub async fn publish(tx: &mut Tx, run: &Run, lines: i64, report: &Value) -> Result<bool, DbError> {
    let published = sqlx::query(
        "update platform.intelligence_run
         set state = 'published', published_at = now(), lines = $2, report = report || $3
         where id = $1 and state = 'scoring'",
    )
    .bind(run.id)
    .bind(lines)
    .bind(report)
    .execute(&mut **tx)
    .await?;
    if published.rows_affected() == 0 {
        return Ok(false);
    }
    sqlx::query(
        "update platform.intelligence_run set state = 'superseded' where state = 'published' and id <> $1",
    )
    .bind(run.id)
    .execute(&mut **tx)
    .await?;
    sqlx::query(
        "insert into platform.current_run (tenant_id, run_id, generation)
         values (shared.current_tenant(), $1, $2)
         on conflict (tenant_id) do update
         set run_id = excluded.run_id, generation = excluded.generation,
             facts_version = current_run.facts_version + 1, changed_at = now()",
    )
    .bind(run.id)
    .bind(run.generation)
    .execute(&mut **tx)
    .await?;
    Ok(true)
}

/// Ends a run without a result.
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

/// Deletes a bounded number of rows that no reader looks at any more; answers whether there were any.
pub async fn clear_step(tx: &mut Tx, table: Cleared) -> Result<bool, DbError> {
    let statement = match table {
        Cleared::Facts => {
            "with old as (select ctid from platform.customer_fact
                          where tenant_id = shared.current_tenant()
                            and generation < (select generation from platform.current_run) limit 200000)
             delete from platform.customer_fact f using old where f.ctid = old.ctid"
        }
        Cleared::Insights => {
            "with old as (select ctid from platform.customer_insight
                          where tenant_id = shared.current_tenant()
                            and generation < (select generation from platform.current_run) limit 200000)
             delete from platform.customer_insight i using old where i.ctid = old.ctid"
        }
    };
    Ok(sqlx::query(statement).execute(&mut **tx).await?.rows_affected() > 0)
}

/// What has rows of old generations.
#[derive(Clone, Copy, Debug)]
pub enum Cleared {
    /// `customer_fact`.
    Facts,
    /// `customer_insight`.
    Insights,
}
