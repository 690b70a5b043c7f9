//! A ledger that needs two seconds for everything. That the times of the leadership leave room for such answers is tested
//! beside them; here a real ledger gives them, and none of its own limits ends a renewal.

use sqlx::{Connection, PgConnection, postgres::PgListener};

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
        "create function public.tell() returns trigger language plpgsql as $$
         begin perform pg_notify('renewed', new.term::text); return null; end $$",
        "create trigger tell after update on jobs.leader for each row execute function public.tell()",
    ] {
        sqlx::query(statement).execute(&mut admin).await.expect("a slow ledger");
    }
    let mut renewals = PgListener::connect(desk.admin_url()).await.expect("the test server answers");
    renewals.listen("renewed").await.expect("it listens");
    for _ in 0..3 {
        let renewed = renewals.recv().await.expect("it is renewed");
        assert_eq!(renewed.payload(), term.to_string(), "nobody else leads");
    }
    assert!(scheduler.has_led_on());
    scheduler.stop().await;
}
