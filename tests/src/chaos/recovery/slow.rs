//! Postgres answers two seconds late, for fifteen seconds: nobody is taken for dead, and work goes on when it is
//! quick again.

use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::time::Instant;

use super::{STARTED_AGAIN, count, enqueue, probes, proxy, until_done, until_running, workers};
use crate::{
    chaos::inflict::nobody_ended,
    processes::Cluster,
    report::{self, Goal},
};

/// How late each answer is.
const LATE: Duration = Duration::from_secs(2);

/// For how long.
const FOR: Duration = Duration::from_secs(15);

/// Jobs that run meanwhile.
const JOBS: usize = 40;

/// Slows Postgres down. True when every goal is reached.
///
/// # Errors
/// A process ends, a job is not done in the end, or the cluster fails otherwise.
pub async fn run(cluster: &mut Cluster) -> anyhow::Result<bool> {
    workers(cluster, 2).await?;
    until_led(cluster).await?;
    let ids = enqueue(&cluster.desk, &probes("slow", JOBS, Duration::from_secs(3), true)).await?;
    until_running(&cluster.ledger, &ids).await?;
    let (lost_before, term_before) = (lost(cluster).await?, term(cluster).await?);
    proxy(cluster)?.delay_answers(LATE);
    // The length of it is the fault itself.
    tokio::time::sleep(FOR).await;
    proxy(cluster)?.delay_answers(Duration::ZERO);
    let quick = Instant::now();
    until_done(&cluster.ledger, &ids).await?;
    let done_after = quick.elapsed();
    nobody_ended(cluster)?;
    let (counted_out, changes) = (lost(cluster).await? - lost_before, term(cluster).await? - term_before);
    let again = count(&cluster.ledger, &ids, STARTED_AGAIN).await?;
    println!("postgres {} s late for {} s: {JOBS} jobs were done", LATE.as_secs(), FOR.as_secs());
    report::figure("recovery_slow_all_done_after", done_after.as_secs_f64(), "s");
    let none = |name: &str, got: i64| -> anyhow::Result<bool> {
        Ok(report::goal(name, f64::from(i32::try_from(got)?), "count", Goal::AtMost(0.0)))
    };
    let goals = [
        none("recovery_slow_workers_counted_out", counted_out)?,
        none("recovery_slow_leader_changes", changes)?,
        none("recovery_slow_jobs_started_again", again)?,
    ];
    Ok(goals.iter().all(|reached| *reached))
}

/// Waits until somebody has renewed the leadership three times: an earlier part may have left the leader with a
/// connection that it has to give up first.
async fn until_led(cluster: &Cluster) -> anyhow::Result<()> {
    let asked = Instant::now();
    let (mut known, mut renewed) = (None, 0);
    while renewed < 3 {
        anyhow::ensure!(asked.elapsed() < super::WITHIN, "nobody leads");
        let now: (i64, DateTime<Utc>) =
            sqlx::query_as("select term, expires_at from jobs.leader where name = 'scheduler'")
                .fetch_one(&cluster.ledger)
                .await?;
        match known {
            Some((term, at)) if term == now.0 => renewed += usize::from(at != now.1),
            _ => renewed = 0,
        }
        known = Some(now);
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    Ok(())
}

/// Workers that were counted out, ever.
async fn lost(cluster: &Cluster) -> anyhow::Result<i64> {
    count(
        &cluster.ledger,
        &[],
        "select count(*) from jobs.worker where state = 'lost' and $1::uuid[] is not null",
    )
    .await
}

/// It grows by one whenever somebody else takes the lead.
async fn term(cluster: &Cluster) -> anyhow::Result<i64> {
    Ok(sqlx::query_scalar("select term from jobs.leader where name = 'scheduler'")
        .fetch_one(&cluster.ledger)
        .await?)
}
