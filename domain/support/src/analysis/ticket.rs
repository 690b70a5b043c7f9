//! What a ticket's messages say together.

use database::ids::TicketId;
use database::{DbError, Tx};

/// The step of [`crate::settle`]: brings mood, intent, topics and language of a ticket up to date, in one statement. The
/// newest three readings make the mood, the newer twice as much as the one before; the newest intent that says
/// something is the ticket's; topics are those of all messages. A language that somebody set stays.
///
/// # Errors
/// The database failed.
pub async fn summarise(tx: &mut Tx, ticket: TicketId) -> Result<(), DbError> {
    sqlx::query(include_str!("summarise.sql")).bind(ticket).execute(&mut **tx).await?;
    Ok(())
}
