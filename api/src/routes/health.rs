//! Whether the process lives, whether it can serve, and how its parts are; and its metrics.
//!
//! Live means that the process answers. Ready means that it can keep what it is given: the database answers
//! and its schema is at least the one that this program was built for. Redis is not needed for that: while it
//! is away jobs are taken and wait, so the state is degraded and the process is ready.
//!
//! Whoever asks has a second at most (that is what Kubernetes gives a probe), and a server that stands still answers
//! nothing at all. So looks go on in the background, and who asks is told of the last one when the present one takes
//! too long. A pool that is busy for a moment does not make the process unready, and one that stays so does.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use serde::Serialize;
use tokio::sync::watch;
use tokio::time::timeout;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::state::AppState;

/// What was found out is told again for this long.
const REMEMBERED: Duration = Duration::from_secs(5);

/// Readiness follows a change sooner.
const READINESS_REMEMBERED: Duration = Duration::from_secs(1);

/// Who asks is answered within this time, whatever the parts do.
const ANSWER_WITHIN: Duration = Duration::from_millis(400);

/// Until a look is over, the last one is told if it is no older than this.
const STALE_AFTER: Duration = Duration::from_secs(10);

/// A database that does not answer within this time is down: as long as a request waits for a connection.
const DATABASE_PATIENCE: Duration = Duration::from_secs(2);

/// The same for Redis. Its being away only degrades, so it may be judged before who asks is answered.
const REDIS_PATIENCE: Duration = Duration::from_millis(300);

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

/// The parts: `ok`, `down`, for the schema `outdated`, and `unknown` for Redis until it was looked at.
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
    answer(memory.health(REMEMBERED, look(state, memory.clone())).await)
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
    answer(memory.health(READINESS_REMEMBERED, look(state, memory.clone())).await)
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

/// What was found out last, and whether somebody is finding out.
struct Memory {
    last: watch::Sender<Option<(Instant, Health)>>,
    /// What the last look found of Redis, which is known long before a database is given up.
    redis: watch::Sender<Redis>,
    is_looking: AtomicBool,
}

