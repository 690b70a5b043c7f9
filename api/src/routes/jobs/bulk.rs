//! Retrying and discarding dead letters: one, a selection, or everything that matches. A few are done
//! at once; more become a job, which may try a canary first. Whatever is done is audited.

use accounts::api_keys::Scope;
use axum::extract::{Path, State};
use chrono::{DateTime, Utc};
use database::{Tx, ids::TenantId};
use jobs::{
    Announcement, JobId, NewJob, SYSTEM_TENANT, State as JobState,
    dead::{self, DeadFilter, Left},
    enqueue,
    events::Event,
    kinds::{DiscardDead, RetryDead},
};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

use super::{dead::tenant_of, names};
use crate::{
    access,
    state::AppState,
    web::{
        auth::{Allowed, Caller},
        body::Json,
        correlation,
        idempotency::{self, Answer, IdempotencyKey},
        problem::Problem,
        query, trail,
    },
};

/// The routes.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(retry))
        .routes(routes!(discard))
        .routes(routes!(retry_one))
        .routes(routes!(discard_one))
}

/// Which dead jobs, and how. Give `ids`, or a `filter`, or `all: true`.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
#[schema(example = json!({"filter": {"fingerprint": "a1b2c3d4e5f60718"}, "canary": 10, "reason": "gorgias is back"}))]
pub struct BulkRequest {
    /// These jobs, at most 5,000.
    ids: Option<Vec<Uuid>>,
    /// Those that match.
    filter: Option<Selection>,
    /// Really every dead job: needed when neither ids nor a condition is given.
    all: bool,
    /// Only say how many match.
    dry_run: bool,
    /// Retry so many first, and the rest only when none of them dies again; at most 1,000.
    #[schema(minimum = 0, maximum = 1_000)]
    canary: u32,
    /// For the audit trail and the jobs' records, at most 500 characters.
    reason: Option<String>,
}

/// Conditions that hold together.
#[derive(Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Selection {
    /// Operators: of this tenant.
    tenant_id: Option<Uuid>,
    /// Of this kind.
    kind: Option<String>,
    /// Of this queue.
    queue: Option<String>,
    /// Of this cause.
    fingerprint: Option<String>,
    /// Of this class of failure.
    error_class: Option<String>,
    /// Died at or after.
    died_from: Option<DateTime<Utc>>,
    /// Died before.
    died_to: Option<DateTime<Utc>>,
}

/// How many match.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"matching": 1204}))]
pub struct Matching {
    matching: i64,
}

/// What was done at once.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"job_ids": ["0199c0de-7e1a-7c51-8f3a-2b9d5e6f7a81"], "left": []}))]
pub struct Done {
    /// The jobs.
    job_ids: Vec<Uuid>,
    /// The other jobs of the request, which are as they were.
    left: Vec<LeftView>,
}

/// A job that was left as it was.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"job_id": "0199c0de-7e1a-7c51-8f3a-2b9d5e6f7a82", "reason": "key_taken", "in_favour_of": "0199c0de-7e1a-7c51-8f3a-2b9d5e6f7a83"}))]
pub struct LeftView {
    /// The job.
    job_id: Uuid,
    /// `not_dead`; `key_taken`: an unfinished job has its dedup key; `not_permitted`: the key lacks the `write_scope` of
    /// its kind; `busy`: another caller acts on it at this moment.
    reason: String,
    /// The job that has its dedup key.
    #[serde(skip_serializing_if = "Option::is_none")]
    in_favour_of: Option<Uuid>,
}

/// The job that does it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"job_id": "0199c0de-7e1a-7c51-8f3a-2b9d5e6f7a81", "state": "ready", "matching": 1204}))]
pub struct UnderWay {
    job_id: Uuid,
    state: &'static str,
    /// How many matched when it was asked for.
    matching: i64,
}

