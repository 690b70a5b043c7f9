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
