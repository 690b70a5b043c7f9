//! Rules as they are: the list in its order, one rule, its versions, and the secret of their calls.

use accounts::api_keys::Scope;
use axum::extract::{Path, State};
use axum::http::Uri;
use axum::response::Response;
use database::Role;
use outbound::signature::Secret;
use serde::Serialize;
use support::rules::known::{self, Known};
use support::rules::store::{self, Stored, Version};
use support::rules::webhooks;
use utoipa::ToSchema;

use super::RuleView;
use crate::state::AppState;
use crate::web::auth::Caller;
use crate::web::etag;
use crate::web::problem::{Problem, ProblemDocument};
use crate::web::query::{self, Params};

/// The rules in their order.
#[derive(Debug, Serialize, ToSchema)]
pub struct RuleList {
    /// All of them.
    pub(super) items: Vec<RuleView>,
}

pub(super) fn viewed(stored: Stored, known: &Known) -> RuleView {
    let rule = store::read(stored.clone(), known);
    RuleView::of(stored, rule.invalid)
}

/// The rules, in the order in which they are looked at.
#[utoipa::path(
    get,
    path = "/api/rules",
    tag = "rules",
    responses((status = 200, description = "all of them", body = RuleList)),
)]
pub async fn page(
    State(state): State<AppState>,
    caller: Caller,
    uri: Uri,
) -> Result<axum::Json<RuleList>, Problem> {
    caller.require(Scope::TicketsRead)?;
    Params::of(&uri, &[])?;
    let mut tx = state.db.tenant_tx(Role::Support, caller.tenant).await?;
    let known = known::known(&mut tx).await?;
    let rules = store::list(&mut tx).await?;
    tx.commit().await?;
    Ok(axum::Json(RuleList { items: rules.into_iter().map(|rule| viewed(rule, &known)).collect() }))
}

/// A rule.
#[utoipa::path(
    get,
    path = "/api/rules/{id}",
    tag = "rules",
    params(("id" = Uuid, Path, description = "the rule")),
    responses(
        (status = 200, description = "the rule", body = RuleView),
        (status = 404, description = "there is none", body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
pub async fn show(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
    uri: Uri,
) -> Result<Response, Problem> {
    caller.require(Scope::TicketsRead)?;
    Params::of(&uri, &[])?;
    let id = query::id("id", &id)?;
    let mut tx = state.db.tenant_tx(Role::Support, caller.tenant).await?;
    let known = known::known(&mut tx).await?;
    let rule = store::get(&mut tx, id).await?.ok_or_else(unknown)?;
    tx.commit().await?;
    Ok(etag::with_version(rule.version.into(), axum::Json(viewed(rule, &known))))
}

pub(super) fn unknown() -> Problem {
    Problem::not_found("there is no such rule; GET /api/rules lists them")
}

/// What a rule said over time.
#[derive(Debug, Serialize, ToSchema)]
pub struct RuleVersions {
    /// The newest first, 100 at most.
    #[schema(value_type = Vec<serde_json::Value>)]
    items: Vec<Version>,
}

/// What a rule said over time.
#[utoipa::path(
    get,
    path = "/api/rules/{id}/versions",
    tag = "rules",
    params(("id" = Uuid, Path, description = "the rule")),
    responses(
        (status = 200, description = "its versions, each with who wrote it", body = RuleVersions),
        (status = 404, description = "there is none", body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
pub async fn versions(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
    uri: Uri,
) -> Result<axum::Json<RuleVersions>, Problem> {
    caller.require(Scope::TicketsRead)?;
    Params::of(&uri, &[])?;
    let id = query::id("id", &id)?;
    let mut tx = state.db.tenant_tx(Role::Support, caller.tenant).await?;
    store::get(&mut tx, id).await?.ok_or_else(unknown)?;
    let items = store::versions(&mut tx, id, 100).await?;
    tx.commit().await?;
    Ok(axum::Json(RuleVersions { items }))
}

/// The secret of the shop's calls.
#[derive(Debug, Serialize, ToSchema)]
pub struct WebhookSecret {
    /// Calls are signed under it as in Standard Webhooks; `whsec_` and base64.
    secret: String,
}

/// The secret under which calls that rules make are signed.
#[utoipa::path(
    get,
    path = "/api/rules/webhook-secret",
    tag = "rules",
    responses((status = 200, description = "the secret", body = WebhookSecret)),
)]
pub async fn secret(
    State(state): State<AppState>,
    caller: Caller,
    uri: Uri,
) -> Result<axum::Json<WebhookSecret>, Problem> {
    caller.require(Scope::SettingsWrite)?;
    Params::of(&uri, &[])?;
    Ok(axum::Json(WebhookSecret {
        secret: Secret::of(webhooks::secret(&state.settings.master_key, caller.tenant)).reveal(),
    }))
}