/// Retries dead jobs: up to 100 ids at once, more (and every filter) by a job.
#[utoipa::path(
    post,
    path = "/api/admin/dead-letters/retry",
    tag = "dead letters",
    params(("Idempotency-Key" = Option<String>, Header, description = "the same for every repetition of one request")),
    request_body = BulkRequest,
    responses(
        (status = 200, description = "done; with `dry_run`, `{matching}` instead", body = Done),
        (status = 202, description = "a job does it", body = UnderWay,
            headers(("Location" = String, description = "the job"))),
        (status = 409, description = "a job does it already, for the same or for others; a tenant has one at a time"),
    ),
)]
async fn retry(
    State(state): State<AppState>,
    Allowed(caller): Allowed<{ Scope::JobsWrite as u8 }>,
    key: IdempotencyKey,
    Json { value: request, digest }: Json<BulkRequest>,
) -> Result<Answer, Problem> {
    act(&state, &caller, Action::Retry, request, &key, &digest).await
}

/// Discards dead jobs: they end as cancelled. Up to 100 ids at once, more (and every filter) by a job.
#[utoipa::path(
    post,
    path = "/api/admin/dead-letters/discard",
    tag = "dead letters",
    params(("Idempotency-Key" = Option<String>, Header, description = "the same for every repetition of one request")),
    request_body = BulkRequest,
    responses(
        (status = 200, description = "done; with `dry_run`, `{matching}` instead", body = Done),
        (status = 202, description = "a job does it", body = UnderWay,
            headers(("Location" = String, description = "the job"))),
        (status = 409, description = "a job does it already, for the same or for others; a tenant has one at a time"),
    ),
)]
async fn discard(
    State(state): State<AppState>,
    Allowed(caller): Allowed<{ Scope::JobsWrite as u8 }>,
    key: IdempotencyKey,
    Json { value: request, digest }: Json<BulkRequest>,
) -> Result<Answer, Problem> {
    act(&state, &caller, Action::Discard, request, &key, &digest).await
}

/// Why a single one.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
#[schema(example = json!({"reason": "the ticket was repaired"}))]
pub struct OneRequest {
    /// For the audit trail and the job's record, at most 500 characters.
    reason: Option<String>,
}

/// Retries one dead job, with all its attempts before it.
#[utoipa::path(
    post,
    path = "/api/admin/dead-letters/{id}/retry",
    tag = "dead letters",
    params(("id" = Uuid, Path, description = "the job")),
    request_body = OneRequest,
    responses((status = 200, description = "it is ready", body = Done)),
)]
async fn retry_one(
    State(state): State<AppState>,
    Allowed(caller): Allowed<{ Scope::JobsWrite as u8 }>,
    Path(id): Path<String>,
    Json { value: request, .. }: Json<OneRequest>,
) -> Result<Answer, Problem> {
    act_on_one(&state, &caller, Action::Retry, query::id("id", &id)?, request).await
}

/// Discards one dead job: it ends as cancelled.
#[utoipa::path(
    post,
    path = "/api/admin/dead-letters/{id}/discard",
    tag = "dead letters",
    params(("id" = Uuid, Path, description = "the job")),
    request_body = OneRequest,
    responses((status = 200, description = "it is cancelled", body = Done)),
)]
async fn discard_one(
    State(state): State<AppState>,
    Allowed(caller): Allowed<{ Scope::JobsWrite as u8 }>,
    Path(id): Path<String>,
    Json { value: request, .. }: Json<OneRequest>,
) -> Result<Answer, Problem> {
    act_on_one(&state, &caller, Action::Discard, query::id("id", &id)?, request).await
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Action {
    Retry,
    Discard,
}

impl Action {
    /// As the trail names it, done to so many jobs.
    fn name(self, jobs: i64) -> &'static str {
        match (self, jobs) {
            (Action::Retry, 1) => "dead.retry",
            (Action::Retry, _) => "dead.retry_many",
            (Action::Discard, 1) => "dead.discard",
            (Action::Discard, _) => "dead.discard_many",
        }
    }
}

const NO_REASON: &str = "no reason was given";

/// How many ids are done while the caller waits.
const AT_ONCE: usize = 100;

