//! The list of workers, for operators.

use std::{collections::HashMap, time::Duration};

use jobs::{
    sweep,
    workers::{self, Introduction, WorkerView},
};
use uuid::Uuid;

use crate::ledger::Ledger;

#[tokio::test]
async fn who_is_lost_runs_nothing_and_stands_behind_those_that_live() {
    let ledger = Ledger::new().await;
    let mut conn = ledger.engine().await;
    // The later one dies.
    let [lives, dies] = [Uuid::now_v7(), Uuid::now_v7()];
    for id in [lives, dies] {
        let introduction = Introduction {
            id,
            name: "test".to_owned(),
            host: "here".to_owned(),
            pid: 1,
            version: "1".to_owned(),
            queues: HashMap::new(),
        };
        workers::introduce(&mut conn, &introduction).await.expect("the ledger");
        workers::beat(&mut conn, id, false, 16, &[]).await.expect("the ledger");
    }
    // However long this machine stands still.
    ledger.admin("update jobs.worker set beat_at = now() + interval '1 hour'").await;
    let silent = format!("update jobs.worker set beat_at = now() - interval '1 minute' where id = '{dies}'");
    ledger.admin(&silent).await;
    let recovered = sweep::recover_lost_workers(&mut conn, Duration::ZERO).await.expect("the ledger");
    assert_eq!(recovered.workers, [dies]);

    let told = |listed: Vec<WorkerView>| -> Vec<(Uuid, String, i32)> {
        listed.into_iter().map(|worker| (worker.id, worker.state, worker.running)).collect()
    };
    let all = told(workers::list(&mut conn, None, 10).await.expect("the ledger"));
    assert_eq!(all, [(lives, "active".to_owned(), 16), (dies, "lost".to_owned(), 0)]);
    let rest = told(workers::list(&mut conn, Some(lives), 10).await.expect("the ledger"));
    assert_eq!(rest, [(dies, "lost".to_owned(), 0)]);
}

#[tokio::test]
async fn many_workers_that_fall_silent_at_once_are_counted_out_some_at_a_time() {
    let ledger = Ledger::new().await;
    let mut conn = ledger.engine().await;
    let many = sweep::LOST_AT_ONCE + 1;
    let silent = format!(
        "with silent as (
             insert into jobs.worker (id, name, host, pid, version, queues, state, beat_at)
             select gen_random_uuid(), 'test', 'here', 1, '1', '{{}}', 'active', now() - interval '1 minute'
             from generate_series(1, {many}) returning id)
         insert into jobs.lease (lease, worker_id, job_ids)
         select gen_random_uuid(), id, '{{}}' from silent cross join generate_series(1, 2)"
    );
    ledger.admin(&silent).await;
    for (lost, leases_left) in [(sweep::LOST_AT_ONCE, 2), (1, 0)] {
        let recovered = sweep::recover_lost_workers(&mut conn, Duration::ZERO).await.expect("the ledger");
        assert_eq!(recovered.workers.len() as i64, lost);
        assert_eq!(ledger.number("select count(*) from jobs.lease").await, leases_left);
    }
}
