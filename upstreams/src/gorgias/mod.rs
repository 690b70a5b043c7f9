//! The client of the Gorgias help desk: reads a ticket and its messages, writes internal notes and replies.
//!
//! A note must not appear twice, and Gorgias has no idempotency keys; it only stores an `external_id` of our
//! choice with each message. So a note is never sent again blindly: after a failure that leaves its fate
//! open, the newest messages are searched for the id first.

mod tolerant;
mod wire;

use std::collections::HashSet;
use std::time::Duration;

use accounts::foreign::json;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use chrono::{DateTime, Utc};
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue};
use reqwest::{Method, Url};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::error::{ClientError, SetupError};
use super::http::{
    Answer, CallContext, Outbound, Repeat, Request, RetryPolicy, Verdict, judge_status, url_under,
};
use super::outgoing::Outgoing;
use super::pacing::shared::Shared;
use super::pacing::{Allowance, Pacer, Report, used_of_limit};
use super::{Breakers, Destinations};
pub use wire::{Customer, Message, Person, Tag, Ticket};

const UPSTREAM: &str = "gorgias";
/// How many messages are asked for at once.
const PAGE_SIZE: usize = 100;
/// How few, when so many are more than is read of an answer.
const SMALLER_PAGES: [usize; 3] = [20, 5, 1];
/// At most so many pages of the people of a shop are read.
const MAX_USER_PAGES: usize = 10;
/// At most so many pages are read of the customers of an address, and of the tickets of a customer.
const MAX_FOUND_PAGES: usize = 10;
/// At most so many pages of a ticket are read.
const MAX_PAGES: usize = 50;
/// The most messages of a ticket that are read.
const MAX_MESSAGES: usize = 1000;
const CALL_LIMIT_HEADER: &str = "x-gorgias-account-api-call-limit";
/// The bucket drains in this time, for API keys and OAuth alike. The last fifth of it is left to people.
const ALLOWANCE: Allowance = Allowance { window: Duration::from_secs(20), share: 0.8, assumed: 0.0 };

/// What all accounts share in a process: connections, circuits, rate buckets.
#[derive(Debug, Clone)]
pub struct Gorgias {
    outbound: Outbound,
}

/// One account's client. Cheap to make for each job.
#[derive(Debug, Clone)]
pub struct Client {
    shared: Gorgias,
    base: Url,
    authorization: HeaderValue,
    sender: wire::NoteSender,
}

/// How an account lets us in.
pub enum Auth {
    /// An API key of a user; 40 requests in 20 s.
    ApiKey {
        /// The user's e-mail address.
        email: String,
        /// The key.
        key: String,
    },
    /// An OAuth2 access token; 80 requests in 20 s.
    Bearer(String),
}

/// The marker under which a note is found again: 1 to 255 characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExternalId(String);

/// An external id that Gorgias would not take.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("an external id has 1 to 255 characters")]
pub struct InvalidExternalId;

impl ExternalId {
    /// Checks the length.
    pub fn new(text: impl Into<String>) -> Result<Self, InvalidExternalId> {
        let text = text.into();
        if (1..=255).contains(&text.chars().count()) { Ok(Self(text)) } else { Err(InvalidExternalId) }
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// To whom a reply goes, and through what.
#[derive(Clone)]
pub struct ReplyTo {
    /// The ticket's channel, such as `email`.
    pub channel: String,
    /// The customer's address there, when it is known.
    pub address: Option<String>,
    /// The customer's name.
    pub name: Option<String>,
    /// Files that go with it.
    pub files: Vec<Uploaded>,
}

/// A file of a reply, as the help desk keeps it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Uploaded {
    /// Where it is there.
    pub url: String,
    /// Its name.
    #[serde(default)]
    pub name: String,
    /// What it is.
    #[serde(default)]
    pub content_type: String,
    /// How long it is.
    #[serde(default)]
    pub size: u64,
}

/// What was found of somebody.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Listed {
    /// The account's ids.
    pub ids: Vec<u64>,
    /// There are more pages than are read.
    pub is_cut: bool,
}

