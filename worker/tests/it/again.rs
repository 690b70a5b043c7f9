//! What is asked for while it runs: it runs once more afterwards, with what was asked for last.

use std::time::Duration;

use crate::ledger::{Ledger, dead, done, end_on};
use database::Role;
use jobs::{
    Enqueued, JobId, JobKind, NewJob, State, enqueue,
    ledger::Ending,
    read::{self, Cancelled},
    successors, sweep,
};
use marketing::kinds::EvaluateSegment;
use platform::kinds::{ResegmentTenant, TrainChurn};
use serde_json::json;
use uuid::Uuid;

/// An evaluation of always the same segment; the job to wait for tells the payloads apart.
fn evaluation(ledger: &Ledger, after: JobId) -> NewJob {
    let payload = EvaluateSegment { segment_id: Uuid::nil(), after: vec![after] };
    let key = EvaluateSegment::dedup_key(payload.segment_id);
    NewJob::of(ledger.tenant, &payload).expect("a small payload").with_dedup_key(&key).expect("a key")
}

fn numbered(n: u128) -> JobId {
    Uuid::from_u128(n)
}

async fn after_of(ledger: &Ledger, id: JobId) -> serde_json::Value {
    ledger.view(id).await.payload.expect("a payload")["after"][0].clone()
}

#[tokio::test]
async fn one_that_has_not_begun_stands_in_with_the_newest_payload() {
    let ledger = Ledger::open().await;
    let first = ledger.ask(&evaluation(&ledger, numbered(1))).await;
    assert_eq!((first.created, first.state), (true, State::Ready));
    let second = ledger.ask(&evaluation(&ledger, numbered(2))).await;
    assert_eq!(second, Enqueued { id: first.id, created: false, due_at: None, state: State::Ready });
    assert_eq!(after_of(&ledger, first.id).await, json!(numbered(2)));

    // Put off before it read its input, it has not begun either.
    let worker = ledger.worker().await;
    let job = ledger.claim_one(worker, first.id).await;
    ledger.end(&job, Ending::Snooze { delay: Duration::from_secs(60) }).await;
    let third = ledger.ask(&evaluation(&ledger, numbered(3))).await;
    assert_eq!(third, Enqueued { id: first.id, created: false, due_at: None, state: State::Scheduled });
    assert_eq!(after_of(&ledger, first.id).await, json!(numbered(3)));
    assert_eq!(ledger.count("select count(*) from jobs.live").await, 1);
    ledger.assert_books_balance().await;
}

#[tokio::test]
async fn asked_for_five_times_while_it_runs_it_runs_once_more() {
    let ledger = Ledger::open().await;
    let worker = ledger.worker().await;
    let first = ledger.ask(&evaluation(&ledger, numbered(0))).await;
    let running = ledger.claim_one(worker, first.id).await;
    let mut asked = Vec::new();
    for n in 1..=5 {
        asked.push(ledger.ask(&evaluation(&ledger, numbered(n))).await);
    }
    let next = asked[0].id;
    assert_ne!(next, first.id);
    assert!(asked.iter().all(|asked| asked.id == next && asked.state == State::Scheduled));
    assert_eq!(
        asked.iter().map(|asked| asked.created).collect::<Vec<_>>(),
        [true, false, false, false, false]
    );
    assert_eq!(after_of(&ledger, first.id).await, json!(numbered(0)), "what runs keeps what it read");
    assert!(ledger.claim(worker, &[next]).await.is_empty(), "it does not run beside the first");
    ledger.assert_books_balance().await;

    let completed = ledger.end(&running, done(&json!({"run": 1}))).await;
    assert_eq!(completed.announcement.ready.iter().map(|offer| offer.id).collect::<Vec<_>>(), [next]);
    let view = ledger.view(first.id).await;
    assert_eq!((view.state, view.result), (State::Done, Some(json!({"run": 1}))));
    let again = ledger.claim_one(worker, next).await;
    assert_eq!(after_of(&ledger, next).await, json!(numbered(5)));
    ledger.end(&again, done(&json!({"run": 2}))).await;
    assert_eq!(ledger.count("select count(*) from jobs.live").await, 0);
    assert_eq!(ledger.count("select count(*) from jobs.finished").await, 2);
    ledger.assert_books_balance().await;
}

