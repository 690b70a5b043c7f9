//! Runs: how far they are, what they found, who changed.

use accounts::api_keys::Scope;
use axum::extract::{Path, State};
use axum::http::Uri;
use axum::{Extension, Json};
use chrono::Utc;
use database::Role;
use platform::insights::changes::{self, Change, Direction};
use platform::runs::overview::{self as runs, Overview};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{Remembered, check_customer_id};
use crate::state::AppState;
use crate::web::auth::Caller;
use crate::web::page::{Page, PageRequest, bad_cursor, place};
use crate::web::problem::{Problem, ProblemDocument};
use crate::web::query::{self, Params};

/// The routes.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(get)).routes(routes!(changed))
}

/// Runs, the latest first.
#[utoipa::path(
    get,
    path = "/api/intelligence/runs",
    tag = "intelligence",
    params(
        ("cursor" = Option<String>, Query, description = "next_cursor of the page before"),
        ("limit" = Option<i64>, Query, description = "1 to 100, 50 by default"),
    ),
    responses((status = 200, description = "a page", body = serde_json::Value, example = json!({"items": [{
        "id": "0199c0de-7e1a-7c51-8f3a-2b9d5e6f7a82", "generation": 31, "state": "published", "stuck": false,
        "shards": {"done": 1, "total": 1}, "as_of": "2026-01-31", "pinned": false, "currency": "EUR",
        "segmentation_id": "0199c0de-7e1a-7c51-8f3a-2b9d5e6f7a81", "churn_model_id": null, "ltv_model_id": null,
        "customers": 27415, "lines": 1200000, "lines_left_out": 0, "started_at": "2026-02-01T02:00:00Z",
        "prepared_at": "2026-02-01T02:00:04Z", "published_at": "2026-02-01T02:00:09Z", "duration_secs": 9.0, "error": null
    }], "next_cursor": null}))),
)]
async fn list(
    State(state): State<AppState>,
    caller: Caller,
    uri: Uri,
) -> Result<Json<Page<Overview>>, Problem> {
    caller.require(Scope::IntelligenceRead)?;
    let page = PageRequest::of(&Params::of(&uri, &["cursor", "limit"])?)?;
    let before = page.after_place()?;
    let mut tx = state.db.tenant_tx(Role::Support, caller.tenant).await?;
    let items = runs::list(&mut tx, before, page.limit_and_one(), Utc::now()).await?;
    tx.commit().await?;
    Ok(Json(page.page(items, |run| place(run.started_at, run.id))))
}

/// A run with its report.
///
/// `stuck` says that it is scoring and that no shard was finished for ten minutes.
#[utoipa::path(
    get,
    path = "/api/intelligence/runs/{id}",
    tag = "intelligence",
    params(("id" = String, Path, description = "the run, which is the id of its job as well")),
    responses(
        (status = 200, description = "the run", body = serde_json::Value, example = json!({
            "id": "0199c0de-7e1a-7c51-8f3a-2b9d5e6f7a82", "generation": 31, "state": "scoring", "stuck": false,
            "shards": {"done": 3, "total": 10}, "as_of": "2026-01-31", "duration_secs": 41.2, "report": {}, "error": null
        })),
        (status = 404, description = "there is no such run", body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
async fn get(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<Overview>, Problem> {
    caller.require(Scope::IntelligenceRead)?;
    let id = query::id("id", &id)?;
    let mut tx = state.db.tenant_tx(Role::Support, caller.tenant).await?;
    let run = runs::get(&mut tx, id, Utc::now()).await?;
    tx.commit().await?;
    run.map(Json).ok_or_else(unknown)
}

/// Who changed in a run: segment, archetype or band of churn; the greatest change first.
#[utoipa::path(
    get,
    path = "/api/intelligence/runs/{id}/changes",
    tag = "intelligence",
    params(
        ("id" = String, Path, description = "the run"),
        ("band" = Option<String>, Query, description = "up or down: only whose band of churn went that way"),
        ("cursor" = Option<String>, Query, description = "next_cursor of the page before"),
        ("limit" = Option<i64>, Query, description = "1 to 100, 50 by default"),
    ),
    responses(
        (status = 200, description = "a page", body = serde_json::Value, example = json!({"items": [{
            "customer_id": "7041", "drift": 0.41, "drift_band": "moderate",
            "archetype_from": {"id": "8c5f0f6e5b1d4a3c9e7f1a2b3c4d5e6f", "name": "Champions, monthly"}, "archetype_to": null,
            "churn_from": 0.21, "churn_to": 0.65, "band_from": "low", "band_to": "high"
        }], "next_cursor": null})),
        (status = 404, description = "there is no such run", body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
async fn changed(
    State(state): State<AppState>,
    Extension(memory): Remembered,
    caller: Caller,
    Path(id): Path<String>,
    uri: Uri,
) -> Result<Json<Page<Change>>, Problem> {
    caller.require(Scope::CustomersRead)?;
    let id = query::id("id", &id)?;
    let params = Params::of(&uri, &["band", "cursor", "limit"])?;
    let page = PageRequest::of(&params)?;
    let after = page.after.as_deref().map(after).transpose()?;
    let direction = match params.text("band")? {
        None => None,
        Some("up") => Some(Direction::Up),
        Some("down") => Some(Direction::Down),
        Some(_) => return Err(Problem::bad_request("band", "must be up or down")),
    };
    let mut tx = state.db.tenant_tx(Role::Support, caller.tenant).await?;
    let segmentation = runs::segmentation(&mut tx, id).await?.ok_or_else(unknown)?;
    let catalog = memory.catalog(&mut tx, caller.tenant, segmentation).await?;
    let items =
        changes::list(&mut tx, id, catalog.as_deref(), direction, after, page.limit_and_one()).await?;
    tx.commit().await?;
    Ok(Json(page.page(items, |change| format!("{} {}", change.key.to_bits(), change.customer_id))))
}

/// Drift and customer behind a cursor.
fn after(cursor: &str) -> Result<(f32, &str), Problem> {
    let (bits, customer_id) = cursor.split_once(' ').ok_or_else(bad_cursor)?;
    let drift =
        bits.parse().ok().map(f32::from_bits).filter(|drift| drift.is_finite()).ok_or_else(bad_cursor)?;
    check_customer_id("cursor", customer_id).map_err(|_| bad_cursor())?;
    Ok((drift, customer_id))
}

fn unknown() -> Problem {
    Problem::not_found("there is no such run")
}
