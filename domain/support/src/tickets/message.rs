//! Messages and notes of a ticket: adding one, and reading them.

use chrono::{DateTime, Utc};
use database::ids::{AgentId, MessageId, TenantId, TicketId};
use database::nul::strip_text;
use database::{DbError, Tx};
use jobs::{Announcement, QueueError};
use serde::{Deserialize, Serialize};
use sqlx::FromRow;
use uuid::Uuid;

use super::attachments;
use super::create::{self, NewTicket, Origin};
use super::error::TicketError;
use super::lock::{Acting, Locked, lock, lock_heard};
use super::state::{Heard, Status};
use super::words::{self, Channel, Priority, TEXT_LIMIT};
use crate::events::{self, Event};
use crate::help_desk;
use crate::kinds::DraftReply;
use crate::settle::settle;

/// Who wrote a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum From {
    /// The customer.
    Customer,
    /// An agent, to the customer.
    Agent,
    /// An agent, to colleagues. It never leaves the house.
    Note,
}

/// A message as it is stored.
#[derive(Clone, PartialEq, FromRow)]
pub struct Stored {
    /// Ours.
    pub id: MessageId,
    /// The ticket that it is in.
    pub ticket_id: TicketId,
    /// The ticket that it came to, when it is another.
    pub origin_ticket_id: Option<TicketId>,
    /// Written by an agent or by us.
    pub from_agent: bool,
    /// A note.
    pub internal: bool,
    /// Channel name.
    pub channel: String,
    /// Sender's name.
    pub sender_name: Option<String>,
    /// The agent of ours who wrote it.
    pub author_id: Option<AgentId>,
    /// What a machine sent.
    pub by_machine: bool,
    /// Why it counts as sent by one.
    pub machine: Option<String>,
    /// The sender's address, of a mail.
    pub sender_email: Option<String>,
    /// Plain text.
    pub body_text: String,
    /// The same without the history that mail programs append; none when it has none.
    pub stripped_text: Option<String>,
    /// HTML that is safe to show, of a mail.
    pub body_html: Option<String>,
    /// When it was sent.
    pub sent_at: DateTime<Utc>,
    /// When it was added.
    pub created_at: DateTime<Utc>,
    /// Of a reply that goes out: scheduled, queued, sent, failed, withdrawn, bounced, unsure.
    pub delivery: Option<String>,
    /// When it goes out, or should have.
    pub send_at: Option<DateTime<Utc>>,
    /// When it left.
    pub delivered_at: Option<DateTime<Utc>>,
    /// Why it has not left.
    pub error: Option<String>,
    /// What it lacks to be sent: no_mailbox, no_mail_server, no_address; overtaken, when the conversation went on first.
    pub not_sent_because: Option<String>,
}

impl std::fmt::Debug for Stored {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Stored")
            .field("id", &self.id)
            .field("delivery", &self.delivery)
            .finish_non_exhaustive()
    }
}

/// The columns of [`Stored`].
pub(crate) const COLUMNS: &str = "m.id, m.ticket_id, m.origin_ticket_id, m.from_agent, m.internal, m.channel, \
    m.sender_name, m.author_id, m.by_machine, m.machine, m.sender_email, m.body_text, m.stripped_text, m.body_html, m.sent_at, m.created_at, m.delivery, m.send_at, \
    m.delivered_at, m.error, m.not_sent_because";

/// A message to be added.
pub(crate) struct NewRow<'a> {
    pub(crate) from: From,
    pub(crate) channel: &'a str,
    pub(crate) sender_name: Option<&'a str>,
    pub(crate) author: Option<AgentId>,
    pub(crate) text: &'a str,
    pub(crate) sent_at: DateTime<Utc>,
    /// Of what goes out.
    pub(crate) delivery: Option<&'static str>,
    pub(crate) send_at: Option<DateTime<Utc>>,
}

