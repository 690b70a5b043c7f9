//! The desk's events as a stream of server-sent events.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, Uri, header};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::{Stream, stream};
use serde_json::json;
use support::live::topics::Topic;
use tokio::sync::OwnedSemaphorePermit;
use tokio_util::sync::CancellationToken;
use utoipa::ToSchema;

use super::{after, no_place, topics};
use crate::live::hub::{self, Feed, FeedEnd, NoFeed};
use crate::live::presence::There;
use crate::live::validity::Hold;
use crate::state::AppState;
use crate::web::auth::Caller;
use crate::web::problem::{Problem, ProblemDocument};
use crate::web::query::Params;

/// A line of comment keeps connections open through proxies.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// Something that happened at the desk.
#[derive(Debug, ToSchema)]
#[allow(dead_code, reason = "only its description is used; events are written line by line")]
pub struct DeskEvent {
    /// The kind; or `reset` (load anew), or `end` with the reason for which the server ends the stream.
    event: String,
    /// Its number, for `Last-Event-ID`; typing and viewing have none.
    id: String,
    /// A document with `kind`, `at`, `ticket_id`, `agent_id` and `data`.
    data: String,
}

/// What happens at the desk, as it happens.
///
/// Each event has a number, a tenant's without gaps; a client that comes back with the last one it saw, as
/// `Last-Event-ID` or `?after=`, is sent what came since. Events are kept for 15 minutes: after a longer gap the stream
/// begins with `reset`, and the client loads everything anew. Without either, the stream begins now. A client that reads
/// too slowly is sent `end` and comes back. Only events are sent whose GET the caller may use.
#[utoipa::path(
    get, path = "/api/events", tag = "live",
    params(
        ("after" = Option<i64>, Query, description = "the number of the last event that was seen"),
        ("topics" = Option<String>, Query, description = "kinds of events, with commas; all when missing"),
        ("there" = Option<bool>, Query, description = "whether a person who listens is at the desk, and may be given tickets; true when missing"),
        ("Last-Event-ID" = Option<String>, Header, description = "as `after`, sent by browsers"),
    ),
    responses(
        (status = 200, description = "the stream", body = DeskEvent, content_type = "text/event-stream",
            example = "event: ticket_update\nid: 4711\ndata: {\"type\":\"event\",\"id\":4711,\"kind\":\"ticket_update\"}\n\n"),
        (status = 400, description = "an unknown topic, or `after` is no number or from the future", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 403, description = "a topic that the caller may not see", body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
pub async fn events(
    State(state): State<AppState>,
    caller: Caller,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let params = Params::of(&uri, &["after", "topics", "there"])?;
    let topics = topics(&caller, &params)?;
    let is_there = match params.text("there")? {
        None | Some("true") => true,
        Some("false") => false,
        Some(_) => return Err(Problem::bad_request("there", "must be true or false")),
    };
    let place = state.live.places.clone().try_acquire_owned().map_err(|_| no_place())?;
    let feed = match after(&params)? {
        Some(after) => state.live.hub.follow(caller.tenant, Some(after)).await?,
        None => resumed(&state, &caller, &headers).await?,
    };
    let reader = Reader {
        topics,
        beginning: feed.is_reset.then(|| hub::reset(feed.last()).to_string()),
        _there: caller
            .agent()
            .filter(|_| is_there)
            .map(|agent| state.live.presence.came(caller.tenant, agent)),
        hold: state.live.validity.hold(caller.who),
        ending: state.ending.clone(),
        _place: place,
        feed: Some(feed),
    };
    let stream = Sse::new(lines(reader)).keep_alive(KeepAlive::new().interval(KEEP_ALIVE));
    let mut response = stream.into_response();
    // Proxies that buffer or compress would hold the events back.
    response.headers_mut().insert("x-accel-buffering", HeaderValue::from_static("no"));
    let uncached = HeaderValue::from_static("no-store, no-transform");
    response.headers_mut().insert(header::CACHE_CONTROL, uncached);
    Ok(response)
}

/// From where a browser left off. A header that names no event here resets instead of refusing: the browser would send it
/// again and again.
async fn resumed(state: &AppState, caller: &Caller, headers: &HeaderMap) -> Result<Feed, Problem> {
    let hub = &state.live.hub;
    let Some(value) = headers.get("last-event-id") else {
        return Ok(hub.follow(caller.tenant, None).await?);
    };
    let seen = value.to_str().ok().and_then(|text| text.trim().parse::<i64>().ok()).filter(|seen| *seen >= 0);
    let feed = match seen {
        Some(seen) => match hub.follow(caller.tenant, Some(seen)).await {
            Err(NoFeed::Future(_)) => None,
            other => Some(other?),
        },
        None => None,
    };
    match feed {
        Some(feed) => Ok(feed),
        None => {
            let mut feed = hub.follow(caller.tenant, None).await?;
            feed.is_reset = true;
            Ok(feed)
        }
    }
}

struct Reader {
    feed: Option<Feed>,
    topics: BTreeSet<Topic>,
    beginning: Option<String>,
    hold: Hold,
    ending: CancellationToken,
    _there: Option<There>,
    _place: OwnedSemaphorePermit,
}

fn lines(reader: Reader) -> impl Stream<Item = Result<Event, Infallible>> {
    stream::unfold(reader, async |mut reader| {
        if let Some(beginning) = reader.beginning.take() {
            let id = reader.feed.as_ref().map_or(0, Feed::last).to_string();
            return Some((Ok(Event::default().event("reset").id(id).data(beginning)), reader));
        }
        let event = reader.next().await?;
        Some((Ok(event), reader))
    })
}

impl Reader {
    /// The next event; none after the one that says why the stream ends.
    async fn next(&mut self) -> Option<Event> {
        let feed = self.feed.as_mut()?;
        let reason = loop {
            let line = tokio::select! {
                line = feed.next() => line,
                () = self.hold.ended() => break "the credential holds no longer",
                () = self.ending.cancelled() => break "the server restarts",
            };
            match line {
                Ok(line) if self.topics.contains(&line.topic) => {
                    let event = Event::default().event(line.topic.name()).data(line.text.as_str());
                    return Some(match line.seq {
                        Some(seq) => event.id(seq.to_string()),
                        None => event,
                    });
                }
                Ok(line) => drop::<Arc<_>>(line),
                Err(FeedEnd::Slow) => break "the client reads too slowly",
                Err(FeedEnd::Unreadable) => break "the events cannot be read at the moment",
            }
        };
        self.feed = None;
        Some(Event::default().event("end").data(json!({ "type": "end", "reason": reason }).to_string()))
    }
}
