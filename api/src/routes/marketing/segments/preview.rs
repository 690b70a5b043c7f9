//! What a rule would find: the count, some of the customers, and how long it took.

use std::time::Instant;

use accounts::api_keys::Scope;
use axum::Json as Body;
use axum::extract::State;
use chrono::{NaiveDate, Utc};
use marketing::segments::count::{self, CountError, Wanted};
use marketing::segments::json::to_json;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::rule::Written;
use crate::state::AppState;
use crate::web::auth::Allowed;
use crate::web::body::Json;
use crate::web::problem::{Problem, ProblemDocument};

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(preview))
}

/// A rule to be tried.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PreviewRequest {
    /// A text or a tree.
    #[schema(value_type = Object)]
    rule: Value,
    /// Whether some customers are wanted too.
    #[serde(default = "yes")]
    sample: bool,
}

fn yes() -> bool {
    true
}

/// What the rule finds now.
#[derive(Debug, Serialize, ToSchema)]
pub struct Preview {
    /// Customers for whom it holds.
    pub customers: i64,
    /// Of so many.
    pub of: i64,
    /// Up to 20 of them, by id.
    pub sample: Vec<String>,
    /// cached, index or scan.
    pub method: &'static str,
    /// How long it took, in milliseconds.
    pub took_ms: f64,
    /// The rule as a tree.
    #[schema(value_type = Object)]
    pub rule: Value,
    /// The rule as a text.
    pub rule_text: String,
    /// The last day whose orders were seen.
    pub as_of: NaiveDate,
    /// The run that found the facts.
    pub run_id: Uuid,
    /// How often rows of it were brought up to date since.
    pub facts_version: i64,
    /// The currency of amounts.
    pub currency: Option<String>,
}

/// Count the customers for whom a rule holds, and show some.
#[utoipa::path(
    post,
    path = "/api/segments/preview",
    tag = "segments",
    request_body(content = PreviewRequest, example = json!({
        "rule": {"all": [
            {"field": "total_order_value", "operator": ">=", "value": 500},
            {"not": {"field": "marketing_opt_in", "operator": "=", "value": true}}
        ]}
    })),
    responses(
        (status = 200, description = "what it finds", body = Preview),
        (status = 400, description = "no rule; the detail points at the place", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 409, description = "the customers were not analysed yet", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 422, description = "the rule names something unknown", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 503, description = "too many such reads are under way", body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
async fn preview(
    State(state): State<AppState>,
    Allowed(caller): Allowed<{ Scope::SegmentsRead as u8 }>,
    request: Json<PreviewRequest>,
) -> Result<Body<Preview>, Problem> {
    let written = Written::read(request.value.rule)?;
    let _place = state.scans.enter().await?;
    let started = Instant::now();
    let wanted = if request.value.sample { Wanted::Sample } else { Wanted::Count };
    let counted = count::count(&state.db, caller.tenant, &written.rule, wanted, Utc::now()).await;
    let counted = counted.map_err(|error| match error {
        CountError::NoFacts => Problem::conflict(format!(
            "{error}; import the shop's orders, after which a run begins by itself, or ask for one with POST /api/intelligence/evaluate, and try again when it is done"
        )),
        CountError::Name(error) => written.unknown_name(&error),
        CountError::Db(error) => error.into(),
    })?;
    let took = started.elapsed();
    metrics::histogram!("deskwork_segment_count_seconds", "method" => counted.method.name())
        .record(took.as_secs_f64());
    Ok(Body(Preview {
        customers: counted.customers,
        of: counted.of,
        sample: counted.sample,
        method: counted.method.name(),
        took_ms: took.as_secs_f64() * 1_000.0,
        rule: to_json(&written.rule),
        rule_text: written.rule.to_string(),
        as_of: counted.facts.as_of,
        run_id: counted.facts.run,
        facts_version: counted.facts.version,
        currency: counted.facts.currency,
    }))
}
