//! Signing in and out.
//!
//! Whether somebody exists is told to nobody: a stranger gets the same answer, after the same work, as a person with a
//! wrong password. Tokens are made anew by every request, so these routes keep no answers for an Idempotency-Key; each may
//! be sent again as it is, the exchange of a refresh token within ten seconds.

use accounts::audit;
use accounts::people::logins::{self, Login};
use accounts::people::passwords;
use accounts::people::sessions::{self, Refreshed};
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use database::ids::{AgentId, SessionId, TenantId};
use database::{Tx, act_as};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::signed_in::{self, Into, Person, SignedIn};
use crate::state::AppState;
use crate::web::auth::{Caller, REFRESH_COOKIE, Who, cookie};
use crate::web::body::Json;
use crate::web::correlation;
use crate::web::limits::Refusal;
use crate::web::problem::{Problem, ProblemDocument};
use crate::web::sign_ins::Address;

/// Credentials and tokens are short; nobody is to make us read much before we know them.
const BODY_BYTES: usize = 16 * 1024;

/// The routes.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(login))
        .routes(routes!(refresh))
        .routes(routes!(logout))
        .routes(routes!(logout_everywhere))
        .routes(routes!(session))
}

/// Who wants to sign in.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Credentials {
    /// Slug of the tenant.
    pub tenant: String,
    /// The person's address.
    pub email: String,
    /// The person's password, at most 1024 bytes.
    pub password: String,
    /// Whether the tokens are to be cookies, for browsers; then the request needs an Origin that may have them.
    #[serde(default)]
    pub cookie: bool,
}

