//! What the hot path's statements rely on: a claimed job stays on its page, and jobs with and without keys go in by
//! different statements to the same end.

use std::time::Duration;

use database::ids::TenantId;
use jobs::{JobId, NewJob, State, kinds::Probe, ledger::claim};
use uuid::Uuid;

use crate::ledger::Ledger;

fn probe(padding: usize) -> NewJob {
    let probe = Probe { padding: "x".repeat(padding), ..Probe::default() };
    NewJob::of(TenantId(Uuid::from_u128(7)), &probe).expect("a probe is a job")
}

/// The page of each job, in the order of their ids.
async fn pages(ledger: &Ledger) -> Vec<(JobId, i64)> {
    sqlx::query_as("select id, (ctid::text::point)[0]::bigint from jobs.live order by id")
        .fetch_all(&ledger.admin)
        .await
        .expect("the test server answers")
}

#[tokio::test]
async fn a_claimed_job_stays_on_its_page() {
    for padding in [0, 160, 700] {
        let ledger = Ledger::new().await;
        let mut conn = ledger.engine().await;
        let jobs: Vec<NewJob> = (0..200).map(|_| probe(padding)).collect();
        let (enqueued, announcement) = jobs::enqueue(&mut conn, &jobs).await.expect("the ledger");
        assert_eq!((enqueued.len(), announcement.ready.len()), (200, 200));
        let before = pages(&ledger).await;
        let ids: Vec<JobId> = jobs.iter().map(NewJob::id).collect();
        let claimed = claim(&mut conn, Uuid::now_v7(), &ids, &[]).await.expect("the ledger");
        assert_eq!(claimed.len(), 200);
        assert_eq!(pages(&ledger).await, before, "a padding of {padding} bytes");
    }
}

#[tokio::test]
async fn jobs_with_and_without_keys_are_told_alike() {
    let ledger = Ledger::new().await;
    let mut conn = ledger.engine().await;
    let later = Duration::from_secs(3600);
    let keyed = |key: &str| probe(0).with_dedup_key(key).expect("a good key");
    let (plain, announced) =
        jobs::enqueue(&mut conn, &[probe(0), probe(0).with_delay(later)]).await.expect("the ledger");
    let batch = [probe(0), keyed("a").with_delay(later), keyed("b"), keyed("b")];
    let (mixed, announced_too) = jobs::enqueue(&mut conn, &batch).await.expect("the ledger");
    let told = |enqueued: &[jobs::Enqueued]| -> Vec<(State, bool, bool)> {
        enqueued.iter().map(|job| (job.state, job.created, job.due_at.is_some())).collect()
    };
    let (ready, scheduled) = ((State::Ready, true, false), (State::Scheduled, true, true));
    assert_eq!(told(&plain), [ready, scheduled]);
    assert_eq!(told(&mixed), [ready, scheduled, ready, (State::Ready, false, false)]);
    assert_eq!(mixed[2].id, mixed[3].id, "one stands in for the other");
    assert_eq!((announced.ready.len(), announced.next_due), (1, plain[1].due_at));
    assert_eq!((announced_too.ready.len(), announced_too.next_due), (2, mixed[1].due_at));
    let counted =
        "select coalesce(sum(n), 0)::bigint from jobs.transition where from_state is null and to_state = ";
    assert_eq!(ledger.number(&format!("{counted}'ready'")).await, 3);
    assert_eq!(ledger.number(&format!("{counted}'scheduled'")).await, 2);
}

#[tokio::test]
async fn a_kind_with_a_limit_is_passed_over() {
    let ledger = Ledger::new().await;
    let mut conn = ledger.engine().await;
    let job = probe(0);
    let _ = jobs::enqueue(&mut conn, std::slice::from_ref(&job)).await.expect("the ledger");
    ledger
        .admin("insert into jobs.kind_limit (kind, max_running, changed_by) values ('probe', 1, 'test')")
        .await;
    let claimed = claim(&mut conn, Uuid::now_v7(), &[job.id()], &[]).await.expect("the ledger");
    assert!(claimed.is_empty());
    ledger.admin("delete from jobs.kind_limit").await;
    let claimed = claim(&mut conn, Uuid::now_v7(), &[job.id()], &[]).await.expect("the ledger");
    assert_eq!(claimed.len(), 1);
}
