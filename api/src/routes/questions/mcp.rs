//! Where the Model Context Protocol is spoken, and where clients learn how to come in (RFC 9728).

use std::sync::Arc;

use axum::Json as Shown;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get};
use serde_json::{Value, json};
use utoipa_axum::router::OpenApiRouter;

use crate::mcp::issuers::{Refused, SCOPES};
use crate::state::AppState;
use crate::web::auth::{self, Caller, Credential, Identity, Way};
use crate::web::limits::Limits;
use crate::web::problem::Problem;

/// The routes. The protocol describes itself, so they are not in the OpenAPI document.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .route("/mcp", any(speak))
        .route("/.well-known/oauth-protected-resource", get(metadata))
        .route("/.well-known/oauth-protected-resource/mcp", get(metadata))
}

async fn speak(State(state): State<AppState>, mut request: Request) -> Response {
    let caller = match auth::identity(request.extensions()) {
        Ok(Some(caller)) => caller,
        Ok(None) => match let_in(&state, &mut request).await {
            Ok(caller) => caller,
            Err(response) => return *response,
        },
        Err(problem) => return problem.into_response(),
    };
    state.mcp.answer(&caller, request).await
}

/// Who comes with a token of another issuer; whoever has none that counts learns how to get one.
async fn let_in(state: &AppState, request: &mut Request) -> Result<Arc<Caller>, Box<Response>> {
    let origin = origin(state, request.headers());
    let refuse = |problem: Problem, error: &str| Box::new(challenged(problem, &origin, error));
    let shown = auth::presented(request.headers()).map_err(|problem| Box::new(problem.into_response()))?;
    let token = match shown {
        Some(Credential::Person { token, way: Way::Header }) => token,
        Some(_) => return Err(refuse(Problem::unauthenticated(), "invalid_token")),
        None => return Err(refuse(Problem::unauthenticated(), "")),
    };
    let caller = match state.issuers.caller(token, &format!("{origin}/mcp")).await {
        Ok(caller) => Arc::new(caller),
        Err(Refused::Narrow) => {
            let problem = Problem::forbidden(Refused::Narrow.to_string());
            return Err(refuse(problem, "insufficient_scope"));
        }
        Err(Refused::Invalid(why)) => {
            tracing::debug!(why, "a token of another issuer was refused");
            return Err(refuse(Problem::unauthenticated(), "invalid_token"));
        }
        Err(Refused::Unanswered) => return Err(Box::new(Problem::unavailable().into_response())),
        Err(Refused::Db(error)) => return Err(Box::new(Problem::from(error).into_response())),
    };
    // Until now it was counted by its address alone.
    if let Some(limits) = request.extensions().get::<Arc<Limits>>() {
        limits.count_caller(&caller).map_err(|too_many| Box::new(too_many.into_response()))?;
    }
    request.extensions_mut().insert(Identity::Known(caller.clone()));
    Ok(caller)
}

/// A refusal that says where to get a token, for what, and what was wrong with the one that came, if one did (RFC 6750).
fn challenged(problem: Problem, origin: &str, error: &str) -> Response {
    let mut challenge = format!(
        "Bearer realm=\"deskwork\", resource_metadata=\"{origin}/.well-known/oauth-protected-resource/mcp\", scope=\"{}\"",
        SCOPES.map(|scope| scope.to_string()).join(" ")
    );
    if !error.is_empty() {
        challenge.push_str(&format!(", error=\"{error}\""));
    }
    let mut response = problem.into_response();
    if let Ok(challenge) = HeaderValue::from_str(&challenge) {
        response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
    }
    response
}

/// What a client needs to know to come in: an API key, an access token of ours, or one of these issuers', as a bearer.
async fn metadata(State(state): State<AppState>, headers: HeaderMap) -> Result<Shown<Value>, Problem> {
    let origin = origin(&state, &headers);
    let mut shown = json!({
        "resource": format!("{origin}/mcp"),
        "resource_name": "Deskwork",
        "bearer_methods_supported": ["header"],
        "scopes_supported": SCOPES.map(|scope| scope.to_string()),
        "resource_documentation": format!("{origin}/docs"),
    });
    let issuers = state.issuers.named().await?;
    if !issuers.is_empty() {
        shown["authorization_servers"] = json!(issuers);
    }
    Ok(Shown(shown))
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
