//! What becomes of jobs whose worker stops, falls silent or dies.

use std::{sync::atomic::Ordering, time::Duration};

use jobs::{State, sweep};
use migrations::testing::insist;
use uuid::Uuid;

use crate::theatre::{Theatre, class_of};

/// The shortest for which a worker counts as silent.
const SILENCE: Duration = Duration::ZERO;

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
    let dispatch = &theatre.dispatch;
    let offered = insist(async || dispatch.depth(&mut dispatch.link().await?, "acts").await).await;
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
    // It lives, so nobody died of the job.
    assert_eq!((view.attempt, view.crashes), (first.attempt, 0));
    assert_eq!(theatre.stage.runs.load(Ordering::SeqCst), 2);
    let _ = stop.send(());
    end.await.expect("the runtime");
    theatre.assert_books_balance().await;
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
