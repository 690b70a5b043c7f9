//! What statements take for the priorities.

use jobs::Priority;

use crate::ledger::Ledger;

#[tokio::test]
async fn the_database_has_the_priorities_that_the_contracts_have() {
    let ledger = Ledger::new().await;
    let known: Vec<i16> = sqlx::query_scalar("select jobs.priorities()")
        .fetch_one(&mut *ledger.engine().await)
        .await
        .expect("the engine may ask");
    assert_eq!(known, Priority::ALL.map(Priority::rank));
}
