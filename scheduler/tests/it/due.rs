//! Delayed jobs become ready when they fall due.

use std::{collections::HashSet, time::Duration};

use uuid::Uuid;

use crate::desk::Desk;

/// Longer than any test: what happens before, happens because of a message.
const NEVER: Duration = Duration::from_secs(3600);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_due_job_is_promoted_because_its_time_was_announced() {
    let desk = Desk::new().await;
    let mut scheduler = desk.start_with(|scheduler| scheduler.with_look_every(NEVER));
    scheduler.leads().await;
    // The second job is due before the first, which the scheduler already waits for. The first is due after the
    // test, however slow the machine is, so nothing but the second's announcement wakes the scheduler.
    let (far, announcement) = desk.enqueue_silently(1, Some(NEVER)).await;
    desk.dispatch.announce(announcement);
    let (near, announcement) = desk.enqueue_silently(1, Some(Duration::from_millis(300))).await;
    desk.dispatch.announce(announcement);
    let mut seen = HashSet::new();
    assert_eq!(desk.next_job(&mut seen).await, near[0]);
    let waits: bool = sqlx::query_scalar("select state = 'scheduled' from jobs.live where id = $1")
        .bind(far[0])
        .fetch_one(desk.store.pool())
        .await
        .expect("the ledger answers");
    assert!(waits, "the other is not due");
    scheduler.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_jobs_due_at_once_all_become_ready() {
    const JOBS: usize = 2_500;
    let desk = Desk::new().await;
    let mut scheduler = desk.start();
    scheduler.leads().await;
    let (ids, announcement) = desk.enqueue_silently(JOBS, Some(Duration::from_millis(200))).await;
    desk.dispatch.announce(announcement);
    let mut seen = HashSet::new();
    while seen.len() < JOBS {
        seen.extend(desk.next_jobs(500).await);
    }
    assert_eq!(seen, ids.into_iter().collect());
    scheduler.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn due_jobs_become_ready_while_nobody_leads() {
    const JOBS: usize = 700;
    let desk = Desk::new().await;
    // As a leader leaves it that was killed, only that its lease ends long after the test.
    sqlx::query(
        "insert into jobs.leader (name, holder, term, expires_at) values ('scheduler', $1, 1, now() + interval '1 day')",
    )
    .bind(Uuid::now_v7())
    .execute(desk.store.pool())
    .await
    .expect("the ledger takes a leader");
    let (far, _) = desk.enqueue_silently(1, Some(NEVER)).await;
    let (ids, _) = desk.enqueue_silently(JOBS, Some(NEVER)).await;
    // They wait, however long it took to write them, and then their time comes.
    sqlx::query("update jobs.live set due_at = now(), run_at = now() where id = any ($1)")
        .bind(&ids)
        .execute(desk.store.pool())
        .await
        .expect("the ledger answers");
    // Two that do not lead, which do it at once.
    let schedulers = [desk.start(), desk.start()];
    let mut seen = HashSet::new();
    while seen.len() < JOBS {
        seen.extend(desk.next_jobs(500).await);
    }
    assert_eq!(seen, ids.into_iter().collect());
    assert!(schedulers.iter().all(|scheduler| !scheduler.is_leading()));
    let (promoted, waits): (i64, bool) = sqlx::query_as(
        "select (select sum(n)::bigint from jobs.transition where kind = 'probe' and from_state = 'scheduled'),
                (select state = 'scheduled' from jobs.live where id = $1)",
    )
    .bind(far[0])
    .fetch_one(desk.store.pool())
    .await
    .expect("the ledger answers");
    assert_eq!(promoted, JOBS as i64, "each is made ready once");
    assert!(waits, "the other is not due");
    for scheduler in schedulers {
        scheduler.stop().await;
    }
}
