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
    /// What was deleted for good.
    forgotten: Vec<Forgotten>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Forgotten {
    Ticket(u64),
    Customer(u64),
}

struct Ticket {
    subject: String,
    channel: String,
    customer: SeedCustomer,
    messages: Vec<Value>,
    status: String,
    snooze: Value,
    tags: Vec<String>,
    /// The address of who has it.
    assignee: Option<String>,
    updated: DateTime<Utc>,
}

/// People of the shop whom the help desk knows; their ids are their places, from 1.
pub const USERS: [&str; 3] = ["bea@shop.example", "cem@shop.example", "only-there@shop.example"];

/// What the help desk has of a ticket.
#[derive(Debug, Clone, PartialEq)]
pub struct SeenTicket {
    /// open or closed.
    pub status: String,
    /// Until when it sleeps.
    pub snooze: Option<String>,
    /// Its tags.
    pub tags: Vec<String>,
    /// The address of who has it.
    pub assignee: Option<String>,
    /// Its messages, as it tells them.
    pub messages: Vec<Value>,
}

/// What somebody does in the help desk itself.
#[derive(Debug, Clone, PartialEq)]
pub enum Work {
    /// Opens or closes the ticket.
    Status(&'static str),
    /// Adds a tag.
    Tag(&'static str),
    /// Takes a tag away.
    Untag(&'static str),
    /// Gives it to somebody, by address, or to nobody.
    Assign(Option<&'static str>),
    /// Answers the customer.
    Reply(String),
    /// The customer writes.
    Hear(String),
    /// The last message turns out to be one that cannot be sent.
    FailLast,
}

impl Desk {
    pub(super) fn seed(&mut self, id: u64, mut seed: SeedTicket) {
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
        for message in std::mem::take(&mut seed.messages).into_iter().take(MAX_MESSAGES) {
            at = message.at.unwrap_or(at + Duration::minutes(1));
            let body = json!({
                "channel": seed.channel, "via": seed.channel, "from_agent": message.from_agent, "public": true,
                "body_text": shortened(&message.text), "stripped_text": shortened(&message.text),
            });
            messages.push(self.stamped(id, at, body));
        }
        let SeedTicket { subject, channel, customer, .. } = seed;
        let (status, snooze, tags) = ("open".to_owned(), Value::Null, Vec::new());
        let ticket = Ticket {
            subject,
            channel,
            customer,
            messages,
            status,
            snooze,
            tags,
            assignee: None,
            updated: Utc::now(),
        };
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
        self.ticket(id).updated = Utc::now();
        message
    }

    pub(super) fn forgotten(&self) -> Vec<String> {
        let named = |one: &Forgotten| match one {
            Forgotten::Ticket(id) => format!("ticket {id}"),
            Forgotten::Customer(id) => format!("customer {id}"),
        };
        self.forgotten.iter().map(named).collect()
    }

    /// Deletes it unless that was done before.
    fn forget(&mut self, what: Forgotten) -> Result<StatusCode, (StatusCode, Json<Value>)> {
        if self.forgotten.contains(&what) {
            return Err(refused(StatusCode::NOT_FOUND, "there is no such thing"));
        }
        if let Forgotten::Ticket(id) = what {
            self.tickets.remove(&id);
            self.order.retain(|known| *known != id);
        }
        self.forgotten.push(what);
        Ok(StatusCode::NO_CONTENT)
    }

    pub(super) fn seen(&mut self, id: u64) -> SeenTicket {
        let ticket = self.ticket(id);
        SeenTicket {
            status: ticket.status.clone(),
            snooze: ticket.snooze.as_str().map(str::to_owned),
            tags: ticket.tags.clone(),
            assignee: ticket.assignee.clone(),
            messages: ticket.messages.clone(),
        }
    }

    pub(super) fn work(&mut self, id: u64, work: &Work) {
        let ticket = self.ticket(id);
        ticket.updated = Utc::now();
        let channel = ticket.channel.clone();
        let message = |from_agent: bool, text: &str| json!({"channel": channel, "via": channel, "from_agent": from_agent, "public": true, "body_text": text, "stripped_text": text});
        match work {
            Work::Status(status) => {
                (*status).clone_into(&mut ticket.status);
                ticket.snooze = Value::Null;
            }
            Work::Tag(tag) => ticket.tag(&[(*tag).to_owned()]),
            Work::Untag(tag) => ticket.tags.retain(|known| known != tag),
            Work::Assign(who) => ticket.assignee = who.map(str::to_owned),
            Work::Reply(text) => drop(self.post(id, message(true, text))),
            Work::Hear(text) => {
                "open".clone_into(&mut ticket.status);
                let message = message(false, text);
                self.post(id, message);
            }
            Work::FailLast => {
                if let Some(last) = ticket.messages.last_mut() {
                    last["failed_datetime"] = Utc::now().to_rfc3339().into();
                }
            }
        }
    }

    fn stamped(&mut self, ticket_id: u64, at: DateTime<Utc>, mut body: Value) -> Value {
        self.last_message_id += 1;
        body["id"] = self.last_message_id.into();
        body["ticket_id"] = ticket_id.into();
        body["created_datetime"] = at.to_rfc3339().into();
        body
    }
}

impl Ticket {
    fn tag(&mut self, tags: &[String]) {
        for tag in tags {
            if !self.tags.contains(tag) {
                self.tags.push(tag.clone());
            }
        }
    }

    fn document(&self, id: u64) -> Value {
        json!({
            "id": id, "subject": self.subject, "status": self.status, "channel": self.channel, "via": self.channel,
            "assignee_user": self.assignee.as_ref().map(|email| json!({"id": user_id(email), "email": email})),
            "spam": false, "trashed_datetime": null, "snooze_datetime": self.snooze,
            "tags": self.tags.iter().map(|tag| json!({"name": tag})).collect::<Vec<_>>(),
            "updated_datetime": self.updated.to_rfc3339(), "messages_count": self.messages.len(),
            "customer": {"id": id, "name": self.customer.name, "email": self.customer.email,
                "external_id": self.customer.external_id},
        })
    }
}

/// Tickets, those that changed last first; the cursor is the number of those already given.
pub(super) async fn tickets(
    State(play): State<Arc<Play>>,
    Query(query): Query<PageQuery>,
    headers: HeaderMap,
) -> Answer {
    authorised(&headers)?;
    let limit = query.limit.unwrap_or(30).clamp(1, 100);
    let skip = usize::try_from(query.cursor.unwrap_or(0)).unwrap_or(usize::MAX);
    let desk = lock(&play.desk);
    // A customer has the id of their ticket.
    let is_asked = |id: &u64| query.customer_id.is_none_or(|customer| customer == *id);
    let mut all: Vec<(&u64, &Ticket)> = desk.tickets.iter().filter(|(id, _)| is_asked(id)).collect();
    all.sort_by_key(|(id, ticket)| (std::cmp::Reverse(ticket.updated), **id));
    let data: Vec<Value> =
        all.iter().skip(skip).take(limit).map(|(id, ticket)| ticket.document(**id)).collect();
    let given = skip.saturating_add(data.len());
    let next_cursor = (given < all.len()).then(|| given.to_string());
    Ok((StatusCode::OK, Json(json!({"object": "list", "data": data, "meta": {"next_cursor": next_cursor}}))))
}

/// Customers, those of an address when one is asked for. Each has the id of their ticket.
pub(super) async fn customers(
    State(play): State<Arc<Play>>,
    Query(query): Query<PageQuery>,
    headers: HeaderMap,
) -> Answer {
    authorised(&headers)?;
    let limit = query.limit.unwrap_or(30).clamp(1, 100);
    let skip = usize::try_from(query.cursor.unwrap_or(0)).unwrap_or(usize::MAX);
    let desk = lock(&play.desk);
    let is_asked = |ticket: &Ticket| {
        query.email.as_deref().is_none_or(|email| ticket.customer.email.eq_ignore_ascii_case(email))
    };
    let mut all: Vec<(&u64, &Ticket)> = desk
        .tickets
        .iter()
        .filter(|(id, ticket)| is_asked(ticket) && !desk.forgotten.contains(&Forgotten::Customer(**id)))
        .collect();
    all.sort_by_key(|(id, _)| **id);
    let shown = |(id, ticket): &(&u64, &Ticket)| {
        json!({"id": id, "email": ticket.customer.email, "name": ticket.customer.name,
            "channels": [{"type": "email", "address": ticket.customer.email}]})
    };
    let data: Vec<Value> = all.iter().skip(skip).take(limit).map(shown).collect();
    let given = skip.saturating_add(data.len());
    let next_cursor = (given < all.len()).then(|| given.to_string());
    Ok((StatusCode::OK, Json(json!({"object": "list", "data": data, "meta": {"next_cursor": next_cursor}}))))
}

pub(super) async fn delete_ticket(
    State(play): State<Arc<Play>>,
    Path(id): Path<u64>,
    headers: HeaderMap,
) -> Result<StatusCode, (StatusCode, Json<Value>)> {
    authorised(&headers)?;
    lock(&play.desk).forget(Forgotten::Ticket(id))
}

pub(super) async fn delete_customer(
    State(play): State<Arc<Play>>,
    Path(id): Path<u64>,
    headers: HeaderMap,
) -> Result<StatusCode, (StatusCode, Json<Value>)> {
    authorised(&headers)?;
    lock(&play.desk).forget(Forgotten::Customer(id))
}

pub(super) async fn put_ticket(
    State(play): State<Arc<Play>>,
    Path(id): Path<u64>,
    headers: HeaderMap,
    Json(body): Json<Value>,
) -> Answer {
    authorised(&headers)?;
    let mut desk = lock(&play.desk);
    let ticket = desk.ticket(id);
    match body["status"].as_str() {
        Some(status @ ("open" | "closed")) => status.clone_into(&mut ticket.status),
        Some(_) => return Err(refused(StatusCode::BAD_REQUEST, "status must be open or closed")),
        None => {}
    }
    if body.get("tags").is_some() {
        return Err(refused(StatusCode::BAD_REQUEST, "whoever puts tags overwrites those of others"));
    }
    match body.get("assignee_user") {
        Some(Value::Null) => ticket.assignee = None,
        Some(user) => {
            let known =
                user["id"].as_u64().and_then(|id| USERS.get(usize::try_from(id).ok()?.checked_sub(1)?));
            let Some(known) = known else {
                return Err(refused(StatusCode::BAD_REQUEST, "assignee_user: there is no such user"));
            };
            ticket.assignee = Some((*known).to_owned());
        }
        None => {}
    }
    if let Some(snooze) = body.get("snooze_datetime") {
        ticket.snooze = snooze.clone();
    }
    ticket.updated = Utc::now();
    Ok((StatusCode::ACCEPTED, Json(ticket.document(id))))
}

fn user_id(email: &str) -> Option<usize> {
    USERS.iter().position(|known| *known == email).map(|place| place + 1)
}

/// The people of the shop, one a page.
pub(super) async fn users(Query(query): Query<PageQuery>, headers: HeaderMap) -> Answer {
    authorised(&headers)?;
    let place = usize::try_from(query.cursor.unwrap_or(0)).unwrap_or(usize::MAX);
    let data: Vec<Value> = USERS
        .get(place)
        .map(|email| json!({"id": place + 1, "email": email, "name": "Somebody"}))
        .into_iter()
        .collect();
    let next_cursor = (place + 1 < USERS.len()).then(|| (place + 1).to_string());
    Ok((StatusCode::OK, Json(json!({"object": "list", "data": data, "meta": {"next_cursor": next_cursor}}))))
}

#[derive(Deserialize)]
pub(super) struct TagNames {
    names: Vec<String>,
}

pub(super) async fn add_tags(
    State(play): State<Arc<Play>>,
    Path(id): Path<u64>,
    headers: HeaderMap,
    Json(body): Json<TagNames>,
) -> Result<StatusCode, (StatusCode, Json<Value>)> {
    authorised(&headers)?;
    let mut desk = lock(&play.desk);
    let ticket = desk.ticket(id);
    ticket.tag(&body.names);
    ticket.updated = Utc::now();
    Ok(StatusCode::CREATED)
}

pub(super) async fn remove_tags(
    State(play): State<Arc<Play>>,
    Path(id): Path<u64>,
    headers: HeaderMap,
    Json(body): Json<TagNames>,
) -> Result<StatusCode, (StatusCode, Json<Value>)> {
    authorised(&headers)?;
    let mut desk = lock(&play.desk);
    let ticket = desk.ticket(id);
    ticket.tags.retain(|tag| !body.names.contains(tag));
    ticket.updated = Utc::now();
    Ok(StatusCode::NO_CONTENT)
}

/// Takes a file; where it is there follows from what it holds.
pub(super) async fn upload(headers: HeaderMap, body: axum::body::Bytes) -> Answer {
    authorised(&headers)?;
    let text = String::from_utf8_lossy(&body);
    let name = text.split("filename=\"").nth(1).and_then(|rest| rest.split('"').next()).unwrap_or_default();
    if name.is_empty() {
        return Err(refused(StatusCode::BAD_REQUEST, "a file with a name is needed"));
    }
    let file = json!([{"url": format!("https://files.example/{name}"), "name": name, "content_type": "text/plain", "size": body.len()}]);
    Ok((StatusCode::CREATED, Json(file)))
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
    let body = desk.ticket(id).document(id);
    Ok((StatusCode::OK, Json(body)))
}

#[derive(Deserialize)]
pub(super) struct PageQuery {
    ticket_id: Option<u64>,
    customer_id: Option<u64>,
    email: Option<String>,
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
