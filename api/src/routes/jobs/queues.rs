//! Queues and the limits of kinds, for operators: what waits, and how fast it may go.

use std::collections::BTreeMap;

use accounts::api_keys::Scope;
use axum::{
    Json as Answered,
    extract::{Path, State},
};
use database::{Tx, ids::TenantId};
use jobs::{
    JobKind, NewJob, SYSTEM_TENANT, State as JobState, enqueue,
    kinds::DrainQueue,
    queues::{self, QueueView},
};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

use super::names;
use crate::{
    state::AppState,
    web::{
        auth::{Allowed, Caller},
        body::Json,
        correlation,
        idempotency::{self, Answer, IdempotencyKey},
        page::Page,
        problem::Problem,
        trail,
    },
};

/// The routes.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(pause))
        .routes(routes!(resume))
        .routes(routes!(drain))
        .routes(routes!(set_concurrency))
}

/// Every queue that has or had jobs or that a kind names: jobs by state, age of the oldest, rates, and how operators set it.
#[utoipa::path(
    get,
    path = "/api/admin/queues",
    tag = "operations",
    responses((status = 200, description = "all queues", body = serde_json::Value, example = json!({"items": [{
        "queue": "ai", "jobs": {"ready": 3, "running": 4, "done": 120}, "oldest_ready_secs": 0.8, "in_per_sec": 1.2,
        "out_per_sec": 1.1, "paused": false, "concurrency": null, "reason": null
    }], "next_cursor": null}))),
)]
async fn list(State(state): State<AppState>, caller: Caller) -> Result<Answered<Page<QueueView>>, Problem> {
    caller.require(Scope::Operator)?;
    let mut tx = state.db.queue_tx().await?;
    let items = all(&mut tx).await?;
    tx.commit().await?;
    Ok(Answered(Page { items, next_cursor: None }))
}

/// The queues by name: those in the books, and those of which a kind may have its first job at any time.
async fn all(tx: &mut Tx) -> Result<Vec<QueueView>, Problem> {
    let mut views = queues::list(tx).await?;
    let mut named: Vec<&str> = kinds::all().map(|kind| kind.policy.queue).collect();
    named.sort_unstable();
    named.dedup();
    for queue in named {
        if !views.iter().any(|view| view.queue == queue) {
            views.push(untouched(queue));
        }
    }
    views.sort_unstable_by(|one, other| one.queue.cmp(&other.queue));
    Ok(views)
}

/// Why.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
#[schema(example = json!({"reason": "the help desk is down"}))]
pub struct ReasonRequest {
    /// Shown with the queue and in the audit trail, at most 500 characters.
    reason: Option<String>,
}

/// Pauses a queue: what runs goes on, nothing more is started.
#[utoipa::path(
    post,
    path = "/api/admin/queues/{queue}/pause",
    tag = "operations",
    params(("queue" = String, Path, description = "the queue")),
    request_body = ReasonRequest,
    responses((status = 200, description = "the queue as it is now", body = serde_json::Value,
        example = json!({"queue": "ai", "jobs": {"ready": 3}, "paused": true, "reason": "the help desk is down"}))),
)]
async fn pause(
    State(state): State<AppState>,
    Allowed(caller): Allowed<{ Scope::Operator as u8 }>,
    Path(queue): Path<String>,
    Json { value: request, .. }: Json<ReasonRequest>,
) -> Result<Answered<QueueView>, Problem> {
    let reason = trail::reason_or(request.reason, "no reason was given")?;
    let change = Change { paused: Some(true), concurrency: None, reason: Some(reason) };
    control(&state, &caller, &queue, "queue.pause", change).await
}

