//! A recording upstream: one local HTTP server that plays the help desk and the model, takes keyed effects,
//! counts what arrives, and misbehaves on request.
//!
//! Tests start it in their own process with `start`; the demo and the chaos run start the `upstream` program.
//! Paths: Gorgias below `/api`, Slack below `/slack`, partners' endpoints at `/hooks/{name}`, Anthropic at `/v1/messages`, effects at `/effects/{key}`; `GET /_recorded`,
//! `POST /_faults` and `PUT /_tickets/{id}` are for whoever directs it. Memory is bounded everywhere.

mod anthropic;
mod faults;
mod gorgias;
mod hooks;
mod record;
mod slack;

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::extract::{MatchedPath, Path, Query, Request, State};
use axum::http::StatusCode;
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, post, put};
use axum::{Json, Router};
use hyper_util::rt::TokioIo;
use serde::Deserialize;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};
use tower::ServiceExt;

pub use faults::{Fault, FaultRule, When};
pub use gorgias::{SeedCustomer, SeedMessage, SeedTicket, SeenTicket, Work};
pub use hooks::Delivered;
pub use record::{Duplicates, Recorded};
pub use slack::SlackMessage;

/// A running upstream; it stops when this is dropped.
pub struct Upstream {
    /// Where it listens.
    pub addr: SocketAddr,
    play: Arc<Play>,
    server: JoinHandle<()>,
}

/// Starts an upstream; port 0 takes a free one.
pub async fn start(addr: SocketAddr) -> io::Result<Upstream> {
    let listener = TcpListener::bind(addr).await?;
    let addr = listener.local_addr()?;
    let play = Arc::new(Play::default());
    let server = tokio::spawn(serve(listener, router(Arc::clone(&play))));
    Ok(Upstream { addr, play, server })
}

impl Upstream {
    /// The base URL for a Gorgias client.
    pub fn gorgias_base(&self) -> String {
        format!("http://{}/api", self.addr)
    }

    /// The base URL for an Anthropic client.
    pub fn anthropic_base(&self) -> String {
        format!("http://{}", self.addr)
    }

    /// The base URL for a Slack client.
    pub fn slack_base(&self) -> String {
        format!("http://{}/slack", self.addr)
    }

    /// The address of a partner's endpoint.
    pub fn hook(&self, name: &str) -> String {
        format!("http://{}/hooks/{name}", self.addr)
    }

    /// What was delivered to partners' endpoints, in the order in which it came.
    pub fn delivered(&self) -> Vec<Delivered> {
        lock(&self.play.hooks).clone()
    }

    /// Messages in Slack, in the order in which they came.
    pub fn slack_messages(&self) -> Vec<SlackMessage> {
        lock(&self.play.slack).messages.clone()
    }

    /// Answers to what was asked in Slack.
    pub fn slack_answers(&self) -> Vec<serde_json::Value> {
        lock(&self.play.slack).answers.clone()
    }

    /// Home tabs that were shown.
    pub fn slack_homes(&self) -> Vec<serde_json::Value> {
        lock(&self.play.slack).homes.clone()
    }

    /// Slack refuses every message from now on, with `ok: false` and this error; none lets it take them again.
    pub fn slack_refuses(&self, error: Option<&'static str>) {
        lock(&self.play.slack).refuses = error;
    }

    /// What has arrived so far.
    pub fn recorded(&self) -> Recorded {
        lock(&self.play.record).report()
    }

    /// Makes it misbehave.
    pub fn inject(&self, rule: FaultRule) {
        lock(&self.play.faults).add(rule);
    }

    /// Lets it behave again.
    pub fn forgive(&self) {
        lock(&self.play.faults).clear();
    }

    /// Lets every call through that is held ([`Fault::Hold`]), and holds none from now on.
    pub fn release(&self) {
        self.play.released.send_replace(true);
    }

    /// What the help desk has of a ticket: its status, its tags in their order, and its messages.
    pub fn ticket(&self, id: u64) -> SeenTicket {
        lock(&self.play.desk).seen(id)
    }

    /// Somebody works in the help desk itself.
    pub fn works_there(&self, id: u64, work: &Work) {
        lock(&self.play.desk).work(id, work);
    }

    /// What the help desk was made to forget, in the order in which that was asked: `ticket ID`, `customer ID`.
    pub fn forgotten(&self) -> Vec<String> {
        lock(&self.play.desk).forgotten()
    }

    /// Puts a ticket there, in place of the one that is made up for any id.
    pub fn seed_ticket(&self, id: u64, ticket: SeedTicket) {
        lock(&self.play.desk).seed(id, ticket);
    }
}

impl Drop for Upstream {
    fn drop(&mut self) {
        self.server.abort();
    }
}

