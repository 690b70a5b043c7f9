//! Jobs of workers that fall silent are handed out again, and buried when they kill every worker.

use std::collections::HashMap;

use jobs::{JobId, events::Waiters, ledger, workers};
use sqlx::Row;
use uuid::Uuid;

use crate::desk::Desk;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_of_a_silent_worker_is_handed_out_until_it_is_poison() {
    let desk = Desk::new().await;
    let waiters = Waiters::start(desk.dispatch.clone());
    let (ids, announcement) = desk.enqueue_silently(1, None).await;
    desk.dispatch.announce(announcement);
    let mut ended = waiters.watch(ids[0]);
    let mut scheduler = desk.start();
    scheduler.leads().await;
    for _ in 0..3 {
        claim(&desk, ids[0]).await;
    }
    let row = loop {
        let row = sqlx::query("select error_class, crashes from jobs.dead where id = $1")
            .bind(ids[0])
            .fetch_optional(desk.store.pool())
            .await
            .expect("the ledger answers");
        match row {
            Some(row) => break row,
            None => ended.changed().await,
        }
    };
    assert_eq!(row.get::<String, _>(0), "poison");
    assert_eq!(row.get::<i16, _>(1), 3);
    let counts = sqlx::query(
        "select (select count(*) from jobs.worker where state = 'lost'), (select count(*) from jobs.lease),
             (select count(*) from jobs.attempt where outcome = 'crash')",
    )
    .fetch_one(desk.store.pool())
    .await
    .expect("the ledger answers");
    assert_eq!((counts.get::<i64, _>(0), counts.get::<i64, _>(1), counts.get::<i64, _>(2)), (3, 0, 3));
    scheduler.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_running_job_without_a_lease_is_handed_out() {
    let desk = Desk::new().await;
    let (ids, announcement) = desk.enqueue_silently(1, None).await;
    desk.dispatch.announce(announcement);
    claim(&desk, ids[0]).await;
    // What a fail-over to a standby that lagged may leave of a claim; the worker is no matter.
    sqlx::query("with held as (delete from jobs.lease) delete from jobs.worker")
        .execute(desk.store.pool())
        .await
        .expect("the ledger answers");
    let mut scheduler = desk.start();
    scheduler.leads().await;
    assert_eq!(desk.next_jobs(10).await, ids);
    let (attempt, crashes): (i16, i16) =
        sqlx::query_as("select attempt, crashes from jobs.live where id = $1 and state = 'ready'")
            .bind(ids[0])
            .fetch_one(desk.store.pool())
            .await
            .expect("it is ready");
    assert_eq!((attempt, crashes), (0, 0), "nobody is known to have died of it");
    scheduler.stop().await;
}

/// A worker takes the job and is never heard of again. Stale offers of the job are passed over.
async fn claim(desk: &Desk, id: JobId) {
    let worker = workers::Introduction {
        id: Uuid::now_v7(),
        name: "doomed".to_owned(),
        host: "test".to_owned(),
        pid: 1,
        version: "0".to_owned(),
        queues: HashMap::new(),
    };
    let mut conn = desk.store.pool().acquire().await.expect("the test server answers");
    workers::introduce(&mut conn, &worker).await.expect("a worker may introduce itself");
    loop {
        let offered = desk.next_jobs(10).await;
        assert_eq!(offered, [id]);
        // As a lane does: what was in flight in a crash is claimed under a limit.
        let mut claimed =
            ledger::claim(&mut conn, worker.id, &offered, &[]).await.expect("the ledger answers");
        claimed
            .extend(ledger::claim_limited(&mut conn, worker.id, &offered).await.expect("the ledger answers"));
        if !claimed.is_empty() {
            break;
        }
    }
    sqlx::query("update jobs.worker set beat_at = now() - interval '1 hour' where id = $1")
        .bind(worker.id)
        .execute(&mut *conn)
        .await
        .expect("the ledger answers");
}