/// What became of a thing that was to be deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deletion {
    /// It was there, and is not any more.
    Done,
    /// It was not there any more.
    WasGone,
}

/// A note that is in the ticket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Note {
    /// Gorgias's id of the message.
    pub message_id: u64,
    /// Whether this call made it.
    pub origin: NoteOrigin,
}

/// Where a note comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoteOrigin {
    /// This call posted it.
    Posted,
    /// It was there already.
    Found,
}

impl Gorgias {
    /// The policy of calls to Gorgias: quick answers, four tries, waits of up to 5 s on the spot.
    pub const POLICY: RetryPolicy = RetryPolicy {
        attempts: 4,
        first_delay: Duration::from_millis(250),
        longest_delay: Duration::from_secs(4),
        attempt_timeout: Duration::from_secs(15),
        longest_named_wait: Duration::from_secs(5),
    };

    /// Makes what the accounts of a process share.
    pub fn new(destinations: Destinations, breakers: Breakers) -> Result<Self, SetupError> {
        Self::with_policy(destinations, breakers, Self::POLICY)
    }

    /// Like `new`, with another retry policy.
    pub fn with_policy(
        destinations: Destinations,
        breakers: Breakers,
        policy: RetryPolicy,
    ) -> Result<Self, SetupError> {
        let pacer = Pacer::new(UPSTREAM, ALLOWANCE, report);
        Ok(Self { outbound: Outbound::new(UPSTREAM, destinations, policy, breakers)?.paced_by(pacer) })
    }

    /// The same with rate buckets that the whole cluster shares.
    pub fn sharing_pace(mut self, shared: Shared) -> Self {
        self.outbound = self.outbound.sharing_pace(shared);
        self
    }

    /// The client of one account. `base` is `https://{account}.gorgias.com/api`.
    pub fn account(&self, base: &str, auth: &Auth) -> Result<Client, SetupError> {
        let (text, sender) = match auth {
            Auth::ApiKey { email, key } if !email.is_empty() && !key.is_empty() => {
                (format!("Basic {}", STANDARD.encode(format!("{email}:{key}"))), wire::NoteSender::of(email))
            }
            Auth::Bearer(token) if !token.is_empty() => {
                (format!("Bearer {token}"), wire::NoteSender::nameless())
            }
            _ => return Err(SetupError::Header { upstream: UPSTREAM, setting: "credential" }),
        };
        let mut authorization = HeaderValue::from_str(&text)
            .map_err(|_| SetupError::Header { upstream: UPSTREAM, setting: "credential" })?;
        authorization.set_sensitive(true);
        Ok(Client { shared: self.clone(), base: self.outbound.base_url(base)?, authorization, sender })
    }
}

impl Client {
    /// Reads a ticket. A ticket that does not exist is `Rejected` with status 404.
    pub async fn get_ticket(&self, context: &CallContext, ticket_id: u64) -> Result<Ticket, ClientError> {
        let url = url_under(&self.base, &["tickets", &ticket_id.to_string()]);
        self.get(context, url).await
    }

    /// A page of tickets, those that changed last first, and what leads to the next one.
    pub async fn tickets_by_change(
        &self,
        context: &CallContext,
        cursor: Option<&str>,
    ) -> Result<(Vec<Ticket>, Option<String>), ClientError> {
        let mut url = url_under(&self.base, &["tickets"]);
        url.query_pairs_mut()
            .append_pair("order_by", "updated_datetime:desc")
            .append_pair("limit", &PAGE_SIZE.to_string())
            .extend_pairs(cursor.map(|cursor| ("cursor", cursor)));
        let page: wire::TicketPage = self.get(context, url).await?;
        Ok((page.data, page.meta.next_cursor))
    }

    /// Makes a ticket `open` or `closed`; one that sleeps is closed until then. Doing it again changes nothing.
    pub async fn set_status(
        &self,
        context: &CallContext,
        ticket_id: u64,
        status: &str,
        snooze_until: Option<DateTime<Utc>>,
    ) -> Result<(), ClientError> {
        let body = wire::NewStatus { status, snooze_datetime: snooze_until };
        self.write(context, Method::PUT, &["tickets", &ticket_id.to_string()], &body).await
    }

