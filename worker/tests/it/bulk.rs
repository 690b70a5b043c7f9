//! Bulk retries with a canary, as handlers on a worker: they wait without a slot, and the cluster's own work goes on.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use chrono::Utc;
use database::ids::TenantId;
use futures_util::FutureExt;
use jobs::{
    Announcement, JobId, JobKind, NewJob, SYSTEM_TENANT, State, Store,
    dead::DeadFilter,
    enqueue,
    events::Waiters,
    kinds::{AuditLedger, DrainQueue, Probe, PruneHistory, RetryDead, retry_dead::BulkReport},
    read::{self, JobView},
    sweep,
};
use migrations::testing::proxy::Proxy;
use serde_json::json;
use sqlx::Connection;
use tokio::{sync::oneshot, task::JoinHandle};
use uuid::Uuid;
use worker::{
    app::App,
    handlers,
    runtime::{self, Options, Pulse},
    testing,
};

use crate::ledger::{Ledger, dead, done};

fn app(ledger: &Ledger, store: &Store) -> Arc<App> {
    let redis = std::env::var("TEST_REDIS_URL").expect("TEST_REDIS_URL: run the tests with `make test`");
    let (store, dispatch) = (store.clone(), ledger.dispatch.clone());
    Arc::new(App { store, dispatch, ..testing::app(&ledger.url, &redis) })
}

/// Three dead jobs of a queue that no worker serves.
async fn three_dead(ledger: &Ledger, tenant: TenantId, hand: Uuid) {
    for _ in 0..3 {
        let job = NewJob::of(tenant, &Probe::default()).expect("a small payload").with_queue("elsewhere");
        let id = put(ledger, job).await;
        let running = ledger.claim_one(hand, id).await;
        ledger.end(&running, dead()).await;
    }
}

async fn put(ledger: &Ledger, job: NewJob) -> JobId {
    let (enqueued, announcement) = enqueue(&mut *ledger.conn().await, &[job]).await.expect("it is taken");
    ledger.dispatch.announce(announcement);
    enqueued[0].id
}

async fn start_retry(ledger: &Ledger, tenant: TenantId) -> JobId {
    let filter = DeadFilter { tenant_id: Some(tenant.0), ..DeadFilter::default() };
    put(
        ledger,
        NewJob::of(tenant, &RetryDead { filter, canary: 1, released: None }).expect("a small payload"),
    )
    .await
}

/// A worker of the cluster's own queues, until it is told to stop.
fn start_worker(ledger: &Ledger, app: &Arc<App>) -> (oneshot::Sender<()>, JoinHandle<()>) {
    let options = Options {
        name: "test".to_owned(),
        queues: BTreeMap::from([("bulk".to_owned(), 1), ("ops".to_owned(), 2)]),
        grace: Duration::from_secs(10),
        database_url: ledger.url.clone().into(),
        pulse: Pulse::default(),
    };
    let (stop, stopped) = oneshot::channel::<()>();
    let (store, dispatch) = (ledger.store.clone(), ledger.dispatch.clone());
    let run = runtime::run(store, dispatch, handlers::all(app), options, stopped.map(|_| ()));
    (stop, tokio::spawn(async move { run.await.expect("the runtime") }))
}

