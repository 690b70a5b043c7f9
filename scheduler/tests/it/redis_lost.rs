//! Redis may lose everything, or a few ids among many; it is told again.

use std::{collections::HashSet, time::Duration};

use database::ids::TenantId;
use jobs::{NewJob, Offer, Priority, SYSTEM_TENANT, enqueue, kinds::Probe, ledger};
use migrations::testing::insist;
use uuid::Uuid;

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
    // What looks for lost ids may have offered them first; the leader notices the loss itself, and comes to its end.
    let is_told = async || desk.dispatch.has_epoch(&mut desk.dispatch.link().await?).await;
    while !insist(&is_told).await {}
    scheduler.stop().await;
}

async fn take(desk: &Desk) -> HashSet<jobs::JobId> {
    let mut seen = HashSet::new();
    while seen.len() < JOBS {
        seen.extend(desk.next_jobs(500).await);
    }
    seen
}

/// More than are offered again of one priority, so that what is younger is not among them.
const OLDER: usize = 600;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ids_that_were_lost_behind_many_others_are_found_although_redis_seems_to_know_enough() {
    let desk = Desk::new().await;
    let (first, _never_announced) = desk.enqueue_silently(1, None).await;
    let mut scheduler = desk.start();
    scheduler.leads().await;
    // The new leader has told Redis of everything; from here on nothing asks for that again.
    assert_eq!(desk.next_jobs(10).await, first);
    let mut conn = desk.store.pool().acquire().await.expect("the ledger answers");
    ledger::claim(&mut conn, Uuid::now_v7(), &first, &[]).await.expect("the ledger answers");

    // Ids of jobs that are over hide that others are missing.
    let over: Vec<Offer> = (0..3 * OLDER)
        .map(|_| Offer { id: Uuid::now_v7(), tenant: Uuid::nil(), queue: "default".to_owned(), priority: 2 })
        .collect();
    insist(async || desk.dispatch.offer_now(&mut desk.dispatch.link().await?, &over).await).await;
    let _never_announced = desk.enqueue_silently(OLDER, None).await;
    let probe = || NewJob::of(TenantId(SYSTEM_TENANT), &Probe::default()).expect("a probe fits");
    let lost = [probe().with_priority(Priority::Urgent), probe()];
    let (lost, _never_announced) = enqueue(&mut conn, &lost).await.expect("the ledger takes probes");
    for job in lost {
        let place =
            async || desk.dispatch.position(&mut desk.dispatch.link().await?, "default", job.id).await;
        let told = async {
            // Nothing signals that an id is in the order, and taking ids from it would show that some are missing.
            while insist(&place).await.is_none() {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(60), told).await.expect("it is offered again");
    }
    scheduler.stop().await;
}