    /// Gives a ticket to somebody of the shop, or to nobody. Doing it again changes nothing.
    pub async fn set_assignee(
        &self,
        context: &CallContext,
        ticket_id: u64,
        user: Option<u64>,
    ) -> Result<(), ClientError> {
        let body = wire::NewAssignee { assignee_user: user.map(|id| wire::UserId { id }) };
        self.write(context, Method::PUT, &["tickets", &ticket_id.to_string()], &body).await
    }

    /// The account's id of whoever has this address; an account has few people, and so many pages are looked through.
    pub async fn user_by_email(
        &self,
        context: &CallContext,
        email: &str,
    ) -> Result<Option<u64>, ClientError> {
        let mut cursor: Option<String> = None;
        for _ in 0..MAX_USER_PAGES {
            let mut url = url_under(&self.base, &["users"]);
            url.query_pairs_mut()
                .append_pair("limit", &PAGE_SIZE.to_string())
                .extend_pairs(cursor.as_deref().map(|cursor| ("cursor", cursor)));
            let page: wire::UserPage = self.get(context, url).await?;
            let has_it = |user: &&wire::Person| {
                user.email.as_deref().is_some_and(|known| known.trim().eq_ignore_ascii_case(email))
            };
            if let Some(user) = page.data.iter().find(has_it) {
                return Ok(user.id);
            }
            cursor = page.meta.next_cursor;
            if cursor.is_none() {
                break;
            }
        }
        Ok(None)
    }

    /// Adds tags to a ticket and leaves its others as they are.
    pub async fn add_tags(
        &self,
        context: &CallContext,
        ticket_id: u64,
        names: &[String],
    ) -> Result<(), ClientError> {
        let path = ["tickets", &ticket_id.to_string(), "tags"];
        self.write(context, Method::POST, &path, &wire::TagNames { names }).await
    }

    /// Takes tags away from a ticket and leaves its others as they are.
    pub async fn remove_tags(
        &self,
        context: &CallContext,
        ticket_id: u64,
        names: &[String],
    ) -> Result<(), ClientError> {
        let path = ["tickets", &ticket_id.to_string(), "tags"];
        self.write(context, Method::DELETE, &path, &wire::TagNames { names }).await
    }

    /// Gives the help desk a file, to be named by a reply afterwards. One that no reply names harms nobody.
    pub async fn upload(
        &self,
        context: &CallContext,
        name: &str,
        content_type: &str,
        bytes: &[u8],
    ) -> Result<Uploaded, ClientError> {
        let mut url = url_under(&self.base, &["upload"]);
        url.query_pairs_mut().append_pair("type", "attachment");
        let boundary = multipart_boundary(bytes);
        let plain: String = name.chars().filter(|c| !c.is_control() && !"\"\\".contains(*c)).collect();
        let head = format!(
            "--{boundary}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{plain}\"\r\n\
             Content-Type: {content_type}\r\n\r\n"
        );
        let body = [head.as_bytes(), bytes, format!("\r\n--{boundary}--\r\n").as_bytes()].concat();
        let mut headers = self.headers();
        let kind = HeaderValue::from_str(&format!("multipart/form-data; boundary={boundary}"));
        headers.insert(CONTENT_TYPE, kind.expect("a boundary of letters and digits is a header value"));
        let request = Request {
            method: Method::POST,
            url,
            headers,
            body: Some(Bytes::from(body)),
            repeat: Repeat::Always,
        };
        let uploaded: Vec<Uploaded> = parse(&self.send(context, &request).await?)?;
        uploaded
            .into_iter()
            .next()
            .ok_or(ClientError::BadAnswer { upstream: UPSTREAM, problem: "no file came back" })
    }

