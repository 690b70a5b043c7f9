//! Versions of the segmentation: when each was fitted, why, and what it reported.

use chrono::{DateTime, NaiveDate, Utc};
use serde::Serialize;
use serde_json::Value;
use sqlx::FromRow;
use uuid::Uuid;

use database::{DbError, Tx};

/// A version of the segmentation.
#[derive(Debug, Clone, PartialEq, Serialize, FromRow)]
pub struct Segmentation {
    /// The segmentation.
    pub id: Uuid,
    /// Its number within the tenant.
    pub number: i32,
    /// current or retired.
    pub state: String,
    /// The last day of the orders that it was fitted on.
    pub fitted_as_of: NaiveDate,
    /// The customers that it was fitted on.
    pub customers: i64,
    /// Why it was fitted.
    pub reason: String,
    /// When it was fitted.
    pub created_at: DateTime<Utc>,
    /// What the fit reported; only of a single one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[sqlx(default)]
    pub report: Option<Value>,
}

/// The segmentation with its report; none when the tenant has no such one.
///
/// # Errors
/// The database failed.
pub async fn get(tx: &mut Tx, segmentation: Uuid) -> Result<Option<Segmentation>, DbError> {
    Ok(sqlx::query_as(
        "select id, number, state, fitted_as_of, customers, reason, created_at, report from platform.segmentation
         where tenant_id = shared.current_tenant() and id = $1",
    )
    .bind(segmentation)
    .fetch_optional(&mut **tx)
    .await?)
}

/// Segmentations without their reports, the latest first, from before a number, at most `limit`.
///
/// # Errors
/// The database failed.
pub async fn list(tx: &mut Tx, before: Option<i32>, limit: i64) -> Result<Vec<Segmentation>, DbError> {
    Ok(sqlx::query_as(
        "select id, number, state, fitted_as_of, customers, reason, created_at from platform.segmentation
         where tenant_id = shared.current_tenant() and ($1::integer is null or number < $1)
         order by number desc limit $2",
    )
    .bind(before)
    .bind(limit)
    .fetch_all(&mut **tx)
    .await?)
}

/// The segmentation that new runs use; none before the first was fitted.
///
/// # Errors
/// The database failed.
pub async fn current(tx: &mut Tx) -> Result<Option<Uuid>, DbError> {
    Ok(sqlx::query_scalar("select id from platform.segmentation where state = 'current'")
        .fetch_optional(&mut **tx)
        .await?)
}

/// The segmentation itself, as the worker's JSON; none when the tenant has no such one.
///
/// # Errors
/// The database failed.
pub async fn model(tx: &mut Tx, segmentation: Uuid) -> Result<Option<Vec<u8>>, DbError> {
    Ok(sqlx::query_scalar(
        "select model from platform.segmentation where tenant_id = shared.current_tenant() and id = $1",
    )
    .bind(segmentation)
    .fetch_optional(&mut **tx)
    .await?)
}

/// A segmentation that was fitted.
pub struct NewSegmentation<'a> {
    /// The last day of the orders that it was fitted on.
    pub fitted_as_of: NaiveDate,
    /// The customers that it was fitted on.
    pub customers: i64,
    /// The segmentation itself, as the worker's JSON.
    pub model: &'a [u8],
    /// Names for the numbers that are stored of every customer, see [`super::catalog`].
    pub catalog: &'a Value,
    /// How the fit went.
    pub report: &'a Value,
    /// Why it was fitted.
    pub reason: &'a str,
}

/// Stores a version and makes it the current one (platform role).
///
/// # Errors
/// The database failed.
pub async fn store(tx: &mut Tx, new: &NewSegmentation<'_>) -> Result<Uuid, DbError> {
    sqlx::query("update platform.segmentation set state = 'retired' where state = 'current'")
        .execute(&mut **tx)
        .await?;
    let id = Uuid::now_v7();
    sqlx::query(
        "insert into platform.segmentation
             (id, tenant_id, number, fitted_as_of, customers, model, catalog, report, reason)
         select $1, shared.current_tenant(), coalesce(max(number), 0) + 1, $2, $3, $4, $5, $6, $7
         from platform.segmentation",
    )
    .bind(id)
    .bind(new.fitted_as_of)
    .bind(new.customers)
    .bind(new.model)
    .bind(new.catalog)
    .bind(new.report)
    .bind(new.reason)
    .execute(&mut **tx)
    .await?;
    Ok(id)
}
