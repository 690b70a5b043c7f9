//! The key under which a tenant's words lie that nothing searches, and its destruction: the last resort.

use accounts::api_keys::Scope;
use accounts::tenant_keys::{self, KeyState};
use accounts::tenants;
use axum::Json as Shown;
use axum::extract::State;
use chrono::Utc;
use database::{Role, act_as};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use crate::state::AppState;
use crate::web::auth::{Allowed, Caller};
use crate::web::body::Json;
use crate::web::problem::{Problem, ProblemDocument};
use crate::web::trail;

/// What lies under the keys.
const SEALED: [&str; 3] = [
    "bodies of webhook deliveries that are older than a day",
    "archives of persons' data",
    "who asked for an export or an erasure, and how that was proved",
];

/// The tenant's keys.
#[derive(Debug, Serialize, ToSchema)]
pub struct KeysView {
    /// What is sealed under them.
    sealed: Vec<&'static str>,
    /// Each with `generation`, `made_at`, `destroyed_at` and `destroyed_by`; the last one seals.
    #[schema(value_type = Vec<serde_json::Value>)]
    keys: Vec<KeyState>,
}

/// The keys under which words are sealed.
#[utoipa::path(
    get,
    path = "/api/privacy/keys",
    tag = "privacy",
    responses((status = 200, description = "the keys, never what they are", body = KeysView)),
)]
pub async fn list(State(state): State<AppState>, caller: Caller) -> Result<Shown<KeysView>, Problem> {
    caller.require(Scope::PrivacyRead)?;
    let mut tx = state.db.tenant_tx(Role::Support, caller.tenant).await?;
    let keys = tenant_keys::list(&mut tx, caller.tenant).await?;
    tx.commit().await?;
    Ok(Shown(KeysView { sealed: SEALED.to_vec(), keys }))
}

/// The destruction of the keys.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"confirm": "destroy the keys of my-shop"}))]
pub struct DestroyBody {
    /// `destroy the keys of SLUG`, with the tenant's own short name.
    confirm: String,
}

/// Destroy the keys: everything that is sealed under them becomes unreadable, for everybody and for good.
#[utoipa::path(
    post,
    path = "/api/privacy/keys/destroy",
    tag = "privacy",
    request_body = DestroyBody,
    responses(
        (status = 200, description = "they are destroyed", body = KeysView),
        (status = 422, description = "the words that confirm it are others", body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
pub async fn destroy(
    State(state): State<AppState>,
    Allowed(caller): Allowed<{ Scope::PrivacyDestroy as u8 }>,
    body: Json<DestroyBody>,
) -> Result<Shown<KeysView>, Problem> {
    let mut tx = state.db.tenant_tx(Role::Support, caller.tenant).await?;
    let tenant = tenants::get(&mut tx, caller.tenant).await?.ok_or_else(Problem::internal)?;
    let expected = format!("destroy the keys of {}", tenant.slug);
    if body.value.confirm != expected {
        return Err(Problem::unprocessable(
            "confirm",
            format!("must be `{expected}`; it cannot be taken back"),
        ));
    }
    act_as(&mut tx, Role::Gateway, None).await?;
    let destroyed = tenant_keys::destroy(&mut tx, caller.tenant, &caller.actor(), Utc::now()).await?;
    let keys = tenant_keys::list(&mut tx, caller.tenant).await?;
    let detail = json!({ "keys": destroyed });
    trail::record(&mut tx, &caller, "privacy.destroy_keys", "tenant_keys", detail).await?;
    state.db.commit(tx).await?;
    tracing::warn!(tenant = %caller.tenant, keys = destroyed, "the keys of a tenant were destroyed");
    Ok(Shown(KeysView { sealed: SEALED.to_vec(), keys }))
}
