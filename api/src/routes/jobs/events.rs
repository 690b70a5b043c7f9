//! A job's changes as a stream of server-sent events.

use std::{convert::Infallible, time::Duration};

use axum::{
    extract::{Path, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{
        IntoResponse, Response,
        sse::{Event, KeepAlive, Sse},
    },
};
use futures_util::{Stream, stream};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    routes::jobs::{
        document::JobDocument,
        look::{self, Came, Follower},
    },
    state::AppState,
    web::{auth::Caller, problem::Problem, query},
};

/// The routes.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(events))
}

/// A line of comment keeps connections open through proxies.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// While the ledger is away the stream stays open and looks again after this time.
const PAUSE: Duration = Duration::from_secs(1);

/// One change of a job in the stream.
#[derive(Debug, ToSchema)]
#[allow(dead_code, reason = "only its description is used; events are written line by line")]
pub struct JobEvent {
    /// `state` or `progress`.
    event: String,
    /// Names the change.
    id: String,
    /// The job, as of `GET /api/jobs/{id}`, as JSON.
    data: String,
}

/// A job's changes as they happen.
///
/// Sends the job as it is and then after every change: event `state` when its state is another than
/// before, else `progress`; the data is the same document as of `GET /api/jobs/{id}`. Changes that
/// follow each other quickly may come as one. An event's id names the job's change and means the same over
/// every connection: a client that comes back with it as `Last-Event-ID` is sent what happened since. The
/// stream ends after a finished state, and whoever has seen that is answered 204, at which a browser stops.
#[utoipa::path(
    get,
    path = "/api/jobs/{id}/events",
    tag = "jobs",
    params(
        ("id" = uuid::Uuid, Path, description = "the job"),
        ("Last-Event-ID" = Option<String>, Header, description = "the id of the last event that was seen"),
    ),
    responses(
        (status = 200, description = "the stream", body = JobEvent, content_type = "text/event-stream",
            example = "event: state\nid: 5f0c2a9b7d1e3f48\ndata: {\"id\":\"0199c0de-7e1a-7c51-8f3a-2b9d5e6f7a81\",\"state\":\"done\"}\n\n"),
        (status = 204, description = "it is over, and the last event was seen"),
    ),
)]
async fn events(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let follower = Follower::start(&state, &caller, query::id("id", &id)?).await?;
    let seen = headers.get(LAST_EVENT_ID).map(HeaderValue::as_bytes);
    let is_seen = seen == Some(look::change_id(&follower.view).as_bytes());
    let mut response = if is_seen && follower.view.state.is_finished() {
        StatusCode::NO_CONTENT.into_response()
    } else {
        let changes = changes(state, caller, follower, is_seen);
        Sse::new(changes).keep_alive(KeepAlive::new().interval(KEEP_ALIVE)).into_response()
    };
    // Proxies that buffer or compress would hold the events back.
    response.headers_mut().insert("x-accel-buffering", HeaderValue::from_static("no"));
    let uncached = HeaderValue::from_static("no-store, no-transform");
    response.headers_mut().insert(header::CACHE_CONTROL, uncached);
    Ok(response)
}

/// What a browser sends when it connects again.
const LAST_EVENT_ID: &str = "last-event-id";

/// What was sent last.
struct Sent {
    state: AppState,
    caller: Caller,
    follower: Follower,
    last: Option<jobs::State>,
}

fn changes(
    state: AppState,
    caller: Caller,
    follower: Follower,
    is_seen: bool,
) -> impl Stream<Item = Result<Event, Infallible>> {
    let last = is_seen.then_some(follower.view.state);
    let sent = Sent { state, caller, follower, last };
    stream::unfold(sent, async |mut sent| {
        if let Some(last) = sent.last
            && (last.is_finished() || !sent.next_change().await)
        {
            return None;
        }
        let event = sent.event().await;
        Some((Ok(event), sent))
    })
}

impl Sent {
    /// False when the process ends or the job is gone; the client may come back.
    async fn next_change(&mut self) -> bool {
        loop {
            match self.follower.change(None).await {
                Ok(Came::Changed) => return true,
                Ok(Came::TimeIsOver) => return false,
                Err(problem) if problem.retry_after_secs.is_some() => {
                    tokio::select! {
                        () = tokio::time::sleep(PAUSE) => {}
                        () = self.state.ending.cancelled() => return false,
                    }
                }
                Err(_) => return false,
            }
        }
    }

    async fn event(&mut self) -> Event {
        let view = &self.follower.view;
        let name = if self.last == Some(view.state) { "progress" } else { "state" };
        let document = JobDocument::of(view, look::position(&self.state, view).await, &self.caller);
        let data = serde_json::to_string(&document).expect("a job is plain data");
        self.last = Some(view.state);
        Event::default().event(name).id(look::change_id(view)).data(data)
    }
}
