//! The audit trail: who did what to what, written in the transaction that does it.

use chrono::{DateTime, Utc};
use serde::Serialize;
use sqlx::FromRow;
use uuid::Uuid;

use database::ids::TenantId;
use database::{DbError, Tx};

/// Something worth a line in the trail. No personal data: ids and counts only.
#[derive(Debug, Clone)]
pub struct Event<'a> {
    /// The tenant concerned; none for what concerns the whole cluster (gateway role only).
    pub tenant: Option<TenantId>,
    /// Who: for example `key:0192...` or `scheduler`.
    pub actor: &'a str,
    /// What was done: for example `dead.retry`.
    pub action: &'a str,
    /// To what: for example `job:0192...`.
    pub subject: &'a str,
    /// Particulars, such as a filter and how many rows it matched.
    pub detail: serde_json::Value,
    /// The request's correlation id.
    pub correlation_id: Option<&'a str>,
}

/// Writes one line (any role but the queue's; see [`database::act_as`] to combine with queue statements).
pub async fn record(tx: &mut Tx, event: &Event<'_>) -> Result<(), DbError> {
    sqlx::query(
        "insert into shared.audit (id, tenant_id, actor, action, subject, detail, correlation_id)
         values ($1, $2, $3, $4, $5, $6, $7)",
    )
    .bind(Uuid::now_v7())
    .bind(event.tenant)
    .bind(event.actor)
    .bind(event.action)
    .bind(event.subject)
    .bind(&event.detail)
    .bind(event.correlation_id)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// A line of the trail.
#[derive(Debug, Clone, PartialEq, Serialize, FromRow)]
pub struct Entry {
    /// Identity, and with `at` the position in the list.
    pub id: Uuid,
    /// The tenant concerned, if one.
    #[sqlx(rename = "tenant_id")]
    pub tenant: Option<TenantId>,
    /// Who.
    pub actor: String,
    /// What was done.
    pub action: String,
    /// To what.
    pub subject: String,
    /// Particulars.
    pub detail: serde_json::Value,
    /// The request's correlation id.
    pub correlation_id: Option<String>,
    /// When.
    pub at: DateTime<Utc>,
}

/// Newest lines first, from before `(at, id)` of a former page's last line, at most `limit`; of one tenant or of
/// all (gateway role).
pub async fn list(
    tx: &mut Tx,
    tenant: Option<TenantId>,
    before: Option<(DateTime<Utc>, Uuid)>,
    limit: u32,
) -> Result<Vec<Entry>, DbError> {
    let (before_at, before_id) = before.unzip();
    Ok(sqlx::query_as(
        "select id, tenant_id, actor, action, subject, detail, correlation_id, at from shared.audit
         where ($1::uuid is null or tenant_id = $1) and ($2::timestamptz is null or (at, id) < ($2, $3))
         order by at desc, id desc limit $4",
    )
    .bind(tenant)
    .bind(before_at)
    .bind(before_id)
    .bind(i64::from(limit))
    .fetch_all(&mut **tx)
    .await?)
}
