//! Postgres answers every question two seconds late, for a minute. That is slow and not dead: nobody who
//! waits for an answer may be taken for dead, and nothing is lost.

use std::time::Duration;

use anyhow::Context;
use sqlx::PgPool;
use tokio::time::Instant;

use super::{Fault, Options, run::Run, tally::Promise};
use crate::{
    processes::Cluster,
    report::{self, Goal},
};

/// How late each answer is.
const DELAY: Duration = Duration::from_secs(2);

/// For how long.
const FOR: Duration = Duration::from_secs(60);

const LOOK_EVERY: Duration = Duration::from_millis(500);

/// Slows Postgres down. True when every goal is reached.
///
/// # Errors
/// The cluster fails.
pub async fn run(options: &Options) -> anyhow::Result<bool> {
    let fault = Fault::Slow;
    let mut run = Run::begin(Run::cluster(fault, options).await?, fault, options);
    run.until_under_way().await?;
    let (began, term) = (Instant::now(), term(&run.cluster.ledger).await?);
    let done_before = done(&run.cluster.ledger).await?;
    let acknowledged_before = *run.load.count().borrow();
    run.proxy()?.delay_answers(DELAY);
    let mut without_leader = Duration::ZERO;
    while began.elapsed() < FOR {
        let looked = Instant::now();
        let led = leads(&run.cluster).await;
        tokio::time::sleep(LOOK_EVERY).await;
        if !led {
            without_leader += looked.elapsed();
        }
    }
    report::count(
        "failover_slow_acknowledged_meanwhile",
        difference(*run.load.count().borrow(), acknowledged_before)?,
        "count",
    );
    report::count("failover_slow_done_meanwhile", done(&run.cluster.ledger).await? - done_before, "count");
    let changes = self::term(&run.cluster.ledger).await? - term;
    let lost: i64 = sqlx::query_scalar("select count(*) from jobs.worker where state = 'lost'")
        .fetch_one(&run.cluster.ledger)
        .await?;
    let at_most =
        |name: &str, got: f64, unit: &str, bound: f64| report::goal(name, got, unit, Goal::AtMost(bound));
    let goals = [
        at_most("failover_slow_workers_counted_out", small(lost)?, "count", 0.0),
        at_most("failover_slow_leader_changes", small(changes)?, "count", 0.0),
        at_most("failover_slow_without_leader", without_leader.as_secs_f64(), "s", 0.0),
    ];
    run.proxy()?.delay_answers(Duration::ZERO);
    run.end(Instant::now(), Promise::Once, goals.iter().all(|reached| *reached)).await
}

/// Whether a scheduler says that it leads. Its metrics cost no question to Postgres.
async fn leads(cluster: &Cluster) -> bool {
    cluster.leader().await.is_some()
}

/// It grows by one whenever somebody else takes the lead.
async fn term(ledger: &PgPool) -> anyhow::Result<i64> {
    sqlx::query_scalar("select term from jobs.leader where name = 'scheduler'")
        .fetch_one(ledger)
        .await
        .context("somebody leads before the fault")
}

async fn done(ledger: &PgPool) -> anyhow::Result<i64> {
    Ok(sqlx::query_scalar("select count(*) from jobs.finished").fetch_one(ledger).await?)
}

fn difference(now: usize, before: usize) -> anyhow::Result<i64> {
    Ok(i64::try_from(now)? - i64::try_from(before)?)
}

fn small(count: i64) -> anyhow::Result<f64> {
    Ok(f64::from(i32::try_from(count)?))
}
