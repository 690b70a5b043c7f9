//! How drafts are taken up: how many are accepted, and how much people change of them.

use accounts::api_keys::Scope;
use axum::Json;
use axum::extract::State;
use axum::http::Uri;
use chrono::{DateTime, Utc};
use database::Role;
use serde::Serialize;
use support::drafts::report::{self, Uptake};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::routes::support::span::span;
use crate::state::AppState;
use crate::web::auth::Caller;
use crate::web::problem::{Problem, ProblemDocument};
use crate::web::query::Params;

/// The routes.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(uptake))
}

/// How drafts are taken up.
#[derive(Debug, Serialize, ToSchema)]
struct DraftReport {
    /// From this moment on.
    from: DateTime<Utc>,
    /// Before this one.
    to: DateTime<Utc>,
    /// By drafter and tone.
    #[schema(value_type = Vec<serde_json::Value>)]
    groups: Vec<Uptake>,
}

/// How many drafts are accepted and how much is changed, by drafter and tone.
#[utoipa::path(
    get,
    path = "/api/reports/drafts",
    tag = "reports",
    params(
        ("from" = Option<String>, Query, description = "from this time on; 30 days ago when missing"),
        ("to" = Option<String>, Query, description = "before this time; now when missing"),
    ),
    responses(
        (status = 200, description = "the report", body = DraftReport),
        (status = 400, description = "a bad span", body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
async fn uptake(
    State(state): State<AppState>,
    caller: Caller,
    uri: Uri,
) -> Result<Json<DraftReport>, Problem> {
    caller.require(Scope::ReportsRead)?;
    let params = Params::of(&uri, &["from", "to"])?;
    let (from, to) = span(&params)?;
    let _place = state.scans.enter().await?;
    let mut tx = state.db.tenant_tx(Role::Support, caller.tenant).await?;
    let groups = report::uptake(&mut tx, from, to).await?;
    tx.commit().await?;
    Ok(Json(DraftReport { from, to, groups }))
}
