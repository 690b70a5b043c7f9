//! Asking for work: a run of the tenant, scores of named customers, training. Asking twice for the same is asking once.

use accounts::api_keys::Scope;
use axum::extract::State;
use chrono::{NaiveDate, Utc};
use database::Role;
use jobs::NewJob;
use platform::insights::current::current;
use platform::insights::customer;
use platform::kinds::{ResegmentTenant, ScoreCustomers, TrainChurn, TrainLtv};
use platform::models::Target;
use platform::zone::{self, FIRST_DAY};
use serde::Deserialize;
use sha2::{Digest, Sha256};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{Asked, NO_RUN, ask, check_customer_id};
use crate::state::AppState;
use crate::web::auth::Allowed;
use crate::web::body::Json;
use crate::web::idempotency::{self, Answer, IdempotencyKey};
use crate::web::problem::{Problem, ProblemDocument};

/// The routes.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(evaluate)).routes(routes!(score)).routes(routes!(train))
}

/// How the run should be.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"refit": false}))]
pub struct EvaluateRequest {
    /// Fit a new version of the segmentation.
    #[serde(default)]
    refit: bool,
    /// Train both models even when the champions are young.
    #[serde(default)]
    train: bool,
    /// The last day whose orders count; today when missing.
    as_of: Option<NaiveDate>,
}

/// Segments and scores all customers anew, as the nightly run does.
///
/// One run stands for all who ask for the same while it has not begun. One that has begun is followed by one more,
/// however many ask. Runs that differ wait for each other.
#[utoipa::path(
    post,
    path = "/api/intelligence/evaluate",
    tag = "intelligence",
    params(("Idempotency-Key" = Option<String>, Header, description = "the same key and request have the same answer")),
    request_body = EvaluateRequest,
    responses(
        (status = 202, description = "it is in the queue", body = Asked,
            headers(("Location" = String, description = "the job"))),
    ),
)]
async fn evaluate(
    State(state): State<AppState>,
    Allowed(caller): Allowed<{ Scope::IntelligenceWrite as u8 }>,
    key: IdempotencyKey,
    body: Json<EvaluateRequest>,
) -> Result<Answer, Problem> {
    let EvaluateRequest { refit, train, as_of } = body.value;
    let mut tx = state.db.tenant_tx(Role::Support, caller.tenant).await?;
    check_as_of(as_of, zone::today(&mut tx, Utc::now()).await?)?;
    if let Some(answer) = idempotency::replay(&mut tx, caller.tenant, &key, &body.digest).await? {
        return Ok(answer);
    }
    let payload = ResegmentTenant { as_of, refit, train };
    let job = NewJob::of(caller.tenant, &payload)?;
    let (asked, announcement) = ask(&mut tx, job, &payload.dedup_key()).await?;
    let answer = Answer::accepted(asked.job_id, &asked);
    idempotency::keep(&mut tx, caller.tenant, &key, &body.digest, &answer).await?;
    tx.commit().await?;
    state.dispatch.announce(announcement);
    Ok(answer)
}

/// `today` is the day that it is where the shop is.
fn check_as_of(as_of: Option<NaiveDate>, today: NaiveDate) -> Result<(), Problem> {
    match as_of {
        Some(day) if !(FIRST_DAY..=today).contains(&day) => Err(Problem::bad_request(
            "as_of",
            format!("must be a day from {FIRST_DAY} until today, which is {today} where the shop is"),
        )),
        _ => Ok(()),
    }
}

/// Whom to score.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"customer_ids": ["7041", "815"]}))]
pub struct ScoreRequest {
    /// 1 to 100 customers, by the shop's ids.
    customer_ids: Vec<String>,
}

/// Customers that may be named at once.
const MAX_NAMED: usize = 100;

