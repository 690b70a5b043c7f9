//! A message of a delivery, and a list of them: by which id it is known, what it says, and who wrote it.

use serde_json::value::RawValue;

use super::delivery::{DeliveryError, Message, Ticket};
use super::fields::{IN_A_TEXT, Object, Plain, UNFILLED, is_one_placeholder, last_items, plain, within_text};
use super::history::Conversation;
use super::parse::{lower, missing, wrong};
use super::remarks::Remarks;
use super::speaker::{People, is_by_agent, is_by_machine, read_people};
use super::text::{BODY_LIMIT, OTHER_TEXTS, TEXTS, read_text};
use super::words;

/// At most this many messages of a body are read, the newest.
pub(super) const MESSAGE_LIMIT: usize = 200;

const MESSAGE: &[&str] = &[
    "id",
    "channel",
    "source",
    "public",
    "from_agent",
    "fromAgent",
    "is_from_agent",
    "is_agent",
    "isAgent",
    "author_type",
    "authorType",
    "sender_type",
    "senderType",
    "direction",
    "message_type",
    "role",
    "type",
    "sender",
    "author",
    "receiver",
    "subject",
    "body_text",
    "stripped_text",
    "body_html",
    "body",
    "text",
    "content",
    "bodyText",
    "strippedText",
    "message",
    "bodyHtml",
    "html",
    "attachments",
    "via",
    "rule_id",
    "external_id",
    "sent_datetime",
    "created_datetime",
];
/// Names of a text that stands in a ticket, or beside it, instead of in a message.
const ALONE: &[&str] =
    &["body_text", "stripped_text", "body_html", "body", "text", "content", "bodyText", "from_agent"];

/// What is known of a message's ticket when the message is read.
#[derive(Default)]
pub(super) struct Around {
    subject: Option<String>,
    /// The customer's address.
    pub(super) customer: Option<String>,
    /// The address of who of the shop has the ticket.
    pub(super) assignee: Option<String>,
}

impl Around {
    pub(super) fn of(ticket: &Ticket) -> Around {
        Around {
            subject: ticket.subject.clone(),
            customer: ticket.customer.email.clone(),
            assignee: ticket.assignee.clone(),
        }
    }

    fn conversation<'a>(&'a self, subject: Option<&'a str>, people: &People) -> Conversation<'a> {
        let everybody = [&people.address, &self.customer, &self.assignee].into_iter().flatten();
        Conversation {
            subjects: subject.into_iter().chain(self.subject.as_deref()).collect(),
            ours: everybody.chain(&people.receivers).cloned().collect(),
        }
    }
}

/// The message that a text in a ticket is, or one beside it, where there is no message.
pub(super) fn of_text_alone(
    path: &str,
    raw: &RawValue,
    ticket: &Ticket,
    remarks: &mut Remarks,
) -> Option<Message> {
    let holder = Object::of(path, raw, ALONE)?;
    let around = Around::of(ticket);
    let conversation = around.conversation(None, &People::default());
    let names = ALONE.iter().copied().filter(|name| *name != "from_agent");
    let (body_text, _) = read_text(&holder, names, &conversation, remarks);
    if body_text.is_empty() {
        return None;
    }
    let place = if path.is_empty() { "(body)" } else { path };
    remarks.add(place.to_owned(), "has a text, and there is no message; it was read as one");
    let told = holder.flag("from_agent", remarks);
    let from_agent = told.or(ticket.created_by_agent).unwrap_or(false);
    Some(Message { id: words::id_of(from_agent, &body_text), from_agent, ..nameless(body_text) })
}

/// The newest messages in the body's order, as far as they can be read.
pub(super) fn read_messages(holder: &Object<'_>, around: &Around, remarks: &mut Remarks) -> Vec<Message> {
    let Some(raw) = holder.value("messages") else { return Vec::new() };
    let path = holder.path("messages");
    let inner = within_text(raw);
    if inner.is_some() {
        remarks.add(path.clone(), IN_A_TEXT);
    }
    let items = last_items(&path, inner.as_deref().unwrap_or(raw), MESSAGE_LIMIT, remarks);
    read_listed(&path, items.unwrap_or_default(), around, remarks)
}

