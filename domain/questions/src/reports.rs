//! Answers about many customers that are kept beyond a process, so that none is slow merely because it is the first.
//!
//! One that was computed from the data as they are is as good as a new one. An older one is told with its age and computed
//! anew meanwhile, for a day; then it counts for nothing. What is bought together is kept here too, for what is suggested to
//! single customers, and the customers' levels, for the groups that lists are narrowed down to.

use chrono::{DateTime, TimeDelta, Utc};
use database::ids::TenantId;
use database::{DbError, Tx};
use platform::analytics::affinity::By;
use serde::Serialize;
use serde::de::DeserializeOwned;
use sqlx::FromRow;
use sqlx::types::Json;

/// How long an answer may be told after the data have changed: from one night's run to the next, and a little.
const TOLD_FOR: TimeDelta = TimeDelta::hours(26);
/// Answers that are kept of a tenant.
const MOST: i64 = 300;
/// Old ones that a new one takes away at most.
const LET_GO_AT_ONCE: i64 = 20;

/// An answer, or what is bought together, as it is kept.
#[derive(Debug, FromRow)]
pub struct Stored<T> {
    /// Of the data that it was computed from.
    pub version: String,
    /// All of it, an answer with all its pages.
    pub whole: Json<T>,
    /// When it was computed.
    pub made_at: DateTime<Utc>,
}

/// The key of what is bought together within so many months.
pub fn together(by: By, months: u32) -> String {
    format!("together {by:?} {months}")
}

/// The key of the customers' levels.
pub const LEVELS: &str = "levels";

/// What is kept under a key; none when it is too old (marketing role).
///
/// # Errors
/// The database failed.
pub async fn find<T: DeserializeOwned + Send + Unpin + 'static>(
    tx: &mut Tx,
    key: &str,
    now: DateTime<Utc>,
) -> Result<Option<Stored<T>>, DbError> {
    Ok(sqlx::query_as(
        "select version, whole, made_at from questions_app.report
         where tenant_id = (select shared.current_tenant()) and key = sha256(convert_to($1, 'UTF8')) and made_at > $2",
    )
    .bind(key)
    .bind(now - TOLD_FOR)
    .fetch_optional(&mut **tx)
    .await?)
}

/// Keeps what was computed at that time, unless a newer one is there (marketing role).
///
/// # Errors
/// The database failed.
pub async fn keep(
    tx: &mut Tx,
    tenant: TenantId,
    key: &str,
    version: &str,
    whole: &(impl Serialize + Sync),
    computed_at: DateTime<Utc>,
) -> Result<(), DbError> {
    // What is too old, and the oldest where there are too many.
    sqlx::query(
        "delete from questions_app.report where tenant_id = $1 and key in
             (select key from questions_app.report
              where tenant_id = $1
                and (made_at < $2 or made_at < (select made_at from questions_app.report where tenant_id = $1
                                                order by made_at desc offset $3 limit 1))
              order by made_at limit $4 for update skip locked)",
    )
    .bind(tenant)
    .bind(computed_at - TOLD_FOR)
    .bind(MOST)
    .bind(LET_GO_AT_ONCE)
    .execute(&mut **tx)
    .await?;
    sqlx::query(
        "insert into questions_app.report (tenant_id, key, version, whole, made_at)
         values ($1, sha256(convert_to($2, 'UTF8')), $3, $4, $5)
         on conflict (tenant_id, key) do update
             set version = excluded.version, whole = excluded.whole, made_at = excluded.made_at
             where report.made_at < excluded.made_at",
    )
    .bind(tenant)
    .bind(key)
    .bind(version)
    .bind(Json(whole))
    .bind(computed_at)
    .execute(&mut **tx)
    .await?;
    Ok(())
}
