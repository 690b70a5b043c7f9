//! A job's changes as a stream of server-sent events.

use std::{convert::Infallible, time::Duration};

use axum::{
    extract::{Path, State},
    http::{HeaderValue, header},
    response::{
        IntoResponse, Response,
        sse::{Event, KeepAlive, Sse},
    },
};
use futures_util::{Stream, stream};
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

/// A job's changes as they happen.
///
/// Sends the job as it is and then after every change: event `state` when its state is another than
/// before, else `progress`; the data is the same document as of `GET /api/jobs/{id}`. Changes that
/// follow each other quickly may come as one. The stream ends after a finished state; a client that
/// reconnects (with or without `Last-Event-ID`) is sent the job as it is then.
#[utoipa::path(
    get,
    path = "/api/jobs/{id}/events",
    tag = "jobs",
    params(("id" = uuid::Uuid, Path, description = "the job")),
    responses((status = 200, description = "the stream", body = String, content_type = "text/event-stream",
        example = "event: state\ndata: {\"id\":\"0199c0de-7e1a-7c51-8f3a-2b9d5e6f7a81\",\"state\":\"done\"}\n\n")),
)]
async fn events(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let follower = Follower::start(&state, &caller, query::id("id", &id)?).await?;
    let sse = Sse::new(changes(state, caller, follower)).keep_alive(KeepAlive::new().interval(KEEP_ALIVE));
    let mut response = sse.into_response();
    // Proxies that buffer would hold the events back.
    response.headers_mut().insert("x-accel-buffering", HeaderValue::from_static("no"));
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    Ok(response)
}

/// What was sent last.
struct Sent {
    state: AppState,
    caller: Caller,
    follower: Follower,
    last: Option<jobs::State>,
    count: u64,
}

fn changes(
    state: AppState,
    caller: Caller,
    follower: Follower,
) -> impl Stream<Item = Result<Event, Infallible>> {
    let sent = Sent { state, caller, follower, last: None, count: 0 };
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
        self.count += 1;
        Event::default().event(name).id(self.count.to_string()).data(data)
    }
}
