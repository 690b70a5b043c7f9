//! What comes of a run, in every way it can end.

use std::{sync::atomic::Ordering, time::Duration};

use jobs::{
    NewJob, State,
    ledger::Failure,
    read::{self, Cancelled},
};
use uuid::Uuid;

use crate::theatre::{Theatre, class_of};

#[tokio::test]
async fn a_job_succeeds_once_and_leaves_its_result() {
    let theatre = Theatre::open().await;
    let view = theatre.outcome_of("succeed").await;
    assert_eq!((view.state, view.attempt), (State::Done, 1));
    assert_eq!(view.result, Some("attempt 1".into()));
    assert_eq!(theatre.stage.runs.load(Ordering::SeqCst), 1);
    theatre.assert_books_balance().await;
}

#[tokio::test]
async fn failures_are_retried_and_noted_until_one_succeeds() {
    let theatre = Theatre::open().await;
    let view = theatre.outcome_of("fail twice").await;
    assert_eq!((view.state, view.attempt, view.result.clone()), (State::Done, 3, Some("at last".into())));
    let mut conn = theatre.store.pool().acquire().await.expect("the ledger");
    let attempts = read::attempts(&mut conn, view.id).await.expect("the ledger");
    assert_eq!(
        attempts.iter().map(|attempt| attempt.outcome.as_str()).collect::<Vec<_>>(),
        ["retry", "retry"]
    );
    theatre.assert_books_balance().await;
}

#[tokio::test]
async fn a_job_out_of_attempts_is_dead_and_can_be_revived() {
    let theatre = Theatre::open().await;
    let view = theatre.outcome_of("fail always").await;
    assert_eq!((view.state, view.attempt, class_of(&view)), (State::Dead, 3, "test"));
    let mut conn = theatre.store.pool().acquire().await.expect("the ledger");
    let filter = jobs::dead::DeadFilter { ids: vec![view.id], ..Default::default() };
    let groups = jobs::dead::groups(&mut conn, &filter, 10).await.expect("the ledger");
    assert_eq!((groups.len(), groups[0].jobs), (1, 1));
    let (revived, announcement) = jobs::dead::retry(&mut conn, &filter, 10).await.expect("the ledger");
    assert_eq!(revived, [view.id]);
    theatre.dispatch.announce(announcement);
    assert_eq!(theatre.view(view.id).await.attempt, 0);
    theatre.play().await;
    assert_eq!(theatre.view(view.id).await.state, State::Dead);
    assert_eq!(theatre.stage.runs.load(Ordering::SeqCst), 6);
    let discarded = jobs::dead::discard(&mut conn, &filter, "no use", 10).await.expect("the ledger");
    assert_eq!(discarded.len(), 1);
    assert_eq!(theatre.view(view.id).await.state, State::Cancelled);
    theatre.assert_books_balance().await;
}

#[tokio::test]
async fn every_other_ending_is_told_apart() {
    let theatre = Theatre::open().await;
    for (step, state, attempt, class) in [
        ("fail for good", State::Dead, 1, "test"),
        ("panic", State::Dead, 3, "panic"),
        ("hang", State::Dead, 3, "timeout"),
        ("huge", State::Dead, 1, "result_too_large"),
        ("subject gone", State::Cancelled, 1, "cancelled"),
    ] {
        let view = theatre.outcome_of(step).await;
        assert_eq!((view.state, view.attempt, class_of(&view)), (state, attempt, class), "{step}");
    }
    theatre.assert_books_balance().await;
}

#[tokio::test]
async fn an_outcome_that_cannot_be_written_ends_its_own_job_and_no_other() {
    let theatre = Theatre::open().await;
    let ids = theatre.enqueue(&["succeed", "unwritable", "succeed"].map(|step| theatre.job(step))).await;
    theatre.play().await;
    let mut states = Vec::new();
    for id in &ids {
        states.push(theatre.view(*id).await.state);
    }
    assert_eq!(states, [State::Done, State::Dead, State::Done]);
    assert_eq!(class_of(&theatre.view(ids[1]).await), "unwritable_outcome");
    assert_eq!(theatre.stage.runs.load(Ordering::SeqCst), 3, "nothing of it runs again");
    theatre.assert_books_balance().await;
}

#[tokio::test]
async fn what_follows_is_enqueued_with_the_completion() {
    let theatre = Theatre::open().await;
    let parent = theatre.outcome_of("follow").await;
    let mut conn = theatre.store.pool().acquire().await.expect("the ledger");
    let filter =
        read::JobFilter { tenant: Some(theatre.tenant.0), parent_id: Some(parent.id), ..Default::default() };
    let children = read::list(&mut conn, &filter, None, 10).await.expect("the ledger");
    assert_eq!(children.iter().map(|child| child.state).collect::<Vec<_>>(), [State::Done]);
    theatre.assert_books_balance().await;
}

