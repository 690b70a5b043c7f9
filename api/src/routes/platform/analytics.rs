//! Analytics: named reports about products, behaviour, customers and segments, lists for campaigns, recommendations,
//! and forecasts.
//!
//! A report is answered from the process's memory while the tenant's data are the same; otherwise it is computed
//! once, however many ask for it, and for whoever asks next if the first one goes away. `computed_at` says when.

mod customer;
mod forecasts;
mod names;
mod shelf;

use std::sync::Arc;

use accounts::api_keys::Scope;
use axum::Extension;
use axum::extract::{FromRequestParts, Path};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Uri};
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, NaiveDate, Utc};
use platform::analytics::segments;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::state::AppState;
use crate::web::auth::Caller;
use crate::web::etag;
use crate::web::problem::{Problem, ProblemDocument};
use crate::web::query::Params;
use names::{Choice, Group, Named};
use shelf::{Ask, Shelf};

/// The routes, with one memory for all of them.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(products))
        .routes(routes!(behavior))
        .routes(routes!(customers))
        .routes(routes!(segment_reports))
        .routes(routes!(campaigns))
        .routes(routes!(recommendations))
        .merge(customer::routes())
        .merge(forecasts::routes())
        .layer(Extension(Arc::new(Shelf::default())))
}

/// The names of a group's reports; `group` is the part of the path before them.
pub(in crate::routes) fn reports(group: &str) -> impl Iterator<Item = &'static str> {
    names::group(group).into_iter().flat_map(names::of).map(|named| named.name)
}

/// A report.
#[derive(Debug, Serialize, ToSchema)]
pub struct AnalyticsReport {
    /// Its name.
    pub report: &'static str,
    /// What it means: who or what is in it, and how it is reckoned.
    pub definition: &'static str,
    /// The last day that counts.
    pub as_of: NaiveDate,
    /// How many months it looks at, where it does not look at everything.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeframe_months: Option<u32>,
    /// ISO 4217 code of its amounts; amounts of other currencies are left out.
    pub currency: Option<String>,
    /// When it was computed.
    pub computed_at: DateTime<Utc>,
    /// False when the data do not suffice.
    pub available: bool,
    /// Why they do not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What holds for the whole; null when it is not available.
    #[schema(value_type = Option<Object>)]
    pub figures: Value,
    /// Customers, products or groups, the most important first.
    #[schema(value_type = Vec<Object>)]
    pub items: Value,
}

/// How many items a report has when the caller does not say.
const DEFAULT_LIMIT: u32 = 20;

