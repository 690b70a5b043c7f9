//! Advice on a ticket, and drafts and advice under the names that programs of the old system call.
//!
//! As with drafts: what is current is answered; otherwise it is asked for, once however often this is called, and 202
//! names the job.

use accounts::api_keys::Scope;
use axum::extract::{Path, State};
use axum::http::Uri;
use axum::response::{IntoResponse, Response};
use database::{Role, Tx};
use jobs::{Announcement, NewJob};
use serde::{Deserialize, Serialize};
use support::drafts;
use support::kinds::{DraftReply, RecommendActions};
use support::recommendations::{self, Recommendation};
use support::tickets::Ticket;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::drafts::{DraftJob, DraftView, Length, Tone, enqueue, find_answerable};
use crate::state::AppState;
use crate::web::auth::{Allowed, Caller};
use crate::web::body::Json;
use crate::web::correlation;
use crate::web::idempotency::{self, Answer, IdempotencyKey};
use crate::web::problem::{Problem, ProblemDocument};
use crate::web::query::Params;

/// The routes of advice.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(current)).routes(routes!(recommend)).routes(routes!(generate))
}

/// Advice is being made.
#[derive(Debug, Serialize, ToSchema)]
struct AdviceJob {
    /// The job, as in GET /api/jobs/{id}.
    job_id: Uuid,
    /// Where it stands.
    state: String,
    /// The latest advice, made before something changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<serde_json::Value>)]
    stale_recommendation: Option<Recommendation>,
}

