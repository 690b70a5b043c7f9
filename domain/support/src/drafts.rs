//! Suggested replies. Every one is kept; which is current follows from what it answers and what people did.
//!
//! A draft belongs to the message count its ticket had; with more messages it is stale. An agent's choice or
//! edit is never overwritten, because a new draft is a new row.

pub mod apart;
pub mod distance;
pub mod people;
pub mod report;
pub mod wanted;

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;
use sqlx::FromRow;
use uuid::Uuid;

use crate::tickets::lock::hold_with_current;
use crate::tickets::{self, NewMessage};
use database::ids::{DraftId, MessageId, TenantId, TicketId};
use database::nul::{strip_json, strip_text};
use database::{DbError, Tx};

/// A draft to be stored.
#[derive(Clone)]
pub struct NewDraft<'a> {
    /// The ticket that it answers.
    pub ticket: TicketId,
    /// The ticket's message count that the drafter saw.
    pub message_count: i32,
    /// The job that wrote it; a job writes one draft, however often it runs.
    pub job: Uuid,
    /// friendly, professional, empathetic or apologetic.
    pub tone: &'a str,
    /// short, medium or long.
    pub length: &'a str,
    /// sms, chat, email or phone.
    pub style: &'a str,
    /// The suggested reply.
    pub reply: &'a str,
    /// Advice for the agent, if the drafter gave any.
    pub recommendation: Option<&'a Value>,
    /// What wrote it, for example `template` or `anthropic`.
    pub drafter: &'a str,
    /// The model, if one was asked.
    pub model: Option<&'a str>,
    /// What the model counted, for example tokens.
    pub usage: Option<&'a Value>,
}

/// A stored draft. Printing it for debugging shows no text.
#[derive(Clone, PartialEq, Serialize, FromRow)]
pub struct Draft {
    /// Identity.
    pub id: DraftId,
    /// The ticket that it answers.
    #[sqlx(rename = "ticket_id")]
    pub ticket: TicketId,
    /// The ticket's message count when it was made.
    pub message_count: i32,
    /// Whether the ticket has more messages now.
    pub stale: bool,
    /// The job that wrote it.
    #[sqlx(rename = "job_id")]
    pub job: Uuid,
    /// friendly, professional, empathetic or apologetic.
    pub tone: String,
    /// short, medium or long.
    pub length: String,
    /// sms, chat, email or phone.
    pub style: String,
    /// The suggested reply.
    pub reply: String,
    /// Advice for the agent.
    pub recommendation: Option<Value>,
    /// What wrote it.
    pub drafter: String,
    /// The model, if one was asked.
    pub model: Option<String>,
    /// What the model counted.
    pub usage: Option<Value>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When an agent chose it.
    pub chosen_at: Option<DateTime<Utc>>,
    /// When an agent edited it.
    pub edited_at: Option<DateTime<Utc>>,
    /// Our marker on the internal note that shows it in the help desk.
    pub note_external_id: Option<String>,
    /// When that note was posted.
    pub posted_at: Option<DateTime<Utc>>,
    /// Grows with each thing that a person does to it.
    pub version: i64,
    /// What the drafter wrote, if a person changed it.
    pub drafted_reply: Option<String>,
    /// When it was sent to the customer.
    pub sent_at: Option<DateTime<Utc>>,
    /// The message that it became.
    pub sent_message_id: Option<MessageId>,
    /// How far that is from what was drafted, 0 to 1.
    pub edit_distance: Option<f32>,
    /// 1 good, -1 bad.
    pub thumb: Option<i16>,
}

impl std::fmt::Debug for Draft {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Draft")
            .field("id", &self.id)
            .field("ticket", &self.ticket)
            .field("drafter", &self.drafter)
            .field("stale", &self.stale)
            .finish_non_exhaustive()
    }
}

