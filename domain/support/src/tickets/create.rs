//! Making a ticket here, with its first message. It lives here alone: provider `desk`, known by our own id.

use database::Tx;
use database::ids::{MessageId, TicketId};
use jobs::Announcement;
use serde_json::{Map, Value};
use sqlx::types::Json;

use super::change::Customer;
use super::error::TicketError;
use super::lock::Acting;
use super::message::{self, From, NewRow};
use super::words::{self, Channel, Priority, REPLY_LIMIT, SUBJECT_LIMIT, TEXT_LIMIT};
use super::{fields, reply, tags};
use crate::settle::settle;

/// The help desk in which tickets live that were made here.
pub const PROVIDER: &str = "desk";

/// A ticket to be made.
#[derive(Debug, Clone)]
pub struct NewTicket {
    /// Its subject.
    pub subject: Option<String>,
    /// Through what it is answered.
    pub channel: Channel,
    /// How urgent it is.
    pub priority: Priority,
    /// Who it is about.
    pub customer: Customer,
    /// Its tags.
    pub tags: Vec<String>,
    /// The department that it is for.
    pub department: Option<String>,
    /// Skills that it needs.
    pub skills: Vec<String>,
    /// The customer's language, a code of two letters.
    pub language: Option<String>,
    /// Its own fields by name.
    pub custom: Map<String, Value>,
    /// Who wrote it, and what.
    pub message: Option<(From, String)>,
}

/// Where a ticket comes from, when it follows another.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Origin {
    pub(crate) follow_up_of: Option<TicketId>,
    pub(crate) split_from: Option<TicketId>,
}

/// A ticket that was made.
#[derive(Debug)]
pub struct Created {
    /// The ticket.
    pub ticket: TicketId,
    /// Its first message, if it has one.
    pub message: Option<MessageId>,
    /// To be announced after the commit.
    pub announcement: Announcement,
}

/// Makes a ticket (support role).
///
/// # Errors
/// A value does not fit, or the database failed.
pub async fn create(tx: &mut Tx, acting: &Acting<'_>, new: &NewTicket) -> Result<Created, TicketError> {
    acting.tell(tx, None).await?;
    let ticket = insert(tx, acting, new, Origin::default()).await?;
    let mut announcement = Announcement::default();
    let message = match &new.message {
        None => None,
        Some((From::Agent, text)) => {
            let text = words::text("message.text", text, REPLY_LIMIT)?;
            let (id, more) = reply::add_first(tx, acting, ticket, new.channel.name(), text).await?;
            announcement.merge(more);
            Some(id)
        }
        Some((from, text)) => {
            let text = words::text("message.text", text, TEXT_LIMIT)?;
            let sender = match from {
                From::Customer => new.customer.name.as_deref(),
                _ => Some(acting.name),
            };
            let row = NewRow::came(*from, new.channel.name(), sender, text, acting);
            let id = message::insert(tx, acting.tenant, ticket, &row).await?;
            message::recount(tx, ticket, i32::from(*from == From::Customer)).await?;
            Some(id)
        }
    };
    if let Some(settled) = settle(tx, acting.tenant, ticket, acting.now).await? {
        announcement.merge(settled.announcement);
    }
    if matches!(new.message, Some((From::Customer, _))) {
        announcement.merge(message::ask_for_draft(tx, acting, ticket).await?);
    }
    Ok(Created { ticket, message, announcement })
}

pub(crate) async fn insert(
    tx: &mut Tx,
    acting: &Acting<'_>,
    new: &NewTicket,
    origin: Origin,
) -> Result<TicketId, TicketError> {
    let optional =
        |field, text: Option<&String>, limit| text.map(|text| words::short(field, text, limit)).transpose();
    let custom = match new.custom.is_empty() {
        true => Map::new(),
        false => fields::changed(&fields::list(tx).await?, &Map::new(), &new.custom)?,
    };
    let by_agent = acting.agent.is_some() && !matches!(new.message, Some((From::Customer, _)));
    let tags = tags::spelled(tx, &[], words::words("tags", &new.tags)?).await?;
    let ticket = TicketId::new();
    sqlx::query(
        "insert into support_app.ticket
             (id, tenant_id, number, provider, external_id, subject, channel, source, status, priority, customer_id,
              customer_email, customer_name, tags, department, skills, language, custom, opened_by_agent,
              follow_up_of, split_from)
         values ($1, $2, support_app.next_ticket_number(), $3, $1::text, $4, $5, $6, 'open', $7, $8, $9, $10, $11, $12,
                 $13, $14, $15, $16, $17, $18)",
    )
    .bind(ticket)
    .bind(acting.tenant)
    .bind(PROVIDER)
    .bind(optional("subject", new.subject.as_ref(), SUBJECT_LIMIT)?)
    .bind(new.channel.name())
    .bind(new.channel.source())
    .bind(new.priority.name())
    .bind(optional("customer.id", new.customer.id.as_ref(), 128)?)
    .bind(optional("customer.email", new.customer.email.as_ref(), 320)?.map(|email| email.to_lowercase()))
    .bind(optional("customer.name", new.customer.name.as_ref(), 200)?)
    .bind(tags)
    .bind(optional("department", new.department.as_ref(), 100)?)
    .bind(words::words("skills", &new.skills)?)
    .bind(new.language.as_deref().map(words::language).transpose()?)
    .bind(Json(custom))
    .bind(by_agent)
    .bind(origin.follow_up_of)
    .bind(origin.split_from)
    .execute(&mut **tx)
    .await?;
    Ok(ticket)
}
