//! Choosing a password: by an invitation, by a reset link, or by a person who knows the old one.
//!
//! A link is told to whoever may make it and hands it to the person, and goes to the person by mail when the shop has a
//! mailbox that mail leaves from. A reset that a person asks for by themselves goes by mail alone; without a mailbox it is
//! stored, and whoever may change people makes one that they can hand over at /api/auth/invitations.

use accounts::api_keys::Scope;
use accounts::people::links::{self, Link, Purpose};
use accounts::people::logins;
use accounts::people::passwords::PasswordError;
use accounts::people::{passwords, sessions};
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use database::ids::AgentId;
use database::{Role, act_as};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::agents::check_may_change;
use super::link_mail::{self, Addressee};
use super::sign_in::{person, record};
use crate::state::AppState;
use crate::web::auth::{Allowed, Caller};
use crate::web::body::Json;
use crate::web::idempotency::{self, Answer, IdempotencyKey};
use crate::web::limits::Refusal;
use crate::web::problem::{Problem, ProblemDocument};
use crate::web::sign_ins::Address;
use crate::web::trail;

const BODY_BYTES: usize = 16 * 1024;

/// The routes.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(forgot))
        .routes(routes!(reset))
        .routes(routes!(change))
        .routes(routes!(invite))
        .routes(routes!(accept))
}

/// Who forgot a password.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Forgotten {
    /// Slug of the tenant.
    pub tenant: String,
    /// The person's address.
    pub email: String,
}

/// What became of the request, the same for everybody.
#[derive(Serialize, ToSchema)]
pub struct Noted {
    /// What happens next.
    pub detail: &'static str,
}

/// Ask for another password.
///
/// The answer is the same whether the person exists.
#[utoipa::path(
    post,
    path = "/api/auth/password/forgot",
    tag = "people",
    security(()),
    request_body(content = Forgotten, example = json!({"tenant": "shop", "email": "ada@example.com"})),
    responses((status = 202, description = "noted", body = Noted)),
)]
async fn forgot(
    State(state): State<AppState>,
    address: Address,
    body: Json<Forgotten, BODY_BYTES>,
) -> Result<Response, Refusal> {
    let Forgotten { tenant, email } = body.value;
    if tenant.len() > 63 {
        return Err(Problem::bad_request("tenant", "must be a slug of at most 63 characters").into());
    }
    let email = database::address::normal(&email)
        .map_err(|error| Problem::bad_request("email", error.to_string()))?;
    state.people.sign_ins.count_forgotten(address, &tenant, &email).map_err(Refusal::TooMany)?;
    // Behind the answer, so that it takes as long for a stranger.
    tokio::spawn(async move {
        if note_forgotten(&state, &tenant, &email).await.is_err() {
            tracing::warn!("a request for another password was not stored");
        }
    });
    let detail = "if this person may sign in and the desk sends mail, a link is on its way to their address; otherwise ask \
                  a manager or admin of the desk for one";
    Ok((StatusCode::ACCEPTED, axum::Json(Noted { detail })).into_response())
}

async fn note_forgotten(state: &AppState, slug: &str, email: &str) -> Result<(), Problem> {
    let mut tx = state.db.gateway_tx().await?;
    let found = logins::find(&mut tx, slug, email).await?;
    let Some(login) = found.filter(|login| login.disabled_at.is_none() && login.has_password) else {
        return Ok(());
    };
    let now = Utc::now();
    if !links::may_ask(&mut tx, login.id, now).await? {
        return Ok(());
    }
    let link = links::add(&mut tx, login.tenant, login.id, Purpose::Reset, None, now).await?;
    act_as(&mut tx, Role::Support, Some(login.tenant)).await?;
    let addressee = Addressee { tenant: login.tenant, name: &login.name, email: &login.email };
    let announcement = link_mail::ask(&mut tx, state, &addressee, link, Purpose::Reset).await?;
    act_as(&mut tx, Role::Gateway, None).await?;
    let subject = format!("agent:{}", login.id);
    record(&mut tx, login.tenant, login.id, "password.forgot", &subject, json!({})).await?;
    tx.commit().await?;
    state.dispatch.announce(announcement.unwrap_or_default());
    Ok(())
}

/// A link and the password that it is to set.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Chosen {
    /// The token of the link.
    pub token: String,
    /// 12 characters at least, 1024 bytes at most.
    pub password: String,
}