#[tokio::test]
async fn several_in_one_statement_share_one_successor_of_the_last_payload() {
    let ledger = Ledger::open().await;
    let worker = ledger.worker().await;
    let first = ledger.ask(&evaluation(&ledger, numbered(0))).await;
    ledger.claim_one(worker, first.id).await;
    let jobs: Vec<NewJob> = (1..=3).map(|n| evaluation(&ledger, numbered(n))).collect();
    let (enqueued, _) = enqueue(&mut *ledger.conn().await, &jobs).await.expect("they are taken");
    assert!(enqueued.iter().all(|asked| asked.id == jobs[2].id()), "{enqueued:?}");
    assert_eq!(enqueued.iter().filter(|asked| asked.created).count(), 1);
    assert_eq!(after_of(&ledger, jobs[2].id()).await, json!(numbered(3)));
    ledger.assert_books_balance().await;
}

#[tokio::test]
async fn however_the_first_ends_the_second_runs() {
    let ledger = Ledger::open().await;
    let worker = ledger.worker().await;
    for (ending, state) in
        [(dead(), State::Dead), (Ending::Cancelled { reason: "no".to_owned() }, State::Cancelled)]
    {
        let first = ledger.ask(&evaluation(&ledger, numbered(0))).await;
        let running = ledger.claim_one(worker, first.id).await;
        let next = ledger.ask(&evaluation(&ledger, numbered(1))).await.id;
        ledger.end(&running, ending).await;
        assert_eq!((ledger.state(first.id).await, ledger.state(next).await), (state, State::Ready));
        let again = ledger.claim_one(worker, next).await;
        ledger.end(&again, done(&json!(null))).await;
    }
    ledger.assert_books_balance().await;
}

#[tokio::test]
async fn the_first_may_fail_and_be_cancelled_while_it_waits_for_its_next_attempt() {
    let ledger = Ledger::open().await;
    let worker = ledger.worker().await;
    let first = ledger.ask(&evaluation(&ledger, numbered(0))).await;
    let running = ledger.claim_one(worker, first.id).await;
    let next = ledger.ask(&evaluation(&ledger, numbered(1))).await.id;
    let failure = jobs::ledger::Failure::new("test", "not yet");
    ledger.end(&running, Ending::Retry { failure, delay: Duration::from_secs(60) }).await;
    assert_eq!((ledger.state(first.id).await, ledger.state(next).await), (State::Retrying, State::Scheduled));
    let mut conn = ledger.conn().await;
    let cancelled = read::cancel(&mut conn, Some(ledger.tenant.0), first.id, "no").await.expect("the ledger");
    assert_eq!((cancelled, ledger.state(next).await), (Cancelled::Now, State::Ready));

    // A successor can be cancelled like any job that waits; then the next request has one of its own.
    let running = ledger.claim_one(worker, next).await;
    let third = ledger.ask(&evaluation(&ledger, numbered(2))).await.id;
    let cancelled = read::cancel(&mut conn, Some(ledger.tenant.0), third, "no").await.expect("the ledger");
    assert_eq!(cancelled, Cancelled::Now);
    let fourth = ledger.ask(&evaluation(&ledger, numbered(3))).await;
    assert!(fourth.created && fourth.id != third);
    ledger.end(&running, done(&json!(null))).await;
    assert_eq!(ledger.state(fourth.id).await, State::Ready);
    ledger.assert_books_balance().await;
}