/// Stores a draft, or returns what the same job stored before (support role).
pub async fn store(tx: &mut Tx, tenant: TenantId, draft: &NewDraft<'_>) -> Result<Draft, DbError> {
    let stored = sqlx::query_as(
        "insert into support_app.draft as d
             (id, tenant_id, ticket_id, message_count, job_id, tone, length, style, reply, recommendation, drafter,
              model, usage)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
         on conflict (tenant_id, job_id) do nothing
         returning d.*, d.message_count < (select t.message_count from support_app.ticket t where t.id = d.ticket_id)
             as stale",
    )
    .bind(DraftId::new())
    .bind(tenant)
    .bind(draft.ticket)
    .bind(draft.message_count)
    .bind(draft.job)
    .bind(draft.tone)
    .bind(draft.length)
    .bind(draft.style)
    .bind(strip_text(draft.reply))
    .bind(draft.recommendation.map(|advice| strip_json(advice).into_owned()))
    .bind(draft.drafter)
    .bind(draft.model)
    .bind(draft.usage)
    .fetch_optional(&mut **tx)
    .await?;
    match stored {
        Some(stored) => Ok(stored),
        None => by_job(tx, tenant, draft.job).await?.ok_or_else(|| sqlx::Error::RowNotFound.into()),
    }
}

/// The draft that a job wrote, if it did (support role).
pub async fn by_job(tx: &mut Tx, tenant: TenantId, job: Uuid) -> Result<Option<Draft>, DbError> {
    Ok(sqlx::query_as(
        "select d.*, d.message_count < t.message_count as stale
         from support_app.draft d join support_app.ticket t on t.id = d.ticket_id
         where d.tenant_id = $1 and d.job_id = $2",
    )
    .bind(tenant)
    .bind(job)
    .fetch_optional(&mut **tx)
    .await?)
}

/// The draft of this id, if it is the tenant's (support role).
pub async fn get(tx: &mut Tx, draft: DraftId) -> Result<Option<Draft>, DbError> {
    Ok(sqlx::query_as(
        "select d.*, d.message_count < t.message_count as stale
         from support_app.draft d join support_app.ticket t on t.id = d.ticket_id
         where d.id = $1",
    )
    .bind(draft)
    .fetch_optional(&mut **tx)
    .await?)
}

/// The ticket's current draft: the one that answers most messages; among those an agent's choice or edit,
/// else the newest (support role). It may be stale.
pub async fn current(tx: &mut Tx, ticket: TicketId) -> Result<Option<Draft>, DbError> {
    Ok(sqlx::query_as(
        "select d.*, d.message_count < t.message_count as stale
         from support_app.draft d join support_app.ticket t on t.id = d.ticket_id
         where d.ticket_id = $1
          order by d.message_count desc, (d.chosen_at is not null or d.edited_at is not null) desc,
                   d.created_at desc, d.id desc
          limit 1",
    )
    .bind(ticket)
    .fetch_optional(&mut **tx)
    .await?)
}

/// Whether a draft that was written after this one stands in the help desk (support role).
///
/// # Errors
/// The database failed.
pub async fn is_outdone(tx: &mut Tx, draft: &Draft) -> Result<bool, DbError> {
    Ok(sqlx::query_scalar(
        "select exists (
             select from support_app.draft d
             where d.ticket_id = $1 and d.posted_at is not null and (d.created_at, d.id) > ($2, $3)
         )",
    )
    .bind(draft.ticket)
    .bind(draft.created_at)
    .bind(draft.id)
    .fetch_one(&mut **tx)
    .await?)
}

/// Notes that the draft stands in the help desk as an internal note, and remembers the note among the ticket's
/// messages, so that hearing of it later is no news (support role). `note` is the message as posted, with the
/// help desk's id; `marker` is our own id on it. The first call counts.
pub async fn mark_posted(
    tx: &mut Tx,
    tenant: TenantId,
    draft: &Draft,
    marker: &str,
    note: NewMessage,
) -> Result<(), DbError> {
    // The ticket before the draft, as people take them, and with it the one that the note goes to.
    hold_with_current(tx, draft.ticket).await?;
    sqlx::query(
        "update support_app.draft set note_external_id = $2, posted_at = now() where id = $1 and posted_at is null",
    )
    .bind(draft.id)
    .bind(marker)
    .execute(&mut **tx)
    .await?;
    tickets::store_messages(
        tx,
        tenant,
        draft.ticket,
        &[NewMessage { internal: true, from_agent: true, ..note }],
        None,
    )
    .await?;
    Ok(())
}
