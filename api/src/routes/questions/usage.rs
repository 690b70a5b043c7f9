//! What models were used for, and what is left of the budget.

use accounts::api_keys::Scope;
use axum::Json as Shown;
use axum::extract::State;
use axum::http::Uri;
use chrono::{Days, NaiveDate, Utc};
use database::Role;
use questions::policy;
use questions::usage::{self, Verdict};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::state::AppState;
use crate::web::auth::Caller;
use crate::web::problem::{Problem, ProblemDocument};
use crate::web::query::Params;

/// The routes.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(used))
}

/// The use of models.
#[derive(Debug, Serialize, ToSchema)]
pub struct AiUsage {
    /// The first day (UTC).
    pub from: NaiveDate,
    /// The last day.
    pub to: NaiveDate,
    /// Millionths of a US dollar that this calendar month (UTC) has cost so far.
    pub spent_this_month_micros: i64,
    /// What it may cost; null is no limit.
    pub monthly_micros: Option<i64>,
    /// `fine`, `warning`, or `stop` when no model is asked any more this month.
    #[schema(value_type = String)]
    pub verdict: Verdict,
    /// By day, feature and model, the latest day first; 2,000 at most.
    pub lines: Vec<UsageLine>,
}

/// The use of one feature and model on a day.
#[derive(Debug, Serialize, ToSchema)]
pub struct UsageLine {
    /// The day (UTC).
    pub day: NaiveDate,
    /// answer_question, draft_reply, analyze_message or recommend_actions.
    pub feature: String,
    /// The model that answered.
    pub model: String,
    /// Calls that were answered.
    pub calls: i64,
    /// Those of them that read from the upstream's prompt cache.
    pub cache_hits: i64,
    /// Tokens read at full price.
    pub input_tokens: i64,
    /// Tokens written.
    pub output_tokens: i64,
    /// Tokens read from the cache.
    pub cache_read_tokens: i64,
    /// Tokens put into the cache.
    pub cache_write_tokens: i64,
    /// Millionths of a US dollar.
    pub cost_micros: i64,
}

/// What models were used for by day, feature and model, and what the month's budget says.
#[utoipa::path(
    get,
    path = "/api/ai/usage",
    tag = "ai",
    params(("days" = Option<i64>, Query, description = "1 to 366 days that end today; 30 when missing")),
    responses(
        (status = 200, description = "the use", body = AiUsage),
        (status = 400, description = "a parameter does not fit", body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
async fn used(State(state): State<AppState>, caller: Caller, uri: Uri) -> Result<Shown<AiUsage>, Problem> {
    caller.require(Scope::ReportsRead)?;
    let days = Params::of(&uri, &["days"])?.number("days")?.unwrap_or(30);
    let now = Utc::now();
    let to = now.date_naive();
    let from = to.checked_sub_days(Days::new(u64::try_from(days - 1).unwrap_or(0))).unwrap_or(to);
    let mut tx = state.db.tenant_tx(Role::Marketing, caller.tenant).await?;
    let policy = policy::read(&mut tx).await?;
    let spent = usage::spent_this_month(&mut tx, now).await?;
    let lines = usage::lines(&mut tx, from, to).await?;
    tx.commit().await?;
    let lines = lines.into_iter().map(|line| UsageLine {
        day: line.day,
        feature: line.feature,
        model: line.model,
        calls: line.calls,
        cache_hits: line.cache_hits,
        input_tokens: line.input_tokens,
        output_tokens: line.output_tokens,
        cache_read_tokens: line.cache_read_tokens,
        cache_write_tokens: line.cache_write_tokens,
        cost_micros: line.cost_micros,
    });
    Ok(Shown(AiUsage {
        from,
        to,
        spent_this_month_micros: spent,
        monthly_micros: policy.monthly_micros,
        verdict: usage::judge(&policy, spent),
        lines: lines.collect(),
    }))
}
