//! Side effects: whatever leaves the house is recorded before and after under a key of its own, so a
//! retry neither repeats it nor hides that it may have happened.

use std::time::Duration;

use serde::{Serialize, de::DeserializeOwned};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{JobId, QueueError};

/// What is known of an effect before it is tried.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Known<T> {
    /// Nobody tried it: go ahead.
    New,
    /// Somebody tried it and did not live to say how it went: look before trying again.
    Unsure,
    /// Somebody is trying it at this moment: come back later.
    UnderWay,
    /// It happened, with this outcome.
    Happened(T),
}

/// How long an intention may count as under way: longer than the deadline of any attempt that has effects, so
/// that a lease which stays for other reasons holds nobody up.
const LONGEST_ATTEMPT: Duration = Duration::from_secs(300);

/// Records that an effect is about to be tried by a run under `lease`. Commit before trying it. An earlier
/// intention is under way as long as its lease exists: a worker that is cut off stops its runs by itself before
/// the ledger gives its leases up.
///
/// # Errors
/// The ledger failed, or the recorded outcome cannot be read.
pub async fn intend<T: DeserializeOwned>(
    conn: &mut PgConnection,
    tenant: Uuid,
    key: &str,
    job: JobId,
    lease: Uuid,
) -> Result<Known<T>, QueueError> {
    let inserted = sqlx::query(
        "insert into jobs.side_effect (tenant_id, key, job_id, state, lease) values ($1, $2, $3, 'intended', $4)
         on conflict (tenant_id, key) do nothing",
    )
    .bind(tenant)
    .bind(key)
    .bind(job)
    .bind(lease)
    .execute(&mut *conn)
    .await?;
    if inserted.rows_affected() == 1 {
        return Ok(Known::New);
    }
    // Whoever takes a dead run's intention over writes its own lease into it: of two that find it, one does.
    let earlier: Earlier = sqlx::query_as(
        "with taken as (
             update jobs.side_effect s set lease = $3, job_id = $4, intended_at = clock_timestamp()
             where tenant_id = $1 and key = $2 and state = 'intended'
               and (s.lease is null or s.lease = $3 or s.intended_at < clock_timestamp() - make_interval(secs => $5)
                    or not exists (select from jobs.lease l where l.lease = s.lease))
             returning 1
         )
         select state = 'happened' as happened, outcome, exists (select from taken) as taken
         from jobs.side_effect where tenant_id = $1 and key = $2",
    )
    .bind(tenant)
    .bind(key)
    .bind(lease)
    .bind(job)
    .bind(LONGEST_ATTEMPT.as_secs_f64())
    .fetch_one(conn)
    .await?;
    match earlier {
        Earlier { happened: true, outcome, .. } => {
            let outcome = serde_json::from_value(outcome.unwrap_or_default());
            Ok(Known::Happened(outcome.map_err(|error| sqlx::Error::Decode(error.into()))?))
        }
        Earlier { taken: true, .. } => Ok(Known::Unsure),
        Earlier { .. } => Ok(Known::UnderWay),
    }
}

/// What is recorded of an effect that somebody intended before.
#[derive(sqlx::FromRow)]
struct Earlier {
    happened: bool,
    outcome: Option<serde_json::Value>,
    taken: bool,
}

/// Takes an intention back whose effect certainly did not happen, so that the next attempt may go ahead. Only the run
/// that recorded it may.
///
/// # Errors
/// The ledger failed: the effect then counts as unsure.
pub async fn did_not_happen(
    conn: &mut PgConnection,
    tenant: Uuid,
    key: &str,
    lease: Uuid,
) -> Result<(), QueueError> {
    sqlx::query(
        "delete from jobs.side_effect where tenant_id = $1 and key = $2 and state = 'intended' and lease = $3",
    )
    .bind(tenant)
    .bind(key)
    .bind(lease)
    .execute(conn)
    .await?;
    Ok(())
}

/// Records that an effect happened, with what the other side answered.
///
/// # Errors
/// The ledger failed: the effect then counts as unsure.
pub async fn happened<T: Serialize + Sync>(
    conn: &mut PgConnection,
    tenant: Uuid,
    key: &str,
    outcome: &T,
) -> Result<(), QueueError> {
    sqlx::query(
        "update jobs.side_effect set state = 'happened', outcome = $3, happened_at = now()
         where tenant_id = $1 and key = $2",
    )
    .bind(tenant)
    .bind(key)
    .bind(sqlx::types::Json(outcome))
    .execute(conn)
    .await?;
    Ok(())
}
