//! A customer's own tickets, as they see them themselves: those with the address of one of them.

use chrono::{DateTime, Utc};
use database::ids::{MessageId, TicketId};
use database::{DbError, Tx};
use sqlx::FromRow;

use crate::tickets::state::Status;

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
    pub status: Status,
    /// When it was made.
    pub created_at: DateTime<Utc>,
}

/// Whose a ticket is, and where it goes on.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct Home {
    /// The ticket in which its conversation goes on: itself, or the one that it was merged into.
    pub ticket: TicketId,
    /// The address of its customer.
    pub address: Option<String>,
    /// Whether the ticket in which it goes on is the same customer's. Another's is not theirs to see.
    pub is_theirs: bool,
}

/// Whose the ticket is, and where it goes on (support role); none when there is no such ticket.
///
/// # Errors
/// The database failed.
pub async fn home(tx: &mut Tx, ticket: TicketId) -> Result<Option<Home>, DbError> {
    // `case`: by row security `coalesce` is no condition of an index, and all of a tenant's tickets would be read.
    Ok(sqlx::query_as(
        "select t.id as ticket, o.customer_email as address,
                o.id = t.id or coalesce(o.customer_id = t.customer_id, false)
                or coalesce(lower(o.customer_email) = lower(t.customer_email), false) as is_theirs
         from support_app.ticket o
         join support_app.ticket t on t.id = case when o.merged_into is null then o.id else o.merged_into end where o.id = $1",
    )
    .bind(ticket)
    .fetch_optional(&mut **tx)
    .await?)
}

/// This ticket and those with an address, itself first and then the newest (support role). Merged, put away and suspicious ones
/// are not shown.
///
/// # Errors
/// The database failed.
pub async fn own(tx: &mut Tx, ticket: TicketId, address: &str, limit: i64) -> Result<Vec<Own>, DbError> {
    // Each way to find them has an index of its own.
    Ok(sqlx::query_as(
        "with theirs as (
             select t.id from support_app.ticket t where t.id = $1
             union
             select t.id from support_app.ticket t
             where t.tenant_id = (select shared.current_tenant()) and t.customer_email = $2
         )
         select t.id, t.number, t.subject, t.status, t.created_at
         from theirs join support_app.ticket t on t.id = theirs.id
         where t.merged_into is null and t.archived_at is null and not t.is_spam and t.suspended_reason is null
         order by t.id = $1 desc, t.created_at desc, t.id desc limit $3",
    )
    .bind(ticket)
    .bind(address)
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

/// A message that came by mail from an address that is not known to be its customer's.
#[derive(Clone, PartialEq, Eq, FromRow)]
pub struct FromElsewhere {
    /// The message.
    pub message: MessageId,
    /// Whence it came; empty when whoever wrote it was erased since.
    pub sender: String,
    /// The customer of the ticket, as the shop knows them.
    pub customer: Option<String>,
}

impl std::fmt::Debug for FromElsewhere {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FromElsewhere").field("message", &self.message).finish_non_exhaustive()
    }
}

/// Those of a ticket's messages that came from an address that is not its customer's (support role): anybody who has seen a mail
/// of the ticket can answer it. Whoever opened it by mail is its customer, also when they want answers at another address,
/// unless people said since that it is somebody else's.
///
/// # Errors
/// The database failed.
pub async fn from_elsewhere(tx: &mut Tx, messages: &[MessageId]) -> Result<Vec<FromElsewhere>, DbError> {
    Ok(sqlx::query_as(include_str!("from_elsewhere.sql"))
        .bind(messages.iter().map(|message| message.0).collect::<Vec<_>>())
        .fetch_all(&mut **tx)
        .await?)
}
