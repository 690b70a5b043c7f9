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
use chrono::{DateTime, TimeDelta, Utc};
use jobs::dispatch::{RedisError, what_to_do};
use serde::Serialize;
use tokio::sync::watch;
use tokio::time::timeout;
use upstreams::anthropic;
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
    /// Until when no model is called, because it named a time of a minute or more. Drafts that would wait
    /// for minutes come from the built-in drafter.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub models_left_alone_until: Option<DateTime<Utc>>,
    /// Since when no scheduler leads. Until one does, nothing that is due later or to be retried begins, and no
    /// schedule runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scheduler_away_since: Option<DateTime<Utc>>,
}

/// The parts: `ok`, `down`, for the schema `outdated`, and for Redis `refuses` (it answers and takes nothing) and
/// `unknown` until it was looked at.
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

/// How Redis is, and what it says.
#[derive(Clone, Debug)]
struct Redis {
    status: &'static str,
    /// What should be done about it.
    advice: Option<String>,
    /// Until when no model is called.
    models_left_alone_until: Option<DateTime<Utc>>,
}

impl Redis {
    fn silent(status: &'static str) -> Redis {
        Redis { status, advice: None, models_left_alone_until: None }
    }
}

impl Default for Memory {
    fn default() -> Memory {
        Memory {
            last: watch::Sender::new(None),
            redis: watch::Sender::new(Redis::silent("unknown")),
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
    fn without_database(redis: Redis) -> Health {
        let components = Components { database: "down", schema: "down", redis: redis.status };
        Health::of(components, DataStatus::default(), redis)
    }

    fn of(components: Components, data_status: DataStatus, redis: Redis) -> Health {
        let Redis { advice, models_left_alone_until, .. } = redis;
        let status = match overall(components) {
            "ok" if models_left_alone_until.is_some() => "degraded",
            status => status,
        };
        Health {
            status,
            components,
            data_status,
            redis_advice: advice,
            models_left_alone_until,
            scheduler_away_since: None,
        }
    }

    /// The same where no scheduler leads since then.
    fn led_by_nobody(self, since: Option<DateTime<Utc>>) -> Health {
        let status = if self.status == "ok" && since.is_some() { "degraded" } else { self.status };
        Health { status, scheduler_away_since: since, ..self }
    }
}

async fn look(state: AppState, memory: Arc<Memory>) -> Health {
    let redis = async {
        let found = look_at_redis(&state).await;
        memory.redis.send_replace(found.clone());
        found
    };
    let (database, redis, leaderless) = tokio::join!(
        timeout(DATABASE_PATIENCE, look_at_database(&state)),
        redis,
        timeout(DATABASE_PATIENCE, look_at_leader(&state)),
    );
    let Ok(Some((version, data_status))) = database else {
        return Health::without_database(redis);
    };
    let schema = if version >= migrations::latest_version() { "ok" } else { "outdated" };
    let components = Components { database: "ok", schema, redis: redis.status };
    Health::of(components, data_status, redis).led_by_nobody(leaderless.ok().flatten())
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

/// Since when no scheduler leads; none when that cannot be told.
async fn look_at_leader(state: &AppState) -> Option<DateTime<Utc>> {
    let mut tx = state.db.queue_tx().await.ok()?;
    let since = jobs::schedules::leaderless_since(&mut tx).await.ok()?;
    tx.commit().await.ok()?;
    since
}

/// Whether it answers, and what should be done about it all the same.
async fn look_at_redis(state: &AppState) -> Redis {
    let asked = timeout(REDIS_PATIENCE, async {
        let mut link = state.dispatch.link().await?;
        // One that answers may refuse whatever it is told, and then nothing begins.
        state.dispatch.try_write(&mut link).await?;
        // One that answers and does not tell is well.
        let advice = state.dispatch.eviction_advice(&mut link).await.unwrap_or_default();
        let left_alone = state.pace.left_alone_for(anthropic::UPSTREAM).await;
        let models_left_alone_until =
            left_alone.and_then(|left| Utc::now().checked_add_signed(TimeDelta::from_std(left).ok()?));
        Ok::<_, RedisError>(Redis { status: "ok", advice, models_left_alone_until })
    });
    match asked.await {
        Ok(Ok(redis)) => redis,
        Ok(Err(error)) => refused(&error),
        Err(_) => Redis::silent("down"),
    }
}

/// One that is away is down; one that refuses is so until somebody does something.
fn refused(error: &RedisError) -> Redis {
    match what_to_do(error) {
        Some(advice) => {
            let advice = format!("redis refuses what it is told; jobs wait in the ledger. {advice}");
            Redis { advice: Some(advice), ..Redis::silent("refuses") }
        }
        None => Redis::silent("down"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn working() -> Health {
        let components = Components { database: "ok", schema: "ok", redis: "ok" };
        Health::of(components, DataStatus::default(), Redis::silent("ok"))
    }

    #[test]
    fn models_that_are_left_alone_degrade_and_are_told() {
        let components = Components { database: "ok", schema: "ok", redis: "ok" };
        let until = Utc::now();
        let redis = Redis { models_left_alone_until: Some(until), ..Redis::silent("ok") };
        let told = Health::of(components, DataStatus::default(), redis);
        assert_eq!((told.status, told.models_left_alone_until), ("degraded", Some(until)));
        assert_eq!(working().status, "ok");
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
        let unknown = || Health::without_database(Redis::silent("unknown"));
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
        memory.redis.send_replace(Redis::silent("ok"));
        let told = memory.health(Duration::ZERO, std::future::pending()).await;
        assert_eq!((told.status, told.components.database, told.components.redis), ("down", "down", "ok"));
        memory.redis.send_replace(Redis::silent("down"));
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
