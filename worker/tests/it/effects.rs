//! Records of effects: a run that died is told from one that is under way.

use database::ids::TenantId;
use jobs::{
    NewJob, Store,
    effects::{self, Known},
    enqueue,
    kinds::Probe,
    ledger, sweep,
};
use migrations::testing::fresh_database;
use uuid::Uuid;

#[tokio::test]
async fn an_effect_is_waited_for_while_its_run_lives_and_looked_for_when_it_died() {
    let database = fresh_database().await;
    let store = Store::connect(&database.url_for("desk_worker"), 2).expect("the test database's URL");
    let mut conn = store.pool().acquire().await.expect("the ledger");
    let tenant = Uuid::now_v7();
    let probes = [0, 1].map(|_| NewJob::of(TenantId(tenant), &Probe::default()).expect("a small payload"));
    let (jobs, _) = enqueue(&mut conn, &probes).await.expect("the ledger");
    let (first, second) = (jobs[0].id, jobs[1].id);
    let lease = async |conn: &mut _, id| {
        let worker = Uuid::now_v7();
        let claimed = ledger::claim(conn, worker, &[id], &[]).await.expect("the ledger");
        match claimed.first() {
            Some(job) => job.lease,
            // A suspect, because its worker was lost.
            None => ledger::claim_limited(conn, worker, &[id]).await.expect("the ledger")[0].lease,
        }
    };
    let (living, other) = (lease(&mut conn, first).await, lease(&mut conn, second).await);

    let mut intend = async |id, lease| {
        effects::intend::<String>(&mut conn, tenant, "note", id, lease).await.expect("the ledger")
    };
    assert_eq!(intend(first, living).await, Known::New);
    assert_eq!(intend(second, other).await, Known::UnderWay, "the first run lives");
    assert_eq!(intend(first, living).await, Known::Unsure, "a run does not wait for itself");

    // Its worker was never heard of: the lease is given up, and the job handed out.
    let mut sweeper = store.pool().acquire().await.expect("the ledger");
    sqlx::query("update jobs.lease set claimed_at = now() - interval '1 hour' where lease = $1")
        .bind(living)
        .execute(&mut *sweeper)
        .await
        .expect("the ledger");
    let recovered = sweep::recover_lost_workers(&mut sweeper, std::time::Duration::ZERO).await;
    assert_eq!(recovered.expect("the ledger").offers.len(), 1);
    assert_eq!(intend(second, other).await, Known::Unsure, "it died");
    let third = lease(&mut sweeper, first).await;
    assert_eq!(intend(first, third).await, Known::UnderWay, "the second has taken it over");
    effects::happened(&mut sweeper, tenant, "note", &"4711".to_owned()).await.expect("the ledger");
    assert_eq!(intend(first, third).await, Known::Happened("4711".to_owned()));
}
