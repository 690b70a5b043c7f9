//! The messages of a ticket: reading them, and adding notes, replies and files.
//!
//! A note must not appear twice, and Gorgias has no idempotency keys; it only stores an `external_id` of our
//! choice with each message. So a note is never sent again blindly: after a failure that leaves its fate
//! open, the newest messages are searched for the id first.

use std::collections::HashSet;

use bytes::Bytes;
use reqwest::Method;
use reqwest::header::{CONTENT_TYPE, HeaderValue};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use thiserror::Error;

use super::{Client, Message, PAGE_SIZE, UPSTREAM, parse, wire};
use crate::error::ClientError;
use crate::http::{CallContext, Repeat, Request, url_under};
use crate::outgoing::Outgoing;

/// How few, when so many are more than is read of an answer.
const SMALLER_PAGES: [usize; 3] = [20, 5, 1];
/// At most so many pages of a ticket are read.
const MAX_PAGES: usize = 50;
/// The most messages of a ticket that are read.
const MAX_MESSAGES: usize = 1000;

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

impl Client {
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
        self.post_message(context, ticket_id, &note).await
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
        self.post_message(context, ticket_id, &reply).await
    }

    async fn post_message(
        &self,
        context: &CallContext,
        ticket_id: u64,
        message: &impl Serialize,
    ) -> Result<Note, ClientError> {
        let body = serde_json::to_vec(message).expect("a struct of strings is always JSON");
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
}

/// A line that is not in the file: nothing has its own hash in it.
fn multipart_boundary(bytes: &[u8]) -> String {
    format!("deskwork-{}", hex::encode(Sha256::digest(bytes)))
}
