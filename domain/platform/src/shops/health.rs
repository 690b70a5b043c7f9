//! How a tenant's shop stands: connected or not and why, when it was read last, how late its webhooks are.

use chrono::{DateTime, Utc};
use database::ids::TenantId;
use database::{DbError, Tx};
use sqlx::FromRow;

/// Whether a shop can be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum Status {
    /// It can.
    Connected,
    /// It does not take our credentials any more; jobs wait until somebody connects it again.
    Revoked,
    /// Nobody has connected it.
    Disconnected,
}

/// A shop's health.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct Health {
    /// The shop's own domain.
    pub account: String,
    /// Whether it can be read.
    pub status: Status,
    /// Why not.
    pub reason: Option<String>,
    /// Since when.
    pub status_at: DateTime<Utc>,
    /// When a sync last came to its end.
    pub synced_at: Option<DateTime<Utc>>,
    /// When the last webhook came.
    pub told_at: Option<DateTime<Utc>>,
    /// How long after it happened, in milliseconds.
    pub told_lag_ms: Option<i64>,
    /// Webhooks that are stored and not applied yet.
    pub events_waiting: i64,
    /// Objects that could not be stored.
    pub refused: i64,
    /// Privacy requests that are not done.
    pub privacy_requests: i64,
}

/// A shop's health; none when there never was one (platform role).
///
/// # Errors
/// The database failed.
pub async fn read(tx: &mut Tx, source: &str) -> Result<Option<Health>, DbError> {
    Ok(sqlx::query_as(
        "select account, status, reason, status_at, synced_at, told_at, told_lag_ms,
             (select count(*) from platform.shop_event e
              where e.tenant_id = h.tenant_id and e.source = h.source and e.state = 'waiting') as events_waiting,
             (select count(*) from platform.shop_refusal r
              where r.tenant_id = h.tenant_id and r.source = h.source) as refused,
             (select count(*) from platform.shop_privacy_request p
              where p.tenant_id = h.tenant_id and p.source = h.source and p.state <> 'done') as privacy_requests
         from platform.shop_health h where tenant_id = (select shared.current_tenant()) and source = $1",
    )
    .bind(source)
    .fetch_optional(&mut **tx)
    .await?)
}

/// Notes that a shop is connected, revoked or disconnected (platform role); false when that was noted already. With another
/// shop than before, what the former one's ids name is forgotten: this one would say of all of them that they are gone.
///
/// # Errors
/// The database failed.
pub async fn set(
    tx: &mut Tx,
    tenant: TenantId,
    source: &str,
    account: &str,
    (status, reason): (Status, Option<&str>),
    now: DateTime<Utc>,
) -> Result<bool, DbError> {
    sqlx::query(
        "delete from platform.shop_ref r
         where r.tenant_id = $1 and r.source = $2 and r.kind = 'order'
           and exists (select from platform.shop_health h
                       where h.tenant_id = $1 and h.source = $2 and h.account <> $3)",
    )
    .bind(tenant)
    .bind(source)
    .bind(account)
    .execute(&mut **tx)
    .await?;
    let set = sqlx::query(
        "insert into platform.shop_health as h (tenant_id, source, account, status, reason, status_at)
         values ($1, $2, $3, $4, $5, $6)
         on conflict (tenant_id, source) do update
             set account = excluded.account, status = excluded.status, reason = excluded.reason, status_at = excluded.status_at
             where (h.account, h.status) <> (excluded.account, excluded.status)",
    )
    .bind(tenant)
    .bind(source)
    .bind(account)
    .bind(status)
    .bind(reason)
    .bind(now)
    .execute(&mut **tx)
    .await?;
    Ok(set.rows_affected() == 1)
}

/// Whether a shop can be read, as it was noted last; none when it never was (platform role).
///
/// # Errors
/// The database failed.
pub async fn status(tx: &mut Tx, source: &str) -> Result<Option<Status>, DbError> {
    Ok(sqlx::query_scalar(
        "select status from platform.shop_health where tenant_id = (select shared.current_tenant()) and source = $1",
    )
    .bind(source)
    .fetch_optional(&mut **tx)
    .await?)
}
