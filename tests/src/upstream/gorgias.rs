//! Plays the help desk: tickets, pages of messages, and posted notes that can be listed afterwards.
//!
//! A ticket that nobody seeded is made up, so that a load run needs no preparation.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use chrono::{DateTime, Duration, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{Play, lock};

const MAX_TICKETS: usize = 50_000;
const MAX_MESSAGES: usize = 1000;
const MAX_BODY_CHARS: usize = 4000;

type Answer = Result<(StatusCode, Json<Value>), (StatusCode, Json<Value>)>;

/// A ticket to put there.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SeedTicket {
    /// The subject.
    pub subject: String,
    /// `email`, `chat`, `sms`, ...
    pub channel: String,
    /// Who wrote in.
    pub customer: SeedCustomer,
    /// The conversation, oldest first.
    pub messages: Vec<SeedMessage>,
}

/// The customer of a seeded ticket.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SeedCustomer {
    /// Display name.
    pub name: String,
    /// E-mail address.
    pub email: String,
    /// The shop's own id of the customer.
    #[serde(default)]
    pub external_id: Option<String>,
}

/// A message of a seeded ticket.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SeedMessage {
    /// Written by the shop.
    #[serde(default)]
    pub from_agent: bool,
    /// The text.
    pub text: String,
    /// When; a minute after the one before when absent.
    #[serde(default)]
    pub at: Option<DateTime<Utc>>,
}

/// All tickets, the latest 50,000.
#[derive(Default)]
pub(super) struct Desk {
    tickets: HashMap<u64, Ticket>,
    order: VecDeque<u64>,
    last_message_id: u64,
}

struct Ticket {
    subject: String,
    channel: String,
    customer: SeedCustomer,
    messages: Vec<Value>,
}

impl Desk {
    pub(super) fn seed(&mut self, id: u64, seed: SeedTicket) {
        if self.tickets.remove(&id).is_none() {
            if self.order.len() >= MAX_TICKETS
                && let Some(oldest) = self.order.pop_front()
            {
                self.tickets.remove(&oldest);
            }
            self.order.push_back(id);
        }
        let mut at = Utc::now() - Duration::minutes(i64::try_from(seed.messages.len()).unwrap_or(0));
        let mut messages = Vec::new();
        for message in seed.messages.into_iter().take(MAX_MESSAGES) {
            at = message.at.unwrap_or(at + Duration::minutes(1));
            let body = json!({
                "channel": seed.channel, "via": seed.channel, "from_agent": message.from_agent, "public": true,
                "body_text": shortened(&message.text), "stripped_text": shortened(&message.text),
            });
            messages.push(self.stamped(id, at, body));
        }
        let ticket =
            Ticket { subject: seed.subject, channel: seed.channel, customer: seed.customer, messages };
        self.tickets.insert(id, ticket);
    }

    fn ticket(&mut self, id: u64) -> &mut Ticket {
        if !self.tickets.contains_key(&id) {
            self.seed(id, made_up(id));
        }
        self.tickets.get_mut(&id).expect("seeded just above")
    }

    fn post(&mut self, id: u64, body: Value) -> Value {
        let message = self.stamped(id, Utc::now(), body);
        let messages = &mut self.ticket(id).messages;
        if messages.len() >= MAX_MESSAGES {
            messages.remove(0);
        }
        messages.push(message.clone());
        message
    }

    fn stamped(&mut self, ticket_id: u64, at: DateTime<Utc>, mut body: Value) -> Value {
        self.last_message_id += 1;
        body["id"] = self.last_message_id.into();
        body["ticket_id"] = ticket_id.into();
        body["created_datetime"] = at.to_rfc3339().into();
        body
    }
}

fn made_up(id: u64) -> SeedTicket {
    SeedTicket {
        subject: format!("Question {id}"),
        channel: "email".into(),
        customer: SeedCustomer {
            name: "Sam Example".into(),
            email: format!("customer-{id}@shop.example"),
            external_id: None,
        },
        messages: vec![SeedMessage {
            from_agent: false,
            text: "Hello, where is my order? It has not arrived yet.".into(),
            at: None,
        }],
    }
}

