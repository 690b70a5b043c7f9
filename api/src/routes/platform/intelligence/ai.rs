//! The same under the names that programs of the old system call: a customer's "DNA" and its churn.
//!
//! These answer only what is fresh. When orders came since it was computed, or nothing was computed although there is a
//! run to compute it with, they make sure that it is, once however often they are asked, and answer 202.

use accounts::api_keys::Scope;
use axum::Extension;
use axum::extract::State;
use axum::http::{HeaderMap, Uri};
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, NaiveDate, Utc};
use database::{Role, Tx};
use jobs::{Announcement, NewJob};
use platform::insights::answer::Answer;
use platform::insights::customer::Customer;
use platform::insights::profile::{Churn, Profile};
use platform::kinds::RecomputeProfile;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{Asked, Memory, Remembered, ask, find_customer};
use crate::routes::platform::customer_id::{self, CustomerId};
use crate::state::AppState;
use crate::web::auth::{Allowed, Caller};
use crate::web::body::Json;
use crate::web::etag;
use crate::web::idempotency::{self, Answer as Kept, IdempotencyKey};
use crate::web::problem::{Problem, ProblemDocument};
use crate::web::query::Params;

/// The routes.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(dna))
        .routes(routes!(churn))
        .routes(routes!(analyze))
        .routes(routes!(predict))
}

/// It is being computed.
#[derive(Debug, Serialize, ToSchema)]
pub struct Pending {
    /// The job.
    #[serde(flatten)]
    pub job: Asked,
    /// What was computed before the latest orders.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stale_answer: Option<serde_json::Value>,
}

/// A customer that is asked about.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"customer_id": "7041"}))]
pub struct CustomerRequest {
    /// The shop's id of the customer.
    customer_id: String,
}

/// How likely one customer is to leave.
#[derive(Debug, Serialize)]
struct ChurnOfCustomer {
    customer_id: String,
    #[serde(flatten)]
    churn: Answer<Churn>,
    as_of: Option<NaiveDate>,
    computed_at: Option<DateTime<Utc>>,
    stale: bool,
}

/// What is asked of a customer.
#[derive(Clone, Copy)]
enum Question {
    Dna,
    Churn,
}

impl Question {
    fn answer(self, profile: Profile) -> serde_json::Value {
        let value = match self {
            Question::Dna => serde_json::to_value(&profile),
            Question::Churn => serde_json::to_value(ChurnOfCustomer {
                customer_id: profile.customer_id,
                churn: profile.churn,
                as_of: profile.as_of,
                computed_at: profile.computed_at,
                stale: profile.stale,
            }),
        };
        value.expect("an answer is plain data")
    }
}

