//! A webhook body as one type, whichever of the accepted shapes it has.

use chrono::{DateTime, TimeDelta, Utc};

use accounts::foreign::json::NotJson;
use serde_json::value::RawValue;

pub use super::parse::{parse, parse_body};
use super::remarks::{Remark, Remarks};
use super::wrapping::unwrapped;

/// A body that is JSON whatever the sender made of it, as it is stored and read.
#[derive(Debug, Clone)]
pub struct Body {
    /// The JSON text; numbers have the digits that were sent.
    pub json: Box<RawValue>,
    /// What had to be mended.
    pub mended: Remarks,
}

impl Body {
    /// The body out of the bytes that came.
    ///
    /// # Errors
    /// It is not JSON, and nothing that JSON could be made of.
    pub fn of(bytes: &[u8]) -> Result<Body, DeliveryError> {
        let (cleaned, wrappings) = unwrapped(bytes)?;
        let mut mended = Remarks::of_body(&cleaned);
        for wrapping in wrappings {
            mended.add("(body)", wrapping);
        }
        let json = RawValue::from_string(cleaned.text)
            .map_err(|error| DeliveryError::NotJson { line: error.line(), column: error.column() })?;
        Ok(Body { json, mended })
    }

    /// A body that was stored before, and mended then.
    pub fn stored(json: Box<RawValue>) -> Body {
        Body { json, mended: Remarks::default() }
    }
}

/// How far ahead of ours a clock may be, with the hours by which a place may be ahead of UTC.
const AHEAD: TimeDelta = TimeDelta::days(1);

/// What a webhook tells.
#[derive(Debug, Clone, PartialEq)]
pub struct Delivery {
    /// The sender's id of this event, the same when it is sent again.
    pub event_id: Option<String>,
    /// For example `ticket-message-created`.
    pub event_type: Option<String>,
    /// When it happened, by the sender's clock.
    pub occurred_at: Option<DateTime<Utc>>,
    /// The ticket concerned.
    pub ticket: Ticket,
    /// The message concerned, if the delivery is about one.
    pub message: Option<Message>,
    /// The message concerned has neither an id nor a text, and there is no other: nobody said anything.
    pub is_silent: bool,
    /// What did not fit, and what became of it.
    pub remarks: Vec<Remark>,
}

impl Delivery {
    /// Every message told of, oldest first, each once.
    pub fn messages(&self) -> Vec<&Message> {
        let mut messages: Vec<&Message> = Vec::with_capacity(self.ticket.messages.len() + 1);
        for told in self.ticket.messages.iter().chain(&self.message) {
            match messages.iter_mut().find(|other| other.id == told.id) {
                // Told of twice, and one of the two without its text.
                Some(other) if other.body_text.is_empty() => *other = told,
                Some(_) => {}
                None => messages.push(told),
            }
        }
        // One without a time is news just told of.
        messages.sort_by_key(|message| message.sent_at.unwrap_or(DateTime::<Utc>::MAX_UTC));
        messages
    }

    /// The same without the times that are yet to come (`2099` for "never"), with remarks on them; none when there are none.
    pub fn without_future(&self, now: DateTime<Utc>) -> Option<Delivery> {
        let is_to_come = |at: Option<DateTime<Utc>>| at.is_some_and(|at| at > now + AHEAD);
        let messages = self.ticket.messages.iter().chain(&self.message);
        let mut times = [self.occurred_at, self.ticket.created_at, self.ticket.updated_at]
            .into_iter()
            .chain(messages.map(|message| message.sent_at));
        if !times.any(is_to_come) {
            return None;
        }
        let mut bounded = self.clone();
        let Delivery { occurred_at, ticket, message, remarks, .. } = &mut bounded;
        let times = [
            ("created_datetime".to_owned(), occurred_at),
            ("ticket.created_datetime".to_owned(), &mut ticket.created_at),
            ("ticket.updated_datetime".to_owned(), &mut ticket.updated_at),
        ];
        let listed = ticket.messages.iter_mut().enumerate();
        let listed = listed.map(|(index, message)| {
            (format!("ticket.messages[{index}].sent_datetime"), &mut message.sent_at)
        });
        let concerned =
            message.as_mut().map(|message| ("message.sent_datetime".to_owned(), &mut message.sent_at));
        for (field, time) in
            times.into_iter().chain(listed).chain(concerned).filter(|(_, at)| is_to_come(**at))
        {
            *time = None;
            let problem = "is more than a day in the future; it was left out";
            remarks.push(Remark { field: field.into(), problem: problem.into() });
        }
        Some(bounded)
    }

    /// The address of who wrote: the sender of the message concerned, or of the customer's newest one; the ticket's
    /// customer only where no message names anybody.
    pub fn writer(&self) -> Option<&str> {
        let newest = || self.messages().into_iter().rfind(|message| !message.internal && !message.from_agent);
        let concerned = self.message.as_ref().filter(|message| !message.by_machine);
        let sender = concerned.or_else(newest).and_then(|message| message.sender_email.as_deref());
        sender.or(self.ticket.customer.email.as_deref())
    }
}

