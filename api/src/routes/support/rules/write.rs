//! Writing rules: making, changing, ordering, switching and taking away.

use accounts::api_keys::Scope;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use database::{Role, Tx};
use serde::Deserialize;
use serde_json::json;
use support::rules::known;
use support::rules::store::{self, Stored};
use utoipa::ToSchema;
use uuid::Uuid;

use super::list::{RuleList, viewed};
use super::{RuleBody, RuleView, check_addresses, refused};
use crate::state::AppState;
use crate::web::auth::{Allowed, Caller};
use crate::web::body::Json;
use crate::web::idempotency::{self, Answer, IdempotencyKey};
use crate::web::problem::{Problem, ProblemDocument};
use crate::web::{etag, query, trail};

/// Make a rule, at the end of the list. It is off: try it first, then switch it on.
#[utoipa::path(
    post,
    path = "/api/rules",
    tag = "rules",
    params(("Idempotency-Key" = Option<String>, Header, description = "the same key and request have the same answer")),
    request_body = RuleBody,
    responses(
        (status = 201, description = "the rule", body = RuleView),
        (status = 409, description = "there are as many as may be", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 422, description = "something in it cannot be; the field says what", body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
pub async fn create(
    State(state): State<AppState>,
    Allowed(caller): Allowed<{ Scope::SettingsWrite as u8 }>,
    key: IdempotencyKey,
    body: Json<RuleBody>,
) -> Result<Answer, Problem> {
    let mut tx = state.db.tenant_tx(Role::Support, caller.tenant).await?;
    if let Some(answer) = idempotency::replay(&mut tx, caller.tenant, &key, &body.digest).await? {
        return Ok(answer);
    }
    let spec = body.value.spec();
    check_addresses(&state, &spec)?;
    let made = store::create(&mut tx, caller.tenant, &spec, &caller.actor(), caller.agent())
        .await
        .map_err(refused)?;
    let id = made.id;
    let answer = Answer::created(format!("/api/rules/{id}"), &shown(&mut tx, made).await?);
    idempotency::keep(&mut tx, caller.tenant, &key, &body.digest, &answer).await?;
    trail::record(&mut tx, &caller, "rule.create", &format!("rule:{id}"), json!({})).await?;
    state.db.commit(tx).await?;
    Ok(answer)
}

async fn shown(tx: &mut Tx, stored: Stored) -> Result<RuleView, Problem> {
    let known = known::known(tx).await?;
    Ok(viewed(stored, &known))
}

/// Replace what a rule says. The version before it is kept.
#[utoipa::path(
    put,
    path = "/api/rules/{id}",
    tag = "rules",
    params(
        ("id" = Uuid, Path, description = "the rule"),
        ("If-Match" = Option<String>, Header, description = "the ETag of the rule that was looked at"),
    ),
    request_body = RuleBody,
    responses(
        (status = 200, description = "the rule as it is now", body = RuleView),
        (status = 404, description = "there is none", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 412, description = "somebody changed it meanwhile", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 422, description = "something in it cannot be; the field says what", body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
pub async fn change(
    State(state): State<AppState>,
    Allowed(caller): Allowed<{ Scope::SettingsWrite as u8 }>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Json<RuleBody>,
) -> Result<Response, Problem> {
    let id = query::id("id", &id)?;
    let expected =
        etag::expected_version(&headers)?.map(|version| i32::try_from(version).unwrap_or(i32::MAX));
    let spec = body.value.spec();
    check_addresses(&state, &spec)?;
    let mut tx = state.db.tenant_tx(Role::Support, caller.tenant).await?;
    let stored =
        store::update(&mut tx, caller.tenant, id, expected, &spec, &caller.actor()).await.map_err(refused)?;
    let version = stored.version;
    let view = shown(&mut tx, stored).await?;
    trail::record(&mut tx, &caller, "rule.change", &format!("rule:{id}"), json!({ "version": version }))
        .await?;
    state.db.commit(tx).await?;
    Ok(etag::with_version(version.into(), axum::Json(view)))
}

/// Take a rule away. What it did stays in the log.
#[utoipa::path(
    delete,
    path = "/api/rules/{id}",
    tag = "rules",
    params(("id" = Uuid, Path, description = "the rule")),
    responses(
        (status = 204, description = "it is gone"),
        (status = 404, description = "there is none", body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
pub async fn remove(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<StatusCode, Problem> {
    caller.require(Scope::SettingsWrite)?;
    let id = query::id("id", &id)?;
    let mut tx = state.db.tenant_tx(Role::Support, caller.tenant).await?;
    store::archive(&mut tx, caller.tenant, id).await.map_err(refused)?;
    trail::record(&mut tx, &caller, "rule.remove", &format!("rule:{id}"), json!({})).await?;
    state.db.commit(tx).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Switch a rule on. What happens from now on is looked at.
#[utoipa::path(
    post,
    path = "/api/rules/{id}/on",
    tag = "rules",
    params(("id" = Uuid, Path, description = "the rule")),
    responses(
        (status = 200, description = "the rule", body = RuleView),
        (status = 404, description = "there is none", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 422, description = "it names what is gone", body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
pub async fn switch_on(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<axum::Json<RuleView>, Problem> {
    caller.require(Scope::SettingsWrite)?;
    let id = query::id("id", &id)?;
    let mut tx = state.db.tenant_tx(Role::Support, caller.tenant).await?;
    let stored = store::switch_on(&mut tx, caller.tenant, id).await.map_err(refused)?;
    let view = shown(&mut tx, stored).await?;
    trail::record(&mut tx, &caller, "rule.on", &format!("rule:{id}"), json!({})).await?;
    state.db.commit(tx).await?;
    Ok(axum::Json(view))
}

/// Switch a rule off.
#[utoipa::path(
    post,
    path = "/api/rules/{id}/off",
    tag = "rules",
    params(("id" = Uuid, Path, description = "the rule")),
    responses(
        (status = 200, description = "the rule", body = RuleView),
        (status = 404, description = "there is none", body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
pub async fn switch_off(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<axum::Json<RuleView>, Problem> {
    caller.require(Scope::SettingsWrite)?;
    let id = query::id("id", &id)?;
    let mut tx = state.db.tenant_tx(Role::Support, caller.tenant).await?;
    let stored = store::switch_off(&mut tx, id).await.map_err(refused)?;
    let view = shown(&mut tx, stored).await?;
    trail::record(&mut tx, &caller, "rule.off", &format!("rule:{id}"), json!({})).await?;
    state.db.commit(tx).await?;
    Ok(axum::Json(view))
}

/// An order of rules.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RuleOrder {
    /// Every rule once.
    rules: Vec<Uuid>,
}

/// Put the rules into another order.
#[utoipa::path(
    post,
    path = "/api/rules/order",
    tag = "rules",
    request_body(content = RuleOrder, example = json!({ "rules": [] })),
    responses(
        (status = 200, description = "the rules in their order", body = RuleList),
        (status = 422, description = "not each rule once", body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
pub async fn order(
    State(state): State<AppState>,
    Allowed(caller): Allowed<{ Scope::SettingsWrite as u8 }>,
    body: Json<RuleOrder>,
) -> Result<axum::Json<RuleList>, Problem> {
    let mut tx = state.db.tenant_tx(Role::Support, caller.tenant).await?;
    let ordered = store::reorder(&mut tx, caller.tenant, &body.value.rules).await.map_err(refused)?;
    let known = known::known(&mut tx).await?;
    let items = ordered.into_iter().map(|rule| viewed(rule, &known)).collect();
    trail::record(&mut tx, &caller, "rule.order", "rules", json!({ "order": body.value.rules })).await?;
    state.db.commit(tx).await?;
    Ok(axum::Json(RuleList { items }))
}
