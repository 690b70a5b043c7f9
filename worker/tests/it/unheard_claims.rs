//! Claims that one side never heard of. The worker did not: the answer was lost, and it finds out by its
//! heartbeat and hands the job back. The cluster did not: the worker died before its first heartbeat, and
//! the sweeper takes its jobs all the same.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use jobs::{
    Dispatch, Store,
    audit::{self, Pace},
    dispatch::Server,
    events::Waiters,
    kinds::{Probe, probe::ProbeOutput},
    ledger, sweep,
};
use migrations::testing::fresh_database;
use tokio::sync::oneshot;
use uuid::Uuid;
use worker::{
    outcome::done,
    runtime::{self, Handlers, Options, Pulse},
};

use crate::by_hand::{finished, put};

/// The shortest for which a worker counts as silent.
const SILENCE: Duration = Duration::ZERO;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_claimed_unheard_is_handed_back_and_runs() {
    boot::install_tls();
    let database = fresh_database().await;
    let url = database.url_for("desk_worker");
    let redis = std::env::var("TEST_REDIS_URL").expect("TEST_REDIS_URL: run the tests with `make test`");
    let store = Store::connect(&url, 6).expect("the test database's URL");
    let server = Server::new(&redis).expect("the test Redis's URL");
    let dispatch = Dispatch::new(server, &format!("test-{}", Uuid::now_v7().simple()));
    let handlers = Handlers::default().with::<Probe, _, _, _>(&Arc::new(()), |ctx, _, _| async move {
        done(ProbeOutput { attempt: ctx.attempt })
    });
    let options = Options {
        name: "test".to_owned(),
        queues: BTreeMap::from([("default".to_owned(), 4)]),
        grace: Duration::from_secs(5),
        database_url: url.clone().into(),
        pulse: Pulse::default(),
    };
    let (stop, stopped) = oneshot::channel::<()>();
    let running =
        tokio::spawn(runtime::run(store.clone(), dispatch.clone(), handlers, options, async move {
            let _ = stopped.await;
        }));
    let waiters = Waiters::start(dispatch.clone());

    // A first job tells the worker's identity.
    let (first, announcement) = put(&store).await;
    let mut changed = waiters.watch(first);
    dispatch.announce(announcement);
    let worker: Uuid = loop {
        match finished(&store, first).await {
            Some((_, worker)) => break worker,
            None => changed.changed().await,
        }
    };
    let (second, _) = put(&store).await;
    let mut changed = waiters.watch(second);
    let mut conn = store.pool().acquire().await.expect("the ledger");
    let unheard = ledger::claim(&mut conn, worker, &[second], &[]).await.expect("the ledger");
    assert_eq!(unheard.len(), 1);
    sqlx::query("update jobs.lease set claimed_at = claimed_at - interval '1 minute' where lease = $1")
        .bind(unheard[0].lease)
        .execute(&mut *conn)
        .await
        .expect("the ledger");

    let attempt = loop {
        match finished(&store, second).await {
            Some((attempt, _)) => break attempt,
            None => changed.changed().await,
        }
    };
    assert_eq!(attempt, 1, "a start that never was costs no attempt");
    let noted: i64 = sqlx::query_scalar("select count(*) from jobs.attempt")
        .fetch_one(&mut *conn)
        .await
        .expect("the ledger");
    assert_eq!(noted, 0);
    let audit =
        audit::run(&mut conn, Pace::default()).await.expect("the ledger").expect("there is little to count");
    assert!(audit.drifts.is_empty(), "{:?}", audit.drifts);
    let _ = stop.send(());
    running.await.expect("no panic").expect("a clean end");
}

#[tokio::test]
async fn what_a_worker_claimed_that_died_before_its_first_beat_is_handed_out() {
    let database = fresh_database().await;
    let store = Store::connect(&database.url_for("desk_worker"), 2).expect("the test database's URL");
    let (id, _) = put(&store).await;
    let mut conn = store.pool().acquire().await.expect("the ledger");
    ledger::claim(&mut conn, Uuid::now_v7(), &[id], &[]).await.expect("the ledger");
    let early = sweep::recover_lost_workers(&mut conn, SILENCE).await.expect("the ledger");
    assert!(early.offers.is_empty(), "its first beat may still come");
    sqlx::query("update jobs.lease set claimed_at = claimed_at - interval '1 minute'")
        .execute(&mut *conn)
        .await
        .expect("the ledger");
    let recovered = sweep::recover_lost_workers(&mut conn, SILENCE).await.expect("the ledger");
    assert_eq!(recovered.offers.iter().map(|offer| offer.id).collect::<Vec<_>>(), [id]);
    let leases: i64 = sqlx::query_scalar("select count(*) from jobs.lease")
        .fetch_one(&mut *conn)
        .await
        .expect("the ledger");
    assert_eq!(leases, 0);
}