/// Products and categories: `revenue-by-category`, `repurchase` (of categories), `affinity` (what is bought together).
#[utoipa::path(
    get,
    path = "/api/analytics/products/{report}",
    tag = "analytics",
    params(
        ("report" = String, Path, description = "revenue-by-category, repurchase or affinity"),
        ("limit" = Option<u32>, Query, description = "items, 1 to 100; 20 when missing"),
        ("timeframe_months" = Option<u32>, Query, description = "1 to 36; 12 when missing"),
        ("by" = Option<String>, Query, description = "of affinity: product (when missing) or category"),
        ("If-None-Match" = Option<String>, Header, description = "the ETag of what is known"),
    ),
    responses(
        (status = 200, description = "the report, or why there is none", body = AnalyticsReport),
        (status = 304, description = "what is known is current"),
        (status = 404, description = "there is no such report", body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
async fn products(asked: Asked) -> Result<Response, Problem> {
    asked.answer(Group::Products).await
}

/// Behaviour: `one-time-buyers`, `momentum`, `declining`, `cadence`, `discount-dependency`, `change` (since the run before).
#[utoipa::path(
    get,
    path = "/api/analytics/behavior/{report}",
    tag = "analytics",
    params(
        ("report" = String, Path, description = "one-time-buyers, momentum, declining, cadence, discount-dependency or change"),
        ("limit" = Option<u32>, Query, description = "items, 1 to 100; 20 when missing"),
        ("timeframe_months" = Option<u32>, Query, description = "of discount-dependency: 1 to 36; 12 when missing"),
        ("If-None-Match" = Option<String>, Header, description = "the ETag of what is known"),
    ),
    responses(
        (status = 200, description = "the report, or why there is none", body = AnalyticsReport),
        (status = 304, description = "what is known is current"),
        (status = 404, description = "there is no such report", body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
async fn behavior(asked: Asked) -> Result<Response, Problem> {
    asked.answer(Group::Behavior).await
}

/// Customers: `high-value`, `rfm` (scores and classes), `b2b` (who looks like a business).
#[utoipa::path(
    get,
    path = "/api/analytics/customers/{report}",
    tag = "analytics",
    params(
        ("report" = String, Path, description = "high-value, rfm or b2b"),
        ("limit" = Option<u32>, Query, description = "items, 1 to 100; 20 when missing"),
        ("If-None-Match" = Option<String>, Header, description = "the ETag of what is known"),
    ),
    responses(
        (status = 200, description = "the report, or why there is none", body = AnalyticsReport),
        (status = 304, description = "what is known is current"),
        (status = 404, description = "there is no such report", body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
async fn customers(asked: Asked) -> Result<Response, Problem> {
    asked.answer(Group::Customers).await
}

/// Segments and archetypes of the published run: `overview`, `growth`, `seasonal`, `comparison`.
#[utoipa::path(
    get,
    path = "/api/analytics/segments/{report}",
    tag = "analytics",
    params(
        ("report" = String, Path, description = "overview, growth, seasonal or comparison"),
        ("limit" = Option<u32>, Query, description = "items, 1 to 100; 20 when missing; overview and seasonal show all"),
        ("timeframe_months" = Option<u32>, Query, description = "of growth and seasonal: 1 to 36; 12 and 24 when missing"),
        ("axis" = Option<String>, Query, description = "of comparison: archetype (when missing) or one of the axes"),
        ("If-None-Match" = Option<String>, Header, description = "the ETag of what is known"),
    ),
    responses(
        (status = 200, description = "the report, or why there is none", body = AnalyticsReport),
        (status = 304, description = "what is known is current"),
        (status = 404, description = "there is no such report", body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
async fn segment_reports(asked: Asked) -> Result<Response, Problem> {
    asked.answer(Group::Segments).await
}

/// Whom a campaign could speak to, with size and reasons: `retention`, `growth`, `winback`, `seasonal`, `loyalty`, `acquisition`.
#[utoipa::path(
    get,
    path = "/api/analytics/campaigns/{report}",
    tag = "analytics",
    params(
        ("report" = String, Path, description = "retention, growth, winback, seasonal, loyalty or acquisition"),
        ("limit" = Option<u32>, Query, description = "customers, 1 to 100; 20 when missing"),
        ("If-None-Match" = Option<String>, Header, description = "the ETag of what is known"),
    ),
    responses(
        (status = 200, description = "the report, or why there is none", body = AnalyticsReport),
        (status = 304, description = "what is known is current"),
        (status = 404, description = "there is no such report", body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
async fn campaigns(asked: Asked) -> Result<Response, Problem> {
    asked.answer(Group::Campaigns).await
}

/// What to do for whom: `upsell`, `cross-sell`, `expansion`, `winback`, `retention`, `discount-strategy`.
#[utoipa::path(
    get,
    path = "/api/analytics/recommendations/{report}",
    tag = "analytics",
    params(
        ("report" = String, Path, description = "upsell, cross-sell, expansion, winback, retention or discount-strategy"),
        ("limit" = Option<u32>, Query, description = "customers, 1 to 100; 20 when missing"),
        ("timeframe_months" = Option<u32>, Query, description = "of cross-sell and discount-strategy: 1 to 36; 12 when missing"),
        ("by" = Option<String>, Query, description = "of cross-sell: product (when missing) or category"),
        ("If-None-Match" = Option<String>, Header, description = "the ETag of what is known"),
    ),
    responses(
        (status = 200, description = "the report, or why there is none", body = AnalyticsReport),
        (status = 304, description = "what is known is current"),
        (status = 404, description = "there is no such report", body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
async fn recommendations(asked: Asked) -> Result<Response, Problem> {
    asked.answer(Group::Recommendations).await
}

/// A request for a report of some group.
struct Asked {
    state: AppState,
    shelf: Arc<Shelf>,
    caller: Caller,
    report: String,
    uri: Uri,
    headers: HeaderMap,
}

impl FromRequestParts<AppState> for Asked {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Asked, Response> {
        let caller = Caller::from_request_parts(parts, state).await.map_err(Problem::into_response)?;
        let Extension(shelf) =
            Extension::from_request_parts(parts, state).await.map_err(IntoResponse::into_response)?;
        let Path(report) =
            Path::from_request_parts(parts, state).await.map_err(IntoResponse::into_response)?;
        let (uri, headers) = (parts.uri.clone(), parts.headers.clone());
        Ok(Asked { state: state.clone(), shelf, caller, report, uri, headers })
    }
}

impl Asked {
    async fn answer(self, group: Group) -> Result<Response, Problem> {
        self.caller.require(Scope::IntelligenceRead)?;
        let Some(named) = names::find(group, &self.report) else {
            let known: Vec<&str> = names::of(group).map(|named| named.name).collect();
            return Err(Problem::not_found(format!("the reports here are {}", known.join(", "))));
        };
        let ask = ask(named, &self.uri)?;
        let body = self.shelf.report(&self.state, self.caller.tenant, named, ask).await?;
        Ok(etag::answer(&self.headers, body.to_vec()))
    }
}

/// Reads what the report can be asked; anything else is refused by name.
fn ask(named: &Named, uri: &Uri) -> Result<Ask, Problem> {
    let mut known = vec!["limit"];
    known.extend(named.options.iter().map(|option| option.name()));
    let params = Params::of(uri, &known)?;
    let number = |name, otherwise: u32| -> Result<u32, Problem> {
        let found = params.number(name)?;
        Ok(found.and_then(|number| u32::try_from(number).ok()).unwrap_or(otherwise))
    };
    Ok(Ask {
        limit: number("limit", DEFAULT_LIMIT)?,
        months: number(Choice::Months.name(), named.months)?,
        by: names::by(&params)?,
        axis: match params.text(Choice::Axis.name())? {
            None => segments::ARCHETYPE.to_owned(),
            Some(axis) if segments::is_axis(axis) => axis.to_owned(),
            Some(_) => {
                let known: Vec<&str> = segments::axes().collect();
                return Err(Problem::bad_request("axis", format!("must be one of {}", known.join(", "))));
            }
        },
    })
}
