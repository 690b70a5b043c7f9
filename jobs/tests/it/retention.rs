//! What is old goes, by days and in batches, and is booked; what is not old stays; who is in the way of one
//! step keeps none of the others from being taken.

use jobs::{
    audit::Pace,
    kinds::{PruneHistory, prune_history::Pruned},
    retention,
};
use sqlx::Connection;

use crate::ledger::Ledger;

/// Past jobs: in days, and in the default partitions because their days were never made.
async fn ledger() -> Ledger {
    let ledger = Ledger::new().await;
    ledger.make_past_days(9).await;
    ledger.ended(2, "done", "1 hour").await;
    ledger.ended(3, "done", "6 days").await;
    ledger.ended(5, "cancelled", "8 days 1 hour").await;
    ledger.ended(7, "done", "9 days").await;
    // More than one batch of what no day took.
    ledger.ended(2_500, "done", "20 days").await;
    ledger.died(11, "29 days").await;
    ledger.died(13, "31 days").await;
    ledger.attempts(17, "8 days").await;
    ledger.attempts(19, "20 days").await;
    ledger.attempts(23, "40 days").await;
    ledger
}

async fn prune(ledger: &Ledger) -> Pruned {
    let mut conn = ledger.engine().await;
    let mut pruned = Pruned::default();
    while retention::prune_step(&mut conn, &PruneHistory::default(), &mut pruned)
        .await
        .expect("nobody is in the way")
    {}
    pruned
}

const PAST_DAYS: &str = "select count(*) from pg_inherits where inhparent = 'jobs.finished'::regclass
    and inhrelid::regclass::text < 'jobs.finished_' || to_char((now() at time zone 'UTC')::date - 7, 'YYYYMMDD')";

#[tokio::test]
async fn what_is_old_goes_and_is_booked() {
    let ledger = ledger().await;
    let before = ledger.audit(Pace::default()).await;
    assert_eq!((before.held, before.pruned), (2 + 3 + 5 + 7 + 2_500 + 11 + 13, 0));

    let pruned = prune(&ledger).await;
    assert_eq!((pruned.days_dropped, pruned.finished, pruned.dead), (2, 5 + 7 + 2_500, 13));
    assert_eq!(pruned.records, 23, "attempts of no day, older than 30 days");
    assert_eq!(ledger.number(PAST_DAYS).await, 0);
    assert_eq!(ledger.number("select count(*) from jobs.finished").await, 5);
    assert_eq!(ledger.number("select count(*) from jobs.dead").await, 11);
    assert_eq!(ledger.number("select count(*) from jobs.attempt").await, 17 + 19);

    let after = ledger.audit(Pace::default()).await;
    assert!(after.drifts.is_empty(), "{:?}", after.drifts);
    assert_eq!((after.held, after.pruned), (5 + 11, 5 + 7 + 2_500 + 13));
    assert_eq!(after.enqueued, before.enqueued);
}

#[tokio::test]
async fn a_day_that_is_in_use_stays_and_everything_else_is_done() {
    let ledger = ledger().await;
    let mut reader = ledger.engine().await;
    let mut reading = reader.begin().await.expect("begins");
    sqlx::query("set local idle_in_transaction_session_timeout = 0")
        .execute(&mut *reading)
        .await
        .expect("is set");
    sqlx::query("select count(*) from jobs.finished").execute(&mut *reading).await.expect("reads");

    let mut conn = ledger.engine().await;
    let mut pruned = Pruned::default();
    let error = loop {
        match retention::prune_step(&mut conn, &PruneHistory::default(), &mut pruned).await {
            Ok(more) => assert!(more, "a day was left, and nobody said so"),
            Err(error) => break error,
        }
    };
    assert!(error.is_unavailable(), "{error}");
    assert_eq!((pruned.days_dropped, pruned.finished, pruned.dead), (0, 2_500, 13));
    assert_eq!(pruned.records, 23);
    assert_eq!(ledger.number(PAST_DAYS).await, 2);
    let report = ledger.audit(Pace::default()).await;
    assert!(report.drifts.is_empty(), "{:?}", report.drifts);

    reading.rollback().await.expect("ends");
    assert_eq!(prune(&ledger).await.finished, 12);
}