#[tokio::test]
async fn a_worker_that_dies_in_between_takes_neither_with_it() {
    let ledger = Ledger::open().await;
    let doomed = ledger.worker().await;
    let first = ledger.ask(&evaluation(&ledger, numbered(0))).await;
    ledger.claim_one(doomed, first.id).await;
    let next = ledger.ask(&evaluation(&ledger, numbered(1))).await.id;
    let recovered = ledger.lose(doomed).await;
    assert_eq!(recovered.offers.iter().map(|offer| offer.id).collect::<Vec<_>>(), [first.id]);
    assert_eq!((ledger.state(first.id).await, ledger.state(next).await), (State::Ready, State::Scheduled));
    let other = ledger.worker().await;
    let running = ledger.claim_one(other, first.id).await;
    ledger.end(&running, done(&json!(null))).await;
    assert_eq!(ledger.state(next).await, State::Ready);
    ledger.assert_books_balance().await;

    // One that kills its workers leaves its successor as well.
    sqlx::query("update jobs.live set crashes = 2 where id = $1")
        .bind(next)
        .execute(&mut *ledger.conn().await)
        .await
        .expect("the ledger");
    let doomed = ledger.worker().await;
    ledger.claim_one(doomed, next).await;
    let third = ledger.ask(&evaluation(&ledger, numbered(2))).await.id;
    let recovered = ledger.lose(doomed).await;
    assert_eq!(ledger.state(next).await, State::Dead);
    assert_eq!(recovered.offers.iter().map(|offer| offer.id).collect::<Vec<_>>(), [third]);
    ledger.assert_books_balance().await;
}

#[tokio::test]
async fn a_coordinator_that_puts_itself_off_has_begun_all_the_same() {
    let ledger = Ledger::open().await;
    let worker = ledger.worker().await;
    let run = || {
        let run = ResegmentTenant::default();
        let job = NewJob::of(ledger.tenant, &run).expect("a small payload");
        job.with_dedup_key(&run.dedup_key()).expect("a key")
    };
    let first = ledger.ask(&run()).await;
    assert_eq!(ledger.ask(&run()).await.id, first.id, "it has not begun");
    let running = ledger.claim_one(worker, first.id).await;
    ledger.end(&running, Ending::Snooze { delay: Duration::ZERO }).await;
    assert_eq!(ledger.state(first.id).await, State::Scheduled);
    let next = ledger.ask(&run()).await;
    assert_eq!((next.created, next.state), (true, State::Scheduled));
    assert_ne!(next.id, first.id);
    // It looks again, and again: the successor waits for its end, not for its next snooze.
    for _ in 0..2 {
        let promoted = sweep::promote_due(&mut *ledger.conn().await, 10).await.expect("the ledger");
        assert_eq!(promoted.iter().map(|offer| offer.id).collect::<Vec<_>>(), [first.id]);
        let running = ledger.claim_one(worker, first.id).await;
        ledger.end(&running, Ending::Snooze { delay: Duration::ZERO }).await;
        assert_eq!(ledger.state(next.id).await, State::Scheduled);
    }
    sweep::promote_due(&mut *ledger.conn().await, 10).await.expect("the ledger");
    let running = ledger.claim_one(worker, first.id).await;
    assert_eq!(ledger.ask(&run()).await.id, next.id);
    ledger.end(&running, done(&json!(null))).await;
    assert_eq!(ledger.state(next.id).await, State::Ready);
    ledger.assert_books_balance().await;
}

#[tokio::test]
async fn other_kinds_stand_in_while_they_run() {
    let ledger = Ledger::open().await;
    let worker = ledger.worker().await;
    let train = || {
        let job = NewJob::of(ledger.tenant, &TrainChurn { as_of: None, horizon_days: None }).expect("small");
        job.with_dedup_key("run").expect("a key")
    };
    let first = ledger.ask(&train()).await;
    ledger.claim_one(worker, first.id).await;
    assert_eq!(
        ledger.ask(&train()).await,
        Enqueued { id: first.id, created: false, due_at: None, state: State::Running }
    );
}

