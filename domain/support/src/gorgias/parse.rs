//! Reads a webhook body, whichever of four shapes it has.
//!
//! The account owner writes the body's template, so it is read field by field. Needed are a ticket's id, and a text that
//! can be read where there is a message; what else does not fit is left out with a remark. Accepted: a bare ticket;
//! `{ticket, message}`; an event envelope `{id, type, object_id, object_type, created_datetime, data: {ticket}}`; and
//! `{event: {type}, ...}` around any of the others. Messages and a customer beside a ticket are the ticket's; what was put
//! in as a text of JSON is read as what it says.

use database::address::compared;
use serde_json::value::RawValue;

use super::delivery::{Body, Customer, Delivery, DeliveryError, Message, Priority, Status, Ticket};
use super::fields::{
    IN_A_TEXT, Object, Plain, UNFILLED, is_nothing, is_one_placeholder, last_items, plain, seen, within_text,
};
use super::html;
use super::remarks::Remarks;
use super::words;
use crate::tickets::tags::once;

/// The longest message text kept, in characters.
const BODY_LIMIT: usize = 50_000;
/// At most this many messages of a body are read, the newest.
const MESSAGE_LIMIT: usize = 200;
/// At most this many tags of a ticket are kept, the last.
const TAG_LIMIT: usize = 100;

const ROOT: &[&str] =
    &["event", "data", "ticket", "message", "messages", "customer", "id", "type", "created_datetime"];
const EVENT: &[&str] = &["id", "type", "created_datetime"];
const DATA: &[&str] = &["ticket", "message", "messages", "customer"];
const TICKET: &[&str] = &[
    "id",
    "meta",
    "created_by_agent",
    "status",
    "trashed_datetime",
    "deleted_datetime",
    "spam",
    "subject",
    "priority",
    "channel",
    "via",
    "tags",
    "customer",
    "assignee_user",
    "messages",
    "messages_count",
    "message_count",
    "created_datetime",
    "updated_datetime",
];
const CUSTOMER: &[&str] = &["id", "external_id", "email", "name", "firstname", "lastname"];
const MESSAGE: &[&str] = &[
    "id",
    "channel",
    "source",
    "public",
    "from_agent",
    "sender",
    "body_text",
    "stripped_text",
    "body_html",
    "via",
    "external_id",
    "sent_datetime",
    "created_datetime",
];
/// Where a message's text is looked for, one after the other.
const TEXTS: [&str; 3] = ["body_text", "stripped_text", "body_html"];
const SENDER: &[&str] = &["name", "email", "address"];

/// Reads the bytes of a body of any of the four shapes.
///
/// # Errors
/// It is no JSON, or what is needed is missing; the field is named.
pub fn parse(body: &[u8]) -> Result<Delivery, DeliveryError> {
    parse_body(&Body::of(body)?)
}

