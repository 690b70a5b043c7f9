//! Schedules, for operators: what runs when, pausing it, and running it now.

use accounts::api_keys::Scope;
use axum::{
    Json,
    extract::{Path, State},
};
use jobs::schedules::{self, Schedule};
use serde_json::json;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    state::AppState,
    web::{
        auth::{Allowed, Caller},
        body, correlation,
        idempotency::{self, Answer, IdempotencyKey},
        page::Page,
        problem::Problem,
        trail,
    },
};

/// The routes.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(pause))
        .routes(routes!(resume))
        .routes(routes!(trigger))
}

/// Every schedule, by name.
#[utoipa::path(
    get,
    path = "/api/admin/schedules",
    tag = "operations",
    responses((status = 200, description = "all schedules", body = serde_json::Value, example = json!({"items": [{
        "name": "prune_history", "kind": "prune_history", "payload": {}, "cron": "30 3 * * *", "timezone": "UTC",
        "scope": "system", "catch_up": "once", "paused": false, "decided_until": "2026-01-31T03:30:00Z",
        "changed_by": "default", "spread_secs": 0, "dedup_key": null
    }], "next_cursor": null}))),
)]
async fn list(State(state): State<AppState>, caller: Caller) -> Result<Json<Page<Schedule>>, Problem> {
    caller.require(Scope::Operator)?;
    let mut tx = state.db.queue_tx().await?;
    let items = schedules::list(&mut tx).await?;
    tx.commit().await?;
    Ok(Json(Page { items, next_cursor: None }))
}

/// Pauses a schedule: what falls into the pause is not caught up.
#[utoipa::path(
    post,
    path = "/api/admin/schedules/{name}/pause",
    tag = "operations",
    params(("name" = String, Path, description = "the schedule")),
    responses((status = 200, description = "the schedule as it is now", body = serde_json::Value,
        example = json!({"name": "prune_history", "paused": true}))),
)]
async fn pause(
    State(state): State<AppState>,
    caller: Caller,
    Path(name): Path<String>,
) -> Result<Json<Schedule>, Problem> {
    set(&state, &caller, &name, true).await
}

/// Resumes a schedule.
#[utoipa::path(
    post,
    path = "/api/admin/schedules/{name}/resume",
    tag = "operations",
    params(("name" = String, Path, description = "the schedule")),
    responses((status = 200, description = "the schedule as it is now", body = serde_json::Value,
        example = json!({"name": "prune_history", "paused": false}))),
)]
async fn resume(
    State(state): State<AppState>,
    caller: Caller,
    Path(name): Path<String>,
) -> Result<Json<Schedule>, Problem> {
    set(&state, &caller, &name, false).await
}

/// Runs a schedule now, besides its times.
#[utoipa::path(
    post,
    path = "/api/admin/schedules/{name}/trigger",
    tag = "operations",
    params(
        ("name" = String, Path, description = "the schedule"),
        ("Idempotency-Key" = Option<String>, Header, description = "the same for every repetition of one request"),
    ),
    responses((status = 202, description = "its jobs: one, or one for each tenant", body = serde_json::Value,
        example = json!({"job_ids": ["0199c0de-7e1a-7c51-8f3a-2b9d5e6f7a81"]}))),
)]
async fn trigger(
    State(state): State<AppState>,
    Allowed(caller): Allowed<{ Scope::Operator as u8 }>,
    Path(name): Path<String>,
    key: IdempotencyKey,
    body::Json { digest, .. }: body::Json<Nothing>,
) -> Result<Answer, Problem> {
    let mut tx = state.db.queue_tx().await?;
    if let Some(answer) = idempotency::replay(&mut tx, caller.tenant, &key, &digest).await? {
        return Ok(answer);
    }
    let schedule = schedules::find(&mut tx, &name).await?.ok_or_else(unknown)?;
    let (ids, announcement) =
        schedules::trigger(&mut tx, &schedule, kinds::find(&schedule.kind)?, correlation::current().as_str())
            .await?;
    let mut answer = Answer::ok(&json!({ "job_ids": ids }));
    answer.status = axum::http::StatusCode::ACCEPTED;
    if let [id] = ids[..] {
        answer.location = Some(format!("/api/jobs/{id}"));
    }
    idempotency::keep(&mut tx, caller.tenant, &key, &digest, &answer).await?;
    let detail = json!({ "jobs": ids.len() });
    trail::record(&mut tx, &caller, "schedule.trigger", &format!("schedule:{name}"), detail).await?;
    tx.commit().await?;
    state.dispatch.announce(announcement);
    Ok(answer)
}

/// The body of a request that needs none.
#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Nothing {}

async fn set(state: &AppState, caller: &Caller, name: &str, paused: bool) -> Result<Json<Schedule>, Problem> {
    caller.require(Scope::Operator)?;
    let mut tx = state.db.queue_tx().await?;
    if !schedules::set_paused(&mut tx, name, paused, &caller.actor()).await? {
        return Err(unknown());
    }
    let schedule = schedules::find(&mut tx, name).await?.ok_or_else(unknown)?;
    let action = if paused { "schedule.pause" } else { "schedule.resume" };
    trail::record(&mut tx, caller, action, &format!("schedule:{name}"), json!({})).await?;
    tx.commit().await?;
    Ok(Json(schedule))
}

fn unknown() -> Problem {
    Problem::not_found("there is no such schedule")
}
