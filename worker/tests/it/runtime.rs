//! The runtime against a real ledger and a real Redis: what becomes of jobs, in every way they can end.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicI64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use chrono::{DateTime, Utc};
use database::ids::TenantId;
use futures_util::FutureExt;
use jobs::{
    Dispatch, JobId, JobKind, NewJob, Policy, State, Store,
    audit::{self, Pace},
    contract::{Access, Backoff, Priority, Rerun},
    dispatch::Server,
    enqueue,
    events::Waiters,
    ledger::Failure,
    queues,
    read::{self, Cancelled, JobView},
    sweep,
};
use migrations::testing::{TestDatabase, fresh_database};
use serde::{Deserialize, Serialize};
use tokio::{
    sync::{Barrier, Notify, oneshot},
    task::JoinHandle,
};
use uuid::Uuid;
use worker::{
    context::Ctx,
    outcome::{Outcome, Stop, done, done_then},
    runtime::{self, Handlers, Options, Pulse},
    testing::drain,
};

/// The shortest for which a worker counts as silent.
const SILENCE: Duration = Duration::ZERO;

/// A job that does what its test wants.
#[derive(Serialize, Deserialize, Clone, Debug, Default)]
struct Act {
    step: String,
    #[serde(default)]
    added_in_version_2: bool,
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
        deadline: Duration::from_secs(1),
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

struct Stage {
    runs: AtomicUsize,
    at_once: AtomicI64,
    most_at_once: AtomicI64,
    started: Notify,
    go_on: Notify,
    /// Where two that run at the same time meet.
    meeting: Barrier,
}

impl Default for Stage {
    fn default() -> Stage {
        Stage {
            runs: AtomicUsize::new(0),
            at_once: AtomicI64::new(0),
            most_at_once: AtomicI64::new(0),
            started: Notify::new(),
            go_on: Notify::new(),
            meeting: Barrier::new(2),
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

async fn perform(ctx: &Ctx, stage: &Stage, act: &Act) -> Outcome<String> {
    match act.step.as_str() {
        "succeed" => done(format!("attempt {}", ctx.attempt)),
        "upgraded" => done(format!("upgraded {}", act.added_in_version_2)),
        "fail twice" if ctx.attempt < 3 => Err(Stop::retry("test", "not yet")),
        "fail twice" => done("at last".to_owned()),
        "fail always" => Err(Stop::retry("test", "never number 7")),
        "fail for good" => Err(Stop::fail("test", "hopeless")),
        "panic" => panic!("stage fright"),
        "hang" => std::future::pending().await,
        "snooze once" if stage.runs.load(Ordering::SeqCst) == 1 => {
            Err(Stop::Snooze(Duration::from_millis(1)))
        }
        "snooze once" => done(format!("attempt {}", ctx.attempt)),
        "no database" if stage.runs.load(Ordering::SeqCst) == 1 => {
            Err(database::DbError::from(sqlx::Error::PoolTimedOut).into())
        }
        "no database" => done(format!("attempt {}", ctx.attempt)),
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
        other => Err(Stop::fail("test", other)),
    }
}

struct Theatre {
    _database: TestDatabase,
    url: String,
    store: Store,
    dispatch: Dispatch,
    stage: Arc<Stage>,
    tenant: TenantId,
}

impl Theatre {
    async fn open() -> Theatre {
        boot::install_tls();
        let database = fresh_database().await;
        let url = database.url_for("desk_worker");
        let redis = std::env::var("TEST_REDIS_URL").expect("TEST_REDIS_URL: run the tests with `make test`");
        let prefix = format!("test-{}", Uuid::now_v7().simple());
        Theatre {
            store: Store::connect(&url, 16).expect("the test database's URL"),
            dispatch: Dispatch::new(Server::new(&redis).expect("the test Redis's URL"), &prefix),
            url,
            _database: database,
            stage: Arc::new(Stage::default()),
            tenant: TenantId(Uuid::now_v7()),
        }
    }

    fn handlers(&self) -> Handlers {
        Handlers::default().with::<Act, _, _, _>(&self.stage, act)
    }

    fn job(&self, step: &str) -> NewJob {
        NewJob::of(self.tenant, &Act { step: step.to_owned(), ..Act::default() }).expect("a small payload")
    }

    async fn enqueue(&self, jobs: &[NewJob]) -> Vec<JobId> {
        let mut conn = self.store.pool().acquire().await.expect("the ledger");
        let (enqueued, announcement) = enqueue(&mut conn, jobs).await.expect("the ledger takes them");
        self.dispatch.announce(announcement);
        enqueued.into_iter().map(|job| job.id).collect()
    }

    /// Works everything off, later attempts included.
    async fn play(&self) {
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
    async fn offer_due(&self) {
        let mut conn = self.store.pool().acquire().await.expect("the ledger");
        let ready = sweep::promote_due(&mut conn, 100).await.expect("the ledger");
        self.dispatch.announce(jobs::Announcement { ready, next_due: None });
    }

    async fn view(&self, id: JobId) -> JobView {
        let mut conn = self.store.pool().acquire().await.expect("the ledger");
        read::job(&mut conn, Some(self.tenant.0), id).await.expect("the ledger").expect("the job exists")
    }

    /// Plays one job to its end.
    async fn outcome_of(&self, step: &str) -> JobView {
        let id = self.enqueue(&[self.job(step)]).await[0];
        self.play().await;
        self.view(id).await
    }

    fn start(&self, grace: Duration) -> (oneshot::Sender<()>, JoinHandle<()>) {
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
    async fn until(&self, id: JobId, wanted: impl Fn(&JobView) -> bool) -> JobView {
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

    async fn assert_books_balance(&self) {
        let mut conn = self.store.pool().acquire().await.expect("the ledger");
        let report = audit::run(&mut conn, Pace::default())
            .await
            .expect("the ledger")
            .expect("there is little to count");
        assert!(report.drifts.is_empty(), "{:?}", report.drifts);
        assert_eq!(report.enqueued, report.held + report.pruned);
    }
}

fn class_of(view: &JobView) -> &str {
    view.error.as_ref().and_then(|error| error["class"].as_str()).unwrap_or_default()
}

#[tokio::test]
async fn a_job_succeeds_once_and_leaves_its_result() {
    let theatre = Theatre::open().await;
    let view = theatre.outcome_of("succeed").await;
    assert_eq!((view.state, view.attempt), (State::Done, 1));
    assert_eq!(view.result, Some("attempt 1".into()));
    assert_eq!(theatre.stage.runs.load(Ordering::SeqCst), 1);
    theatre.assert_books_balance().await;
}

#[tokio::test]
async fn failures_are_retried_and_noted_until_one_succeeds() {
    let theatre = Theatre::open().await;
    let view = theatre.outcome_of("fail twice").await;
    assert_eq!((view.state, view.attempt, view.result.clone()), (State::Done, 3, Some("at last".into())));
    let mut conn = theatre.store.pool().acquire().await.expect("the ledger");
    let attempts = read::attempts(&mut conn, view.id).await.expect("the ledger");
    assert_eq!(
        attempts.iter().map(|attempt| attempt.outcome.as_str()).collect::<Vec<_>>(),
        ["retry", "retry"]
    );
    theatre.assert_books_balance().await;
}

#[tokio::test]
async fn a_job_out_of_attempts_is_dead_and_can_be_revived() {
    let theatre = Theatre::open().await;
    let view = theatre.outcome_of("fail always").await;
    assert_eq!((view.state, view.attempt, class_of(&view)), (State::Dead, 3, "test"));
    let mut conn = theatre.store.pool().acquire().await.expect("the ledger");
    let filter = jobs::dead::DeadFilter { ids: vec![view.id], ..Default::default() };
    let groups = jobs::dead::groups(&mut conn, &filter, 10).await.expect("the ledger");
    assert_eq!((groups.len(), groups[0].jobs), (1, 1));
    let (revived, announcement) = jobs::dead::retry(&mut conn, &filter, 10).await.expect("the ledger");
    assert_eq!(revived, [view.id]);
    theatre.dispatch.announce(announcement);
    assert_eq!(theatre.view(view.id).await.attempt, 0);
    theatre.play().await;
    assert_eq!(theatre.view(view.id).await.state, State::Dead);
    assert_eq!(theatre.stage.runs.load(Ordering::SeqCst), 6);
    let discarded = jobs::dead::discard(&mut conn, &filter, "no use", 10).await.expect("the ledger");
    assert_eq!(discarded.len(), 1);
    assert_eq!(theatre.view(view.id).await.state, State::Cancelled);
    theatre.assert_books_balance().await;
}

#[tokio::test]
async fn every_other_ending_is_told_apart() {
    let theatre = Theatre::open().await;
    for (step, state, attempt, class) in [
        ("fail for good", State::Dead, 1, "test"),
        ("panic", State::Dead, 3, "panic"),
        ("hang", State::Dead, 3, "timeout"),
        ("huge", State::Dead, 1, "result_too_large"),
        ("subject gone", State::Cancelled, 1, "cancelled"),
    ] {
        let view = theatre.outcome_of(step).await;
        assert_eq!((view.state, view.attempt, class_of(&view)), (state, attempt, class), "{step}");
    }
    theatre.assert_books_balance().await;
}

#[tokio::test]
async fn a_snooze_costs_no_attempt() {
    let theatre = Theatre::open().await;
    let view = theatre.outcome_of("snooze once").await;
    assert_eq!((view.state, view.result), (State::Done, Some("attempt 1".into())));
    assert_eq!(theatre.stage.runs.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn what_follows_is_enqueued_with_the_completion() {
    let theatre = Theatre::open().await;
    let parent = theatre.outcome_of("follow").await;
    let mut conn = theatre.store.pool().acquire().await.expect("the ledger");
    let filter =
        read::JobFilter { tenant: Some(theatre.tenant.0), parent_id: Some(parent.id), ..Default::default() };
    let children = read::list(&mut conn, &filter, None, 10).await.expect("the ledger");
    assert_eq!(children.iter().map(|child| child.state).collect::<Vec<_>>(), [State::Done]);
    theatre.assert_books_balance().await;
}

#[tokio::test]
async fn old_payloads_are_upgraded_and_unreadable_ones_quarantined() {
    let theatre = Theatre::open().await;
    let jobs =
        [theatre.job("upgraded"), theatre.job("succeed"), theatre.job("succeed"), theatre.job("succeed")];
    let ids = theatre.enqueue(&jobs).await;
    // What an older or newer program, or a bug, would have written.
    for (id, version, payload) in [
        (ids[0], 1, r#"{"step": "upgraded"}"#),
        (ids[1], 0, r#"{"step": "succeed"}"#),
        (ids[2], 2, r#"{"stop": 1}"#),
    ] {
        sqlx::query("update jobs.live set payload_version = $2, payload = $3::jsonb where id = $1")
            .bind(id)
            .bind(version)
            .bind(payload)
            .execute(theatre.store.pool())
            .await
            .expect("the ledger");
    }
    theatre.play().await;
    assert_eq!(theatre.view(ids[0]).await.result, Some("upgraded true".into()));
    assert_eq!(class_of(&theatre.view(ids[1]).await), "undecodable_payload");
    assert_eq!(class_of(&theatre.view(ids[2]).await), "undecodable_payload");
    assert_eq!(theatre.view(ids[3]).await.state, State::Done);
}

#[tokio::test]
async fn one_unfinished_job_has_a_dedup_key() {
    let theatre = Theatre::open().await;
    let keyed = || theatre.job("succeed").with_dedup_key("once").expect("a short key");
    let first = theatre.enqueue(&[keyed(), keyed()]).await;
    assert_eq!(first[0], first[1]);
    assert_eq!(theatre.enqueue(&[keyed()]).await[0], first[0]);
    theatre.play().await;
    assert_ne!(theatre.enqueue(&[keyed()]).await[0], first[0]);
    theatre.play().await;
    assert_eq!(theatre.stage.runs.load(Ordering::SeqCst), 2);
    theatre.assert_books_balance().await;
}

#[tokio::test]
async fn concurrency_limits_hold_across_workers() {
    let theatre = Theatre::open().await;
    let mut conn = theatre.store.pool().acquire().await.expect("the ledger");
    queues::limit_kind(&mut conn, "act", Some(2), "test").await.expect("the ledger");
    // The first two wait for each other, so they end only when two run at once.
    let jobs: Vec<NewJob> =
        (0..40).map(|number| theatre.job(if number < 2 { "meet" } else { "brief" })).collect();
    let ids = theatre.enqueue(&jobs).await;
    let (workers, ends): (Vec<_>, Vec<_>) = (0..2).map(|_| theatre.start(Duration::from_secs(10))).unzip();
    for id in &ids {
        let view = theatre.until(*id, |view| view.state.is_finished()).await;
        assert_eq!(view.state, State::Done, "{:?}", view.error);
    }
    for stop in workers {
        let _ = stop.send(());
    }
    for end in ends {
        end.await.expect("the runtime");
    }
    assert_eq!(theatre.stage.most_at_once.load(Ordering::SeqCst), 2);
    assert_eq!(theatre.stage.runs.load(Ordering::SeqCst), 40);
    theatre.assert_books_balance().await;
}

#[tokio::test]
async fn a_concurrency_key_lets_one_run_at_a_time() {
    let theatre = Theatre::open().await;
    let jobs: Vec<NewJob> =
        (0..20).map(|_| theatre.job("brief").with_concurrency_key("one", 1).expect("a short key")).collect();
    theatre.enqueue(&jobs).await;
    theatre.play().await;
    assert_eq!(theatre.stage.most_at_once.load(Ordering::SeqCst), 1);
    assert_eq!(theatre.stage.runs.load(Ordering::SeqCst), 20);
}

#[tokio::test]
async fn a_running_job_hears_that_it_is_cancelled() {
    let theatre = Theatre::open().await;
    let (stop, end) = theatre.start(Duration::from_secs(10));
    let id = theatre.enqueue(&[theatre.job("wait")]).await[0];
    theatre.stage.started.notified().await;
    let mut conn = theatre.store.pool().acquire().await.expect("the ledger");
    let cancelled =
        read::cancel(&mut conn, Some(theatre.tenant.0), id, "changed my mind").await.expect("the ledger");
    assert_eq!(cancelled, Cancelled::Requested);
    theatre.dispatch.poke_workers();
    let view = theatre.until(id, |view| view.state.is_finished()).await;
    assert_eq!(view.state, State::Cancelled);
    assert_eq!(view.error.expect("a reason")["message"], "changed my mind");
    let again = read::cancel(&mut conn, Some(theatre.tenant.0), id, "again").await.expect("the ledger");
    assert_eq!(again, Cancelled::Over(State::Cancelled));
    let other = read::cancel(&mut conn, Some(Uuid::now_v7()), id, "not mine").await.expect("the ledger");
    assert_eq!(other, Cancelled::Unknown);
    let _ = stop.send(());
    end.await.expect("the runtime");
    theatre.assert_books_balance().await;
}

#[tokio::test]
async fn progress_is_seen_while_the_job_runs() {
    let theatre = Theatre::open().await;
    let (stop, end) = theatre.start(Duration::from_secs(10));
    let id = theatre.enqueue(&[theatre.job("report")]).await[0];
    let view = theatre.until(id, |view| view.progress.is_some()).await;
    assert_eq!(view.state, State::Running);
    assert_eq!(view.progress.expect("progress")["done"], 3);
    theatre.stage.go_on.notify_one();
    theatre.until(id, |view| view.state == State::Done).await;
    let _ = stop.send(());
    end.await.expect("the runtime");
}

#[tokio::test]
async fn a_drain_finishes_what_can_finish() {
    let theatre = Theatre::open().await;
    let (stop, end) = theatre.start(Duration::from_secs(30));
    let id = theatre.enqueue(&[theatre.job("wait")]).await[0];
    theatre.stage.started.notified().await;
    let _ = stop.send(());
    theatre.stage.go_on.notify_one();
    end.await.expect("the runtime");
    let view = theatre.view(id).await;
    assert_eq!((view.state, view.attempt), (State::Done, 1));
}

#[tokio::test]
async fn a_drain_hands_the_rest_back_without_costing_an_attempt() {
    let theatre = Theatre::open().await;
    let (stop, end) = theatre.start(Duration::ZERO);
    let id = theatre.enqueue(&[theatre.job("wait")]).await[0];
    theatre.stage.started.notified().await;
    let _ = stop.send(());
    end.await.expect("the runtime");
    let view = theatre.view(id).await;
    assert_eq!((view.state, view.attempt), (State::Ready, 0));
    let mut link = theatre.dispatch.link().await.expect("redis answers");
    let offered = theatre.dispatch.depth(&mut link, "acts").await.expect("redis answers");
    assert_eq!(offered, 1, "Redis knows of it when the process ends");
    let (stop, end) = theatre.start(Duration::from_secs(10));
    theatre.stage.go_on.notify_one();
    assert_eq!(theatre.until(id, |view| view.state == State::Done).await.attempt, 1);
    let _ = stop.send(());
    end.await.expect("the runtime");
    theatre.assert_books_balance().await;
}

#[tokio::test]
async fn a_worker_that_was_counted_out_writes_nothing_and_starts_anew() {
    let theatre = Theatre::open().await;
    let (stop, end) = theatre.start(Duration::from_secs(10));
    let id = theatre.enqueue(&[theatre.job("wait")]).await[0];
    theatre.stage.started.notified().await;
    let first = theatre.view(id).await;
    // As if it had been silent: its clock in the ledger is set back, and the sweeper comes by.
    let mut conn = theatre.store.pool().acquire().await.expect("the ledger");
    loop {
        sqlx::query("update jobs.worker set beat_at = now() - interval '1 hour'")
            .execute(&mut *conn)
            .await
            .expect("the ledger");
        let recovered = sweep::recover_lost_workers(&mut conn, SILENCE).await.expect("the ledger");
        if recovered.offers.iter().any(|offer| offer.id == id) {
            // Offered when the process has heard of it: under its old name it claims nothing.
            while !jobs::workers::list(&mut conn, None, 10)
                .await
                .expect("the ledger")
                .iter()
                .any(|worker| worker.state == "active")
            {
                tokio::task::yield_now().await;
            }
            theatre.dispatch.announce(jobs::Announcement { ready: recovered.offers, next_due: None });
            break;
        }
    }
    // The process hears of it with its next beat, drops the run, and takes the job anew.
    theatre.stage.started.notified().await;
    theatre.stage.go_on.notify_one();
    let view = theatre.until(id, |view| view.state == State::Done).await;
    assert_eq!((view.attempt, view.crashes), (first.attempt + 1, 1));
    assert_eq!(theatre.stage.runs.load(Ordering::SeqCst), 2);
    let _ = stop.send(());
    end.await.expect("the runtime");
    theatre.assert_books_balance().await;
}

#[tokio::test]
async fn a_job_that_gets_no_connection_is_put_off_and_keeps_its_attempts() {
    let theatre = Theatre::open().await;
    let (stop, end) = theatre.start(Duration::from_secs(10));
    let id = theatre.enqueue(&[theatre.job("no database")]).await[0];
    let view = theatre.until(id, |view| view.state == State::Scheduled).await;
    assert_eq!((view.attempt, class_of(&view)), (0, "database_unavailable"));
    let mut conn = theatre.store.pool().acquire().await.expect("the ledger");
    let waits: bool = sqlx::query_scalar("select waiting_since <= now() from jobs.live where id = $1")
        .bind(id)
        .fetch_one(&mut *conn)
        .await
        .expect("the ledger");
    assert!(waits, "since when it waits is noted");
    make_due(&mut conn, id).await;
    theatre.offer_due().await;
    let view = theatre.until(id, |view| view.state == State::Done).await;
    assert_eq!(view.result, Some("attempt 1".into()));
    let _ = stop.send(());
    end.await.expect("the runtime");
    theatre.assert_books_balance().await;
}

#[tokio::test]
async fn a_job_that_waits_for_a_day_fails_and_says_so() {
    let theatre = Theatre::open().await;
    let (stop, end) = theatre.start(Duration::from_secs(10));
    let id = theatre.enqueue(&[theatre.job("no database")]).await[0];
    theatre.until(id, |view| view.state == State::Scheduled).await;
    let mut conn = theatre.store.pool().acquire().await.expect("the ledger");
    sqlx::query("update jobs.live set waiting_since = now() - interval '1 day 1 second' where id = $1")
        .bind(id)
        .execute(&mut *conn)
        .await
        .expect("the ledger");
    theatre.stage.runs.store(0, Ordering::SeqCst);
    make_due(&mut conn, id).await;
    theatre.offer_due().await;
    let view = theatre.until(id, |view| view.state == State::Dead).await;
    assert_eq!(class_of(&view), "waited_too_long");
    let _ = stop.send(());
    end.await.expect("the runtime");
    theatre.assert_books_balance().await;
}

#[tokio::test]
async fn a_payload_of_a_newer_version_waits_for_a_newer_worker() {
    let theatre = Theatre::open().await;
    let job = theatre.job("succeed");
    let mut conn = theatre.store.pool().acquire().await.expect("the ledger");
    let (enqueued, announcement) = enqueue(&mut conn, &[job]).await.expect("the ledger takes it");
    let id = enqueued[0].id;
    let newer = serde_json::json!({ "step": "succeed", "added_in_version_3": true });
    sqlx::query("update jobs.live set payload_version = 3, payload = $2 where id = $1")
        .bind(id)
        .bind(newer)
        .execute(&mut *conn)
        .await
        .expect("the ledger");
    let (stop, end) = theatre.start(Duration::from_secs(10));
    theatre.dispatch.announce(announcement);
    let view = theatre.until(id, |view| view.state == State::Scheduled).await;
    assert_eq!((view.attempt, class_of(&view)), (0, "payload_newer"));
    let _ = stop.send(());
    end.await.expect("the runtime");
}

#[tokio::test]
async fn jobs_without_a_limit_start_while_a_limit_is_fought_for() {
    use sqlx::Connection;
    let theatre = Theatre::open().await;
    // Somebody else is deciding who gets a slot of this key.
    let mut other = theatre.store.pool().acquire().await.expect("the ledger");
    let mut deciding = other.begin().await.expect("a transaction");
    sqlx::query("set local idle_in_transaction_session_timeout = 0")
        .execute(&mut *deciding)
        .await
        .expect("it may take its time");
    sqlx::query("select pg_advisory_xact_lock(hashtextextended($1, 0))")
        .bind(format!("key:{}:{}:shop", theatre.tenant, Act::KIND))
        .execute(&mut *deciding)
        .await
        .expect("the lock");
    let limited = theatre.job("succeed").with_concurrency_key("shop", 1).expect("a good key");
    // Both are offered at once, so the lane takes both.
    let ids = theatre.enqueue(&[limited, theatre.job("wait")]).await;
    let (stop, end) = theatre.start(Duration::from_secs(10));
    theatre.stage.started.notified().await;
    let waiting = "select exists (select from pg_locks where locktype = 'advisory' and not granted
                       and database = (select oid from pg_database where datname = current_database()))";
    while !sqlx::query_scalar::<_, bool>(waiting).fetch_one(theatre.store.pool()).await.expect("the locks") {
        tokio::task::yield_now().await;
    }
    deciding.rollback().await.expect("decided");
    // On a machine that stands still the lane may have given the lock up: then the sweeper offers the job again.
    let ready = sweep::ready_page(&mut other, None, 10).await.expect("the ledger");
    theatre.dispatch.announce(jobs::Announcement { ready, next_due: None });
    theatre.stage.go_on.notify_one();
    for id in ids {
        theatre.until(id, |view| view.state == State::Done).await;
    }
    let _ = stop.send(());
    end.await.expect("the runtime");
    theatre.assert_books_balance().await;
}

#[tokio::test]
async fn a_delay_counts_by_the_clock_of_the_ledger() {
    let theatre = Theatre::open().await;
    let mut conn = theatre.store.pool().acquire().await.expect("the ledger");
    let clock = "select clock_timestamp()";
    let hour = chrono::TimeDelta::hours(1);
    let before: chrono::DateTime<Utc> =
        sqlx::query_scalar(clock).fetch_one(&mut *conn).await.expect("a time");
    let job = theatre.job("succeed").with_delay(Duration::from_secs(3600));
    let (enqueued, announcement) = enqueue(&mut conn, &[job]).await.expect("the ledger takes it");
    let after: chrono::DateTime<Utc> = sqlx::query_scalar(clock).fetch_one(&mut *conn).await.expect("a time");
    let due_at = enqueued[0].due_at.expect("it waits");
    assert!(before + hour <= due_at && due_at <= after + hour);
    assert_eq!(announcement.next_due, Some(due_at));
    assert!(announcement.ready.is_empty());
}

/// Makes a job that waits due now.
async fn make_due(conn: &mut sqlx::PgConnection, id: JobId) {
    sqlx::query("update jobs.live set due_at = now() where id = $1 and due_at is not null")
        .bind(id)
        .execute(conn)
        .await
        .expect("the ledger");
}

#[tokio::test]
async fn a_paused_queue_starts_nothing_until_it_is_resumed() {
    let theatre = Theatre::open().await;
    let mut conn = theatre.store.pool().acquire().await.expect("the ledger");
    queues::control(&mut conn, "acts", Some(true), None, Some("maintenance"), "test")
        .await
        .expect("the ledger");
    let (stop, end) = theatre.start(Duration::from_secs(10));
    // The worker knows of the pause when its first beat has reached the ledger.
    loop {
        let workers = jobs::workers::list(&mut conn, None, 10).await.expect("the ledger");
        if workers.iter().any(|worker| worker.beat_at > worker.started_at) {
            break;
        }
        tokio::task::yield_now().await;
    }
    let id = theatre.enqueue(&[theatre.job("succeed")]).await[0];
    // The worker takes what comes later in another queue, and leaves this one alone.
    let other = theatre.enqueue(&[theatre.job("succeed").with_queue("others")]).await[0];
    theatre.until(other, |view| view.state == State::Done).await;
    let view = theatre.view(id).await;
    assert_eq!((view.state, view.attempt, view.started_at), (State::Ready, 0, None));
    assert_eq!(theatre.stage.runs.load(Ordering::SeqCst), 1);
    queues::control(&mut conn, "acts", Some(false), None, None, "test").await.expect("the ledger");
    theatre.dispatch.poke_workers();
    theatre.until(id, |view| view.state == State::Done).await;
    let listed = queues::list(&mut conn).await.expect("the ledger");
    assert_eq!(listed.iter().filter(|queue| queue.queue == "acts" && !queue.paused).count(), 1);
    let _ = stop.send(());
    end.await.expect("the runtime");
}

#[tokio::test]
async fn a_job_that_kills_its_workers_is_poison() {
    let theatre = Theatre::open().await;
    let id = theatre.enqueue(&[theatre.job("succeed").with_max_attempts(50)]).await[0];
    let mut conn = theatre.store.pool().acquire().await.expect("the ledger");
    for crash in 1..=3 {
        let worker = jobs::workers::Introduction {
            id: Uuid::now_v7(),
            name: "doomed".to_owned(),
            host: "test".to_owned(),
            pid: 1,
            version: "0".to_owned(),
            queues: Default::default(),
        };
        jobs::workers::introduce(&mut conn, &worker).await.expect("the ledger");
        // A suspect of the crash before has a limit: one a process.
        let claimed = match crash {
            1 => jobs::ledger::claim(&mut conn, worker.id, &[id], &[]).await,
            _ => jobs::ledger::claim_limited(&mut conn, worker.id, &[id]).await,
        };
        assert_eq!(claimed.expect("the ledger").len(), 1, "crash {crash}");
        sqlx::query("update jobs.worker set beat_at = now() - interval '1 hour'")
            .execute(&mut *conn)
            .await
            .expect("the ledger");
        let recovered = sweep::recover_lost_workers(&mut conn, SILENCE).await.expect("the ledger");
        assert_eq!(recovered.offers.len(), usize::from(crash < 3));
    }
    let view = theatre.view(id).await;
    assert_eq!((view.state, class_of(&view)), (State::Dead, "poison"));
    theatre.assert_books_balance().await;
}

#[tokio::test]
async fn a_stale_completion_changes_nothing() {
    use jobs::ledger::{Completion, Ending, claim, complete};
    let theatre = Theatre::open().await;
    let id = theatre.enqueue(&[theatre.job("succeed")]).await[0];
    let mut conn = theatre.store.pool().acquire().await.expect("the ledger");
    let (mine, other) = (Uuid::now_v7(), Uuid::now_v7());
    let claimed = claim(&mut conn, mine, &[id], &[]).await.expect("the ledger");
    assert!(claim(&mut conn, other, &[id], &[]).await.expect("the ledger").is_empty(), "claimed twice");
    let ending = || Ending::Dead { failure: Failure::new("test", "late") };
    let stolen = jobs::ledger::Claimed { lease: Uuid::now_v7(), ..claimed[0].clone() };
    let mut late = [Completion::of(&stolen, ending())];
    assert!(complete(&mut conn, mine, &mut late).await.expect("the ledger").written.is_empty());
    let mut done = [Completion::of(&claimed[0], Ending::Done { result: None, then: vec![] })];
    assert_eq!(complete(&mut conn, mine, &mut done).await.expect("the ledger").written.len(), 1);
    let mut twice = [Completion::of(&claimed[0], ending())];
    assert!(complete(&mut conn, mine, &mut twice).await.expect("the ledger").written.is_empty());
    assert_eq!(theatre.view(id).await.state, State::Done);
    theatre.assert_books_balance().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn large_results_are_written_a_few_at_a_time() {
    let theatre = Theatre::open().await;
    let jobs: Vec<NewJob> = (0..24).map(|_| theatre.job("large")).collect();
    theatre.enqueue(&jobs).await;
    theatre.play().await;
    // Rows that one statement wrote carry the same transaction.
    let (results, most_bytes): (i64, i64) = sqlx::query_as(
        "select sum(n)::bigint, max(bytes)::bigint from (
             select count(*) as n, sum(octet_length(result::text)) as bytes from jobs.finished group by xmin::text) batch",
    )
    .fetch_one(theatre.store.pool())
    .await
    .expect("the ledger");
    assert_eq!(results, 24);
    assert!(most_bytes <= 8 * 1024 * 1024, "{most_bytes} bytes in a batch");
}