/// A customer's DNA: archetype, axes, churn, lifetime value, as in GET /api/intelligence/customers/{id}.
#[utoipa::path(
    get,
    path = "/api/ai/customers/{id}/dna",
    tag = "ai",
    params(
        ("id" = String, Path, description = "the shop's id of the customer"),
        ("If-None-Match" = Option<String>, Header, description = "the ETag of what is known"),
    ),
    responses(
        (status = 200, description = "it is fresh, or there is a reason why it is not to be had", body = serde_json::Value),
        (status = 202, description = "it is being computed", body = Pending,
            headers(("Location" = String, description = "the job"))),
        (status = 304, description = "what is known is still all there is"),
        (status = 404, description = "there is no such customer", body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
async fn dna(
    State(state): State<AppState>,
    Extension(memory): Remembered,
    caller: Caller,
    CustomerId(id): CustomerId,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    get(&state, &memory, &caller, Question::Dna, &id, &uri, &headers).await
}

/// How likely a customer is to leave, and why.
#[utoipa::path(
    get,
    path = "/api/ai/customers/{id}/churn",
    tag = "ai",
    params(
        ("id" = String, Path, description = "the shop's id of the customer"),
        ("If-None-Match" = Option<String>, Header, description = "the ETag of what is known"),
    ),
    responses(
        (status = 200, description = "it is fresh, or there is a reason why it is not to be had", body = serde_json::Value,
            example = json!({"customer_id": "7041", "available": true, "probability": 0.2714, "band": "low",
                "horizon_days": 90,
                "reasons": [{"feature": "recency_days", "value": 84.0, "contribution": 0.61,
                    "sentence": "No order for 84 days, against a usual 20: ask whether something kept them away"}],
                "model": {"id": "0199c0de-7e1a-7c51-8f3a-2b9d5e6f7a82", "number": 3, "family": "lightgbm"},
                "as_of": "2026-01-31", "computed_at": "2026-02-01T02:00:41Z", "stale": false})),
        (status = 202, description = "it is being computed", body = Pending,
            headers(("Location" = String, description = "the job"))),
        (status = 304, description = "what is known is still all there is"),
        (status = 404, description = "there is no such customer", body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
async fn churn(
    State(state): State<AppState>,
    Extension(memory): Remembered,
    caller: Caller,
    CustomerId(id): CustomerId,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    get(&state, &memory, &caller, Question::Churn, &id, &uri, &headers).await
}

/// A customer's DNA, for services.
#[utoipa::path(
    post,
    path = "/api/ml/customer/analyze",
    tag = "ai",
    params(("Idempotency-Key" = Option<String>, Header, description = "the same key and request have the same answer")),
    request_body = CustomerRequest,
    responses(
        (status = 200, description = "as GET /api/ai/customers/{id}/dna", body = serde_json::Value),
        (status = 202, description = "it is being computed", body = Pending),
        (status = 404, description = "there is no such customer", body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
async fn analyze(
    State(state): State<AppState>,
    Extension(memory): Remembered,
    Allowed(caller): Allowed<{ Scope::AiRead as u8 }>,
    key: IdempotencyKey,
    body: Json<CustomerRequest>,
) -> Result<Kept, Problem> {
    post(&state, &memory, &caller, Question::Dna, &key, &body).await
}

/// How likely a customer is to leave, for services.
#[utoipa::path(
    post,
    path = "/api/ml/churn/predict",
    tag = "ai",
    params(("Idempotency-Key" = Option<String>, Header, description = "the same key and request have the same answer")),
    request_body = CustomerRequest,
    responses(
        (status = 200, description = "as GET /api/ai/customers/{id}/churn", body = serde_json::Value),
        (status = 202, description = "it is being computed", body = Pending),
        (status = 404, description = "there is no such customer", body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
async fn predict(
    State(state): State<AppState>,
    Extension(memory): Remembered,
    Allowed(caller): Allowed<{ Scope::AiRead as u8 }>,
    key: IdempotencyKey,
    body: Json<CustomerRequest>,
) -> Result<Kept, Problem> {
    post(&state, &memory, &caller, Question::Churn, &key, &body).await
}

async fn get(
    state: &AppState,
    memory: &Memory,
    caller: &Caller,
    question: Question,
    id: &str,
    uri: &Uri,
    headers: &HeaderMap,
) -> Result<Response, Problem> {
    caller.require(Scope::AiRead)?;
    Params::of(uri, &[])?;
    let mut tx = state.db.tenant_tx(Role::Support, caller.tenant).await?;
    let customer = find_customer(&mut tx, "id", id).await?;
    let (answer, announcement) = answer(&mut tx, memory, caller, question, &customer).await?;
    tx.commit().await?;
    state.dispatch.announce(announcement);
    if answer.location.is_some() {
        return Ok(answer.into_response());
    }
    Ok(etag::answer(headers, serde_json::to_vec(&answer.body).expect("an answer is plain data")))
}

async fn post(
    state: &AppState,
    memory: &Memory,
    caller: &Caller,
    question: Question,
    key: &IdempotencyKey,
    body: &Json<CustomerRequest>,
) -> Result<Kept, Problem> {
    let id = customer_id::own(state, caller.tenant, body.value.customer_id.clone()).await?;
    let mut tx = state.db.tenant_tx(Role::Support, caller.tenant).await?;
    if let Some(answer) = idempotency::replay(&mut tx, caller.tenant, key, &body.digest).await? {
        return Ok(answer);
    }
    let customer = find_customer(&mut tx, "customer_id", &id).await?;
    let (answer, announcement) = answer(&mut tx, memory, caller, question, &customer).await?;
    idempotency::keep(&mut tx, caller.tenant, key, &body.digest, &answer).await?;
    tx.commit().await?;
    state.dispatch.announce(announcement);
    Ok(answer)
}

/// What is known, or the job that computes it.
async fn answer(
    tx: &mut Tx,
    memory: &Memory,
    caller: &Caller,
    question: Question,
    customer: &Customer,
) -> Result<(Kept, Announcement), Problem> {
    let segmentation = customer.run.as_ref().and_then(|run| run.segmentation);
    let catalog = memory.catalog(tx, caller.tenant, segmentation).await?;
    let known = question.answer(customer.profile(catalog.as_deref()));
    if !customer.is_worth_computing() {
        return Ok((Kept::ok(&known), Announcement::default()));
    }
    let payload = RecomputeProfile { customer_id: customer.customer_id.clone() };
    let dedup_key = payload.dedup_key();
    let (job, announcement) = ask(tx, NewJob::of(caller.tenant, &payload)?, &dedup_key).await?;
    let stale_answer = customer.computed.is_some().then_some(known);
    Ok((Kept::accepted(job.job_id, &Pending { job, stale_answer }), announcement))
}
