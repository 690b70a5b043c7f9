//! Enqueueing jobs by kind, one or many in one transaction.

use std::{num::NonZeroU32, sync::Arc, time::Duration};

use accounts::api_keys::Scope;
use axum::{
    Extension,
    extract::State,
    response::{IntoResponse, Response},
};
use chrono::{DateTime, TimeDelta, Utc};
use database::{REQUEST_WITHIN, Role, ids::TenantId};
use jobs::{
    NewJob, Priority, QueueError, SYSTEM_TENANT, State as JobState,
    contract::{Access, Subject, Unfit},
    enqueue, read,
};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

use crate::{
    access,
    state::AppState,
    web::{
        auth::{Allowed, Caller},
        body::Json,
        correlation,
        idempotency::{self, Answer, IdempotencyKey},
        limiter::Standing,
        limits::{Limits, Refusal},
        plain,
        problem::Problem,
    },
};

/// The routes.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(one)).routes(routes!(batch))
}

/// A job to enqueue.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "kind": "import_orders",
    "payload": {"path": "orders.csv", "currency": "EUR"},
    "priority": "low",
    "delay_ms": 60_000,
    "dedup_key": "orders-2026-01-31"
}))]
pub struct EnqueueRequest {
    /// One of `GET /api/kinds`.
    kind: String,
    /// What the kind's contract says, at most 256 KiB; `{}` when left out.
    #[schema(value_type = Option<Object>)]
    payload: Option<Box<RawValue>>,
    /// urgent, high, normal or low; the kind's own when left out. Higher than that only for operators.
    #[schema(value_type = Option<String>)]
    priority: Option<Priority>,
    /// Not before this time, at most a year from now.
    run_at: Option<DateTime<Utc>>,
    /// Not before this many milliseconds from now; instead of `run_at`.
    #[schema(minimum = 0, maximum = 31_622_400_000_i64)]
    delay_ms: Option<i64>,
    /// While a job of this kind with this key is unfinished, that one is answered and none is made.
    dedup_key: Option<String>,
    /// Only so many jobs of this kind with this key run at once as the kind's policy says. A few kinds have a key of
    /// their own and take no other.
    concurrency_key: Option<String>,
    /// Attempts, 1 to 100; the kind's own when left out.
    #[schema(minimum = 1, maximum = 100)]
    max_attempts: Option<i16>,
}

/// A job that is in the queue.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"job_id": "0199c0de-7e1a-7c51-8f3a-2b9d5e6f7a81", "state": "ready", "created": true}))]
pub struct EnqueuedDocument {
    /// The job.
    job_id: Uuid,
    /// Where it stands.
    state: &'static str,
    /// False when an unfinished job with the same dedup key stands in for it. For kinds whose input changes none that
    /// has begun does: then this one is `scheduled` until that one is over.
    created: bool,
}

/// Enqueues a job.
///
/// Kinds whose access is `operator` need that scope and belong to the cluster's own tenant; the others need
/// `jobs:write` and the kind's `write_scope`, see `GET /api/kinds`. Each job counts in the rate limit of what it is
/// about: a draft as a request for a draft. With `Idempotency-Key` a repetition gets the first answer, with the
/// header `Idempotency-Replayed: true`.
#[utoipa::path(
    post,
    path = "/api/jobs",
    tag = "jobs",
    params(("Idempotency-Key" = Option<String>, Header, description = "the same for every repetition of one request")),
    request_body = EnqueueRequest,
    responses((status = 202, description = "it is in the queue", body = EnqueuedDocument,
        headers(("Location" = String, description = "the job")))),
)]
async fn one(
    State(state): State<AppState>,
    Allowed(caller): Allowed<{ Scope::JobsWrite as u8 }>,
    Extension(limits): Extension<Arc<Limits>>,
    key: IdempotencyKey,
    Json { value: request, digest }: Json<EnqueueRequest>,
) -> Result<Response, Refusal> {
    let job = request.into_job(&caller, Utc::now())?;
    put(&state, &limits, &caller, &key, &digest, &[job], |mut enqueued| {
        let document = enqueued.remove(0);
        Answer::accepted(document.job_id, &document)
    })
    .await
}

