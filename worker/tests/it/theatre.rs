//! A stage for the runtime: a real ledger, a real Redis, and a kind of job that does what its test wants.

use std::{
    collections::BTreeMap,
    io::ErrorKind,
    sync::{
        Arc,
        atomic::{AtomicI64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use chrono::{DateTime, Utc};
use database::{Db, ids::TenantId};
use futures_util::FutureExt;
use jobs::{
    Dispatch, JobId, JobKind, NewJob, Policy, Store,
    audit::{self, Pace},
    contract::{Access, Backoff, Priority, Rerun},
    dispatch::Server,
    enqueue,
    events::Waiters,
    read::{self, JobView},
    sweep,
};
use migrations::testing::{TestDatabase, fresh_database};
use serde::{Deserialize, Serialize};
use sqlx::{Connection, PgConnection};
use tokio::{
    sync::{Barrier, Notify, oneshot},
    task::JoinHandle,
};
use upstreams::{
    ClientError,
    error::{Effect, PauseReason},
    files::FilesError,
};
use uuid::Uuid;
use worker::{
    context::Ctx,
    outcome::{Outcome, Stop, done, done_then},
    runtime::{self, Handlers, Options, Pulse},
    testing::drain,
};

/// A job that does what its test wants.
#[derive(Serialize, Deserialize, Clone, Debug, Default)]
pub struct Act {
    pub step: String,
    #[serde(default)]
    pub added_in_version_2: bool,
}

impl JobKind for Act {
    type Output = String;
    const KIND: &'static str = "act";
    const VERSION: i16 = 2;
    const POLICY: Policy = Policy {
        queue: "acts",
        priority: Priority::Normal,
        max_attempts: 3,
        backoff: Backoff { base: Duration::from_millis(1), cap: Duration::from_millis(2) },
        // Longer than a machine stands still: what a test holds must not run out of time meanwhile.
        deadline: Duration::from_secs(60),
        key_limit: 1,
        access: Access::Operator,
        rerun: Rerun::Never,
    };

    fn upgrade(version: i16, payload: serde_json::Value) -> Result<Act, String> {
        match version {
            1 => {
                let act: Act = serde_json::from_value(payload).map_err(|error| error.to_string())?;
                Ok(Act { added_in_version_2: true, ..act })
            }
            other => Err(format!("version {other} is unknown")),
        }
    }
}

/// A job that never ends, and has no time.
#[derive(Serialize, Deserialize, Clone, Debug, Default)]
pub struct Hang {}

impl JobKind for Hang {
    type Output = String;
    const KIND: &'static str = "hang";
    const VERSION: i16 = 1;
    const POLICY: Policy = Policy { deadline: Duration::from_millis(50), ..Act::POLICY };
}

/// What a test sees of the runs, and holds them by.
pub struct Stage {
    pub runs: AtomicUsize,
    at_once: AtomicI64,
    pub most_at_once: AtomicI64,
    pub started: Notify,
    pub go_on: Notify,
    /// Where two that run at the same time meet.
    meeting: Barrier,
    /// What the runs ask.
    pub db: Db,
}

impl Stage {
    fn on(db: Db) -> Stage {
        Stage {
            runs: AtomicUsize::new(0),
            at_once: AtomicI64::new(0),
            most_at_once: AtomicI64::new(0),
            started: Notify::new(),
            go_on: Notify::new(),
            meeting: Barrier::new(2),
            db,
        }
    }
}

async fn act(ctx: Ctx, stage: Arc<Stage>, act: Act) -> Outcome<String> {
    stage.runs.fetch_add(1, Ordering::SeqCst);
    let now = stage.at_once.fetch_add(1, Ordering::SeqCst) + 1;
    stage.most_at_once.fetch_max(now, Ordering::SeqCst);
    let outcome = perform(&ctx, &stage, &act).await;
    stage.at_once.fetch_sub(1, Ordering::SeqCst);
    outcome
}

async fn hang(_: Ctx, _: Arc<Stage>, _: Hang) -> Outcome<String> {
    std::future::pending().await
}

async fn perform(ctx: &Ctx, stage: &Stage, act: &Act) -> Outcome<String> {
    match act.step.as_str() {
        "succeed" => done(format!("attempt {}", ctx.attempt)),
        "upgraded" => done(format!("upgraded {}", act.added_in_version_2)),
        "fail twice" if ctx.attempt < 3 => Err(Stop::retry("test", "not yet")),
        "fail twice" => done("at last".to_owned()),
        "fail always" => Err(Stop::retry("test", "never number 7")),
        "fail for good" => Err(Stop::fail("test", "hopeless")),
        "panic" => panic!("stage fright"),
        "snooze once" if stage.runs.load(Ordering::SeqCst) == 1 => {
            Err(Stop::Snooze(Duration::from_millis(1)))
        }
        "snooze once" => done(format!("attempt {}", ctx.attempt)),
        "no database" if stage.runs.load(Ordering::SeqCst) == 1 => {
            Err(database::DbError::from(sqlx::Error::PoolTimedOut).into())
        }
        "no database" => done(format!("attempt {}", ctx.attempt)),
        step if step.starts_with("miss ") => Err(missing(step.trim_start_matches("miss "))),
        step if step.starts_with("raise ") => {
            if stage.runs.load(Ordering::SeqCst) == 1 {
                let code = step.trim_start_matches("raise ");
                let raise = format!("do $$ begin raise exception 'raised' using errcode = '{code}'; end $$");
                sqlx::raw_sql(sqlx::AssertSqlSafe(raise)).execute(stage.db.pool()).await?;
            }
            done(format!("attempt {}", ctx.attempt))
        }
        "subject gone" => Err(Stop::Cancel("the subject is gone".to_owned())),
        "follow" => {
            let next = NewJob::of(ctx.tenant, &Act { step: "succeed".to_owned(), ..Act::default() })?
                .with_parent(ctx.job_id);
            done_then("followed".to_owned(), vec![next])
        }
        "report" => {
            ctx.progress(3, Some(4), "three of four");
            stage.started.notify_one();
            stage.go_on.notified().await;
            // At the end, of which nobody hears while it runs.
            ctx.progress(4, Some(4), "four of four");
            done("reported".to_owned())
        }
        "wait" => {
            stage.started.notify_one();
            stage.go_on.notified().await;
            done("went on".to_owned())
        }
        "meet" => {
            stage.meeting.wait().await;
            done(String::new())
        }
        "brief" => {
            tokio::task::yield_now().await;
            done(String::new())
        }
        "large" => done("x".repeat(jobs::MAX_RESULT_BYTES - 2)),
        "huge" => done("x".repeat(jobs::MAX_RESULT_BYTES + 1)),
        // JSON that Postgres does not store.
        "unwritable" => done("\0".to_owned()),
        other => Err(Stop::fail("test", other)),
    }
}

/// What the places that a handler asks answer when there is nothing to be had from them.
fn missing(what: &str) -> Stop {
    let after = Duration::from_secs(3600);
    let upstream = "gorgias";
    let asked_to_wait = |reason| ClientError::RetryAfter { upstream, after, reason };
    match what {
        "an upstream that names a time" => asked_to_wait(PauseReason::AskedToWait).into(),
        "our own circuit" => asked_to_wait(PauseReason::CircuitOpen).into(),
        "an upstream that names none" => {
            ClientError::Busy { upstream, reason: PauseReason::Overloaded, effect: Effect::None }.into()
        }
        "a free connection" => sqlx::Error::PoolTimedOut.into(),
        "the ledger" => jobs::QueueError::from(sqlx::Error::Io(ErrorKind::ConnectionReset.into())).into(),
        "redis" => {
            jobs::QueueError::Dispatch(std::io::Error::from(ErrorKind::ConnectionRefused).into()).into()
        }
        "a key of the queue" => jobs::QueueError::Contended { kind: Act::KIND }.into(),
        "the store of files" => FilesError::Full.into(),
        "another run" => Stop::under_way(),
        other => Stop::fail("test", other),
    }
}

/// A tenant, its ledger and a worker whose only kind of job is [`Act`].
pub struct Theatre {
    database: TestDatabase,
    url: String,
    pub store: Store,
    pub dispatch: Dispatch,
    pub stage: Arc<Stage>,
    pub tenant: TenantId,
}

impl Theatre {
    pub async fn open() -> Theatre {
        boot::install_tls();
        let database = fresh_database().await;
        let url = database.url_for("desk_worker");
        let redis = std::env::var("TEST_REDIS_URL").expect("TEST_REDIS_URL: run the tests with `make test`");
        let prefix = format!("test-{}", Uuid::now_v7().simple());
        Theatre {
            store: Store::connect(&url, 16).expect("the test database's URL"),
            dispatch: Dispatch::new(Server::new(&redis).expect("the test Redis's URL"), &prefix),
            stage: Arc::new(Stage::on(Db::connect(&url, 2).expect("the test database's URL"))),
            url,
            database,
            tenant: TenantId(Uuid::now_v7()),
        }
    }

    /// As whom the worker connects.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// A connection as the owner of the database.
    pub async fn admin(&self) -> PgConnection {
        PgConnection::connect(&self.database.admin_url).await.expect("the test server")
    }

    fn handlers(&self) -> Handlers {
        Handlers::default().with::<Act, _, _, _>(&self.stage, act).with::<Hang, _, _, _>(&self.stage, hang)
    }

    pub fn job(&self, step: &str) -> NewJob {
        match step {
            "hang" => NewJob::of(self.tenant, &Hang {}),
            _ => NewJob::of(self.tenant, &Act { step: step.to_owned(), ..Act::default() }),
        }
        .expect("a small payload")
    }

    pub async fn enqueue(&self, jobs: &[NewJob]) -> Vec<JobId> {
        let mut conn = self.store.pool().acquire().await.expect("the ledger");
        let (enqueued, announcement) = enqueue(&mut conn, jobs).await.expect("the ledger takes them");
        self.dispatch.announce(announcement);
        enqueued.into_iter().map(|job| job.id).collect()
    }

    /// Works everything off, later attempts included.
    pub async fn play(&self) {
        loop {
            drain(&self.store, &self.dispatch, self.handlers(), &self.url, &["acts"])
                .await
                .expect("the drain");
            let mut conn = self.store.pool().acquire().await.expect("the ledger");
            let due: Option<DateTime<Utc>> = sqlx::query_scalar("select min(due_at) from jobs.live")
                .fetch_one(&mut *conn)
                .await
                .expect("the ledger");
            let Some(due) = due else { return };
            // the next attempt is due within two milliseconds; time itself is what is awaited
            tokio::time::sleep((due - Utc::now()).to_std().unwrap_or_default()).await;
        }
    }

    /// Does what the leading scheduler does: makes due jobs ready and tells of them.
    pub async fn offer_due(&self) {
        let mut conn = self.store.pool().acquire().await.expect("the ledger");
        let ready = sweep::promote_due(&mut conn, 100).await.expect("the ledger");
        self.dispatch.announce(jobs::Announcement { ready, next_due: None });
    }

    pub async fn view(&self, id: JobId) -> JobView {
        let mut conn = self.store.pool().acquire().await.expect("the ledger");
        read::job(&mut conn, Some(self.tenant.0), id).await.expect("the ledger").expect("the job exists")
    }

    /// Plays one job to its end.
    pub async fn outcome_of(&self, step: &str) -> JobView {
        let id = self.enqueue(&[self.job(step)]).await[0];
        self.play().await;
        self.view(id).await
    }

    pub fn start(&self, grace: Duration) -> (oneshot::Sender<()>, JoinHandle<()>) {
        let options = Options {
            name: "test".to_owned(),
            queues: BTreeMap::from([("acts".to_owned(), 8), ("others".to_owned(), 8)]),
            grace,
            database_url: self.url.clone().into(),
            pulse: Pulse::default(),
        };
        let (stop, stopped) = oneshot::channel::<()>();
        let run = runtime::run(
            self.store.clone(),
            self.dispatch.clone(),
            self.handlers(),
            options,
            stopped.map(|_| ()),
        );
        (stop, tokio::spawn(async move { run.await.expect("the runtime") }))
    }

    /// Waits until the job is as wanted.
    pub async fn until(&self, id: JobId, wanted: impl Fn(&JobView) -> bool) -> JobView {
        let waiters = Waiters::start(self.dispatch.clone());
        let mut watch = waiters.watch(id);
        loop {
            let view = self.view(id).await;
            if wanted(&view) {
                return view;
            }
            watch.changed().await;
        }
    }

    pub async fn assert_books_balance(&self) {
        let mut conn = self.store.pool().acquire().await.expect("the ledger");
        let report = audit::run(&mut conn, Pace::default())
            .await
            .expect("the ledger")
            .expect("there is little to count");
        assert!(report.drifts.is_empty(), "{:?}", report.drifts);
        assert_eq!(report.enqueued, report.held + report.pruned);
    }
}

/// The class of what went wrong at last.
pub fn class_of(view: &JobView) -> &str {
    view.error.as_ref().and_then(|error| error["class"].as_str()).unwrap_or_default()
}

/// Makes a job that waits due now.
pub async fn make_due(conn: &mut sqlx::PgConnection, id: JobId) {
    sqlx::query("update jobs.live set due_at = now() where id = $1 and due_at is not null")
        .bind(id)
        .execute(conn)
        .await
        .expect("the ledger");
}

/// Has the server refuse connections to the database of `admin` beyond so many; -1 is no limit.
pub async fn limit_connections(admin: &mut PgConnection, most: i32) {
    let name: String = sqlx::query_scalar("select quote_ident(current_database())")
        .fetch_one(&mut *admin)
        .await
        .expect("its name");
    let statement = format!("alter database {name} connection limit {most}");
    sqlx::query(sqlx::AssertSqlSafe(statement)).execute(admin).await.expect("the owner may");
}