/// Reads a body that is JSON already, for example a stored one that is replayed.
///
/// # Errors
/// What is needed is missing; the field is named.
pub fn parse_body(body: &Body) -> Result<Delivery, DeliveryError> {
    let mut remarks = body.mended.clone();
    let root = Object::of("", &body.json, ROOT)
        .ok_or_else(|| wrong("(body)", seen(&body.json), "must be an object"))?;
    // A template may write the event as the name alone.
    let event_name = root.value("event").and_then(plain).and_then(|event| match event {
        Plain::Text(name) => Some(name.chars().take(255).collect::<String>()).filter(|name| !name.is_empty()),
        _ => None,
    });
    let event = if event_name.is_some() { None } else { root.object("event", EVENT, &mut remarks) };
    let data_text = root.value("data").and_then(within_text);
    let data = match &data_text {
        Some(raw) => {
            remarks.add("data", IN_A_TEXT);
            Object::or_only("data".to_owned(), raw, DATA, &mut remarks)
        }
        None => root.object("data", DATA, &mut remarks),
    };
    let among = |name: &str| {
        let of_root = root.value(name).map(|raw| (name.to_owned(), raw));
        of_root.or_else(|| data.as_ref().and_then(|data| Some((data.path(name), data.value(name)?))))
    };
    let told = among("ticket");
    let is_bare = told.is_none();
    let mut ticket = match told {
        Some((path, raw)) => read_ticket(path, raw, &mut remarks)?,
        None if root.value("data").is_some() => return Err(missing("data.ticket")),
        None if root.value("message").is_some() => return Err(missing("ticket")),
        None => read_ticket(String::new(), &body.json, &mut remarks)?,
    };
    // What stands beside the ticket instead of in it is the ticket's.
    for beside in [Some(&root), data.as_ref()].into_iter().flatten().filter(|_| !is_bare) {
        if ticket.messages.is_empty() {
            ticket.messages = read_messages(beside, &mut remarks);
        }
        if ticket.customer == Customer::default() {
            ticket.customer = read_customer(beside, &mut remarks);
        }
    }
    let (message, is_silent) = match among("message") {
        Some((path, raw)) if is_list_of_many(raw) => {
            remarks.add(path.clone(), "is a list; its items were read as the ticket's messages");
            let items = last_items(&path, raw, MESSAGE_LIMIT, &mut remarks).unwrap_or_default();
            ticket.messages.extend(read_listed(&path, items, &mut remarks));
            (None, false)
        }
        Some((path, raw)) => {
            let (message, is_silent) = needed(path.clone(), raw, &mut remarks)?;
            (message.map(|message| beside(&path, message, &ticket.messages, &mut remarks)), is_silent)
        }
        None => (None, false),
    };
    let is_silent = is_silent && ticket.messages.is_empty();
    // In an envelope `id` and `type` are the event's; in a bare ticket they are the ticket's.
    let envelope = data.is_some().then_some(&root);
    let tellers = || [event.as_ref(), envelope].into_iter().flatten();
    let event_id = tellers().find_map(|object| object.id("id", &mut remarks));
    let event_type = event_name.or_else(|| tellers().find_map(|object| object.id("type", &mut remarks)));
    let occurred_at = tellers().find_map(|object| object.time("created_datetime", &mut remarks));
    Ok(Delivery { event_id, event_type, occurred_at, ticket, message, is_silent, remarks: remarks.told() })
}

fn read_ticket(path: String, raw: &RawValue, remarks: &mut Remarks) -> Result<Ticket, DeliveryError> {
    let Some(ticket) = Object::or_only(path.clone(), raw, TICKET, remarks) else {
        let inner = within_text(raw).ok_or_else(|| wrong(&path, seen(raw), "must be an object"))?;
        remarks.add(path.clone(), IN_A_TEXT);
        return read_ticket(path, &inner, remarks);
    };
    let id_path = ticket.path("id");
    let id = ticket.required_id("id").map_err(|problem| {
        let seen = ticket.value("id").map_or("is null", seen);
        wrong(&id_path, seen, problem)
    })?;
    let id = id.ok_or_else(|| missing(&id_path))?;
    let created_by_agent = ticket.flag("created_by_agent", remarks).or_else(|| {
        // `meta` is the account's own; what is not an object there is no concern of ours.
        let meta = Object::of(ticket.path("meta"), ticket.value("meta")?, &["created_by_agent"])?;
        meta.flag("created_by_agent", remarks)
    });
    let status = ticket.filled("status", 40, remarks).map(|status| status.to_lowercase());
    let deleted = ticket.happened("trashed_datetime", remarks)
        || ticket.happened("deleted_datetime", remarks)
        || matches!(status.as_deref(), Some("deleted" | "trashed"));
    let spam = ticket.flag("spam", remarks).unwrap_or(false) || status.as_deref() == Some("spam");
    let count = ticket.count("messages_count", remarks);
    Ok(Ticket {
        id,
        subject: ticket.text("subject", 1_000, remarks),
        status: status.as_deref().map(read_status),
        priority: ticket
            .filled("priority", 40, remarks)
            .map(|priority| read_priority(&priority.to_lowercase())),
        channel: lower(ticket.filled("channel", 60, remarks)),
        via: lower(ticket.filled("via", 60, remarks)),
        spam,
        deleted,
        created_by_agent,
        tags: read_tags(&ticket, remarks),
        customer: read_customer(&ticket, remarks),
        assignee: read_assignee(&ticket, remarks),
        messages: read_messages(&ticket, remarks),
        message_count: count.or_else(|| ticket.count("message_count", remarks)),
        created_at: ticket.time("created_datetime", remarks),
        updated_at: ticket.time("updated_datetime", remarks),
    })
}