/// Messages of a list at `path`, each with its number.
pub(super) fn read_listed(
    path: &str,
    items: Vec<(usize, &RawValue)>,
    around: &Around,
    remarks: &mut Remarks,
) -> Vec<Message> {
    let mut messages: Vec<Message> = Vec::with_capacity(items.len());
    for (index, raw) in items {
        let path = format!("{path}[{index}]");
        let mut message = match read_message(path.clone(), raw, around, remarks) {
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
        // A template that gives all of them one id means as many messages as there are texts, and times of the same.
        let is_taken = |id: &str| {
            messages.iter().any(|other| {
                let says_else = other.body_text != message.body_text || is_at_another_time(other, &message);
                other.id == id && !other.body_text.is_empty() && says_else
            })
        };
        if !message.body_text.is_empty() && is_taken(&message.id) {
            if !words::is_of_text(&message.id) {
                remarks.add(format!("{path}.id"), ID_OF_ANOTHER);
            }
            let of_text = words::id_of(message.from_agent, &message.body_text);
            message.id = match message.sent_at {
                Some(at) if is_taken(&of_text) => words::id_at(message.from_agent, &message.body_text, at),
                _ => of_text,
            };
        }
        messages.push(message);
    }
    messages
}

/// Whether both have a time of their own, and not the same.
fn is_at_another_time(one: &Message, other: &Message) -> bool {
    one.sent_at.zip(other.sent_at).is_some_and(|(one, other)| one != other)
}

/// The message that the delivery is about, which the ticket's may tell of too. A template that gives both one id although
/// they say something else means two; and one that gives this one none means the one that says the same.
pub(super) fn beside(path: &str, mut message: Message, others: &[Message], remarks: &mut Remarks) -> Message {
    if message.body_text.is_empty() {
        return message;
    }
    let says_else = |other: &Message| {
        other.id == message.id
            && !other.body_text.is_empty()
            && !words::are_one(&other.body_text, &message.body_text)
    };
    let says_same = |other: &&Message| {
        other.from_agent == message.from_agent
            && !is_at_another_time(other, &message)
            && words::are_one(&other.body_text, &message.body_text)
    };
    if others.iter().any(says_else) {
        remarks.add(format!("{path}.id"), ID_OF_ANOTHER);
        message.id = words::id_of(message.from_agent, &message.body_text);
    } else if words::is_of_text(&message.id)
        && let Some(same) = others.iter().rfind(says_same)
    {
        message.id.clone_from(&same.id);
    }
    message
}

/// The message that the delivery is about, and whether it is one in which there is nothing.
pub(super) fn needed(
    path: String,
    raw: &RawValue,
    around: &Around,
    remarks: &mut Remarks,
) -> Result<(Option<Message>, bool), DeliveryError> {
    match read_message(path, raw, around, remarks) {
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
const KNOWN_BY_TEXT: &str =
    "there is no id; the message is known by its text, and at another time by that too";
const NO_TEXT: &str = "has no text, in body_text, stripped_text or body_html; it was kept without one";

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

fn read_message(path: String, raw: &RawValue, around: &Around, remarks: &mut Remarks) -> Reading {
    let Some(message) = Object::or_only(path.clone(), raw, MESSAGE, remarks) else {
        if let Some(inner) = message_within(raw) {
            remarks.add(path.clone(), IN_A_TEXT);
            return read_message(path, &inner, around, remarks);
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
    let source = message
        .value("source")
        .and_then(|raw| Object::of(message.path("source"), raw, &["type", "from", "to"]));
    let source_type = source.as_ref().and_then(|source| source.text("type", 60, remarks));
    let is_note = |name: Option<&str>| matches!(name, Some("internal-note" | "internal_note" | "note"));
    let people = read_people(&message, source.as_ref(), remarks);
    let subject = message.text("subject", 1_000, &mut Remarks::default());
    let conversation = around.conversation(subject.as_deref(), &people);
    let (body_text, not_read) =
        read_text(&message, TEXTS.into_iter().chain(OTHER_TEXTS), &conversation, remarks);
    let from_agent = is_by_agent(&message, &people, around, !body_text.is_empty(), remarks);
    let internal = is_note(channel.as_deref())
        || is_note(source_type.as_deref())
        || (message.flag("public", remarks) == Some(false) && from_agent);
    let by_machine = from_agent && !internal && is_by_machine(&message, source_type.as_deref());
    let id = match message.id("id", remarks) {
        Some(id) => id,
        None if body_text.is_empty() && TEXTS.iter().any(|name| message.is_null(name)) => {
            return Reading::Silent(path);
        }
        None if body_text.is_empty() => return Reading::Empty(path, not_read.unfilled),
        None => {
            remarks.add(message.path("id"), KNOWN_BY_TEXT);
            words::id_of(from_agent, &body_text)
        }
    };
    if message.value("attachments").is_some_and(|raw| plain(raw) == Some(Plain::List) && raw.get() != "[]") {
        remarks.add_once(message.path("attachments"), "files were left out; the help desk has them");
    }
    if body_text.is_empty() && not_read.unreadable.is_none() && not_read.unfilled.is_none() {
        remarks.add_once(path.clone(), NO_TEXT);
    }
    let sent_at = message.time("sent_datetime", remarks);
    let read = Box::new(Message {
        id,
        from_agent,
        internal,
        by_machine,
        channel,
        via: lower(message.filled("via", 60, remarks)),
        external_id: message.id("external_id", remarks),
        sender_name: people.name,
        sender_email: people.address,
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
        TEXTS.iter().chain(&OTHER_TEXTS).any(|name| message.value(name).is_some())
    };
    has_text.then_some(inner)
}

fn nameless(body_text: String) -> Message {
    Message {
        id: String::new(),
        from_agent: false,
        internal: false,
        by_machine: false,
        channel: None,
        via: None,
        external_id: None,
        sender_name: None,
        sender_email: None,
        body_text,
        sent_at: None,
    }
}