/// Jobs to enqueue together.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"jobs": [{"kind": "import_orders", "payload": {"path": "orders.csv"}}]}))]
pub struct BatchRequest {
    /// 1 to 1,000 jobs.
    jobs: Vec<EnqueueRequest>,
}

/// What became of the jobs of a batch, in its order.
#[derive(Debug, Serialize, ToSchema)]
pub struct BatchDocument {
    /// The jobs.
    jobs: Vec<EnqueuedDocument>,
}

/// The largest body of a batch, in bytes.
const BATCH_BYTES: usize = 16 * 1024 * 1024;

/// Enqueues up to 1,000 jobs: all of them or none.
///
/// The same as one request for each of them: the same scopes, and as much of the rate limits.
#[utoipa::path(
    post,
    path = "/api/jobs/batch",
    tag = "jobs",
    params(("Idempotency-Key" = Option<String>, Header, description = "the same for every repetition of one request")),
    request_body = BatchRequest,
    responses((status = 202, description = "they are in the queue", body = BatchDocument)),
)]
async fn batch(
    State(state): State<AppState>,
    Allowed(caller): Allowed<{ Scope::JobsWrite as u8 }>,
    Extension(limits): Extension<Arc<Limits>>,
    key: IdempotencyKey,
    Json { value: request, digest }: Json<BatchRequest, BATCH_BYTES>,
) -> Result<Response, Refusal> {
    if !(1..=1000).contains(&request.jobs.len()) {
        return Err(Problem::bad_request("jobs", "must have 1 to 1000 jobs").into());
    }
    let now = Utc::now();
    let jobs = request
        .jobs
        .into_iter()
        .enumerate()
        .map(|(n, job)| job.into_job(&caller, now).map_err(|problem| problem.within(&format!("jobs[{n}]"))))
        .collect::<Result<Vec<_>, _>>()?;
    put(&state, &limits, &caller, &key, &digest, &jobs, |jobs| {
        let mut answer = Answer::ok(&BatchDocument { jobs });
        answer.status = axum::http::StatusCode::ACCEPTED;
        answer
    })
    .await
}

/// A job that is ready to be enqueued, and the state that it will have.
struct Planned {
    job: NewJob,
    state: JobState,
    access: Access,
}

/// The latest time for which a job may be planned.
const MAX_DELAY: TimeDelta = TimeDelta::days(366);

impl EnqueueRequest {
    fn into_job(self, caller: &Caller, now: DateTime<Utc>) -> Result<Planned, Problem> {
        let kind = kinds::find(&self.kind)?;
        access::require_enqueue(caller, kind)?;
        // The cluster's own jobs are its own tenant's: no key of the operator's tenant can touch them.
        let tenant = match kind.policy.access {
            Access::Tenant(_) => caller.tenant,
            Access::Operator => TenantId(SYSTEM_TENANT),
        };
        let run_at = run_at(self.run_at, self.delay_ms, now)?;
        let payload = match self.payload {
            Some(payload) => payload,
            None => RawValue::from_string("{}".to_owned()).expect("an empty object is JSON"),
        };
        let given = payload.clone();
        let job = NewJob::raw(tenant, kind, payload, run_at.unwrap_or(now))
            .map_err(|error| unfit(error, &given))?;
        let mut job = correlation::caused(job);
        if let Some(priority) = self.priority {
            access::require_priority(caller, kind, priority)?;
            job = job.with_priority(priority);
        }
        if let Some(max_attempts) = self.max_attempts {
            if !(1..=100).contains(&max_attempts) {
                return Err(Problem::bad_request("max_attempts", "must be 1 to 100"));
            }
            job = job.with_max_attempts(max_attempts);
        }
        if let Some(key) = &self.dedup_key {
            job = job.with_dedup_key(key)?;
        }
        if let Some(key) = &self.concurrency_key {
            if kind.key.is_some() {
                let detail = format!("{} has a key of its own and takes no other", kind.kind);
                return Err(Problem::unprocessable("concurrency_key", detail));
            }
            job = job.with_concurrency_key(key, kind.policy.key_limit)?;
        }
        let access = kind.policy.access;
        Ok(match (run_at, self.delay_ms.and_then(|delay_ms| u64::try_from(delay_ms).ok())) {
            // Counted by the ledger's clock, whatever this machine's says.
            (_, Some(delay_ms)) if delay_ms > 0 => {
                let job = job.with_delay(Duration::from_millis(delay_ms));
                Planned { job, state: JobState::Scheduled, access }
            }
            (Some(at), _) => Planned { job: job.with_run_at(at), state: JobState::Scheduled, access },
            (None, _) => Planned { job, state: JobState::Ready, access },
        })
    }
}

