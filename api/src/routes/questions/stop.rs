//! Taking a question back before it is answered. Whoever may ask may stop, also where they may cancel no other job: it is
//! their own question, and what it would cost on is saved.

use accounts::api_keys::Scope;
use axum::extract::{Path, State};
use chrono::Utc;
use database::Role;
use jobs::events::Event;
use jobs::read::{self, Cancelled};
use jobs::{JobId, JobKind, State as JobState};
use questions::conversations::{self, TakenBack};
use questions::kinds::AnswerQuestion;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::ask::none;
use crate::state::AppState;
use crate::web::auth::{Allowed, Caller};
use crate::web::body::Json;
use crate::web::problem::{Problem, ProblemDocument};
use crate::web::{query, trail};

/// The routes.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(stop))
}

/// Which question.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = StopQuestion, example = json!({
    "exchange_id": "0199c0de-7e1a-7c51-8f3a-2b9d5e6f7a83", "job_id": "0199c0de-7e1a-7c51-8f3a-2b9d5e6f7a81"
}))]
pub struct Stop {
    /// The question, as POST /api/ask named it.
    exchange_id: Uuid,
    /// Its job. Without it the work goes on until it finds the question gone.
    #[serde(default)]
    job_id: Option<Uuid>,
}

/// How a question stands that was taken back.
#[derive(Debug, Serialize, ToSchema)]
pub struct Stopped {
    /// stopped: it is in the conversation no more.
    state: &'static str,
}

/// Take a question back that is not answered yet: it leaves the conversation, and its job is cancelled.
///
/// Asked once more it answers the same.
#[utoipa::path(
    post,
    path = "/api/ask/{id}/stop",
    tag = "questions",
    params(("id" = Uuid, Path, description = "the conversation")),
    request_body = Stop,
    responses(
        (status = 200, description = "it is gone, by this request or one before", body = Stopped),
        (status = 404, description = "the conversation is somebody else's, or over", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 409, description = "it was answered already", body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
async fn stop(
    State(state): State<AppState>,
    Allowed(caller): Allowed<{ Scope::IntelligenceRead as u8 }>,
    Path(id): Path<String>,
    Json { value: Stop { exchange_id, job_id }, .. }: Json<Stop>,
) -> Result<axum::Json<Stopped>, Problem> {
    let id = query::id("id", &id)?;
    let mut tx = state.db.tenant_tx(Role::Marketing, caller.tenant).await?;
    let taken = conversations::take_back(&mut tx, id, exchange_id, &caller.actor(), Utc::now()).await?;
    tx.commit().await?;
    match taken {
        TakenBack::Gone | TakenBack::NotThere => {}
        TakenBack::Answered => return Err(Problem::conflict("the question was answered already")),
        TakenBack::Unknown => return Err(none()),
    }
    // From here on the job finds nothing to answer; cancelling it only ends it sooner.
    if let Some(job) = job_id {
        cancel(&state, &caller, job, exchange_id).await?;
    }
    Ok(axum::Json(Stopped { state: "stopped" }))
}

/// Cancels the job, if it is the one that answers this question.
async fn cancel(state: &AppState, caller: &Caller, id: JobId, exchange: Uuid) -> Result<(), Problem> {
    let mut tx = state.db.queue_tx().await?;
    let job = read::job(&mut tx, Some(caller.tenant.0), id).await?;
    let is_its = job.is_some_and(|job| {
        let named = job.payload.as_ref().and_then(|payload| payload["exchange_id"].as_str());
        job.kind == AnswerQuestion::KIND && named == Some(exchange.to_string().as_str())
    });
    if !is_its {
        return Ok(());
    }
    let outcome = read::cancel(&mut tx, Some(caller.tenant.0), id, "the question was taken back").await?;
    trail::record(&mut tx, caller, "question.stop", &format!("job:{id}"), json!({})).await?;
    tx.commit().await?;
    match outcome {
        Cancelled::Now => state.dispatch.tell(&[Event { id, state: JobState::Cancelled }]),
        Cancelled::Requested => state.dispatch.poke_workers(),
        Cancelled::Over(_) | Cancelled::Unknown => {}
    }
    Ok(())
}
