//! Versions of the segmentation, and reports on how well the current one and the models still fit.

use accounts::api_keys::Scope;
use axum::Json;
use axum::extract::{Path, State};
use axum::http::Uri;
use database::Role;
use platform::insights::drift::{self, DriftReport};
use platform::insights::segmentations::{self, Segmentation};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::state::AppState;
use crate::web::auth::Caller;
use crate::web::page::{Page, PageRequest, bad_cursor, place};
use crate::web::problem::{Problem, ProblemDocument};
use crate::web::query::{self, Params};

/// The routes.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(get)).routes(routes!(drifts))
}

/// Versions of the segmentation, the latest first.
#[utoipa::path(
    get,
    path = "/api/intelligence/segmentations",
    tag = "intelligence",
    params(
        ("cursor" = Option<String>, Query, description = "next_cursor of the page before"),
        ("limit" = Option<i64>, Query, description = "1 to 100, 50 by default"),
    ),
    responses((status = 200, description = "a page", body = serde_json::Value, example = json!({"items": [{
        "id": "0199c0de-7e1a-7c51-8f3a-2b9d5e6f7a81", "number": 1, "state": "current", "fitted_as_of": "2026-01-31",
        "customers": 27415, "reason": "the first one", "created_at": "2026-02-01T02:00:12Z"
    }], "next_cursor": null}))),
)]
async fn list(
    State(state): State<AppState>,
    caller: Caller,
    uri: Uri,
) -> Result<Json<Page<Segmentation>>, Problem> {
    caller.require(Scope::IntelligenceRead)?;
    let page = PageRequest::of(&Params::of(&uri, &["cursor", "limit"])?)?;
    let before = page.after.as_deref().map(str::parse).transpose().map_err(|_| bad_cursor())?;
    let mut tx = state.db.tenant_tx(Role::Support, caller.tenant).await?;
    let items = segmentations::list(&mut tx, before, page.limit_and_one()).await?;
    tx.commit().await?;
    Ok(Json(page.page(items, |segmentation| segmentation.number.to_string())))
}

/// A version of the segmentation with the report of its fit.
#[utoipa::path(
    get,
    path = "/api/intelligence/segmentations/{id}",
    tag = "intelligence",
    params(("id" = String, Path, description = "the segmentation")),
    responses(
        (status = 200, description = "the segmentation", body = serde_json::Value, example = json!({
            "id": "0199c0de-7e1a-7c51-8f3a-2b9d5e6f7a81", "number": 1, "state": "current", "fitted_as_of": "2026-01-31",
            "customers": 27415, "reason": "the first one", "created_at": "2026-02-01T02:00:12Z", "report": {}
        })),
        (status = 404, description = "there is no such segmentation", body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
async fn get(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<Segmentation>, Problem> {
    caller.require(Scope::IntelligenceRead)?;
    let id = query::id("id", &id)?;
    let mut tx = state.db.tenant_tx(Role::Support, caller.tenant).await?;
    let found = segmentations::get(&mut tx, id).await?;
    tx.commit().await?;
    found.map(Json).ok_or_else(|| Problem::not_found("there is no such segmentation"))
}

/// Whether features and scores still look like those that the models were fitted on, the latest report first.
#[utoipa::path(
    get,
    path = "/api/intelligence/drift",
    tag = "intelligence",
    params(
        ("cursor" = Option<String>, Query, description = "next_cursor of the page before"),
        ("limit" = Option<i64>, Query, description = "1 to 100, 50 by default"),
    ),
    responses((status = 200, description = "a page", body = serde_json::Value, example = json!({"items": [{
        "job_id": "0199c0de-7e1a-7c51-8f3a-2b9d5e6f7a84", "run_id": "0199c0de-7e1a-7c51-8f3a-2b9d5e6f7a82",
        "created_at": "2026-02-01T02:01:00Z", "verdict": "fine", "report": {}
    }], "next_cursor": null}))),
)]
async fn drifts(
    State(state): State<AppState>,
    caller: Caller,
    uri: Uri,
) -> Result<Json<Page<DriftReport>>, Problem> {
    caller.require(Scope::IntelligenceRead)?;
    let page = PageRequest::of(&Params::of(&uri, &["cursor", "limit"])?)?;
    let before = page.after_place()?;
    let mut tx = state.db.tenant_tx(Role::Support, caller.tenant).await?;
    let items = drift::list(&mut tx, before, page.limit_and_one()).await?;
    tx.commit().await?;
    Ok(Json(page.page(items, |report| place(report.created_at, report.job_id))))
}
