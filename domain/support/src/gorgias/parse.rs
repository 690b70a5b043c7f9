//! Reads a webhook body, whichever of four shapes it has.
//!
//! The account owner writes the body's template, so fields may be missing, unknown, or numbers written as text.
//! Accepted: a bare ticket; `{ticket, message}`; an event envelope `{id, type, object_id, object_type,
//! created_datetime, data: {ticket}}`; and `{event: {type}, ...}` around any of the others.

use serde_json::Value;

use super::delivery::{Customer, Delivery, DeliveryError, Message, Priority, Status, Ticket};
use super::fields::{Object, wrong};

/// The longest message text kept, in characters.
const BODY_LIMIT: usize = 50_000;
/// At most this many messages of a body are read, the newest.
const MESSAGE_LIMIT: usize = 200;

/// Reads a body of any of the four shapes.
pub fn parse(body: &[u8]) -> Result<Delivery, DeliveryError> {
    let value: Value = serde_json::from_slice(body)
        .map_err(|error| DeliveryError::NotJson { line: error.line(), column: error.column() })?;
    parse_value(&value)
}

/// Reads a body that is JSON already, for example a stored one that is replayed.
pub fn parse_value(body: &Value) -> Result<Delivery, DeliveryError> {
    let root = Object::new("", body).map_err(|_| wrong("(body)", "must be an object"))?;
    let event = root.value("event").map(|event| Object::new("event", event)).transpose()?;
    let data = root.value("data").map(|data| Object::new("data", data)).transpose()?;

    let ticket = match (root.value("ticket"), data.and_then(|data| data.value("ticket"))) {
        (Some(ticket), _) => read_ticket("ticket", ticket)?,
        (None, Some(ticket)) => read_ticket("data.ticket", ticket)?,
        (None, None) if data.is_some() => return Err(missing("data.ticket")),
        (None, None) if root.has("message") => return Err(missing("ticket")),
        (None, None) => read_ticket("", body)?,
    };
    let message = match (root.value("message"), data.and_then(|data| data.value("message"))) {
        (Some(message), _) => Some(read_message("message", message)?),
        (None, Some(message)) => Some(read_message("data.message", message)?),
        (None, None) => None,
    };

    // In an envelope `id` and `type` are the event's; in a bare ticket they are the ticket's.
    let envelope = data.is_some().then_some(root);
    let first = |name: &str| -> Result<Option<String>, DeliveryError> {
        for object in [event, envelope].into_iter().flatten() {
            if let Some(found) = object.id(name)? {
                return Ok(Some(found));
            }
        }
        Ok(None)
    };
    let occurred_at = match (event, envelope) {
        (Some(event), _) if event.has("created_datetime") => event.time("created_datetime")?,
        (_, Some(envelope)) => envelope.time("created_datetime")?,
        _ => None,
    };
    Ok(Delivery { event_id: first("id")?, event_type: first("type")?, occurred_at, ticket, message })
}

fn read_ticket(path: &str, value: &Value) -> Result<Ticket, DeliveryError> {
    let ticket = Object::new(path, value)?;
    let id = ticket.id("id")?.ok_or_else(|| missing(&ticket.path("id")))?;
    let meta_path = ticket.path("meta");
    // `meta` is the account's own; what is not an object there is no concern of ours.
    let meta = ticket.value("meta").and_then(|meta| Object::new(&meta_path, meta).ok());
    let created_by_agent = match ticket.flag("created_by_agent")? {
        Some(flag) => Some(flag),
        None => meta.and_then(|meta| meta.flag("created_by_agent").ok().flatten()),
    };
    let status = ticket.text("status", 40)?.map(|status| status.to_lowercase());
    let deleted = ticket.has("trashed_datetime")
        || ticket.has("deleted_datetime")
        || matches!(status.as_deref(), Some("deleted" | "trashed"));
    let spam = ticket.flag("spam")?.unwrap_or(false) || status.as_deref() == Some("spam");
    Ok(Ticket {
        id,
        subject: ticket.text("subject", 1_000)?,
        status: status.as_deref().map(read_status),
        priority: ticket.text("priority", 40)?.map(|priority| read_priority(&priority.to_lowercase())),
        channel: lower(ticket.text("channel", 60)?),
        via: lower(ticket.text("via", 60)?),
        spam,
        deleted,
        created_by_agent,
        tags: read_tags(&ticket)?,
        customer: read_customer(&ticket)?,
        messages: read_messages(&ticket)?,
        message_count: match ticket.count("messages_count")? {
            Some(count) => Some(count),
            None => ticket.count("message_count")?,
        },
        created_at: ticket.time("created_datetime")?,
        updated_at: ticket.time("updated_datetime")?,
    })
}

fn read_messages(ticket: &Object<'_>) -> Result<Vec<Message>, DeliveryError> {
    let messages = match ticket.value("messages") {
        None => return Ok(Vec::new()),
        Some(Value::Array(messages)) => messages,
        Some(_) => return Err(wrong(&ticket.path("messages"), "must be a list")),
    };
    let from = messages.len().saturating_sub(MESSAGE_LIMIT);
    messages
        .iter()
        .enumerate()
        .skip(from)
        .map(|(index, message)| read_message(&ticket.path(&format!("messages[{index}]")), message))
        .collect()
}

