//! The shapes of Gorgias's JSON, as far as they are used. Reading is tolerant (fields may be absent or null,
//! times may lack a zone); writing is exactly what the API documents. Debug output shows ids only.

use std::fmt;

use chrono::{DateTime, NaiveDateTime, Utc};
use serde::{Deserialize, Deserializer, Serialize};

/// A ticket.
#[derive(Clone, Deserialize)]
pub struct Ticket {
    /// Gorgias's id.
    pub id: u64,
    /// The subject line.
    pub subject: Option<String>,
    /// `open` or `closed`.
    pub status: Option<String>,
    /// `email`, `chat`, `sms`, ...
    pub channel: Option<String>,
    /// How it came in.
    pub via: Option<String>,
    /// Marked as spam.
    pub spam: Option<bool>,
    /// When it was deleted, if it was.
    #[serde(default, deserialize_with = "time")]
    pub trashed_datetime: Option<DateTime<Utc>>,
    /// Last change.
    #[serde(default, deserialize_with = "time")]
    pub updated_datetime: Option<DateTime<Utc>>,
    /// Tags.
    #[serde(default, deserialize_with = "null_is_empty")]
    pub tags: Vec<Tag>,
    /// Who wrote in.
    pub customer: Option<Customer>,
}

/// A tag of a ticket.
#[derive(Debug, Clone, Deserialize)]
pub struct Tag {
    /// The tag's name.
    pub name: String,
}

/// The customer of a ticket.
#[derive(Clone, Deserialize)]
pub struct Customer {
    /// Gorgias's id.
    pub id: Option<u64>,
    /// E-mail address.
    pub email: Option<String>,
    /// Display name.
    pub name: Option<String>,
    /// The shop's own id of this customer.
    pub external_id: Option<String>,
}

/// A message of a ticket; notes are messages too.
#[derive(Clone, Deserialize)]
pub struct Message {
    /// Gorgias's id.
    pub id: u64,
    /// The ticket's id.
    pub ticket_id: Option<u64>,
    /// Whether the customer can see it.
    pub public: Option<bool>,
    /// `email`, `internal-note`, ...
    pub channel: Option<String>,
    /// How it came in.
    pub via: Option<String>,
    /// Written by our side.
    #[serde(default, deserialize_with = "null_is_empty")]
    pub from_agent: bool,
    /// Who wrote it.
    pub sender: Option<Person>,
    /// The text.
    pub body_text: Option<String>,
    /// The text as HTML.
    pub body_html: Option<String>,
    /// The text without quoted replies.
    pub stripped_text: Option<String>,
    /// The marker that the writing application chose.
    pub external_id: Option<String>,
    /// When it was made.
    #[serde(default, deserialize_with = "time")]
    pub created_datetime: Option<DateTime<Utc>>,
    /// When it left, if it did.
    #[serde(default, deserialize_with = "time")]
    pub sent_datetime: Option<DateTime<Utc>>,
}

impl Message {
    /// Whether it is an internal note rather than part of the conversation.
    pub fn is_internal_note(&self) -> bool {
        self.channel.as_deref() == Some("internal-note") || self.public == Some(false)
    }
}

/// A participant.
#[derive(Clone, Deserialize)]
pub struct Person {
    /// Gorgias's id.
    pub id: Option<u64>,
    /// E-mail address.
    pub email: Option<String>,
    /// Display name.
    pub name: Option<String>,
}

impl fmt::Debug for Ticket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ticket").field("id", &self.id).field("status", &self.status).finish_non_exhaustive()
    }
}

impl fmt::Debug for Customer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Customer").field("id", &self.id).finish_non_exhaustive()
    }
}

impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Message")
            .field("id", &self.id)
            .field("channel", &self.channel)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Person {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Person").field("id", &self.id).finish_non_exhaustive()
    }
}

/// A page of messages.
#[derive(Deserialize)]
pub(super) struct MessagePage {
    pub(super) data: Vec<Message>,
    #[serde(default)]
    pub(super) meta: PageMeta,
}

#[derive(Default, Deserialize)]
pub(super) struct PageMeta {
    pub(super) next_cursor: Option<String>,
}

