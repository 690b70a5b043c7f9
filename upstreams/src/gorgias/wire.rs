//! The shapes of Gorgias's JSON, as far as they are used. Reading is tolerant: only the id of a thing is needed, and what
//! else is absent, null or of another type than documented is left out ([`super::tolerant`]). Writing is exactly what the
//! API documents. Debug output shows ids only.

use std::fmt;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::tolerant::{flag, id, is_set, items, object, optional_id, said, text, time};
use super::{ReplyTo, Uploaded};

/// A ticket.
#[derive(Clone, Deserialize)]
pub struct Ticket {
    /// Gorgias's id.
    #[serde(deserialize_with = "id")]
    pub id: u64,
    /// The subject line.
    #[serde(default, deserialize_with = "text")]
    pub subject: Option<String>,
    /// `open` or `closed`.
    #[serde(default, deserialize_with = "text")]
    pub status: Option<String>,
    /// `email`, `chat`, `sms`, ...
    #[serde(default, deserialize_with = "text")]
    pub channel: Option<String>,
    /// How it came in.
    #[serde(default, deserialize_with = "text")]
    pub via: Option<String>,
    /// Marked as spam.
    #[serde(default, deserialize_with = "flag")]
    pub spam: Option<bool>,
    /// When it was deleted, if it was.
    #[serde(default, deserialize_with = "time")]
    pub trashed_datetime: Option<DateTime<Utc>>,
    /// Last change.
    #[serde(default, deserialize_with = "time")]
    pub updated_datetime: Option<DateTime<Utc>>,
    /// Until when it sleeps; it is closed meanwhile.
    #[serde(default, deserialize_with = "time")]
    pub snooze_datetime: Option<DateTime<Utc>>,
    /// Tags.
    #[serde(default, deserialize_with = "items")]
    pub tags: Vec<Tag>,
    /// Who wrote in.
    #[serde(default, deserialize_with = "object")]
    pub customer: Option<Customer>,
    /// Who of the shop has it; the outer none when the answer does not say.
    #[serde(default, deserialize_with = "said")]
    pub assignee_user: Option<Option<Person>>,
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
    #[serde(default, deserialize_with = "optional_id")]
    pub id: Option<u64>,
    /// E-mail address.
    #[serde(default, deserialize_with = "text")]
    pub email: Option<String>,
    /// Display name.
    #[serde(default, deserialize_with = "text")]
    pub name: Option<String>,
    /// The shop's own id of this customer.
    #[serde(default, deserialize_with = "text")]
    pub external_id: Option<String>,
}

/// A message of a ticket; notes are messages too.
#[derive(Clone, Deserialize)]
pub struct Message {
    /// Gorgias's id.
    #[serde(deserialize_with = "id")]
    pub id: u64,
    /// The ticket's id.
    #[serde(default, deserialize_with = "optional_id")]
    pub ticket_id: Option<u64>,
    /// Whether the customer can see it.
    #[serde(default, deserialize_with = "flag")]
    pub public: Option<bool>,
    /// `email`, `internal-note`, ...
    #[serde(default, deserialize_with = "text")]
    pub channel: Option<String>,
    /// How it came in.
    #[serde(default, deserialize_with = "text")]
    pub via: Option<String>,
    /// The rule that sent it, if one did.
    #[serde(default, deserialize_with = "optional_id")]
    pub rule_id: Option<u64>,
    /// Written by our side.
    #[serde(default, deserialize_with = "is_set")]
    pub from_agent: bool,
    /// Who wrote it.
    #[serde(default, deserialize_with = "object")]
    pub sender: Option<Person>,
    /// The text.
    #[serde(default, deserialize_with = "text")]
    pub body_text: Option<String>,
    /// The text as HTML.
    #[serde(default, deserialize_with = "text")]
    pub body_html: Option<String>,
    /// The text without quoted replies.
    #[serde(default, deserialize_with = "text")]
    pub stripped_text: Option<String>,
    /// The marker that the writing application chose.
    #[serde(default, deserialize_with = "text")]
    pub external_id: Option<String>,
    /// When it was made.
    #[serde(default, deserialize_with = "time")]
    pub created_datetime: Option<DateTime<Utc>>,
    /// When it left, if it did.
    #[serde(default, deserialize_with = "time")]
    pub sent_datetime: Option<DateTime<Utc>>,
    /// When it turned out that it cannot be sent, if it did.
    #[serde(default, deserialize_with = "time")]
    pub failed_datetime: Option<DateTime<Utc>>,
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
    #[serde(default, deserialize_with = "optional_id")]
    pub id: Option<u64>,
    /// E-mail address.
    #[serde(default, deserialize_with = "text")]
    pub email: Option<String>,
    /// Display name.
    #[serde(default, deserialize_with = "text")]
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

/// A page of tickets.
#[derive(Deserialize)]
pub(super) struct TicketPage {
    #[serde(deserialize_with = "items")]
    pub(super) data: Vec<Ticket>,
    #[serde(default)]
    pub(super) meta: PageMeta,
}

/// The body that changes a ticket's status.
#[derive(Serialize)]
pub(super) struct NewStatus<'a> {
    pub(super) status: &'a str,
    /// Null wakes it.
    pub(super) snooze_datetime: Option<DateTime<Utc>>,
}

