//! Redis may lose everything; it is told again.

use std::collections::HashSet;

use crate::desk::Desk;

const JOBS: usize = 700;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn jobs_that_redis_never_heard_of_or_forgot_are_offered() {
    let desk = Desk::new().await;
    let (ids, _never_announced) = desk.enqueue_silently(JOBS, None).await;
    let ids: HashSet<_> = ids.into_iter().collect();
    let mut scheduler = desk.start();
    scheduler.leads().await;
    assert_eq!(take(&desk).await, ids, "a new leader tells Redis of everything");
    // Nobody claimed the jobs, so they are still ready when Redis loses what it knew.
    desk.wipe_redis().await;
    assert_eq!(take(&desk).await, ids, "a wiped Redis is told again");
    let mut link = desk.dispatch.link().await.expect("redis answers");
    assert!(desk.dispatch.has_epoch(&mut link).await.expect("redis answers"));
    scheduler.stop().await;
}

async fn take(desk: &Desk) -> HashSet<jobs::JobId> {
    let mut seen = HashSet::new();
    while seen.len() < JOBS {
        seen.extend(desk.next_jobs(500).await);
    }
    seen
}