    /// Writes what may be written twice without harm; the answer's body says nothing that is needed.
    async fn write(
        &self,
        context: &CallContext,
        method: Method,
        path: &[&str],
        body: &impl Serialize,
    ) -> Result<(), ClientError> {
        let body = serde_json::to_vec(body).expect("a struct of texts is always JSON");
        let request = Request {
            method,
            url: url_under(&self.base, path),
            headers: self.headers(),
            body: Some(Bytes::from(body)),
            repeat: Repeat::Always,
        };
        self.send(context, &request).await.map(drop)
    }

    /// The newest messages of a ticket, oldest first; `newest` is bounded at 1000.
    pub async fn list_messages(
        &self,
        context: &CallContext,
        ticket_id: u64,
        newest: usize,
    ) -> Result<Vec<Message>, ClientError> {
        let wanted = newest.min(MAX_MESSAGES);
        let mut messages: Vec<Message> = Vec::new();
        let mut seen = HashSet::new();
        let mut cursor = None;
        for _ in 0..MAX_PAGES {
            if messages.len() >= wanted {
                break;
            }
            let page = match self.message_page(context, ticket_id, cursor.as_deref()).await {
                // One message that is longer than any answer that is read must not hide the newer ones.
                Err(error) if error.is_too_long() && !messages.is_empty() => {
                    tracing::warn!(%error, messages = messages.len(), "older messages of a ticket are left out");
                    break;
                }
                page => page?,
            };
            messages.extend(page.data.into_iter().filter(|message| seen.insert(message.id)));
            cursor = page.meta.next_cursor;
            if cursor.is_none() {
                break;
            }
        }
        messages.sort_by_key(|message| (message.created_datetime, message.id));
        Ok(messages.split_off(messages.len().saturating_sub(wanted)))
    }

    /// Looks for our note among the newest 1000 messages of a ticket.
    pub async fn find_note_by_external_id(
        &self,
        context: &CallContext,
        ticket_id: u64,
        external_id: &ExternalId,
    ) -> Result<Option<Note>, ClientError> {
        let mut cursor = None;
        let mut looked_at = 0;
        for _ in 0..MAX_PAGES {
            let page = self.message_page(context, ticket_id, cursor.as_deref()).await?;
            looked_at += page.data.len();
            let ours = |message: &&Message| message.external_id.as_deref() == Some(external_id.as_str());
            if let Some(found) = page.data.iter().find(ours) {
                return Ok(Some(Note { message_id: found.id, origin: NoteOrigin::Found }));
            }
            cursor = page.meta.next_cursor;
            if cursor.is_none() || looked_at >= MAX_MESSAGES {
                break;
            }
        }
        Ok(None)
    }

    /// Puts a note into a ticket unless it is there: looks, posts, and looks again when the fate of the post
    /// is not known. Safe to call again after any error.
    pub async fn ensure_internal_note(
        &self,
        context: &CallContext,
        ticket_id: u64,
        external_id: &ExternalId,
        body: &Outgoing,
    ) -> Result<Note, ClientError> {
        if let Some(note) = self.find_note_by_external_id(context, ticket_id, external_id).await? {
            return Ok(note);
        }
        match self.post_internal_note(context, ticket_id, external_id, body).await {
            Err(error) if error.may_have_taken_effect() => {
                match self.find_note_by_external_id(context, ticket_id, external_id).await {
                    Ok(Some(note)) => Ok(note),
                    _ => Err(error),
                }
            }
            outcome => outcome,
        }
    }

    /// Posts an internal note, which customers never see. It is sent again only when the upstream certainly
    /// did nothing; an error of which `may_have_taken_effect` holds means: look before posting again.
    pub async fn post_internal_note(
        &self,
        context: &CallContext,
        ticket_id: u64,
        external_id: &ExternalId,
        body: &Outgoing,
    ) -> Result<Note, ClientError> {
        let note = wire::NewNote::new(external_id.as_str(), body.text(), body.html(), &self.sender);
        let body = serde_json::to_vec(&note).expect("a struct of strings is always JSON");
        let request = Request {
            method: Method::POST,
            url: url_under(&self.base, &["tickets", &ticket_id.to_string(), "messages"]),
            headers: self.headers(),
            body: Some(Bytes::from(body)),
            repeat: Repeat::OnlyIfWithoutEffect,
        };
        let posted: wire::Posted = parse(&self.send(context, &request).await?)?;
        Ok(Note { message_id: posted.id, origin: NoteOrigin::Posted })
    }