/// A refusal that says where in the payload it does not fit: the field that the kind names, or else the one place that the
/// reader's message can be about.
fn unfit(error: QueueError, payload: &RawValue) -> Problem {
    let place = match &error {
        QueueError::BadPayload { unfit: Unfit { field: Some(field), .. }, .. } => Some(field.to_string()),
        QueueError::BadPayload { unfit, .. } => serde_json::from_str(payload.get())
            .ok()
            .and_then(|document: serde_json::Value| plain::culprit(&document, &unfit.reason)),
        _ => None,
    };
    let problem = Problem::from(error);
    if let Some(place) = place {
        // To the request the payload is one thing, whatever it holds.
        return Problem::bad_request("payload", format!("`{place}` {}", problem.detail));
    }
    problem
}

/// The time that a job has to wait for, if it lies ahead.
fn run_at(
    run_at: Option<DateTime<Utc>>,
    delay_ms: Option<i64>,
    now: DateTime<Utc>,
) -> Result<Option<DateTime<Utc>>, Problem> {
    let (field, at) = match (run_at, delay_ms) {
        (Some(_), Some(_)) => {
            return Err(Problem::bad_request("delay_ms", "give run_at or delay_ms, not both"));
        }
        (Some(at), None) => ("run_at", Some(at)),
        (None, Some(delay_ms)) => {
            let delay = TimeDelta::try_milliseconds(delay_ms).filter(|delay| *delay >= TimeDelta::zero());
            ("delay_ms", delay.and_then(|delay| now.checked_add_signed(delay)))
        }
        (None, None) => return Ok(None),
    };
    match at {
        Some(at) if at <= now + MAX_DELAY => Ok(Some(at).filter(|at| *at > now)),
        _ => Err(Problem::bad_request(field, "must lie between now and a year from now")),
    }
}

async fn put(
    state: &AppState,
    limits: &Limits,
    caller: &Caller,
    key: &IdempotencyKey,
    digest: &[u8; 32],
    planned: &[Planned],
    answer: impl FnOnce(Vec<EnqueuedDocument>) -> Answer,
) -> Result<Response, Refusal> {
    // A limit that is used up is no matter of the database, so it is an answer here and not an error.
    let stored =
        async { store(state, limits, caller, key, digest, planned, answer).await.or_else(Refusal::limited) };
    Ok(state.db.unless_silent(REQUEST_WITHIN, stored).await?)
}

async fn store(
    state: &AppState,
    limits: &Limits,
    caller: &Caller,
    key: &IdempotencyKey,
    digest: &[u8; 32],
    planned: &[Planned],
    answer: impl FnOnce(Vec<EnqueuedDocument>) -> Answer,
) -> Result<Response, Refusal> {
    // Row-level security lets a tenant's role make that tenant's jobs alone.
    let mut tx = if planned.iter().any(|planned| planned.access == Access::Operator) {
        state.db.queue_tx().await?
    } else {
        state.db.tenant_tx(Role::Support, caller.tenant).await?
    };
    if let Some(answer) = idempotency::replay(&mut tx, caller.tenant, key, digest).await? {
        return Ok(answer.into_response());
    }
    let standing = charge(limits, caller, planned)?;
    let jobs: Vec<NewJob> = planned.iter().map(|planned| planned.job.clone()).collect();
    let (enqueued, announcement) = enqueue(&mut tx, &jobs).await?;
    let mut documents: Vec<EnqueuedDocument> = enqueued
        .iter()
        .zip(planned)
        .map(|(job, planned)| EnqueuedDocument {
            job_id: job.id,
            // A successor waits for the end of the job that runs, whenever it was planned for.
            state: if job.created { job.state } else { planned.state }.as_str(),
            created: job.created,
        })
        .collect();
    let others: Vec<(Uuid, Uuid)> = enqueued
        .iter()
        .zip(&jobs)
        .filter(|(enqueued, _)| !enqueued.created)
        .map(|(enqueued, job)| (job.tenant().0, enqueued.id))
        .collect();
    if !others.is_empty() {
        for view in read::jobs(&mut tx, &others).await? {
            for document in
                documents.iter_mut().filter(|document| document.job_id == view.id && !document.created)
            {
                document.state = view.state.as_str();
            }
        }
    }
    let answer = answer(documents);
    idempotency::keep(&mut tx, caller.tenant, key, digest, &answer).await?;
    state.db.commit(tx).await?;
    state.dispatch.announce(announcement);
    let mut response = answer.into_response();
    if let Some(standing) = standing {
        standing.show(response.headers_mut());
    }
    Ok(response)
}