/// Resumes a queue.
#[utoipa::path(
    post,
    path = "/api/admin/queues/{queue}/resume",
    tag = "operations",
    params(("queue" = String, Path, description = "the queue")),
    request_body = ReasonRequest,
    responses((status = 200, description = "the queue as it is now", body = serde_json::Value,
        example = json!({"queue": "ai", "jobs": {"ready": 3}, "paused": false}))),
)]
async fn resume(
    State(state): State<AppState>,
    Allowed(caller): Allowed<{ Scope::Operator as u8 }>,
    Path(queue): Path<String>,
    Json { value: request, .. }: Json<ReasonRequest>,
) -> Result<Answered<QueueView>, Problem> {
    let reason = request.reason.map(|reason| trail::reason_or(Some(reason), "")).transpose()?;
    let change = Change { paused: Some(false), concurrency: None, reason };
    control(&state, &caller, &queue, "queue.resume", change).await
}

/// How many at once.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"slots": 4}))]
pub struct ConcurrencyRequest {
    /// Slots of every worker, 0 to 10,000; null gives back what each worker was started with.
    #[serde(deserialize_with = "Option::deserialize")]
    #[schema(minimum = 0, maximum = 10_000)]
    slots: Option<i32>,
}

/// Sets how many jobs of the queue each worker runs at once, without a deploy.
#[utoipa::path(
    put,
    path = "/api/admin/queues/{queue}/concurrency",
    tag = "operations",
    params(("queue" = String, Path, description = "the queue")),
    request_body = ConcurrencyRequest,
    responses((status = 200, description = "the queue as it is now", body = serde_json::Value,
        example = json!({"queue": "ai", "jobs": {"ready": 3}, "paused": false, "concurrency": 4}))),
)]
async fn set_concurrency(
    State(state): State<AppState>,
    Allowed(caller): Allowed<{ Scope::Operator as u8 }>,
    Path(queue): Path<String>,
    Json { value: request, .. }: Json<ConcurrencyRequest>,
) -> Result<Answered<QueueView>, Problem> {
    if request.slots.is_some_and(|slots| !(0..=10_000).contains(&slots)) {
        return Err(Problem::bad_request("slots", "must be 0 to 10000, or null"));
    }
    let change = Change { paused: None, concurrency: Some(request.slots), reason: None };
    control(&state, &caller, &queue, "queue.concurrency", change).await
}

/// How to empty a queue.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
#[schema(example = json!({"reason": "made by mistake", "dry_run": true}))]
pub struct DrainRequest {
    /// For the jobs' records and the audit trail, at most 500 characters.
    reason: Option<String>,
    /// Only say how many wait, and of which kinds.
    dry_run: bool,
    /// Only jobs of this kind; without it everything that waits goes, the desk's own announcements and notes among it.
    kind: Option<String>,
}

/// Cancels everything that waits in a queue now, or everything of one kind, by a job; what runs is left to finish. What
/// was cancelled does not come back.
#[utoipa::path(
    post,
    path = "/api/admin/queues/{queue}/drain",
    tag = "operations",
    params(
        ("queue" = String, Path, description = "the queue"),
        ("Idempotency-Key" = Option<String>, Header, description = "the same for every repetition of one request"),
    ),
    request_body = DrainRequest,
    responses(
        (status = 200, description = "with `dry_run`: how many wait, in all and by kind", body = serde_json::Value,
            example = json!({"matching": 12, "kinds": {"draft_reply": 11, "embed_article": 1}})),
        (status = 202, description = "a job does it", body = Draining,
            headers(("Location" = String, description = "the job"))),
    ),
)]
async fn drain(
    State(state): State<AppState>,
    Allowed(caller): Allowed<{ Scope::Operator as u8 }>,
    Path(queue): Path<String>,
    key: IdempotencyKey,
    Json { value: request, digest }: Json<DrainRequest>,
) -> Result<Answer, Problem> {
    if queue == DrainQueue::POLICY.queue {
        return Err(Problem::conflict("the operators' own queue cannot be drained: the drain waits in it"));
    }
    let mut tx = state.db.queue_tx().await?;
    let view = find(&mut tx, &queue).await?;
    let kinds = waiting_by_kind(&mut tx, &queue).await?;
    let kind = request.kind;
    let matching = match &kind {
        Some(kind) => kinds.get(kind).copied().unwrap_or(0),
        None => waiting(&view),
    };
    if matching == 0 {
        names::check(kind.as_deref(), None)?;
    }
    if request.dry_run {
        tx.commit().await?;
        return Ok(Answer::ok(&json!({ "matching": matching, "kinds": kinds })));
    }
    if let Some(answer) = idempotency::replay(&mut tx, caller.tenant, &key, &digest).await? {
        return Ok(answer);
    }
    let reason = trail::reason_or(request.reason, "the queue was drained")?;
    let drain = DrainQueue {
        queue: queue.clone(),
        kind: kind.clone(),
        up_to: Uuid::now_v7(),
        reason: reason.clone(),
    };
    let job = correlation::caused(NewJob::of(TenantId(SYSTEM_TENANT), &drain)?);
    let answer =
        Answer::accepted(job.id(), &Draining { job_id: job.id(), state: JobState::Ready.as_str(), matching });
    let (_, announcement) = enqueue(&mut tx, &[job]).await?;
    idempotency::keep(&mut tx, caller.tenant, &key, &digest, &answer).await?;
    let detail = json!({ "jobs": matching, "kind": kind, "reason": reason });
    trail::record(&mut tx, &caller, "queue.drain", &format!("queue:{queue}"), detail).await?;
    tx.commit().await?;
    state.dispatch.announce(announcement);
    Ok(answer)
}