/// What the handlers share.
#[derive(Default)]
struct Play {
    record: Mutex<record::Record>,
    faults: Mutex<faults::Faults>,
    desk: Mutex<gorgias::Desk>,
    slack: Mutex<slack::Workspace>,
    hooks: Mutex<Vec<Delivered>>,
    /// Whether calls that were to be held are let through.
    released: watch::Sender<bool>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn router(play: Arc<Play>) -> Router {
    let played = Router::new()
        .route("/api/tickets", get(gorgias::tickets))
        .route(
            "/api/tickets/{id}",
            get(gorgias::ticket).put(gorgias::put_ticket).delete(gorgias::delete_ticket),
        )
        .route("/api/customers", get(gorgias::customers))
        .route("/api/customers/{id}", delete(gorgias::delete_customer))
        .route("/api/tickets/{id}/tags", post(gorgias::add_tags).delete(gorgias::remove_tags))
        .route("/api/upload", post(gorgias::upload))
        .route("/api/users", get(gorgias::users))
        .route("/api/tickets/{id}/messages", get(gorgias::ticket_messages).post(gorgias::post_message))
        .route("/api/messages", get(gorgias::messages))
        .route("/v1/messages", post(anthropic::messages))
        .route("/slack/chat.postMessage", post(slack::post_message))
        .route("/slack/conversations.history", post(slack::history))
        .route("/slack/conversations.replies", post(slack::history))
        .route("/slack/views.publish", post(slack::publish))
        .route("/slack/users.info", post(slack::user))
        .route("/slack/oauth.v2.access", post(slack::access))
        .route("/slack/auth.revoke", post(slack::revoke))
        .route("/slack/respond", post(slack::respond))
        .route("/hooks/{name}", post(hooks::take))
        .route("/effects/{key}", post(effect).get(had_effect))
        .route_layer(from_fn_with_state(Arc::clone(&play), record_and_misbehave));
    let directed = Router::new()
        .route("/_recorded", get(recorded))
        .route("/_faults", post(add_fault).delete(clear_faults))
        .route("/_tickets/{id}", put(seed_ticket));
    played.merge(directed).with_state(play)
}

async fn record_and_misbehave(State(play): State<Arc<Play>>, request: Request, next: Next) -> Response {
    let route = request.extensions().get::<MatchedPath>().map_or("", MatchedPath::as_str);
    let call = format!("{} {route}", request.method());
    let traceparent = request.headers().get("traceparent").and_then(|value| value.to_str().ok());
    lock(&play.record).call(&call, traceparent);
    let fault = lock(&play.faults).take(request.method().as_str(), request.uri().path());
    match fault {
        Some(rule) => rule.act(next.run(request), play.released.subscribe()).await,
        None => next.run(request).await,
    }
}

async fn effect(State(play): State<Arc<Play>>, Path(key): Path<String>) -> impl IntoResponse {
    let times = lock(&play.record).effect(&key);
    (StatusCode::CREATED, Json(serde_json::json!({"key": key, "times": times})))
}

/// 200 when the effect has happened, 404 when not: for whoever does not know how an earlier try ended.
async fn had_effect(State(play): State<Arc<Play>>, Path(key): Path<String>) -> impl IntoResponse {
    let times = lock(&play.record).times(&key);
    let status = if times > 0 { StatusCode::OK } else { StatusCode::NOT_FOUND };
    (status, Json(serde_json::json!({"key": key, "times": times})))
}

#[derive(Deserialize)]
struct RecordedQuery {
    keys: Option<bool>,
}

/// `?keys=false` leaves the counts per key out, which can be many.
async fn recorded(State(play): State<Arc<Play>>, Query(query): Query<RecordedQuery>) -> Json<Recorded> {
    let mut report = lock(&play.record).report();
    if query.keys == Some(false) {
        report.notes.clear();
        report.effects.clear();
    }
    Json(report)
}

async fn add_fault(State(play): State<Arc<Play>>, Json(rule): Json<FaultRule>) -> StatusCode {
    lock(&play.faults).add(rule);
    StatusCode::NO_CONTENT
}

async fn clear_faults(State(play): State<Arc<Play>>) -> StatusCode {
    lock(&play.faults).clear();
    StatusCode::NO_CONTENT
}

async fn seed_ticket(
    State(play): State<Arc<Play>>,
    Path(id): Path<u64>,
    Json(ticket): Json<SeedTicket>,
) -> StatusCode {
    lock(&play.desk).seed(id, ticket);
    StatusCode::NO_CONTENT
}

/// Accepts connections itself, because a handler behind `axum::serve` could not close one without an answer.
async fn serve(listener: TcpListener, app: Router) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    connections.spawn(serve_connection(stream, app.clone()));
                }
                // Out of file descriptors, most likely: give the open connections a moment to end.
                Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn serve_connection(stream: TcpStream, app: Router) {
    let _ = stream.set_nodelay(true);
    let service = hyper::service::service_fn(move |request: hyper::Request<hyper::body::Incoming>| {
        let app = app.clone();
        async move {
            let response =
                app.oneshot(request.map(axum::body::Body::new)).await.unwrap_or_else(|never| match never {});
            if response.extensions().get::<faults::CloseConnection>().is_some() {
                return Err(io::Error::other("closed on request"));
            }
            Ok(response)
        }
    });
    // An error here is the client going away or a close that was asked for; neither is news.
    let _ = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}
