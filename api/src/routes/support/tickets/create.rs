//! Making a ticket.

use accounts::api_keys::Scope;
use axum::extract::State;
use chrono::Utc;
use database::{Role, Tx, address};
use platform::customers::{self, Found};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use support::tickets::change::Customer;
use support::tickets::create::{self, NewTicket};
use support::tickets::message::From as Author;
use support::tickets::words;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{Cause, TicketView, erased, view};
use crate::state::AppState;
use crate::web::auth::{Allowed, Caller};
use crate::web::body::Json;
use crate::web::idempotency::{self, Answer, IdempotencyKey};
use crate::web::problem::{Problem, ProblemDocument};
use crate::web::trail;

/// How urgent a ticket is.
#[derive(Clone, Copy, Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Priority {
    /// Before everything.
    Urgent,
    /// Before the usual.
    High,
    /// The usual.
    #[default]
    Normal,
    /// When there is time.
    Low,
}

impl From<Priority> for words::Priority {
    fn from(priority: Priority) -> words::Priority {
        match priority {
            Priority::Urgent => words::Priority::Urgent,
            Priority::High => words::Priority::High,
            Priority::Normal => words::Priority::Normal,
            Priority::Low => words::Priority::Low,
        }
    }
}

/// Through what a ticket is answered.
#[derive(Clone, Copy, Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "the words are the values on the wire")]
pub enum Channel {
    #[default]
    Email,
    Sms,
    Phone,
    Chat,
    Whatsapp,
    Form,
}

impl From<Channel> for words::Channel {
    fn from(channel: Channel) -> words::Channel {
        match channel {
            Channel::Email => words::Channel::Email,
            Channel::Sms => words::Channel::Sms,
            Channel::Phone => words::Channel::Phone,
            Channel::Chat => words::Channel::Chat,
            Channel::Whatsapp => words::Channel::Whatsapp,
            Channel::Form => words::Channel::Form,
        }
    }
}

/// Who writes a message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Writer {
    /// The customer; only programs may say so.
    Customer,
    /// An agent, to the customer.
    #[default]
    Agent,
}

/// Who a ticket is about: all of it, so what is left out, the ticket says no more.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CustomerReference {
    /// The shop's id; one that the shop has.
    #[serde(default)]
    pub id: Option<String>,
    /// An e-mail address, such as ann@example.com: answers go there.
    #[serde(default)]
    pub email: Option<String>,
    /// The name.
    #[serde(default)]
    pub name: Option<String>,
}

/// The first message.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FirstMessage {
    /// Who wrote it.
    #[serde(default)]
    pub from: Writer,
    /// What it says: 20,000 characters at most, 50,000 of a customer.
    pub text: String,
}

/// A ticket to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "subject": "Where is my order?", "channel": "email", "priority": "normal",
    "customer": {"email": "ann@example.com", "name": "Ann"}, "tags": ["shipping"],
    "message": {"from": "customer", "text": "I ordered two weeks ago."}
}))]
pub struct NewTicketBody {
    /// The subject, 500 characters at most.
    #[serde(default)]
    pub subject: Option<String>,
    /// Through what it is answered.
    #[serde(default)]
    pub channel: Channel,
    /// How urgent it is.
    #[serde(default)]
    pub priority: Priority,
    /// Who it is about.
    #[serde(default)]
    pub customer: CustomerReference,
    /// Tags, 50 at most.
    #[serde(default)]
    pub tags: Vec<String>,
    /// Who looks after it.
    #[serde(default)]
    pub department: Option<String>,
    /// What one must be able to do to answer it.
    #[serde(default)]
    pub skills: Vec<String>,
    /// ISO 639-1.
    #[serde(default)]
    pub language: Option<String>,
    /// The shop's own fields by key.
    #[serde(default)]
    #[schema(value_type = Option<std::collections::HashMap<String, Value>>)]
    pub custom: Map<String, Value>,
    /// The first message.
    #[serde(default)]
    pub message: Option<FirstMessage>,
}

/// A ticket that was made.
#[derive(Debug, Serialize, ToSchema)]
pub struct CreatedTicket {
    /// The ticket.
    #[serde(flatten)]
    pub ticket: TicketView,
    /// Its first message.
    pub message_id: Option<Uuid>,
}