/// Waits until a job is as wanted, and does meanwhile what the leader does about jobs that put themselves off.
async fn until(ledger: &Ledger, id: JobId, wanted: impl Fn(&JobView) -> bool) -> JobView {
    let waiters = Waiters::start(ledger.dispatch.clone());
    let mut watch = waiters.watch(id);
    loop {
        let mut conn = ledger.conn().await;
        let ready = sweep::promote_due(&mut conn, 100).await.expect("the ledger");
        ledger.dispatch.announce(Announcement { ready, next_due: None });
        let view = read::job(&mut conn, None, id).await.expect("the ledger").expect("the job exists");
        if wanted(&view) {
            return view;
        }
        let next: Option<chrono::DateTime<Utc>> = sqlx::query_scalar("select min(due_at) from jobs.live")
            .fetch_one(&mut *conn)
            .await
            .expect("the ledger");
        let due = next.map_or(Duration::MAX, |at| (at - Utc::now()).to_std().unwrap_or_default());
        // Told of a change, or the next one is due: time itself is what is awaited then.
        let _ = tokio::time::timeout(due, watch.changed()).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn canaries_are_awaited_without_a_slot_and_each_decides_for_its_own() {
    let ledger = Ledger::open().await;
    let other = ledger.tenant("other").await;
    let hand = ledger.worker().await;
    three_dead(&ledger, ledger.tenant, hand).await;
    three_dead(&ledger, other, hand).await;

    let (stop, worker) = start_worker(&ledger, &app(&ledger, &ledger.store));

    let retries = [start_retry(&ledger, ledger.tenant).await, start_retry(&ledger, other).await];
    let mut canaries = Vec::new();
    for retry in retries {
        let waits =
            |view: &JobView| view.payload.as_ref().is_some_and(|payload| payload["released"].is_object());
        let payload = until(&ledger, retry, waits).await.payload.expect("a payload");
        let bulk: RetryDead = serde_json::from_value(payload).expect("its own shape");
        canaries.push(bulk.released.expect("a canary").ids[0]);
    }
    // Both wait for their canaries; the cluster's own work has its slots.
    let system = TenantId(SYSTEM_TENANT);
    for job in [NewJob::of(system, &AuditLedger::default()), NewJob::of(system, &PruneHistory::default())] {
        let id = put(&ledger, job.expect("a small payload")).await;
        assert_eq!(until(&ledger, id, |view| view.state.is_finished()).await.state, State::Done);
    }
    for retry in retries {
        assert!(!ledger_state(&ledger, retry).await.is_finished());
    }

    let good = ledger.claim_one(hand, canaries[0]).await;
    ledger.end(&good, done(&json!(null))).await;
    let bad = ledger.claim_one(hand, canaries[1]).await;
    ledger.end(&bad, dead()).await;
    let mut reports = Vec::new();
    for retry in retries {
        let view = until(&ledger, retry, |view| view.state.is_finished()).await;
        assert_eq!((view.kind.as_str(), view.state), (RetryDead::KIND, State::Done), "{:?}", view.error);
        reports.push(
            serde_json::from_value::<BulkReport>(view.result.expect("a report")).expect("its own shape"),
        );
    }
    assert_eq!((reports[0].jobs, reports[0].canary_died), (3, 0), "{}", reports[0].summary);
    let progress = until(&ledger, retries[0], |view| view.progress.is_some()).await.progress;
    let progress = progress.expect("it was waited for");
    assert_eq!((&progress["done"], &progress["total"]), (&json!(3), &json!(3)), "the canary is one of them");
    assert_eq!((reports[1].jobs, reports[1].canary_died), (1, 1), "{}", reports[1].summary);
    let left = ledger.count("select count(*) from jobs.dead").await;
    assert_eq!(left, 3, "the second tenant's, the canary among them");
    let _ = stop.send(());
    worker.await.expect("the worker");
    ledger.assert_books_balance().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bulk_retry_says_which_jobs_it_left_and_why() {
    let ledger = Ledger::open().await;
    let hand = ledger.worker().await;
    three_dead(&ledger, ledger.tenant, hand).await;
    let keyed = || {
        let job =
            NewJob::of(ledger.tenant, &Probe::default()).expect("a small payload").with_queue("elsewhere");
        job.with_dedup_key("k1").expect("a short key")
    };
    let stays = put(&ledger, keyed()).await;
    let running = ledger.claim_one(hand, stays).await;
    ledger.end(&running, dead()).await;
    let twin = put(&ledger, keyed().with_delay(Duration::from_secs(600))).await;

    let (stop, worker) = start_worker(&ledger, &app(&ledger, &ledger.store));
    let filter = DeadFilter { tenant_id: Some(ledger.tenant.0), ..DeadFilter::default() };
    let retry = NewJob::of(ledger.tenant, &RetryDead { filter, canary: 0, released: None });
    let retry = put(&ledger, retry.expect("a small payload")).await;
    let view = until(&ledger, retry, |view| view.state.is_finished()).await;
    let report: BulkReport = serde_json::from_value(view.result.expect("a report")).expect("its own shape");
    assert_eq!((report.jobs, report.left), (3, 1), "{}", report.summary);
    assert!(report.summary.contains("1 stay dead"), "{}", report.summary);
    let [left] = report.left_jobs.as_slice() else { panic!("{:?}", report.left_jobs) };
    assert_eq!((left.job_id, left.reason.as_str(), left.in_favour_of), (stays, "key_taken", Some(twin)));
    let _ = stop.send(());
    worker.await.expect("the worker");
    ledger.assert_books_balance().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_drain_of_a_kind_leaves_what_else_waits_in_the_queue() {
    let ledger = Ledger::open().await;
    let (mistake, other) = (Probe::default(), PruneHistory::default());
    let mistake = NewJob::of(ledger.tenant, &mistake).expect("a small payload").with_queue("elsewhere");
    let other = NewJob::of(TenantId(SYSTEM_TENANT), &other).expect("a small payload").with_queue("elsewhere");
    let (mistake, other) = (put(&ledger, mistake).await, put(&ledger, other).await);
    let (stop, worker) = start_worker(&ledger, &app(&ledger, &ledger.store));
    let drain = DrainQueue {
        queue: "elsewhere".to_owned(),
        kind: Some(Probe::KIND.to_owned()),
        up_to: Uuid::max(),
        reason: "by mistake".to_owned(),
    };
    let drain = put(&ledger, NewJob::of(TenantId(SYSTEM_TENANT), &drain).expect("a small payload")).await;
    assert_eq!(until(&ledger, drain, |view| view.state.is_finished()).await.state, State::Done);
    let states = (ledger_state(&ledger, mistake).await, ledger_state(&ledger, other).await);
    assert_eq!(states, (State::Cancelled, State::Ready));
    let _ = stop.send(());
    worker.await.expect("the worker");
    ledger.assert_books_balance().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_drain_whose_connection_falls_silent_goes_on_over_another() {
    let ledger = Ledger::open().await;
    let job = NewJob::of(ledger.tenant, &Probe::default()).expect("a small payload").with_queue("elsewhere");
    let waiting = put(&ledger, job).await;
    // Whoever cancels it waits for this lock, so the drain is in the middle of its statement.
    let mut conn = ledger.admin().await;
    let hold = "create function public.hold() returns trigger language plpgsql as $$
        begin perform pg_advisory_xact_lock(7); return old; end $$;
        create trigger hold before delete on jobs.live for each row when (old.queue = 'elsewhere')
        execute function public.hold()";
    sqlx::raw_sql(hold).execute(&mut conn).await.expect("a trigger");
    let mut held = conn.begin().await.expect("a transaction");
    sqlx::query("select pg_advisory_xact_lock(7)").execute(&mut *held).await.expect("the lock");

    // The handlers reach the ledger through a proxy, the rest of the worker does not.
    let proxy = Proxy::before(&ledger.url).await;
    let store = Store::connect(&proxy.url(&ledger.url), 2).expect("the proxy's URL");
    let (stop, worker) = start_worker(&ledger, &app(&ledger, &store));
    let drain = DrainQueue {
        queue: "elsewhere".to_owned(),
        kind: None,
        up_to: Uuid::max(),
        reason: "no use".to_owned(),
    };
    let drain = NewJob::of(TenantId(SYSTEM_TENANT), &drain).expect("a small payload");
    let drain = put(&ledger, drain).await;
    let waits = "select count(*) from pg_locks where locktype = 'advisory' and not granted
                 and database = (select oid from pg_database where datname = current_database())";
    while ledger.count(waits).await == 0 {
        tokio::task::yield_now().await;
    }
    proxy.freeze_open();
    held.rollback().await.expect("the lock is free");

    let view = until(&ledger, drain, |view| view.state.is_finished()).await;
    assert_eq!((view.state, view.attempt), (State::Done, 1), "silence is no failure of the job");
    assert_eq!(ledger_state(&ledger, waiting).await, State::Cancelled);
    let _ = stop.send(());
    worker.await.expect("the worker");
    ledger.assert_books_balance().await;
}

async fn ledger_state(ledger: &Ledger, id: JobId) -> State {
    let view = read::job(&mut *ledger.conn().await, None, id).await.expect("the ledger");
    view.expect("the job exists").state
}
