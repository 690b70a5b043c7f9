//! Progress of running jobs, written in batches.

use sqlx::PgConnection;
use uuid::Uuid;

use crate::{JobId, QueueError};

/// How far a job is.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Progress {
    /// Units done.
    pub done: u64,
    /// Units in all, when known.
    pub total: Option<u64>,
    /// What is being done, in a few words without personal data.
    pub message: String,
}

/// Writes the progress of jobs that still run under their leases, and says which those were.
///
/// # Errors
/// The ledger failed.
pub async fn report(
    conn: &mut PgConnection,
    reports: &mut [(JobId, Uuid, Progress)],
) -> Result<Vec<JobId>, QueueError> {
    // The order of all batches, so that two never wait for each other's rows.
    reports.sort_unstable_by_key(|(id, _, _)| *id);
    Ok(sqlx::query_scalar(
        "update jobs.live j set progress = r.progress
         from unnest($1::uuid[], $2::uuid[], $3::jsonb[]) r (id, lease, progress)
         where j.id = r.id and j.lease = r.lease returning j.id",
    )
    .bind(reports.iter().map(|(id, _, _)| *id).collect::<Vec<_>>())
    .bind(reports.iter().map(|(_, lease, _)| *lease).collect::<Vec<_>>())
    .bind(reports.iter().map(|(_, _, progress)| sqlx::types::Json(progress)).collect::<Vec<_>>())
    .fetch_all(conn)
    .await?)
}