    /// Sends a reply to the customer unless it is in the ticket: looks, posts, and looks again when the fate of the post
    /// is not known. Safe to call again after any error.
    pub async fn ensure_reply(
        &self,
        context: &CallContext,
        ticket_id: u64,
        external_id: &ExternalId,
        to: &ReplyTo,
        body: &Outgoing,
    ) -> Result<Note, ClientError> {
        if let Some(sent) = self.find_note_by_external_id(context, ticket_id, external_id).await? {
            return Ok(sent);
        }
        match self.post_reply(context, ticket_id, external_id, to, body).await {
            Err(error) if error.may_have_taken_effect() => {
                match self.find_note_by_external_id(context, ticket_id, external_id).await {
                    Ok(Some(sent)) => Ok(sent),
                    _ => Err(error),
                }
            }
            outcome => outcome,
        }
    }

    /// Sends a reply to the customer of a ticket. It is sent again only when the upstream certainly did nothing; an
    /// error of which `may_have_taken_effect` holds means: look before sending again.
    pub async fn post_reply(
        &self,
        context: &CallContext,
        ticket_id: u64,
        external_id: &ExternalId,
        to: &ReplyTo,
        body: &Outgoing,
    ) -> Result<Note, ClientError> {
        let reply = wire::NewReply::new(external_id.as_str(), body.text(), body.html(), &self.sender, to);
        let body = serde_json::to_vec(&reply).expect("a struct of strings is always JSON");
        let request = Request {
            method: Method::POST,
            url: url_under(&self.base, &["tickets", &ticket_id.to_string(), "messages"]),
            headers: self.headers(),
            body: Some(Bytes::from(body)),
            repeat: Repeat::OnlyIfWithoutEffect,
        };
        let posted: wire::Posted = parse(&self.send(context, &request).await?)?;
        Ok(Note { message_id: posted.id, origin: NoteOrigin::Posted })
    }

    /// The account's ids of the customers who are reached at this address. That the list can be asked for one address is
    /// what accounts do and not what their facts say, so each customer of the answer is looked at: of an account that
    /// answers with everybody, those beyond the pages that are read are told of as cut off.
    pub async fn customers_by_email(
        &self,
        context: &CallContext,
        email: &str,
    ) -> Result<Listed, ClientError> {
        let mut listed = Listed::default();
        let mut cursor: Option<String> = None;
        for _ in 0..MAX_FOUND_PAGES {
            let mut url = url_under(&self.base, &["customers"]);
            url.query_pairs_mut()
                .append_pair("email", email)
                .append_pair("limit", &PAGE_SIZE.to_string())
                .extend_pairs(cursor.as_deref().map(|cursor| ("cursor", cursor)));
            let page: wire::CustomerPage = self.get(context, url).await?;
            listed.ids.extend(page.data.iter().filter(|one| one.has(email)).map(|one| one.id));
            cursor = page.meta.next_cursor;
            if cursor.is_none() {
                return Ok(listed);
            }
        }
        Ok(Listed { is_cut: true, ..listed })
    }

    /// The account's ids of a customer's tickets, looked at one by one for the same reason.
    pub async fn tickets_of_customer(
        &self,
        context: &CallContext,
        customer_id: u64,
    ) -> Result<Listed, ClientError> {
        let mut listed = Listed::default();
        let mut cursor: Option<String> = None;
        for _ in 0..MAX_FOUND_PAGES {
            let mut url = url_under(&self.base, &["tickets"]);
            url.query_pairs_mut()
                .append_pair("customer_id", &customer_id.to_string())
                .append_pair("limit", &PAGE_SIZE.to_string())
                .extend_pairs(cursor.as_deref().map(|cursor| ("cursor", cursor)));
            let page: wire::TicketPage = self.get(context, url).await?;
            let is_theirs =
                |ticket: &&Ticket| ticket.customer.as_ref().is_some_and(|one| one.id == Some(customer_id));
            listed.ids.extend(page.data.iter().filter(is_theirs).map(|ticket| ticket.id));
            cursor = page.meta.next_cursor;
            if cursor.is_none() {
                return Ok(listed);
            }
        }
        Ok(Listed { is_cut: true, ..listed })
    }

