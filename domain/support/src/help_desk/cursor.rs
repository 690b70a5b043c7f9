//! How far a help desk was looked through. A round goes from its newest change back to where the round before began, a
//! page at a time; where it stands is stored after each page, so a round that is cut off goes on, and what changes
//! meanwhile is newer than the round's beginning and belongs to the next.

use chrono::{DateTime, Utc};
use database::ids::{TenantId, TicketId};
use database::{DbError, Tx};
use serde_json::Value;
use sqlx::FromRow;
use sqlx::types::Json;

use crate::gorgias::PROVIDER;

/// How far it was looked through.
#[derive(Debug, Clone, Default, PartialEq, Eq, FromRow)]
pub struct Cursor {
    /// Everything that changed there before was seen.
    pub updated_through: Option<DateTime<Utc>>,
    /// Of a round that is under way: the newest change when it began.
    pub round_newest: Option<DateTime<Utc>>,
    /// Where it goes on.
    pub page_cursor: Option<String>,
    /// Tickets that it looked at.
    pub looked_at: i32,
    /// Of those, told of by no webhook.
    pub differed: i32,
    /// When the last round came to its end.
    pub last_round_at: Option<DateTime<Utc>>,
    /// What went wrong since.
    pub last_error: Option<String>,
    /// When.
    pub last_error_at: Option<DateTime<Utc>>,
}

/// The tenant's (support role).
///
/// # Errors
/// The database failed.
pub async fn get(tx: &mut Tx) -> Result<Cursor, DbError> {
    let stored = sqlx::query_as(
        "select updated_through, round_newest, page_cursor, looked_at, differed, last_round_at, last_error, last_error_at
         from support_app.help_desk_cursor where tenant_id = (select shared.current_tenant())",
    );
    Ok(stored.fetch_optional(&mut **tx).await?.unwrap_or_default())
}

/// Stores it (support role).
///
/// # Errors
/// The database failed.
pub async fn put(tx: &mut Tx, tenant: TenantId, cursor: &Cursor) -> Result<(), DbError> {
    sqlx::query(
        "insert into support_app.help_desk_cursor (tenant_id, updated_through, round_newest, page_cursor, looked_at,
             differed, last_round_at, last_error, last_error_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
         on conflict (tenant_id) do update set updated_through = excluded.updated_through,
             round_newest = excluded.round_newest, page_cursor = excluded.page_cursor, looked_at = excluded.looked_at,
             differed = excluded.differed, last_round_at = excluded.last_round_at, last_error = excluded.last_error,
             last_error_at = excluded.last_error_at",
    )
    .bind(tenant)
    .bind(cursor.updated_through)
    .bind(cursor.round_newest)
    .bind(&cursor.page_cursor)
    .bind(cursor.looked_at)
    .bind(cursor.differed)
    .bind(cursor.last_round_at)
    .bind(&cursor.last_error)
    .bind(cursor.last_error_at)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// A ticket as a page of the help desk tells it.
#[derive(Debug, Clone)]
pub struct Listed {
    /// Their id.
    pub external_id: String,
    /// When it last changed there.
    pub updated_at: Option<DateTime<Utc>>,
}

/// Of a page's tickets those of which something was missed: by their ids, with ours where the ticket is known (support
/// role).
///
/// # Errors
/// The database failed.
pub async fn missed(tx: &mut Tx, page: &[Listed]) -> Result<Vec<(String, Option<TicketId>)>, DbError> {
    let (ids, times): (Vec<&str>, Vec<Option<DateTime<Utc>>>) =
        page.iter().map(|ticket| (ticket.external_id.as_str(), ticket.updated_at)).unzip();
    Ok(sqlx::query_as(
        "select p.external_id, t.id from unnest($1::text[], $2::timestamptz[]) p (external_id, updated_at)
         left join support_app.ticket t on t.tenant_id = (select shared.current_tenant()) and t.provider = $3
             and t.external_id = p.external_id
         where t.id is null or t.external_updated_at is null or t.external_updated_at < p.updated_at",
    )
    .bind(&ids)
    .bind(&times)
    .bind(PROVIDER)
    .fetch_all(&mut **tx)
    .await?)
}

/// A ticket that no webhook told of (support role): it is made as a webhook would make it. Answers ours.
///
/// # Errors
/// The database failed.
pub async fn make(tx: &mut Tx, tenant: TenantId, told: &Value) -> Result<TicketId, DbError> {
    Ok(sqlx::query_scalar("select support_app.upsert_ticket($1, $2)")
        .bind(tenant)
        .bind(Json(told))
        .fetch_one(&mut **tx)
        .await?)
}

/// What differed, the newest first.
#[derive(Debug, Clone, FromRow)]
pub struct Difference {
    /// Its number.
    pub id: i64,
    /// The ticket.
    pub ticket_id: TicketId,
    /// status, tags or messages.
    pub field: String,
    /// What it was here.
    pub ours: Option<Json<Value>>,
    /// What it was there.
    pub theirs: Option<Json<Value>>,
    /// What both are now.
    pub merged: Option<Json<Value>>,
    /// When.
    pub found_at: DateTime<Utc>,
}

/// What differed, from behind a number, the newest first (support role).
///
/// # Errors
/// The database failed.
pub async fn differences(tx: &mut Tx, before: Option<i64>, limit: i64) -> Result<Vec<Difference>, DbError> {
    Ok(sqlx::query_as(
        "select id, ticket_id, field, ours, theirs, merged, found_at from support_app.help_desk_difference
         where tenant_id = (select shared.current_tenant()) and ($1::bigint is null or id < $1)
         order by id desc limit $2",
    )
    .bind(before)
    .bind(limit)
    .fetch_all(&mut **tx)
    .await?)
}