fn read_message(path: &str, value: &Value) -> Result<Message, DeliveryError> {
    let message = Object::new(path, value)?;
    let id = message.id("id")?.ok_or_else(|| missing(&message.path("id")))?;
    let channel = lower(message.text("channel", 60)?);
    let source_path = message.path("source");
    let source = message.value("source").and_then(|source| Object::new(&source_path, source).ok());
    let source_type = source.and_then(|source| source.text("type", 60).ok().flatten());
    let is_note = |name: Option<&str>| matches!(name, Some("internal-note" | "internal_note" | "note"));
    let internal = is_note(channel.as_deref())
        || is_note(source_type.as_deref())
        || (message.flag("public")? == Some(false) && message.flag("from_agent")? == Some(true));
    let sender_path = message.path("sender");
    let sender = message.value("sender").and_then(|sender| Object::new(&sender_path, sender).ok());
    let body_text = match (message.text("body_text", BODY_LIMIT)?, message.text("stripped_text", BODY_LIMIT)?)
    {
        (Some(text), _) | (None, Some(text)) => text,
        (None, None) => {
            message.text("body_html", BODY_LIMIT)?.map(|html| without_tags(&html)).unwrap_or_default()
        }
    };
    Ok(Message {
        id,
        from_agent: message.flag("from_agent")?.unwrap_or(false),
        internal,
        channel,
        via: lower(message.text("via", 60)?),
        external_id: message.id("external_id")?,
        sender_name: sender.and_then(|sender| sender.text("name", 200).ok().flatten()),
        sender_email: lower(sender.and_then(|sender| sender.text("email", 320).ok().flatten())),
        body_text,
        sent_at: match message.time("sent_datetime")? {
            Some(time) => Some(time),
            None => message.time("created_datetime")?,
        },
    })
}

fn read_customer(ticket: &Object<'_>) -> Result<Customer, DeliveryError> {
    let path = ticket.path("customer");
    let Some(value) = ticket.value("customer") else { return Ok(Customer::default()) };
    let customer = Object::new(&path, value)?;
    let name = match customer.text("name", 200)? {
        Some(name) => Some(name),
        None => {
            let parts = [customer.text("firstname", 100)?, customer.text("lastname", 100)?];
            let name = parts.into_iter().flatten().collect::<Vec<_>>().join(" ");
            Some(name).filter(|name| !name.is_empty())
        }
    };
    // Templates render a missing id as an empty text.
    let optional_id = |name: &str| match customer.value(name) {
        Some(Value::String(text)) if text.trim().is_empty() => Ok(None),
        _ => customer.id(name),
    };
    Ok(Customer {
        id: optional_id("id")?,
        external_id: optional_id("external_id")?,
        email: lower(customer.text("email", 320)?),
        name,
    })
}

/// Tags come as objects with a name, as plain texts, or as one text with commas.
fn read_tags(ticket: &Object<'_>) -> Result<Vec<String>, DeliveryError> {
    let path = ticket.path("tags");
    let mut tags = match ticket.value("tags") {
        None => Vec::new(),
        Some(Value::String(text)) => text.split(',').map(|tag| tag.trim().to_owned()).collect(),
        Some(Value::Array(tags)) => tags
            .iter()
            .map(|tag| match tag {
                Value::String(name) => Ok(name.trim().to_owned()),
                Value::Object(tag) => match tag.get("name") {
                    Some(Value::String(name)) => Ok(name.trim().to_owned()),
                    _ => Err(wrong(&path, "must be a list of names or of objects with a name")),
                },
                _ => Err(wrong(&path, "must be a list of names or of objects with a name")),
            })
            .collect::<Result<_, _>>()?,
        Some(_) => return Err(wrong(&path, "must be a list of names or of objects with a name")),
    };
    tags.retain(|tag: &String| !tag.is_empty());
    tags.truncate(100);
    for tag in &mut tags {
        *tag = tag.chars().filter(|c| *c != '\0').take(100).collect();
    }
    Ok(tags)
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

/// The text of an HTML fragment, good enough for reading: tags dropped, common entities resolved.
fn without_tags(html: &str) -> String {
    let mut text = String::with_capacity(html.len());
    let mut in_tag = false;
    for c in html.chars() {
        match c {
            '<' => in_tag = true,
            '>' if in_tag => {
                in_tag = false;
                text.push(' ');
            }
            c if !in_tag => text.push(c),
            _ => {}
        }
    }
    let text = text.replace("&nbsp;", " ").replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"");
    let text = text.replace("&#39;", "'").replace("&amp;", "&");
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn lower(text: Option<String>) -> Option<String> {
    text.map(|text| text.to_lowercase())
}

fn missing(field: &str) -> DeliveryError {
    DeliveryError::Missing { field: field.to_owned() }
}
