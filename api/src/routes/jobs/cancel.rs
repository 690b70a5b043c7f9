//! Cancelling a job, wherever in the cluster it is.

use accounts::api_keys::Scope;
use axum::{
    extract::{Path, State},
    http::StatusCode,
};
use jobs::{
    State as JobState,
    events::Event,
    read::{self, Cancelled},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

use crate::{
    access,
    routes::jobs::look,
    state::AppState,
    web::{auth::Allowed, body::Json, problem::Problem, query, trail},
};

/// The routes.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(cancel))
}

/// Why.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
#[schema(example = json!({"reason": "the order was withdrawn"}))]
pub struct CancelRequest {
    /// Shown with the job, at most 500 characters.
    reason: Option<String>,
}

/// What became of it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"job_id": "0199c0de-7e1a-7c51-8f3a-2b9d5e6f7a81", "outcome": "cancelled"}))]
pub struct CancelAnswer {
    /// The job.
    job_id: Uuid,
    /// `cancelled`, or `requested` while it runs: its worker hears of it within a second.
    outcome: &'static str,
}

/// Cancels a job: at once while it waits, by request while it runs.
///
/// Needs `jobs:write` and the kind's `write_scope` (`GET /api/kinds`).
#[utoipa::path(
    post,
    path = "/api/jobs/{id}/cancel",
    tag = "jobs",
    params(("id" = Uuid, Path, description = "the job")),
    request_body = CancelRequest,
    responses(
        (status = 200, description = "it is cancelled", body = CancelAnswer),
        (status = 202, description = "it runs, and was asked to stop", body = CancelAnswer),
        (status = 409, description = "it was over already", body = crate::web::problem::ProblemDocument,
            content_type = "application/problem+json"),
    ),
)]
async fn cancel(
    State(state): State<AppState>,
    Allowed(caller): Allowed<{ Scope::JobsWrite as u8 }>,
    Path(id): Path<String>,
    Json { value: request, .. }: Json<CancelRequest>,
) -> Result<(StatusCode, axum::Json<CancelAnswer>), Problem> {
    let id = query::id("id", &id)?;
    let reason = trail::reason_or(request.reason, "cancelled by a caller")?;
    let tenant = (!caller.is_operator()).then_some(caller.tenant.0);
    let mut tx = state.db.queue_tx().await?;
    let job = read::job(&mut tx, tenant, id).await?.ok_or_else(look::unknown_job)?;
    access::require_change(&caller, &job)?;
    let outcome = read::cancel(&mut tx, tenant, id, &reason).await?;
    let (status, outcome) = match outcome {
        Cancelled::Now => (StatusCode::OK, "cancelled"),
        Cancelled::Requested => (StatusCode::ACCEPTED, "requested"),
        Cancelled::Over(over) => return Err(Problem::conflict(format!("the job is {over} already"))),
        Cancelled::Unknown => return Err(look::unknown_job()),
    };
    let detail = serde_json::json!({ "outcome": outcome });
    trail::record(&mut tx, &caller, "job.cancel", &format!("job:{id}"), detail).await?;
    tx.commit().await?;
    if status == StatusCode::OK {
        state.dispatch.tell(&[Event { id, state: JobState::Cancelled }]);
    } else {
        state.dispatch.poke_workers();
    }
    Ok((status, axum::Json(CancelAnswer { job_id: id, outcome })))
}
