//! Work on a connection that is dead without a word: it waits for the database, and does not fail by its deadline. Work of
//! minutes finds the silence itself; of all other work its deadline does. The time in which a server may be silent is more
//! than a minute, so it is let pass and not waited for.

use std::{sync::Arc, time::Duration};

use chrono::Utc;
use database::{Db, RELEASE_WITHIN, Role};
use jobs::{
    JobKind,
    kinds::{Probe, probe::ProbeOutput},
    ledger::Claimed,
};
use migrations::testing::{TestDatabase, fresh_database, proxy::Proxy};
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use tokio::{sync::watch, task::JoinHandle};
use uuid::Uuid;

use super::{
    Halt, ProgressReporter,
    executor::attend,
    handlers::{Handler, Handlers, Ran},
};
use crate::{
    app::{App, SILENT_FOR},
    context::Ctx,
    outcome::{Outcome, done},
    testing,
};

/// The kinds that run within [`App::while_answered`], with a payload each.
fn long_work() -> [(&'static str, Value); 8] {
    [
        ("apply_retention", json!({})),
        ("close_resolved", json!({})),
        ("erase_customer", json!({ "request_id": Uuid::nil() })),
        ("recount_revenue", json!({})),
        ("recount_sla", json!({})),
        ("redact_traces", json!({ "ticket_id": Uuid::nil() })),
        ("try_rule", json!({ "trial_id": Uuid::nil() })),
        ("undo_import", json!({ "import_id": Uuid::nil() })),
    ]
}

/// Whatever a handler asks first, it waits for.
const HOLD_ALL: &str = "do $$ declare t regclass; begin
    for t in select c.oid::regclass from pg_class c join pg_namespace n on n.oid = c.relnamespace
             where c.relkind in ('r', 'p') and n.nspname in ('platform', 'support_app') loop
        execute format('lock table %s in access exclusive mode', t);
    end loop; end $$";

/// How many statements wait for a lock.
const WAITING: &str =
    "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'";

#[tokio::test]
async fn work_of_minutes_waits_for_a_database_that_says_nothing_more() {
    boot::install_tls();
    let database = fresh_database().await;
    let url = database.url_for("desk_worker");
    let proxy = Proxy::before(&url).await;
    let redis = std::env::var("TEST_REDIS_URL").expect("TEST_REDIS_URL: run the tests with `make test`");
    let mut owner = PgConnection::connect(&database.admin_url).await.expect("the test server");
    let mut watcher = PgConnection::connect(&database.admin_url).await.expect("the test server");
    let mut held = owner.begin().await.expect("a transaction");
    sqlx::raw_sql(HOLD_ALL).execute(&mut *held).await.expect("the locks");
    let (_halt, halted) = watch::channel(Halt::No);
    let mut running = Vec::new();
    for (waiting, (kind, payload)) in (1..).zip(long_work()) {
        let app: Arc<App> = Arc::new(testing::app(&proxy.url(&url), &redis));
        let handlers = crate::handlers::all(&app);
        assert_eq!(handlers.databases().len(), 2, "deadlines know of both ways to the database");
        let handler = handlers.find(kind).expect(kind);
        let job = claimed(kind, &payload);
        running.push((kind, begin(handler, &job, &halted, &mut watcher, waiting).await));
    }
    // Nobody closes the connections, and no answer comes through them any more.
    proxy.freeze_open();
    held.rollback().await.expect("the locks are free");
    // From here on time passes whenever there is nothing else to do.
    tokio::time::pause();
    for (kind, running) in running {
        let ran = tokio::time::timeout(2 * SILENT_FOR, running).await.expect(kind).expect("no panic");
        let waits = matches!(ran, Ran::MustWait { failure, .. } if failure.class == "database_unavailable");
        assert!(waits, "{kind} does not wait for the database");
    }
    tokio::time::resume();
}

/// A lock of the test's own.
const HOLD_ONE: &str = "select pg_advisory_xact_lock(1)";

async fn hold_one(ctx: Ctx, db: Arc<Db>, _: Probe) -> Outcome<ProbeOutput> {
    let mut tx = db.tenant_tx(Role::Support, ctx.tenant).await?;
    sqlx::query(HOLD_ONE).execute(&mut *tx).await?;
    db.commit(tx).await?;
    done(ProbeOutput { attempt: ctx.attempt })
}

/// A run that waits for a lock on its only connection, in a database of its own. Its deadline is longer than the machine
/// stands still.
struct Held {
    database: TestDatabase,
    proxy: Proxy,
    db: Arc<Db>,
    /// Who has the lock.
    owner: PgConnection,
    running: JoinHandle<Option<Ran>>,
    _halt: watch::Sender<Halt>,
}

impl Held {
    async fn begin() -> Held {
        boot::install_tls();
        let database = fresh_database().await;
        let url = database.url_for("desk_worker");
        let proxy = Proxy::before(&url).await;
        let db = Arc::new(Db::connect(&proxy.url(&url), 1).expect("the proxy's URL"));
        let handlers = Handlers::default().with::<Probe, _, _, _>(&db, hold_one).asking([&*db]);
        let handler = handlers.find(Probe::KIND).expect("its handler");
        let mut owner = PgConnection::connect(&database.admin_url).await.expect("the test server");
        let mut watcher = PgConnection::connect(&database.admin_url).await.expect("the test server");
        sqlx::query("select pg_advisory_lock(1)").execute(&mut owner).await.expect("the lock");
        let (halt, halted) = watch::channel(Halt::No);
        let job = claimed(Probe::KIND, &json!(Probe::default()));
        loop {
            let ctx = Ctx::new(&job, halted.clone(), ProgressReporter::default());
            let (run, halted) = (handler.run(ctx, &job), halted.clone());
            let databases = handlers.databases().to_vec();
            let deadline = Duration::from_secs(3600);
            let running = tokio::spawn(async move { attend(run, deadline, halted, &databases).await });
            if waits(&running, &mut watcher, 1).await {
                return Held { database, proxy, db, owner, running, _halt: halt };
            }
            let came_to_nothing = matches!(running.await, Ok(Some(Ran::MustWait { .. })));
            assert!(came_to_nothing, "it ended without the lock");
        }
    }

    /// Lets time pass until the deadline, and until the connection was found to say nothing. What is asked then is answered
    /// in real time.
    async fn runs_out_of_time(self) -> Ran {
        tokio::time::pause();
        self.db.mistrust().silence_since(tokio::time::Instant::now()).await;
        tokio::time::resume();
        self.running.await.expect("no panic").expect("something is written")
    }
}

#[tokio::test]
async fn a_deadline_that_comes_while_the_database_says_nothing_is_no_failure() {
    let mut held = Held::begin().await;
    held.proxy.freeze_open();
    sqlx::query("select pg_advisory_unlock(1)").execute(&mut held.owner).await.expect("the lock is free");
    let Ran::MustWait { failure, after: None } = held.runs_out_of_time().await else {
        panic!("it does not wait")
    };
    assert_eq!(failure.class, "database_unavailable");
    assert!(failure.message.contains("3600 s"), "it was its deadline that ended it: {}", failure.message);
}

#[tokio::test]
async fn a_deadline_that_comes_while_the_database_is_at_a_long_statement_is_a_failure() {
    let held = Held::begin().await;
    let mut watcher = PgConnection::connect(&held.database.admin_url).await.expect("the test server");
    // Time itself makes a statement a long one.
    let later = format!("select pg_sleep({})", RELEASE_WITHIN.as_secs() + 1);
    sqlx::raw_sql(AssertSqlSafe(later)).execute(&mut watcher).await.expect("it passes");
    let Ran::MayRetry { failure, after: None } = held.runs_out_of_time().await else {
        panic!("it was not slow")
    };
    assert_eq!(failure.class, "timeout");
}

/// Runs a handler until it waits for a lock, as the `waiting`th statement.
async fn begin(
    handler: &Handler,
    job: &Claimed,
    halted: &watch::Receiver<Halt>,
    watcher: &mut PgConnection,
    waiting: i64,
) -> JoinHandle<Ran> {
    loop {
        let ctx = Ctx::new(job, halted.clone(), ProgressReporter::default());
        let running = tokio::spawn(handler.run(ctx, job));
        if waits(&running, watcher, waiting).await {
            return running;
        }
        // The machine stood still for longer than a connection is waited for.
        let came_to_nothing = matches!(running.await, Ok(Ran::MustWait { .. }));
        assert!(came_to_nothing, "{} ended without a look into the database", job.kind);
    }
}

/// Waits until so many statements wait for a lock; false when the run ended before.
async fn waits<T>(running: &JoinHandle<T>, watcher: &mut PgConnection, waiting: i64) -> bool {
    while !running.is_finished() {
        let now: i64 = sqlx::query_scalar(WAITING).fetch_one(&mut *watcher).await.expect("an answer");
        if now == waiting {
            return true;
        }
    }
    false
}

fn claimed(kind: &str, payload: &Value) -> Claimed {
    Claimed {
        id: Uuid::now_v7(),
        tenant: Uuid::now_v7(),
        kind: kind.to_owned(),
        queue: "default".to_owned(),
        attempt: 1,
        max_attempts: 3,
        crashes: 0,
        payload_version: 1,
        payload: serde_json::value::to_raw_value(payload).expect("a payload is JSON"),
        correlation_id: String::new(),
        trace_parent: None,
        created_at: Utc::now(),
        run_at: Utc::now(),
        claimed_at: Utc::now(),
        waiting_since: None,
        concurrency_key: None,
        limited: false,
        may_have_successor: false,
        lease: Uuid::now_v7(),
    }
}
