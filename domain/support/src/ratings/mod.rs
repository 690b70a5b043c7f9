//! What customers say of the help they got: 1 to 5, one for each time that a ticket was resolved; the newest counts.

pub mod link;
pub mod report;
mod surveys;

pub use surveys::from_deliveries;

use chrono::{DateTime, Utc};
use serde::Serialize;
use sqlx::FromRow;
use uuid::Uuid;

use database::ids::{AgentId, TenantId, TicketId};
use database::nul::strip_text;
use database::{DbError, Tx};

use crate::events::{self, Event};

/// The longest comment, in characters.
pub const COMMENT_CHARS: usize = 2_000;

/// A score: 1 to 5.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct Score(i16);

/// The number is no score.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be a whole number from 1 to 5")]
pub struct NoScore;

impl TryFrom<i64> for Score {
    type Error = NoScore;

    fn try_from(number: i64) -> Result<Score, NoScore> {
        i16::try_from(number).ok().filter(|score| (1..=5).contains(score)).map(Score).ok_or(NoScore)
    }
}

impl Score {
    /// As a number.
    pub fn number(self) -> i16 {
        self.0
    }
}

/// How a rating came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// A program told it.
    Api,
    /// An agent did, for the customer.
    Agent,
    /// The customer did, by a link.
    Link,
    /// A survey of the help desk.
    Gorgias,
}

impl Source {
    const fn name(self) -> &'static str {
        match self {
            Source::Api => "api",
            Source::Agent => "agent",
            Source::Link => "link",
            Source::Gorgias => "gorgias",
        }
    }
}

/// A rating to be stored.
#[derive(Clone)]
pub struct NewRating<'a> {
    /// Of which ticket.
    pub ticket: TicketId,
    /// 1 to 5.
    pub score: Score,
    /// In the customer's words.
    pub comment: Option<&'a str>,
    /// How it came.
    pub source: Source,
    /// Who told it: `key:ID`, `agent:ID`, `customer`, `gorgias`.
    pub by: &'a str,
    /// The survey's id in the help desk.
    pub external_id: Option<&'a str>,
    /// When the customer gave it.
    pub given_at: DateTime<Utc>,
}

/// A stored rating. Printing it for debugging shows no words of a customer.
#[derive(Clone, PartialEq, Serialize, FromRow)]
pub struct Rating {
    /// Identity.
    pub id: Uuid,
    /// Its ticket.
    pub ticket_id: TicketId,
    /// How many times the ticket had been resolved.
    pub resolution: i32,
    /// 1 to 5.
    pub score: i16,
    /// In the customer's words.
    pub comment: Option<String>,
    /// api, agent, link or gorgias.
    pub source: String,
    /// Whose ticket it was.
    pub agent_id: Option<AgentId>,
    /// When it was given.
    pub given_at: DateTime<Utc>,
}

impl std::fmt::Debug for Rating {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Rating").field("id", &self.id).field("score", &self.score).finish_non_exhaustive()
    }
}

/// Stores a rating (support role) and answers the one that counts for the resolution afterwards: this one, or a newer
/// one that was there. None when there is no such ticket.
///
/// # Errors
/// The database failed.
pub async fn give(tx: &mut Tx, tenant: TenantId, rating: &NewRating<'_>) -> Result<Option<Rating>, DbError> {
    let comment = rating.comment.map(str::trim).filter(|comment| !comment.is_empty());
    let comment: Option<String> =
        comment.map(|comment| strip_text(comment).chars().take(COMMENT_CHARS).collect());
    let written: Option<Rating> = sqlx::query_as(include_str!("give.sql"))
        .bind(Uuid::now_v7())
        .bind(rating.ticket)
        .bind(rating.score.number())
        .bind(comment)
        .bind(rating.source.name())
        .bind(rating.by)
        .bind(rating.external_id)
        .bind(rating.given_at)
        .fetch_optional(&mut **tx)
        .await?;
    let Some(written) = written else { return Ok(of_ticket(tx, rating.ticket).await?.into_iter().next()) };
    let told = Event {
        kind: "ticket_rated",
        ticket: Some(rating.ticket),
        agent: written.agent_id,
        payload: serde_json::json!({"score": written.score, "source": written.source}),
    };
    events::emit(tx, tenant, &told).await?;
    Ok(Some(written))
}

/// A ticket's ratings, that of the latest resolution first (support role).
///
/// # Errors
/// The database failed.
pub async fn of_ticket(tx: &mut Tx, ticket: TicketId) -> Result<Vec<Rating>, DbError> {
    Ok(sqlx::query_as(
        "select id, ticket_id, resolution, score, comment, source, agent_id, given_at from support_app.rating
         where ticket_id = $1 order by resolution desc limit 100",
    )
    .bind(ticket)
    .fetch_all(&mut **tx)
    .await?)
}
