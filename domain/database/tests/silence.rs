//! A database that is gone without a word: what is open says nothing more and is not closed.

use std::time::Duration;

use database::Db;
use migrations::testing::{fresh_database, proxy::Proxy};

/// What a test waits for happens within this time or not at all.
const WITHIN: Duration = Duration::from_secs(60);

#[tokio::test]
async fn transactions_begin_again_on_new_connections() {
    let database = fresh_database().await;
    let url = database.url_for("desk_api");
    let proxy = Proxy::before(&url).await;
    let db = Db::connect(&proxy.url(&url), 3).expect("the proxy's URL");
    // As many connections as there may be; all of them go silent.
    let open = [db.queue_tx().await, db.queue_tx().await, db.queue_tx().await];
    for tx in open {
        tx.expect("a transaction").commit().await.expect("committed");
    }
    proxy.freeze_open();
    for _ in 0..3 {
        let begun = tokio::time::timeout(WITHIN, begin_again(&db)).await;
        begun.expect("on a new connection").commit().await.expect("committed");
    }
}

/// Those that were just being given back keep their places in the pool for some seconds.
async fn begin_again(db: &Db) -> database::Tx {
    loop {
        match db.queue_tx().await {
            Ok(tx) => return tx,
            Err(error) => assert!(error.is_unavailable(), "{error}"),
        }
    }
}

#[tokio::test]
async fn a_transaction_that_was_dropped_halfway_gives_its_place_back() {
    let database = fresh_database().await;
    let url = database.url_for("desk_api");
    let proxy = Proxy::before(&url).await;
    let db = Db::connect(&proxy.url(&url), 1).expect("the proxy's URL");
    let tx = db.queue_tx().await.expect("a transaction");
    proxy.freeze_open();
    // The caller gives up; the pool would wait for the end of the rollback.
    drop(tx);
    let tx = tokio::time::timeout(WITHIN, begin_again(&db)).await.expect("the only place is free again");
    tx.commit().await.expect("committed");
}

#[tokio::test]
async fn no_connection_lives_so_long_that_it_still_leads_to_a_former_primary() {
    let db = Db::connect("postgres://nobody@127.0.0.1:1/nothing", 1).expect("a URL");
    assert_eq!(db.pool().options().get_max_lifetime(), Some(Duration::from_secs(30 * 60)));
}
