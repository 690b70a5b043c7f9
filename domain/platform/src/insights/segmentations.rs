//! Versions of the segmentation: when each was fitted, why, and what it reported.

use chrono::{DateTime, NaiveDate, Utc};
use serde::Serialize;
use serde_json::Value;
use sqlx::Row;
use sqlx::postgres::PgRow;
use uuid::Uuid;

use database::{DbError, Tx};

/// A version of the segmentation.
#[derive(Debug, Clone, PartialEq, Serialize)]
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
    pub report: Option<Value>,
}

/// The segmentation with its report; none when the tenant has no such one.
///
/// # Errors
/// The database failed.
pub async fn get(tx: &mut Tx, segmentation: Uuid) -> Result<Option<Segmentation>, DbError> {
    let row = sqlx::query(
        "select id, number, state, fitted_as_of, customers, reason, created_at, report from platform.segmentation
         where tenant_id = shared.current_tenant() and id = $1",
    )
    .bind(segmentation)
    .fetch_optional(&mut **tx)
    .await?;
    let Some(row) = row else { return Ok(None) };
    Ok(Some(Segmentation { report: row.try_get("report")?, ..read(&row)? }))
}

/// Segmentations without their reports, the latest first, from before a number, at most `limit`.
///
/// # Errors
/// The database failed.
pub async fn list(tx: &mut Tx, before: Option<i32>, limit: i64) -> Result<Vec<Segmentation>, DbError> {
    let rows = sqlx::query(
        "select id, number, state, fitted_as_of, customers, reason, created_at from platform.segmentation
         where tenant_id = shared.current_tenant() and ($1::integer is null or number < $1)
         order by number desc limit $2",
    )
    .bind(before)
    .bind(limit)
    .fetch_all(&mut **tx)
    .await?;
    Ok(rows.iter().map(read).collect::<Result<_, _>>()?)
}

fn read(row: &PgRow) -> Result<Segmentation, sqlx::Error> {
    Ok(Segmentation {
        id: row.try_get("id")?,
        number: row.try_get("number")?,
        state: row.try_get("state")?,
        fitted_as_of: row.try_get("fitted_as_of")?,
        customers: row.try_get("customers")?,
        reason: row.try_get("reason")?,
        created_at: row.try_get("created_at")?,
        report: None,
    })
}