/// Sign in with a password.
#[utoipa::path(
    post,
    path = "/api/auth/login",
    tag = "people",
    security(()),
    request_body(content = Credentials, example = json!({"tenant": "shop", "email": "ada@example.com", "password": "correct horse battery staple"})),
    responses(
        (status = 200, description = "signed in", body = SignedIn),
        (status = 401, description = "not signed in; why is not said", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 429, description = "too many tries from this address or at this account", body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
async fn login(
    State(state): State<AppState>,
    address: Address,
    headers: HeaderMap,
    body: Json<Credentials, BODY_BYTES>,
) -> Result<Response, Refusal> {
    let Credentials { tenant, email, password, cookie } = body.value;
    if password.len() > passwords::MAX_BYTES {
        return Err(Problem::bad_request("password", "must have at most 1024 bytes").into());
    }
    if tenant.len() > 63 {
        return Err(Problem::bad_request("tenant", "must be a slug of at most 63 characters").into());
    }
    let email = database::address::normal(&email)
        .map_err(|error| Problem::bad_request("email", error.to_string()))?;
    if cookie {
        state.people.check_origin(&headers)?;
    }
    state.people.sign_ins.count(address, &tenant, &email).map_err(Refusal::TooMany)?;
    let now = Utc::now();
    let mut tx = state.db.gateway_tx().await?;
    let found = logins::find(&mut tx, &tenant, &email).await?;
    let nobody = AgentId(Uuid::nil());
    let hash = logins::password_hash(&mut tx, found.as_ref().map_or(nobody, |login| login.id), now).await?;
    tx.commit().await?;
    let fits = passwords::fits(&password, hash).await.map_err(|_| Problem::passwords_are_busy())?;
    let login = match found {
        Some(login) if fits => login,
        other => {
            // Behind the answer, so that it takes as long as for a stranger.
            tokio::spawn(note_failure(state, other.map(|login| (login.tenant, login.id)), now));
            return Err(refused().into());
        }
    };
    let into = if cookie { Into::Cookies } else { Into::Body };
    Ok(begin(&state, &login, "password", into, now).await?)
}

/// Begins a session of a person who proved themselves, and answers its tokens.
///
/// # Errors
/// The database failed.
pub async fn begin(
    state: &AppState,
    login: &Login,
    by: &str,
    into: Into,
    now: DateTime<Utc>,
) -> Result<Response, Problem> {
    let mut tx = state.db.gateway_tx().await?;
    logins::note_success(&mut tx, login.id, now).await?;
    logins::sweep(&mut tx, now).await?;
    let session = sessions::begin(&mut tx, &state.people.refresh, login.tenant, login.id, now).await?;
    let subject = format!("session:{}", session.id);
    record(&mut tx, login.tenant, login.id, "session.begin", &subject, json!({ "by": by })).await?;
    state.db.commit(tx).await?;
    Ok(signed_in::answer(&state.people, login, &session, into, now))
}

async fn note_failure(state: AppState, person: Option<(TenantId, AgentId)>, now: DateTime<Utc>) {
    metrics::counter!("deskwork_sign_ins_total", "outcome" => "refused").increment(1);
    let Some((tenant, agent)) = person else { return };
    let noted = async {
        let mut tx = state.db.gateway_tx().await?;
        logins::note_failure(&mut tx, agent, now).await?;
        record(&mut tx, tenant, agent, "session.refuse", &format!("agent:{agent}"), json!({})).await?;
        Ok::<_, Problem>(tx.commit().await?)
    };
    if noted.await.is_err() {
        tracing::warn!("a failed sign-in was not counted");
    }
}

fn refused() -> Problem {
    Problem::not_signed_in(
        "tenant, e-mail address and password do not belong together, or may not sign in now",
    )
}

/// A line of the trail about what a person did before they are a caller (gateway role).
pub(super) async fn record(
    tx: &mut Tx,
    tenant: TenantId,
    agent: AgentId,
    action: &str,
    subject: &str,
    detail: serde_json::Value,
) -> Result<(), Problem> {
    act_as(tx, database::Role::Gateway, None).await?;
    let correlation_id = correlation::current();
    let event = audit::Event {
        tenant: Some(tenant),
        actor: &format!("agent:{agent}"),
        action,
        subject,
        detail,
        correlation_id: Some(correlation_id.as_str()),
    };
    Ok(audit::record(tx, &event).await?)
}

/// A refresh token, unless it comes as a cookie.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Presented {
    /// The refresh token.
    #[serde(default)]
    pub refresh_token: Option<String>,
}

/// Exchange a refresh token for the next pair of tokens.
///
/// Each is good once. One that was exchanged before ends its session, unless it comes again within ten seconds: then
/// the answer is the same.
#[utoipa::path(
    post,
    path = "/api/auth/refresh",
    tag = "people",
    security(()),
    request_body(content = Presented, example = json!({"refresh_token": "dsr_..."})),
    responses(
        (status = 200, description = "the next pair", body = SignedIn),
        (status = 401, description = "the token is none, was used before, or its session is over", body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
async fn refresh(
    State(state): State<AppState>,
    address: Address,
    headers: HeaderMap,
    body: Json<Presented, BODY_BYTES>,
) -> Result<Response, Refusal> {
    state.people.sign_ins.count_address(address).map_err(Refusal::TooMany)?;
    let (token, into) = shown(&state, &headers, body.value)?.ok_or_else(not_refreshed)?;
    let now = Utc::now();
    let mut tx = state.db.gateway_tx().await?;
    match sessions::refresh(&mut tx, &state.people.refresh, &token, now).await? {
        Refreshed::Done(session) => {
            let login =
                logins::get(&mut tx, session.tenant, session.agent).await?.ok_or_else(not_refreshed)?;
            state.db.commit(tx).await?;
            Ok(signed_in::answer(&state.people, &login, &session, into, now))
        }
        Refreshed::Refused => Err(not_refreshed().into()),
        Refreshed::Reused { session, agent, tenant } => {
            let subject = format!("session:{session}");
            record(&mut tx, tenant, agent, "session.reuse", &subject, json!({})).await?;
            state.db.commit(tx).await?;
            state.people.forget(|caller| is_in(caller, session));
            tracing::warn!(%session, %agent, "a refresh token was used twice; its session is ended");
            Err(not_refreshed().into())
        }
    }
}

fn not_refreshed() -> Problem {
    Problem::not_signed_in(
        "the refresh token is none, was used before, or its session is over; sign in again",
    )
}

fn is_in(caller: &Caller, session: SessionId) -> bool {
    matches!(caller.who, Who::Agent { session: of, .. } if of == session)
}

/// The refresh token of a request and where the answer's goes: back the way it came.
fn shown(state: &AppState, headers: &HeaderMap, body: Presented) -> Result<Option<(String, Into)>, Problem> {
    if let Some(token) = body.refresh_token {
        return Ok(Some((token, Into::Body)));
    }
    let Some(token) = cookie(headers, REFRESH_COOKIE) else { return Ok(None) };
    state.people.check_origin(headers)?;
    Ok(Some((token.to_owned(), Into::Cookies)))
}

/// Sign out of this session, by its refresh token or as whoever is signed in.
#[utoipa::path(
    post,
    path = "/api/auth/logout",
    tag = "people",
    request_body(content = Presented, example = json!({})),
    responses(
        (status = 204, description = "the session is over; one that was over already is none the worse"),
        (status = 401, description = "nobody is signed in", body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
async fn logout(
    State(state): State<AppState>,
    address: Address,
    caller: Result<Caller, Problem>,
    headers: HeaderMap,
    body: Json<Presented, BODY_BYTES>,
) -> Result<Response, Refusal> {
    state.people.sign_ins.count_address(address).map_err(Refusal::TooMany)?;
    let now = Utc::now();
    let mut tx = state.db.gateway_tx().await?;
    let by_token = match shown(&state, &headers, body.value)? {
        Some((token, _)) => sessions::of_token(&mut tx, &state.people.refresh, &token).await?,
        None => None,
    };
    let (tenant, agent, session) = match by_token {
        Some(found) => found,
        None => match caller? {
            Caller { tenant, who: Who::Agent { agent, session }, .. } => (tenant, agent, session),
            Caller { who: Who::Key(_) | Who::Assistant(_), .. } => {
                return Err(
                    Problem::forbidden("a key is not signed in; revoke it with api revoke-key").into()
                );
            }
        },
    };
    if sessions::end(&mut tx, session, "logout", now).await? {
        record(&mut tx, tenant, agent, "session.end", &format!("session:{session}"), json!({})).await?;
    }
    state.db.commit(tx).await?;
    state.people.forget(|caller| is_in(caller, session));
    Ok(signed_out())
}

/// Sign out of every session, here and everywhere else.
#[utoipa::path(
    post,
    path = "/api/auth/logout-everywhere",
    tag = "people",
    responses(
        (status = 204, description = "every session of the person is over, on every process within 30 s"),
        (status = 403, description = "a key is not signed in", body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
async fn logout_everywhere(State(state): State<AppState>, caller: Caller) -> Result<Response, Problem> {
    let agent = person(&caller)?;
    let mut tx = state.db.gateway_tx().await?;
    let sessions = sessions::end_all(&mut tx, agent, "everywhere", Utc::now()).await?;
    let detail = json!({ "sessions": sessions });
    record(&mut tx, caller.tenant, agent, "session.end-all", &format!("agent:{agent}"), detail).await?;
    state.db.commit(tx).await?;
    state.people.forget(|caller| caller.agent() == Some(agent));
    Ok(signed_out())
}

fn signed_out() -> Response {
    let mut response = StatusCode::NO_CONTENT.into_response();
    signed_in::forget_cookies(response.headers_mut());
    response
}

/// The person who calls.
///
/// # Errors
/// 403 for a program.
pub(super) fn person(caller: &Caller) -> Result<AgentId, Problem> {
    caller.agent().ok_or_else(|| Problem::forbidden("this is for people who are signed in; a key is nobody"))
}

/// Who is signed in.
#[derive(Debug, Serialize, ToSchema)]
pub struct CurrentSession {
    /// The session.
    pub session_id: Uuid,
    /// Who it is.
    pub person: Person,
}

/// Who is signed in, and what they may do.
#[utoipa::path(
    get,
    path = "/api/auth/session",
    tag = "people",
    responses(
        (status = 200, description = "the session", body = CurrentSession),
        (status = 403, description = "a key is not signed in", body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
async fn session(
    State(state): State<AppState>,
    caller: Caller,
) -> Result<axum::Json<CurrentSession>, Problem> {
    let Who::Agent { agent, session } = caller.who else {
        return Err(Problem::forbidden("this is for people who are signed in; a key is nobody"));
    };
    let mut tx = state.db.gateway_tx().await?;
    let login = logins::get(&mut tx, caller.tenant, agent).await?.ok_or_else(Problem::unauthenticated)?;
    tx.commit().await?;
    Ok(axum::Json(CurrentSession { session_id: session.0, person: Person::from(&login) }))
}
