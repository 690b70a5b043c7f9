//! Tickets and their messages, as told by a help desk in any order and any number of times.

use std::borrow::Cow;

use chrono::{DateTime, Utc};
use serde::Serialize;
use sqlx::FromRow;
use sqlx::types::Json;
use uuid::Uuid;

use super::error::TicketError;
use crate::gorgias::delivery::Delivery;
use crate::gorgias::history;
use crate::gorgias::source::{self, Source};
use crate::gorgias::words;
use crate::mail::quotes;
use crate::order::place;
use database::ids::{TenantId, TicketId};
use database::nul::strip_text;
use database::{DbError, Tx};

/// What a delivery tells of its ticket, as `support_app.upsert_ticket` reads it. Older news never overwrite newer
/// ones, and the count of messages never falls.
#[derive(Serialize)]
pub(crate) struct ToldTicket<'a> {
    /// For a ticket that is not known yet.
    id: TicketId,
    provider: &'a str,
    external_id: &'a str,
    subject: Option<&'a str>,
    channel: Option<&'a str>,
    /// None when the delivery says nothing that tells the source.
    source: Option<&'static str>,
    status: Option<&'static str>,
    priority: Option<&'static str>,
    customer_id: Option<&'a str>,
    customer_external_id: Option<&'a str>,
    customer_email: Option<&'a str>,
    customer_name: Option<&'a str>,
    /// None when the delivery does not mention them.
    tags: Option<&'a [String]>,
    external_updated_at: Option<DateTime<Utc>>,
    /// The customer's newest message here: whether it goes on with a ticket that is final.
    customer_message: Option<&'a str>,
    customer_wrote_at: Option<DateTime<Utc>>,
    /// Who has it: an address, nothing for nobody; none when the delivery does not say.
    assignee: Option<&'a str>,
    /// A total told without saying which messages are notes; it may include the note that this very delivery tells of.
    message_count: Option<i32>,
}

impl<'a> ToldTicket<'a> {
    pub(crate) fn of(provider: &'a str, delivery: &'a Delivery) -> ToldTicket<'a> {
        let ticket = &delivery.ticket;
        let customer = &ticket.customer;
        let messages = delivery.messages();
        let newest_message = messages.iter().filter_map(|message| message.sent_at).max();
        let by_customer = messages.iter().filter(|message| !message.from_agent && !message.internal);
        let heard = by_customer.max_by_key(|message| message.sent_at.or(delivery.occurred_at));
        ToldTicket {
            id: TicketId::new(),
            provider,
            external_id: &ticket.id,
            subject: ticket.subject.as_deref(),
            channel: ticket.channel.as_deref(),
            source: Some(source::detect(delivery))
                .filter(|found| *found != Source::Unknown)
                .map(Source::name),
            status: ticket.status.map(|status| status.name()),
            priority: ticket.priority.map(|priority| priority.name()),
            customer_id: customer.external_id.as_deref(),
            customer_external_id: customer.id.as_deref(),
            customer_email: customer.email.as_deref(),
            customer_name: customer.name.as_deref(),
            tags: ticket.tags.as_deref(),
            external_updated_at: ticket.updated_at.or(delivery.occurred_at).or(newest_message),
            customer_message: heard.map(|message| message.id.as_str()),
            customer_wrote_at: heard.and_then(|message| message.sent_at.or(delivery.occurred_at)),
            assignee: ticket.assignee.as_deref(),
            message_count: ticket.message_count,
        }
    }
}

/// A message to be stored.
#[derive(Clone, PartialEq)]
pub struct NewMessage {
    /// The help desk's id.
    pub external_id: String,
    /// Written by an agent or by us.
    pub from_agent: bool,
    /// An internal note.
    pub internal: bool,
    /// Sent by a rule or a bot, which answers nobody.
    pub by_machine: bool,
    /// Channel name.
    pub channel: String,
    /// Sender's name.
    pub sender_name: Option<String>,
    /// Plain text.
    pub body_text: String,
    /// When it was sent.
    pub sent_at: DateTime<Utc>,
}

/// Adds messages that are not known yet (support role), and returns the ticket's count of messages, internal
/// notes not counted. `told_count` is what the help desk counts, notes included, when it says.
pub async fn store_messages(
    tx: &mut Tx,
    tenant: TenantId,
    ticket: TicketId,
    messages: &[NewMessage],
    told_count: Option<i32>,
) -> Result<i32, DbError> {
    let count = sqlx::query_scalar("select support_app.store_messages($1, $2, $3, $4)")
        .bind(tenant)
        .bind(ticket)
        .bind(Json(documents(messages)))
        .bind(told_count)
        .fetch_one(&mut **tx)
        .await?;
    Ok(count)
}

