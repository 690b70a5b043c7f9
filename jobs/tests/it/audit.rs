//! The audit finds what is wrong, does not find what is not, and counts nothing twice without a reason.

use std::time::Duration;

use jobs::audit::{self, Pace};

use crate::ledger::{Ledger, NO_ROUND};

/// Jobs of every age and state; each number occurs once.
async fn ledger() -> Ledger {
    let ledger = Ledger::new().await;
    ledger.make_past_days(4).await;
    ledger.ended(11, "done", "0 minutes").await;
    ledger.ended(13, "done", "3 days").await;
    ledger.ended(17, "cancelled", "3 days 1 hour").await;
    // A day without a partition: the rows are in the default one.
    ledger.ended(19, "done", "6 days").await;
    ledger.died(23, "5 days").await;
    ledger.waiting(29).await;
    ledger
}

const DONE: i64 = 11 + 13 + 19;

#[tokio::test]
async fn a_job_too_many_or_too_few_is_found_and_so_is_its_mending() {
    let day = |ago: &str| {
        format!(
            "finished_at between now() - interval '{ago}' - interval '1 hour' and now() - interval '{ago}' + interval '1 hour'"
        )
    };
    let take = |table: &str, condition: &str| {
        (
            format!("with gone as (delete from jobs.{table} where ctid in (select ctid from jobs.{table} where {condition} limit 1)
                and tableoid in (select tableoid from jobs.{table} where {condition} limit 1) returning *)
                insert into taken_{table} select * from gone"),
            format!("with back as (delete from taken_{table} returning *) insert into jobs.{table} select * from back"),
        )
    };
    let add = |condition: &str| {
        (
            format!("with extra as (select * from jobs.finished where {condition} limit 1), noted as (
                insert into taken_finished select * from extra)
                insert into jobs.finished select * from extra"),
            format!("delete from jobs.finished where ctid = (select max(ctid) from jobs.finished where {condition})
                and id in (select id from taken_finished)"),
        )
    };
    let balance = |by: i64| format!("update jobs.balance set n = n + {by} where account = 'done'");
    let of_now = take("finished", &day("0 minutes"));
    let of_a_past_day = take("finished", &day("3 days"));
    let of_no_day = take("finished", &day("6 days"));
    let dead = take("dead", "true");
    let waiting = take("live", "true");
    let added_now = add(&day("0 minutes"));
    let added_to_a_past_day = add(&format!("state = 'done' and {}", day("3 days")));
    let cancelled = |from: &str, to: &str| {
        format!(
            "update jobs.finished set state = '{to}' where id = (select id from jobs.finished where state = '{from}' and {} order by id limit 1)",
            day("3 days")
        )
    };
    for (name, (break_it, mend_it), expected) in [
        ("one of now is gone", of_now, vec![("done", DONE, DONE - 1)]),
        ("one of a past day is gone", of_a_past_day, vec![("done", DONE, DONE - 1)]),
        ("one of no day is gone", of_no_day, vec![("done", DONE, DONE - 1)]),
        ("one too many now", added_now, vec![("done", DONE, DONE + 1)]),
        ("one too many in a past day", added_to_a_past_day, vec![("done", DONE, DONE + 1)]),
        ("a dead letter is gone", dead, vec![("dead", 23, 22)]),
        ("a waiting one is gone", waiting, vec![("ready", 29, 28)]),
        ("the books are off by one", (balance(1), balance(-1)), vec![("done", DONE + 1, DONE)]),
        (
            "a past end was rewritten",
            (cancelled("done", "cancelled"), String::new()),
            vec![("cancelled", 17, 18), ("done", DONE, DONE - 1)],
        ),
    ] {
        let ledger = ledger().await;
        for table in ["finished", "dead", "live"] {
            ledger
                .admin(&format!("create table taken_{table} as select * from jobs.{table} where false"))
                .await;
        }
        // The leader folds what happened into balances.
        jobs::queues::compact(&mut *ledger.engine().await, 1000).await.expect("the ledger");
        assert_eq!(ledger.drifts(NO_ROUND).await, [], "{name}: before");

        assert_eq!(ledger.admin(&break_it).await, 1, "{name}");
        let expected: Vec<_> =
            expected.into_iter().map(|(state, books, tables)| (state.to_owned(), books, tables)).collect();
        assert_eq!(ledger.drifts(NO_ROUND).await, expected, "{name}");
        assert_eq!(ledger.drifts(NO_ROUND).await, expected, "{name}: it is told as long as it lasts");
        assert_eq!(ledger.last_audit().await.drift, expected.len() as i64, "{name}");

        if mend_it.is_empty() {
            continue;
        }
        assert_eq!(ledger.admin(&mend_it).await, 1, "{name}");
        assert_eq!(ledger.drifts(NO_ROUND).await, [], "{name}: mended");
        assert_eq!(ledger.last_audit().await.drift, 0, "{name}: mended");
    }
}

#[tokio::test]
async fn what_the_server_did_not_notice_is_found_by_counting_in_turn() {
    let ledger = ledger().await;
    assert_eq!(ledger.drifts(NO_ROUND).await, []);
    ledger.admin("delete from jobs.finished where id = (select min(id::text)::uuid from jobs.finished where state = 'cancelled')").await;
    // As after a crash, which sets the server's counters to zero.
    ledger.admin("update jobs.audit_partition set changes = changes + 1000").await;
    assert_eq!(ledger.drifts(NO_ROUND).await, [], "nothing pointed to it");
    assert_eq!(ledger.drifts(Pace::default()).await, [("cancelled".to_owned(), 17, 16)]);
}

#[tokio::test]
async fn what_was_committed_late_is_no_drift() {
    let ledger = ledger().await;
    ledger.ended(1, "done", "35 minutes").await;
    assert_eq!(ledger.drifts(NO_ROUND).await, []);
    // Its transaction began half an hour ago: the slice had been counted when it was committed.
    ledger.ended(1, "done", "30 minutes").await;
    assert_eq!(ledger.drifts(NO_ROUND).await, []);
    assert_eq!(ledger.number("select count(*) from jobs.audit_result where suspected_at is null").await, 1);
}

#[tokio::test]
async fn a_run_that_may_not_count_everything_says_nothing_and_is_no_audit() {
    let ledger = ledger().await;
    ledger.admin("update jobs.audit_result set audited_at = now() - interval '2 hours'").await;
    let impatient = Pace { at_most: Duration::ZERO, again: Duration::ZERO };
    let said = audit::run(&mut *ledger.engine().await, impatient).await.expect("the ledger");
    assert!(said.is_none());
    assert!(ledger.last_audit().await.age_secs >= 7200.0, "the age is that of the last audit");
    assert_eq!(ledger.audit(NO_ROUND).await.held, DONE + 17 + 23 + 29);
    assert!(ledger.last_audit().await.age_secs < 7200.0);
}

#[tokio::test]
async fn a_past_day_is_counted_once() {
    let ledger = ledger().await;
    assert_eq!(ledger.drifts(NO_ROUND).await, []);
    let scans = "select coalesce(sum(seq_scan + coalesce(idx_scan, 0)), 0)::bigint from pg_stat_user_tables
        where relname = 'finished_' || to_char((now() - interval '3 days') at time zone 'UTC', 'YYYYMMDD')";
    let before = ledger.number(scans).await;
    assert!(before > 0, "the server counts scans");
    for _ in 0..3 {
        assert_eq!(ledger.drifts(NO_ROUND).await, []);
    }
    assert_eq!(ledger.number(scans).await, before);
    let kept = "select sum(n)::bigint from jobs.audit_count";
    assert_eq!(ledger.number(kept).await, 13 + 17 + 19, "what is older than 20 minutes is kept as a count");
}
