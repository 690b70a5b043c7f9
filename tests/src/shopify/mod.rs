//! Plays Shopify: a shop with products, customers and orders that are edited, refunded, cancelled and deleted; the few queries of
//! GraphQL that are asked here, told apart by their names, with costs and a bucket of points; bulk operations; tokens that expire;
//! and webhooks. It misbehaves on purpose, by a seed: slow answers, 429, 500, connections that end within a body, webhooks that
//! come twice, late, or never.

mod answers;
mod bucket;
mod deliveries;
pub mod show;
pub mod source;
mod wire;

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use axum::body::{Body, Bytes};
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, post};
use axum::{Json, Router};
use futures_util::stream;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use bucket::Bucket;
pub use deliveries::{Courier, Delivered, Letter, letter};
use source::Source;

/// The app's public name and secret.
pub const CLIENT_ID: &str = "desk-app";
/// The app's secret.
pub const SECRET: &str = "hush-hush";
/// The shop.
pub const SHOP: &str = "corner-records.myshopify.com";

/// How it behaves.
#[derive(Clone, Copy, Debug)]
pub struct Manners {
    /// Points that come back in a second; the bucket holds twenty times as many.
    pub points_per_second: f64,
    /// Of a thousand calls, how many are slow, refused, fail, or end within their body.
    pub faults_per_thousand: u32,
    /// Seconds for which an access token is good.
    pub token_secs: u32,
    /// Decides which calls go wrong.
    pub seed: u64,
}

impl Default for Manners {
    /// Well behaved, with the allowance of a large plan.
    fn default() -> Manners {
        Manners { points_per_second: 1_000.0, faults_per_thousand: 0, token_secs: 3_600, seed: 1 }
    }
}

/// What was asked of it.
#[derive(Clone, Debug, Default)]
pub struct Heard {
    /// Queries that were answered.
    pub queries: u64,
    /// Points that they cost.
    pub points: f64,
    /// When the first and the last of them were.
    pub between: Option<(Instant, Instant)>,
    /// Queries that were throttled.
    pub throttled: u64,
    /// Calls that went wrong on purpose.
    pub faults: u64,
    /// Tokens that were renewed.
    pub renewals: u64,
    /// Bulk operations that were begun.
    pub bulks: u64,
}

/// A running shop; it stops when this is dropped.
pub struct Stub {
    /// Where it listens.
    pub addr: SocketAddr,
    play: Arc<Play>,
    server: JoinHandle<()>,
}

struct Play {
    addr: SocketAddr,
    manners: Manners,
    source: Mutex<Source>,
    state: Mutex<Changing>,
}

/// What changes with the calls.
struct Changing {
    random: StdRng,
    bucket: Bucket,
    heard: Heard,
    /// The access token that is good, until when, and the refresh token that is good once.
    access: String,
    refresh: String,
    issued: u64,
    good_until: Instant,
    is_revoked: bool,
    bulks: HashMap<String, Arc<Vec<u8>>>,
    subscriptions: Vec<(String, String)>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Starts a shop.
///
/// # Errors
/// No port is free.
pub async fn start(source: Source, manners: Manners) -> io::Result<Stub> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let addr = listener.local_addr()?;
    let play = Arc::new(Play {
        addr,
        manners,
        source: Mutex::new(source),
        state: Mutex::new(Changing {
            random: StdRng::seed_from_u64(manners.seed),
            bucket: Bucket::new(manners.points_per_second),
            heard: Heard::default(),
            access: String::new(),
            refresh: String::new(),
            issued: 0,
            good_until: Instant::now(),
            is_revoked: false,
            bulks: HashMap::new(),
            subscriptions: Vec::new(),
        }),
    });
    let router = Router::new()
        .route("/{shop}/admin/oauth/access_token", post(tokens))
        .route("/{shop}/admin/api_permissions/current.json", delete(uninstall))
        .route("/{shop}/admin/api/{version}/graphql.json", post(graphql))
        .route("/files/{id}", get(file))
        .with_state(Arc::clone(&play));
    let server = tokio::spawn(async move {
        let _ = axum::serve(listener, router).await;
    });
    Ok(Stub { addr, play, server })
}

