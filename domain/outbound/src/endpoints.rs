//! Where a tenant's events go: endpoints with their filters and secrets.
//!
//! An endpoint is active, paused (deliveries wait until somebody resumes it) or disabled (it gets nothing, and what
//! waited has failed). A secret is sealed, and when it is replaced the one before signs as well for a day.

use chrono::{DateTime, Utc};
use serde::Serialize;
use sqlx::FromRow;
use uuid::Uuid;

use accounts::seal::{MasterKey, UnsealError};
use database::ids::TenantId;
use database::{DbError, Tx};

use crate::signature::Secret;

/// Endpoints that a tenant may have.
pub const MAX_ENDPOINTS: i64 = 100;

/// How long the secret before goes on signing.
pub const ROTATION: chrono::Duration = chrono::Duration::hours(24);

/// Whether an endpoint gets events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum State {
    /// It does.
    Active,
    /// They wait.
    Paused,
    /// It does not.
    Disabled,
}

/// An endpoint as its owner sees it.
#[derive(Debug, Clone, Serialize, FromRow)]
pub struct Endpoint {
    /// Identity.
    pub id: Uuid,
    /// Where it is.
    pub url: String,
    /// In the owner's words.
    pub description: String,
    /// What it listens to.
    pub events: Vec<String>,
    /// Whether deliveries go one at a time, in the order of the events.
    pub ordered: bool,
    /// Whether it gets events.
    pub state: State,
    /// Why it is not active.
    pub state_reason: Option<String>,
    /// Since when.
    pub state_since: DateTime<Utc>,
    /// Until when the secret before signs as well.
    pub old_secret_until: Option<DateTime<Utc>>,
    /// Since when every attempt failed.
    pub failing_since: Option<DateTime<Utc>>,
    /// How many did.
    pub failures: i32,
    /// When something arrived last, to the minute.
    pub last_success_at: Option<DateTime<Utc>>,
    /// Who made it.
    pub created_by: String,
    /// Grows with each change.
    pub version: i64,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it was changed.
    pub updated_at: DateTime<Utc>,
    /// Deliveries that wait.
    pub waiting: i64,
}

const COLUMNS: &str = "e.id, e.url, e.description, e.events, e.ordered, e.state, e.state_reason, e.state_since, \
     e.old_secret_until, e.failing_since, e.failures, e.last_success_at, e.created_by, e.version, e.created_at, \
     e.updated_at, \
     (select count(*) from outbound.webhook_delivery d where d.endpoint_id = e.id and d.state = 'waiting') as waiting";

/// What an endpoint is to be.
#[derive(Debug, Clone)]
pub struct Wanted<'a> {
    /// Where it is, as [`crate::address::check`] gave it.
    pub url: &'a str,
    /// In the owner's words, at most 500 characters.
    pub description: &'a str,
    /// Patterns as in [`crate::catalogue::is_pattern`], 1 to 50.
    pub events: &'a [String],
    /// Whether the order counts.
    pub ordered: bool,
}

/// A tenant's endpoints, newest first (outbound role).
///
/// # Errors
/// The database failed.
pub async fn list(tx: &mut Tx) -> Result<Vec<Endpoint>, DbError> {
    let statement = format!(
        "select {COLUMNS} from outbound.endpoint e where e.removed_at is null order by e.id desc limit {MAX_ENDPOINTS}"
    );
    Ok(sqlx::query_as(sqlx::AssertSqlSafe(statement)).fetch_all(&mut **tx).await?)
}

/// One of them, locked for a change (outbound role).
///
/// # Errors
/// The database failed.
pub async fn get(tx: &mut Tx, id: Uuid) -> Result<Option<Endpoint>, DbError> {
    let statement = format!(
        "select {COLUMNS} from outbound.endpoint e where e.id = $1 and e.removed_at is null for update"
    );
    Ok(sqlx::query_as(sqlx::AssertSqlSafe(statement)).bind(id).fetch_optional(&mut **tx).await?)
}

/// Makes an endpoint with a new secret, which is shown once; none when the tenant has [`MAX_ENDPOINTS`] (outbound role).
///
/// # Errors
/// The database failed.
pub async fn create(
    tx: &mut Tx,
    key: &MasterKey,
    tenant: TenantId,
    wanted: &Wanted<'_>,
    by: &str,
) -> Result<Option<(Uuid, Secret)>, DbError> {
    // Two at once must not both be the hundredth.
    sqlx::query("select pg_advisory_xact_lock(hashtextextended('outbound.endpoint:' || $1::text, 0))")
        .bind(tenant)
        .execute(&mut **tx)
        .await?;
    let known: i64 = sqlx::query_scalar("select count(*) from outbound.endpoint where removed_at is null")
        .fetch_one(&mut **tx)
        .await?;
    if known >= MAX_ENDPOINTS {
        return Ok(None);
    }
    let (id, secret) = (Uuid::now_v7(), Secret::generate());
    sqlx::query(
        "insert into outbound.endpoint (id, tenant_id, url, description, events, ordered, sealed_secret, created_by)
         values ($1, $2, $3, $4, $5, $6, $7, $8)",
    )
    .bind(id)
    .bind(tenant)
    .bind(wanted.url)
    .bind(wanted.description)
    .bind(wanted.events)
    .bind(wanted.ordered)
    .bind(key.seal(&sealed_for(tenant, id), secret.bytes()))
    .bind(by)
    .execute(&mut **tx)
    .await?;
    Ok(Some((id, secret)))
}

