//! An agent's WebSocket: events out, signs of the agent in.
//!
//! axum gives each socket a read buffer of 128 KiB when nothing is said; 1 KiB is enough for what agents say. A message
//! that is too long is read up to a megabyte and answered, so that a client's mistake does not cost its connection; a
//! longer one ends it. A client that does not take its events within ten seconds, or does not answer pings, is dropped and
//! comes back with the last number that it saw.

use std::collections::BTreeSet;
use std::time::Duration;

use accounts::api_keys::Scope;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::ws::{CloseFrame, Message, Utf8Bytes, WebSocket, WebSocketUpgrade};
use axum::extract::{Path, State};
use axum::http::Uri;
use axum::response::Response;
use database::Role;
use database::ids::{AgentId, TenantId};
use serde_json::{Value, json};
use support::assignment::{offline, read};
use support::live;
use support::live::topics::Topic;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};
use uuid::Uuid;

use super::words::{self, Word};
use super::{after, no_place, topics};
use crate::live::hub::{self, Feed, FeedEnd};
use crate::live::presence::There;
use crate::live::validity::Hold;
use crate::live::whispers::Looking;
use crate::state::AppState;
use crate::web::auth::Caller;
use crate::web::problem::{Problem, ProblemDocument};
use crate::web::query::{self, Params};

const READ_BUFFER_BYTES: usize = 1_024;
const MOST_UNSENT_BYTES: usize = 256 * 1_024;

/// A message of this size is read to be refused; a longer one ends the connection.
const LONGEST_READ_BYTES: usize = 1_100_000;

/// Between two pings, and how long nothing may come from a client.
const PING_EVERY: Duration = Duration::from_secs(25);
const SILENT_FOR: Duration = Duration::from_secs(80);

/// How long one message may take to leave.
const SEND_WITHIN: Duration = Duration::from_secs(10);

/// How many messages a client may send at once, and how fast it may go on, in messages a second.
const BURST: f64 = 40.0;
const PER_SECOND: f64 = 10.0;

/// Reasons for which the server closes; those from 4000 on are ours.
mod close {
    pub(super) const TRY_AGAIN: u16 = 1013;
    pub(super) const RESTARTS: u16 = 1012;
    pub(super) const SIGNED_OUT: u16 = 4401;
}

