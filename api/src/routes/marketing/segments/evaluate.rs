//! Evaluations of segments: asked for, and listed.

use accounts::api_keys::Scope;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, Uri};
use axum::response::Response;
use chrono::Utc;
use database::ids::SegmentId;
use database::{Role, Tx};
use jobs::{Announcement, NewJob};
use marketing::kinds::EvaluateSegment;
use marketing::segments::{evaluate as evaluations, facts};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::find;
use super::view::EvaluationView;
use crate::state::AppState;
use crate::web::auth::{Allowed, Caller};
use crate::web::body::Json;
use crate::web::correlation;
use crate::web::etag;
use crate::web::idempotency::{self, Answer, IdempotencyKey};
use crate::web::page::{Page, PageRequest, place};
use crate::web::problem::{Problem, ProblemDocument};
use crate::web::query::Params;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(evaluate)).routes(routes!(history))
}

/// An evaluation is on its way.
#[derive(Debug, Serialize, ToSchema)]
pub struct EvaluationJob {
    /// The job, as in GET /api/jobs/{id}.
    pub job_id: Uuid,
    /// Whether it is new; else one that was unfinished stands in for it.
    pub created: bool,
}

/// Nothing needs to be said.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EvaluationWish {}

/// Find out who is in the segment now.
#[utoipa::path(
    post,
    path = "/api/segments/{id}/evaluate",
    tag = "segments",
    params(
        ("id" = Uuid, Path, description = "the segment"),
        ("Idempotency-Key" = Option<String>, Header, description = "the same key and request have the same answer"),
    ),
    request_body(content = EvaluationWish, example = json!({})),
    responses(
        (status = 202, description = "it is on its way", body = EvaluationJob),
        (status = 404, description = "there is no such segment", body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
async fn evaluate(
    State(state): State<AppState>,
    Allowed(caller): Allowed<{ Scope::SegmentsWrite as u8 }>,
    Path(id): Path<String>,
    key: IdempotencyKey,
    request: Json<EvaluationWish>,
) -> Result<Answer, Problem> {
    let mut tx = state.db.tenant_tx(Role::Marketing, caller.tenant).await?;
    if let Some(answer) = idempotency::replay(&mut tx, caller.tenant, &key, &request.digest).await? {
        return Ok(answer);
    }
    let segment = find(&mut tx, &id).await?;
    if segment.archived_at.is_some() {
        return Err(Problem::conflict("the segment is archived"));
    }
    let (job, announcement) = enqueue(&mut tx, &caller, segment.id).await?;
    let answer = Answer::accepted(job.job_id, &job);
    idempotency::keep(&mut tx, caller.tenant, &key, &request.digest, &answer).await?;
    tx.commit().await?;
    state.dispatch.announce(announcement);
    Ok(answer)
}

/// Enqueues an evaluation when there is something to evaluate.
pub(super) async fn when_facts_are_known(
    tx: &mut Tx,
    caller: &Caller,
    segment: SegmentId,
) -> Result<(Option<Uuid>, Announcement), Problem> {
    if facts::current(tx, caller.tenant).await?.is_none() {
        return Ok((None, Announcement::default()));
    }
    let (job, announcement) = enqueue(tx, caller, segment).await?;
    Ok((Some(job.job_id), announcement))
}

async fn enqueue(
    tx: &mut Tx,
    caller: &Caller,
    segment: SegmentId,
) -> Result<(EvaluationJob, Announcement), Problem> {
    let payload = EvaluateSegment { segment_id: segment.0, after: Vec::new() };
    let job = NewJob::of(caller.tenant, &payload)?.with_dedup_key(&EvaluateSegment::dedup_key(segment.0))?;
    let (enqueued, announcement) = jobs::enqueue_one(tx, correlation::caused(job)).await?;
    Ok((EvaluationJob { job_id: enqueued.id, created: enqueued.created }, announcement))
}

/// The evaluations of a segment, latest first, with how many entered and left.
#[utoipa::path(
    get,
    path = "/api/segments/{id}/history",
    tag = "segments",
    params(
        ("id" = Uuid, Path, description = "the segment"),
        ("cursor" = Option<String>, Query, description = "next_cursor of the page before"),
        ("limit" = Option<i64>, Query, description = "1 to 100, 50 by default"),
    ),
    responses(
        (status = 200, description = "a page", body = Page<EvaluationView>),
        (status = 304, description = "nothing changed"),
        (status = 404, description = "there is no such segment", body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
async fn history(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    caller.require(Scope::SegmentsRead)?;
    let page = PageRequest::of(&Params::of(&uri, &["cursor", "limit"])?)?;
    let before = page.after_place()?;
    let mut tx = state.db.tenant_tx(Role::Marketing, caller.tenant).await?;
    let segment = find(&mut tx, &id).await?;
    let found = evaluations::history(&mut tx, segment.id, before, page.limit_and_one()).await?;
    tx.commit().await?;
    let views = found.into_iter().map(|evaluation| EvaluationView::of(evaluation, Utc::now())).collect();
    let key = |view: &EvaluationView| place(view.started_at, view.job_id);
    Ok(etag::answer(&headers, serde_json::to_vec(&page.page(views, key)).expect("an answer is plain data")))
}