/// A message as `support_app.store_messages` reads it.
#[derive(Serialize)]
pub(crate) struct MessageDocument<'a> {
    id: Uuid,
    external_id: &'a str,
    from_agent: bool,
    internal: bool,
    by_machine: bool,
    channel: &'a str,
    sender_name: Option<&'a str>,
    body_text: Cow<'a, str>,
    sent_at: DateTime<Utc>,
    /// Of a message whose id somebody's template wrote.
    #[serde(flatten)]
    doubted: Option<Doubted>,
}

/// What tells a message from another one of the same id.
#[derive(Serialize)]
struct Doubted {
    /// The id that it has when it is another one.
    text_id: String,
    /// The id that it has when its text was said before, and is said again at its own time.
    #[serde(skip_serializing_if = "Option::is_none")]
    again_id: Option<String>,
    /// Its text without the history that mail programs append, where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    without_history: Option<String>,
    /// Whether its time is told and its own: the same text that was changed has the same time.
    is_timed: bool,
}

/// Each message with an id of our own.
fn documents(messages: &[NewMessage]) -> Vec<MessageDocument<'_>> {
    messages
        .iter()
        .map(|message| MessageDocument {
            id: Uuid::now_v7(),
            external_id: &message.external_id,
            from_agent: message.from_agent,
            internal: message.internal,
            by_machine: message.by_machine,
            channel: &message.channel,
            sender_name: message.sender_name.as_deref(),
            body_text: strip_text(&message.body_text),
            sent_at: message.sent_at,
            doubted: None,
        })
        .collect()
}

/// The same of the messages that a delivery tells of. `now` stands in for times that it leaves out.
pub(crate) fn told_documents(delivery: &Delivery, now: DateTime<Utc>) -> Vec<MessageDocument<'_>> {
    let ticket = &delivery.ticket;
    delivery
        .messages()
        .into_iter()
        .map(|message| MessageDocument {
            id: Uuid::now_v7(),
            external_id: &message.id,
            from_agent: message.from_agent,
            internal: message.internal,
            by_machine: message.by_machine,
            channel: message.channel.as_deref().or(ticket.channel.as_deref()).unwrap_or("unknown"),
            sender_name: message.sender_name.as_deref(),
            body_text: strip_text(&message.body_text),
            sent_at: message.sent_at.or(delivery.occurred_at).unwrap_or(now),
            doubted: Some(message).filter(|message| !message.body_text.is_empty()).map(|message| {
                // Whoever writes the ticket's id there writes the ticket's time, too.
                let own_time = message.sent_at.filter(|_| message.id != ticket.id);
                Doubted {
                    text_id: words::id_of(message.from_agent, &message.body_text),
                    again_id: own_time.map(|at| words::id_at(message.from_agent, &message.body_text, at)),
                    without_history: quotes::stripped(&message.body_text),
                    is_timed: own_time.is_some(),
                }
            }),
        })
        .collect()
}

/// A ticket. Printing it for debugging shows no personal data.
#[derive(Clone, PartialEq, Serialize, FromRow)]
pub struct Ticket {
    /// Our id.
    pub id: TicketId,
    /// The tenant's running number, with gaps.
    pub number: i64,
    /// Which help desk it lives in.
    pub provider: String,
    /// The help desk's id.
    pub external_id: String,
    /// Subject line.
    pub subject: Option<String>,
    /// Channel as the help desk names it.
    pub channel: String,
    /// Through which door it came in, as detected.
    pub source: String,
    /// open, pending, resolved or closed.
    pub status: String,
    /// urgent, high, normal or low.
    pub priority: String,
    /// The shop's id of the customer.
    pub customer_id: Option<String>,
    /// The help desk's id of the customer.
    pub customer_external_id: Option<String>,
    /// The customer's e-mail address.
    pub customer_email: Option<String>,
    /// The customer's name.
    pub customer_name: Option<String>,
    /// The shop's id of whom a look found.
    #[serde(skip)]
    pub known_customer: Option<String>,
    /// What it looked by.
    #[serde(skip)]
    pub looked_up_for: Option<String>,
    /// Tag names.
    pub tags: Vec<String>,
    /// Messages between customer and agents, internal notes not counted.
    pub message_count: i32,
    /// Time of the newest of them.
    pub last_message_at: Option<DateTime<Utc>>,
    /// Whether an agent wrote the newest of them.
    pub agent_spoke_last: bool,
    /// When we first heard of it.
    pub created_at: DateTime<Utc>,
    /// When we last heard of it.
    pub updated_at: DateTime<Utc>,
    /// When its customer was erased, if they were.
    pub erased_at: Option<DateTime<Utc>>,
}