/// A ticket as the help desk sees it.
#[derive(Debug, Clone, PartialEq)]
pub struct Ticket {
    /// The help desk's id.
    pub id: String,
    /// Subject line.
    pub subject: Option<String>,
    /// Where the conversation stands.
    pub status: Option<Status>,
    /// How urgent it is.
    pub priority: Option<Priority>,
    /// Channel name, lower case, as the help desk calls it.
    pub channel: Option<String>,
    /// How it entered the help desk, lower case.
    pub via: Option<String>,
    /// Marked as spam.
    pub spam: bool,
    /// In the trash or deleted.
    pub deleted: bool,
    /// Whether an agent created it; the help desk's field or one in `meta`.
    pub created_by_agent: Option<bool>,
    /// Tag names; none when the delivery does not mention tags.
    pub tags: Option<Vec<String>>,
    /// Who wrote in.
    pub customer: Customer,
    /// Who of the shop has it: an address in small letters, nothing for nobody; none when the delivery does not say.
    pub assignee: Option<String>,
    /// Messages, as far as the body has them, in its order.
    pub messages: Vec<Message>,
    /// How many messages the help desk counts, internal notes included.
    pub message_count: Option<i32>,
    /// Creation time.
    pub created_at: Option<DateTime<Utc>>,
    /// Time of the last change.
    pub updated_at: Option<DateTime<Utc>>,
}

/// A ticket's customer as the help desk knows them; every field may be missing.
#[derive(Clone, PartialEq, Default)]
pub struct Customer {
    /// The help desk's id.
    pub id: Option<String>,
    /// The shop's own id.
    pub external_id: Option<String>,
    /// E-mail address.
    pub email: Option<String>,
    /// Full name.
    pub name: Option<String>,
}

/// One message of a conversation.
#[derive(Clone, PartialEq)]
pub struct Message {
    /// The help desk's id.
    pub id: String,
    /// Written by an agent (or by us).
    pub from_agent: bool,
    /// An internal note, never shown to the customer.
    pub internal: bool,
    /// Sent by one of the help desk's rules or a bot ("we got your mail"), which is no answer.
    pub by_machine: bool,
    /// Channel name, lower case.
    pub channel: Option<String>,
    /// How it entered the help desk, lower case.
    pub via: Option<String>,
    /// Our own marker on messages that we posted.
    pub external_id: Option<String>,
    /// Sender's name.
    pub sender_name: Option<String>,
    /// Sender's e-mail address.
    pub sender_email: Option<String>,
    /// Plain text; of an HTML-only message what was written in it.
    pub body_text: String,
    /// When it was sent, else created.
    pub sent_at: Option<DateTime<Utc>>,
}

/// Where a conversation stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// Waiting for the desk.
    Open,
    /// Waiting for the customer.
    Pending,
    /// Answered.
    Resolved,
    /// Over.
    Closed,
}

impl Status {
    /// The text form, as stored.
    pub fn name(self) -> &'static str {
        match self {
            Status::Open => "open",
            Status::Pending => "pending",
            Status::Resolved => "resolved",
            Status::Closed => "closed",
        }
    }
}

/// How urgent a ticket is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Priority {
    /// Before everything else.
    Urgent,
    /// Soon.
    High,
    /// The usual.
    Normal,
    /// When there is time.
    Low,
}

impl Priority {
    /// The text form, as stored.
    pub fn name(self) -> &'static str {
        match self {
            Priority::Urgent => "urgent",
            Priority::High => "high",
            Priority::Normal => "normal",
            Priority::Low => "low",
        }
    }
}

/// Why a body is not a delivery. The texts name fields and never repeat the body.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DeliveryError {
    /// The body is not JSON.
    #[error(
        "the body is not JSON (line {line}, column {column}); send a ticket, or an event with its ticket, as JSON; where a \
         variable stands within quotation marks, its own must be escaped: use the template's filter for JSON"
    )]
    NotJson {
        /// Line of the first fault, from 1.
        line: usize,
        /// Column of the first fault, from 1.
        column: usize,
    },
    /// A required field is missing or null.
    #[error("the field {field} is missing; add it to the webhook's template in the help desk")]
    Missing {
        /// Path, for example `ticket.id`.
        field: String,
    },
    /// A field has a value that it cannot have.
    #[error("the field {field} {problem}")]
    Wrong {
        /// Path, for example `ticket.messages[2].id`.
        field: String,
        /// Of what kind the value is, and what it should be.
        problem: String,
    },
}

impl From<NotJson> for DeliveryError {
    fn from(NotJson { line, column }: NotJson) -> DeliveryError {
        DeliveryError::NotJson { line, column }
    }
}

impl DeliveryError {
    /// The field at fault, if the body is JSON.
    pub fn field(&self) -> Option<&str> {
        match self {
            DeliveryError::NotJson { .. } => None,
            DeliveryError::Missing { field } | DeliveryError::Wrong { field, .. } => Some(field),
        }
    }
}

impl std::fmt::Debug for Customer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Customer").field("id", &self.id).finish_non_exhaustive()
    }
}

impl std::fmt::Debug for Message {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Message")
            .field("id", &self.id)
            .field("from_agent", &self.from_agent)
            .field("internal", &self.internal)
            .finish_non_exhaustive()
    }
}
