//! The audit trail, for operators: who did what to what.

use accounts::{
    api_keys::Scope,
    audit::{self, Entry},
};
use axum::{Json, extract::State, http::Uri};
use database::ids::TenantId;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::trail;
use crate::{
    state::AppState,
    web::{
        auth::Caller,
        page::{Page, PageRequest, place},
        problem::Problem,
        query::Params,
    },
};

/// The routes.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(list))
}

/// The trail, newest first.
#[utoipa::path(
    get,
    path = "/api/admin/audit",
    tag = "operations",
    params(
        ("tenant_id" = Option<Uuid>, Query, description = "what callers of this tenant did"),
        ("actor" = Option<String>, Query, description = "who: agent:ID, key:ID or command"),
        ("action" = Option<String>, Query, description = "what was done, for example queue.pause"),
        ("subject" = Option<String>, Query, description = "to what, for example queue:ai"),
        ("from" = Option<String>, Query, description = "not before this time"),
        ("to" = Option<String>, Query, description = "before this time"),
        ("looks" = Option<bool>, Query, description = "false leaves out who looked at what; true by default"),
        ("cursor" = Option<String>, Query, description = "next_cursor of the page before"),
        ("limit" = Option<i64>, Query, description = "1 to 100, 50 by default"),
    ),
    responses((status = 200, description = "a page", body = serde_json::Value, example = json!({"items": [{
        "id": "0199c0de-7e1a-7c51-8f3a-2b9d5e6f7a81", "tenant": "0199c0de-0000-7000-8000-000000000001",
        "actor": "key:0199c0de-7e1a-7c51-8f3a-2b9d5e6f7a82", "action": "dead.retry_many", "subject": "dead-letters",
        "detail": {"filter": {"kind": "draft_reply"}, "jobs": 12, "reason": "the model is back", "canary": 0},
        "correlation_id": "order-42", "at": "2026-01-31T12:00:00Z"
    }], "next_cursor": null}))),
)]
async fn list(State(state): State<AppState>, caller: Caller, uri: Uri) -> Result<Json<Page<Entry>>, Problem> {
    caller.require(Scope::Operator)?;
    let params = Params::of(&uri, &[trail::FILTER, &["tenant_id", "cursor", "limit"]].concat())?;
    let page = PageRequest::of(&params)?;
    let tenant = params.id("tenant_id")?.map(TenantId);
    let filter = trail::filter(&params)?;
    let before = page.after_place()?;
    let mut tx = state.db.gateway_tx().await?;
    let limit = u32::try_from(page.limit_and_one()).expect("a page has at most 101 items");
    let items = audit::search(&mut tx, tenant, &filter, before, limit).await?;
    tx.commit().await?;
    Ok(Json(page.page(items, |entry| place(entry.at, entry.id))))
}
