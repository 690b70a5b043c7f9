//! When the leader dies another takes over, and every occurrence still becomes one job.

use std::collections::HashSet;

use sqlx::Row;

use crate::desk::Desk;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_occurrence_becomes_one_job_although_the_leader_is_killed() {
    let desk = Desk::new().await;
    sqlx::query(
        "insert into jobs.schedule (name, kind, cron, timezone, catch_up)
         values ('each_second', 'probe', '* * * * * *', 'Europe/Berlin', 'all'),
                ('broken', 'probe', 'every day', 'UTC', 'all'),
                ('of_no_kind', 'sing', '* * * * * *', 'UTC', 'all')",
    )
    .execute(desk.store.pool())
    .await
    .expect("schedules are taken");

    let mut first = desk.start();
    let first_term = first.leads().await;
    let mut second = desk.start();
    let mut seen = HashSet::new();
    for _ in 0..3 {
        desk.next_job(&mut seen).await;
    }
    assert!(!second.is_leading(), "one leads");
    first.kill(desk.store.pool()).await;
    let second_term = second.leads().await;
    assert!(second_term > first_term);
    for _ in 0..8 {
        desk.next_job(&mut seen).await;
    }
    second.stop().await;

    let row = sqlx::query(
        "select count(*), count(distinct job_id), extract(epoch from max(tick_at) - min(tick_at))::bigint + 1,
             (select count(*) from jobs.live where kind = 'probe' and id in (select job_id from jobs.occurrence)),
             (select count(*) from jobs.live where kind = 'probe'),
             (select expires_at <= now() from jobs.leader)
         from jobs.occurrence where schedule = 'each_second'",
    )
    .fetch_one(desk.store.pool())
    .await
    .expect("the ledger answers");
    let occurrences: i64 = row.get(0);
    assert!(occurrences >= 11, "{occurrences}");
    assert_eq!(row.get::<i64, _>(1), occurrences, "one job each");
    assert_eq!(row.get::<i64, _>(2), occurrences, "no second is left out");
    assert_eq!(row.get::<i64, _>(3), occurrences, "every job exists");
    assert_eq!(row.get::<i64, _>(4), occurrences, "and no other");
    assert!(row.get::<bool, _>(5), "a scheduler that stops gives the leadership up");
    let shipped: i64 = sqlx::query_scalar(
        "select count(*) from jobs.schedule where changed_by = 'default' and name = 'audit_ledger'",
    )
    .fetch_one(desk.store.pool())
    .await
    .expect("the ledger answers");
    assert_eq!(shipped, 1, "shipped schedules are installed");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_leader_that_is_stopped_hands_over_at_once() {
    let desk = Desk::new().await;
    let mut first = desk.start();
    let first_term = first.leads().await;
    let mut second = desk.start();
    first.stop().await;
    assert!(second.leads().await > first_term);
    second.stop().await;
}