/// The current advice on a ticket: priority, 2 to 4 actions, 3 to 5 talking points, warnings, and what is at stake.
#[utoipa::path(
    get,
    path = "/api/ai/tickets/{id}/recommend",
    tag = "ai",
    params(("id" = String, Path, description = "our ticket id, or the help desk's")),
    responses(
        (status = 200, description = "the advice; nothing that it was made from has changed", body = serde_json::Value),
        (status = 202, description = "it is being made", body = AdviceJob),
        (status = 404, description = "there is no such ticket", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 409, description = "the ticket's customer was erased", body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
async fn current(
    State(state): State<AppState>,
    caller: Caller,
    Path(reference): Path<String>,
    uri: Uri,
) -> Result<Response, Problem> {
    caller.require(Scope::AiRead)?;
    Params::of(&uri, &[])?;
    let mut tx = state.db.tenant_tx(Role::Support, caller.tenant).await?;
    let ticket = find_answerable(&mut tx, &reference).await?;
    let (answer, announcement) = advice(&mut tx, &caller, &ticket).await?;
    tx.commit().await?;
    state.dispatch.announce(announcement);
    Ok(answer.into_response())
}

/// A ticket that is asked about.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct TicketRequest {
    /// Our ticket id, or the help desk's.
    ticket_id: String,
}

/// The current advice on a ticket, for services.
#[utoipa::path(
    post,
    path = "/api/ml/recommend/actions",
    tag = "ai",
    params(("Idempotency-Key" = Option<String>, Header, description = "the same key and request have the same answer")),
    request_body(content = TicketRequest, example = json!({"ticket_id": "7041"})),
    responses(
        (status = 200, description = "as GET /api/ai/tickets/{id}/recommend", body = serde_json::Value),
        (status = 202, description = "it is being made", body = AdviceJob),
        (status = 404, description = "there is no such ticket", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 409, description = "the ticket's customer was erased", body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
async fn recommend(
    State(state): State<AppState>,
    Allowed(caller): Allowed<{ Scope::AiRead as u8 }>,
    key: IdempotencyKey,
    body: Json<TicketRequest>,
) -> Result<Answer, Problem> {
    let mut tx = state.db.tenant_tx(Role::Support, caller.tenant).await?;
    if let Some(answer) = idempotency::replay(&mut tx, caller.tenant, &key, &body.digest).await? {
        return Ok(answer);
    }
    let ticket = find_answerable(&mut tx, &body.value.ticket_id)
        .await
        .map_err(|problem| named(problem, "ticket_id"))?;
    let (answer, announcement) = advice(&mut tx, &caller, &ticket).await?;
    idempotency::keep(&mut tx, caller.tenant, &key, &body.digest, &answer).await?;
    tx.commit().await?;
    state.dispatch.announce(announcement);
    Ok(answer)
}

/// A draft that is asked for.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct DraftRequest {
    /// Our ticket id, or the help desk's.
    ticket_id: String,
    /// The tone; any when missing.
    #[serde(default)]
    tone: Option<Tone>,
    /// The length; any when missing.
    #[serde(default)]
    length: Option<Length>,
}

/// A fresh draft in the tone and length, for services.
#[utoipa::path(
    post,
    path = "/api/ml/generate/draft",
    tag = "ai",
    params(("Idempotency-Key" = Option<String>, Header, description = "the same key and request have the same answer")),
    request_body(content = DraftRequest, example = json!({"ticket_id": "7041", "tone": "friendly"})),
    responses(
        (status = 200, description = "a draft that is fresh and as wanted", body = DraftView),
        (status = 202, description = "it is being written", body = DraftJob),
        (status = 404, description = "there is no such ticket", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 409, description = "the ticket's customer was erased", body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
async fn generate(
    State(state): State<AppState>,
    Allowed(caller): Allowed<{ Scope::AiWrite as u8 }>,
    key: IdempotencyKey,
    body: Json<DraftRequest>,
) -> Result<Answer, Problem> {
    let mut tx = state.db.tenant_tx(Role::Support, caller.tenant).await?;
    if let Some(answer) = idempotency::replay(&mut tx, caller.tenant, &key, &body.digest).await? {
        return Ok(answer);
    }
    let DraftRequest { ticket_id, tone, length } = &body.value;
    let ticket = find_answerable(&mut tx, ticket_id).await.map_err(|problem| named(problem, "ticket_id"))?;
    let (tone, length) = (tone.map(Tone::name), length.map(Length::name));
    let known = drafts::people::list(&mut tx, ticket.id, 50).await?;
    let fits = |draft: &drafts::Draft| {
        !draft.stale
            && tone.is_none_or(|tone| tone == draft.tone)
            && length.is_none_or(|length| length == draft.length)
    };
    let (answer, announcement) = match known.into_iter().find(fits) {
        Some(draft) => (Answer::ok(&DraftView::from(draft)), Announcement::default()),
        None => {
            let payload = DraftReply {
                ticket_id: ticket.id.0,
                tone: tone.map(str::to_owned),
                length: length.map(str::to_owned),
                again: true,
            };
            let dedup_key = format!("{}:{}:{}", ticket.id, tone.unwrap_or("any"), length.unwrap_or("any"));
            let (job, announcement) = enqueue(&mut tx, caller.tenant, &payload, &dedup_key).await?;
            (Answer::accepted(job.job_id, &job), announcement)
        }
    };
    idempotency::keep(&mut tx, caller.tenant, &key, &body.digest, &answer).await?;
    tx.commit().await?;
    state.dispatch.announce(announcement);
    Ok(answer)
}

/// What is current, or the job that makes it.
async fn advice(tx: &mut Tx, caller: &Caller, ticket: &Ticket) -> Result<(Answer, Announcement), Problem> {
    let known = recommendations::current(tx, ticket.id).await?;
    if let Some(current) = known.as_ref().filter(|known| !known.stale) {
        return Ok((Answer::ok(current), Announcement::default()));
    }
    let job = NewJob::of(caller.tenant, &RecommendActions { ticket_id: ticket.id.0 })?;
    let job = correlation::caused(job).with_dedup_key(&ticket.id.to_string())?;
    let (enqueued, announcement) = jobs::enqueue_one(tx, job).await?;
    let body =
        AdviceJob { job_id: enqueued.id, state: enqueued.state.to_string(), stale_recommendation: known };
    Ok((Answer::accepted(enqueued.id, &body), announcement))
}

/// The same problem, about this field.
fn named(problem: Problem, field: &'static str) -> Problem {
    if problem.field.is_some() { problem.at(field) } else { problem }
}