#[tokio::test]
async fn old_payloads_are_upgraded_and_unreadable_ones_quarantined() {
    let theatre = Theatre::open().await;
    let jobs =
        [theatre.job("upgraded"), theatre.job("succeed"), theatre.job("succeed"), theatre.job("succeed")];
    let ids = theatre.enqueue(&jobs).await;
    // What an older or newer program, or a bug, would have written.
    for (id, version, payload) in [
        (ids[0], 1, r#"{"step": "upgraded"}"#),
        (ids[1], 0, r#"{"step": "succeed"}"#),
        (ids[2], 2, r#"{"stop": 1}"#),
    ] {
        sqlx::query("update jobs.live set payload_version = $2, payload = $3::jsonb where id = $1")
            .bind(id)
            .bind(version)
            .bind(payload)
            .execute(theatre.store.pool())
            .await
            .expect("the ledger");
    }
    theatre.play().await;
    assert_eq!(theatre.view(ids[0]).await.result, Some("upgraded true".into()));
    assert_eq!(class_of(&theatre.view(ids[1]).await), "undecodable_payload");
    assert_eq!(class_of(&theatre.view(ids[2]).await), "undecodable_payload");
    assert_eq!(theatre.view(ids[3]).await.state, State::Done);
}

#[tokio::test]
async fn one_unfinished_job_has_a_dedup_key() {
    let theatre = Theatre::open().await;
    let keyed = || theatre.job("succeed").with_dedup_key("once").expect("a short key");
    let first = theatre.enqueue(&[keyed(), keyed()]).await;
    assert_eq!(first[0], first[1]);
    assert_eq!(theatre.enqueue(&[keyed()]).await[0], first[0]);
    theatre.play().await;
    assert_ne!(theatre.enqueue(&[keyed()]).await[0], first[0]);
    theatre.play().await;
    assert_eq!(theatre.stage.runs.load(Ordering::SeqCst), 2);
    theatre.assert_books_balance().await;
}

#[tokio::test]
async fn a_running_job_hears_that_it_is_cancelled() {
    let theatre = Theatre::open().await;
    let (stop, end) = theatre.start(Duration::from_secs(10));
    let id = theatre.enqueue(&[theatre.job("wait")]).await[0];
    theatre.stage.started.notified().await;
    let mut conn = theatre.store.pool().acquire().await.expect("the ledger");
    let cancelled =
        read::cancel(&mut conn, Some(theatre.tenant.0), id, "changed my mind").await.expect("the ledger");
    assert_eq!(cancelled, Cancelled::Requested);
    theatre.dispatch.poke_workers();
    let view = theatre.until(id, |view| view.state.is_finished()).await;
    assert_eq!(view.state, State::Cancelled);
    assert_eq!(view.error.expect("a reason")["message"], "changed my mind");
    let again = read::cancel(&mut conn, Some(theatre.tenant.0), id, "again").await.expect("the ledger");
    assert_eq!(again, Cancelled::Over(State::Cancelled));
    let other = read::cancel(&mut conn, Some(Uuid::now_v7()), id, "not mine").await.expect("the ledger");
    assert_eq!(other, Cancelled::Unknown);
    let _ = stop.send(());
    end.await.expect("the runtime");
    theatre.assert_books_balance().await;
}

#[tokio::test]
async fn progress_is_seen_while_the_job_runs() {
    let theatre = Theatre::open().await;
    let (stop, end) = theatre.start(Duration::from_secs(10));
    let id = theatre.enqueue(&[theatre.job("report")]).await[0];
    let view = theatre.until(id, |view| view.progress.is_some()).await;
    assert_eq!(view.state, State::Running);
    assert_eq!(view.progress.expect("progress")["done"], 3);
    theatre.stage.go_on.notify_one();
    let view = theatre.until(id, |view| view.state == State::Done).await;
    assert_eq!(view.progress.expect("what it said last")["done"], 4);
    let _ = stop.send(());
    end.await.expect("the runtime");
}

#[tokio::test]
async fn a_stale_completion_changes_nothing() {
    use jobs::ledger::{Completion, Ending, claim, complete};
    let theatre = Theatre::open().await;
    let id = theatre.enqueue(&[theatre.job("succeed")]).await[0];
    let mut conn = theatre.store.pool().acquire().await.expect("the ledger");
    let (mine, other) = (Uuid::now_v7(), Uuid::now_v7());
    let claimed = claim(&mut conn, mine, &[id], &[]).await.expect("the ledger");
    assert!(claim(&mut conn, other, &[id], &[]).await.expect("the ledger").is_empty(), "claimed twice");
    let ending = || Ending::Dead { failure: Failure::new("test", "late") };
    let stolen = jobs::ledger::Claimed { lease: Uuid::now_v7(), ..claimed[0].clone() };
    let mut late = [Completion::of(&stolen, ending())];
    assert!(complete(&mut conn, mine, &mut late).await.expect("the ledger").written.is_empty());
    let mut done = [Completion::of(&claimed[0], Ending::Done { result: None, then: vec![] })];
    assert_eq!(complete(&mut conn, mine, &mut done).await.expect("the ledger").written.len(), 1);
    let mut twice = [Completion::of(&claimed[0], ending())];
    assert!(complete(&mut conn, mine, &mut twice).await.expect("the ledger").written.is_empty());
    assert_eq!(theatre.view(id).await.state, State::Done);
    theatre.assert_books_balance().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn large_results_are_written_a_few_at_a_time() {
    let theatre = Theatre::open().await;
    let jobs: Vec<NewJob> = (0..24).map(|_| theatre.job("large")).collect();
    theatre.enqueue(&jobs).await;
    theatre.play().await;
    // Rows that one statement wrote carry the same transaction.
    let (results, most_bytes): (i64, i64) = sqlx::query_as(
        "select sum(n)::bigint, max(bytes)::bigint from (
             select count(*) as n, sum(octet_length(result::text)) as bytes from jobs.finished group by xmin::text) batch",
    )
    .fetch_one(theatre.store.pool())
    .await
    .expect("the ledger");
    assert_eq!(results, 24);
    assert!(most_bytes <= 8 * 1024 * 1024, "{most_bytes} bytes in a batch");
}
