//! Progress of running jobs, written in batches; and what a job remembers from one run to the next.

use sqlx::{PgConnection, types::Json};
use uuid::Uuid;

use crate::{JobId, JobKind, QueueError};

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
    .bind(reports.iter().map(|(_, _, progress)| Json(progress)).collect::<Vec<_>>())
    .fetch_all(conn)
    .await?)
}

/// Replaces the payload of a job that runs under its lease, for its next run: with the transaction in which it did
/// what it has to remember. False when the lease is lost; then the transaction must not commit.
///
/// # Errors
/// The ledger failed.
pub async fn remember<K: JobKind>(
    conn: &mut PgConnection,
    job: JobId,
    lease: Uuid,
    payload: &K,
) -> Result<bool, QueueError> {
    let written =
        sqlx::query("update jobs.live set payload = $3, payload_version = $4 where id = $1 and lease = $2")
            .bind(job)
            .bind(lease)
            .bind(Json(payload))
            .bind(K::VERSION)
            .execute(conn)
            .await?;
    Ok(written.rows_affected() == 1)
}
