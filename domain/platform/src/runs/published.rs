//! The run that readers see: made current in one step, found again by those who write beside it, and its forerunners'
//! rows cleared away.

use chrono::NaiveDate;
use database::{DbError, Tx};
use serde_json::Value;
use uuid::Uuid;

use super::Run;

/// Makes a run the one that readers see, in one step for all of them. False when it is not being scored any more.
///
/// # Errors
/// The database failed.
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

/// The run that readers see, for those who write beside it.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Published {
    /// The run.
    #[sqlx(rename = "run_id")]
    pub run: Uuid,
    /// What its rows are written under.
    pub generation: i32,
    /// The last day that counts.
    pub as_of: NaiveDate,
    /// Whether that day was asked for.
    #[sqlx(rename = "pinned")]
    pub is_pinned: bool,
    /// Its segmentation.
    #[sqlx(rename = "segmentation_id")]
    pub segmentation: Option<Uuid>,
}

/// The published run; none before the first.
///
/// # Errors
/// The database failed.
pub async fn find(tx: &mut Tx) -> Result<Option<Published>, DbError> {
    Ok(sqlx::query_as(
        "select c.run_id, c.generation, r.as_of, r.pinned, r.segmentation_id
         from platform.current_run c join platform.intelligence_run r on r.id = c.run_id",
    )
    .fetch_optional(&mut **tx)
    .await?)
}

/// The published run, locked against its replacement and against whoever else writes its customers anew.
///
/// # Errors
/// The database failed.
pub async fn lock(tx: &mut Tx) -> Result<Option<Published>, DbError> {
    Ok(sqlx::query_as(
        "select c.run_id, c.generation, r.as_of, r.pinned, r.segmentation_id
         from platform.current_run c join platform.intelligence_run r on r.id = c.run_id for update of c",
    )
    .fetch_optional(&mut **tx)
    .await?)
}

/// The published run, locked against the publication of another one, whose rows would replace its own.
///
/// # Errors
/// The database failed.
pub async fn hold(tx: &mut Tx) -> Result<Option<Published>, DbError> {
    Ok(sqlx::query_as(
        "select c.run_id, c.generation, r.as_of, r.pinned, r.segmentation_id
         from platform.current_run c join platform.intelligence_run r on r.id = c.run_id for share of c",
    )
    .fetch_optional(&mut **tx)
    .await?)
}

/// Whether anything was published for the tenant yet.
///
/// # Errors
/// The database failed.
pub async fn exists(tx: &mut Tx) -> Result<bool, DbError> {
    Ok(sqlx::query_scalar("select exists (select from platform.current_run)").fetch_one(&mut **tx).await?)
}

/// Tells readers that rows of the published run changed.
///
/// # Errors
/// The database failed.
pub async fn note_change(tx: &mut Tx) -> Result<(), DbError> {
    sqlx::query("update platform.current_run set facts_version = facts_version + 1, changed_at = now()")
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// What has rows of old generations.
#[derive(Clone, Copy, Debug)]
pub enum Cleared {
    /// `customer_fact`.
    Facts,
    /// `customer_insight`.
    Insights,
}

/// Deletes a bounded number of rows that no reader looks at any more; answers whether there were any.
///
/// # Errors
/// The database failed.
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
