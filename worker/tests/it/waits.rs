//! What waits, for whatever it waits, keeps its attempts.

use std::{sync::atomic::Ordering, time::Duration};

use chrono::Utc;
use jobs::{State, enqueue, queues};

use crate::theatre::{Theatre, class_of, make_due};

#[tokio::test]
async fn a_snooze_costs_no_attempt() {
    let theatre = Theatre::open().await;
    let view = theatre.outcome_of("snooze once").await;
    assert_eq!((view.state, view.result), (State::Done, Some("attempt 1".into())));
    assert_eq!(theatre.stage.runs.load(Ordering::SeqCst), 2);
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