/// An agent's events and signs, as a WebSocket.
///
/// For the agent, or for who leads them. Begins with `hello`, or with `reset` when what came after `after` is gone; then
/// events as in GET /api/events. The client may send `typing`, `viewing`, `ack`, `availability` and `ping`; what cannot be
/// read is answered by `error`, and the connection stays. Close codes: 1012 the server restarts, 1013 the client is too
/// slow (both: come back with the last number), 4401 the credential holds no longer.
#[utoipa::path(
    get, path = "/ws/agent/{agent_id}", tag = "live",
    params(
        ("agent_id" = String, Path, description = "the agent, or `me`"),
        ("after" = Option<i64>, Query, description = "the number of the last event that was seen"),
        ("topics" = Option<String>, Query, description = "kinds of events, with commas; all when missing"),
    ),
    responses(
        (status = 101, description = "the WebSocket"),
        (status = 400, description = "no WebSocket is asked for, or `after` is no number or from the future", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 403, description = "it is somebody else", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 404, description = "there is no such agent", body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
pub async fn agent(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
    uri: Uri,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response, Problem> {
    let agent = match (id.as_str(), caller.agent()) {
        ("me", Some(agent)) => agent,
        _ => AgentId(query::id("agent_id", &id)?),
    };
    if caller.agent() != Some(agent) {
        caller.require(Scope::TicketsAssign)?;
    }
    let params = Params::of(&uri, &["after", "topics"])?;
    let topics = topics(&caller, &params)?;
    let after = after(&params)?;
    let mut tx = state.db.tenant_tx(Role::Support, caller.tenant).await?;
    let is_agent = read::is_agent(&mut tx, agent).await?;
    tx.commit().await?;
    if !is_agent {
        return Err(Problem::not_found("there is no such agent"));
    }
    let upgrade = upgrade.map_err(|_| {
        Problem::bad_request("Upgrade", "open this path as a WebSocket (RFC 6455, version 13)")
    })?;
    let place = state.live.places.clone().try_acquire_owned().map_err(|_| no_place())?;
    let feed = state.live.hub.follow(caller.tenant, after).await?;
    let is_self = caller.agent() == Some(agent);
    let connection = Connection {
        tenant: caller.tenant,
        agent,
        is_self,
        topics,
        there: is_self.then(|| state.live.presence.came(caller.tenant, agent)),
        hold: state.live.validity.hold(caller.who),
        looking: None,
        checked: None,
        tokens: BURST,
        filled_at: Instant::now(),
        feed,
        state,
        _place: place,
    };
    Ok(upgrade
        .read_buffer_size(READ_BUFFER_BYTES)
        .write_buffer_size(0)
        .max_write_buffer_size(MOST_UNSENT_BYTES)
        .max_message_size(LONGEST_READ_BYTES)
        .max_frame_size(LONGEST_READ_BYTES)
        .on_upgrade(move |socket| connection.run(socket)))
}

struct Connection {
    state: AppState,
    tenant: TenantId,
    agent: AgentId,
    /// The agent themselves; others only look on.
    is_self: bool,
    topics: BTreeSet<Topic>,
    feed: Feed,
    hold: Hold,
    there: Option<There>,
    looking: Option<Looking>,
    /// The ticket that was last looked up, so that typing costs no statement for each key.
    checked: Option<Uuid>,
    tokens: f64,
    filled_at: Instant,
    _place: OwnedSemaphorePermit,
}

/// Why the server closes a connection.
struct Over(u16, &'static str);

impl Connection {
    async fn run(mut self, mut socket: WebSocket) {
        let over = self.serve(&mut socket).await;
        // Whoever looked at a ticket does no longer, also when the client takes its time to close.
        self.looking = None;
        self.there = None;
        if let Err(Over(code, reason)) = over {
            let frame = CloseFrame { code, reason: Utf8Bytes::from_static(reason) };
            let _ = timeout(SEND_WITHIN, socket.send(Message::Close(Some(frame)))).await;
        }
    }

    /// Serves until the client goes (without a word to say to it) or there is a reason to close.
    async fn serve(&mut self, socket: &mut WebSocket) -> Result<(), Over> {
        let beginning = match self.feed.is_reset {
            true => hub::reset(self.feed.last()),
            false => json!({ "type": "hello", "id": self.feed.last(), "agent_id": self.agent }),
        };
        if !send(socket, text(&beginning)).await? {
            return Ok(());
        }
        let mut pings = interval(PING_EVERY);
        pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
        pings.reset();
        let mut heard_at = Instant::now();
        loop {
            tokio::select! {
                line = self.feed.next() => {
                    let line = line.map_err(|end| match end {
                        FeedEnd::Slow => Over(close::TRY_AGAIN, "too slow; come back with the last number seen"),
                        FeedEnd::Unreadable => Over(close::TRY_AGAIN, "events cannot be read; come back"),
                    })?;
                    if self.topics.contains(&line.topic) && !send(socket, Message::Text(line.text.clone())).await? {
                        return Ok(());
                    }
                }
                message = socket.recv() => {
                    heard_at = Instant::now();
                    let answer = match message {
                        None | Some(Err(_) | Ok(Message::Close(_))) => return Ok(()),
                        Some(Ok(Message::Ping(_) | Message::Pong(_))) => None,
                        Some(Ok(Message::Binary(_))) => Some(words::error("messages are JSON texts, not bytes")),
                        // Statements make it large: in a box, so that it is no part of every connection.
                        Some(Ok(Message::Text(said))) => Box::pin(self.hear(said.as_str())).await,
                    };
                    if let Some(answer) = answer && !send(socket, text(&answer)).await? {
                        return Ok(());
                    }
                }
                _ = pings.tick() => {
                    if heard_at.elapsed() > SILENT_FOR || !send(socket, Message::Ping(Default::default())).await? {
                        return Ok(());
                    }
                }
                () = self.hold.ended() => return Err(Over(close::SIGNED_OUT, "the credential holds no longer")),
                () = self.state.ending.cancelled() => {
                    return Err(Over(close::RESTARTS, "the server restarts; come back with the last number seen"));
                }
            }
        }
    }

    /// What a message is answered; most are not.
    async fn hear(&mut self, said: &str) -> Option<Value> {
        if !self.may_speak() {
            return Some(words::error("too many messages; ten a second are heard"));
        }
        let word = match words::read(said) {
            Ok(word) => word,
            Err(detail) => return Some(words::error(&detail)),
        };
        match word {
            Word::Ping {} => Some(json!({ "type": "pong", "id": self.feed.last() })),
            Word::Ack { id } if id > self.feed.last() || id < 0 => {
                let last = self.feed.last();
                Some(words::error(&format!(
                    "the last event that was sent is {last}; 0 to {last} can be acknowledged"
                )))
            }
            Word::Ack { .. } => None,
            _ if !self.is_self => {
                Some(words::error("only the agent themselves type, look at tickets and say how they are"))
            }
            Word::Viewing { ticket_id: None } => {
                self.looking = None;
                None
            }
            Word::Viewing { ticket_id: Some(ticket) } => match self.knows(ticket).await {
                Ok(()) => {
                    if self.looking.as_ref().map(Looking::ticket) != Some(ticket) {
                        self.looking = Some(self.state.live.whispers.looks(self.tenant, ticket, self.agent));
                    }
                    None
                }
                Err(answer) => Some(answer),
            },
            Word::Typing { ticket_id } => match self.knows(ticket_id).await {
                Ok(()) => {
                    self.state.live.whispers.types(self.tenant, ticket_id, self.agent);
                    None
                }
                Err(answer) => Some(answer),
            },
            Word::Availability { value } => self.set_availability(value.name()).await.err(),
        }
    }

    /// Whether the tenant has the ticket, and the agent may see it.
    async fn knows(&mut self, ticket: Uuid) -> Result<(), Value> {
        if !self.topics.contains(&Topic::Viewing) && !self.topics.contains(&Topic::TicketUpdate) {
            return Err(words::error("this needs the permission to see tickets"));
        }
        if self.checked == Some(ticket) {
            return Ok(());
        }
        let later = |_| words::error("the ticket cannot be looked up at the moment; say it again");
        let mut tx = self.state.db.tenant_tx(Role::Support, self.tenant).await.map_err(later)?;
        let is_there = live::has_ticket(&mut tx, ticket).await.map_err(later)?;
        if !is_there {
            return Err(words::error("there is no such ticket"));
        }
        self.checked = Some(ticket);
        Ok(())
    }

    async fn set_availability(&mut self, value: &str) -> Result<(), Value> {
        let later = || words::error("it cannot be stored at the moment; say it again");
        let mut tx = self.state.db.tenant_tx(Role::Support, self.tenant).await.map_err(|_| later())?;
        let announcement =
            offline::set_availability(&mut tx, self.tenant, self.agent, value).await.map_err(|_| later())?;
        self.state.db.commit(tx).await.map_err(|_| later())?;
        self.state.dispatch.announce(announcement);
        Ok(())
    }

    fn may_speak(&mut self) -> bool {
        let now = Instant::now();
        let filled = (now - self.filled_at).as_secs_f64() * PER_SECOND;
        self.tokens = (self.tokens + filled).min(BURST);
        self.filled_at = now;
        if self.tokens < 1.0 {
            return false;
        }
        self.tokens -= 1.0;
        true
    }
}

fn text(document: &Value) -> Message {
    Message::Text(document.to_string().into())
}

/// False when the client is gone.
async fn send(socket: &mut WebSocket, message: Message) -> Result<bool, Over> {
    match timeout(SEND_WITHIN, socket.send(message)).await {
        Ok(sent) => Ok(sent.is_ok()),
        Err(_) => Err(Over(close::TRY_AGAIN, "too slow; come back with the last number seen")),
    }
}
