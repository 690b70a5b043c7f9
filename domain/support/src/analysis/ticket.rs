//! What a ticket's messages say together.

use database::ids::TicketId;
use database::{DbError, Tx};
use serde::Serialize;
use sqlx::FromRow;

/// What a ticket's messages say together, by the names of the ticket's columns.
#[derive(Debug, Clone, PartialEq, Serialize, FromRow)]
pub struct Said {
    /// 0 angry, 1 happy: of the newest three readings, the newer twice as much as the one before.
    pub sentiment: Option<f32>,
    /// The newest intent that says something.
    pub intent: Option<String>,
    /// Of all messages.
    pub topics: Vec<String>,
    /// Whether any of them asks for something to make up.
    pub asks_compensation: Option<bool>,
    /// The language that somebody set, or else the newest that was told.
    pub language: Option<String>,
    /// Whether that is another one than the ticket's row says.
    #[serde(skip)]
    pub is_language_news: bool,
}

/// The step of [`crate::settle`]: mood, intent, topics and language of a ticket (support role); none when nobody has read
/// any of its messages.
///
/// # Errors
/// The database failed.
pub async fn summarise(tx: &mut Tx, ticket: TicketId) -> Result<Option<Said>, DbError> {
    Ok(sqlx::query_as(include_str!("summarise.sql")).bind(ticket).fetch_optional(&mut **tx).await?)
}