/// The body that says who has a ticket; null for nobody.
#[derive(Serialize)]
pub(super) struct NewAssignee {
    pub(super) assignee_user: Option<UserId>,
}

#[derive(Serialize)]
pub(super) struct UserId {
    pub(super) id: u64,
}

/// A page of the people of the shop.
#[derive(Deserialize)]
pub(super) struct UserPage {
    #[serde(deserialize_with = "items")]
    pub(super) data: Vec<Person>,
    #[serde(default)]
    pub(super) meta: PageMeta,
}

/// A page of customers.
#[derive(Deserialize)]
pub(super) struct CustomerPage {
    #[serde(deserialize_with = "items")]
    pub(super) data: Vec<KnownCustomer>,
    #[serde(default)]
    pub(super) meta: PageMeta,
}

/// A customer with the ways to reach them.
#[derive(Deserialize)]
pub(super) struct KnownCustomer {
    #[serde(deserialize_with = "id")]
    pub(super) id: u64,
    #[serde(default, deserialize_with = "text")]
    email: Option<String>,
    #[serde(default, deserialize_with = "items")]
    channels: Vec<Reached>,
}

/// One way to reach a customer: an address, a number, a name in a network.
#[derive(Deserialize)]
struct Reached {
    #[serde(default, deserialize_with = "text")]
    address: Option<String>,
}

impl KnownCustomer {
    /// Whether they are reached at this address, in whatever letters it is written.
    pub(super) fn has(&self, address: &str) -> bool {
        let ways = self.channels.iter().filter_map(|channel| channel.address.as_deref());
        self.email.as_deref().into_iter().chain(ways).any(|known| known.trim().eq_ignore_ascii_case(address))
    }
}

/// The body that names tags.
#[derive(Serialize)]
pub(super) struct TagNames<'a> {
    pub(super) names: &'a [String],
}

/// A page of messages.
#[derive(Deserialize)]
pub(super) struct MessagePage {
    #[serde(deserialize_with = "items")]
    pub(super) data: Vec<Message>,
    #[serde(default)]
    pub(super) meta: PageMeta,
}

#[derive(Default, Deserialize)]
pub(super) struct PageMeta {
    #[serde(default, deserialize_with = "text")]
    pub(super) next_cursor: Option<String>,
}

/// What is left of the answer to a post.
#[derive(Deserialize)]
pub(super) struct Posted {
    #[serde(deserialize_with = "id")]
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

/// The body that sends a reply to the customer.
#[derive(Serialize)]
pub(super) struct NewReply<'a> {
    channel: &'a str,
    via: &'static str,
    from_agent: bool,
    public: bool,
    external_id: &'a str,
    body_text: &'a str,
    body_html: &'a str,
    source: ReplySource<'a>,
    #[serde(skip_serializing_if = "<[Uploaded]>::is_empty")]
    attachments: &'a [Uploaded],
}

