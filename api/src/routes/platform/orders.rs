//! What of the orders is revenue, and taking an import back.

use accounts::api_keys::Scope;
use axum::Json as Shown;
use axum::extract::{Path, State};
use database::Role;
use jobs::NewJob;
use platform::kinds::{RecountRevenue, UndoImport};
use platform::orders::rule::{self, RevenueRule};
use platform::orders::undo::{self, UndoError};
use serde::{Deserialize, Serialize};
use serde_json::json;
use sha2::{Digest, Sha256};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::intelligence::{Asked, ask};
use crate::state::AppState;
use crate::web::auth::{Allowed, Caller};
use crate::web::body::Json;
use crate::web::idempotency::{self, Answer, IdempotencyKey};
use crate::web::problem::{Problem, ProblemDocument};
use crate::web::{query, trail};

/// The routes.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(revenue_rule, change_revenue_rule)).routes(routes!(take_back))
}

/// Which orders are revenue.
#[derive(Debug, Serialize, ToSchema)]
pub struct RevenueRuleView {
    /// `paid`, `fulfilled` or `placed`.
    #[schema(value_type = String)]
    pub rule: RevenueRule,
    /// Whether all orders are counted by it already.
    pub is_applied: bool,
}

/// Which orders are revenue.
///
/// `paid`: what was paid, or of which the source does not say whether it was. `fulfilled`: what was sent. `placed`: all
/// orders. Tests and what was cancelled, voided or failed never are; refunds are returns.
#[utoipa::path(
    get,
    path = "/api/orders/revenue-rule",
    tag = "orders",
    responses((status = 200, description = "the rule", body = RevenueRuleView)),
)]
async fn revenue_rule(
    State(state): State<AppState>,
    caller: Caller,
) -> Result<Shown<RevenueRuleView>, Problem> {
    caller.require(Scope::OrdersWrite)?;
    let mut tx = state.db.tenant_tx(Role::Support, caller.tenant).await?;
    let stored = rule::read(&mut tx).await?;
    tx.commit().await?;
    Ok(Shown(RevenueRuleView { rule: stored.rule, is_applied: stored.applied >= stored.version }))
}

/// Which orders are to be revenue.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"rule": "paid"}))]
pub struct RuleRequest {
    /// `paid`, `fulfilled` or `placed`.
    #[schema(value_type = String)]
    rule: RevenueRule,
}

/// Changes which orders are revenue.
///
/// Orders that are imported from now on are counted by it; a job counts those that are there.
#[utoipa::path(
    put,
    path = "/api/orders/revenue-rule",
    tag = "orders",
    params(("Idempotency-Key" = Option<String>, Header, description = "the same key and request have the same answer")),
    request_body = RuleRequest,
    responses(
        (status = 200, description = "it is the rule already", body = RevenueRuleView),
        (status = 202, description = "the orders are being counted anew", body = Asked,
            headers(("Location" = String, description = "the job"))),
    ),
)]
async fn change_revenue_rule(
    State(state): State<AppState>,
    Allowed(caller): Allowed<{ Scope::OrdersWrite as u8 }>,
    key: IdempotencyKey,
    body: Json<RuleRequest>,
) -> Result<Answer, Problem> {
    let mut tx = state.db.tenant_tx(Role::Platform, caller.tenant).await?;
    if let Some(answer) = idempotency::replay(&mut tx, caller.tenant, &key, &body.digest).await? {
        return Ok(answer);
    }
    let rule = body.value.rule;
    let Some(version) = rule::change(&mut tx, caller.tenant, rule, &caller.actor()).await? else {
        let stored = rule::read(&mut tx).await?;
        let view = RevenueRuleView { rule, is_applied: stored.applied >= stored.version };
        let answer = Answer::ok(&view);
        idempotency::keep(&mut tx, caller.tenant, &key, &body.digest, &answer).await?;
        tx.commit().await?;
        return Ok(answer);
    };
    let job = NewJob::of(caller.tenant, &RecountRevenue::default())?;
    let (asked, announcement) = ask(&mut tx, job, "revenue").await?;
    let answer = Answer::accepted(asked.job_id, &asked);
    idempotency::keep(&mut tx, caller.tenant, &key, &body.digest, &answer).await?;
    // Last, as the trail is written in a role of its own.
    let detail = json!({ "rule": rule, "version": version });
    trail::record(&mut tx, &caller, "orders.revenue_rule", "revenue_rule", detail).await?;
    tx.commit().await?;
    state.dispatch.announce(announcement);
    Ok(answer)
}

/// Takes an import back as a whole.
///
/// Orders that it stated last go back to what they were before it, or are gone when it brought them. What something newer
/// has stated since stays, and so does what another import that stands states as well: an order that two files have is gone
/// when both are taken back. What an import replaced is kept for 30 days.
#[utoipa::path(
    post,
    path = "/api/orders/imports/{job_id}/undo",
    tag = "orders",
    params(
        ("job_id" = String, Path, description = "the import's job"),
        ("Idempotency-Key" = Option<String>, Header, description = "the same key and request have the same answer"),
    ),
    responses(
        (status = 202, description = "it is being taken back", body = Asked,
            headers(("Location" = String, description = "the job"))),
        (status = 404, description = "there is no such import", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 409, description = "it is under way, was taken back, or ended too long ago", body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
async fn take_back(
    State(state): State<AppState>,
    caller: Caller,
    Path(job_id): Path<String>,
    key: IdempotencyKey,
) -> Result<Answer, Problem> {
    caller.require(Scope::OrdersWrite)?;
    let import_id = query::id("job_id", &job_id)?;
    let digest: [u8; 32] = Sha256::digest(format!("undo:{import_id}")).into();
    let mut tx = state.db.tenant_tx(Role::Support, caller.tenant).await?;
    if let Some(answer) = idempotency::replay(&mut tx, caller.tenant, &key, &digest).await? {
        return Ok(answer);
    }
    undo::check(&mut tx, import_id, chrono::Utc::now()).await?;
    let job = NewJob::of(caller.tenant, &UndoImport { import_id })?;
    let (asked, announcement) = ask(&mut tx, job, &import_id.to_string()).await?;
    let answer = Answer::accepted(asked.job_id, &asked);
    idempotency::keep(&mut tx, caller.tenant, &key, &digest, &answer).await?;
    trail::record(&mut tx, &caller, "orders.undo_import", &format!("import:{import_id}"), json!({})).await?;
    tx.commit().await?;
    state.dispatch.announce(announcement);
    Ok(answer)
}

impl From<UndoError> for Problem {
    fn from(error: UndoError) -> Problem {
        match error {
            UndoError::Unknown => Problem::not_found(error.to_string()),
            UndoError::Running | UndoError::Already(_) | UndoError::TooOld(_) => {
                Problem::conflict(error.to_string())
            }
            UndoError::Queue(error) => error.into(),
            UndoError::Db(error) => error.into(),
        }
    }
}
