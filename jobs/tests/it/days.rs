//! Days are made ahead, and rows that no day took come into days of their own, whether the default
//! partitions are empty, hold a little, or hold so much that nobody may wait for a look through them.

use chrono::{DateTime, TimeDelta, Utc};
use jobs::{
    audit::Pace,
    days::{self, Done},
};
use sqlx::Connection;

use crate::ledger::{Ledger, flush_statistics};

const FINISHED_DAYS: &str = "select count(*) from pg_inherits where inhparent = 'jobs.finished'::regclass
    and inhrelid::regclass::text ~ '_[0-9]{8}$'";
const FENCES: &str = "select count(*) from pg_constraint where conname like '%\\_fence\\_%'";

/// No scheduler has been there for long: no day is made from that many days ago on.
async fn deserted(since_days_ago: i32) -> Ledger {
    let ledger = Ledger::new().await;
    for parent in ["finished", "attempt"] {
        ledger
            .admin(&format!(
                "do $$ declare day date; begin
                     for day in select to_date(right(c.relname, 8), 'YYYYMMDD') from pg_inherits i
                                join pg_class c on c.oid = i.inhrelid
                                where i.inhparent = 'jobs.{parent}'::regclass and c.relname not like '%_default' loop
                         perform jobs.drop_day('{parent}', day);
                     end loop;
                     for day in select (now() at time zone 'UTC')::date - n from generate_series({since_days_ago} + 1, 12) n loop
                         perform jobs.ensure_day('{parent}', day);
                     end loop;
                 end $$"
            ))
            .await;
    }
    ledger
}

async fn look_after(ledger: &Ledger, now: DateTime<Utc>) -> Done {
    let mut conn = ledger.engine().await;
    let done = days::look_after(&mut conn, now).await.expect("nobody is in the way");
    flush_statistics(&mut conn).await;
    done
}

#[tokio::test]
async fn days_are_made_ahead_once() {
    let ledger = deserted(3).await;
    let before = ledger.number(FINISHED_DAYS).await;
    assert_eq!(look_after(&ledger, Utc::now()).await, Done { made: 16, moved: 0 });
    assert_eq!(ledger.number(FINISHED_DAYS).await, before + 8);
    assert_eq!(look_after(&ledger, Utc::now()).await, Done::default());
    // The next day needs one more of each.
    assert_eq!(look_after(&ledger, Utc::now() + TimeDelta::days(1)).await, Done { made: 2, moved: 0 });
}

#[tokio::test]
async fn a_few_rows_of_no_day_are_moved_into_days_today_included() {
    let ledger = deserted(3).await;
    ledger.ended(5, "done", "0 minutes").await;
    ledger.ended(7, "cancelled", "2 days").await;
    ledger.attempts(3, "2 days").await;
    assert_eq!(ledger.number("select count(*) from jobs.finished_default").await, 12);
    assert_eq!(ledger.audit(Pace::default()).await.held, 12);

    let done = look_after(&ledger, Utc::now()).await;
    // Seven days ahead of each; today and the day before yesterday of `finished`, one and today of `attempt`.
    assert_eq!(done, Done { made: 14 + 2 + 2, moved: 15 });
    assert_eq!(ledger.number("select count(*) from jobs.finished_default").await, 0);
    assert_eq!(ledger.number("select count(*) from jobs.attempt_default").await, 0);
    assert_eq!(ledger.number("select count(*) from jobs.finished").await, 12);
    let report = ledger.audit(Pace::default()).await;
    assert!(report.drifts.is_empty() && report.held == 12, "{report:?}");
    assert_eq!(look_after(&ledger, Utc::now()).await, Done::default());
}

/// Enough for the default partition of `finished` to count as large.
const MANY: i64 = 20_000;

