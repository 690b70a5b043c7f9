//! Where the Model Context Protocol is spoken, and where clients learn how to come in (RFC 9728).

use axum::Json as Shown;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get};
use serde_json::{Value, json};
use utoipa_axum::router::OpenApiRouter;

use crate::state::AppState;
use crate::web::auth;
use crate::web::problem::Problem;

/// The routes. The protocol describes itself, so they are not in the OpenAPI document.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .route("/mcp", any(speak))
        .route("/.well-known/oauth-protected-resource", get(metadata))
        .route("/.well-known/oauth-protected-resource/mcp", get(metadata))
}

async fn speak(State(state): State<AppState>, request: Request) -> Response {
    match auth::identity(request.extensions()) {
        Ok(Some(_)) => state.mcp.answer(request).await,
        Ok(None) => {
            let mut response = Problem::unauthenticated().into_response();
            let place =
                format!("{}/.well-known/oauth-protected-resource/mcp", origin(&state, request.headers()));
            let challenge = format!("Bearer realm=\"deskwork\", resource_metadata=\"{place}\"");
            if let Ok(challenge) = HeaderValue::from_str(&challenge) {
                response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
            }
            response
        }
        Err(problem) => problem.into_response(),
    }
}

/// What a client needs to know to come in: an API key or an access token, as a bearer.
async fn metadata(State(state): State<AppState>, headers: HeaderMap) -> Shown<Value> {
    let origin = origin(&state, &headers);
    Shown(json!({
        "resource": format!("{origin}/mcp"),
        "resource_name": "Deskwork",
        "bearer_methods_supported": ["header"],
        "scopes_supported": ["intelligence:read", "customers:read", "segments:read"],
        "resource_documentation": format!("{origin}/docs"),
    }))
}

/// Where this installation is reached: as configured, or else as the client reached it, when that is this machine.
fn origin(state: &AppState, headers: &HeaderMap) -> String {
    if let Some(url) = &state.settings.people.public_url {
        return url.clone();
    }
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    let is_plain = host.chars().all(|c| c.is_ascii_alphanumeric() || ".-:[]".contains(c));
    let is_here = matches!(name, "localhost" | "127.0.0.1" | "[::1]") && is_plain;
    format!("http://{}", if is_here { host } else { "localhost" })
}
