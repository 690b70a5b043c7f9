//! What a fail-over of Postgres does to a worker: its connections fall silent without being closed, Postgres is
//! slow or cannot be reached for a while, and the standby that takes over lacks what was written last.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use jobs::{
    Dispatch, JobId, State, Store,
    audit::{self, Pace},
    dispatch::Server,
    events::Waiters,
    kinds::{Probe, probe::ProbeOutput},
    ledger,
    read::{self, Cancelled},
    sweep, workers,
};
use migrations::testing::{TestDatabase, fresh_database, proxy::Proxy};
use sqlx::{PgConnection, Row};
use tokio::{
    sync::{Notify, oneshot},
    task::JoinHandle,
};
use uuid::Uuid;
use worker::{
    outcome::done,
    runtime::{self, Handlers, Options, Pulse},
};

use crate::by_hand::{finished, put};

/// What a test waits for happens within this time or not at all.
const WITHIN: Duration = Duration::from_secs(60);

/// A worker that reaches Postgres through a proxy, and a store that does not.
struct House {
    database: TestDatabase,
    proxy: Proxy,
    store: Store,
    dispatch: Dispatch,
    waiters: Waiters,
    stage: Arc<Stage>,
    worker: Option<(oneshot::Sender<()>, JoinHandle<()>)>,
}

/// What the handler tells the test, and waits for.
#[derive(Default)]
struct Stage {
    /// The first run waits until it is told to go on or dropped.
    holds_first: bool,
    runs: AtomicUsize,
    started: Notify,
    dropped: Arc<Notify>,
}

/// Says that a run was dropped where it waited.
struct Dropped(Arc<Notify>);

impl Drop for Dropped {
    fn drop(&mut self) {
        self.0.notify_one();
    }
}

impl House {
    async fn open(holds_first: bool) -> House {
        boot::install_tls();
        let database = fresh_database().await;
        let url = database.url_for("desk_worker");
        let proxy = Proxy::before(&url).await;
        let redis = std::env::var("TEST_REDIS_URL").expect("TEST_REDIS_URL: run the tests with `make test`");
        let server = Server::new(&redis).expect("the test Redis's URL");
        let dispatch = Dispatch::new(server, &format!("test-{}", Uuid::now_v7().simple()));
        let mut house = House {
            store: Store::connect(&url, 4).expect("the test database's URL"),
            waiters: Waiters::start(dispatch.clone()),
            stage: Arc::new(Stage { holds_first, ..Stage::default() }),
            worker: None,
            database,
            proxy,
            dispatch,
        };
        house.start().await;
        house
    }

    async fn start(&mut self) {
        let handlers =
            Handlers::default().with::<Probe, _, _, _>(&self.stage, |ctx, stage: Arc<Stage>, _| async move {
                let run = stage.runs.fetch_add(1, Ordering::SeqCst);
                stage.started.notify_one();
                if run == 0 && stage.holds_first {
                    let _dropped = Dropped(stage.dropped.clone());
                    std::future::pending::<()>().await;
                }
                done(ProbeOutput { attempt: ctx.attempt })
            });
        let url = self.proxy.url(&self.database.url_for("desk_worker"));
        let options = Options {
            name: "test".to_owned(),
            queues: BTreeMap::from([("default".to_owned(), 4)]),
            grace: Duration::from_secs(5),
            database_url: url.clone().into(),
            pulse: Pulse::default(),
        };
        let store = Store::connect(&url, 6).expect("the proxy's URL");
        let (stop, stopped) = oneshot::channel::<()>();
        let dispatch = self.dispatch.clone();
        let run = runtime::run(store, dispatch, handlers, options, async move {
            let _ = stopped.await;
        });
        self.worker = Some((stop, tokio::spawn(async move { run.await.expect("a clean end") })));
    }

    async fn enqueue(&self) -> JobId {
        let (id, announcement) = put(&self.store).await;
        self.dispatch.announce(announcement);
        id
    }

    /// Waits until the job is done; says in which attempt, and by which worker.
    async fn done(&self, id: JobId) -> (i16, Uuid) {
        let mut changed = self.waiters.watch(id);
        let done = async {
            loop {
                match finished(&self.store, id).await {
                    Some(end) => return end,
                    None => changed.changed().await,
                }
            }
        };
        tokio::time::timeout(WITHIN, done).await.expect("the job runs")
    }