/// Computes named customers anew, with what the published run knows.
#[utoipa::path(
    post,
    path = "/api/intelligence/score",
    tag = "intelligence",
    params(("Idempotency-Key" = Option<String>, Header, description = "the same key and request have the same answer")),
    request_body = ScoreRequest,
    responses(
        (status = 202, description = "it is in the queue", body = Asked,
            headers(("Location" = String, description = "the job"))),
        (status = 409, description = "there is no published run yet", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 422, description = "one of them is not a customer of the shop", body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
async fn score(
    State(state): State<AppState>,
    Allowed(caller): Allowed<{ Scope::IntelligenceWrite as u8 }>,
    key: IdempotencyKey,
    body: Json<ScoreRequest>,
) -> Result<Answer, Problem> {
    let named = &body.value.customer_ids;
    if !(1..=MAX_NAMED).contains(&named.len()) {
        return Err(Problem::bad_request("customer_ids", format!("must name 1 to {MAX_NAMED} customers")));
    }
    for (place, id) in named.iter().enumerate() {
        check_customer_id(format!("customer_ids[{place}]"), id)?;
    }
    let mut customer_ids = named.clone();
    customer_ids.sort_unstable();
    customer_ids.dedup();
    let mut tx = state.db.tenant_tx(Role::Support, caller.tenant).await?;
    if let Some(answer) = idempotency::replay(&mut tx, caller.tenant, &key, &body.digest).await? {
        return Ok(answer);
    }
    if current(&mut tx).await?.is_none() {
        return Err(Problem::conflict(format!(
            "{NO_RUN}; import the shop's orders, after which a run begins by itself, or ask for one with POST /api/intelligence/evaluate, and try again when it is done"
        )));
    }
    let known = customer::known(&mut tx, &customer_ids).await?;
    if let Some(place) = named.iter().position(|id| !known.contains(id)) {
        return Err(Problem::unprocessable(format!("customer_ids[{place}]"), "there is no such customer"));
    }
    let dedup_key = key_of(&customer_ids);
    let payload = ScoreCustomers { customer_ids, ..ScoreCustomers::default() };
    let job = NewJob::of(caller.tenant, &payload)?;
    let (asked, announcement) = ask(&mut tx, job, &dedup_key).await?;
    let answer = Answer::accepted(asked.job_id, &asked);
    idempotency::keep(&mut tx, caller.tenant, &key, &body.digest, &answer).await?;
    tx.commit().await?;
    state.dispatch.announce(announcement);
    Ok(answer)
}

/// The same for the same customers in any order; ids may be long.
fn key_of(sorted: &[String]) -> String {
    let mut hash = Sha256::new();
    for id in sorted {
        hash.update(id.as_bytes());
        hash.update([0]);
    }
    format!("named:{}", hex::encode(hash.finalize()))
}

/// What to train.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"target": "churn"}))]
pub struct TrainRequest {
    /// churn or ltv.
    #[schema(value_type = String)]
    target: Target,
}

/// Trains a model; it becomes the champion only when it is better on held-back data by more than noise.
#[utoipa::path(
    post,
    path = "/api/intelligence/train",
    tag = "intelligence",
    params(("Idempotency-Key" = Option<String>, Header, description = "the same key and request have the same answer")),
    request_body = TrainRequest,
    responses((status = 202, description = "it is in the queue", body = Asked,
        headers(("Location" = String, description = "the job")))),
)]
async fn train(
    State(state): State<AppState>,
    Allowed(caller): Allowed<{ Scope::IntelligenceWrite as u8 }>,
    key: IdempotencyKey,
    body: Json<TrainRequest>,
) -> Result<Answer, Problem> {
    let mut tx = state.db.tenant_tx(Role::Support, caller.tenant).await?;
    if let Some(answer) = idempotency::replay(&mut tx, caller.tenant, &key, &body.digest).await? {
        return Ok(answer);
    }
    let job = match body.value.target {
        Target::Churn => NewJob::of(caller.tenant, &TrainChurn::default())?,
        Target::Ltv => NewJob::of(caller.tenant, &TrainLtv::default())?,
    };
    let (asked, announcement) = ask(&mut tx, job, ASKED_FOR).await?;
    let answer = Answer::accepted(asked.job_id, &asked);
    idempotency::keep(&mut tx, caller.tenant, &key, &body.digest, &answer).await?;
    tx.commit().await?;
    state.dispatch.announce(announcement);
    Ok(answer)
}

/// Trainings that somebody asked for stand in for each other, not for those of a run, which are as of its day.
const ASKED_FOR: &str = "asked";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_of_customers_tells_them_apart() {
        let key = |ids: &[&str]| key_of(&ids.iter().map(|id| (*id).to_owned()).collect::<Vec<_>>());
        assert_ne!(key(&["a", "b"]), key(&["ab"]));
        assert_eq!(key(&["a", "b"]), key(&["a", "b"]));
    }
}
