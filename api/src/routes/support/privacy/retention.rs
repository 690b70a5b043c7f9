//! How long each kind of data is kept.

use accounts::api_keys::Scope;
use axum::Json as Shown;
use axum::extract::{Path, State};
use chrono::{DateTime, Utc};
use database::Role;
use serde::{Deserialize, Serialize};
use serde_json::json;
use support::privacy::retention::{self, Kind, Rule};
use utoipa::ToSchema;

use crate::state::AppState;
use crate::web::auth::{Allowed, Caller};
use crate::web::body::Json;
use crate::web::problem::{Problem, ProblemDocument};
use crate::web::trail;

/// How long a kind of data is kept.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RetentionRule)]
pub struct RuleView {
    /// deliveries, tickets, files, drafts or archives.
    kind: &'static str,
    /// Days; null: for ever.
    keep_days: Option<i32>,
    /// Whether nobody said otherwise.
    is_default: bool,
    /// What goes, and from when days are counted.
    meaning: &'static str,
    /// Who said so.
    changed_by: Option<String>,
    /// When.
    changed_at: Option<DateTime<Utc>>,
}

impl From<Rule> for RuleView {
    fn from(rule: Rule) -> RuleView {
        let Rule { kind, keep_days, is_default, meaning, changed_by, changed_at } = rule;
        RuleView { kind, keep_days, is_default, meaning, changed_by, changed_at }
    }
}

/// How long each kind of data is kept; what is over goes every night.
#[utoipa::path(
    get,
    path = "/api/privacy/retention",
    tag = "privacy",
    responses((status = 200, description = "one rule a kind", body = Vec<RuleView>)),
)]
pub async fn list(State(state): State<AppState>, caller: Caller) -> Result<Shown<Vec<RuleView>>, Problem> {
    caller.require(Scope::PrivacyRead)?;
    let mut tx = state.db.tenant_tx(Role::Support, caller.tenant).await?;
    let rules = retention::rules(&mut tx).await?;
    tx.commit().await?;
    Ok(Shown(rules.into_iter().map(RuleView::from).collect()))
}

/// How long a kind is to be kept.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"keep_days": 90}))]
pub struct RetentionBody {
    /// 1 to 3,650 days; null: for ever.
    #[schema(minimum = 1, maximum = 3_650)]
    keep_days: Option<i32>,
}

/// Say how long a kind of data is kept.
#[utoipa::path(
    put,
    path = "/api/privacy/retention/{kind}",
    tag = "privacy",
    params(("kind" = String, Path, description = "deliveries, tickets, files, drafts or archives")),
    request_body = RetentionBody,
    responses(
        (status = 200, description = "the rules", body = Vec<RuleView>),
        (status = 400, description = "the days do not fit", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 404, description = "there is no such kind", body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
pub async fn put(
    State(state): State<AppState>,
    Allowed(caller): Allowed<{ Scope::PrivacyWrite as u8 }>,
    Path(kind): Path<String>,
    body: Json<RetentionBody>,
) -> Result<Shown<Vec<RuleView>>, Problem> {
    let kind = Kind::parse(&kind).ok_or_else(|| {
        let known: Vec<&str> = Kind::ALL.into_iter().map(Kind::name).collect();
        Problem::not_found(format!("there is no such kind; the kinds are {}", known.join(", ")))
    })?;
    let keep_days = body.value.keep_days;
    if keep_days.is_some_and(|days| !(1..=3_650).contains(&days)) {
        return Err(Problem::bad_request(
            "keep_days",
            "must be a whole number from 1 to 3650, or null for ever",
        ));
    }
    let mut tx = state.db.tenant_tx(Role::Support, caller.tenant).await?;
    retention::set(&mut tx, caller.tenant, kind, keep_days, &caller.actor(), Utc::now()).await?;
    let rules = retention::rules(&mut tx).await?;
    let detail = json!({ "keep_days": keep_days });
    trail::record(&mut tx, &caller, "retention.put", &format!("retention:{}", kind.name()), detail).await?;
    state.db.commit(tx).await?;
    Ok(Shown(rules.into_iter().map(RuleView::from).collect()))
}
