//! An operator at the console: exchanges a key of theirs for a cookie, once, so that no page and no script holds the key.
//! The same door as for people guards it: the request has to come from a page of this host and say so.

use accounts::api_keys::Scope;
use accounts::console::LIFETIME;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::signed_in;
use crate::state::AppState;
use crate::web::auth::{CONSOLE_COOKIE, Caller, Who, cookie};
use crate::web::body::Json;
use crate::web::keys::{NotLookedUp, Standing};
use crate::web::limits::Refusal;
use crate::web::problem::{Problem, ProblemDocument};
use crate::web::sign_ins::Address;
use crate::web::trail;

const BODY_BYTES: usize = 1_024;

/// The routes.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(begin, show, end))
}

/// The key to sign in with.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OperatorKey {
    /// An API key with the scope operator.
    pub key: String,
}

/// A key, as it is told of itself.
#[derive(Debug, Serialize, ToSchema)]
pub struct KeySession {
    /// The key.
    pub key_id: Uuid,
    /// Its name for people.
    pub name: String,
    /// Its tenant.
    pub tenant_id: Uuid,
    /// What it may do; `operator` is everything.
    pub permissions: Vec<&'static str>,
    /// When the session at the console ends; null for a key that comes in a header.
    pub session_expires_at: Option<DateTime<Utc>>,
}

impl KeySession {
    fn of(caller: &Caller, session_expires_at: Option<DateTime<Utc>>) -> Result<KeySession, Problem> {
        let Who::Key(key) = caller.who else {
            return Err(Problem::forbidden("this is for keys; people ask /api/auth/session"));
        };
        Ok(KeySession {
            key_id: key.0,
            name: caller.name.clone(),
            tenant_id: caller.tenant.0,
            permissions: caller.scopes.iter().map(|scope| scope.name()).collect(),
            session_expires_at,
        })
    }
}

/// Sign in at the console with an operator's key. The answer's cookie stands for the key for ten hours at most.
///
/// Revoking the key ends its sessions, on every process within 30 s.
#[utoipa::path(
    post,
    path = "/api/auth/console",
    tag = "people",
    security(()),
    request_body(content = OperatorKey, example = json!({"key": "dsk_..."})),
    responses(
        (status = 200, description = "signed in; the cookie is set", body = KeySession),
        (status = 401, description = "it is no key, or holds no longer", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 403, description = "the key is no operator's, or the request comes from another site's page", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 429, description = "too many tries", body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
async fn begin(
    State(state): State<AppState>,
    address: Address,
    headers: HeaderMap,
    body: Json<OperatorKey, BODY_BYTES>,
) -> Result<Response, Refusal> {
    state.people.check_origin(&headers)?;
    state.people.sign_ins.count_address(address).map_err(Refusal::TooMany)?;
    let key = body.value.key.trim();
    let caller = match state.keys.recall(key) {
        Standing::Good(caller) => Some(caller),
        Standing::Bad => None,
        Standing::Familiar | Standing::Strange => {
            state.keys.look_up(&state.db, key, address.into()).await.map_err(not_looked_up)?
        }
    };
    let caller = caller.ok_or_else(|| Problem::not_signed_in("this is no key, or it holds no longer"))?;
    caller.require(Scope::Operator)?;
    let now = Utc::now();
    let answer = KeySession::of(&caller, Some(now + LIFETIME))?;
    let mut tx = state.db.gateway_tx().await?;
    let subject = format!("key:{}", answer.key_id);
    trail::record(&mut tx, &caller, "console.begin", &subject, json!({})).await?;
    state.db.commit(tx).await?;
    let mut response = axum::Json(answer).into_response();
    signed_in::forget_cookies(response.headers_mut());
    let session = state.people.console.seal(key, now);
    signed_in::set_console_cookie(response.headers_mut(), &session, LIFETIME.num_seconds());
    signed_in::mark(response.headers_mut(), LIFETIME.num_seconds());
    Ok(response)
}

fn not_looked_up(reason: NotLookedUp) -> Refusal {
    match reason {
        NotLookedUp::Barred(wait) => Refusal::barred(wait),
        NotLookedUp::Busy => Problem::unavailable().into(),
        NotLookedUp::Db(error) => Refusal::Problem(error.into()),
    }
}

/// The key that calls: its name and what it may do.
#[utoipa::path(
    get,
    path = "/api/auth/console",
    tag = "people",
    responses(
        (status = 200, description = "the key", body = KeySession),
        (status = 403, description = "a person calls", body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
async fn show(
    State(state): State<AppState>,
    caller: Caller,
    headers: HeaderMap,
) -> Result<axum::Json<KeySession>, Problem> {
    let session = cookie(&headers, CONSOLE_COOKIE);
    let until = session.and_then(|session| state.people.console.open(session, Utc::now()));
    Ok(axum::Json(KeySession::of(&caller, until.map(|(_, until)| until))?))
}

/// Sign out of the console: the browser forgets the session. Whoever fears that it was copied revokes the key.
#[utoipa::path(
    delete,
    path = "/api/auth/console",
    tag = "people",
    security(()),
    responses(
        (status = 204, description = "the browser forgets it"),
        (status = 403, description = "the request comes from another site's page", body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
async fn end(State(state): State<AppState>, headers: HeaderMap) -> Result<Response, Problem> {
    state.people.check_origin(&headers)?;
    let mut response = StatusCode::NO_CONTENT.into_response();
    signed_in::set_console_cookie(response.headers_mut(), "", 0);
    signed_in::mark(response.headers_mut(), 0);
    Ok(response)
}