impl<'a> NewRow<'a> {
    /// What came in, or a note.
    pub(crate) fn came(
        from: From,
        channel: &'a str,
        sender_name: Option<&'a str>,
        text: &'a str,
        acting: &Acting<'_>,
    ) -> NewRow<'a> {
        let author = acting.agent.filter(|_| from == From::Note);
        let channel = if from == From::Note { "internal-note" } else { channel };
        NewRow {
            from,
            channel,
            sender_name,
            author,
            text,
            sent_at: acting.now,
            delivery: None,
            send_at: None,
        }
    }
}

/// Adds a message to a locked ticket (support role).
///
/// It is not later than its transaction, by whose time the database stamps a change of status: a reply that resolves its
/// ticket answered it first. But what a customer writes comes after the answers that are there, and an answer after what
/// customers wrote, also when its transaction began earlier and waited for the ticket: who answered has not seen it, so it
/// waits. What has a time to come, by a help desk's clock, moves nothing.
pub(crate) async fn insert(
    tx: &mut Tx,
    tenant: TenantId,
    ticket: TicketId,
    row: &NewRow<'_>,
) -> Result<MessageId, DbError> {
    let id = MessageId::new();
    sqlx::query(
        "insert into support_app.message
             (id, tenant_id, ticket_id, external_id, from_agent, internal, channel, sender_name, author_id, body_text,
              sent_at, delivery, send_at)
         values ($1, $2, $3, $1::text, $4, $5, $6, $7, $8, $9,
                 greatest(least($10, now()),
                          (select max(x.sent_at) + interval '1 microsecond' from support_app.message x
                           where x.ticket_id = $3 and x.from_agent <> $4 and not x.internal and not x.by_machine
                             and x.sent_at < statement_timestamp())),
                 $11, $12)",
    )
    .bind(id)
    .bind(tenant)
    .bind(ticket)
    .bind(row.from != From::Customer)
    .bind(row.from == From::Note)
    .bind(row.channel)
    .bind(row.sender_name)
    .bind(row.author)
    .bind(strip_text(row.text))
    .bind(row.sent_at)
    .bind(row.delivery)
    .bind(row.send_at)
    .execute(&mut **tx)
    .await?;
    Ok(id)
}