/// Choose another password, by a reset link. Every session of the person ends.
#[utoipa::path(
    post,
    path = "/api/auth/password/reset",
    tag = "people",
    security(()),
    request_body(content = Chosen, example = json!({"token": "dsl_...", "password": "correct horse battery staple"})),
    responses(
        (status = 204, description = "the password is set; sign in with it"),
        (status = 400, description = "the password does not fit", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 401, description = "the link is none, was used, or has expired", body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
async fn reset(
    State(state): State<AppState>,
    address: Address,
    body: Json<Chosen, BODY_BYTES>,
) -> Result<StatusCode, Refusal> {
    choose(&state, address, body.value, Purpose::Reset).await
}

/// Choose the first password, by an invitation.
#[utoipa::path(
    post,
    path = "/api/auth/invitations/accept",
    tag = "people",
    security(()),
    request_body(content = Chosen, example = json!({"token": "dsl_...", "password": "correct horse battery staple"})),
    responses(
        (status = 204, description = "the password is set; sign in with it"),
        (status = 400, description = "the password does not fit", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 401, description = "the link is none, was used, or has expired", body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
async fn accept(
    State(state): State<AppState>,
    address: Address,
    body: Json<Chosen, BODY_BYTES>,
) -> Result<StatusCode, Refusal> {
    choose(&state, address, body.value, Purpose::Invitation).await
}

async fn choose(
    state: &AppState,
    address: Address,
    chosen: Chosen,
    purpose: Purpose,
) -> Result<StatusCode, Refusal> {
    state.people.sign_ins.count_address(address).map_err(Refusal::TooMany)?;
    let no_link =
        || Problem::not_signed_in("the link is none, was used, or has expired; ask for another one");
    passwords::check(&chosen.password).map_err(password_problem)?;
    let now = Utc::now();
    let mut tx = state.db.gateway_tx().await?;
    let is_good = links::look(&mut tx, &state.people.links, &chosen.token, purpose, now).await?;
    tx.commit().await?;
    if !is_good {
        return Err(no_link().into());
    }
    let hash = passwords::hash(&chosen.password).await.map_err(password_problem)?;
    let mut tx = state.db.gateway_tx().await?;
    let spent = links::spend(&mut tx, &state.people.links, &chosen.token, purpose, now).await?;
    let person = spent.ok_or_else(no_link)?;
    set_password(&mut tx, person.agent, &hash, now).await?;
    let (subject, detail) = (format!("agent:{}", person.agent), json!({ "by": purpose.name() }));
    record(&mut tx, person.tenant, person.agent, "password.set", &subject, detail).await?;
    state.db.commit(tx).await?;
    state.people.forget(|caller| caller.agent() == Some(person.agent));
    Ok(StatusCode::NO_CONTENT)
}

/// Sets a password, and ends what the old one began: sessions and links.
async fn set_password(
    tx: &mut database::Tx,
    agent: AgentId,
    hash: &str,
    now: DateTime<Utc>,
) -> Result<(), Problem> {
    logins::set_password(tx, agent, hash, now).await?;
    links::spend_all(tx, agent, now).await?;
    sessions::end_all(tx, agent, "password", now).await?;
    Ok(())
}

fn password_problem(error: PasswordError) -> Problem {
    match error {
        PasswordError::Unfit => Problem::bad_request("password", error.to_string()),
        PasswordError::Busy => Problem::passwords_are_busy(),
    }
}

/// The old password and the new one.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Replaced {
    /// The password that holds now.
    pub current: String,
    /// 12 characters at least, 1024 bytes at most.
    pub password: String,
}

/// Change one's own password. Every session of the person ends, this one too.
#[utoipa::path(
    post,
    path = "/api/auth/password/change",
    tag = "people",
    request_body(content = Replaced, example = json!({"current": "correct horse battery staple", "password": "purple monkey dishwasher"})),
    responses(
        (status = 204, description = "the password is set; sign in with it"),
        (status = 400, description = "the new password does not fit", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 401, description = "the current password is another", body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
async fn change(
    State(state): State<AppState>,
    address: Address,
    caller: Caller,
    body: Json<Replaced, BODY_BYTES>,
) -> Result<StatusCode, Refusal> {
    let agent = person(&caller)?;
    let Replaced { current, password } = body.value;
    passwords::check(&password).map_err(password_problem)?;
    state.people.sign_ins.count(address, "", &agent.to_string()).map_err(Refusal::TooMany)?;
    let now = Utc::now();
    let mut tx = state.db.gateway_tx().await?;
    let stored = logins::password_hash(&mut tx, agent, now).await?;
    tx.commit().await?;
    if !passwords::fits(&current, stored).await.map_err(password_problem)? {
        return Err(Problem::not_signed_in("this is not the password that holds now").at("current").into());
    }
    let hash = passwords::hash(&password).await.map_err(password_problem)?;
    let mut tx = state.db.gateway_tx().await?;
    set_password(&mut tx, agent, &hash, now).await?;
    let detail = json!({ "by": "change" });
    record(&mut tx, caller.tenant, agent, "password.set", &format!("agent:{agent}"), detail).await?;
    state.db.commit(tx).await?;
    state.people.forget(|caller| caller.agent() == Some(agent));
    Ok(StatusCode::NO_CONTENT)
}

/// For whom a link is wanted.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Invited {
    /// The person.
    pub agent_id: Uuid,
}

/// A link, for whoever hands it to the person.
#[derive(Debug, Serialize, ToSchema)]
pub struct LinkView {
    /// invitation for a first password, reset for another one.
    pub purpose: String,
    /// What the person sends to /api/auth/invitations/accept or /api/auth/password/reset, once.
    pub token: String,
    /// The page of this installation to send the person to; null without DESK_PUBLIC_URL.
    pub url: Option<String>,
    /// Until when it is good.
    pub expires_at: DateTime<Utc>,
    /// How it reaches the person.
    pub delivery: String,
}

/// The link as it is told. What is kept for an Idempotency-Key is [`kept_link`], without the token.
pub(super) fn link_view(state: &AppState, link: Link, purpose: Purpose, by_mail: bool) -> Value {
    fill_link(state, kept_link(link, purpose, by_mail))
}

/// The link without what opens it.
pub(super) fn kept_link(link: Link, purpose: Purpose, by_mail: bool) -> Value {
    json!({ "link_id": link.id, "purpose": purpose.name(), "expires_at": link.expires_at, "by_mail": by_mail })
}

/// What was kept, with what opens it: the same again.
pub(super) fn fill_link(state: &AppState, mut kept: Value) -> Value {
    let Some(id) = kept["link_id"].as_str().and_then(|id| id.parse::<Uuid>().ok()) else { return kept };
    let token = state.people.links.text(id);
    let purpose = if kept["purpose"] == "invitation" { Purpose::Invitation } else { Purpose::Reset };
    let url = link_mail::link_url(state, &token, purpose);
    if let Some(object) = kept.as_object_mut() {
        object.remove("link_id");
    }
    kept["token"] = token.into();
    kept["url"] = url.into();
    kept["delivery"] = match kept["by_mail"].as_bool() {
        Some(true) => "it goes to the person by mail; hand it over as well if you like".into(),
        _ => "hand it to the person; the shop has no default mailbox that mail leaves from, or DESK_PUBLIC_URL is not set".into(),
    };
    if let Some(object) = kept.as_object_mut() {
        object.remove("by_mail");
    }
    kept
}

/// Make a link for a person: an invitation before their first password, a reset afterwards. Earlier links end.
#[utoipa::path(
    post,
    path = "/api/auth/invitations",
    tag = "people",
    params(("Idempotency-Key" = Option<String>, Header, description = "the same key and request have the same answer")),
    request_body(content = Invited, example = json!({"agent_id": "0199c0de-7e1a-7c51-8f3a-2b9d5e6f7a81"})),
    responses(
        (status = 200, description = "the link", body = LinkView),
        (status = 404, description = "there is no such person", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 409, description = "the person is disabled", body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
async fn invite(
    State(state): State<AppState>,
    Allowed(caller): Allowed<{ Scope::AgentsWrite as u8 }>,
    key: IdempotencyKey,
    body: Json<Invited>,
) -> Result<Answer, Problem> {
    let agent = AgentId(body.value.agent_id);
    let now = Utc::now();
    let mut tx = state.db.tenant_tx(Role::Support, caller.tenant).await?;
    if let Some(answer) = idempotency::replay(&mut tx, caller.tenant, &key, &body.digest).await? {
        return Ok(Answer { body: fill_link(&state, answer.body), ..answer });
    }
    act_as(&mut tx, Role::Gateway, None).await?;
    let login = logins::lock(&mut tx, caller.tenant, agent).await?;
    let login = login.ok_or_else(|| Problem::not_found("there is no such person"))?;
    check_may_change(&caller, login.role)?;
    if login.disabled_at.is_some() {
        return Err(Problem::conflict(
            "the person is disabled; PATCH /api/agents/{id} with disabled: false first",
        ));
    }
    let purpose = if login.has_password { Purpose::Reset } else { Purpose::Invitation };
    let link = links::make(&mut tx, caller.tenant, agent, purpose, Some(&caller.actor()), now).await?;
    act_as(&mut tx, Role::Support, Some(caller.tenant)).await?;
    let addressee = Addressee { tenant: caller.tenant, name: &login.name, email: &login.email };
    let announcement = link_mail::ask(&mut tx, &state, &addressee, link, purpose).await?;
    let kept = Answer::ok(&kept_link(link, purpose, announcement.is_some()));
    idempotency::keep(&mut tx, caller.tenant, &key, &body.digest, &kept).await?;
    let (subject, detail) = (format!("agent:{agent}"), json!({ "purpose": purpose.name() }));
    trail::record(&mut tx, &caller, "agent.link", &subject, detail).await?;
    state.db.commit(tx).await?;
    let by_mail = announcement.is_some();
    state.dispatch.announce(announcement.unwrap_or_default());
    Ok(Answer::ok(&link_view(&state, link, purpose, by_mail)))
}