async fn act(
    state: &AppState,
    caller: &Caller,
    action: Action,
    request: BulkRequest,
    key: &IdempotencyKey,
    digest: &[u8; 32],
) -> Result<Answer, Problem> {
    let (dry_run, canary) = (request.dry_run, request.canary);
    if canary > RetryDead::MOST_CANARY || (canary > 0 && action == Action::Discard) {
        return Err(Problem::bad_request(
            "canary",
            format!("is for retries, at most {}", RetryDead::MOST_CANARY),
        ));
    }
    let (filter, reason) = selected(request, caller)?;
    let mut tx = state.db.queue_tx().await?;
    if dry_run {
        let matching = count(&mut tx, &filter).await?;
        tx.commit().await?;
        return Ok(Answer::ok(&Matching { matching }));
    }
    if let Some(answer) = idempotency::replay(&mut tx, caller.tenant, key, digest).await? {
        return Ok(answer);
    }
    let is_small = (1..=AT_ONCE).contains(&filter.ids.len()) && canary == 0;
    let (answer, told, count) = if is_small {
        let (ids, told) = at_once(&mut tx, action, &filter, &reason).await?;
        let count = i64::try_from(ids.len()).unwrap_or(i64::MAX);
        let left = left_of(&mut tx, &filter, &ids).await?;
        (Answer::ok(&Done { job_ids: ids, left }), told, count)
    } else {
        let matching = count(&mut tx, &filter).await?;
        let job = by_job(owner(caller), action, filter.clone(), canary, &reason)?;
        let (job_id, state) = (job.id(), JobState::Ready.as_str());
        let (enqueued, announcement) = enqueue(&mut tx, &[correlation::caused(job)]).await?;
        if let Some(other) = enqueued.iter().find(|enqueued| !enqueued.created) {
            return Err(Problem::conflict(format!(
                "job {} does the same for other dead jobs of yours; wait until it is over, or cancel it",
                other.id
            )));
        }
        let told = Told { announcement, events: Vec::new() };
        (Answer::accepted(job_id, &UnderWay { job_id, state, matching }), told, matching)
    };
    idempotency::keep(&mut tx, caller.tenant, key, digest, &answer).await?;
    let detail = json!({ "filter": filter, "jobs": count, "reason": reason, "canary": canary });
    trail::record(&mut tx, caller, action.name(count), "dead-letters", detail).await?;
    tx.commit().await?;
    told.tell(state);
    Ok(answer)
}

/// How many dead jobs match. None of a kind or a queue that there is not is an error.
async fn count(tx: &mut Tx, filter: &DeadFilter) -> Result<i64, Problem> {
    let matching = dead::count(tx, filter).await?;
    if matching == 0 {
        names::check(filter.kind.as_deref(), filter.queue.as_deref())
            .map_err(|problem| problem.within("filter"))?;
    }
    Ok(matching)
}

async fn act_on_one(
    state: &AppState,
    caller: &Caller,
    action: Action,
    id: JobId,
    request: OneRequest,
) -> Result<Answer, Problem> {
    let reason = trail::reason_or(request.reason, NO_REASON)?;
    let any_kind = DeadFilter { tenant_id: tenant_of(None, caller)?, ids: vec![id], ..DeadFilter::default() };
    let filter = DeadFilter { kinds: access::changeable_kinds(caller), ..any_kind.clone() };
    let mut tx = state.db.queue_tx().await?;
    let (ids, told) = at_once(&mut tx, action, &filter, &reason).await?;
    if ids.is_empty() {
        return Err(match dead::count(&mut tx, &filter).await? {
            0 if dead::count(&mut tx, &any_kind).await? > 0 => Problem::forbidden(
                "jobs of this kind need a key with the kind's write_scope, see GET /api/kinds",
            ),
            0 => Problem::not_found("there is no such dead job"),
            _ => Problem::conflict(
                "an unfinished job with the same dedup key exists, or another caller acts on it",
            ),
        });
    }
    let detail = json!({ "jobs": 1, "reason": reason });
    trail::record(&mut tx, caller, action.name(1), &format!("job:{id}"), detail).await?;
    tx.commit().await?;
    told.tell(state);
    Ok(Answer::ok(&Done { job_ids: ids, left: Vec::new() }))
}

