//! How many jobs of a kind run at once in the whole cluster, for operators.

use accounts::api_keys::Scope;
use axum::{
    Json as Answered,
    extract::{Path, State},
};
use jobs::{Announcement, queues, sweep};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    state::AppState,
    web::{
        auth::{Allowed, Caller},
        body::Json,
        page::Page,
        problem::Problem,
        trail,
    },
};

/// The routes.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(put, delete))
}

/// A kind and its limit.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"kind": "draft_reply", "queue": "ai", "max_running": 8, "changed_by": "key:0199c0de-7e1a-7c51-8f3a-2b9d5e6f7a81"}))]
pub struct KindLimit {
    kind: &'static str,
    queue: &'static str,
    /// How many run at once at most; null without a limit.
    max_running: Option<i32>,
    /// Who set it.
    changed_by: Option<String>,
}

/// Every kind with its limit.
#[utoipa::path(
    get,
    path = "/api/admin/kinds",
    tag = "operations",
    responses((status = 200, description = "all kinds", body = Page<KindLimit>)),
)]
async fn list(
    State(state): State<AppState>,
    _: Allowed<{ Scope::Operator as u8 }>,
) -> Result<Answered<Page<KindLimit>>, Problem> {
    let mut tx = state.db.queue_tx().await?;
    let limits = queues::kind_limits(&mut tx).await?;
    tx.commit().await?;
    let items = kinds::all()
        .map(|info| {
            let limit = limits.iter().find(|(kind, ..)| kind == info.kind);
            KindLimit {
                kind: info.kind,
                queue: info.policy.queue,
                max_running: limit.map(|(_, max_running, _)| *max_running),
                changed_by: limit.map(|(.., by)| by.clone()),
            }
        })
        .collect();
    Ok(Answered(Page { items, next_cursor: None }))
}

/// How many.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"max_running": 8}))]
pub struct LimitRequest {
    /// 1 to 100,000.
    #[schema(minimum = 1, maximum = 100_000)]
    max_running: i32,
}

/// Limits how many jobs of a kind run at once in the cluster.
#[utoipa::path(
    put,
    path = "/api/admin/kinds/{kind}/limit",
    tag = "operations",
    params(("kind" = String, Path, description = "the kind")),
    request_body = LimitRequest,
    responses((status = 200, description = "the limit", body = KindLimit)),
)]
async fn put(
    State(state): State<AppState>,
    Allowed(caller): Allowed<{ Scope::Operator as u8 }>,
    Path(kind): Path<String>,
    Json { value: request, .. }: Json<LimitRequest>,
) -> Result<Answered<KindLimit>, Problem> {
    if !(1..=100_000).contains(&request.max_running) {
        return Err(Problem::bad_request("max_running", "must be 1 to 100000"));
    }
    set(&state, &caller, &kind, Some(request.max_running)).await
}

/// Lifts the limit of a kind.
#[utoipa::path(
    delete,
    path = "/api/admin/kinds/{kind}/limit",
    tag = "operations",
    params(("kind" = String, Path, description = "the kind")),
    responses((status = 200, description = "the kind without a limit", body = KindLimit)),
)]
async fn delete(
    State(state): State<AppState>,
    Allowed(caller): Allowed<{ Scope::Operator as u8 }>,
    Path(kind): Path<String>,
) -> Result<Answered<KindLimit>, Problem> {
    set(&state, &caller, &kind, None).await
}

async fn set(
    state: &AppState,
    caller: &Caller,
    kind: &str,
    max_running: Option<i32>,
) -> Result<Answered<KindLimit>, Problem> {
    caller.require(Scope::Operator)?;
    let info = kinds::find(kind).map_err(|_| Problem::not_found("there is no such kind"))?;
    let actor = caller.actor();
    let mut tx = state.db.queue_tx().await?;
    queues::limit_kind(&mut tx, info.kind, max_running, &actor).await?;
    let detail = json!({ "max_running": max_running });
    // What the limit lets start now starts now, whose turn it is first.
    let ready = sweep::parked_of_kind(&mut tx, info.kind).await?;
    trail::record(&mut tx, caller, "kind.limit", &format!("kind:{kind}"), detail).await?;
    tx.commit().await?;
    state.dispatch.announce(Announcement { ready, next_due: None });
    let changed_by = max_running.map(|_| actor);
    Ok(Answered(KindLimit { kind: info.kind, queue: info.policy.queue, max_running, changed_by }))
}
