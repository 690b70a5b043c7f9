//! What a tenant allows: the smallest group that is told of, what models may cost in a month, rounds for a question.

use accounts::api_keys::Scope;
use axum::Json as Shown;
use axum::extract::State;
use axum::http::Uri;
use database::Role;
use questions::policy::{self, Policy};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::state::AppState;
use crate::web::auth::{Allowed, Caller};
use crate::web::body::Json;
use crate::web::problem::{Problem, ProblemDocument};
use crate::web::query::Params;
use crate::web::trail;

/// The routes.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(show, replace))
}

/// What a tenant allows.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"smallest_group": 5, "monthly_micros": 25_000_000, "warn_percent": 80, "rounds": 6}))]
pub struct AiPolicy {
    /// Groups of fewer customers are withheld outside of the desk, 2 to 100.
    #[schema(minimum = 2, maximum = 100)]
    smallest_group: i32,
    /// Millionths of a US dollar that models may cost in a calendar month (UTC); null is no limit.
    #[schema(minimum = 0, maximum = 1_000_000_000_000_i64)]
    monthly_micros: Option<i64>,
    /// From this share of it on, in percent, answers carry a warning.
    #[schema(minimum = 1, maximum = 100)]
    warn_percent: i32,
    /// How often the model may be asked for one question, 1 to 12.
    #[schema(minimum = 1, maximum = 12)]
    rounds: i32,
}

impl From<Policy> for AiPolicy {
    fn from(policy: Policy) -> AiPolicy {
        let Policy { smallest_group, monthly_micros, warn_percent, rounds } = policy;
        AiPolicy { smallest_group, monthly_micros, warn_percent, rounds }
    }
}

/// The policy of questions and of models.
#[utoipa::path(
    get,
    path = "/api/ai/policy",
    tag = "ai",
    responses((status = 200, description = "what holds", body = AiPolicy)),
)]
async fn show(State(state): State<AppState>, caller: Caller, uri: Uri) -> Result<Shown<AiPolicy>, Problem> {
    caller.require(Scope::ReportsRead)?;
    Params::of(&uri, &[])?;
    let mut tx = state.db.tenant_tx(Role::Marketing, caller.tenant).await?;
    let policy = policy::read(&mut tx).await?;
    tx.commit().await?;
    Ok(Shown(policy.into()))
}

/// Replace the policy.
#[utoipa::path(
    put,
    path = "/api/ai/policy",
    tag = "ai",
    request_body = AiPolicy,
    responses(
        (status = 200, description = "what holds now", body = AiPolicy),
        (status = 400, description = "a value does not fit", body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
async fn replace(
    State(state): State<AppState>,
    Allowed(caller): Allowed<{ Scope::SettingsWrite as u8 }>,
    body: Json<AiPolicy>,
) -> Result<Shown<AiPolicy>, Problem> {
    let AiPolicy { smallest_group, monthly_micros, warn_percent, rounds } = body.value;
    let policy = Policy { smallest_group, monthly_micros, warn_percent, rounds };
    policy.check().map_err(|(field, allowed)| Problem::bad_request(field, allowed))?;
    let mut tx = state.db.tenant_tx(Role::Marketing, caller.tenant).await?;
    policy::write(&mut tx, caller.tenant, &policy, &caller.actor()).await?;
    let detail = json!({
        "smallest_group": smallest_group, "monthly_micros": monthly_micros, "warn_percent": warn_percent, "rounds": rounds,
    });
    trail::record(&mut tx, &caller, "ai-policy.replace", "ai-policy", detail).await?;
    tx.commit().await?;
    Ok(Shown(policy.into()))
}
