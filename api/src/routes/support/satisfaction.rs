//! The report of satisfaction: who was helped well, and how quickly.

use accounts::api_keys::Scope;
use accounts::tenants;
use axum::extract::State;
use axum::http::Uri;
use chrono::{DateTime, Utc};
use database::Role;
use serde::Serialize;
use support::ratings::report::{self, Grouping, Satisfaction};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::span::span;
use crate::state::AppState;
use crate::web::auth::Caller;
use crate::web::problem::{Problem, ProblemDocument};
use crate::web::query::Params;

/// The routes of the report.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(satisfaction))
}

/// Satisfaction with the tickets that were resolved in a span.
#[derive(Debug, Serialize, ToSchema)]
struct SatisfactionReport {
    /// From this moment on.
    from: DateTime<Utc>,
    /// Before this one.
    to: DateTime<Utc>,
    /// What tickets are put together by.
    by: String,
    /// The time zone of days.
    timezone: String,
    /// Group by group. Times are medians and p90 of tickets that a customer opened; a ticket of one touch had exactly
    /// one reply of an agent; `csat` is 4 and 5 of 5 among the answers.
    #[schema(value_type = Vec<serde_json::Value>)]
    groups: Vec<Satisfaction>,
}

/// More groups than this are not told.
const GROUPS: i64 = 1_000;

/// How satisfied customers are, by agent, team, channel or day.
#[utoipa::path(
    get,
    path = "/api/reports/satisfaction",
    tag = "reports",
    params(
        ("from" = Option<String>, Query, description = "from this time on; 30 days ago when missing"),
        ("to" = Option<String>, Query, description = "before this time; now when missing"),
        ("by" = Option<String>, Query, description = "all, agent, team, channel or day; all when missing"),
    ),
    responses(
        (status = 200, description = "the report", body = SatisfactionReport),
        (status = 400, description = "a bad span", body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
async fn satisfaction(
    State(state): State<AppState>,
    caller: Caller,
    uri: Uri,
) -> Result<axum::Json<SatisfactionReport>, Problem> {
    caller.require(Scope::ReportsRead)?;
    let params = Params::of(&uri, &["from", "to", "by"])?;
    let (from, to) = span(&params)?;
    let by = params.text("by")?.unwrap_or("all");
    let grouping = Grouping::NAMES.iter().find(|(name, _)| *name == by).map(|(_, grouping)| *grouping);
    let grouping =
        grouping.ok_or_else(|| Problem::bad_request("by", "must be all, agent, team, channel or day"))?;
    let _place = state.scans.enter().await?;
    let mut tx = state.db.tenant_tx(Role::Support, caller.tenant).await?;
    let timezone =
        tenants::get(&mut tx, caller.tenant).await?.map_or_else(|| "UTC".to_owned(), |shop| shop.timezone);
    let groups = report::satisfaction(&mut tx, grouping, from, to, &timezone, GROUPS).await?;
    tx.commit().await?;
    Ok(axum::Json(SatisfactionReport { from, to, by: by.to_owned(), timezone, groups }))
}