#[tokio::test]
async fn a_job_does_not_begin_before_what_was_asked_for_can_be_read() {
    let ledger = Ledger::open().await;
    let worker = ledger.worker().await;
    let first = ledger.ask(&evaluation(&ledger, numbered(0))).await;
    let mut tx = ledger.db.tenant_tx(Role::Marketing, ledger.tenant).await.expect("begins");
    let (again, announcement) = enqueue(&mut tx, &[evaluation(&ledger, numbered(1))]).await.expect("taken");
    assert_eq!(again[0].id, first.id);
    assert!(ledger.claim(worker, &[first.id]).await.is_empty(), "it would read the state before the commit");
    tx.commit().await.expect("commits");
    let offered: Vec<JobId> = announcement.ready.iter().map(|offer| offer.id).collect();
    assert_eq!(offered, [first.id], "a claim may have passed it over meanwhile");
    let job = ledger.claim_one(worker, first.id).await;
    assert!(job.payload.get().contains(&numbered(1).to_string()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_completion_waits_for_whoever_is_asking_again() {
    let ledger = Ledger::open().await;
    let worker = ledger.worker().await;
    let first = ledger.ask(&evaluation(&ledger, numbered(0))).await;
    let running = ledger.claim_one(worker, first.id).await;
    let mut tx = ledger.db.tenant_tx(Role::Marketing, ledger.tenant).await.expect("begins");
    let (again, _) = enqueue(&mut tx, &[evaluation(&ledger, numbered(1))]).await.expect("taken");
    let mut conn = ledger.conn().await;
    let completer: i32 =
        sqlx::query_scalar("select pg_backend_pid()").fetch_one(&mut *conn).await.expect("the ledger");
    let completion = tokio::spawn(async move { end_on(&mut conn, &running, done(&json!(null))).await });
    loop {
        let waits: bool =
            sqlx::query_scalar("select exists (select from pg_locks where pid = $1 and not granted)")
                .bind(completer)
                .fetch_one(&mut *ledger.conn().await)
                .await
                .expect("the ledger");
        if waits {
            break;
        }
        tokio::task::yield_now().await;
    }
    tx.commit().await.expect("commits");
    let completed = completion.await.expect("no panic");
    assert_eq!(completed.announcement.ready.iter().map(|offer| offer.id).collect::<Vec<_>>(), [again[0].id]);
    assert_eq!(ledger.state(again[0].id).await, State::Ready);
    ledger.assert_books_balance().await;
}

#[tokio::test]
async fn the_leader_finds_a_successor_that_was_left_behind() {
    let ledger = Ledger::open().await;
    let worker = ledger.worker().await;
    let first = ledger.ask(&evaluation(&ledger, numbered(0))).await;
    ledger.claim_one(worker, first.id).await;
    let next = ledger.ask(&evaluation(&ledger, numbered(1))).await.id;
    let mut conn = ledger.conn().await;
    let released = successors::release_left_behind(&mut conn, 10).await.expect("the ledger");
    assert!(released.ready.is_empty(), "the first runs yet");
    // As a program of before ends it, and a request comes before the leader does.
    sqlx::query("delete from jobs.live where id = $1")
        .bind(first.id)
        .execute(&mut *conn)
        .await
        .expect("gone");
    let third = ledger.ask(&evaluation(&ledger, numbered(2))).await.id;
    assert_ne!(third, next);
    let released = successors::release_left_behind(&mut conn, 10).await.expect("the ledger");
    assert!(released.ready.is_empty(), "one at a time has the key");
    let running = ledger.claim_one(worker, third).await;
    ledger.end(&running, done(&json!(null))).await;
    let released = successors::release_left_behind(&mut conn, 10).await.expect("the ledger");
    assert_eq!(released.ready.iter().map(|offer| offer.id).collect::<Vec<_>>(), [next]);
    assert_eq!(ledger.claim_one(worker, next).await.kind, EvaluateSegment::KIND);
}

#[tokio::test]
async fn an_application_changes_the_payload_of_what_waits_and_nothing_else() {
    let ledger = Ledger::open().await;
    let worker = ledger.worker().await;
    let running = ledger.ask(&evaluation(&ledger, numbered(0))).await.id;
    ledger.claim_one(worker, running).await;
    let waiting = ledger.ask(&evaluation(&ledger, numbered(1))).await.id;
    for (id, change, may) in [
        (waiting, "update jobs.live set payload = payload where id = $1", true),
        (running, "update jobs.live set payload = payload where id = $1", false),
        (waiting, "update jobs.live set priority = 0 where id = $1", false),
    ] {
        let mut tx = ledger.db.tenant_tx(Role::Marketing, ledger.tenant).await.expect("begins");
        let changed = sqlx::query(change).bind(id).execute(&mut *tx).await;
        assert_eq!(
            changed.as_ref().is_ok_and(|changed| changed.rows_affected() == 1),
            may,
            "{change}: {changed:?}"
        );
    }
}