/// Counts the jobs in the rate limits of what they are about, after a repeated request was answered: that one makes
/// nothing. Of the general limit the request itself has taken one already; operators' own kinds have no limit.
fn charge(limits: &Limits, caller: &Caller, planned: &[Planned]) -> Result<Option<Standing>, Refusal> {
    let of = |lane: &[Subject]| -> u32 {
        let is_of =
            |planned: &&Planned| matches!(planned.access, Access::Tenant(subject) if lane.contains(&subject));
        u32::try_from(planned.iter().filter(is_of).count()).unwrap_or(u32::MAX)
    };
    let general =
        of(&[Subject::Orders, Subject::Customers, Subject::Intelligence, Subject::Privacy]).saturating_sub(1);
    let mut strictest = None;
    for (subject, jobs) in [
        (Subject::Replies, of(&[Subject::Replies])),
        (Subject::Segments, of(&[Subject::Segments])),
        (Subject::Orders, general),
    ] {
        if let Some(jobs) = NonZeroU32::new(jobs) {
            let standing = limits.count_jobs(caller, subject, jobs)?;
            strictest = strictest.or(Some(standing));
        }
    }
    Ok(strictest)
}

#[cfg(test)]
mod tests {
    use database::ids::KeyId;
    use serde_json::{Value, json};

    use super::*;
    use crate::web::auth::Who;

    /// What the ledger is told of a job, asked for at a machine whose clock shows `now`.
    fn told(request: &str, now: DateTime<Utc>) -> Value {
        let request: EnqueueRequest = serde_json::from_str(request).expect("a request");
        let (tenant, who) = (TenantId(Uuid::now_v7()), Who::Key(KeyId(Uuid::now_v7())));
        let caller = Caller { tenant, who, scopes: vec![Scope::Operator], name: "test".to_owned() };
        serde_json::to_value(request.into_job(&caller, now).expect("a job").job.document()).expect("JSON")
    }

    #[test]
    fn a_delay_is_counted_by_the_ledgers_clock_and_a_time_is_taken_as_it_is() {
        let now = Utc::now();
        for skewed in [now - TimeDelta::minutes(10), now, now + TimeDelta::minutes(10)] {
            let job = told(r#"{"kind":"probe","delay_ms":30000}"#, skewed);
            assert_eq!((&job["delay_secs"], &job["run_at"]), (&json!(30.0), &json!(null)));
        }
        let at = now + TimeDelta::hours(1);
        let job = told(&json!({"kind": "probe", "run_at": at}).to_string(), now);
        assert_eq!((&job["delay_secs"], &job["run_at"]), (&json!(null), &json!(at)));
    }

    #[test]
    fn a_job_waits_only_for_a_time_that_lies_ahead() {
        let now = Utc::now();
        let field =
            |result: Result<_, Problem>| result.expect_err("refused").field.expect("a field").into_owned();
        assert_eq!(run_at(None, None, now), Ok(None));
        assert_eq!(run_at(Some(now - TimeDelta::hours(1)), None, now), Ok(None));
        assert_eq!(run_at(None, Some(0), now), Ok(None));
        assert_eq!(run_at(None, Some(5), now), Ok(Some(now + TimeDelta::milliseconds(5))));
        assert_eq!(field(run_at(Some(now), Some(5), now)), "delay_ms");
        assert_eq!(field(run_at(None, Some(-1), now)), "delay_ms");
        assert_eq!(field(run_at(None, Some(i64::MAX), now)), "delay_ms");
        assert_eq!(field(run_at(Some(now + TimeDelta::days(400)), None, now)), "run_at");
    }
}
