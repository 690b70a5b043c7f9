//! Cancelling says what was done, and nothing when nothing was.

use database::ids::TenantId;
use jobs::{
    NewJob, QueueError, State, enqueue_one,
    kinds::Probe,
    read::{self, Cancelled},
};
use uuid::Uuid;

use crate::ledger::Ledger;

#[tokio::test]
async fn a_job_that_slips_away_at_each_look_is_not_said_to_be_cancelled() {
    let ledger = Ledger::new().await;
    let mut conn = ledger.engine().await;
    let tenant = Uuid::now_v7();
    let job = NewJob::of(TenantId(tenant), &Probe::default()).expect("a small payload");
    let (waits, _) = enqueue_one(&mut conn, job).await.expect("the ledger");
    // As for one that is ready when it is looked at, and runs when it is to be moved.
    ledger
        .admin("create function public.keep() returns trigger language plpgsql as 'begin return null; end'")
        .await;
    ledger
        .admin("create trigger keep before delete on jobs.live for each row execute function public.keep()")
        .await;
    let slipped = read::cancel(&mut conn, Some(tenant), waits.id, "no use").await;
    assert!(matches!(slipped, Err(QueueError::Unsettled(id)) if id == waits.id), "{slipped:?}");
    assert!(slipped.is_err_and(|error| error.is_unavailable()), "whoever asked may try again");

    ledger.admin("drop trigger keep on jobs.live").await;
    let now = read::cancel(&mut conn, Some(tenant), waits.id, "no use").await.expect("the ledger");
    assert_eq!(now, Cancelled::Now);
    let again = read::cancel(&mut conn, Some(tenant), waits.id, "again").await.expect("the ledger");
    assert_eq!(again, Cancelled::Over(State::Cancelled));
}