    /// Deletes a ticket with its messages, for good.
    pub async fn delete_ticket(
        &self,
        context: &CallContext,
        ticket_id: u64,
    ) -> Result<Deletion, ClientError> {
        self.delete(context, &["tickets", &ticket_id.to_string()]).await
    }

    /// Deletes a customer. Whether an account keeps their tickets then is not documented, so these go first; one that was
    /// merged into another is not there any more.
    pub async fn delete_customer(
        &self,
        context: &CallContext,
        customer_id: u64,
    ) -> Result<Deletion, ClientError> {
        self.delete(context, &["customers", &customer_id.to_string()]).await
    }

    async fn delete(&self, context: &CallContext, path: &[&str]) -> Result<Deletion, ClientError> {
        let request = Request {
            method: Method::DELETE,
            url: url_under(&self.base, path),
            headers: self.headers(),
            body: None,
            repeat: Repeat::Always,
        };
        match self.send(context, &request).await {
            Ok(_) => Ok(Deletion::Done),
            Err(ClientError::Rejected { status: 301 | 404 | 410, .. }) => Ok(Deletion::WasGone),
            Err(error) => Err(error),
        }
    }

    async fn message_page(
        &self,
        context: &CallContext,
        ticket_id: u64,
        cursor: Option<&str>,
    ) -> Result<wire::MessagePage, ClientError> {
        let address = |size: usize| {
            let mut url = url_under(&self.base, &["messages"]);
            url.query_pairs_mut()
                .append_pair("ticket_id", &ticket_id.to_string())
                .append_pair("order_by", "created_datetime:desc")
                .append_pair("limit", &size.to_string())
                .extend_pairs(cursor.map(|cursor| ("cursor", cursor)));
            url
        };
        // A few long messages are more than is read of an answer, so fewer are asked for then.
        let mut page = self.get(context, address(PAGE_SIZE)).await;
        for size in SMALLER_PAGES {
            if !page.as_ref().is_err_and(ClientError::is_too_long) {
                break;
            }
            page = self.get(context, address(size)).await;
        }
        page
    }

    async fn get<T: DeserializeOwned>(&self, context: &CallContext, url: Url) -> Result<T, ClientError> {
        let request =
            Request { method: Method::GET, url, headers: self.headers(), body: None, repeat: Repeat::Always };
        parse(&self.send(context, &request).await?)
    }

    async fn send(&self, context: &CallContext, request: &Request) -> Result<Answer, ClientError> {
        self.shared.outbound.send(context, request, judge).await
    }

    fn headers(&self) -> HeaderMap {
        HeaderMap::from_iter([(AUTHORIZATION, self.authorization.clone())])
    }
}

/// A line that is not in the file.
fn multipart_boundary(bytes: &[u8]) -> String {
    let mut boundary = "deskwork-file".to_owned();
    while bytes.windows(boundary.len()).any(|window| window == boundary.as_bytes()) {
        boundary.push('x');
    }
    boundary
}

fn report(headers: &HeaderMap) -> Option<Report> {
    used_of_limit(headers.get(CALL_LIMIT_HEADER)?.to_str().ok()?)
}

fn judge(answer: &Answer) -> Verdict {
    judge_status(answer.status)
}

fn parse<T: DeserializeOwned>(answer: &Answer) -> Result<T, ClientError> {
    let bad = |problem| ClientError::BadAnswer { upstream: UPSTREAM, problem };
    let cleaned = json::clean(&answer.body).map_err(|_| bad("the body is not JSON"))?;
    serde_json::from_str(&cleaned.text).map_err(|_| bad("the body does not have the documented fields"))
}
