//! The Model Context Protocol over the tools: the server that the protocol's own kit asks, and how it is reached.
//!
//! It keeps nothing of a client between two requests, of either revision of the protocol, so any api process answers any
//! of them. Who calls is found out before, by the same limits as for every route or by the tenant's issuer of tokens
//! ([`issuers`]); the kit hands it on with the request. What takes long becomes a job ([`slow`]).

pub mod issuers;
pub mod server;
pub mod slow;
mod unreadable;

use std::fmt;
use std::sync::Arc;

use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use rmcp::transport::streamable_http_server::session::never::NeverSessionManager;
use rmcp::transport::streamable_http_server::{StreamableHttpServerConfig, StreamableHttpService};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;
use uuid::Uuid;

use crate::settings::Settings;
use crate::web::auth::Caller;
use crate::web::body;
use crate::web::problem::Problem;
use crate::web::views::Views;
use server::Server;
use slow::Slow;

/// The largest request, in bytes: calls of tools are small.
const MAX_BODY_BYTES: usize = 64 * 1024;

/// A name that a client of 2025-11-25 is given with its handshake and repeats with every request. Nothing is kept under
/// it: it only tells apart the requests of clients that share a key, when one of them cancels.
const SESSION: HeaderName = HeaderName::from_static("mcp-session-id");

/// The protocol's door. Cheap to clone.
#[derive(Clone)]
pub struct Mcp {
    service: Arc<StreamableHttpService<Server, NeverSessionManager>>,
    slow: Slow,
}

impl fmt::Debug for Mcp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Mcp")
    }
}

/// What is looked at of a message before the protocol's kit has it.
#[derive(Deserialize)]
struct Message {
    method: String,
    #[serde(default)]
    params: Option<Params>,
}

#[derive(Deserialize)]
struct Params {
    #[serde(default, rename = "requestId")]
    request: Option<Value>,
}

/// An answer to a handshake: an error has no result.
#[derive(Deserialize)]
struct Greeting {
    #[serde(default)]
    result: Option<IgnoredAny>,
}

impl Mcp {
    /// The door to these tools.
    pub fn new(slow: Slow, views: Views, settings: &Settings) -> Mcp {
        let server = Server::new(slow.clone(), views);
        let config = StreamableHttpServerConfig::default()
            .with_legacy_session_mode(false)
            .with_json_response(true)
            .with_allowed_hosts(hosts(settings))
            .with_allowed_origins(origins(settings))
            .enforce_origin_validation()
            .with_max_request_body_bytes(MAX_BODY_BYTES)
            .with_cancellation_token(slow.ending.clone());
        let service = StreamableHttpService::new(
            move || Ok(server.clone()),
            Arc::new(NeverSessionManager::default()),
            config,
        );
        Mcp { service: Arc::new(service), slow }
    }

    /// Answers a request of this caller, who is in its extensions too.
    pub async fn answer(&self, caller: &Caller, request: Request) -> Response {
        if request.method() != Method::POST {
            return self.service.handle(request).await.map(Body::new);
        }
        let (mut parts, body) = request.into_parts();
        let bytes = match body::read(&parts.headers, body, MAX_BODY_BYTES).await {
            Ok(bytes) => bytes,
            Err(problem) => return problem.into_response(),
        };
        parts.headers.remove(header::CONTENT_ENCODING);
        parts.headers.remove(header::CONTENT_LENGTH);
        let session = session(&parts.headers).map(str::to_owned);
        // What cannot be read here is refused by the kit.
        let message: Option<Message> = serde_json::from_slice(&bytes).ok();
        let method = message.as_ref().map(|message| message.method.as_str()).unwrap_or_default();
        let greets = method == "initialize" && session.is_none();
        let cancelled = message
            .as_ref()
            .filter(|message| message.method == "notifications/cancelled")
            .and_then(|message| message.params.as_ref()?.request.as_ref().map(Value::to_string));
        let headers = parts.headers.clone();
        let request = Request::from_parts(parts, Body::from(bytes.clone()));
        let mut response = self.service.handle(request).await.map(Body::new);
        // The kit says in plain text that a revision is unknown.
        if response.status() == StatusCode::BAD_REQUEST
            && let Some(error) = unreadable::revision(&headers, &bytes)
        {
            return error;
        }
        // The kit says of broken JSON that its media type is wrong; by then it has looked at everything else.
        if response.status() == StatusCode::UNSUPPORTED_MEDIA_TYPE
            && let Some(error) = unreadable::error(&headers, &bytes)
        {
            return error;
        }
        if greets && response.status().is_success() {
            response = named_if_greeted(response).await;
        }
        // Only what the kit took as a message of the protocol counts.
        if let (Some(request), Some(session)) = (cancelled, session)
            && response.status().is_success()
        {
            self.slow.cancel_request(caller, &session, &request).await;
        }
        response
    }
}

/// Gives a client a name with the answer to its handshake. An error of the protocol comes with the same status, and whoever
/// was not greeted has no session.
async fn named_if_greeted(response: Response) -> Response {
    let (mut parts, body) = response.into_parts();
    let bytes = match to_bytes(body, MAX_BODY_BYTES).await {
        Ok(bytes) => bytes,
        Err(error) => {
            tracing::error!(%error, "the answer to a handshake could not be read");
            return Problem::internal().into_response();
        }
    };
    if serde_json::from_slice::<Greeting>(&bytes).is_ok_and(|greeting| greeting.result.is_some()) {
        let name = HeaderValue::from_str(&Uuid::new_v4().simple().to_string()).expect("digits");
        parts.headers.insert(SESSION, name);
    }
    Response::from_parts(parts, Body::from(bytes))
}

/// The name that a client was given, as it repeats it.
pub(crate) fn session(headers: &HeaderMap) -> Option<&str> {
    headers.get(SESSION).and_then(|name| name.to_str().ok()).filter(|name| (1..=200).contains(&name.len()))
}

/// This machine, where people reach the installation, and what is configured besides.
fn hosts(settings: &Settings) -> Vec<String> {
    let mut hosts = ["localhost", "127.0.0.1", "::1"].map(str::to_owned).to_vec();
    let public = settings.people.public_url.as_deref().and_then(|url| url.split_once("://"));
    hosts.extend(public.map(|(_, host)| host.to_owned()));
    hosts.extend(settings.mcp_hosts.iter().cloned());
    hosts
}

/// Pages of this machine, of the installation itself, and of other applications that may call with a person's cookie.
fn origins(settings: &Settings) -> Vec<String> {
    let exact = |origin: &String| match origin.rsplit_once(':').map(|(_, port)| port.parse::<u16>().is_ok()) {
        Some(true) => origin.clone(),
        _ if origin.starts_with("https://") => format!("{origin}:443"),
        _ => format!("{origin}:80"),
    };
    let here = ["http://localhost:*", "http://127.0.0.1:*", "http://[::1]:*"].map(str::to_owned);
    here.into_iter()
        .chain(settings.people.public_url.iter().chain(&settings.people.origins).map(exact))
        .collect()
}
