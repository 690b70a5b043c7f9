//! Side effects: whatever leaves the house is recorded before and after under a key of its own, so a
//! retry neither repeats it nor hides that it may have happened.

use serde::{Serialize, de::DeserializeOwned};
use sqlx::{PgConnection, Row};
use uuid::Uuid;

use crate::{JobId, QueueError};

/// What is known of an effect before it is tried.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Known<T> {
    /// Nobody tried it: go ahead.
    New,
    /// Somebody tried it and did not live to say how it went: look before trying again.
    Unsure,
    /// It happened, with this outcome.
    Happened(T),
}

/// Records that an effect is about to be tried. Commit before trying it.
///
/// # Errors
/// The ledger failed, or the recorded outcome cannot be read.
pub async fn intend<T: DeserializeOwned>(
    conn: &mut PgConnection,
    tenant: Uuid,
    key: &str,
    job: JobId,
) -> Result<Known<T>, QueueError> {
    let inserted = sqlx::query(
        "insert into jobs.side_effect (tenant_id, key, job_id, state) values ($1, $2, $3, 'intended')
         on conflict (tenant_id, key) do nothing",
    )
    .bind(tenant)
    .bind(key)
    .bind(job)
    .execute(&mut *conn)
    .await?;
    if inserted.rows_affected() == 1 {
        return Ok(Known::New);
    }
    let row = sqlx::query("select state, outcome from jobs.side_effect where tenant_id = $1 and key = $2")
        .bind(tenant)
        .bind(key)
        .fetch_one(conn)
        .await?;
    let state: &str = row.get(0);
    if state == "intended" {
        return Ok(Known::Unsure);
    }
    let outcome: serde_json::Value = row.get::<Option<_>, _>(1).unwrap_or_default();
    let outcome = serde_json::from_value(outcome).map_err(|error| sqlx::Error::Decode(error.into()))?;
    Ok(Known::Happened(outcome))
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
