//! A ledger for one test, with past jobs in it, and the ways to break it.

use std::time::Duration;

use jobs::{
    Store,
    audit::{self, LastAudit, Pace},
    kinds::audit_ledger::AuditReport,
};
use migrations::testing::{TestDatabase, fresh_database};
use sqlx::{AssertSqlSafe, PgConnection, PgPool, Postgres, pool::PoolConnection};

/// No slice is counted again without a reason.
pub const NO_ROUND: Pace = Pace { at_most: Duration::from_secs(60), again: Duration::ZERO };

/// Has the server count what this connection did.
pub async fn flush_statistics(conn: &mut PgConnection) {
    sqlx::query("select pg_stat_force_next_flush()").execute(conn).await.expect("the server's statistics");
}

pub struct Ledger {
    // Dropping it drops the database.
    _database: TestDatabase,
    pub admin: PgPool,
    store: Store,
}

impl Ledger {
    pub async fn new() -> Ledger {
        let database = fresh_database().await;
        let admin = PgPool::connect(&database.admin_url).await.expect("the test server answers");
        let store = Store::connect(&database.url_for("desk_worker"), 4).expect("a good URL");
        Ledger { _database: database, admin, store }
    }

    /// A connection as the engine has it.
    pub async fn engine(&self) -> PoolConnection<Postgres> {
        self.store.pool().acquire().await.expect("the test server answers")
    }

    /// Runs a statement as the server's superuser; says how many rows it touched. What it did is counted by the
    /// server when this returns.
    pub async fn admin(&self, statement: &str) -> u64 {
        let mut conn = self.admin.acquire().await.expect("the test server answers");
        let done = sqlx::query(AssertSqlSafe(statement)).execute(&mut *conn).await;
        flush_statistics(&mut conn).await;
        done.unwrap_or_else(|error| panic!("{statement}: {error}")).rows_affected()
    }

    pub async fn number(&self, query: &str) -> i64 {
        let number = sqlx::query_scalar(AssertSqlSafe(query)).fetch_one(&self.admin).await;
        number.unwrap_or_else(|error| panic!("{query}: {error}"))
    }

    /// Makes the partitions of the last days.
    pub async fn make_past_days(&self, days: i32) {
        self.admin(&format!(
            "select jobs.ensure_day(parent, (now() at time zone 'UTC')::date - n)
             from unnest(array['finished', 'attempt']) parent, generate_series(1, {days}) n"
        ))
        .await;
    }

    /// Jobs that ended so long ago, and the books of them.
    pub async fn ended(&self, n: i64, state: &str, ago: &str) {
        self.admin(&format!(
            "with ended as (
                 insert into jobs.finished (id, tenant_id, kind, queue, priority, state, attempt, max_attempts, crashes,
                     run_at, payload_version, payload, correlation_id, origin, created_at, finished_at)
                 select gen_random_uuid(), gen_random_uuid(), 'probe', 'default', 2, '{state}', 1, 5, 0, now(), 1,
                     jsonb_build_object('name', repeat('x', 400)), 'c', 'test', now() - interval '{ago}', now() - interval '{ago}'
                 from generate_series(1, {n})
                 returning queue, kind, state)
             insert into jobs.transition (queue, kind, from_state, to_state, n)
             select queue, kind, null, state, count(*) from ended group by queue, kind, state"
        ))
        .await;
    }

    /// Dead letters that died so long ago.
    pub async fn died(&self, n: i64, ago: &str) {
        self.admin(&format!(
            "with died as (
                 insert into jobs.dead (id, tenant_id, kind, queue, priority, attempt, max_attempts, crashes, run_at,
                     payload_version, payload, error, fingerprint, error_class, correlation_id, origin, created_at, finished_at)
                 select gen_random_uuid(), gen_random_uuid(), 'probe', 'default', 2, 5, 5, 0, now(), 1, '{{}}', '{{}}',
                     'f', 'test', 'c', 'test', now() - interval '{ago}', now() - interval '{ago}'
                 from generate_series(1, {n})
                 returning queue, kind)
             insert into jobs.transition (queue, kind, from_state, to_state, n)
             select queue, kind, null, 'dead', count(*) from died group by queue, kind"
        ))
        .await;
    }

    /// Jobs that wait.
    pub async fn waiting(&self, n: i64) {
        self.admin(&format!(
            "with waiting as (
                 insert into jobs.live (id, tenant_id, kind, queue, priority, state, max_attempts, run_at,
                     payload_version, payload, correlation_id, origin)
                 select gen_random_uuid(), gen_random_uuid(), 'probe', 'default', 2, 'ready', 5, now(), 1, '{{}}', 'c', 'test'
                 from generate_series(1, {n})
                 returning queue, kind)
             insert into jobs.transition (queue, kind, from_state, to_state, n)
             select queue, kind, null, 'ready', count(*) from waiting group by queue, kind"
        ))
        .await;
    }

    /// Failed attempts that ended so long ago.
    pub async fn attempts(&self, n: i64, ago: &str) {
        self.admin(&format!(
            "insert into jobs.attempt (job_id, tenant_id, kind, attempt, outcome, error_class, message, fingerprint, finished_at)
             select gen_random_uuid(), gen_random_uuid(), 'probe', 1, 'retry', 'test', repeat('x', 400), 'f', now() - interval '{ago}'
             from generate_series(1, {n})"
        ))
        .await;
    }

    /// Audits to the end.
    pub async fn audit(&self, pace: Pace) -> AuditReport {
        let mut conn = self.engine().await;
        let report =
            audit::run(&mut conn, pace).await.expect("the ledger").expect("there is little to count");
        flush_statistics(&mut conn).await;
        report
    }

    pub async fn last_audit(&self) -> LastAudit {
        audit::last(&mut *self.engine().await).await.expect("the ledger")
    }

    /// The accounts that differ: state, books, tables.
    pub async fn drifts(&self, pace: Pace) -> Vec<(String, i64, i64)> {
        let drifts = self.audit(pace).await.drifts.into_iter();
        drifts.map(|drift| (drift.state, drift.by_the_books, drift.in_the_tables)).collect()
    }
}
