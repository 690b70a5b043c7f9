//! Forecasts: today's, or the job that is making it.

use accounts::api_keys::Scope;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, Uri};
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, NaiveDate, Utc};
use database::ids::TenantId;
use database::{Role, Tx};
use jobs::{Announcement, NewJob};
use platform::analytics::forecasts::{self, Forecast, Metric, NO_METHOD, UnknownMetric};
use platform::kinds::ForecastMetrics;
use platform::zone;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use crate::state::AppState;
use crate::web::auth::Caller;
use crate::web::correlation;
use crate::web::etag;
use crate::web::idempotency::Answer;
use crate::web::problem::{Problem, ProblemDocument};
use crate::web::query::Params;

/// The route.
pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(forecast))
}

/// A forecast.
#[derive(Debug, Serialize, ToSchema)]
pub struct ForecastView {
    /// revenue, customer_count, average_ltv or churn_rate.
    pub metric: &'static str,
    /// What a month's value is.
    pub definition: &'static str,
    /// False when the tenant's months do not suffice.
    pub available: bool,
    /// Why they do not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// ISO 4217 code, where the metric is an amount.
    pub currency: Option<String>,
    /// The day on which it was made, where the shop is.
    pub made_on: NaiveDate,
    /// When it was computed.
    pub computed_at: DateTime<Utc>,
    /// The method that the backtest chose.
    pub method: Option<String>,
    /// How much of what comes the intervals should hold.
    pub interval: f64,
    /// Every method that was tried on the months that are over, best first: mean absolute scaled error (below 1 is
    /// better than the last value, one month ahead) and symmetric percentage error.
    #[schema(value_type = Vec<Object>)]
    pub backtest: Value,
    /// The months that it was made from.
    pub history: Vec<PastView>,
    /// The months ahead.
    pub points: Vec<PointView>,
    /// The job that made it.
    pub job_id: Uuid,
}

/// A month that is over.
#[derive(Debug, Serialize, ToSchema)]
pub struct PastView {
    /// Its first day.
    pub month: NaiveDate,
    /// Its value.
    pub value: f64,
}

/// A month ahead.
#[derive(Debug, Serialize, ToSchema)]
pub struct PointView {
    /// Its first day.
    pub month: NaiveDate,
    /// The expected value.
    pub value: f64,
    /// Lower bound of the interval.
    pub low: f64,
    /// Upper bound of the interval.
    pub high: f64,
}

impl ForecastView {
    fn of(forecast: Forecast, computed_at: DateTime<Utc>, months: usize) -> ForecastView {
        let available = forecast.method != NO_METHOD;
        let text = |name: &str| forecast.backtest[name].as_str().map(str::to_owned);
        let scores = forecast.backtest["scores"].as_array().cloned().unwrap_or_default();
        ForecastView {
            metric: forecast.metric.name(),
            definition: forecast.metric.definition(),
            available,
            reason: text("reason"),
            currency: text("currency"),
            made_on: forecast.made_on,
            computed_at,
            interval: 0.8,
            backtest: Value::Array(scores),
            history: forecast
                .history
                .iter()
                .map(|past| PastView { month: past.month, value: past.value })
                .collect(),
            points: forecast
                .points
                .iter()
                .take(months)
                .map(|point| PointView {
                    month: point.month,
                    value: point.value,
                    low: point.low,
                    high: point.high,
                })
                .collect(),
            job_id: forecast.job,
            method: available.then_some(forecast.method),
        }
    }
}

/// A forecast is being made.
#[derive(Debug, Serialize, ToSchema)]
pub struct ForecastJob {
    /// The job, as in GET /api/jobs/{id}.
    pub job_id: Uuid,
    /// Where it stands.
    pub state: String,
    /// The latest forecast, of an earlier day.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stale_forecast: Option<ForecastView>,
}

/// Months when the caller does not say.
const DEFAULT_MONTHS: usize = 6;

/// The next months of a metric, with 80 % intervals.
///
/// 200 with today's forecast, or with the reason why the months do not suffice for one. When there is none of today,
/// it is asked for (once, however often this is called) and 202 names the job.
#[utoipa::path(
    get,
    path = "/api/analytics/forecasts/{metric}",
    tag = "analytics",
    params(
        ("metric" = String, Path, description = "revenue, customer_count, average_ltv or churn_rate"),
        ("months" = Option<i64>, Query, description = "1 to 24; 6 when missing"),
        ("If-None-Match" = Option<String>, Header, description = "the ETag of what is known"),
    ),
    responses(
        (status = 200, description = "today's forecast, or why there is none", body = ForecastView),
        (status = 202, description = "it is being made", body = ForecastJob),
        (status = 304, description = "what is known is current"),
        (status = 404, description = "there is no such metric", body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
async fn forecast(
    State(state): State<AppState>,
    caller: Caller,
    Path(metric): Path<String>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    caller.require(Scope::IntelligenceRead)?;
    let metric: Metric =
        metric.parse().map_err(|error: UnknownMetric| Problem::not_found(error.to_string()))?;
    let params = Params::of(&uri, &["months"])?;
    let months = params.number("months")?;
    let months = months.and_then(|months| usize::try_from(months).ok()).unwrap_or(DEFAULT_MONTHS);
    let mut tx = state.db.tenant_tx(Role::Marketing, caller.tenant).await?;
    let latest = forecasts::latest(&mut tx, caller.tenant, metric).await?;
    let today = zone::today(&mut tx, Utc::now()).await?;
    let stale_forecast = match latest {
        Some((forecast, computed_at)) if forecast.made_on >= today => {
            tx.commit().await?;
            let view = ForecastView::of(forecast, computed_at, months);
            return Ok(etag::answer(&headers, serde_json::to_vec(&view).expect("a forecast is plain data")));
        }
        other => other.map(|(forecast, computed_at)| ForecastView::of(forecast, computed_at, months)),
    };
    let (job, announcement) = enqueue(&mut tx, caller.tenant).await?;
    tx.commit().await?;
    state.dispatch.announce(announcement);
    Ok(Answer::accepted(job.job_id, &ForecastJob { stale_forecast, ..job }).into_response())
}

async fn enqueue(tx: &mut Tx, tenant: TenantId) -> Result<(ForecastJob, Announcement), Problem> {
    let job = NewJob::of(tenant, &ForecastMetrics {})?.with_dedup_key(ForecastMetrics::DEDUP_KEY)?;
    let (enqueued, announcement) = jobs::enqueue_one(tx, correlation::caused(job)).await?;
    let state = enqueued.state.to_string();
    Ok((ForecastJob { job_id: enqueued.id, state, stale_forecast: None }, announcement))
}
