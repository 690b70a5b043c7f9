//! What rules did: by rule, and by ticket with everything that was looked at.

use accounts::api_keys::Scope;
use axum::extract::{Path, State};
use axum::http::Uri;
use database::{Role, Tx};
use support::rules::runs::{self, Looked, RuleRun};
use support::rules::store;
use support::rules::webhooks::{self, Webhook};

use super::super::drafts::find;
use super::list::unknown;
use crate::state::AppState;
use crate::web::auth::Caller;
use crate::web::page::{Page, PageRequest, bad_cursor, place};
use crate::web::problem::{Problem, ProblemDocument};
use crate::web::query::{self, Params};
use uuid::Uuid;

/// The runs of a rule, the newest first: what fired, why, and what was done.
#[utoipa::path(
    get,
    path = "/api/rules/{id}/runs",
    tag = "rules",
    params(
        ("id" = Uuid, Path, description = "the rule"),
        ("limit" = Option<i64>, Query, description = "1 to 100; 50 when missing"),
        ("cursor" = Option<String>, Query, description = "next_cursor of the page before"),
    ),
    responses(
        (status = 200, description = "a page; kept for 90 days, also of a rule that was taken away", body = serde_json::Value),
        (status = 404, description = "there is no such rule", body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
pub async fn of_rule(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
    uri: Uri,
) -> Result<axum::Json<Page<RuleRun>>, Problem> {
    caller.require(Scope::TicketsRead)?;
    let page = PageRequest::of(&Params::of(&uri, &["limit", "cursor"])?)?;
    let (id, before) = (query::id("id", &id)?, page.after_place()?);
    let mut tx = state.db.tenant_tx(Role::Support, caller.tenant).await?;
    check_was_there(&mut tx, id).await?;
    let found = runs::of_rule(&mut tx, id, before, page.limit_and_one()).await?;
    tx.commit().await?;
    Ok(axum::Json(page.page(found, |run| place(run.at, run.id))))
}

/// The calls to other systems that a rule asked for, the newest first.
#[utoipa::path(
    get,
    path = "/api/rules/{id}/calls",
    tag = "rules",
    params(
        ("id" = Uuid, Path, description = "the rule"),
        ("limit" = Option<i64>, Query, description = "1 to 100; 50 when missing"),
        ("cursor" = Option<String>, Query, description = "next_cursor of the page before"),
    ),
    responses(
        (status = 200, description = "a page; kept for 90 days, also of a rule that was taken away", body = serde_json::Value),
        (status = 404, description = "there is no such rule", body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
pub async fn calls(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
    uri: Uri,
) -> Result<axum::Json<Page<Webhook>>, Problem> {
    caller.require(Scope::TicketsRead)?;
    let page = PageRequest::of(&Params::of(&uri, &["limit", "cursor"])?)?;
    let (id, before) = (query::id("id", &id)?, page.after_place()?);
    let mut tx = state.db.tenant_tx(Role::Support, caller.tenant).await?;
    check_was_there(&mut tx, id).await?;
    let found = webhooks::list(&mut tx, id, before, page.limit_and_one()).await?;
    tx.commit().await?;
    Ok(axum::Json(page.page(found, |call| place(call.created_at, call.id))))
}

async fn check_was_there(tx: &mut Tx, id: Uuid) -> Result<(), Problem> {
    if store::was_there(tx, id).await? { Ok(()) } else { Err(unknown()) }
}

/// What happened to a ticket and what rules made of it, the newest first: of each rule that was looked at whether it fired,
/// and which of its conditions held.
#[utoipa::path(
    get,
    path = "/api/tickets/{id}/rule-runs",
    tag = "rules",
    params(
        ("id" = String, Path, description = "our ticket id, or the help desk's"),
        ("limit" = Option<i64>, Query, description = "1 to 100; 50 when missing"),
        ("cursor" = Option<String>, Query, description = "next_cursor of the page before"),
    ),
    responses(
        (status = 200, description = "a page; kept for 90 days", body = serde_json::Value),
        (status = 404, description = "there is no such ticket", body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
pub async fn of_ticket(
    State(state): State<AppState>,
    caller: Caller,
    Path(reference): Path<String>,
    uri: Uri,
) -> Result<axum::Json<Page<Looked>>, Problem> {
    caller.require(Scope::TicketsRead)?;
    let page = PageRequest::of(&Params::of(&uri, &["limit", "cursor"])?)?;
    let before: Option<i64> =
        page.after.as_deref().map(|text| text.parse().map_err(|_| bad_cursor())).transpose()?;
    let mut tx = state.db.tenant_tx(Role::Support, caller.tenant).await?;
    let ticket = find(&mut tx, &reference).await?;
    let found = runs::of_ticket(&mut tx, ticket.id, before, page.limit_and_one()).await?;
    tx.commit().await?;
    Ok(axum::Json(page.page(found, |looked| looked.id.to_string())))
}
