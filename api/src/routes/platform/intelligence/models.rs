//! The model registry: which model is in force, how good it is on data that it never saw, and the decision to use
//! another.

use accounts::api_keys::Scope;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, Uri};
use axum::response::Response;
use database::Role;
use platform::models::Target;
use platform::models::list::{self as models, Model};
use platform::models::promote::{self, PromoteError};
use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::state::AppState;
use crate::web::auth::{Allowed, Caller};
use crate::web::body::Json;
use crate::web::etag;
use crate::web::idempotency::{self, Answer, IdempotencyKey};
use crate::web::page::{Page, PageRequest, place};
use crate::web::problem::{Problem, ProblemDocument};
use crate::web::query::{self, Params};
use crate::web::trail;

/// The routes.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(get)).routes(routes!(promote))
}

/// Models, the latest first.
#[utoipa::path(
    get,
    path = "/api/intelligence/models",
    tag = "intelligence",
    params(
        ("target" = Option<String>, Query, description = "churn or ltv"),
        ("cursor" = Option<String>, Query, description = "next_cursor of the page before"),
        ("limit" = Option<i64>, Query, description = "1 to 100, 50 by default"),
    ),
    responses((status = 200, description = "a page", body = serde_json::Value, example = json!({"items": [{
        "id": "0199c0de-7e1a-7c51-8f3a-2b9d5e6f7a82", "target": "churn", "number": 3, "family": "lightgbm",
        "role": "champion", "horizon_days": 90, "trained_as_of": "2026-01-31", "window_from": "2025-08-04",
        "window_to": "2025-11-02", "created_at": "2026-02-01T01:10:00Z", "decided_at": "2026-02-01T01:10:00Z",
        "decided_by": "worker", "reason": "log loss better by 0.004 [0.001, 0.007]"
    }], "next_cursor": null}))),
)]
async fn list(
    State(state): State<AppState>,
    caller: Caller,
    uri: Uri,
) -> Result<axum::Json<Page<Model>>, Problem> {
    caller.require(Scope::IntelligenceRead)?;
    let params = Params::of(&uri, &["target", "cursor", "limit"])?;
    let page = PageRequest::of(&params)?;
    let target = params.text("target")?.map(str::parse::<Target>).transpose();
    let target = target.map_err(|error| Problem::bad_request("target", error.to_string()))?;
    let before = page.after_place()?;
    let mut tx = state.db.tenant_tx(Role::Support, caller.tenant).await?;
    let items = models::list(&mut tx, target, before, page.limit_and_one()).await?;
    tx.commit().await?;
    Ok(axum::Json(page.page(items, |model| place(model.created_at, model.id))))
}

/// A model: figures against baselines with intervals, calibration, comparison with the champion of its time.
#[utoipa::path(
    get,
    path = "/api/intelligence/models/{id}",
    tag = "intelligence",
    params(("id" = String, Path, description = "the model")),
    responses(
        (status = 200, description = "the model, without what is stored of it to predict with", body = serde_json::Value,
            example = json!({
                "id": "0199c0de-7e1a-7c51-8f3a-2b9d5e6f7a82", "target": "churn", "number": 3, "family": "lightgbm",
                "role": "champion", "horizon_days": 90, "trained_as_of": "2026-01-31",
                "metrics": {"held_back": {"until": "2026-01-31", "customers": 27415},
                    "ours": {"roc_auc": {"value": 0.84, "low": 0.83, "high": 0.85}},
                    "baselines": {"recency": {"roc_auc": {"value": 0.82, "low": 0.81, "high": 0.83}}}},
                "calibration": [{"predicted": 0.1, "observed": 0.11, "count": 2741}], "comparison": null,
                "artefact_bytes": 120034, "artefact_sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
            })),
        (status = 404, description = "there is no such model", body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
async fn get(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    caller.require(Scope::IntelligenceRead)?;
    let id = query::id("id", &id)?;
    let mut tx = state.db.tenant_tx(Role::Support, caller.tenant).await?;
    let model = models::get(&mut tx, id).await?;
    tx.commit().await?;
    let model = model.ok_or_else(|| Problem::not_found(PromoteError::Unknown.to_string()))?;
    Ok(etag::answer(&headers, serde_json::to_vec(&model).expect("an answer is plain data")))
}

/// Why a model is put in force.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"reason": "model 4 calls too many loyal customers lost"}))]
pub struct PromoteRequest {
    /// 1 to 500 characters, for those who ask later.
    reason: String,
}

/// Puts a model in force: a challenger, or one that was in force before.
///
/// The champion so far is retired. Scores are made with the new one from the next run on. It is refused when the stored
/// model is not what was trained.
#[utoipa::path(
    post,
    path = "/api/intelligence/models/{id}/promote",
    tag = "intelligence",
    params(
        ("id" = String, Path, description = "the model"),
        ("Idempotency-Key" = Option<String>, Header, description = "the same key and request have the same answer"),
    ),
    request_body = PromoteRequest,
    responses(
        (status = 200, description = "it is the champion", body = serde_json::Value,
            example = json!({"model": {"id": "0199c0de-7e1a-7c51-8f3a-2b9d5e6f7a82", "role": "champion"},
                "retired": "0199c0de-7e1a-7c51-8f3a-2b9d5e6f7a83"})),
        (status = 404, description = "there is no such model", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 409, description = "it is the champion already, or what is stored of it is damaged", body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
async fn promote(
    State(state): State<AppState>,
    Allowed(caller): Allowed<{ Scope::IntelligenceWrite as u8 }>,
    Path(id): Path<String>,
    key: IdempotencyKey,
    body: Json<PromoteRequest>,
) -> Result<Answer, Problem> {
    let id = query::id("id", &id)?;
    let reason = body.value.reason.trim();
    if !(1..=500).contains(&reason.chars().count()) || reason.contains('\0') {
        return Err(Problem::bad_request("reason", "must have 1 to 500 characters"));
    }
    let mut tx = state.db.tenant_tx(Role::Platform, caller.tenant).await?;
    if let Some(answer) = idempotency::replay(&mut tx, caller.tenant, &key, &body.digest).await? {
        return Ok(answer);
    }
    let promoted = promote::promote(&mut tx, id, &caller.actor(), reason).await?;
    let model = models::get(&mut tx, id).await?;
    let answer = Answer::ok(&json!({ "model": model, "retired": promoted.retired }));
    idempotency::keep(&mut tx, caller.tenant, &key, &body.digest, &answer).await?;
    let detail = json!({
        "target": promoted.target, "number": promoted.number, "retired": promoted.retired, "reason": reason
    });
    trail::record(&mut tx, &caller, "model.promote", &format!("model:{id}"), detail).await?;
    tx.commit().await?;
    Ok(answer)
}

impl From<PromoteError> for Problem {
    fn from(error: PromoteError) -> Problem {
        match error {
            PromoteError::Unknown => Problem::not_found(error.to_string()),
            PromoteError::IsChampion | PromoteError::Corrupt | PromoteError::Overtaken => {
                Problem::conflict(error.to_string())
            }
            PromoteError::Db(error) => error.into(),
        }
    }
}
