//! Claiming: a compare-and-set in the ledger for a batch of ids that Redis delivered. The lease that
//! it takes fences every later write about these jobs.

use chrono::{DateTime, Utc};
use serde_json::value::RawValue;
use sqlx::{PgConnection, Row, postgres::PgRow, types::Json};
use uuid::Uuid;

use crate::{JobId, QueueError};

/// A job that this worker holds now.
#[derive(Clone, Debug)]
pub struct Claimed {
    /// The job.
    pub id: JobId,
    /// Whose it is.
    pub tenant: Uuid,
    /// Its kind, by name.
    pub kind: String,
    /// The queue it came from.
    pub queue: String,
    /// The number of this attempt; 1 is the first.
    pub attempt: i16,
    /// Attempts it may have.
    pub max_attempts: i16,
    /// How many workers died while they ran it.
    pub crashes: i16,
    /// The version of the payload.
    pub payload_version: i16,
    /// The payload, as it was written.
    pub payload: Box<RawValue>,
    /// Correlates it with what caused it.
    pub correlation_id: String,
    /// The W3C trace context of what caused it.
    pub trace_parent: Option<String>,
    /// When it came into being.
    pub created_at: DateTime<Utc>,
    /// When it was due.
    pub run_at: DateTime<Utc>,
    /// When it was claimed, by the ledger's clock.
    pub claimed_at: DateTime<Utc>,
    /// Since when it waits for something that is not there, if it does.
    pub waiting_since: Option<DateTime<Utc>>,
    /// The key of a concurrency limit within tenant and kind.
    pub concurrency_key: Option<String>,
    /// Whether a concurrency limit applies, so that a slot becomes free when it ends.
    pub limited: bool,
    /// Whether somebody may have asked for it again since it was claimed: true of whatever takes the second path.
    pub may_have_successor: bool,
    /// The fence.
    pub lease: Uuid,
}

/// Claims those of `ids` that may be claimed at once. The others are passed over: no longer ready, or a matter
/// of [`super::claim_limited`]: because of a limit, as suspects of a crash, or because somebody may be asking for them
/// again; `reruns` are the kinds of which that is possible ([`Rerun`](crate::contract::Rerun)).
///
/// # Errors
/// The ledger failed; nothing is claimed, or (when the connection broke before the answer) what was
/// claimed comes back when the worker's heart finds that it holds a lease it does not know.
pub async fn claim(
    conn: &mut PgConnection,
    worker: Uuid,
    ids: &[JobId],
    reruns: &[&str],
) -> Result<Vec<Claimed>, QueueError> {
    let lease = Uuid::now_v7();
    let rows = sqlx::query(include_str!("claim.sql"))
        .bind(ids)
        .bind(lease)
        .bind(worker)
        .bind(reruns)
        .fetch_all(conn)
        .await?;
    // A parked job had a limit when it was parked; its successors wait for its end as well.
    rows.iter().map(|row| read(row, lease, row.try_get(14)?, false)).collect()
}

/// By place and not derived by name: every job passes here, and the lease and the limit are the caller's.
pub(super) fn read(
    row: &PgRow,
    lease: Uuid,
    limited: bool,
    may_have_successor: bool,
) -> Result<Claimed, QueueError> {
    let payload: Json<Box<RawValue>> = row.try_get(8)?;
    Ok(Claimed {
        id: row.try_get(0)?,
        tenant: row.try_get(1)?,
        kind: row.try_get(2)?,
        queue: row.try_get(3)?,
        attempt: row.try_get(4)?,
        max_attempts: row.try_get(5)?,
        crashes: row.try_get(6)?,
        payload_version: row.try_get(7)?,
        payload: payload.0,
        correlation_id: row.try_get(9)?,
        trace_parent: row.try_get(10)?,
        created_at: row.try_get(11)?,
        run_at: row.try_get(12)?,
        concurrency_key: row.try_get(13)?,
        claimed_at: row.try_get(15)?,
        waiting_since: row.try_get(16)?,
        limited,
        may_have_successor,
        lease,
    })
}
