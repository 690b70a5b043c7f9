//! A ticket as it is opened: everything that stands beside it, read in one statement (`full.sql`).

use chrono::{DateTime, Utc};
use database::ids::{AgentId, MessageId, TicketId};
use database::{DbError, Tx};
use serde_json::Value;
use sqlx::FromRow;
use uuid::Uuid;

use super::told::Ticket;

/// A ticket with all that lists and readers are shown of it.
#[derive(Debug, Clone, FromRow)]
pub struct Whole {
    /// What any help desk tells.
    #[sqlx(flatten)]
    pub ticket: Ticket,
    /// Its entity tag.
    pub version: i64,
    /// ISO 639-1.
    pub language: Option<String>,
    /// Who looks after it.
    pub department: Option<String>,
    /// What one must be able to do to answer it.
    pub skills: Vec<String>,
    /// The tenant's own fields.
    pub custom: Value,
    /// Whether we wrote first.
    pub opened_by_agent: bool,
    /// Whose it is.
    pub assignee_id: Option<AgentId>,
    /// assigned, accepted, in_progress.
    pub assignment_state: Option<String>,
    /// Since when.
    pub assigned_at: Option<DateTime<Utc>>,
    /// Since when it has its status.
    pub status_since: DateTime<Utc>,
    /// It sleeps until then.
    pub snoozed_until: Option<DateTime<Utc>>,
    /// When it became resolved or closed.
    pub resolved_at: Option<DateTime<Utc>>,
    /// When it was closed.
    pub closed_at: Option<DateTime<Utc>>,
    /// When it was put away.
    pub archived_at: Option<DateTime<Utc>>,
    /// How often it was opened again.
    pub reopened_count: i32,
    /// Marked as spam.
    pub is_spam: bool,
    /// Why it was set aside.
    pub suspended_reason: Option<String>,
    /// The ticket in which it goes on.
    pub merged_into: Option<TicketId>,
    /// The ticket that it follows.
    pub follow_up_of: Option<TicketId>,
    /// The ticket that it was split from.
    pub split_from: Option<TicketId>,
    /// When the customer wrote first, last.
    pub first_customer_message_at: Option<DateTime<Utc>>,
    /// When the customer wrote last.
    pub last_customer_message_at: Option<DateTime<Utc>>,
    /// When an agent answered first.
    pub first_reply_at: Option<DateTime<Utc>>,
    /// Since when somebody waits for an answer.
    pub waiting_since: Option<DateTime<Utc>>,
    /// 0 bad to 1 good.
    pub sentiment: Option<f32>,
    /// What the customer wants.
    pub intent: Option<String>,
    /// What it is about.
    pub topics: Vec<String>,
    /// Whether the customer asks for compensation.
    pub asks_compensation: Option<bool>,
    /// When the first clock runs out.
    pub sla_due_at: Option<DateTime<Utc>>,
    /// within_sla, at_risk, breached.
    pub sla_state: Option<String>,
    /// The key of the smart order.
    pub rank: f64,
    /// What it is made of.
    pub rank_terms: Value,
    /// What became of the last reply when its customer does not have it: failed, bounced, unsure.
    pub reply_fault: Option<String>,
}

/// A ticket with what stands beside it.
#[derive(Debug, Clone, FromRow)]
pub struct Full {
    /// The ticket.
    #[sqlx(flatten)]
    pub whole: Whole,
    /// The message that was added last.
    pub last_message_id: Option<MessageId>,
    /// How many notes it has.
    pub note_count: i64,
    /// Whose it is.
    pub assignee: Option<Value>,
    /// What the caller is writing.
    pub reply_text: Option<Value>,
    /// Who else is writing.
    pub other_writers: Value,
    /// The current draft.
    pub draft: Option<Value>,
    /// Its clocks.
    pub clocks: Value,
    /// What is under way for it.
    pub pending: Value,
    /// Tickets that were merged into it.
    pub merged_from: Value,
    /// Tickets that follow it.
    pub follow_ups: Value,
}

/// The ticket with what stands beside it (support role); `reader` is the agent or key that looks.
///
/// # Errors
/// The database failed.
pub async fn get(tx: &mut Tx, ticket: TicketId, reader: Uuid) -> Result<Option<Full>, DbError> {
    Ok(sqlx::query_as(include_str!("full.sql")).bind(ticket).bind(reader).fetch_optional(&mut **tx).await?)
}

/// The ticket alone (support role).
///
/// # Errors
/// The database failed.
pub async fn whole(tx: &mut Tx, ticket: TicketId) -> Result<Option<Whole>, DbError> {
    Ok(sqlx::query_as(
        "select t.*, support_app.reply_fault(t.id) as reply_fault from support_app.ticket t where t.id = $1",
    )
    .bind(ticket)
    .fetch_optional(&mut **tx)
    .await?)
}
