//! A tenant's API keys: what programs sign in with. Nobody gives a key what they do not have themselves, nor ends one that
//! may do more than they.

use accounts::api_keys::{self, KeySummary, Scope};
use axum::extract::{Path, State};
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use database::ids::KeyId;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use crate::state::AppState;
use crate::web::auth::{Allowed, Caller};
use crate::web::body::Json;
use crate::web::page::{Page, PageRequest, bad_cursor};
use crate::web::problem::{Problem, ProblemDocument};
use crate::web::query::{Params, id};
use crate::web::trail;

/// Keys that a tenant may have at once.
const MAX_KEYS: i64 = 200;

/// The routes.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(list, create)).routes(routes!(revoke))
}

/// The tenant's keys, oldest first; never the keys themselves.
#[utoipa::path(
    get,
    path = "/api/keys",
    tag = "people",
    params(
        ("cursor" = Option<String>, Query, description = "next_cursor of the page before"),
        ("limit" = Option<i64>, Query, description = "1 to 100, 50 by default"),
    ),
    responses((status = 200, description = "a page", body = serde_json::Value, example = json!({"items": [{
        "id": "0199c0de-7e1a-7c51-8f3a-2b9d5e6f7a82", "name": "shop system", "prefix": "0123456789ab",
        "scopes": ["tickets:read"], "created_at": "2026-01-31T12:00:00Z", "expires_at": null, "revoked_at": null,
        "last_used_at": null
    }], "next_cursor": null}))),
)]
async fn list(
    State(state): State<AppState>,
    caller: Caller,
    uri: Uri,
) -> Result<axum::Json<Page<KeySummary>>, Problem> {
    caller.require(Scope::SettingsWrite)?;
    let page = PageRequest::of(&Params::of(&uri, &["cursor", "limit"])?)?;
    let after = page.after.as_deref().map(|text| text.parse().map(KeyId).map_err(|_| bad_cursor()));
    let after = after.transpose()?;
    let limit = u32::try_from(page.limit_and_one()).expect("a page has at most 101 items");
    let mut tx = state.db.gateway_tx().await?;
    let keys = api_keys::list(&mut tx, caller.tenant, after, limit).await?;
    tx.commit().await?;
    Ok(axum::Json(page.page(keys, |key| key.id.to_string())))
}

/// A key to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewKey {
    /// Name for people, 1 to 200 characters.
    pub name: String,
    /// What it may do, at least one thing, and nothing that the caller may not.
    #[schema(value_type = Vec<String>, example = json!(["tickets:read"]))]
    pub scopes: Vec<Scope>,
    /// When it stops working by itself; never when missing.
    #[serde(default)]
    pub expires_at: Option<DateTime<Utc>>,
}

/// A key just made.
#[derive(Serialize, ToSchema)]
pub struct MadeKey {
    /// The key, for lists and for revoking it.
    pub id: Uuid,
    /// The part that is shown later.
    pub prefix: String,
    /// What its holder sends as X-API-Key. It is shown here and never again.
    pub key: String,
}

/// Make a key. Its text is in this answer and nowhere else, so a request that is sent twice makes two.
#[utoipa::path(
    post,
    path = "/api/keys",
    tag = "people",
    request_body(content = NewKey, example = json!({"name": "shop system", "scopes": ["tickets:read"]})),
    responses(
        (status = 201, description = "the key", body = MadeKey),
        (status = 400, description = "a bad name, scope or expiry", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 403, description = "a scope that the caller does not have", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 409, description = "there are as many as may be", body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
async fn create(
    State(state): State<AppState>,
    Allowed(caller): Allowed<{ Scope::SettingsWrite as u8 }>,
    body: Json<NewKey>,
) -> Result<Response, Problem> {
    let NewKey { name, mut scopes, expires_at } = body.value;
    let name = name.trim();
    if !(1..=200).contains(&name.chars().count()) || name.contains(char::is_control) {
        return Err(Problem::bad_request("name", "must have 1 to 200 characters on one line"));
    }
    scopes.sort_by_key(|scope| scope.name());
    scopes.dedup();
    if scopes.is_empty() {
        return Err(Problem::bad_request("scopes", "must name at least one permission"));
    }
    if expires_at.is_some_and(|at| at <= Utc::now()) {
        return Err(Problem::bad_request("expires_at", "must be a time to come"));
    }
    check_holds(&caller, &scopes)?;
    let mut tx = state.db.gateway_tx().await?;
    if api_keys::count_unrevoked(&mut tx, caller.tenant).await? >= MAX_KEYS {
        return Err(Problem::conflict(format!("a tenant has at most {MAX_KEYS} keys; revoke one first")));
    }
    let made = api_keys::create(&mut tx, caller.tenant, name, &scopes, expires_at).await?;
    let names: Vec<&str> = scopes.iter().map(|scope| scope.name()).collect();
    let detail = json!({ "prefix": made.prefix, "scopes": names, "expires_at": expires_at });
    trail::record(&mut tx, &caller, "key.create", &format!("key:{}", made.id), detail).await?;
    state.db.commit(tx).await?;
    let answer = MadeKey { id: made.id.0, prefix: made.prefix, key: made.text.reveal().to_owned() };
    Ok((StatusCode::CREATED, axum::Json(answer)).into_response())
}

/// Revoke a key: it works no more, on every process within 30 s.
#[utoipa::path(
    delete,
    path = "/api/keys/{id}",
    tag = "people",
    params(("id" = Uuid, Path, description = "the key")),
    responses(
        (status = 204, description = "it is revoked"),
        (status = 403, description = "the key may do more than the caller", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 404, description = "there is no such key, or it was revoked before", body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
async fn revoke(
    State(state): State<AppState>,
    caller: Caller,
    Path(key): Path<String>,
) -> Result<StatusCode, Problem> {
    caller.require(Scope::SettingsWrite)?;
    let key = KeyId(id("id", &key)?);
    let missing = || Problem::not_found("there is no such key, or it was revoked before");
    let mut tx = state.db.gateway_tx().await?;
    let scopes = api_keys::scopes_of(&mut tx, caller.tenant, key).await?.ok_or_else(missing)?;
    check_holds(&caller, &scopes)?;
    if !api_keys::revoke(&mut tx, caller.tenant, key).await? {
        return Err(missing());
    }
    trail::record(&mut tx, &caller, "key.revoke", &format!("key:{key}"), json!({})).await?;
    state.db.commit(tx).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Goes on only when the caller has all of these.
fn check_holds(caller: &Caller, scopes: &[Scope]) -> Result<(), Problem> {
    let Some(lacking) = scopes.iter().find(|scope| !caller.scopes.contains(scope)) else { return Ok(()) };
    if caller.is_operator() {
        return Ok(());
    }
    Err(Problem::forbidden(format!("you do not have {lacking} yourself, which this key has")).at("scopes"))
}
