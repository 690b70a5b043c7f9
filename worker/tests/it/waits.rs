//! What waits, for whatever it waits, keeps its attempts.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use chrono::{DateTime, Utc};
use database::{Db, Role};
use jobs::{
    JobId, JobKind, NewJob, State, enqueue,
    kinds::{Probe, probe::ProbeOutput},
    read::JobView,
};
use sqlx::ConnectOptions;
use tokio::sync::Barrier;
use worker::{
    context::Ctx,
    outcome::{Outcome, done},
    runtime::Handlers,
    testing::drain,
};

use crate::{
    ledger::Ledger,
    theatre::{Act, Theatre, class_of, limit_connections, make_due},
};

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
async fn who_gave_way_to_another_transaction_is_put_off_and_keeps_its_attempts() {
    let theatre = Theatre::open().await;
    theatre.stage.db.ping().await.expect("the database");
    let (stop, end) = theatre.start(Duration::from_secs(10));
    let mut conn = theatre.store.pool().acquire().await.expect("the ledger");
    for code in ["40P01", "40001", "55P03"] {
        theatre.stage.runs.store(0, Ordering::SeqCst);
        let id = theatre.enqueue(&[theatre.job(&format!("raise {code}"))]).await[0];
        let view = theatre.until(id, |view| view.state == State::Scheduled).await;
        assert_eq!((view.attempt, class_of(&view)), (0, "database_conflict"), "{code}");
        let waits: bool = sqlx::query_scalar("select waiting_since < due_at from jobs.live where id = $1")
            .bind(id)
            .fetch_one(&mut *conn)
            .await
            .expect("the ledger");
        assert!(waits, "since when it waits is noted, and it comes back later");
        make_due(&mut conn, id).await;
        theatre.offer_due().await;
        let view = theatre.until(id, |view| view.state == State::Done).await;
        assert_eq!(view.result, Some("attempt 1".into()), "{code}");
    }
    // Nobody was in the way of a statement that takes too long: that is a failure.
    theatre.stage.runs.store(0, Ordering::SeqCst);
    let id = theatre.enqueue(&[theatre.job("raise 57014")]).await[0];
    let view = theatre.until(id, |view| view.state == State::Retrying).await;
    assert_eq!((view.attempt, class_of(&view)), (1, "database_slow"));
    let _ = stop.send(());
    end.await.expect("the runtime");
    theatre.assert_books_balance().await;
}

/// Two runs that take two locks crosswise.
struct Crossing {
    db: Db,
    runs: AtomicUsize,
    meeting: Barrier,
}

async fn cross(ctx: Ctx, crossing: Arc<Crossing>, _: Probe) -> Outcome<ProbeOutput> {
    let mut tx = crossing.db.tenant_tx(Role::Support, ctx.tenant).await?;
    let run = crossing.runs.fetch_add(1, Ordering::SeqCst);
    let [first, second] = if run == 1 { [2_i64, 1] } else { [1, 2] };
    let take = "select pg_advisory_xact_lock($1)";
    sqlx::query(take).bind(first).execute(&mut *tx).await?;
    // Each has one of the two before either asks for the other; who gave way comes back alone.
    if run < 2 {
        crossing.meeting.wait().await;
    }
    sqlx::query(take).bind(second).execute(&mut *tx).await?;
    tx.commit().await?;
    done(ProbeOutput { attempt: ctx.attempt })
}

#[tokio::test]
async fn two_jobs_in_a_deadlock_are_both_done_in_their_first_attempt() {
    let ledger = Ledger::open().await;
    let crossing = Arc::new(Crossing {
        db: Db::connect(&ledger.url, 2).expect("the test database's URL"),
        runs: AtomicUsize::new(0),
        meeting: Barrier::new(2),
    });
    let ids = probes(&ledger, 2).await;
    work_off(&ledger, || Handlers::default().with::<Probe, _, _, _>(&crossing, cross)).await;
    assert_eq!(crossing.runs.load(Ordering::SeqCst), 3, "one of the two gave way, once");
    for id in ids {
        let view = ledger.view(id).await;
        assert_eq!((view.state, view.attempt), (State::Done, 1));
    }
    ledger.assert_books_balance().await;
}

async fn probes(ledger: &Ledger, many: usize) -> Vec<JobId> {
    let mut ids = Vec::with_capacity(many);
    for _ in 0..many {
        let job = NewJob::of(ledger.tenant, &Probe::default()).expect("a small payload");
        ids.push(ledger.ask(&job).await.id);
    }
    ids
}

