//! The worker processes and what they run, for operators.

use accounts::api_keys::Scope;
use axum::{Json, extract::State, http::Uri};
use jobs::workers::{self, WorkerView};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    state::AppState,
    web::{
        auth::Caller,
        page::{Page, PageRequest},
        problem::Problem,
        query::Params,
    },
};

/// The routes.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(list))
}

/// The workers that are alive, or were within the last day, with the jobs that each runs.
#[utoipa::path(
    get,
    path = "/api/admin/workers",
    tag = "operations",
    params(
        ("cursor" = Option<String>, Query, description = "next_cursor of the page before"),
        ("limit" = Option<i64>, Query, description = "1 to 100, 50 by default"),
    ),
    responses((status = 200, description = "a page, those that are alive first, the newest of each first", body = serde_json::Value, example = json!({"items": [{
        "id": "0199c0de-7e1a-7c51-8f3a-2b9d5e6f7a81", "name": "worker-1", "host": "node-1", "pid": 4711,
        "version": "0.1.0", "queues": {"ai": 4, "default": 16}, "state": "active", "running": 1,
        "started_at": "2026-01-31T12:00:00Z", "beat_at": "2026-01-31T12:34:56Z",
        "jobs": [{"id": "0199c0de-7e1a-7c51-8f3a-2b9d5e6f7a82", "kind": "draft_reply", "attempt": 1, "started_at": "2026-01-31T12:34:55Z"}]
    }], "next_cursor": null}))),
)]
async fn list(
    State(state): State<AppState>,
    caller: Caller,
    uri: Uri,
) -> Result<Json<Page<WorkerView>>, Problem> {
    caller.require(Scope::Operator)?;
    let page = PageRequest::of(&Params::of(&uri, &["cursor", "limit"])?)?;
    let after = page.after_id()?;
    let mut tx = state.db.queue_tx().await?;
    let items = workers::list(&mut tx, after, page.limit_and_one()).await?;
    tx.commit().await?;
    Ok(Json(page.page(items, |worker| worker.id.to_string())))
}