#[derive(Serialize)]
struct ReplySource<'a> {
    r#type: &'a str,
    from: &'a NoteSender,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    to: Vec<Recipient<'a>>,
}

#[derive(Serialize)]
struct Recipient<'a> {
    address: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
}

impl<'a> NewReply<'a> {
    pub(super) fn new(
        external_id: &'a str,
        body_text: &'a str,
        body_html: &'a str,
        sender: &'a NoteSender,
        to: &'a ReplyTo,
    ) -> Self {
        let recipient = to.address.as_deref().map(|address| Recipient { address, name: to.name.as_deref() });
        Self {
            channel: &to.channel,
            via: "api",
            from_agent: true,
            public: true,
            external_id,
            body_text,
            body_html,
            source: ReplySource { r#type: &to.channel, from: sender, to: recipient.into_iter().collect() },
            attachments: &to.files,
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
    fn odd_types_cost_what_they_are_in_and_nothing_else() {
        let page = r#"{"data": [{"id": "815.0", "body_text": 4711, "public": "false", "from_agent": 1, "sender": "Ann",
            "sent_datetime": 1795168800, "created_datetime": "2026-11-20 10:00:00 UTC", "external_id": 7, "w": 1e400},
            {"id": {}}, 7, {"id": 816, "ticket_id": 9007199254740993, "sender": {"id": false, "email": "a@b.example"}}],
            "meta": {"next_cursor": null}}"#;
        let page: MessagePage = serde_json::from_str(page).expect("a page");
        let [first, second] = page.data.as_slice() else { panic!("{:?}", page.data) };
        assert_eq!((first.id, first.body_text.as_deref(), first.public), (815, Some("4711"), Some(false)));
        assert!(first.from_agent && first.sender.is_none());
        assert_eq!(first.external_id.as_deref(), Some("7"));
        assert_eq!(first.sent_datetime, first.created_datetime);
        assert_eq!(first.sent_datetime.map(|at| at.timestamp()), Some(1_795_168_800));
        assert_eq!((second.id, second.ticket_id), (816, Some(9_007_199_254_740_993)));
        assert_eq!(second.sender.as_ref().and_then(|sender| sender.email.as_deref()), Some("a@b.example"));
        let ticket = r#"{"id": 7.0, "subject": {}, "tags": [5, {"name": "vip"}, {"name": null}], "spam": "no", "customer": []}"#;
        let ticket: Ticket = serde_json::from_str(ticket).expect("a ticket");
        assert_eq!((ticket.id, ticket.subject, ticket.spam), (7, None, Some(false)));
        assert_eq!(ticket.tags.iter().map(|tag| tag.name.as_str()).collect::<Vec<_>>(), ["vip"]);
        assert!(serde_json::from_str::<Ticket>(r#"{"id": true}"#).is_err(), "the id is needed");
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
    fn writes_a_reply_to_the_customer() {
        let sender = NoteSender::of("bot@shop.example");
        let to = ReplyTo {
            channel: "email".to_owned(),
            address: Some("ann@example.com".to_owned()),
            name: Some("Ann".to_owned()),
            files: Vec::new(),
        };
        let reply =
            serde_json::to_value(NewReply::new("k", "text", "<p>text</p>", &sender, &to)).expect("JSON");
        assert_eq!(
            reply,
            serde_json::json!({
                "channel": "email", "via": "api", "from_agent": true, "public": true, "external_id": "k",
                "body_text": "text", "body_html": "<p>text</p>",
                "source": {
                    "type": "email", "from": {"name": "Deskwork", "address": "bot@shop.example"},
                    "to": [{"address": "ann@example.com", "name": "Ann"}],
                },
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
