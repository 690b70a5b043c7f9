//! What came of jobs while the ledger refuses to write it: it stays held, and nothing is lost or done twice.

use std::{sync::atomic::Ordering, time::Duration};

use jobs::{
    State,
    read::{self, Cancelled},
};
use sqlx::{AssertSqlSafe, PgConnection};

use crate::theatre::Theatre;

/// What a test waits for happens within this time or not at all.
const WITHIN: Duration = Duration::from_secs(60);

/// Refuses rows of `jobs.finished` as a missing right would, in these states. How often is counted by a sequence,
/// which no rollback takes back.
async fn refuse(admin: &mut PgConnection, states: &str) {
    let statement = format!(
        "create sequence public.refusals;
         create function public.refuse() returns trigger language plpgsql security definer as $$
         begin
             perform nextval('public.refusals');
             raise exception 'permission denied for table finished' using errcode = '42501';
         end $$;
         create trigger refuse before insert on jobs.finished
             for each row when (new.state in ({states})) execute function public.refuse()"
    );
    sqlx::raw_sql(AssertSqlSafe(statement)).execute(admin).await.expect("the owner may");
}

/// Waits until so many rows were refused.
async fn refusals(admin: &mut PgConnection, count: i64) {
    let counted = async {
        loop {
            let refused: i64 = sqlx::query_scalar(
                "select case when is_called then last_value else 0 end from public.refusals",
            )
            .fetch_one(&mut *admin)
            .await
            .expect("the test server");
            if refused >= count {
                return;
            }
        }
    };
    tokio::time::timeout(WITHIN, counted).await.expect("it is written again");
}

/// Waits until the worker's heart says that it holds so many jobs.
async fn holds(admin: &mut PgConnection, jobs: i32) {
    let said = async {
        loop {
            let held: Option<i32> = sqlx::query_scalar("select running from jobs.worker")
                .fetch_optional(&mut *admin)
                .await
                .expect("the test server");
            if held == Some(jobs) {
                return;
            }
        }
    };
    tokio::time::timeout(WITHIN, said).await.expect("the heart says so");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_ledger_refuses_is_written_when_it_takes_it() {
    let theatre = Theatre::open().await;
    let mut admin = theatre.admin().await;
    refuse(&mut admin, "'done'").await;
    let (stop, end) = theatre.start(Duration::from_secs(10));
    let ids = theatre.enqueue(&["succeed", "succeed"].map(|step| theatre.job(step))).await;
    // More often than both are written at first, together and one by one.
    refusals(&mut admin, 5).await;
    for id in &ids {
        assert_eq!(theatre.view(*id).await.state, State::Running, "nobody else runs it");
    }
    sqlx::query("drop trigger refuse on jobs.finished").execute(&mut admin).await.expect("the owner may");
    for id in &ids {
        let done = theatre.until(*id, |view| view.state.is_finished());
        let view = tokio::time::timeout(WITHIN, done).await.expect("it is written");
        assert_eq!((view.state, view.attempt), (State::Done, 1));
    }
    assert_eq!(theatre.stage.runs.load(Ordering::SeqCst), 2, "nothing ran twice");
    let _ = stop.send(());
    end.await.expect("the runtime");
    theatre.assert_books_balance().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_whose_outcome_is_refused_can_be_cancelled() {
    let theatre = Theatre::open().await;
    let mut admin = theatre.admin().await;
    refuse(&mut admin, "'done'").await;
    let (stop, end) = theatre.start(Duration::from_secs(10));
    let id = theatre.enqueue(&[theatre.job("succeed")]).await[0];
    refusals(&mut admin, 1).await;
    let mut conn = theatre.store.pool().acquire().await.expect("the ledger");
    let asked = read::cancel(&mut conn, Some(theatre.tenant.0), id, "no use").await.expect("the ledger");
    assert_eq!(asked, Cancelled::Requested);
    theatre.dispatch.poke_workers();
    let over = theatre.until(id, |view| view.state.is_finished());
    let view = tokio::time::timeout(WITHIN, over).await.expect("it is cancelled");
    assert_eq!(view.state, State::Cancelled);
    assert_eq!(view.error.expect("a reason")["message"], "no use");
    let _ = stop.send(());
    end.await.expect("the runtime");
    theatre.assert_books_balance().await;
}

/// As after the restore of a backup that is older than the jobs.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn runs_that_the_ledger_no_longer_knows_are_given_up() {
    let theatre = Theatre::open().await;
    let mut admin = theatre.admin().await;
    refuse(&mut admin, "'done'").await;
    let (stop, end) = theatre.start(Duration::from_secs(10));
    let id = theatre.enqueue(&[theatre.job("succeed")]).await[0];
    refusals(&mut admin, 1).await;
    holds(&mut admin, 1).await;
    sqlx::query("delete from jobs.live where id = $1")
        .bind(id)
        .execute(&mut admin)
        .await
        .expect("the owner may");
    sqlx::query("drop trigger refuse on jobs.finished").execute(&mut admin).await.expect("the owner may");
    holds(&mut admin, 0).await;
    let _ = stop.send(());
    end.await.expect("the runtime");
}
