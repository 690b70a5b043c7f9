//! Whether the process lives, whether it can serve, and how its parts are; and its metrics.
//!
//! Live means that the process answers. Ready means that it can keep what it is given: the database answers
//! and its schema is at least the one that this program was built for. Redis is not needed for that: while it
//! is away jobs are taken and wait, so the state is degraded and the process is ready.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use serde::Serialize;
use sqlx::Row;
use tokio::sync::Mutex;
use tokio::time::timeout;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::state::AppState;

/// What was found out is told again for this long.
const REMEMBERED: Duration = Duration::from_secs(5);

/// Readiness follows a change sooner.
const READINESS_REMEMBERED: Duration = Duration::from_secs(1);

/// A part that does not answer within this time is down.
const PATIENCE: Duration = Duration::from_secs(2);

/// The routes, with one memory for all of them.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(health))
        .routes(routes!(live))
        .routes(routes!(ready))
        .routes(routes!(render_metrics))
        .layer(Extension(Arc::new(Memory::default())))
}

/// How the process and its parts are.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "status": "ok",
    "components": { "database": "ok", "schema": "ok", "redis": "ok" },
    "data_status": { "customers_loaded": 27415, "archetypes_available": true }
}))]
pub struct Health {
    /// `ok`, `degraded` (it serves, slower or with gaps) or `down` (it cannot serve).
    pub status: &'static str,
    /// Its parts.
    pub components: Components,
    /// Which data there is.
    pub data_status: DataStatus,
    /// What an operator should do about Redis, though it answers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub redis_advice: Option<String>,
}

/// The parts: `ok`, `down`, or for the schema `outdated`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Components {
    /// Postgres.
    pub database: &'static str,
    /// Whether the migrations that this program needs are applied.
    pub schema: &'static str,
    /// Redis.
    pub redis: &'static str,
}

/// Which data there is, of all tenants together.
#[derive(Clone, Copy, Debug, Default, Serialize, ToSchema)]
pub struct DataStatus {
    /// Customers with a profile, as the server's own statistics count them (exact within a minute).
    pub customers_loaded: i64,
    /// Whether a segmentation was fitted, which gives archetypes their names, as the same statistics show it.
    pub archetypes_available: bool,
}

/// How the process and its parts are; told again for 5 s.
#[utoipa::path(
    get,
    path = "/health",
    tag = "health",
    responses(
        (status = 200, description = "ok or degraded", body = Health),
        (status = 503, description = "down", body = Health),
    ),
    security(()),
)]
async fn health(State(state): State<AppState>, Extension(memory): Extension<Arc<Memory>>) -> Response {
    answer(memory.health(&state, REMEMBERED).await)
}

/// The process answers.
#[utoipa::path(get, path = "/health/live", tag = "health", responses((status = 200, description = "it does")), security(()))]
async fn live() -> Json<serde_json::Value> {
    Json(serde_json::json!({ "status": "ok" }))
}

/// The process can keep what it is given: the database answers and its schema is new enough.
#[utoipa::path(
    get,
    path = "/health/ready",
    tag = "health",
    responses(
        (status = 200, description = "it can, perhaps without Redis", body = Health),
        (status = 503, description = "it cannot", body = Health),
    ),
    security(()),
)]
async fn ready(State(state): State<AppState>, Extension(memory): Extension<Arc<Memory>>) -> Response {
    answer(memory.health(&state, READINESS_REMEMBERED).await)
}

/// Metrics in the text format of Prometheus.
#[utoipa::path(
    get,
    path = "/metrics",
    tag = "health",
    responses((status = 200, description = "metrics", body = String, content_type = "text/plain")),
    security(()),
)]
async fn render_metrics(State(state): State<AppState>) -> Response {
    let content_type = "text/plain; version=0.0.4; charset=utf-8";
    ([(header::CONTENT_TYPE, content_type)], state.telemetry.render_metrics()).into_response()
}

fn answer(health: Health) -> Response {
    if health.status != "down" {
        return (StatusCode::OK, [(header::CACHE_CONTROL, "no-store")], Json(health)).into_response();
    }
    let headers = [(header::CACHE_CONTROL, "no-store"), (header::RETRY_AFTER, "2")];
    (StatusCode::SERVICE_UNAVAILABLE, headers, Json(health)).into_response()
}

/// What was found out last. Whoever asks meanwhile waits for the one who finds out.
#[derive(Default)]
struct Memory {
    last: Mutex<Option<(Instant, Health)>>,
}

impl Memory {
    async fn health(&self, state: &AppState, remembered: Duration) -> Health {
        let mut last = self.last.lock().await;
        if let Some((at, health)) = &*last
            && at.elapsed() < remembered
        {
            return health.clone();
        }
        let health = look(state).await;
        *last = Some((Instant::now(), health.clone()));
        health
    }
}

async fn look(state: &AppState) -> Health {
    let (database, (redis, redis_advice)) =
        tokio::join!(timeout(PATIENCE, look_at_database(state)), look_at_redis(state));
    let (components, data_status) = match database {
        Ok(Some((version, data_status))) => {
            let schema = if version >= migrations::latest_version() { "ok" } else { "outdated" };
            (Components { database: "ok", schema, redis }, data_status)
        }
        Ok(None) | Err(_) => (Components { database: "down", schema: "down", redis }, DataStatus::default()),
    };
    Health { status: overall(components), components, data_status, redis_advice }
}

fn overall(components: Components) -> &'static str {
    match (components.schema, components.redis) {
        ("ok", "ok") => "ok",
        ("ok", _) => "degraded",
        _ => "down",
    }
}

/// The schema's version and which data there is; none when the database does not answer.
async fn look_at_database(state: &AppState) -> Option<(i64, DataStatus)> {
    let mut tx = state.db.gateway_tx().await.ok()?;
    let version = migrations::applied_version(&mut tx).await.ok()?;
    // Row-level security hides the rows from this role; how many there are is in the server's statistics.
    let row = sqlx::query(
        "select coalesce(sum(n_live_tup) filter (where relname = 'customer_profile'), 0)::bigint as customers,
                coalesce(sum(n_live_tup) filter (where relname = 'segmentation'), 0) > 0 as archetypes
         from pg_stat_user_tables
         where schemaname = 'platform' and relname in ('customer_profile', 'segmentation')",
    )
    .fetch_one(&mut *tx)
    .await
    .ok()?;
    tx.commit().await.ok()?;
    let customers_loaded = row.try_get("customers").ok()?;
    let archetypes_available = row.try_get("archetypes").ok()?;
    Some((version, DataStatus { customers_loaded, archetypes_available }))
}

/// Whether it answers, and what should be done about it all the same.
async fn look_at_redis(state: &AppState) -> (&'static str, Option<String>) {
    let asked = timeout(PATIENCE, async {
        let mut link = state.dispatch.link().await.ok()?;
        state.dispatch.ping(&mut link).await.ok()?;
        // One that answers and does not tell is well.
        Some(state.dispatch.eviction_advice(&mut link).await.unwrap_or_default())
    });
    match asked.await {
        Ok(Some(advice)) => ("ok", advice),
        Ok(None) | Err(_) => ("down", None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn redis_degrades_and_the_database_decides() {
        let parts = |database, schema, redis| overall(Components { database, schema, redis });
        assert_eq!(parts("ok", "ok", "ok"), "ok");
        assert_eq!(parts("ok", "ok", "down"), "degraded");
        assert_eq!(parts("ok", "outdated", "ok"), "down");
        assert_eq!(parts("down", "down", "ok"), "down");
    }
}
