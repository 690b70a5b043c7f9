//! Dry runs: a rule tried on the tickets of the past, as a job with progress, and what it would have done.

use accounts::api_keys::Scope;
use axum::extract::{Path, State};
use axum::http::Uri;
use chrono::{Duration, Utc};
use database::Role;
use jobs::NewJob;
use serde::{Deserialize, Serialize};
use serde_json::json;
use support::kinds::TryRule;
use support::rules::store;
use support::rules::trial::{self, Hit, MOST_DAYS, Trial, Wish};
use utoipa::ToSchema;
use uuid::Uuid;

use super::list::unknown;
use super::{RuleBody, refused};
use crate::state::AppState;
use crate::web::auth::{Allowed, Caller};
use crate::web::body::Json;
use crate::web::correlation;
use crate::web::idempotency::{self, Answer, IdempotencyKey};
use crate::web::page::{Page, PageRequest, bad_cursor};
use crate::web::problem::{Problem, ProblemDocument};
use crate::web::query::{self, Params};
use crate::web::trail;

/// On what a rule is tried.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"days": 30}))]
pub struct TrialWish {
    /// How many days back, 1 to 92; 30 when missing.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 92)]
    days: Option<i64>,
    /// What the rule might say instead of what it says.
    #[serde(default)]
    rule: Option<RuleBody>,
}

/// A trial that is under way.
#[derive(Debug, Serialize, ToSchema)]
pub struct TrialAsked {
    /// As in GET /api/rules/{id}/dry-runs/{dry_run_id}.
    dry_run_id: Uuid,
    /// As in GET /api/jobs/{id}, with its progress.
    job_id: Uuid,
}

/// Try a rule on the past. Nothing is done; the result says what would have been.
#[utoipa::path(
    post,
    path = "/api/rules/{id}/dry-run",
    tag = "rules",
    params(
        ("id" = Uuid, Path, description = "the rule"),
        ("Idempotency-Key" = Option<String>, Header, description = "the same key and request have the same answer"),
    ),
    request_body = TrialWish,
    responses(
        (status = 202, description = "it is under way", body = TrialAsked),
        (status = 404, description = "there is no such rule", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 422, description = "something in it cannot be; the field says what", body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
pub async fn ask(
    State(state): State<AppState>,
    Allowed(caller): Allowed<{ Scope::SettingsWrite as u8 }>,
    Path(id): Path<String>,
    key: IdempotencyKey,
    body: Json<TrialWish>,
) -> Result<Answer, Problem> {
    let id = query::id("id", &id)?;
    let days = body.value.days.unwrap_or(30);
    if !(1..=MOST_DAYS).contains(&days) {
        return Err(Problem::bad_request("days", format!("must be 1 to {MOST_DAYS}")));
    }
    let mut tx = state.db.tenant_tx(Role::Support, caller.tenant).await?;
    if let Some(answer) = idempotency::replay(&mut tx, caller.tenant, &key, &body.digest).await? {
        return Ok(answer);
    }
    let rule = store::get(&mut tx, id).await?.ok_or_else(unknown)?;
    let spec = match body.value.rule {
        Some(rule) => rule.spec(),
        None => rule.spec,
    };
    store::check(&mut tx, &spec).await.map_err(refused)?;
    let until = Utc::now();
    let trial = Uuid::now_v7();
    let job = correlation::caused(NewJob::of(caller.tenant, &TryRule { trial_id: trial })?)
        .with_dedup_key(&trial.to_string())?;
    let by = caller.actor();
    let from = until - Duration::days(days);
    let wish = Wish { id: trial, rule: id, spec: &spec, from, until, by: &by, job: job.id() };
    trial::ask(&mut tx, caller.tenant, &wish).await?;
    let (enqueued, announcement) = jobs::enqueue_one(&mut tx, job).await?;
    let answer = Answer::accepted(enqueued.id, &TrialAsked { dry_run_id: trial, job_id: enqueued.id });
    idempotency::keep(&mut tx, caller.tenant, &key, &body.digest, &answer).await?;
    trail::record(&mut tx, &caller, "rule.dry-run", &format!("rule:{id}"), json!({ "days": days })).await?;
    state.db.commit(tx).await?;
    state.dispatch.announce(announcement);
    Ok(answer)
}

/// What a trial came to.
#[derive(Debug, Serialize, ToSchema)]
pub struct TrialView {
    /// The trial.
    #[schema(value_type = serde_json::Value)]
    dry_run: Trial,
    /// What it would have done, in the order of time; 5,000 at most are kept.
    #[serde(flatten)]
    #[schema(value_type = serde_json::Value)]
    hits: Page<Hit>,
}

/// What a trial came to: counts, and each time that the rule would have fired with what it would have done.
#[utoipa::path(
    get,
    path = "/api/rules/{id}/dry-runs/{dry_run_id}",
    tag = "rules",
    params(
        ("id" = Uuid, Path, description = "the rule"),
        ("dry_run_id" = Uuid, Path, description = "the trial"),
        ("limit" = Option<i64>, Query, description = "1 to 100; 50 when missing"),
        ("cursor" = Option<String>, Query, description = "next_cursor of the page before"),
    ),
    responses(
        (status = 200, description = "its state and a page of what it would have done", body = TrialView),
        (status = 404, description = "there is none", body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
pub async fn show(
    State(state): State<AppState>,
    caller: Caller,
    Path((id, trial)): Path<(String, String)>,
    uri: Uri,
) -> Result<axum::Json<TrialView>, Problem> {
    caller.require(Scope::TicketsRead)?;
    let page = PageRequest::of(&Params::of(&uri, &["limit", "cursor"])?)?;
    let after: Option<i64> =
        page.after.as_deref().map(|text| text.parse().map_err(|_| bad_cursor())).transpose()?;
    let (id, trial) = (query::id("id", &id)?, query::id("dry_run_id", &trial)?);
    let mut tx = state.db.tenant_tx(Role::Support, caller.tenant).await?;
    let found = trial::get(&mut tx, trial).await?.filter(|found| found.rule_id == id);
    let found = found.ok_or_else(|| Problem::not_found("the rule was not tried under this id"))?;
    let hits = trial::hits(&mut tx, trial, after.unwrap_or(0), page.limit_and_one()).await?;
    tx.commit().await?;
    let hits = page.page(hits, |hit| hit.seq.to_string());
    Ok(axum::Json(TrialView { dry_run: found, hits }))
}