    async fn close(mut self) {
        let (stop, running) = self.worker.take().expect("it runs");
        let _ = stop.send(());
        running.await.expect("no panic");
        let mut conn = self.store.pool().acquire().await.expect("the ledger");
        let audit =
            audit::run(&mut conn, Pace::default()).await.expect("the ledger").expect("little to count");
        assert!(audit.drifts.is_empty(), "{:?}", audit.drifts);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn jobs_run_again_although_nobody_closes_the_dead_connections() {
    let house = House::open(false).await;
    let first = house.enqueue().await;
    let (_, worker) = house.done(first).await;
    house.proxy.freeze_open();
    let mut ids = Vec::new();
    for _ in 0..20 {
        ids.push(house.enqueue().await);
    }
    for id in ids {
        // A claim that was answered into the dead connection is handed back, and costs no attempt.
        assert_eq!(house.done(id).await, (1, worker), "the same worker, in the first attempt");
    }
    house.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_ledger_that_needs_two_seconds_for_everything_loses_nothing() {
    let house = House::open(false).await;
    let first = house.enqueue().await;
    let (_, worker) = house.done(first).await;
    slow_down(&house.database.admin_url, &["jobs.live", "jobs.worker"]).await;
    let second = house.enqueue().await;
    assert_eq!(house.done(second).await, (1, worker));
    let third = house.enqueue().await;
    assert_eq!(house.done(third).await, (1, worker), "it is the same worker still");
    house.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_that_is_cut_off_stops_its_runs_before_others_may_have_them() {
    let house = House::open(true).await;
    let id = house.enqueue().await;
    house.stage.started.notified().await;
    house.proxy.freeze();
    tokio::time::timeout(WITHIN, house.stage.dropped.notified()).await.expect("the run is stopped");
    // Nobody took the job meanwhile, so it comes back with the worker, and has lost no attempt.
    house.proxy.thaw();
    let (attempt, _) = house.done(id).await;
    assert_eq!((attempt, house.stage.runs.load(Ordering::SeqCst)), (1, 2));
    house.close().await;
}

#[tokio::test]
async fn a_lease_stays_while_a_job_runs_under_it_by_the_ledger() {
    let database = fresh_database().await;
    let store = Store::connect(&database.url_for("desk_worker"), 2).expect("the test database's URL");
    let mut conn = store.pool().acquire().await.expect("the ledger");
    let worker = introduce(&mut conn).await;
    let (id, _) = put(&store).await;
    let claimed = ledger::claim(&mut conn, worker, &[id], &[]).await.expect("the ledger");
    let lease = claimed[0].lease;
    // The worker completed the job on the old primary; the new one never heard of that.
    workers::beat(&mut conn, worker, false, 0, &[lease]).await.expect("the ledger");
    sqlx::query("update jobs.lease set claimed_at = claimed_at - interval '1 minute'")
        .execute(&mut *conn)
        .await
        .expect("the ledger");
    let orders = workers::beat(&mut conn, worker, false, 0, &[]).await.expect("the ledger");
    assert_eq!(orders.leases, [lease], "the worker hears of the lease and hands the job back");
    // It ends instead: then the sweeper does, and nobody crashed.
    workers::leave(&mut conn, worker, &[lease]).await.expect("the ledger");
    let recovered = sweep::recover_lost_workers(&mut conn, Duration::ZERO).await.expect("the ledger");
    assert_eq!(recovered.offers.iter().map(|offer| offer.id).collect::<Vec<_>>(), [id]);
    assert_eq!(standing(&mut conn, id).await, (0, 0));
}

#[tokio::test]
async fn a_running_job_that_no_lease_holds_is_handed_out_and_nobody_crashed() {
    let database = fresh_database().await;
    let store = Store::connect(&database.url_for("desk_worker"), 2).expect("the test database's URL");
    let mut conn = store.pool().acquire().await.expect("the ledger");
    let worker = introduce(&mut conn).await;
    let (held, _) = put(&store).await;
    let (unheld, _) = put(&store).await;
    let (late, _) = put(&store).await;
    for id in [held, unheld] {
        ledger::claim(&mut conn, worker, &[id], &[]).await.expect("the ledger");
    }
    sqlx::query("delete from jobs.lease where $1 = any (job_ids)")
        .bind(unheld)
        .execute(&mut *conn)
        .await
        .expect("the ledger");
    // Page by page, and from the beginning again.
    let page = sweep::recover_unheld(&mut conn, None, 1).await.expect("the ledger");
    assert_eq!((page.last, offered(&page)), (Some(held), vec![]));
    let page = sweep::recover_unheld(&mut conn, page.last, 1).await.expect("the ledger");
    assert_eq!((page.last, offered(&page)), (Some(unheld), vec![unheld]));
    let page = sweep::recover_unheld(&mut conn, page.last, 10).await.expect("the ledger");
    assert_eq!((page.last, offered(&page)), (None, vec![]), "{late} is ready, and the last");
    assert_eq!(standing(&mut conn, unheld).await, (0, 0));
    assert_eq!(standing(&mut conn, held).await, (1, 0));
    assert_eq!(ledger::claim(&mut conn, worker, &[unheld], &[]).await.expect("the ledger").len(), 1);
    let audit = audit::run(&mut conn, Pace::default()).await.expect("the ledger").expect("little to count");
    assert!(audit.drifts.is_empty(), "{:?}", audit.drifts);
}

fn offered(page: &sweep::Unheld) -> Vec<JobId> {
    page.returned.announcement.ready.iter().map(|offer| offer.id).collect()
}

#[tokio::test]
async fn who_was_told_that_a_job_will_be_cancelled_is_right_when_its_run_is_heard_of_no_more() {
    let database = fresh_database().await;
    let store = Store::connect(&database.url_for("desk_worker"), 2).expect("the test database's URL");
    let mut conn = store.pool().acquire().await.expect("the ledger");
    let worker = introduce(&mut conn).await;
    let (unheard, _) = put(&store).await;
    let (unheld, _) = put(&store).await;
    let mut leases = Vec::new();
    for id in [unheard, unheld] {
        leases.push(ledger::claim(&mut conn, worker, &[id], &[]).await.expect("the ledger")[0].lease);
        let asked = read::cancel(&mut conn, None, id, "no use").await.expect("the ledger");
        assert_eq!(asked, Cancelled::Requested);
    }
    let over = |id: JobId| vec![(id, State::Cancelled)];
    let ended = |returned: &ledger::Returned| -> Vec<(JobId, State)> {
        assert!(returned.announcement.ready.is_empty());
        returned.events.iter().map(|event| (event.id, event.state)).collect()
    };
    // The worker never heard of its claim.
    let returned = ledger::release(&mut conn, worker, &leases[..1]).await.expect("the ledger");
    assert_eq!(ended(&returned), over(unheard));
    // The new primary never heard of the lease.
    sqlx::query("delete from jobs.lease").execute(&mut *conn).await.expect("the ledger");
    let page = sweep::recover_unheld(&mut conn, None, 10).await.expect("the ledger");
    assert_eq!(ended(&page.returned), over(unheld));
    let audit = audit::run(&mut conn, Pace::default()).await.expect("the ledger").expect("little to count");
    assert!(audit.drifts.is_empty(), "{:?}", audit.drifts);
}

/// Attempts and crashes of a job.
async fn standing(conn: &mut PgConnection, id: JobId) -> (i16, i16) {
    let row = sqlx::query("select attempt, crashes from jobs.live where id = $1")
        .bind(id)
        .fetch_one(conn)
        .await
        .expect("the ledger");
    (row.get(0), row.get(1))
}

/// Makes every statement that writes these tables take two seconds.
async fn slow_down(admin_url: &str, tables: &[&str]) {
    use sqlx::Connection;
    let mut conn = PgConnection::connect(admin_url).await.expect("the test server");
    let function = "create function public.slow() returns trigger language plpgsql as $$
        begin perform pg_sleep(2); return null; end $$";
    sqlx::query(function).execute(&mut conn).await.expect("a function");
    for table in tables {
        let trigger =
            format!("create trigger slow before update or delete on {table} execute function public.slow()");
        sqlx::query(sqlx::AssertSqlSafe(trigger)).execute(&mut conn).await.expect("a trigger");
    }
}

async fn introduce(conn: &mut PgConnection) -> Uuid {
    let worker = workers::Introduction {
        id: Uuid::now_v7(),
        name: "test".to_owned(),
        host: "test".to_owned(),
        pid: 1,
        version: "0".to_owned(),
        queues: HashMap::new(),
    };
    workers::introduce(conn, &worker).await.expect("the ledger");
    worker.id
}
