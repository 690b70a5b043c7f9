//! Drafts and advice when a merge of tickets is taken back. What was written while two were one answers a conversation that is no
//! more, maybe with another customer's words in it: a draft goes to the ticket whose message it answers, and neither is current
//! any more.

use chrono::{DateTime, Utc};
use database::ids::TicketId;
use database::{DbError, Tx};

use crate::tickets::lock::hold;

/// Divides what was written in tickets since another went into them (support role); its messages are its own again by now. The
/// tickets are held.
pub(crate) async fn divide(
    tx: &mut Tx,
    tickets: &[TicketId],
    back: TicketId,
    since: DateTime<Utc>,
) -> Result<(), DbError> {
    sqlx::query(include_str!("apart.sql")).bind(tickets).bind(back).bind(since).execute(&mut **tx).await?;
    sqlx::query(
        "update support_app.recommendation set basis = 'before the tickets were divided'
         where ticket_id = any($1) and created_at >= $2",
    )
    .bind(tickets)
    .bind(since)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Whether a ticket's conversation is in it, and none of another was taken out of it since a moment (support role): what was
/// read of it then still is what it is. It stays so until the transaction ends.
///
/// # Errors
/// The database failed.
pub async fn is_whole(tx: &mut Tx, ticket: TicketId, since: DateTime<Utc>) -> Result<bool, DbError> {
    hold(tx, &[ticket.0]).await?;
    let is_whole: Option<bool> = sqlx::query_scalar(
        "select t.merged_into is null
                and not exists (select from support_app.ticket_merge m where m.target_id = t.id and m.undone_at >= $2)
         from support_app.ticket t where t.id = $1",
    )
    .bind(ticket)
    .bind(since)
    .fetch_optional(&mut **tx)
    .await?;
    Ok(is_whole.unwrap_or(false))
}