fn read_assignee(ticket: &Object<'_>, remarks: &mut Remarks) -> Option<String> {
    if ticket.is_null("assignee_user") {
        return Some(String::new());
    }
    // A template names it as it likes, and nobody is asked to: what cannot be read is not told.
    let user = Object::of(ticket.path("assignee_user"), ticket.value("assignee_user")?, &["email"])?;
    user.filled("email", 320, remarks).map(|email| email.to_lowercase())
}

/// Whether it is a list of more than one.
fn is_list_of_many(raw: &RawValue) -> bool {
    plain(raw) == Some(Plain::List)
        && last_items("", raw, 2, &mut Remarks::default()).is_some_and(|items| items.len() > 1)
}

/// The newest messages in the body's order, as far as they can be read.
fn read_messages(holder: &Object<'_>, remarks: &mut Remarks) -> Vec<Message> {
    let Some(raw) = holder.value("messages") else { return Vec::new() };
    let path = holder.path("messages");
    let inner = within_text(raw);
    if inner.is_some() {
        remarks.add(path.clone(), IN_A_TEXT);
    }
    let items = last_items(&path, inner.as_deref().unwrap_or(raw), MESSAGE_LIMIT, remarks);
    read_listed(&path, items.unwrap_or_default(), remarks)
}

fn read_listed(path: &str, items: Vec<(usize, &RawValue)>, remarks: &mut Remarks) -> Vec<Message> {
    let mut messages: Vec<Message> = Vec::with_capacity(items.len());
    for (index, raw) in items {
        let path = format!("{path}[{index}]");
        let mut message = match read_message(path.clone(), raw, remarks) {
            Reading::Message(message) => *message,
            Reading::Unreadable(message, field, _) => {
                remarks.add(field, "is not a text; the message is kept without one");
                *message
            }
            Reading::Empty(path, _) | Reading::Silent(path) => {
                remarks.add(path, LEFT_OUT);
                continue;
            }
            Reading::NoMessage => continue,
        };
        // A template that gives all of them one id means as many messages as there are texts.
        let says_else = |other: &Message| {
            other.id == message.id && !other.body_text.is_empty() && other.body_text != message.body_text
        };
        if !message.body_text.is_empty() && messages.iter().any(says_else) {
            remarks.add(format!("{path}.id"), ID_OF_ANOTHER);
            message.id = words::id_of(message.from_agent, &message.body_text);
        }
        messages.push(message);
    }
    messages
}

/// The message that the delivery is about, which the ticket's may tell of too. A template that gives both one id although
/// they say something else means two.
fn beside(path: &str, mut message: Message, others: &[Message], remarks: &mut Remarks) -> Message {
    let says_else = |other: &Message| {
        other.id == message.id
            && !other.body_text.is_empty()
            && !words::are_one(&other.body_text, &message.body_text)
    };
    if !message.body_text.is_empty() && others.iter().any(says_else) {
        remarks.add(format!("{path}.id"), ID_OF_ANOTHER);
        message.id = words::id_of(message.from_agent, &message.body_text);
    }
    message
}

/// The message that the delivery is about, and whether it is one in which there is nothing.
fn needed(
    path: String,
    raw: &RawValue,
    remarks: &mut Remarks,
) -> Result<(Option<Message>, bool), DeliveryError> {
    match read_message(path, raw, remarks) {
        Reading::Message(message) => Ok((Some(*message), false)),
        Reading::Unreadable(_, field, seen) => Err(wrong(&field, seen, "must be a text")),
        Reading::Empty(_, Some(unfilled)) => Err(wrong(&unfilled, "", UNFILLED)),
        Reading::Empty(path, None) => Err(missing(&format!("{path}.body_text"))),
        Reading::Silent(path) => {
            remarks.add(path, LEFT_OUT);
            Ok((None, true))
        }
        Reading::NoMessage => Ok((None, false)),
    }
}