/// What is left of the answer to a post.
#[derive(Deserialize)]
pub(super) struct Posted {
    pub(super) id: u64,
}

/// The body that makes an internal note.
#[derive(Serialize)]
pub(super) struct NewNote<'a> {
    channel: &'static str,
    via: &'static str,
    from_agent: bool,
    external_id: &'a str,
    body_text: &'a str,
    body_html: &'a str,
    source: NoteSource<'a>,
}

#[derive(Serialize)]
struct NoteSource<'a> {
    r#type: &'static str,
    from: &'a NoteSender,
}

impl<'a> NewNote<'a> {
    pub(super) fn new(
        external_id: &'a str,
        body_text: &'a str,
        body_html: &'a str,
        sender: &'a NoteSender,
    ) -> Self {
        Self {
            channel: "internal-note",
            via: "api",
            from_agent: true,
            external_id,
            body_text,
            body_html,
            source: NoteSource { r#type: "internal-note", from: sender },
        }
    }
}

/// In whose name notes are written.
#[derive(Clone, Serialize)]
pub(super) struct NoteSender {
    name: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    address: Option<String>,
}

impl NoteSender {
    pub(super) fn of(email: &str) -> Self {
        Self { name: "Deskwork", address: Some(email.to_owned()) }
    }

    pub(super) fn nameless() -> Self {
        Self { name: "Deskwork", address: None }
    }
}

impl fmt::Debug for NoteSender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NoteSender").finish_non_exhaustive()
    }
}

/// Reads a time with or without a zone (then it is UTC); what is neither counts as absent.
fn time<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<DateTime<Utc>>, D::Error> {
    let text = Option::<String>::deserialize(deserializer)?;
    Ok(text.and_then(|text| {
        let with_zone = DateTime::parse_from_rfc3339(&text).map(|time| time.to_utc());
        let without =
            || NaiveDateTime::parse_from_str(&text, "%Y-%m-%dT%H:%M:%S%.f").map(|time| time.and_utc());
        with_zone.or_else(|_| without()).ok()
    }))
}

fn null_is_empty<'de, D: Deserializer<'de>, T: Default + Deserialize<'de>>(
    deserializer: D,
) -> Result<T, D::Error> {
    Ok(Option::<T>::deserialize(deserializer)?.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_sparse_and_null_fields() {
        let ticket: Ticket =
            serde_json::from_str(r#"{"id": 7, "tags": null, "updated_datetime": "2026-11-20T10:00:00.5"}"#)
                .expect("a sparse ticket");
        assert!(ticket.tags.is_empty());
        assert_eq!(ticket.updated_datetime.map(|at| at.timestamp_millis()), Some(1_795_168_800_500));
        let message: Message = serde_json::from_str(
            r#"{"id": 1, "from_agent": null, "created_datetime": "2026-11-20T11:00:00+01:00", "sent_datetime": "?"}"#,
        )
        .expect("a sparse message");
        assert_eq!(message.created_datetime.map(|at| at.timestamp()), Some(1_795_168_800));
        assert_eq!(message.sent_datetime, None);
    }

    #[test]
    fn writes_exactly_the_documented_note() {
        let sender = NoteSender::of("bot@shop.example");
        let note = serde_json::to_value(NewNote::new("k", "text", "<p>text</p>", &sender)).expect("JSON");
        assert_eq!(
            note,
            serde_json::json!({
                "channel": "internal-note", "via": "api", "from_agent": true, "external_id": "k",
                "body_text": "text", "body_html": "<p>text</p>",
                "source": {"type": "internal-note", "from": {"name": "Deskwork", "address": "bot@shop.example"}},
            })
        );
    }

    #[test]
    fn debug_output_has_no_personal_data() {
        let ticket: Ticket = serde_json::from_str(
            r#"{"id": 7, "subject": "secret", "customer": {"id": 1, "email": "ann@x.example", "name": "Ann"}}"#,
        )
        .expect("a ticket");
        let text = format!("{ticket:?} {:?}", ticket.customer);
        assert!(!text.contains("secret") && !text.contains("Ann") && !text.contains("ann@"), "{text}");
    }
}
