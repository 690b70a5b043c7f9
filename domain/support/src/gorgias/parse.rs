//! Reads a webhook body, whichever of four shapes it has.
//!
//! The account owner writes the body's template, so it is read field by field. Needed are a ticket's id, and a text that
//! can be read where there is a message; what else does not fit is left out with a remark. Accepted: a bare ticket;
//! `{ticket, message}`; an event envelope `{id, type, object_id, object_type, created_datetime, data: {ticket}}`; and
//! `{event: {type}, ...}` around any of the others. Messages and a customer beside a ticket are the ticket's; what was put
//! in as a text of JSON is read as what it says.

use serde_json::value::RawValue;

use super::delivery::{Body, Customer, Delivery, DeliveryError, Priority, Status, Ticket};
use super::fields::{
    IN_A_TEXT, Object, Plain, UNFILLED, is_nothing, is_variable, last_items, plain, seen, within_text,
};
use super::message::{Around, MESSAGE_LIMIT, beside, needed, of_text_alone, read_listed, read_messages};
use super::remarks::Remarks;
use super::speaker::{address, address_alone};
use super::tags::read_tags;

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
    "closed_datetime",
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
    let mut ticket = match &told {
        Some((path, raw)) => read_ticket(path.clone(), raw, &mut remarks)?,
        None if root.value("data").is_some() => return Err(missing("data.ticket")),
        None if root.value("message").is_some() => return Err(missing("ticket")),
        None => read_ticket(String::new(), &body.json, &mut remarks)?,
    };
    // What stands beside the ticket instead of in it is the ticket's.
    for beside in [Some(&root), data.as_ref()].into_iter().flatten().filter(|_| !is_bare) {
        if ticket.customer == Customer::default() {
            ticket.customer = read_customer(beside, &mut remarks);
        }
        if ticket.messages.is_empty() {
            ticket.messages = read_messages(beside, &Around::of(&ticket), &mut remarks);
        }
    }
    let around = Around::of(&ticket);
    let (message, is_silent) = match among("message") {
        Some((path, raw)) if is_list_of_many(raw) => {
            remarks.add(path.clone(), "is a list; its items were read as the ticket's messages");
            let items = last_items(&path, raw, MESSAGE_LIMIT, &mut remarks).unwrap_or_default();
            ticket.messages.extend(read_listed(&path, items, &around, &mut remarks));
            (None, false)
        }
        Some((path, raw)) => {
            let (message, is_silent) = needed(path.clone(), raw, &around, &mut remarks)?;
            (message.map(|message| beside(&path, message, &ticket.messages, &mut remarks)), is_silent)
        }
        // A template may write the text into the ticket, or beside it.
        None if ticket.messages.is_empty() => {
            let within = told.and_then(|(path, raw)| of_text_alone(&path, raw, &ticket, &mut remarks));
            let message = within.or_else(|| of_text_alone("", &body.json, &ticket, &mut remarks));
            (message, false)
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
    let status = match status.as_deref().map(read_status) {
        None if ticket.happened("closed_datetime", remarks) => Some(Status::Closed),
        status => status,
    };
    let count = ticket.count("messages_count", remarks);
    let mut told = Ticket {
        id,
        subject: read_subject(&ticket, remarks),
        status,
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
        messages: Vec::new(),
        message_count: count.or_else(|| ticket.count("message_count", remarks)),
        created_at: ticket.time("created_datetime", remarks),
        updated_at: ticket.time("updated_datetime", remarks),
    };
    told.messages = read_messages(&ticket, &Around::of(&told), remarks);
    Ok(told)
}

/// The subject; none when it is what a template says where nothing was filled in, so that the one that is known stays.
fn read_subject(ticket: &Object<'_>, remarks: &mut Remarks) -> Option<String> {
    let subject = ticket.text("subject", 1_000, remarks)?;
    if is_variable(&subject) {
        remarks.add(ticket.path("subject"), format!("{UNFILLED}; it was left out"));
        return None;
    }
    if is_nothing(&subject) {
        remarks.add(ticket.path("subject"), "is a word for nothing; it was left out");
        return None;
    }
    Some(subject)
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

pub(super) fn lower(text: Option<String>) -> Option<String> {
    text.map(|text| text.to_lowercase())
}

pub(super) fn missing(field: &str) -> DeliveryError {
    DeliveryError::Missing { field: field.to_owned() }
}

/// `seen` is of what kind the value is; a problem that says so itself needs no other word.
pub(super) fn wrong(field: &str, seen: &str, problem: &str) -> DeliveryError {
    let problem =
        if problem.starts_with("must") { format!("{seen}, and {problem}") } else { problem.to_owned() };
    DeliveryError::Wrong { field: field.to_owned(), problem }
}
