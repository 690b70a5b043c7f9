//! Since when a queue is paused.

use jobs::queues;

use crate::ledger::Ledger;

#[tokio::test]
async fn a_pause_is_as_long_as_nobody_resumed_it_whatever_else_is_set() {
    let ledger = Ledger::new().await;
    let mut conn = ledger.engine().await;
    queues::control(&mut conn, "ai", Some(true), None, Some("the upstream is down"), "test")
        .await
        .expect("set");
    queues::control(&mut conn, "ops", None, Some(Some(2)), None, "test").await.expect("set");
    ledger.admin("update jobs.queue_control set changed_at = now() - interval '25 hours'").await;
    // Other slots, while it is paused.
    queues::control(&mut conn, "ai", None, Some(Some(4)), None, "test").await.expect("set");
    let [paused] = queues::paused(&mut conn).await.expect("the ledger").try_into().expect("one is paused");
    assert_eq!((paused.queue.as_str(), paused.secs >= 25.0 * 3600.0), ("ai", true));
    queues::control(&mut conn, "ai", Some(false), None, None, "test").await.expect("set");
    assert!(queues::paused(&mut conn).await.expect("the ledger").is_empty());
}