impl Stub {
    /// The setting that leads to it.
    pub fn base(&self) -> String {
        format!("http://{}", self.addr)
    }

    /// Looks at what the shop has, or changes it.
    pub fn source<T>(&self, look: impl FnOnce(&mut Source) -> T) -> T {
        look(&mut lock(&self.play.source))
    }

    /// What was asked of it so far.
    pub fn heard(&self) -> Heard {
        lock(&self.play.state).heard.clone()
    }

    /// Counts points from now on.
    pub fn forget_heard(&self) {
        lock(&self.play.state).heard = Heard::default();
    }

    /// Takes back all tokens, or lets new ones be made again.
    pub fn revoke(&self, is_revoked: bool) {
        let mut state = lock(&self.play.state);
        state.is_revoked = is_revoked;
        state.access.clear();
        state.refresh.clear();
    }

    /// Tokens as an install leaves them.
    pub fn issue(&self) -> (String, String) {
        let mut state = lock(&self.play.state);
        state.issue(self.play.manners.token_secs);
        (state.access.clone(), state.refresh.clone())
    }

    /// The topics and addresses that webhooks were asked for.
    pub fn subscriptions(&self) -> Vec<(String, String)> {
        lock(&self.play.state).subscriptions.clone()
    }
}

impl Drop for Stub {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl Heard {
    /// Takes down a query that was answered.
    fn query(&mut self, points: f64) {
        let now = Instant::now();
        self.queries += 1;
        self.points += points;
        self.between = Some((self.between.map_or(now, |(first, _)| first), now));
    }

    /// How long queries came, from the first to the last.
    pub fn lasted(&self) -> Duration {
        self.between.map_or(Duration::ZERO, |(first, last)| last - first)
    }
}

impl Changing {
    fn issue(&mut self, secs: u32) {
        self.issued += 1;
        self.access = format!("shpat_{}", self.issued);
        self.refresh = format!("shprt_{}", self.issued);
        self.good_until = Instant::now() + Duration::from_secs(u64::from(secs));
    }