/// Make a ticket.
///
/// A message of a customer asks for a draft; one of an agent goes out after the time to take it back. A ticket is about
/// something or somebody: it needs a subject, a message or a customer.
#[utoipa::path(
    post,
    path = "/api/tickets",
    tag = "tickets",
    params(("Idempotency-Key" = Option<String>, Header, description = "the same key and request have the same answer")),
    request_body = NewTicketBody,
    responses(
        (status = 201, description = "the ticket", body = CreatedTicket),
        (status = 400, description = "a value does not fit, or there is neither a subject nor a message nor a customer", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 409, description = "the customer was erased and did not come back", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 413, description = "a text is too long", body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
pub async fn make(
    State(state): State<AppState>,
    Allowed(caller): Allowed<{ Scope::TicketsWrite as u8 }>,
    key: IdempotencyKey,
    body: Json<NewTicketBody>,
) -> Result<Answer, Problem> {
    check_something(&body.value)?;
    let digest = body.digest;
    let mut tx = state.db.tenant_tx(Role::Support, caller.tenant).await?;
    if let Some(answer) = idempotency::replay(&mut tx, caller.tenant, &key, &digest).await? {
        return Ok(answer);
    }
    let new = new_ticket(&state, &mut tx, &caller, body.value).await?;
    let cause = Cause::of(&caller);
    let created = create::create(&mut tx, &cause.acting(&caller), &new).await?;
    let ticket = view(&mut tx, created.ticket).await?;
    let answer = Answer::created(
        format!("/api/tickets/{}", created.ticket),
        &CreatedTicket { ticket, message_id: created.message.map(|message| message.0) },
    );
    idempotency::keep(&mut tx, caller.tenant, &key, &digest, &answer).await?;
    trail::record(&mut tx, &caller, "ticket.create", &format!("ticket:{}", created.ticket), json!({}))
        .await?;
    state.db.commit(tx).await?;
    state.dispatch.announce(created.announcement);
    Ok(answer)
}

/// A ticket without a subject, a message and a customer is about nothing: nobody could do anything with it.
fn check_something(body: &NewTicketBody) -> Result<(), Problem> {
    let CustomerReference { id, email, name } = &body.customer;
    let is_about_somebody = id.is_some() || email.is_some() || name.is_some();
    if is_about_somebody || body.subject.is_some() || body.message.is_some() {
        return Ok(());
    }
    let problem = "the ticket is about nothing: name a subject, a message or a customer";
    Err(Problem::bad_request("subject", problem))
}

async fn new_ticket(
    state: &AppState,
    tx: &mut Tx,
    caller: &Caller,
    body: NewTicketBody,
) -> Result<NewTicket, Problem> {
    let message = body.message.map(|message| {
        let from = match message.from {
            Writer::Customer => Author::Customer,
            Writer::Agent => Author::Agent,
        };
        (from, message.text)
    });
    if matches!(message, Some((Author::Customer, _))) && caller.agent().is_some() {
        let problem = "only a program may add what a customer wrote; an agent writes a note about it";
        return Err(Problem::bad_request("message.from", problem));
    }
    match message {
        // Who writes has come back by themselves, as by mail.
        Some((Author::Customer, _)) => {
            erased::wrote(state, tx, caller.tenant, body.customer.email.as_deref(), Utc::now()).await?;
        }
        _ => erased::refuse(state, tx, caller.tenant, &body.customer).await?,
    }
    Ok(NewTicket {
        subject: body.subject,
        channel: body.channel.into(),
        priority: body.priority.into(),
        customer: customer(tx, body.customer).await?,
        tags: body.tags,
        department: body.department,
        skills: body.skills,
        language: body.language,
        custom: body.custom,
        message,
    })
}

/// The customer as the shop knows them: an id that it has, or the one whose address it is.
pub(super) async fn customer(tx: &mut Tx, named: CustomerReference) -> Result<Customer, Problem> {
    let fits = |text: &Option<String>, limit: usize| {
        text.as_deref().is_none_or(|text| (1..=limit).contains(&text.trim().chars().count()))
    };
    for (field, text, limit) in [("customer.id", &named.id, 128), ("customer.name", &named.name, 200)] {
        if !fits(text, limit) {
            return Err(Problem::bad_request(field, format!("must have 1 to {limit} characters")));
        }
    }
    let email = named.email.as_deref().map(mail_address).transpose()?;
    let found = customers::find(tx, named.id.as_deref(), email.as_deref()).await?;
    let id = match (found, &named.id) {
        (Found::One(known), _) => Some(known),
        (_, None) => None,
        (_, Some(_)) => {
            let problem =
                "the shop has no such customer; create it by POST /api/customers, or name an address alone";
            return Err(Problem::unprocessable("customer.id", problem));
        }
    };
    Ok(Customer { id, email, name: named.name })
}

/// An address that a mail can go to, in the form in which addresses are compared.
fn mail_address(text: &str) -> Result<String, Problem> {
    address::normal(text).map_err(|problem| Problem::bad_request("customer.email", problem.to_string()))
}