/// Runs everything to its end, what was put off included.
async fn work_off(ledger: &Ledger, handlers: impl Fn() -> Handlers) {
    loop {
        drain(&ledger.store, &ledger.dispatch, handlers(), &ledger.url, &["default"])
            .await
            .expect("the drain");
        let due: Option<DateTime<Utc>> = sqlx::query_scalar("select min(due_at) from jobs.live")
            .fetch_one(&mut *ledger.conn().await)
            .await
            .expect("the ledger");
        let Some(due) = due else { return };
        // What was put off is due within seconds; time itself is what is awaited.
        tokio::time::sleep((due - Utc::now()).to_std().unwrap_or_default()).await;
    }
}

#[tokio::test]
async fn a_pool_smaller_than_the_slots_loses_nothing_and_spends_no_attempt() {
    let ledger = Ledger::open().await;
    let db = Arc::new(Db::connect(&ledger.url, 1).expect("the test database's URL"));
    let ids = probes(&ledger, 4).await;
    work_off(&ledger, || {
        Handlers::default().with::<Probe, _, _, _>(&db, |ctx, db: Arc<Db>, _| async move {
            let mut tx = db.tenant_tx(Role::Support, ctx.tenant).await?;
            // More than half of the time for which a job waits for a connection.
            sqlx::query("select pg_sleep(1.2)").execute(&mut *tx).await?;
            tx.commit().await?;
            done(ProbeOutput { attempt: ctx.attempt })
        })
    })
    .await;
    for id in ids {
        let view = ledger.view(id).await;
        assert_eq!((view.state, view.attempt), (State::Done, 1));
    }
    let put_off = "select coalesce(sum(n), 0)::bigint from jobs.transition
                   where from_state = 'running' and to_state = 'scheduled'";
    assert!(ledger.count(put_off).await > 0, "some found no connection");
    ledger.assert_books_balance().await;
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

/// What a job waits for, what happens to it before that, the class of the wait, and words of what there is to do about it.
const WAITS: [(&str, Option<&str>, &str, &str); 11] = [
    ("miss an upstream that names a time", None, "upstream_busy", "the other system says"),
    ("miss an upstream that names none", None, "upstream_busy", "the other system says"),
    ("miss our own circuit", None, "upstream_busy", "the other system says"),
    ("miss a free connection", None, "database_unavailable", "a connection for each"),
    ("miss the ledger", None, "database_unavailable", "Postgres answers"),
    ("miss redis", None, "queue_unavailable", "Redis answers"),
    ("miss a key of the queue", None, "queue_contended", "the same key"),
    ("miss the store of files", None, "files_away", "has room"),
    ("miss another run", None, "effect_under_way", "come to an end"),
    (
        "succeed",
        Some("update jobs.live set payload_version = 3 where id = $1"),
        "payload_newer",
        "start workers of the release",
    ),
    (
        "succeed",
        Some("update jobs.live set kind = 'of_the_next_release' where id = $1"),
        "unknown_kind",
        "start workers of the release",
    ),
];

#[tokio::test]
async fn every_wait_costs_no_attempt_and_after_a_day_the_dead_letter_says_what_to_do() {
    let theatre = Theatre::open().await;
    let (stop, end) = theatre.start(Duration::from_secs(10));
    let mut conn = theatre.store.pool().acquire().await.expect("the ledger");
    for (step, before, class, to_do) in WAITS {
        let (enqueued, announcement) = enqueue(&mut conn, &[theatre.job(step)]).await.expect("it is taken");
        let id = enqueued[0].id;
        if let Some(before) = before {
            sqlx::query(before).bind(id).execute(&mut *conn).await.expect("the ledger");
        }
        theatre.dispatch.announce(announcement);
        let view = theatre.until(id, |view| view.state == State::Scheduled).await;
        assert_eq!((view.attempt, class_of(&view)), (0, class), "{step}");

        let aged = "update jobs.live set waiting_since = waiting_since - interval '1 day' where id = $1";
        let aged = sqlx::query(aged).bind(id).execute(&mut *conn).await.expect("the ledger");
        assert_eq!(aged.rows_affected(), 1, "{step}");
        make_due(&mut conn, id).await;
        theatre.offer_due().await;
        let view = theatre.until(id, |view| view.state == State::Dead).await;
        assert_eq!(class_of(&view), "waited_too_long", "{step}");
        let error = view.error.expect("an error");
        let told = error["message"].as_str().expect("a sentence");
        assert!(told.contains(class) && told.contains(to_do) && told.contains("then retry it"), "{told}");
    }
    let _ = stop.send(());
    end.await.expect("the runtime");
}

#[tokio::test]
async fn a_queue_paused_for_a_day_is_no_part_of_a_wait() {
    let theatre = Theatre::open().await;
    let (stop, end) = theatre.start(Duration::from_secs(10));
    let id = theatre.enqueue(&[theatre.job("no database")]).await[0];
    theatre.until(id, |view| view.state == State::Scheduled).await;
    let mut conn = theatre.store.pool().acquire().await.expect("the ledger");
    // It has waited for an hour, and was due when its queue was paused.
    let paused =
        "update jobs.live set waiting_since = now() - interval '25 hours', run_at = now() - interval '1 day',
                      due_at = now() where id = $1";
    sqlx::query(paused).bind(id).execute(&mut *conn).await.expect("the ledger");
    theatre.stage.runs.store(0, Ordering::SeqCst);
    theatre.offer_due().await;
    let ran = |view: &JobView| {
        let at_rest = matches!(view.state, State::Scheduled | State::Dead);
        at_rest && theatre.stage.runs.load(Ordering::SeqCst) == 1
    };
    let view = theatre.until(id, ran).await;
    assert_eq!(
        (view.state, class_of(&view)),
        (State::Scheduled, "database_unavailable"),
        "it goes on waiting"
    );
    let hours: f64 = sqlx::query_scalar(
        "select extract(epoch from run_at - waiting_since)::float8 / 3600 from jobs.live where id = $1",
    )
    .bind(id)
    .fetch_one(&mut *conn)
    .await
    .expect("the ledger");
    assert!((0.9..2.0).contains(&hours), "{hours} h are left of the wait");
    make_due(&mut conn, id).await;
    theatre.offer_due().await;
    theatre.until(id, |view| view.state == State::Done).await;
    let _ = stop.send(());
    end.await.expect("the runtime");
    theatre.assert_books_balance().await;
}

#[tokio::test]
async fn a_ledger_that_refuses_connections_is_waited_for_and_the_error_says_what_to_do() {
    let theatre = Theatre::open().await;
    let ids = theatre.enqueue(&(0..20).map(|_| theatre.job("succeed")).collect::<Vec<_>>()).await;
    let mut admin = theatre.admin().await;
    limit_connections(&mut admin, 1).await;
    let (stop, end) = theatre.start(Duration::from_secs(10));
    // As the worker's heart meets it, too.
    let options = jobs::store::connect_options(theatre.url()).expect("the test database's URL");
    let refused = options.connect().await.map_err(database::DbError::from).expect_err("there is no room");
    assert!(refused.is_unavailable() && refused.to_string().contains("raise max_connections"), "{refused}");
    assert_eq!(refused.to_string().lines().count(), 1);
    limit_connections(&mut admin, -1).await;
    for id in ids {
        let view = theatre.until(id, |view| view.state == State::Done).await;
        assert_eq!(view.attempt, 1, "no attempt was spent");
    }
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
async fn a_kind_that_this_worker_does_not_know_waits_for_one_that_does() {
    let theatre = Theatre::open().await;
    let mut conn = theatre.store.pool().acquire().await.expect("the ledger");
    let (enqueued, announcement) = enqueue(&mut conn, &[theatre.job("succeed")]).await.expect("it is taken");
    let id = enqueued[0].id;
    let rename = async |conn: &mut sqlx::PgConnection, kind: &str| {
        sqlx::query("update jobs.live set kind = $2 where id = $1")
            .bind(id)
            .bind(kind)
            .execute(conn)
            .await
            .expect("the ledger");
    };
    rename(&mut *conn, "of_the_next_release").await;
    let (stop, end) = theatre.start(Duration::from_secs(10));
    theatre.dispatch.announce(announcement);
    let view = theatre.until(id, |view| view.state == State::Scheduled).await;
    assert_eq!((view.attempt, class_of(&view)), (0, "unknown_kind"));
    assert_eq!(theatre.stage.runs.load(Ordering::SeqCst), 0);
    // As a worker that knows it finds it.
    rename(&mut *conn, Act::KIND).await;
    make_due(&mut conn, id).await;
    theatre.offer_due().await;
    let view = theatre.until(id, |view| view.state == State::Done).await;
    assert_eq!((view.attempt, view.result), (1, Some("attempt 1".into())));
    let _ = stop.send(());
    end.await.expect("the runtime");
}

#[tokio::test]
async fn a_delay_counts_by_the_clock_of_the_ledger() {
    let theatre = Theatre::open().await;
    let mut conn = theatre.store.pool().acquire().await.expect("the ledger");
    let clock = "select clock_timestamp()";
    let hour = chrono::TimeDelta::hours(1);
    let before: DateTime<Utc> = sqlx::query_scalar(clock).fetch_one(&mut *conn).await.expect("a time");
    let job = theatre.job("succeed").with_delay(Duration::from_secs(3600));
    let (enqueued, announcement) = enqueue(&mut conn, &[job]).await.expect("the ledger takes it");
    let after: DateTime<Utc> = sqlx::query_scalar(clock).fetch_one(&mut *conn).await.expect("a time");
    let due_at = enqueued[0].due_at.expect("it waits");
    assert!(before + hour <= due_at && due_at <= after + hour);
    assert_eq!(announcement.next_due, Some(due_at));
    assert!(announcement.ready.is_empty());
}