/// Changes what an endpoint is (outbound role).
///
/// # Errors
/// The database failed.
pub async fn change(tx: &mut Tx, id: Uuid, wanted: &Wanted<'_>) -> Result<(), DbError> {
    sqlx::query(
        "update outbound.endpoint set url = $2, description = $3, events = $4, ordered = $5, version = version + 1,
             updated_at = now()
         where id = $1",
    )
    .bind(id)
    .bind(wanted.url)
    .bind(wanted.description)
    .bind(wanted.events)
    .bind(wanted.ordered)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Gives an endpoint a new secret; the one before signs as well until [`ROTATION`] is over (outbound role).
///
/// # Errors
/// The database failed.
pub async fn rotate(
    tx: &mut Tx,
    key: &MasterKey,
    tenant: TenantId,
    id: Uuid,
    now: DateTime<Utc>,
) -> Result<Secret, DbError> {
    let secret = Secret::generate();
    sqlx::query(
        "update outbound.endpoint set sealed_old_secret = sealed_secret, old_secret_until = $3, sealed_secret = $2,
             version = version + 1, updated_at = now()
         where id = $1",
    )
    .bind(id)
    .bind(key.seal(&sealed_for(tenant, id), secret.bytes()))
    .bind(now + ROTATION)
    .execute(&mut **tx)
    .await?;
    Ok(secret)
}

/// Pauses, resumes or disables an endpoint. What waits for a disabled one has failed (outbound role).
///
/// # Errors
/// The database failed.
pub async fn set_state(tx: &mut Tx, id: Uuid, state: State, reason: Option<&str>) -> Result<(), DbError> {
    sqlx::query(
        "update outbound.endpoint set state = $2, state_reason = $3, state_since = now(), version = version + 1,
             updated_at = now(),
             failing_since = case when $2 = 'active' then null else failing_since end,
             failures = case when $2 = 'active' then 0 else failures end
         where id = $1",
    )
    .bind(id)
    .bind(state)
    .bind(reason)
    .execute(&mut **tx)
    .await?;
    if state == State::Disabled {
        fail_waiting(tx, id, "the endpoint is disabled").await?;
    }
    Ok(())
}

/// Removes an endpoint. Its deliveries stay in the list until they are old (outbound role).
///
/// # Errors
/// The database failed.
pub async fn remove(tx: &mut Tx, id: Uuid) -> Result<(), DbError> {
    sqlx::query("update outbound.endpoint set removed_at = now(), sealed_secret = '', sealed_old_secret = null where id = $1")
        .bind(id)
        .execute(&mut **tx)
        .await?;
    fail_waiting(tx, id, "the endpoint was removed").await
}

async fn fail_waiting(tx: &mut Tx, id: Uuid, why: &str) -> Result<(), DbError> {
    sqlx::query(
        "update outbound.webhook_delivery set state = 'failed', last_error = $2, ended_at = clock_timestamp()
         where endpoint_id = $1 and state = 'waiting'",
    )
    .bind(id)
    .bind(why)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Asks for a test event for an endpoint (outbound role).
///
/// # Errors
/// The database failed.
pub async fn test(tx: &mut Tx, tenant: TenantId, id: Uuid) -> Result<(), DbError> {
    sqlx::query(
        "insert into outbound.outbox (tenant_id, type, subject, data, endpoint_id)
         values ($1, $2, 'endpoint:' || $3::uuid::text, jsonb_build_object('endpoint_id', $3::uuid), $3::uuid)",
    )
    .bind(tenant)
    .bind(crate::catalogue::TEST)
    .bind(id)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// What an endpoint's sealed secrets are bound to.
pub(crate) fn sealed_for(tenant: TenantId, id: Uuid) -> String {
    format!("{tenant}:endpoint:{id}")
}

/// Opens a sealed secret.
pub(crate) fn open(
    key: &MasterKey,
    tenant: TenantId,
    id: Uuid,
    sealed: &[u8],
) -> Result<Secret, UnsealError> {
    let bytes = key.unseal(&sealed_for(tenant, id), sealed)?;
    Secret::of_bytes(&bytes).map_err(|_| UnsealError)
}
