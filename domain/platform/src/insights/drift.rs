//! Reports on drift: whether features and scores still look like those that the models were fitted on.

use chrono::{DateTime, NaiveDate, Utc};
use serde::Serialize;
use serde_json::Value;
use sqlx::FromRow;
use uuid::Uuid;

use database::{DbError, Tx};

/// A report.
#[derive(Debug, Clone, PartialEq, Serialize, FromRow)]
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
    Ok(sqlx::query_as(
        "select job_id, run_id, created_at, verdict, report from platform.drift_report
         where tenant_id = shared.current_tenant() and ($1::timestamptz is null or (created_at, job_id) < ($1, $2))
         order by created_at desc, job_id desc limit $3",
    )
    .bind(before_at)
    .bind(before_id)
    .bind(limit)
    .fetch_all(&mut **tx)
    .await?)
}

/// The published run, as far as drift is measured against it.
#[derive(Debug, FromRow)]
pub struct Measured {
    /// The run.
    pub id: Uuid,
    /// What its rows are written under.
    pub generation: i32,
    /// The last day that counts.
    pub as_of: NaiveDate,
    /// Its customers.
    pub customers: i64,
    /// How each feature was distributed when its segmentation was fitted, as the worker's JSON.
    pub references: Value,
    /// How far its churn looks, in days.
    pub horizon_days: i32,
}

/// What drift is measured on; none before a run was published.
///
/// # Errors
/// The database failed.
pub async fn measured(tx: &mut Tx) -> Result<Option<Measured>, DbError> {
    Ok(sqlx::query_as(
        "select r.id, r.generation, r.as_of, coalesce(r.customers, 0) as customers,
                s.catalog -> 'psi_reference' as \"references\", coalesce(m.horizon_days, 90) as horizon_days
         from platform.current_run c join platform.intelligence_run r on r.id = c.run_id
              join platform.segmentation s on s.id = r.segmentation_id
              left join platform.model m on m.id = r.churn_model_id",
    )
    .fetch_optional(&mut **tx)
    .await?)
}

/// Keeps the report of a job; a job that runs again replaces its own.
///
/// # Errors
/// The database failed.
pub async fn store(tx: &mut Tx, job: Uuid, run: Uuid, verdict: &str, report: &Value) -> Result<(), DbError> {
    sqlx::query(
        "insert into platform.drift_report (job_id, tenant_id, run_id, verdict, report)
         values ($1, shared.current_tenant(), $2, $3, $4)
         on conflict (job_id) do update set run_id = excluded.run_id, verdict = excluded.verdict, report = excluded.report",
    )
    .bind(job)
    .bind(run)
    .bind(verdict)
    .bind(report)
    .execute(&mut **tx)
    .await?;
    Ok(())
}