/// Notes that a message of a locked ticket came to another, which goes on in this one: with the end of the merge it goes
/// back. One that does not go on here, or whose customer was erased, is none.
pub(crate) async fn note_origin(
    tx: &mut Tx,
    message: MessageId,
    came_to: TicketId,
    ticket: TicketId,
) -> Result<(), DbError> {
    if came_to == ticket {
        return Ok(());
    }
    // Whoever merges, or ends a merge, holds the ticket in which both go on, so the pointer stays as it is.
    sqlx::query(
        "update support_app.message m set origin_ticket_id = o.id
         from support_app.ticket o
         where m.id = $1 and o.id = $2 and o.merged_into = $3 and o.erased_at is null",
    )
    .bind(message)
    .bind(came_to)
    .bind(ticket)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// The ticket that a message came to: the one that it is in, or another that goes on there.
pub(crate) async fn came_to(tx: &mut Tx, message: MessageId, ticket: TicketId) -> Result<TicketId, DbError> {
    let found: Option<Option<TicketId>> =
        sqlx::query_scalar("select origin_ticket_id from support_app.message where id = $1")
            .bind(message)
            .fetch_optional(&mut **tx)
            .await?;
    Ok(found.flatten().unwrap_or(ticket))
}

/// Brings up to date what a locked ticket says of its messages; `more` is how many came that count, or went.
pub(crate) async fn recount(tx: &mut Tx, ticket: TicketId, more: i32) -> Result<(), DbError> {
    sqlx::query(
        "update support_app.ticket t set
             message_count = greatest(0, t.message_count + $2),
             last_message_at = m.last_at, agent_spoke_last = coalesce(m.agent_last, false)
         from (
             select max(x.sent_at) as last_at, (array_agg(x.from_agent order by x.sent_at desc, x.id desc))[1] as agent_last
             from support_app.message x
             where x.ticket_id = $1 and not x.internal and not x.by_machine and (x.delivery is null or x.delivery in ('queued', 'sent'))
         ) m
         where t.id = $1",
    )
    .bind(ticket)
    .bind(more)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Where a message went.
#[derive(Debug)]
pub struct Added {
    /// The ticket that it is in: another than it was written to when that one was merged, or is final.
    pub ticket: TicketId,
    /// The message.
    pub message: MessageId,
    /// The version of the ticket.
    pub version: i64,
    /// To be announced after the commit.
    pub announcement: Announcement,
}

/// Adds what a customer wrote (support role): it opens the ticket again; one that is final gets a follow-up, in which
/// whatever comes later goes on.
///
/// # Errors
/// There is no such ticket, its customer was erased, the text does not fit, or the database failed.
pub async fn hear(
    tx: &mut Tx,
    acting: &Acting<'_>,
    ticket: TicketId,
    text: &str,
    files: &[Uuid],
) -> Result<Added, TicketError> {
    let text = words::text("text", text, TEXT_LIMIT)?;
    acting.tell(tx, None).await?;
    // An open ticket of somebody who was erased is one that nobody can answer.
    let mut known = lock_heard(tx, ticket, acting.now).await?.of_somebody()?;
    match known.standing(acting.now).hears_customer() {
        Heard::Follows => return follow_up(tx, acting, &known, text, files).await,
        Heard::Opens => {
            known.set_status(Status::Open);
            known.snoozed_until = None;
            super::change::store(tx, &known).await?;
        }
        Heard::Stays if known.snoozed_until.is_some() => {
            known.snoozed_until = None;
            super::change::store(tx, &known).await?;
        }
        Heard::Stays => {}
    }
    let row = NewRow::came(From::Customer, &known.channel, known.customer_name.as_deref(), text, acting);
    let message = insert(tx, acting.tenant, known.id, &row).await?;
    note_origin(tx, message, ticket, known.id).await?;
    attachments::link(tx, acting.actor, known.id, message, files).await?;
    recount(tx, known.id, 1).await?;
    finish_hearing(tx, acting, known.id, message).await
}

async fn follow_up(
    tx: &mut Tx,
    acting: &Acting<'_>,
    former: &Locked,
    text: &str,
    files: &[Uuid],
) -> Result<Added, TicketError> {
    let new = like(former);
    let origin = Origin { follow_up_of: Some(former.id), split_from: None };
    let ticket = create::insert(tx, acting, &new, origin).await?;
    let row = NewRow::came(From::Customer, new.channel.name(), former.customer_name.as_deref(), text, acting);
    let message = insert(tx, acting.tenant, ticket, &row).await?;
    attachments::link(tx, acting.actor, ticket, message, files).await?;
    recount(tx, ticket, 1).await?;
    finish_hearing(tx, acting, ticket, message).await
}

/// A ticket about the same, of the same customer.
pub(crate) fn like(former: &Locked) -> NewTicket {
    let channel = match former.channel.as_str() {
        "sms" => Channel::Sms,
        "phone" | "voice" => Channel::Phone,
        "chat" => Channel::Chat,
        "whatsapp" => Channel::Whatsapp,
        "form" => Channel::Form,
        _ => Channel::Email,
    };
    let priority = Priority::ALL.into_iter().find(|priority| priority.name() == former.priority);
    NewTicket {
        subject: former.subject.clone(),
        channel,
        priority: priority.unwrap_or(Priority::Normal),
        customer: super::change::Customer {
            id: former.customer_id.clone(),
            email: former.customer_email.clone(),
            name: former.customer_name.clone(),
        },
        tags: Vec::new(),
        department: former.department.clone(),
        skills: Vec::new(),
        language: former.language.clone(),
        custom: serde_json::Map::new(),
        message: None,
    }
}

async fn finish_hearing(
    tx: &mut Tx,
    acting: &Acting<'_>,
    ticket: TicketId,
    message: MessageId,
) -> Result<Added, TicketError> {
    let Some(settled) = settle(tx, acting.tenant, ticket, acting.now).await? else {
        return Err(TicketError::Unknown("ticket"));
    };
    let mut announcement = settled.announcement;
    announcement.merge(ask_for_draft(tx, acting, ticket).await?);
    Ok(Added { ticket, message, version: settled.version, announcement })
}

/// A draft for the customer's last message, as deliveries of a help desk ask for one.
pub(crate) async fn ask_for_draft(
    tx: &mut Tx,
    acting: &Acting<'_>,
    ticket: TicketId,
) -> Result<Announcement, QueueError> {
    let count: i32 = sqlx::query_scalar("select message_count from support_app.ticket where id = $1")
        .bind(ticket)
        .fetch_one(&mut **tx)
        .await
        .map_err(DbError::from)?;
    let payload = DraftReply { ticket_id: ticket.0, tone: None, length: None, again: false };
    let job = acting.job(&payload, &DraftReply::dedup_key(ticket.0, count))?;
    Ok(jobs::enqueue_one(tx, job).await?.1)
}

/// Adds a note for colleagues (support role).
///
/// # Errors
/// There is no such ticket, the text does not fit, or the database failed.
pub async fn note(
    tx: &mut Tx,
    acting: &Acting<'_>,
    ticket: TicketId,
    text: &str,
    files: &[Uuid],
) -> Result<Added, TicketError> {
    let text = words::text("text", text, TEXT_LIMIT)?;
    acting.tell(tx, None).await?;
    let known = lock(tx, ticket).await?.unmerged()?;
    let row = NewRow::came(From::Note, "internal-note", Some(acting.name), text, acting);
    let message = insert(tx, acting.tenant, ticket, &row).await?;
    attachments::link(tx, acting.actor, ticket, message, files).await?;
    // Notes make no new version: a reply that was written meanwhile is stopped by what it has seen.
    let payload =
        serde_json::json!({ "changed": ["notes"], "version": known.version, "message_id": message });
    let event = Event { kind: "ticket_update", ticket: Some(ticket), agent: known.assignee_id, payload };
    events::emit(tx, acting.tenant, &event).await?;
    let announcement = match help_desk::step(tx, acting.tenant, ticket).await? {
        Some(job) => jobs::enqueue_one(tx, job).await?.1,
        None => Announcement::default(),
    };
    Ok(Added { ticket, message, version: known.version, announcement })
}

/// Which messages are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    /// Between customer and agents.
    Public,
    /// Notes.
    Notes,
    /// Both.
    All,
}

/// Messages of a ticket, newest first, from before the place of a former page's last one (support role).
///
/// # Errors
/// The database failed.
pub async fn list(
    tx: &mut Tx,
    ticket: TicketId,
    which: Which,
    before: Option<(DateTime<Utc>, MessageId)>,
    limit: i64,
) -> Result<Vec<Stored>, DbError> {
    let (at, id) = before.unzip();
    let internal = match which {
        Which::Public => Some(false),
        Which::Notes => Some(true),
        Which::All => None,
    };
    Ok(sqlx::query_as(sqlx::AssertSqlSafe(format!(
        "select {COLUMNS} from support_app.message m
         where m.ticket_id = $1 and ($2::boolean is null or m.internal = $2)
           and ($3::timestamptz is null or (m.sent_at, m.id) < ($3, $4))
         order by m.sent_at desc, m.id desc limit $5"
    )))
    .bind(ticket)
    .bind(internal)
    .bind(at)
    .bind(id)
    .bind(limit)
    .fetch_all(&mut **tx)
    .await?)
}

/// One message of a ticket (support role).
///
/// # Errors
/// The database failed.
pub async fn get(tx: &mut Tx, ticket: TicketId, message: MessageId) -> Result<Option<Stored>, DbError> {
    Ok(sqlx::query_as(sqlx::AssertSqlSafe(format!(
        "select {COLUMNS} from support_app.message m where m.id = $1 and m.ticket_id = $2"
    )))
    .bind(message)
    .bind(ticket)
    .fetch_optional(&mut **tx)
    .await?)
}

/// The message that was added last, by which a reply says what it has seen (support role).
///
/// # Errors
/// The database failed.
pub async fn last_added(tx: &mut Tx, ticket: TicketId) -> Result<Option<MessageId>, DbError> {
    Ok(sqlx::query_scalar(
        "select id from support_app.message where ticket_id = $1
         order by greatest(created_at, moved_at) desc, id desc limit 1",
    )
    .bind(ticket)
    .fetch_optional(&mut **tx)
    .await?)
}
