//! Events in their order, and who is there: what each api process asks for all tenants that its clients belong to.
//!
//! A transaction that changes something leaves its events in `event_pending` ([`crate::events`], and triggers). They get
//! numbers, a tenant's without gaps, when they are taken from there, and that happens after their commit: so whoever has
//! seen a number has seen all before it, and a client comes back with the last one that it saw. Any process may number
//! and any process may read, hence nothing is lost with a process.
//!
//! Which events a client may see, and what of them, is in [`topics`] alone.

pub mod presence;
pub mod topics;

use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::{FromRow, PgPool};
use uuid::Uuid;

use database::DbError;
use database::ids::{AgentId, TenantId, TicketId};

/// An event with its number.
#[derive(Debug, Clone, FromRow)]
pub struct Numbered {
    /// Whose it is.
    pub tenant_id: TenantId,
    /// Its number within the tenant.
    pub seq: i64,
    /// What happened.
    pub kind: String,
    /// The ticket concerned.
    pub ticket_id: Option<TicketId>,
    /// The agent concerned.
    pub agent_id: Option<AgentId>,
    /// Particulars, as stored: [`topics`] says what leaves the house.
    pub payload: Value,
    /// When.
    pub at: DateTime<Utc>,
}

/// What is kept of a tenant's events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, FromRow)]
pub struct Span {
    /// The newest number; 0 before the first event.
    pub newest: i64,
    /// From which number on all are kept.
    pub oldest: i64,
}

/// Numbers what was committed, and reads what came after these numbers, `most` events a tenant (a pool of the gateway's
/// role, see [`database::Db::connect_as`]).
///
/// # Errors
/// The database failed.
pub async fn pump(pool: &PgPool, after: &[(TenantId, i64)], most: i32) -> Result<Vec<Numbered>, DbError> {
    let (tenants, numbers): (Vec<TenantId>, Vec<i64>) = after.iter().copied().unzip();
    Ok(sqlx::query_as("select * from support_app.pump_events($1, $2, $3)")
        .bind(&tenants)
        .bind(&numbers)
        .bind(most)
        .fetch_all(pool)
        .await?)
}

/// A tenant's events after a number, `most` at most.
///
/// # Errors
/// The database failed.
pub async fn after(pool: &PgPool, tenant: TenantId, after: i64, most: i32) -> Result<Vec<Numbered>, DbError> {
    Ok(sqlx::query_as("select * from support_app.events_after(array[$1], array[$2], $3)")
        .bind(tenant)
        .bind(after)
        .bind(most)
        .fetch_all(pool)
        .await?)
}

/// What is kept of a tenant's events.
///
/// # Errors
/// The database failed.
pub async fn span(pool: &PgPool, tenant: TenantId) -> Result<Span, DbError> {
    Ok(sqlx::query_as("select newest, oldest from support_app.event_span($1)")
        .bind(tenant)
        .fetch_one(pool)
        .await?)
}

/// Numbers what nobody was there to be told, and removes what is older than 15 minutes; answers how many were numbered or
/// went, whichever is more: when it is `most`, there may be more.
///
/// # Errors
/// The database failed.
pub async fn tend(pool: &PgPool, most: i32) -> Result<i32, DbError> {
    Ok(sqlx::query_scalar("select support_app.tend_events($1)").bind(most).fetch_one(pool).await?)
}

/// Whether the tenant of a support transaction has this ticket, for who says that they look at it.
///
/// # Errors
/// The database failed.
pub async fn has_ticket(tx: &mut database::Tx, ticket: Uuid) -> Result<bool, DbError> {
    Ok(sqlx::query_scalar("select exists (select from support_app.ticket where id = $1)")
        .bind(ticket)
        .fetch_one(&mut **tx)
        .await?)
}