impl Ticket {
    /// The shop's id of the customer: as the ticket tells it, else of whom a look found by what it tells now.
    pub fn shops_customer(&self) -> Option<&str> {
        let (id, email) = (self.customer_id.as_deref(), self.customer_email.as_deref());
        let desk_id = self.customer_external_id.as_deref();
        // Closed tickets were looked up before the help desk's id named anybody.
        let is_of_now = |told: &String| {
            [desk_id, None].iter().any(|desk_id| *told == place::contact(id, email, *desk_id))
        };
        let known =
            || self.known_customer.as_deref().filter(|_| self.looked_up_for.as_ref().is_some_and(is_of_now));
        id.or_else(known)
    }

    /// Refuses what is left of an erased customer: there is nobody to be answered, and nothing to be answered.
    ///
    /// # Errors
    /// Its customer was erased.
    pub fn of_somebody(self) -> Result<Ticket, TicketError> {
        if self.erased_at.is_some() { Err(TicketError::Erased) } else { Ok(self) }
    }
}

impl std::fmt::Debug for Ticket {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ticket")
            .field("id", &self.id)
            .field("external_id", &self.external_id)
            .field("status", &self.status)
            .field("message_count", &self.message_count)
            .finish_non_exhaustive()
    }
}

/// The ticket of our id, if it is the tenant's (support role).
pub async fn get(tx: &mut Tx, ticket: TicketId) -> Result<Option<Ticket>, DbError> {
    Ok(sqlx::query_as("select * from support_app.ticket where id = $1")
        .bind(ticket)
        .fetch_optional(&mut **tx)
        .await?)
}

/// The ticket that a caller names by our id or by the help desk's (support role).
pub async fn find(tx: &mut Tx, provider: &str, reference: &str) -> Result<Option<Ticket>, DbError> {
    if let Ok(id) = reference.parse::<TicketId>() {
        return get(tx, id).await;
    }
    Ok(sqlx::query_as(
        "select * from support_app.ticket
         where tenant_id = shared.current_tenant() and provider = $1 and external_id = $2",
    )
    .bind(provider)
    .bind(strip_text(reference))
    .fetch_optional(&mut **tx)
    .await?)
}

/// A stored message. Printing it for debugging shows no personal data.
#[derive(Clone, PartialEq, Serialize, FromRow)]
pub struct Message {
    /// The help desk's id.
    pub external_id: String,
    /// Written by an agent or by us.
    pub from_agent: bool,
    /// An internal note.
    pub internal: bool,
    /// Channel name.
    pub channel: String,
    /// Sender's name.
    pub sender_name: Option<String>,
    /// Plain text.
    pub body_text: String,
    /// When it was sent.
    pub sent_at: DateTime<Utc>,
}

impl std::fmt::Debug for Message {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Message")
            .field("external_id", &self.external_id)
            .field("from_agent", &self.from_agent)
            .field("internal", &self.internal)
            .finish_non_exhaustive()
    }
}

/// The newest `limit` messages between customer and agents, oldest first, without internal notes, what machines sent, and
/// the history that mails quote (support role).
pub async fn thread(tx: &mut Tx, ticket: TicketId, limit: u32) -> Result<Vec<Message>, DbError> {
    let mut newest_first: Vec<Message> = sqlx::query_as(
        "select external_id, from_agent, internal, channel, sender_name, coalesce(stripped_text, body_text) as body_text, sent_at
         from support_app.message where ticket_id = $1 and not internal and not by_machine
         order by sent_at desc, id desc limit $2",
    )
    .bind(ticket)
    .bind(i64::from(limit))
    .fetch_all(&mut **tx)
    .await?;
    newest_first.reverse();
    // What a help desk sends as plain text has the shop's own words below the customer's.
    for message in newest_first.iter_mut().filter(|message| !message.from_agent) {
        if let Some(own) = history::without(&message.body_text) {
            message.body_text = own;
        }
    }
    Ok(newest_first)
}
