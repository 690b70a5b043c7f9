//! The same facts of one customer as flat JSON, for assistants' tools: one level, words beside numbers, and the reason
//! beside every null.

use accounts::api_keys::Scope;
use axum::Extension;
use axum::extract::State;
use axum::http::{HeaderMap, Uri};
use axum::response::Response;
use database::Role;
use platform::insights::answer::Answer;
use platform::insights::profile::Profile;
use serde_json::{Map, Value, json};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{Memory, Remembered, find_customer};
use crate::routes::platform::customer_id::CustomerId;
use crate::state::AppState;
use crate::web::auth::Caller;
use crate::web::etag;
use crate::web::problem::{Problem, ProblemDocument};
use crate::web::query::Params;

/// The routes.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(customer)).routes(routes!(churn_risk))
}

/// A customer as flat JSON.
#[utoipa::path(
    get,
    path = "/api/mcp/customer/{id}",
    tag = "mcp",
    params(("id" = String, Path, description = "the shop's id of the customer")),
    responses(
        (status = 200, description = "what is known", body = serde_json::Value, example = json!({
            "customer_id": "7041", "available": true, "reason": null, "as_of": "2026-01-31",
            "computed_at": "2026-02-01T02:00:41Z", "stale": false,
            "who": "14 orders since March 2024, usually every month; spends more than 93 % of customers; keeps pace with 3 orders a quarter",
            "confidence": "high", "archetype": "Champions, monthly", "archetype_id": "8c5f0f6e5b1d4a3c9e7f1a2b3c4d5e6f",
            "archetype_description": "Typically 14 orders worth 1,290 in all, one every month, the last 12 days ago.",
            "archetype_missing_because": null, "segment_purchase_frequency": "Frequent buyers",
            "phrase_purchase_frequency": "Has ordered more often than 91 % of customers", "churn_probability": 0.2714, "churn_band": "low",
            "churn_horizon_days": 90, "churn_missing_because": null, "ltv": 129.9, "ltv_low": 20.0, "ltv_high": 310.5,
            "ltv_horizon_days": 90, "ltv_missing_because": null, "currency": "EUR", "orders": 14, "spend": "1290.50",
            "first_order_on": "2024-03-01", "last_order_on": "2026-01-19"
        })),
        (status = 404, description = "there is no such customer", body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
async fn customer(
    State(state): State<AppState>,
    Extension(memory): Remembered,
    caller: Caller,
    CustomerId(id): CustomerId,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let profile = profile(&state, &memory, &caller, &id, &uri).await?;
    let mut flat = beginning(&profile);
    flat.insert("who".to_owned(), json!(profile.who));
    flat.insert("confidence".to_owned(), json!(profile.confidence));
    let (archetype, reason) = parts(&profile.archetype);
    flat.insert("archetype".to_owned(), json!(archetype.map(|archetype| &archetype.name)));
    flat.insert("archetype_id".to_owned(), json!(archetype.map(|archetype| &archetype.id)));
    flat.insert("archetype_description".to_owned(), json!(archetype.map(|archetype| &archetype.description)));
    flat.insert("archetype_missing_because".to_owned(), json!(reason));
    for axis in &profile.axes {
        let segment = axis.segment.known().map(|segment| &segment.segment);
        flat.insert(format!("segment_{}", axis.axis), json!(segment));
        flat.insert(format!("phrase_{}", axis.axis), json!(axis.phrase));
    }
    add_churn(&mut flat, &profile);
    let (ltv, reason) = parts(&profile.ltv);
    flat.insert("ltv".to_owned(), json!(ltv.map(|ltv| ltv.value)));
    flat.insert("ltv_low".to_owned(), json!(ltv.and_then(|ltv| ltv.low)));
    flat.insert("ltv_high".to_owned(), json!(ltv.and_then(|ltv| ltv.high)));
    flat.insert("ltv_horizon_days".to_owned(), json!(ltv.and_then(|ltv| ltv.horizon_days)));
    flat.insert("ltv_missing_because".to_owned(), json!(reason));
    let purchases = profile.purchases.as_ref();
    flat.insert("currency".to_owned(), json!(purchases.and_then(|purchases| purchases.currency.as_ref())));
    flat.insert("orders".to_owned(), json!(purchases.map(|purchases| purchases.orders)));
    flat.insert("spend".to_owned(), json!(purchases.map(|purchases| purchases.spend)));
    flat.insert("first_order_on".to_owned(), json!(purchases.and_then(|purchases| purchases.first_order_on)));
    flat.insert("last_order_on".to_owned(), json!(purchases.and_then(|purchases| purchases.last_order_on)));
    Ok(answer(&headers, flat))
}

/// How likely a customer is to leave, as flat JSON.
#[utoipa::path(
    get,
    path = "/api/mcp/customer/{id}/churn-risk",
    tag = "mcp",
    params(("id" = String, Path, description = "the shop's id of the customer")),
    responses(
        (status = 200, description = "what is known", body = serde_json::Value, example = json!({
            "customer_id": "7041", "available": true, "reason": null, "as_of": "2026-01-31",
            "computed_at": "2026-02-01T02:00:41Z", "stale": false, "churn_probability": 0.2714, "churn_band": "low",
            "churn_horizon_days": 90, "churn_reasons": ["No order for 84 days, against a usual 20: ask whether something kept them away"], "churn_missing_because": null
        })),
        (status = 404, description = "there is no such customer", body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
async fn churn_risk(
    State(state): State<AppState>,
    Extension(memory): Remembered,
    caller: Caller,
    CustomerId(id): CustomerId,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let profile = profile(&state, &memory, &caller, &id, &uri).await?;
    let mut flat = beginning(&profile);
    add_churn(&mut flat, &profile);
    let reasons = profile.churn.known().and_then(|churn| churn.reasons.as_ref()?.as_array());
    // The sentences alone; numbers are in GET /api/intelligence/customers/{id}.
    let sentence = |reason: &Value| reason.get("sentence").unwrap_or(reason).clone();
    let reasons: Option<Vec<Value>> = reasons.map(|reasons| reasons.iter().map(sentence).collect());
    flat.insert("churn_reasons".to_owned(), json!(reasons));
    Ok(answer(&headers, flat))
}

async fn profile(
    state: &AppState,
    memory: &Memory,
    caller: &Caller,
    id: &str,
    uri: &Uri,
) -> Result<Profile, Problem> {
    caller.require(Scope::CustomersRead)?;
    Params::of(uri, &[])?;
    let mut tx = state.db.tenant_tx(Role::Support, caller.tenant).await?;
    let customer = find_customer(&mut tx, "id", id).await?;
    let segmentation = customer.run.as_ref().and_then(|run| run.segmentation);
    let catalog = memory.catalog(&mut tx, caller.tenant, segmentation).await?;
    tx.commit().await?;
    Ok(customer.profile(catalog.as_deref()))
}

fn beginning(profile: &Profile) -> Map<String, Value> {
    let fields = [
        ("customer_id", json!(profile.customer_id)),
        ("available", json!(profile.available)),
        ("reason", json!(profile.reason)),
        ("as_of", json!(profile.as_of)),
        ("computed_at", json!(profile.computed_at)),
        ("stale", json!(profile.stale)),
    ];
    fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

fn add_churn(flat: &mut Map<String, Value>, profile: &Profile) {
    let (churn, reason) = parts(&profile.churn);
    flat.insert("churn_probability".to_owned(), json!(churn.map(|churn| churn.probability)));
    flat.insert("churn_band".to_owned(), json!(churn.map(|churn| churn.band)));
    flat.insert("churn_horizon_days".to_owned(), json!(churn.and_then(|churn| churn.horizon_days)));
    flat.insert("churn_missing_because".to_owned(), json!(reason));
}

fn parts<T>(answer: &Answer<T>) -> (Option<&T>, Option<&str>) {
    match answer {
        Answer::Known(value) => (Some(value), None),
        Answer::Missing(reason) => (None, Some(reason)),
    }
}

fn answer(headers: &HeaderMap, flat: Map<String, Value>) -> Response {
    etag::answer(headers, serde_json::to_vec(&flat).expect("an answer is plain data"))
}
