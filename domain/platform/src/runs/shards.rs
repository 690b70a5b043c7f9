//! The shards of a run: ranges of customers that are computed by jobs of their own, each exactly once.

use database::{DbError, Tx};
use serde_json::Value;
use uuid::Uuid;

/// A shard.
#[derive(Clone, Debug, sqlx::FromRow)]
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

/// Cuts the customers into shards of about `size` and opens the run for scoring. Answers how many there are.
///
/// # Errors
/// The database failed.
pub async fn open(
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

/// The shards of a run, in order.
///
/// # Errors
/// The database failed.
pub async fn list(tx: &mut Tx, run: Uuid) -> Result<Vec<Shard>, DbError> {
    Ok(sqlx::query_as(
        "select shard, lower, upper, done_at is not null as is_done, coalesce(customers, 0) as customers,
                coalesce(lines, 0) as lines, summary
         from platform.intelligence_shard where run_id = $1 order by shard",
    )
    .bind(run)
    .fetch_all(&mut **tx)
    .await?)
}

/// A shard of a run, without those beside it, whose summaries are many; none when it is gone.
///
/// # Errors
/// The database failed.
pub async fn find(tx: &mut Tx, run: Uuid, shard: i32) -> Result<Option<Shard>, DbError> {
    Ok(sqlx::query_as(
        "select shard, lower, upper, done_at is not null as is_done, coalesce(customers, 0) as customers,
                coalesce(lines, 0) as lines, summary
         from platform.intelligence_shard where run_id = $1 and shard = $2",
    )
    .bind(run)
    .bind(shard)
    .fetch_optional(&mut **tx)
    .await?)
}

/// Lets the transaction's commit wait for no disk. The job's completion waits, and stands behind the shard in the same log:
/// a crash that takes the shard takes the completion too, and the shard is computed again.
///
/// # Errors
/// The database failed.
pub async fn wait_for_no_disk(tx: &mut Tx) -> Result<(), DbError> {
    sqlx::query("set local synchronous_commit to off").execute(&mut **tx).await?;
    Ok(())
}

/// Marks a shard as done, in the transaction that wrote its rows. False when another attempt has done it before.
///
/// # Errors
/// The database failed.
pub async fn close(
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

/// Whether all shards of a run are done.
///
/// # Errors
/// The database failed.
pub async fn are_done(tx: &mut Tx, run: Uuid) -> Result<bool, DbError> {
    Ok(sqlx::query_scalar(
        "select not exists (select from platform.intelligence_shard where run_id = $1 and done_at is null)",
    )
    .bind(run)
    .fetch_one(&mut **tx)
    .await?)
}
