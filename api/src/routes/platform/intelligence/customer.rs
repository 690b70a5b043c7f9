//! One customer: what an agent sees beside a ticket, the numbers behind it, its past, and who is like it.

use accounts::api_keys::Scope;
use axum::Extension;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use chrono::NaiveDate;
use database::Role;
use platform::insights::answer::Answer;
use platform::insights::history::{self, Moment};
use platform::insights::similar;
use serde::Serialize;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{Remembered, find_customer};
use crate::routes::platform::customer_id::CustomerId;
use crate::state::AppState;
use crate::web::auth::Caller;
use crate::web::etag;
use crate::web::fields::Fields;
use crate::web::page::{Page, PageRequest, bad_cursor};
use crate::web::problem::{Problem, ProblemDocument};
use crate::web::query::Params;

/// The routes.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(profile))
        .routes(routes!(features))
        .routes(routes!(past))
        .routes(routes!(alike))
}

/// The fields that `?fields=` may name.
pub const FIELDS: &[&str] = &[
    "customer_id",
    "available",
    "reason",
    "as_of",
    "computed_at",
    "stale",
    "run_id",
    "who",
    "confidence",
    "archetype",
    "axes",
    "churn",
    "ltv",
    "purchases",
];

/// A customer: who they are, how likely they are to leave and why, what they are worth.
///
/// `who` is one sentence with the customer's own figures, each axis has a phrase with the per cent of customers below,
/// and each reason for leaving says what can be done.
///
/// A part that was not computed is `{"available": false, "reason": "..."}`. `stale` says that orders came since; GET
/// /api/ai/customers/{id}/dna computes it anew.
#[utoipa::path(
    get,
    path = "/api/intelligence/customers/{id}",
    tag = "intelligence",
    params(
        ("id" = String, Path, description = "the shop's id of the customer"),
        ("fields" = Option<String>, Query, description = "only these fields, with commas"),
        ("If-None-Match" = Option<String>, Header, description = "the ETag of what is known"),
    ),
    responses(
        (status = 200, description = "what is known", body = serde_json::Value, example = json!({
            "customer_id": "7041", "available": true, "reason": null, "as_of": "2026-01-31",
            "computed_at": "2026-02-01T02:00:41Z", "stale": false, "run_id": "0199c0de-7e1a-7c51-8f3a-2b9d5e6f7a81",
            "who": "14 orders since March 2024, usually every month; spends more than 93 % of customers; keeps pace with 3 orders a quarter",
            "confidence": "high",
            "archetype": {"available": true, "id": "8c5f0f6e5b1d4a3c9e7f1a2b3c4d5e6f", "level": 2, "name": "Champions, monthly",
                "description": "Typically 14 orders worth 1,290 in all, one every month, the last 12 days ago.", "parent": "Champions"},
            "axes": [{"axis": "purchase_frequency", "phrase": "Has ordered more often than 91 % of customers", "percentile": 91,
                "available": true, "segment": "Frequent buyers",
                "description": "Above the shop's average in orders and days with an order.", "strength": "strong",
                "memberships": [{"segment": "Frequent buyers", "membership": 0.91}, {"segment": "Rare buyers", "membership": 0.09}]}],
            "churn": {"available": true, "probability": 0.2714, "band": "low", "horizon_days": 90,
                "reasons": [{"feature": "recency_days", "value": 84.0, "contribution": 0.61,
                    "sentence": "No order for 84 days, against a usual 20: ask whether something kept them away"}],
                "model": {"id": "0199c0de-7e1a-7c51-8f3a-2b9d5e6f7a82", "number": 3, "family": "lightgbm"}},
            "ltv": {"available": true, "value": 129.9, "low": 20.0, "high": 310.5, "currency": "EUR", "horizon_days": 90,
                "model": {"id": "0199c0de-7e1a-7c51-8f3a-2b9d5e6f7a83", "number": 2, "family": "lightgbm"}},
            "purchases": {"orders": 14, "spend": "1290.50", "currency": "EUR", "first_order_on": "2024-03-01",
                "last_order_on": "2026-01-19"}
        })),
        (status = 304, description = "what is known is still all there is"),
        (status = 404, description = "there is no such customer", body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
async fn profile(
    State(state): State<AppState>,
    Extension(memory): Remembered,
    caller: Caller,
    CustomerId(id): CustomerId,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    caller.require(Scope::CustomersRead)?;
    let fields = Fields::of(&Params::of(&uri, &["fields"])?, FIELDS)?;
    let mut tx = state.db.tenant_tx(Role::Support, caller.tenant).await?;
    let customer = find_customer(&mut tx, "id", &id).await?;
    let segmentation = customer.run.as_ref().and_then(|run| run.segmentation);
    let catalog = memory.catalog(&mut tx, caller.tenant, segmentation).await?;
    let tag = customer.version(catalog.as_deref()).map(|version| format!("\"{version}\""));
    if let Some(tag) = tag.as_deref().filter(|tag| etag::is_known(&headers, tag)) {
        tx.commit().await?;
        return Ok(tagged(StatusCode::NOT_MODIFIED.into_response(), tag));
    }
    tx.commit().await?;
    let body = fields.json(&customer.profile(catalog.as_deref()));
    Ok(match tag {
        Some(tag) => tagged(([(header::CONTENT_TYPE, "application/json")], body).into_response(), &tag),
        None => etag::answer(&headers, body),
    })
}

fn tagged(mut response: Response, tag: &str) -> Response {
    let headers = response.headers_mut();
    if let Ok(value) = HeaderValue::from_str(tag) {
        headers.insert(header::ETAG, value);
    }
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    response
}

/// The features of a customer by axis; null where one cannot be computed.
#[utoipa::path(
    get,
    path = "/api/intelligence/customers/{id}/features",
    tag = "intelligence",
    params(("id" = String, Path, description = "the shop's id of the customer")),
    responses(
        (status = 200, description = "66 features on 8 axes, and 24 on 5 of who has written in", body = serde_json::Value, example = json!({
            "customer_id": "7041", "available": true,
            "axes": [{"axis": "purchase_frequency", "features": [{"name": "orders", "unit": "orders", "value": 14.0},
                {"name": "orders_30d", "unit": "orders", "value": null}]}]
        })),
        (status = 404, description = "there is no such customer", body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
async fn features(
    State(state): State<AppState>,
    Extension(memory): Remembered,
    caller: Caller,
    CustomerId(id): CustomerId,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    caller.require(Scope::CustomersRead)?;
    Params::of(&uri, &[])?;
    let mut tx = state.db.tenant_tx(Role::Support, caller.tenant).await?;
    let customer = find_customer(&mut tx, "id", &id).await?;
    let segmentation = customer.run.as_ref().and_then(|run| run.segmentation);
    let catalog = memory.catalog(&mut tx, caller.tenant, segmentation).await?;
    tx.commit().await?;
    Ok(etag::answer(&headers, of_customer(&customer.customer_id, &customer.features(catalog.as_deref()))))
}

fn of_customer<T: Serialize>(customer_id: &str, answer: &Answer<T>) -> Vec<u8> {
    #[derive(Serialize)]
    struct Of<'a, T: Serialize> {
        customer_id: &'a str,
        #[serde(flatten)]
        answer: &'a Answer<T>,
    }
    serde_json::to_vec(&Of { customer_id, answer }).expect("an answer is plain data")
}

/// How a customer changed over time, newest first: segments, churn, expected spend, and the change from one snapshot to
/// the next.
#[utoipa::path(
    get,
    path = "/api/intelligence/customers/{id}/history",
    tag = "intelligence",
    params(
        ("id" = String, Path, description = "the shop's id of the customer"),
        ("cursor" = Option<String>, Query, description = "next_cursor of the page before"),
        ("limit" = Option<i64>, Query, description = "1 to 100, 50 by default"),
    ),
    responses(
        (status = 200, description = "a page", body = serde_json::Value, example = json!({"items": [{
            "taken_on": "2026-01-31", "segmentation_id": "0199c0de-7e1a-7c51-8f3a-2b9d5e6f7a81",
            "segments": {"purchase_frequency": "Monthly buyers"}, "churn": 0.2714, "churn_band": "low", "ltv": 129.9,
            "drift": 0.12, "drift_band": "slight"
        }], "next_cursor": null})),
        (status = 404, description = "there is no such customer", body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
async fn past(
    State(state): State<AppState>,
    Extension(memory): Remembered,
    caller: Caller,
    CustomerId(id): CustomerId,
    uri: Uri,
) -> Result<axum::Json<Page<Moment>>, Problem> {
    caller.require(Scope::CustomersRead)?;
    let page = PageRequest::of(&Params::of(&uri, &["cursor", "limit"])?)?;
    let before = page.after.as_deref().map(str::parse::<NaiveDate>).transpose().map_err(|_| bad_cursor())?;
    let mut tx = state.db.tenant_tx(Role::Support, caller.tenant).await?;
    let customer = find_customer(&mut tx, "id", &id).await?;
    let catalogs = &memory.catalogs;
    let items = history::history(
        &mut tx,
        catalogs,
        caller.tenant,
        &customer.customer_id,
        before,
        page.limit_and_one(),
    )
    .await?;
    tx.commit().await?;
    Ok(axum::Json(page.page(items, |moment| moment.taken_on.to_string())))
}

/// Customers of the same archetype who behave most like this one, at most 20.
///
/// In a large shop a sample is compared; `complete` says whether it was everybody.
#[utoipa::path(
    get,
    path = "/api/intelligence/customers/{id}/similar",
    tag = "intelligence",
    params(("id" = String, Path, description = "the shop's id of the customer")),
    responses(
        (status = 200, description = "the nearest first", body = serde_json::Value, example = json!({
            "customer_id": "7041", "available": true,
            "items": [{"customer_id": "815", "similarity": 0.973, "churn": 0.31, "churn_band": "medium", "ltv": 110.0}],
            "compared": 212, "complete": true
        })),
        (status = 404, description = "there is no such customer", body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
async fn alike(
    State(state): State<AppState>,
    Extension(memory): Remembered,
    caller: Caller,
    CustomerId(id): CustomerId,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    caller.require(Scope::CustomersRead)?;
    Params::of(&uri, &[])?;
    let mut tx = state.db.tenant_tx(Role::Support, caller.tenant).await?;
    let customer = find_customer(&mut tx, "id", &id).await?;
    let segmentation = customer.run.as_ref().and_then(|run| run.segmentation);
    let answer = match memory.catalog(&mut tx, caller.tenant, segmentation).await? {
        Some(catalog) => similar::nearest(&mut tx, &catalog, &customer).await?,
        None => {
            Answer::Missing(customer.reason().unwrap_or_else(|| "the run has no segmentation".to_owned()))
        }
    };
    tx.commit().await?;
    Ok(etag::answer(&headers, of_customer(&customer.customer_id, &answer)))
}
