//! Who is to blame for a crash: one job that kills its workers, and not those that happened to run beside it.

use crate::ledger::{Ledger, done};
use jobs::{JobId, NewJob, State, kinds::Probe, ledger::Claimed, workers};
use serde_json::json;
use uuid::Uuid;

fn probe(ledger: &Ledger) -> NewJob {
    NewJob::of(ledger.tenant, &Probe::default()).expect("a small payload").with_max_attempts(1)
}

async fn class_of(ledger: &Ledger, id: JobId) -> String {
    let error = ledger.view(id).await.error.expect("an error");
    error["class"].as_str().expect("a class").to_owned()
}

/// Workers take what they get, one worker after the other, until nothing is left. Those that get the poison die with
/// all that they hold. Answers how many died, and what each of them held.
async fn work_off(ledger: &Ledger, jobs: &[JobId], poison: JobId) -> Vec<Vec<Claimed>> {
    let mut deaths = Vec::new();
    for _ in 0..jobs.len() + 10 {
        let worker = ledger.worker().await;
        let held = ledger.claim(worker, jobs).await;
        if held.is_empty() {
            return deaths;
        }
        if held.iter().any(|job| job.id == poison) {
            ledger.lose(worker).await;
            deaths.push(held);
        } else {
            for job in &held {
                ledger.end(job, done(&json!(null))).await;
            }
        }
    }
    panic!("the jobs are never worked off");
}

/// Two workers die with all of them.
async fn crash_twice(ledger: &Ledger, ids: &[JobId]) {
    for _ in 0..2 {
        let lost = ledger.worker().await;
        assert_eq!(ledger.claim(lost, ids).await.len(), ids.len());
        ledger.lose(lost).await;
    }
}

#[tokio::test]
async fn a_poison_job_takes_none_of_its_neighbours_with_it() {
    let ledger = Ledger::open().await;
    let mut ids = Vec::new();
    for _ in 0..8 {
        ids.push(ledger.ask(&probe(&ledger)).await.id);
    }
    let poison = ids[3];
    // The poison has attempts enough to show that it is the crashes that end it.
    sqlx::query("update jobs.live set max_attempts = 50 where id = $1")
        .bind(poison)
        .execute(&mut *ledger.conn().await)
        .await
        .expect("the ledger");

    let deaths = work_off(&ledger, &ids, poison).await;
    assert_eq!(deaths.iter().map(Vec::len).collect::<Vec<_>>(), [8, 8, 1, 1, 1], "then it runs alone");
    assert_eq!(
        (ledger.state(poison).await, class_of(&ledger, poison).await),
        (State::Dead, "poison".to_owned())
    );
    assert_eq!(ledger.view(poison).await.crashes, 3);
    for id in ids.into_iter().filter(|id| *id != poison) {
        let view = ledger.view(id).await;
        assert_eq!((view.state, view.attempt, view.crashes), (State::Done, 1, 0));
    }
    ledger.assert_books_balance().await;
}

#[tokio::test]
async fn a_process_runs_one_suspect_beside_others_and_blames_that_one() {
    let ledger = Ledger::open().await;
    let (first, second) = (ledger.ask(&probe(&ledger)).await.id, ledger.ask(&probe(&ledger)).await.id);
    crash_twice(&ledger, &[first, second]).await;
    let fresh = ledger.ask(&probe(&ledger)).await.id;

    let (one, other) = (ledger.worker().await, ledger.worker().await);
    let ids_of = |held: Vec<Claimed>| held.into_iter().map(|job| job.id).collect::<Vec<JobId>>();
    let mut held = ids_of(ledger.claim(one, &[first, second, fresh]).await);
    held.sort_unstable();
    assert_eq!(held, [first, fresh], "one suspect a process, and whoever is none");
    assert_eq!(
        ids_of(ledger.claim(other, &[second]).await),
        [second],
        "another process has a place of its own"
    );
    ledger.lose(one).await;
    // The suspect has used its only attempt; the other was there for the first time.
    assert_eq!(
        (ledger.state(first).await, class_of(&ledger, first).await),
        (State::Dead, "worker_lost".to_owned())
    );
    let view = ledger.view(fresh).await;
    assert_eq!((view.state, view.attempt, view.crashes), (State::Ready, 0, 0));
    ledger.assert_books_balance().await;
}

#[tokio::test]
async fn nobody_dies_of_a_job_whose_worker_is_cut_off_and_comes_back() {
    let ledger = Ledger::open().await;
    let id = ledger.ask(&probe(&ledger).with_max_attempts(2)).await.id;
    // More often than either its attempts or its crashes would last.
    for _ in 0..4 {
        let cut_off = ledger.worker().await;
        assert_eq!(ledger.claim(cut_off, &[id]).await.len(), 1);
        ledger.lose(cut_off).await;
        let mut conn = ledger.conn().await;
        for taken_back in [1, 0] {
            let said = workers::came_back(&mut conn, cut_off, &[id]).await.expect("the ledger");
            assert_eq!(said, taken_back, "once, however often it is said");
        }
    }
    let view = ledger.view(id).await;
    assert_eq!((view.state, view.attempt, view.crashes), (State::Ready, 0, 0));
    let dead = ledger.worker().await;
    assert_eq!(ledger.claim(dead, &[id]).await.len(), 1);
    ledger.lose(dead).await;
    let view = ledger.view(id).await;
    assert_eq!((view.state, view.attempt, view.crashes), (State::Ready, 1, 1), "this one stays away");
    ledger.assert_books_balance().await;
}

#[tokio::test]
async fn a_run_that_comes_to_an_end_lifts_the_suspicion() {
    let ledger = Ledger::open().await;
    let ids = [ledger.ask(&probe(&ledger)).await.id, ledger.ask(&probe(&ledger)).await.id];
    crash_twice(&ledger, &ids).await;
    let worker: Uuid = ledger.worker().await;
    for _ in 0..2 {
        for job in ledger.claim(worker, &ids).await {
            let delay = std::time::Duration::ZERO;
            ledger.end(&job, jobs::ledger::Ending::Snooze { delay }).await;
        }
    }
    jobs::sweep::promote_due(&mut *ledger.conn().await, 10).await.expect("the ledger");
    assert_eq!(ledger.claim(worker, &ids).await.len(), 2, "they run side by side again");
    ledger.lose(worker).await;
    let next = ledger.worker().await;
    assert_eq!(ledger.claim(next, &ids).await.len(), 2, "and another crash is the first one for them");
}

#[tokio::test]
async fn what_was_in_flight_at_one_crash_goes_on_side_by_side() {
    let ledger = Ledger::open().await;
    let mut ids = Vec::new();
    for _ in 0..5 {
        ids.push(ledger.ask(&probe(&ledger)).await.id);
    }
    let lost = ledger.worker().await;
    ledger.claim(lost, &ids).await;
    ledger.lose(lost).await;
    let worker = ledger.worker().await;
    let held = ledger.claim(worker, &ids).await;
    assert_eq!(held.len(), ids.len(), "a worker that was killed holds nobody up");
    for job in &held {
        ledger.end(job, done(&json!(null))).await;
    }
    for id in ids {
        let view = ledger.view(id).await;
        assert_eq!((view.state, view.attempt, view.crashes), (State::Done, 1, 0));
    }
    ledger.assert_books_balance().await;
}
