//! Claiming: a compare-and-set in the ledger for a batch of ids that Redis delivered. The lease that
//! it takes fences every later write about these jobs.

use std::collections::{BTreeSet, HashMap};

use chrono::{DateTime, Utc};
use serde_json::value::RawValue;
use sqlx::{Connection, PgConnection, Row, postgres::PgRow, types::Json};
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
    /// The fence.
    pub lease: Uuid,
}

/// Claims those of `ids` that may be claimed and have no concurrency limit. The others are passed over:
/// no longer ready, or a matter of [`claim_limited`].
///
/// # Errors
/// The ledger failed; nothing is claimed, or (when the connection broke before the answer) what was
/// claimed comes back when the worker's heart finds that it holds a lease it does not know.
pub async fn claim(conn: &mut PgConnection, worker: Uuid, ids: &[JobId]) -> Result<Vec<Claimed>, QueueError> {
    let lease = Uuid::now_v7();
    let rows =
        sqlx::query(include_str!("claim.sql")).bind(ids).bind(lease).bind(worker).fetch_all(conn).await?;
    // A parked job had a limit when it was parked; its successors wait for its end as well.
    rows.iter().map(|row| read(row, lease, row.try_get(14)?)).collect()
}

/// Claims those of `ids` whose concurrency limits have free slots, under one cluster-wide lock a limit.
/// Those whose limit is reached are parked until a slot is free.
///
/// # Errors
/// As for [`claim`].
pub async fn claim_limited(
    conn: &mut PgConnection,
    worker: Uuid,
    ids: &[JobId],
) -> Result<Vec<Claimed>, QueueError> {
    let mut tx = conn.begin().await?;
    let candidates = sqlx::query(
        "select j.id, j.tenant_id, j.kind, j.concurrency_key, j.concurrency_limit, l.max_running, j.parked
         from jobs.live j left join jobs.kind_limit l on l.kind = j.kind
         where j.id = any ($1) and j.state = 'ready'
         order by j.priority, j.id
         for update of j skip locked",
    )
    .bind(ids)
    .fetch_all(&mut *tx)
    .await?;
    if candidates.is_empty() {
        return Ok(Vec::new());
    }
    let wanted: Vec<(JobId, bool, Vec<Limit>)> =
        candidates.iter().map(|row| (row.get(0), row.get(6), limits_of(row))).collect();
    let keys: BTreeSet<&str> =
        wanted.iter().flat_map(|(_, _, limits)| limits.iter().map(|(key, _)| key.as_str())).collect();
    let keys: Vec<&str> = keys.into_iter().collect();
    // Locks in the order of the keys, so that two claims never wait for each other.
    sqlx::query("select pg_advisory_xact_lock(hashtextextended(key, 0)) from unnest($1::text[]) key")
        .bind(&keys)
        .execute(&mut *tx)
        .await?;
    let mut used = slots_in_use(&mut tx, &keys).await?;

    let mut admitted = Vec::new();
    let (mut holder_keys, mut holder_jobs) = (Vec::new(), Vec::new());
    let mut refused = Vec::new();
    for (id, parked, limits) in &wanted {
        let fits = limits.iter().all(|(key, limit)| used.get(key.as_str()).copied().unwrap_or(0) < *limit);
        if fits {
            admitted.push(*id);
            for (key, _) in limits {
                *used.entry(key.clone()).or_insert(0) += 1;
                holder_keys.push(key.clone());
                holder_jobs.push(*id);
            }
        } else if !parked {
            refused.push(*id);
        }
    }
    let lease = Uuid::now_v7();
    let rows = sqlx::query(include_str!("claim_limited.sql"))
        .bind(&admitted)
        .bind(lease)
        .bind(worker)
        .bind(&holder_keys)
        .bind(&holder_jobs)
        .fetch_all(&mut *tx)
        .await?;
    if !refused.is_empty() {
        sqlx::query("update jobs.live set parked = true where id = any ($1) and state = 'ready'")
            .bind(&refused)
            .execute(&mut *tx)
            .await?;
    }
    let claimed = rows.iter().map(|row| read(row, lease, true)).collect::<Result<Vec<_>, _>>()?;
    tx.commit().await?;
    Ok(claimed)
}

/// The key of a slot, and how many may hold one.
type Limit = (String, i64);

/// The limits of a job: of its kind in the cluster, and of its key within tenant and kind.
fn limits_of(row: &PgRow) -> Vec<Limit> {
    let (tenant, kind): (Uuid, String) = (row.get(1), row.get(2));
    let mut limits = Vec::new();
    if let Some(max_running) = row.get::<Option<i32>, _>(5) {
        limits.push((format!("kind:{kind}"), i64::from(max_running)));
    }
    if let Some(key) = row.get::<Option<String>, _>(3) {
        let limit = row.get::<Option<i16>, _>(4).unwrap_or(1);
        limits.push((format!("key:{tenant}:{kind}:{key}"), i64::from(limit)));
    }
    limits
}

/// Counts the holders whose jobs still run under the lease that took the slot, and forgets the others.
async fn slots_in_use(conn: &mut PgConnection, keys: &[&str]) -> Result<HashMap<String, i64>, QueueError> {
    sqlx::query(
        "delete from jobs.slot_holder h
         where h.slot_key = any ($1)
           and not exists (select 1 from jobs.live j where j.id = h.job_id and j.lease = h.lease)",
    )
    .bind(keys)
    .execute(&mut *conn)
    .await?;
    let rows = sqlx::query(
        "select slot_key, count(*) from jobs.slot_holder where slot_key = any ($1) group by slot_key",
    )
    .bind(keys)
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.get(0), row.get(1))).collect())
}

/// By place and not derived by name: every job passes here, and the lease and the limit are the caller's.
fn read(row: &PgRow, lease: Uuid, limited: bool) -> Result<Claimed, QueueError> {
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
        lease,
    })
}
