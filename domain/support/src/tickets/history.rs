//! What happened to a ticket, from the rows that a trigger writes.

use chrono::{DateTime, Utc};
use database::ids::TicketId;
use database::{DbError, Tx};
use serde_json::Value;
use sqlx::FromRow;
use uuid::Uuid;

/// A field that changed.
#[derive(Debug, Clone, PartialEq, FromRow)]
pub struct Changed {
    /// Identity, and with `at` the place in the list.
    pub id: Uuid,
    /// When, by the clock of whoever changed it.
    pub at: DateTime<Utc>,
    /// Who: `agent:ID`, `key:ID`, `job:KIND` or a help desk.
    pub actor: String,
    /// Why, when it was said.
    pub reason: Option<String>,
    /// What.
    pub field: String,
    /// What it was.
    pub old: Option<Value>,
    /// What it became.
    pub new: Option<Value>,
}

/// The newest changes first, from before the place of a former page's last one (support role).
///
/// # Errors
/// The database failed.
pub async fn list(
    tx: &mut Tx,
    ticket: TicketId,
    before: Option<(DateTime<Utc>, Uuid)>,
    limit: i64,
) -> Result<Vec<Changed>, DbError> {
    let (at, id) = before.unzip();
    Ok(sqlx::query_as(
        "select id, at, actor, reason, field, old, new from support_app.ticket_change
         where ticket_id = $1 and ($2::timestamptz is null or (at, id) < ($2, $3))
         order by at desc, id desc limit $4",
    )
    .bind(ticket)
    .bind(at)
    .bind(id)
    .bind(limit)
    .fetch_all(&mut **tx)
    .await?)
}
