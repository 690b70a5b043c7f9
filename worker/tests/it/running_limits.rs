//! How many run at once, seen by the jobs that run. Whose turn it is then is in `limits`.

use std::{sync::atomic::Ordering, time::Duration};

use jobs::{JobKind, NewJob, State, queues, sweep};

use crate::theatre::{Act, Theatre};

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
