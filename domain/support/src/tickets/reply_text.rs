//! What somebody is writing to a customer: one text for each ticket and writer, kept until it is sent or thrown away. It goes
//! with a ticket that is merged into another, and back with it (`moved.rs`).

pub(super) mod moved;

use chrono::{DateTime, Utc};
use database::ids::{MessageId, TicketId};
use database::nul::strip_text;
use database::{DbError, Tx};
use sqlx::FromRow;
use uuid::Uuid;

use super::error::TicketError;
use super::lock::{Acting, current};
use super::words::REPLY_LIMIT;

/// A text that is being written. Printing it for debugging does not show it.
#[derive(Clone, PartialEq, Eq, FromRow)]
pub struct ReplyText {
    /// The text.
    pub body_text: String,
    /// The last message that its writer had seen.
    pub last_seen_message_id: Option<MessageId>,
    /// Grows with each change.
    pub version: i64,
    /// When it was changed.
    pub updated_at: DateTime<Utc>,
}

impl std::fmt::Debug for ReplyText {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ReplyText").field("version", &self.version).finish_non_exhaustive()
    }
}

/// The writer's text (support role).
///
/// # Errors
/// The database failed.
pub async fn get(tx: &mut Tx, ticket: TicketId, writer: Uuid) -> Result<Option<ReplyText>, DbError> {
    Ok(sqlx::query_as(
        "select body_text, last_seen_message_id, version, updated_at from support_app.reply_text
         where ticket_id = support_app.current_ticket($1) and writer_id = $2",
    )
    .bind(ticket)
    .bind(writer)
    .fetch_optional(&mut **tx)
    .await?)
}

/// Keeps the writer's text (support role). `version` is the one that they know, 0 for none, if it is to be that.
///
/// # Errors
/// There is no such ticket, the text is too long, the version is another, or the database failed.
pub async fn put(
    tx: &mut Tx,
    acting: &Acting<'_>,
    ticket: TicketId,
    text: &str,
    last_seen: Option<MessageId>,
    version: Option<i64>,
) -> Result<ReplyText, TicketError> {
    if text.chars().count() > REPLY_LIMIT {
        return Err(TicketError::TooLong { field: "text", limit: REPLY_LIMIT });
    }
    let ticket = current(tx, ticket).await?;
    // Two windows of one writer: the row's lock lets one go first, and the other sees its version.
    let kept: Option<ReplyText> = sqlx::query_as(
        "insert into support_app.reply_text as r
             (tenant_id, ticket_id, writer_id, body_text, last_seen_message_id)
         values ($1, $2, $3, $4, $5)
         on conflict (ticket_id, writer_id) do update set
             body_text = excluded.body_text, last_seen_message_id = excluded.last_seen_message_id,
             version = r.version + 1, updated_at = now()
         where $6::bigint is null or r.version = $6
         returning body_text, last_seen_message_id, version, updated_at",
    )
    .bind(acting.tenant)
    .bind(ticket)
    .bind(acting.writer)
    .bind(strip_text(text))
    .bind(last_seen)
    .bind(version)
    .fetch_optional(&mut **tx)
    .await?;
    match kept {
        // It named a version of a text that is gone.
        Some(kept) if version.is_some_and(|version| version != kept.version - 1) => {
            Err(TicketError::Stale(0))
        }
        Some(kept) => Ok(kept),
        None => {
            let known = get(tx, ticket, acting.writer).await?;
            Err(TicketError::Stale(known.map_or(0, |known| known.version)))
        }
    }
}

/// Throws the writer's text away; false when there was none (support role).
///
/// # Errors
/// The version is another, or the database failed.
pub async fn delete(
    tx: &mut Tx,
    ticket: TicketId,
    writer: Uuid,
    version: Option<i64>,
) -> Result<bool, TicketError> {
    let done = sqlx::query(
        "delete from support_app.reply_text
         where ticket_id = support_app.current_ticket($1) and writer_id = $2 and ($3::bigint is null or version = $3)",
    )
    .bind(ticket)
    .bind(writer)
    .bind(version)
    .execute(&mut **tx)
    .await?;
    if done.rows_affected() == 0
        && version.is_some()
        && let Some(known) = get(tx, ticket, writer).await?
    {
        return Err(TicketError::Stale(known.version));
    }
    Ok(done.rows_affected() == 1)
}
