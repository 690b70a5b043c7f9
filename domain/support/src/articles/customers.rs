//! A customer's own tickets, as they see them themselves: those with the address of one of them.

use chrono::{DateTime, Utc};
use database::ids::{MessageId, TicketId};
use database::{DbError, Tx};
use sqlx::FromRow;

/// A ticket as its customer sees it.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct Own {
    /// The ticket.
    pub id: TicketId,
    /// Its number.
    pub number: i64,
    /// What it is about.
    pub subject: Option<String>,
    /// Where it stands.
    pub status: String,
    /// When it was made.
    pub created_at: DateTime<Utc>,
}

/// The address of the customer of a ticket, of the one in which it goes on when it was merged (support role).
///
/// # Errors
/// The database failed.
pub async fn address(tx: &mut Tx, ticket: TicketId) -> Result<Option<String>, DbError> {
    // `case`: by row security `coalesce` is no condition of an index, and all of a tenant's tickets would be read.
    let found: Option<Option<String>> = sqlx::query_scalar(
        "select t.customer_email from support_app.ticket o
         join support_app.ticket t on t.id = case when o.merged_into is null then o.id else o.merged_into end where o.id = $1",
    )
    .bind(ticket)
    .fetch_optional(&mut **tx)
    .await?;
    Ok(found.flatten())
}

/// The tickets with the address of this one, the newest first, itself always (support role). Merged, put away and
/// suspicious ones are not shown.
///
/// # Errors
/// The database failed.
pub async fn own(tx: &mut Tx, ticket: TicketId, limit: i64) -> Result<Vec<Own>, DbError> {
    Ok(sqlx::query_as(
        "with mine as (
             select t.id, t.tenant_id, t.customer_email from support_app.ticket t
             where t.id = (select coalesce(o.merged_into, o.id) from support_app.ticket o where o.id = $1)
         )
         select t.id, t.number, t.subject, t.status, t.created_at
         from mine join support_app.ticket t
             on t.tenant_id = mine.tenant_id and t.customer_email = mine.customer_email
         where t.merged_into is null and t.archived_at is null and not t.is_spam and t.suspended_reason is null
         order by t.id = mine.id desc, t.created_at desc, t.id desc limit $2",
    )
    .bind(ticket)
    .bind(limit)
    .fetch_all(&mut **tx)
    .await?)
}

/// Those of a ticket's messages that a merge brought from another customer's (support role): they are not its customer's to
/// read.
///
/// # Errors
/// The database failed.
pub async fn of_others(tx: &mut Tx, messages: &[MessageId]) -> Result<Vec<MessageId>, DbError> {
    Ok(sqlx::query_scalar(
        "select m.id from support_app.message m
         join support_app.ticket t on t.id = m.ticket_id
         join support_app.ticket o on o.id = m.origin_ticket_id
         where m.id = any($1) and not coalesce(o.customer_id = t.customer_id, false)
           and not coalesce(lower(o.customer_email) = lower(t.customer_email), false)",
    )
    .bind(messages.iter().map(|message| message.0).collect::<Vec<_>>())
    .fetch_all(&mut **tx)
    .await?)
}