/// The jobs of a request that were not done, each with the reason.
async fn left_of(tx: &mut Tx, filter: &DeadFilter, done: &[JobId]) -> Result<Vec<LeftView>, Problem> {
    let mut ids: Vec<JobId> = filter.ids.iter().copied().filter(|id| !done.contains(id)).collect();
    ids.sort_unstable();
    ids.dedup();
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let limit = i64::try_from(AT_ONCE).unwrap_or(i64::MAX);
    let allowed = DeadFilter { ids: ids.clone(), ..filter.clone() };
    let any_kind = DeadFilter { kinds: None, ..allowed.clone() };
    let still_dead = dead::left(tx, &allowed, limit).await?;
    let forbidden = dead::left(tx, &any_kind, limit).await?;
    let view = |job_id: JobId| {
        if let Some(left) = still_dead.iter().find(|left| left.job_id == job_id) {
            let Left { reason, in_favour_of, .. } = left.clone();
            return LeftView { job_id, reason, in_favour_of };
        }
        let is_forbidden = forbidden.iter().any(|left| left.job_id == job_id);
        let reason = if is_forbidden { "not_permitted" } else { "not_dead" };
        LeftView { job_id, reason: reason.to_owned(), in_favour_of: None }
    };
    Ok(ids.into_iter().map(view).collect())
}

/// What the cluster is told after the commit.
struct Told {
    announcement: Announcement,
    events: Vec<Event>,
}

impl Told {
    fn tell(self, state: &AppState) {
        state.dispatch.announce(self.announcement);
        state.dispatch.tell(&self.events);
    }
}

async fn at_once(
    tx: &mut Tx,
    action: Action,
    filter: &DeadFilter,
    reason: &str,
) -> Result<(Vec<JobId>, Told), Problem> {
    const LIMIT: i64 = 100;
    match action {
        Action::Retry => {
            let (ids, announcement) = dead::retry(tx, filter, LIMIT).await?;
            let events = ids.iter().map(|id| Event { id: *id, state: JobState::Ready }).collect();
            Ok((ids, Told { announcement, events }))
        }
        Action::Discard => {
            let events = dead::discard(tx, filter, reason, LIMIT).await?;
            let ids = events.iter().map(|event| event.id).collect();
            Ok((ids, Told { announcement: Announcement::default(), events }))
        }
    }
}

/// Whose the job is that does it: the cluster's own for an operator, so that no key of the operator's tenant can
/// cancel it or run it again; a tenant's own acts on that tenant's dead jobs alone.
fn owner(caller: &Caller) -> TenantId {
    if caller.is_operator() { TenantId(SYSTEM_TENANT) } else { caller.tenant }
}

fn by_job(
    tenant: TenantId,
    action: Action,
    filter: DeadFilter,
    canary: u32,
    reason: &str,
) -> Result<NewJob, Problem> {
    Ok(match action {
        Action::Retry => NewJob::of(tenant, &RetryDead { filter, canary, released: None })?,
        Action::Discard => NewJob::of(tenant, &DiscardDead { filter, reason: reason.to_owned() })?,
    }
    .with_dedup_key(RetryDead::DEDUP_KEY)?)
}

fn selected(request: BulkRequest, caller: &Caller) -> Result<(DeadFilter, String), Problem> {
    if request.ids.is_some() && request.filter.is_some() {
        return Err(Problem::bad_request("ids", "give ids or filter, not both"));
    }
    let ids = match request.ids {
        Some(ids) if !(1..=DeadFilter::MOST_IDS).contains(&ids.len()) => {
            return Err(Problem::bad_request("ids", format!("must have 1 to {} ids", DeadFilter::MOST_IDS)));
        }
        ids => ids.unwrap_or_default(),
    };
    let selection = request.filter.unwrap_or_default();
    let asked = selection.tenant_id;
    let mut filter = DeadFilter {
        tenant_id: asked,
        ids,
        kind: selection.kind,
        kinds: None,
        queue: selection.queue,
        fingerprint: selection.fingerprint,
        error_class: selection.error_class,
        died_from: selection.died_from,
        died_to: selection.died_to,
    };
    if filter == DeadFilter::default() && !request.all {
        return Err(Problem::bad_request(
            "filter",
            "give ids or a condition; for every dead job say \"all\": true",
        ));
    }
    if request.all && filter != (DeadFilter { tenant_id: asked, ..DeadFilter::default() }) {
        return Err(Problem::bad_request("all", "excludes ids and conditions"));
    }
    filter.tenant_id = tenant_of(asked, caller)?;
    filter.kinds = access::changeable_kinds(caller);
    let reason = trail::reason_or(request.reason, NO_REASON)?;
    Ok((filter, reason))
}
