//! A run that meets an import: nobody stays as they were before it.

use chrono::Utc;
use jobs::{NewJob, State, enqueue, read};
use platform::kinds::ResegmentTenant;
use worker::{handlers, testing::drain};

use super::shop::{Shop, next_due};

#[tokio::test]
async fn a_large_import_during_a_run_has_one_more_run_that_it_asks_for() {
    meet_a_run_with_a_large_import(true).await;
}

#[tokio::test]
async fn very_many_changes_during_a_run_have_one_more_run_that_nobody_asks_for() {
    meet_a_run_with_a_large_import(false).await;
}

/// More customers than are computed one by one or in batches order while a run is under way. An import asks for a
/// run when it is done; changes that came in several small imports, each computed as of the old run, do not.
async fn meet_a_run_with_a_large_import(import_asks: bool) {
    let shop = Shop::open().await;
    shop.import(b"order_id,customer_id,ordered_at,quantity,amount\nfirst,7,2026-07-04T10:00:00Z,1,49.90\n")
        .await;
    // The coordinator has a queue of its own here, so that nobody does the run's other jobs for the moment.
    let run = ResegmentTenant::default();
    let ask = || {
        let job = NewJob::of(shop.tenant, &run).expect("small").with_queue("coordinators");
        job.with_dedup_key(ResegmentTenant::PLAIN).expect("a key")
    };
    let mut conn = shop.app.store.pool().acquire().await.expect("the ledger");
    let (first, announcement) = enqueue(&mut conn, &[ask()]).await.expect("taken");
    shop.app.dispatch.announce(announcement);
    let waiters = jobs::events::Waiters::start(shop.app.dispatch.clone());
    let mut watch = waiters.watch(first[0].id);
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let worker = worker::runtime::run(
        shop.app.store.clone(),
        shop.app.dispatch.clone(),
        handlers::all(&shop.app),
        worker::runtime::Options {
            name: "coordinator".to_owned(),
            queues: [("coordinators".to_owned(), 1)].into(),
            grace: std::time::Duration::from_secs(10),
            database_url: shop.url.clone().into(),
            pulse: worker::runtime::Pulse::default(),
        },
        async move { drop(stopped.await) },
    );
    let worker = tokio::spawn(worker);
    while read::job(&mut conn, None, first[0].id).await.expect("the ledger").expect("the job").state
        != State::Scheduled
    {
        watch.changed().await;
    }
    let _ = stop.send(());
    worker.await.expect("no panic").expect("the runtime");

    let mut log = String::from("order_id,customer_id,ordered_at,quantity,amount\n");
    for n in 0..5_001 {
        log.push_str(&format!("o{n},c{n},2026-07-05T10:00:00Z,1,10.00\n"));
    }
    shop.import(log.as_bytes()).await;
    if import_asks {
        // The run that is under way does not swallow it.
        let (asked, announcement) = enqueue(&mut conn, &[ask()]).await.expect("taken");
        shop.app.dispatch.announce(announcement);
        assert!(asked[0].created && asked[0].state == State::Scheduled, "{asked:?}");
    }
    drop(conn);
    let queues = ["coordinators", "intelligence", "profiles", "default"];
    loop {
        drain(&shop.app.store, &shop.app.dispatch, handlers::all(&shop.app), &shop.url, &queues)
            .await
            .expect("the drain");
        let mut conn = shop.app.store.pool().acquire().await.expect("the ledger");
        let Some(due) = next_due(&mut conn).await else { break };
        tokio::time::sleep((due - Utc::now()).to_std().unwrap_or_default()).await;
    }
    // The publication of the first asks in any case: together with the import's it is one.
    let runs = "select count(*) from platform.intelligence_run where state in ('published', 'superseded')";
    assert_eq!(shop.count(runs).await, 2);
    let current =
        "select count(*) from platform.current_run c join platform.intelligence_run r on r.id = c.run_id
                   where r.started_at > (select max(refreshed_at) from platform.customer_profile)";
    assert_eq!(shop.count(current).await, 1, "the run that readers see began after the import");
    assert_eq!(shop.count("select count(*) from platform.customer_fact").await, 5_002);
    let cancelled = "select count(*) from jobs.job where kind = 'resegment_tenant' and state <> 'done'";
    assert_eq!(shop.count(cancelled).await, 0);
}
