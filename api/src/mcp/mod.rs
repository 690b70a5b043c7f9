//! The Model Context Protocol over the tools: the server that the protocol's own kit asks, and how it is reached.
//!
//! It keeps nothing between two requests, of either revision of the protocol, so any api process answers any of them.
//! Who calls is found out before, by the same limits as for every route; the kit hands it on with the request.

pub mod server;

use std::fmt;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use questions::desk::Desk;
use rmcp::transport::streamable_http_server::session::never::NeverSessionManager;
use rmcp::transport::streamable_http_server::{StreamableHttpServerConfig, StreamableHttpService};
use tokio_util::sync::CancellationToken;

use crate::settings::Settings;
use crate::web::views::Views;
use server::Server;

/// The largest request, in bytes: calls of tools are small.
const MAX_BODY_BYTES: usize = 64 * 1024;

/// The protocol's door. Cheap to clone.
#[derive(Clone)]
pub struct Mcp(Arc<StreamableHttpService<Server, NeverSessionManager>>);

impl fmt::Debug for Mcp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Mcp")
    }
}

impl Mcp {
    /// The door to these tools.
    pub fn new(desk: Desk, views: Views, settings: &Settings, ending: CancellationToken) -> Mcp {
        let server = Server::new(desk, views);
        let config = StreamableHttpServerConfig::default()
            .with_legacy_session_mode(false)
            .with_json_response(true)
            .with_allowed_hosts(hosts(settings))
            .with_allowed_origins(origins(settings))
            .enforce_origin_validation()
            .with_max_request_body_bytes(MAX_BODY_BYTES)
            .with_cancellation_token(ending);
        let service = StreamableHttpService::new(
            move || Ok(server.clone()),
            Arc::new(NeverSessionManager::default()),
            config,
        );
        Mcp(Arc::new(service))
    }

    /// Answers a request; who sends it is in its extensions.
    pub async fn answer(&self, request: Request) -> Response {
        self.0.handle(request).await.map(Body::new)
    }
}

/// This machine, where people reach the installation, and what is configured besides.
fn hosts(settings: &Settings) -> Vec<String> {
    let mut hosts = ["localhost", "127.0.0.1", "::1"].map(str::to_owned).to_vec();
    let public = settings.people.public_url.as_deref().and_then(|url| url.split_once("://"));
    hosts.extend(public.map(|(_, host)| host.to_owned()));
    hosts.extend(settings.mcp_hosts.iter().cloned());
    hosts
}

/// Pages of the installation itself, and of other applications that may call with a person's cookie.
fn origins(settings: &Settings) -> Vec<String> {
    let exact = |origin: &String| match origin.rsplit_once(':').map(|(_, port)| port.parse::<u16>().is_ok()) {
        Some(true) => origin.clone(),
        _ if origin.starts_with("https://") => format!("{origin}:443"),
        _ => format!("{origin}:80"),
    };
    settings.people.public_url.iter().chain(&settings.people.origins).map(exact).collect()
}
