//! Reports on drift: whether features and scores still look like those that the models were fitted on.

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;
use sqlx::Row;
use uuid::Uuid;

use database::{DbError, Tx};

/// A report.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DriftReport {
    /// The job that wrote it.
    pub job_id: Uuid,
    /// The run that it looked at.
    pub run_id: Uuid,
    /// When.
    pub created_at: DateTime<Utc>,
    /// fine, watch or act: the worst of its parts.
    pub verdict: String,
    /// Its parts.
    pub report: Value,
}

/// Reports, the latest first, from before `(created_at, job_id)`, at most `limit`.
///
/// # Errors
/// The database failed.
pub async fn list(
    tx: &mut Tx,
    before: Option<(DateTime<Utc>, Uuid)>,
    limit: i64,
) -> Result<Vec<DriftReport>, DbError> {
    let (before_at, before_id) = before.unzip();
    let rows = sqlx::query(
        "select job_id, run_id, created_at, verdict, report from platform.drift_report
         where tenant_id = shared.current_tenant() and ($1::timestamptz is null or (created_at, job_id) < ($1, $2))
         order by created_at desc, job_id desc limit $3",
    )
    .bind(before_at)
    .bind(before_id)
    .bind(limit)
    .fetch_all(&mut **tx)
    .await?;
    rows.iter()
        .map(|row| {
            Ok(DriftReport {
                job_id: row.try_get("job_id")?,
                run_id: row.try_get("run_id")?,
                created_at: row.try_get("created_at")?,
                verdict: row.try_get("verdict")?,
                report: row.try_get("report")?,
            })
        })
        .collect()
}
