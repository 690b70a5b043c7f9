//! A queue that is paused starts nothing, and what was on its way into a worker is not lost by it.

use std::{sync::atomic::Ordering, time::Duration};

use chrono::{DateTime, Utc};
use jobs::{State, queues};
use migrations::testing::insist;

use crate::theatre::Theatre;

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
async fn what_a_worker_took_in_the_moment_of_a_pause_starts_when_the_queue_is_resumed() {
    let theatre = Theatre::open().await;
    let mut admin = theatre.admin().await;
    // Claims wait as long as the test holds this lock.
    for statement in [
        "create function public.gate() returns trigger language plpgsql as $$
         begin perform pg_advisory_xact_lock_shared(4711); return null; end $$",
        "create trigger gate before update on jobs.live execute function public.gate()",
        "select pg_advisory_lock(4711)",
    ] {
        sqlx::query(statement).execute(&mut admin).await.expect("a gate");
    }
    let mut conn = theatre.store.pool().acquire().await.expect("the ledger");
    // With one slot one lane waits for work, and nobody takes out again what it puts back.
    queues::control(&mut conn, "acts", None, Some(Some(1)), None, "test").await.expect("the ledger");
    let (stop, end) = theatre.start(Duration::from_secs(10));
    // One with a limit is claimed by a second statement, which is not begun once the queue is paused.
    let limited = theatre.job("succeed").with_concurrency_key("shop", 1).expect("a good key");
    let id = theatre.enqueue(&[limited]).await[0];
    let waiting = "select exists (select from pg_locks where locktype = 'advisory' and not granted
                       and database = (select oid from pg_database where datname = current_database()))";
    while !sqlx::query_scalar::<_, bool>(waiting).fetch_one(&mut admin).await.expect("the locks") {
        tokio::task::yield_now().await;
    }
    queues::control(&mut conn, "acts", Some(true), None, None, "test").await.expect("the ledger");
    // The first beat from now on brings the pause, and the next one comes when the worker has heard of it.
    for _ in 0..2 {
        let last = beat_at(&mut conn).await;
        theatre.dispatch.poke_workers();
        while beat_at(&mut conn).await == last {
            tokio::task::yield_now().await;
        }
    }
    sqlx::query("select pg_advisory_unlock(4711)").execute(&mut admin).await.expect("the gate opens");
    let depth = async || theatre.dispatch.depth(&mut theatre.dispatch.link().await?, "acts").await;
    while insist(&depth).await == 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(theatre.stage.runs.load(Ordering::SeqCst), 0, "the queue is paused");
    queues::control(&mut conn, "acts", Some(false), None, None, "test").await.expect("the ledger");
    theatre.dispatch.poke_workers();
    let view = theatre.until(id, |view| view.state == State::Done).await;
    assert_eq!(view.attempt, 1);
    let _ = stop.send(());
    end.await.expect("the runtime");
    theatre.assert_books_balance().await;
}

/// When the ledger last heard of the worker.
async fn beat_at(conn: &mut sqlx::PgConnection) -> DateTime<Utc> {
    sqlx::query_scalar("select max(beat_at) from jobs.worker").fetch_one(conn).await.expect("a worker")
}
