//! The client of the Gorgias help desk: an account, its tickets and their fields. What is read and written in a ticket is in
//! `messages.rs`, forgetting somebody in `forget.rs`.

mod forget;
mod messages;
mod tolerant;
mod wire;

use std::time::Duration;

use accounts::foreign::json;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use chrono::{DateTime, Utc};
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue};
use reqwest::{Method, Url};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::error::{ClientError, SetupError};
use super::http::{
    Answer, CallContext, Outbound, Repeat, Request, RetryPolicy, Verdict, judge_status, url_under,
};
use super::pacing::shared::Shared;
use super::pacing::{Allowance, Pacer, Report, used_of_limit};
use super::{Breakers, Destinations};
pub use forget::{Deletion, Listed};
pub use messages::{ExternalId, InvalidExternalId, Note, NoteOrigin, ReplyTo, Uploaded};
pub use wire::{Customer, Message, Person, Tag, Ticket};

const UPSTREAM: &str = "gorgias";
/// How many messages are asked for at once.
const PAGE_SIZE: usize = 100;
/// At most so many pages of the people of a shop are read.
const MAX_USER_PAGES: usize = 10;
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
