//! A ledger that needs two seconds for everything.

use std::time::Duration;

use chrono::{DateTime, Utc};
use sqlx::{Connection, PgConnection};

use crate::desk::Desk;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_ledger_costs_no_leadership() {
    let desk = Desk::new().await;
    let mut scheduler = desk.start();
    let term = scheduler.leads().await;
    let mut admin = PgConnection::connect(desk.admin_url()).await.expect("the test server answers");
    for statement in [
        "create function public.slow() returns trigger language plpgsql as $$
         begin perform pg_sleep(2); return null; end $$",
        "create trigger slow before update on jobs.leader execute function public.slow()",
    ] {
        sqlx::query(statement).execute(&mut admin).await.expect("a slow ledger");
    }
    let mut known = None;
    let mut renewals = 0;
    // The lease holds for six seconds; four slow renewals take longer than one.
    while renewals < 5 {
        let expires: (DateTime<Utc>, i64) = sqlx::query_as("select expires_at, term from jobs.leader")
            .fetch_one(&mut admin)
            .await
            .expect("a leader");
        assert_eq!(expires.1, term, "nobody else leads");
        if known.replace(expires.0) == Some(expires.0) {
            tokio::time::sleep(Duration::from_millis(50)).await;
        } else {
            renewals += 1;
        }
    }
    assert!(scheduler.has_led_on());
    scheduler.stop().await;
}