#[tokio::test]
async fn a_large_default_partition_is_not_looked_through_for_each_day() {
    let ledger = deserted(3).await;
    ledger.ended(MANY, "done", "2 days").await;
    ledger.ended(MANY, "done", "1 day").await;
    ledger.ended(9, "done", "0 minutes").await;
    assert_eq!(ledger.number("select jobs.is_large('finished')::int::bigint").await, 1);
    let scans = "select seq_scan from pg_stat_user_tables where relname = 'finished_default'";
    let before = ledger.number(scans).await;

    // At noon: the fence around tomorrow is neither too late, nor is yesterday too young.
    let noon = Utc::now().date_naive().and_hms_opt(12, 0, 0).expect("a time").and_utc();
    let done = look_after(&ledger, noon).await;
    assert_eq!(done.moved, 2 * MANY, "today's rows stay until the day is over");
    assert_eq!(done.made, 7 + 2 + 8, "today has no day of its own");
    // One look at the fence around the days to come, one at that around each day that is moved.
    assert_eq!(ledger.number(scans).await - before, 3);
    assert_eq!(ledger.number("select count(*) from jobs.finished_default").await, 9);
    assert_eq!(ledger.number(FENCES).await, 0);
    let report = ledger.audit(Pace::default()).await;
    assert!(report.drifts.is_empty() && report.held == 2 * MANY + 9, "{report:?}");
    // Nothing keeps a job from ending now, or on any day to come.
    ledger.ended(1, "done", "0 minutes").await;
    ledger.ended(1, "done", "-1 days").await;
    ledger.ended(1, "done", "-30 days").await;
}

#[tokio::test]
async fn a_fence_that_was_left_behind_is_removed() {
    let ledger = deserted(3).await;
    ledger.ended(MANY, "done", "2 days").await;
    let today = "(now() at time zone 'UTC')::date";
    ledger.admin(&format!("select jobs.fence('finished', {today} + 1, {today} + 8)")).await;
    ledger.admin(&format!("select jobs.fence('attempt', {today} + 2, {today} + 5)")).await;
    // Late in the day no fence may be there, and none is made: the days to come are made after midnight.
    let late = Utc::now().date_naive().and_hms_opt(23, 30, 0).expect("a time").and_utc();
    look_after(&ledger, late).await;
    assert_eq!(ledger.number(FENCES).await, 0);
}

#[tokio::test]
async fn a_vacuum_is_waited_for() {
    let ledger = deserted(3).await;
    ledger.ended(5, "done", "2 days").await;
    let mut vacuum = ledger.admin.begin().await.expect("begins");
    sqlx::query("lock table jobs.finished_default in share update exclusive mode")
        .execute(&mut *vacuum)
        .await
        .expect("the lock that a vacuum takes");
    let mut conn = ledger.engine().await;
    let looking = tokio::spawn(async move { days::look_after(&mut conn, Utc::now()).await });
    // For longer than anybody waits who keeps others waiting.
    let waiting = "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'
        and clock_timestamp() - query_start > interval '400 milliseconds' and query like '%jobs.%_day%'";
    while ledger.number(waiting).await == 0 {
        tokio::task::yield_now().await;
    }
    vacuum.rollback().await.expect("ends");
    let done = looking.await.expect("it does not panic").expect("it waited");
    assert_eq!(done.moved, 5);
}

#[tokio::test]
async fn who_meets_a_busy_table_gives_way_and_does_the_rest() {
    let ledger = deserted(3).await;
    ledger.attempts(3, "2 days").await;
    let mut reader = ledger.engine().await;
    let mut reading = reader.begin().await.expect("begins");
    // As a statement that has been reading for long. An idle one would be ended by the server.
    sqlx::query("set local idle_in_transaction_session_timeout = 0")
        .execute(&mut *reading)
        .await
        .expect("is set");
    sqlx::query("select count(*) from jobs.finished_default").execute(&mut *reading).await.expect("reads");

    let mut conn = ledger.engine().await;
    let error = days::look_after(&mut conn, Utc::now()).await.expect_err("the table is busy");
    assert!(error.is_unavailable(), "{error}");
    assert_eq!(
        ledger.number("select count(*) from jobs.attempt_default").await,
        0,
        "the other table's rows are moved"
    );

    reading.rollback().await.expect("ends");
    look_after(&ledger, Utc::now()).await;
    assert_eq!(look_after(&ledger, Utc::now()).await, Done::default());
}