const LEFT_OUT: &str = "has neither an id nor a text; it was left out";
const ID_OF_ANOTHER: &str = "another message has it; this one is known by its text";

/// What stands where a message should.
enum Reading {
    Message(Box<Message>),
    /// A message whose text, at this place, is of a type that no text has, which is told.
    Unreadable(Box<Message>, String, &'static str),
    /// At this place, and nothing to know it by or to read in it; and the place of a text that was not filled in.
    Empty(String, Option<String>),
    /// The same, and it says itself that it has no text.
    Silent(String),
    /// Left out with a remark, or nothing at all.
    NoMessage,
}

fn read_message(path: String, raw: &RawValue, remarks: &mut Remarks) -> Reading {
    let Some(message) = Object::or_only(path.clone(), raw, MESSAGE, remarks) else {
        if let Some(inner) = message_within(raw) {
            remarks.add(path.clone(), IN_A_TEXT);
            return read_message(path, &inner, remarks);
        }
        return match plain(raw) {
            Some(Plain::Text(text)) if is_one_placeholder(&text) => {
                remarks.add(path.clone(), UNFILLED);
                Reading::Silent(path)
            }
            // A template may write the text alone.
            Some(Plain::Text(text)) if !text.trim().is_empty() => {
                remarks.add(path, "is a text instead of an object; it was read as the message's text");
                let body_text: String = text.trim().chars().take(BODY_LIMIT).collect();
                Reading::Message(Box::new(Message {
                    id: words::id_of(false, &body_text),
                    ..nameless(body_text)
                }))
            }
            None | Some(Plain::Text(_)) => Reading::NoMessage,
            Some(_) => {
                remarks.add(path, "is not an object; it was left out");
                Reading::NoMessage
            }
        };
    };
    let channel = lower(message.filled("channel", 60, remarks));
    let source =
        message.value("source").and_then(|raw| Object::of(message.path("source"), raw, &["type", "from"]));
    let source_type = source.as_ref().and_then(|source| source.text("type", 60, remarks));
    let is_note = |name: Option<&str>| matches!(name, Some("internal-note" | "internal_note" | "note"));
    let from_agent = message.flag("from_agent", remarks);
    let internal = is_note(channel.as_deref())
        || is_note(source_type.as_deref())
        || (message.flag("public", remarks) == Some(false) && from_agent == Some(true));
    let from_agent = from_agent.unwrap_or(false);
    let (sender_name, sender_email) = read_sender(&message, source.as_ref(), remarks);
    let (body_text, not_read) = read_text(&message, remarks);
    let id = match message.id("id", remarks) {
        Some(id) => id,
        None if body_text.is_empty() && TEXTS.iter().any(|name| message.is_null(name)) => {
            return Reading::Silent(path);
        }
        None if body_text.is_empty() => return Reading::Empty(path, not_read.unfilled),
        None => {
            remarks.add(message.path("id"), "there is no id; the message is known by its text");
            words::id_of(from_agent, &body_text)
        }
    };
    let sent_at = message.time("sent_datetime", remarks);
    let read = Box::new(Message {
        id,
        from_agent,
        internal,
        channel,
        via: lower(message.filled("via", 60, remarks)),
        external_id: message.id("external_id", remarks),
        sender_name,
        sender_email,
        body_text,
        sent_at: sent_at.or_else(|| message.time("created_datetime", remarks)),
    });
    match not_read.unreadable {
        Some((field, seen)) => Reading::Unreadable(read, field, seen),
        None => Reading::Message(read),
    }
}

/// The message that a text is, where it has a message's text.
fn message_within(raw: &RawValue) -> Option<Box<RawValue>> {
    let inner = within_text(raw)?;
    let has_text = {
        let message = Object::of("", &inner, MESSAGE)?;
        TEXTS.iter().any(|name| message.value(name).is_some())
    };
    has_text.then_some(inner)
}

/// What stands where a text should, when there is no other.
#[derive(Default)]
struct NotRead {
    /// The place of what is of a type that no text has, with what it is.
    unreadable: Option<(String, &'static str)>,
    /// The place of a placeholder.
    unfilled: Option<String>,
}

/// What was written: the plain text, else what is left of the HTML. A word that programs write where they have nothing gives
/// way to any other text; alone it may be what somebody wrote.
fn read_text(message: &Object<'_>, remarks: &mut Remarks) -> (String, NotRead) {
    let mut not_read = NotRead::default();
    let mut nothing = None;
    for name in TEXTS {
        // Some programs say so of what they do not have.
        if message.value(name).and_then(plain) == Some(Plain::Flag(false)) {
            remarks.add(message.path(name), "is not a text; it was read as none");
            continue;
        }
        if let Some(raw) = message.value(name)
            && matches!(plain(raw), Some(Plain::Flag(_) | Plain::List | Plain::Object))
        {
            not_read.unreadable.get_or_insert_with(|| (message.path(name), seen(raw)));
            continue;
        }
        let limit = if name == "body_html" { usize::MAX } else { BODY_LIMIT };
        let Some(text) = message.text(name, limit, remarks) else { continue };
        let is_html = name == "body_html" || html::is_markup(&text);
        let text = if is_html { html::written(&text, BODY_LIMIT) } else { text };
        if text.is_empty() {
            continue;
        }
        if is_one_placeholder(&text) {
            remarks.add(message.path(name), format!("{UNFILLED}; it was read as no text"));
            not_read.unfilled.get_or_insert_with(|| message.path(name));
            continue;
        }
        if is_nothing(&text) {
            nothing.get_or_insert_with(|| (message.path(name), text));
            continue;
        }
        if let Some((field, _)) = nothing {
            remarks.add(field, "is a word for nothing; another text was taken");
        }
        if let Some((field, _)) = not_read.unreadable {
            remarks.add(field, "is not a text; another one was taken");
        }
        return (text, NotRead::default());
    }
    match nothing {
        Some((_, word)) => (word, NotRead::default()),
        None => (String::new(), not_read),
    }
}

fn read_sender(
    message: &Object<'_>,
    source: Option<&Object<'_>>,
    remarks: &mut Remarks,
) -> (Option<String>, Option<String>) {
    let sender = read_person(message, "sender", remarks);
    let from = source.map(|source| read_person(source, "from", remarks)).unwrap_or_default();
    (sender.0.or(from.0), sender.1.or(from.1))
}

/// Name and address of whom a field names, as an object or by the address alone.
fn read_person(holder: &Object<'_>, field: &str, remarks: &mut Remarks) -> (Option<String>, Option<String>) {
    if let Some(address) = address_alone(holder, field, remarks) {
        return (None, Some(address));
    }
    let Some(person) = holder.object(field, SENDER, remarks) else { return (None, None) };
    let email = person.filled("email", 320, remarks).or_else(|| person.filled("address", 320, remarks));
    let email = email.map(|text| address(&text)).filter(|email| email.contains('@'));
    (person.filled("name", 200, remarks), email)
}

/// The address that a template wrote where an object belongs.
fn address_alone(holder: &Object<'_>, field: &str, remarks: &mut Remarks) -> Option<String> {
    let Some(Plain::Text(text)) = holder.value(field).and_then(plain) else { return None };
    if text.trim_start().starts_with(['{', '[']) || is_one_placeholder(&text) {
        return None;
    }
    let address = compared(&text)?;
    remarks.add(holder.path(field), "is a text instead of an object; it was read as an address");
    Some(address)
}

/// Whatever a help desk calls an address stays; a link to one, or a name around it, goes.
fn address(text: &str) -> String {
    compared(text).unwrap_or_else(|| text.to_lowercase())
}

fn nameless(body_text: String) -> Message {
    Message {
        id: String::new(),
        from_agent: false,
        internal: false,
        channel: None,
        via: None,
        external_id: None,
        sender_name: None,
        sender_email: None,
        body_text,
        sent_at: None,
    }
}

fn read_customer(holder: &Object<'_>, remarks: &mut Remarks) -> Customer {
    if let Some(address) = address_alone(holder, "customer", remarks) {
        return Customer { email: Some(address), ..Customer::default() };
    }
    if let Some(Plain::Number(_)) = holder.value("customer").and_then(plain) {
        remarks.add(holder.path("customer"), "is a number instead of an object; it was read as the id");
        return Customer { id: holder.id("customer", remarks), ..Customer::default() };
    }
    let inner = holder.value("customer").and_then(within_text);
    let customer = match &inner {
        Some(raw) => {
            remarks.add(holder.path("customer"), IN_A_TEXT);
            Object::or_only(holder.path("customer"), raw, CUSTOMER, remarks)
        }
        None => holder.object("customer", CUSTOMER, remarks),
    };
    let Some(customer) = customer else { return Customer::default() };
    let name = customer.filled("name", 200, remarks).or_else(|| {
        let parts = [customer.filled("firstname", 100, remarks), customer.filled("lastname", 100, remarks)];
        Some(parts.into_iter().flatten().collect::<Vec<_>>().join(" ")).filter(|name| !name.is_empty())
    });
    Customer {
        id: customer.id("id", remarks),
        external_id: customer.id("external_id", remarks),
        email: customer.filled("email", 320, remarks).map(|text| address(&text)),
        name,
    }
}

/// Tags come as objects with a name, as plain texts, or as one text with commas. Not mentioned is not none.
fn read_tags(ticket: &Object<'_>, remarks: &mut Remarks) -> Option<Vec<String>> {
    let name = "tags";
    let raw = ticket.value(name)?;
    let inner = within_text(raw).filter(|inner| inner.get().starts_with('['));
    if inner.is_some() {
        remarks.add(ticket.path(name), IN_A_TEXT);
    }
    let raw = inner.as_deref().unwrap_or(raw);
    let mut tags: Vec<String> = match plain(raw)? {
        // Of its own: what follows its name may have commas.
        Plain::Text(text) if is_one_placeholder(&text) => vec![text],
        Plain::Text(text) => text.split(',').map(|tag| tag.trim().to_owned()).collect(),
        _ => {
            let items = last_items(&ticket.path(name), raw, TAG_LIMIT, remarks)?;
            items
                .into_iter()
                .filter_map(|(index, raw)| {
                    let path = ticket.path(&format!("{name}[{index}]"));
                    let tag = match plain(raw)? {
                        Plain::Text(tag) => Some(tag.trim().to_owned()),
                        Plain::Object => Object::of(path.as_str(), raw, &["name"])
                            .and_then(|tag| tag.text("name", 100, &mut Remarks::default())),
                        _ => None,
                    };
                    if tag.is_none() {
                        remarks.add(path, "is neither a name nor an object with a name; it was left out");
                    }
                    tag
                })
                .collect()
        }
    };
    tags.retain(|tag| !tag.is_empty());
    let mentioned = tags.len();
    tags.retain(|tag| !is_one_placeholder(tag));
    if tags.len() < mentioned {
        remarks.add(ticket.path(name), format!("one {UNFILLED}; it was left out"));
        if tags.is_empty() {
            return None;
        }
    }
    tags.truncate(TAG_LIMIT);
    for tag in &mut tags {
        *tag = tag.chars().take(100).collect();
    }
    Some(once(&tags))
}

/// A status that we do not know counts as open: better a needless draft than a forgotten customer.
fn read_status(status: &str) -> Status {
    match status {
        "pending" => Status::Pending,
        "resolved" | "solved" => Status::Resolved,
        "closed" => Status::Closed,
        _ => Status::Open,
    }
}

fn read_priority(priority: &str) -> Priority {
    match priority {
        "urgent" | "critical" => Priority::Urgent,
        "high" => Priority::High,
        "low" => Priority::Low,
        _ => Priority::Normal,
    }
}

fn lower(text: Option<String>) -> Option<String> {
    text.map(|text| text.to_lowercase())
}

fn missing(field: &str) -> DeliveryError {
    DeliveryError::Missing { field: field.to_owned() }
}

/// `seen` is of what kind the value is; a problem that says so itself needs no other word.
fn wrong(field: &str, seen: &str, problem: &str) -> DeliveryError {
    let problem =
        if problem.starts_with("must") { format!("{seen}, and {problem}") } else { problem.to_owned() };
    DeliveryError::Wrong { field: field.to_owned(), problem }
}