/// The job that empties a queue.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"job_id": "0199c0de-7e1a-7c51-8f3a-2b9d5e6f7a81", "state": "ready", "matching": 12}))]
pub struct Draining {
    job_id: Uuid,
    state: &'static str,
    /// How many waited when it was asked for.
    matching: i64,
}

/// The states of jobs that a drain cancels.
const WAITING: [&str; 3] = ["scheduled", "ready", "retrying"];

/// The jobs of a queue that wait, by the books.
fn waiting(view: &QueueView) -> i64 {
    WAITING.iter().filter_map(|state| view.jobs.get(state)?.as_i64()).sum()
}

/// The same by kind, without kinds of which none waits.
async fn waiting_by_kind(tx: &mut Tx, queue: &str) -> Result<BTreeMap<String, i64>, Problem> {
    let mut kinds = BTreeMap::new();
    for balance in queues::balances(tx).await? {
        if balance.queue == queue && WAITING.contains(&balance.account.as_str()) {
            *kinds.entry(balance.kind).or_default() += balance.n;
        }
    }
    kinds.retain(|_, jobs| *jobs > 0);
    Ok(kinds)
}

struct Change {
    paused: Option<bool>,
    concurrency: Option<Option<i32>>,
    reason: Option<String>,
}

async fn control(
    state: &AppState,
    caller: &Caller,
    queue: &str,
    action: &str,
    change: Change,
) -> Result<Answered<QueueView>, Problem> {
    let mut tx = state.db.queue_tx().await?;
    find(&mut tx, queue).await?;
    let Change { paused, concurrency, reason } = change;
    queues::control(&mut tx, queue, paused, concurrency, reason.as_deref(), &caller.actor()).await?;
    let view = find(&mut tx, queue).await?;
    let detail = json!({ "paused": view.paused, "concurrency": view.concurrency, "reason": reason });
    trail::record(&mut tx, caller, action, &format!("queue:{queue}"), detail).await?;
    tx.commit().await?;
    state.dispatch.poke_workers();
    Ok(Answered(view))
}

/// A queue that has or had jobs, or that a kind names: a typing error must not pause nothing.
async fn find(tx: &mut Tx, queue: &str) -> Result<QueueView, Problem> {
    let view = all(tx).await?.into_iter().find(|view| view.queue == queue);
    view.ok_or_else(|| Problem::not_found("there is no such queue"))
}

/// A queue that has had no job.
fn untouched(queue: &str) -> QueueView {
    QueueView {
        queue: queue.to_owned(),
        jobs: json!({}),
        oldest_ready_secs: None,
        in_per_sec: 0.0,
        out_per_sec: 0.0,
        paused: false,
        concurrency: None,
        reason: None,
    }
}