pub(super) async fn ticket(State(play): State<Arc<Play>>, Path(id): Path<u64>, headers: HeaderMap) -> Answer {
    authorised(&headers)?;
    let mut desk = lock(&play.desk);
    let ticket = desk.ticket(id);
    let updated = ticket.messages.last().map_or(Value::Null, |message| message["created_datetime"].clone());
    let body = json!({
        "id": id, "subject": ticket.subject, "status": "open", "channel": ticket.channel, "via": ticket.channel,
        "spam": false, "trashed_datetime": null, "tags": [], "updated_datetime": updated,
        "messages_count": ticket.messages.len(),
        "customer": {"id": id, "name": ticket.customer.name, "email": ticket.customer.email,
            "external_id": ticket.customer.external_id},
    });
    Ok((StatusCode::OK, Json(body)))
}

#[derive(Deserialize)]
pub(super) struct PageQuery {
    ticket_id: Option<u64>,
    cursor: Option<u64>,
    limit: Option<usize>,
    order_by: Option<String>,
}

pub(super) async fn messages(
    State(play): State<Arc<Play>>,
    Query(query): Query<PageQuery>,
    headers: HeaderMap,
) -> Answer {
    authorised(&headers)?;
    let id = query.ticket_id.ok_or_else(|| refused(StatusCode::BAD_REQUEST, "ticket_id is required here"))?;
    page(&play, id, &query)
}

pub(super) async fn ticket_messages(
    State(play): State<Arc<Play>>,
    Path(id): Path<u64>,
    Query(query): Query<PageQuery>,
    headers: HeaderMap,
) -> Answer {
    authorised(&headers)?;
    page(&play, id, &query)
}

/// A page, newest first unless asked otherwise; the cursor is the number of messages already given.
fn page(play: &Play, id: u64, query: &PageQuery) -> Answer {
    let limit = query.limit.unwrap_or(30);
    if !(1..=100).contains(&limit) {
        return Err(refused(StatusCode::BAD_REQUEST, "limit must be between 1 and 100"));
    }
    let skip = usize::try_from(query.cursor.unwrap_or(0)).unwrap_or(usize::MAX);
    let mut desk = lock(&play.desk);
    let messages = &desk.ticket(id).messages;
    let data: Vec<Value> = match query.order_by.as_deref() {
        Some("created_datetime:asc") => messages.iter().skip(skip).take(limit).cloned().collect(),
        _ => messages.iter().rev().skip(skip).take(limit).cloned().collect(),
    };
    let given = skip.saturating_add(data.len());
    let next_cursor = (given < messages.len()).then(|| given.to_string());
    Ok((StatusCode::OK, Json(json!({"object": "list", "data": data, "meta": {"next_cursor": next_cursor}}))))
}

pub(super) async fn post_message(
    State(play): State<Arc<Play>>,
    Path(id): Path<u64>,
    headers: HeaderMap,
    Json(mut body): Json<Value>,
) -> Answer {
    authorised(&headers)?;
    if !body["channel"].is_string() || !body["from_agent"].is_boolean() {
        return Err(refused(StatusCode::BAD_REQUEST, "channel and from_agent are required"));
    }
    for field in ["body_text", "body_html"] {
        if let Some(text) = body[field].as_str() {
            body[field] = shortened(text).into();
        }
    }
    body["public"] = (body["channel"] != "internal-note").into();
    if let Some(external_id) = body["external_id"].as_str() {
        lock(&play.record).note(external_id);
    }
    let message = lock(&play.desk).post(id, body);
    Ok((StatusCode::CREATED, Json(message)))
}

fn authorised(headers: &HeaderMap) -> Result<(), (StatusCode, Json<Value>)> {
    let value = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if value.starts_with("Basic ") || value.starts_with("Bearer ") {
        Ok(())
    } else {
        Err(refused(StatusCode::UNAUTHORIZED, "credentials are missing"))
    }
}

fn refused(status: StatusCode, message: &str) -> (StatusCode, Json<Value>) {
    (status, Json(json!({"error": {"msg": message}})))
}

fn shortened(text: &str) -> String {
    text.chars().take(MAX_BODY_CHARS).collect()
}