    fn lets_in(&self, headers: &HeaderMap) -> bool {
        let sent = headers.get("x-shopify-access-token").and_then(|value| value.to_str().ok());
        !self.access.is_empty() && sent == Some(self.access.as_str()) && Instant::now() < self.good_until
    }
}

/// What goes wrong with a call.
enum Fault {
    Slow,
    TooMany(bool),
    Fails,
    Breaks,
}

impl Play {
    fn fault(&self) -> Option<Fault> {
        let mut state = lock(&self.state);
        if state.random.random_range(0..1_000) >= self.manners.faults_per_thousand {
            return None;
        }
        state.heard.faults += 1;
        Some(match state.random.random_range(0..5) {
            0 => Fault::Slow,
            1 => Fault::TooMany(true),
            2 => Fault::TooMany(false),
            3 => Fault::Fails,
            _ => Fault::Breaks,
        })
    }
}

async fn tokens(State(play): State<Arc<Play>>, body: String) -> Response {
    let form = reqwest::Url::parse(&format!("form:?{body}")).expect("a query");
    let form: HashMap<String, String> = form.query_pairs().into_owned().collect();
    let field = |name: &str| form.get(name).map_or("", String::as_str);
    let mut state = lock(&play.state);
    let is_app = field("client_id") == CLIENT_ID && field("client_secret") == SECRET;
    let is_known = match field("grant_type") {
        "refresh_token" => !state.refresh.is_empty() && field("refresh_token") == state.refresh,
        _ => field("code") == "good" && field("expiring") == "1",
    };
    if !is_app || !is_known || state.is_revoked {
        return (StatusCode::BAD_REQUEST, Json(json!({ "error": "invalid_request" }))).into_response();
    }
    if field("grant_type") == "refresh_token" {
        state.heard.renewals += 1;
    }
    state.issue(play.manners.token_secs);
    Json(json!({
        "access_token": state.access, "expires_in": play.manners.token_secs, "refresh_token": state.refresh,
        "refresh_token_expires_in": 7_776_000, "scope": "read_all_orders,read_orders,read_customers,read_products",
    }))
    .into_response()
}

async fn uninstall(State(play): State<Arc<Play>>, headers: HeaderMap) -> StatusCode {
    let mut state = lock(&play.state);
    if !state.lets_in(&headers) {
        return StatusCode::UNAUTHORIZED;
    }
    state.access.clear();
    state.refresh.clear();
    StatusCode::OK
}

async fn graphql(
    State(play): State<Arc<Play>>,
    Path((_, _)): Path<(String, String)>,
    headers: HeaderMap,
    Json(asked): Json<Value>,
) -> Response {
    if !lock(&play.state).lets_in(&headers) {
        let body = json!({ "errors": "[API] Invalid API key or access token" });
        return (StatusCode::UNAUTHORIZED, Json(body)).into_response();
    }
    let fault = play.fault();
    match fault {
        Some(Fault::Slow) => tokio::time::sleep(Duration::from_millis(300)).await,
        Some(Fault::TooMany(says_when)) => {
            let mut response = StatusCode::TOO_MANY_REQUESTS.into_response();
            if says_when {
                response.headers_mut().insert(header::RETRY_AFTER, "0.5".parse().expect("a header"));
            }
            return response;
        }
        Some(Fault::Fails) => return StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        Some(Fault::Breaks) | None => {}
    }
    let answer = answers::answer(&play, &asked).to_string();
    if matches!(fault, Some(Fault::Breaks)) {
        return broken(answer.into_bytes());
    }
    ([(header::CONTENT_TYPE, "application/json")], answer).into_response()
}

/// The beginning of a body, after which the connection ends.
fn broken(body: Vec<u8>) -> Response {
    let half = Bytes::copy_from_slice(&body[..body.len() / 2]);
    let pieces = [Ok(half), Err(io::Error::other("it ends here on purpose"))];
    let mut response = Body::from_stream(stream::iter(pieces)).into_response();
    response.headers_mut().insert(header::CONTENT_TYPE, "application/json".parse().expect("a header"));
    response
}

/// A bulk operation's file, from any byte on.
async fn file(
    State(play): State<Arc<Play>>,
    Path(id): Path<String>,
    Query(_): Query<HashMap<String, String>>,
    headers: HeaderMap,
) -> Response {
    let Some(bytes) = lock(&play.state).bulks.get(&id).cloned() else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let range = headers.get(header::RANGE).and_then(|value| value.to_str().ok());
    let from = range.and_then(|text| text.strip_prefix("bytes=")?.strip_suffix('-')?.parse::<usize>().ok());
    let start = from.unwrap_or(0);
    if start > 0 && start >= bytes.len() {
        return StatusCode::RANGE_NOT_SATISFIABLE.into_response();
    }
    let end = match play.fault() {
        // It breaks off somewhere.
        Some(_) => start + (bytes.len() - start) / 2,
        None => bytes.len(),
    };
    let is_broken = end < bytes.len();
    let mut pieces: Vec<io::Result<Bytes>> =
        bytes[start..end].chunks(64 * 1024).map(|piece| Ok(Bytes::copy_from_slice(piece))).collect();
    if is_broken {
        pieces.push(Err(io::Error::other("it ends here on purpose")));
    }
    let status = if from.is_some() { StatusCode::PARTIAL_CONTENT } else { StatusCode::OK };
    (status, Body::from_stream(stream::iter(pieces))).into_response()
}