/// How Redis is, and what should be done about it.
type Redis = (&'static str, Option<String>);

impl Default for Memory {
    fn default() -> Memory {
        Memory {
            last: watch::Sender::new(None),
            redis: watch::Sender::new(("unknown", None)),
            is_looking: AtomicBool::new(false),
        }
    }
}

impl Memory {
    /// What was found out within `remembered`; else what `look` finds out; and while that takes too long, what was
    /// found out before, or that the database is not known to work.
    async fn health(
        self: &Arc<Memory>,
        remembered: Duration,
        look: impl Future<Output = Health> + Send + 'static,
    ) -> Health {
        let mut finding = self.last.subscribe();
        if let Some(health) = self.found_within(remembered) {
            return health;
        }
        self.start(look);
        // What the look found is new, so it is within any time. Waiting in vain leaves what was known before.
        let _ = timeout(ANSWER_WITHIN, finding.changed()).await;
        self.found_within(STALE_AFTER)
            .unwrap_or_else(|| Health::without_database(self.redis.borrow().clone()))
    }

    fn found_within(&self, time: Duration) -> Option<Health> {
        let last = self.last.borrow();
        last.as_ref().filter(|(at, _)| at.elapsed() < time).map(|(_, health)| health.clone())
    }

    /// Looks in a task of its own, unless somebody does.
    fn start(self: &Arc<Memory>, look: impl Future<Output = Health> + Send + 'static) {
        if self.is_looking.swap(true, Ordering::AcqRel) {
            return;
        }
        let memory = self.clone();
        tokio::spawn(async move {
            let health = look.await;
            memory.last.send_replace(Some((Instant::now(), health)));
            memory.is_looking.store(false, Ordering::Release);
        });
    }
}

impl Health {
    /// The database does not answer, or has not yet.
    fn without_database((redis, redis_advice): Redis) -> Health {
        let components = Components { database: "down", schema: "down", redis };
        Health { status: overall(components), components, data_status: DataStatus::default(), redis_advice }
    }
}

async fn look(state: AppState, memory: Arc<Memory>) -> Health {
    let redis = async {
        let found = look_at_redis(&state).await;
        memory.redis.send_replace(found.clone());
        found
    };
    let (database, (redis, redis_advice)) =
        tokio::join!(timeout(DATABASE_PATIENCE, look_at_database(&state)), redis);
    let Ok(Some((version, data_status))) = database else {
        return Health::without_database((redis, redis_advice));
    };
    let schema = if version >= migrations::latest_version() { "ok" } else { "outdated" };
    let components = Components { database: "ok", schema, redis };
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
    let (customers_loaded, archetypes_available) = sqlx::query_as(
        "select coalesce(sum(n_live_tup) filter (where relname = 'customer_profile'), 0)::bigint as customers,
                coalesce(sum(n_live_tup) filter (where relname = 'segmentation'), 0) > 0 as archetypes
         from pg_stat_user_tables
         where schemaname = 'platform' and relname in ('customer_profile', 'segmentation')",
    )
    .fetch_one(&mut *tx)
    .await
    .ok()?;
    tx.commit().await.ok()?;
    Some((version, DataStatus { customers_loaded, archetypes_available }))
}

/// Whether it answers, and what should be done about it all the same.
async fn look_at_redis(state: &AppState) -> Redis {
    let asked = timeout(REDIS_PATIENCE, async {
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

    fn working() -> Health {
        let components = Components { database: "ok", schema: "ok", redis: "ok" };
        Health {
            status: overall(components),
            components,
            data_status: DataStatus::default(),
            redis_advice: None,
        }
    }

    #[tokio::test]
    async fn who_asks_is_answered_while_a_look_never_ends() {
        let memory = Arc::new(Memory::default());
        assert_eq!(memory.health(READINESS_REMEMBERED, std::future::pending()).await.status, "down");
        // Nobody looks a second time meanwhile.
        assert_eq!(memory.health(READINESS_REMEMBERED, async { working() }).await.status, "down");
    }

    #[tokio::test]
    async fn the_last_look_is_told_until_the_next_one_is_over() {
        let memory = Arc::new(Memory::default());
        assert_eq!(memory.health(Duration::ZERO, async { working() }).await.status, "ok");
        let (found, finding) = tokio::sync::oneshot::channel();
        let unknown = || Health::without_database(("unknown", None));
        let stuck = async move { finding.await.unwrap_or_else(|_| unknown()) };
        assert_eq!(memory.health(Duration::ZERO, stuck).await.status, "ok");
        let mut told = memory.last.subscribe();
        found.send(unknown()).expect("the look is under way");
        told.changed().await.expect("the look ends");
        assert_eq!(memory.health(REMEMBERED, std::future::pending()).await.status, "down");
    }

    #[tokio::test]
    async fn redis_is_told_as_it_is_while_the_database_says_nothing() {
        let memory = Arc::new(Memory::default());
        let before = memory.health(Duration::ZERO, std::future::pending()).await;
        assert_eq!((before.status, before.components.redis), ("down", "unknown"));
        memory.redis.send_replace(("ok", None));
        let told = memory.health(Duration::ZERO, std::future::pending()).await;
        assert_eq!((told.status, told.components.database, told.components.redis), ("down", "down", "ok"));
        memory.redis.send_replace(("down", None));
        assert_eq!(memory.health(Duration::ZERO, std::future::pending()).await.components.redis, "down");
    }

    #[test]
    fn redis_degrades_and_the_database_decides() {
        let parts = |database, schema, redis| overall(Components { database, schema, redis });
        assert_eq!(parts("ok", "ok", "ok"), "ok");
        assert_eq!(parts("ok", "ok", "down"), "degraded");
        assert_eq!(parts("ok", "outdated", "ok"), "down");
        assert_eq!(parts("down", "down", "ok"), "down");
    }
}
