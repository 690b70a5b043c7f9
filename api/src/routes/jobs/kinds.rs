//! The kinds of job there are, and how each runs.

use axum::Json;
use jobs::{
    contract::{Access, Priority},
    kinds::KindInfo,
};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    access,
    state::AppState,
    web::{auth::Caller, page::Page, problem::Problem},
};

/// The routes.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(list))
}

/// A kind and its policy.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "kind": "draft_reply", "version": 1, "queue": "ai", "priority": "high", "max_attempts": 6,
    "backoff_base_secs": 2.0, "backoff_cap_secs": 300.0, "deadline_secs": 60.0, "key_limit": 1, "access": "tenant",
    "write_scope": "ai:write", "read_scope": "ai:read"
}))]
pub struct KindDocument {
    /// Its name.
    kind: &'static str,
    /// The version of its payload.
    version: i16,
    /// Its queue.
    queue: &'static str,
    /// The priority of its jobs, and the highest that a tenant may ask for.
    #[schema(value_type = String)]
    priority: Priority,
    /// Attempts that its jobs may have.
    max_attempts: i16,
    /// The bound of the wait after the first failure; it doubles with each.
    backoff_base_secs: f64,
    /// The largest bound.
    backoff_cap_secs: f64,
    /// How long one attempt may take.
    deadline_secs: f64,
    /// How many jobs with the same concurrency key run at once.
    key_limit: i16,
    /// Who may enqueue it: `tenant` or `operator`.
    access: &'static str,
    /// The scope that enqueues, retries and cancels its jobs, besides `jobs:write`.
    write_scope: &'static str,
    /// The scope that shows their payloads and results, besides `jobs:read`.
    read_scope: &'static str,
}

impl KindDocument {
    fn of(info: &KindInfo) -> KindDocument {
        KindDocument {
            kind: info.kind,
            version: info.version,
            queue: info.policy.queue,
            priority: info.policy.priority,
            max_attempts: info.policy.max_attempts,
            backoff_base_secs: info.policy.backoff.base.as_secs_f64(),
            backoff_cap_secs: info.policy.backoff.cap.as_secs_f64(),
            deadline_secs: info.policy.deadline.as_secs_f64(),
            key_limit: info.policy.key_limit,
            access: match info.policy.access {
                Access::Tenant(_) => "tenant",
                Access::Operator => "operator",
            },
            write_scope: access::writing(&info.policy).name(),
            read_scope: access::reading(&info.policy).name(),
        }
    }
}

/// The kinds of job, by name, with how they run.
#[utoipa::path(
    get,
    path = "/api/kinds",
    tag = "jobs",
    responses((status = 200, description = "all kinds", body = Page<KindDocument>)),
)]
async fn list(_caller: Caller) -> Result<Json<Page<KindDocument>>, Problem> {
    Ok(Json(Page { items: ::kinds::all().map(KindDocument::of).collect(), next_cursor: None }))
}
