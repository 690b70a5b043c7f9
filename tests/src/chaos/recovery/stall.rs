//! A worker that stands still for fifteen seconds (SIGSTOP) loses its jobs to another, and does not know.
//! When it goes on, nothing that it writes about them counts, and each job is done once.

use std::time::Duration;

use anyhow::ensure;
use nix::sys::signal::Signal;
use tokio::time::Instant;
use uuid::Uuid;

use super::{AGAIN, count, enqueue, probes, until_all, until_done, until_running, workers};
use crate::{
    processes::Cluster,
    report::{self, Goal},
};

const STALL: Duration = Duration::from_secs(15);

/// So long that the second run is under way when the first one goes on.
const SLEEP: Duration = Duration::from_secs(8);

const JOBS: usize = 20;

/// Stalls a worker. True when every goal is reached.
///
/// # Errors
/// The jobs are not done in the end, or the cluster fails otherwise.
pub async fn run(cluster: &mut Cluster) -> anyhow::Result<bool> {
    workers(cluster, 0).await?;
    workers(cluster, 1).await?;
    let ids = enqueue(&cluster.desk, &probes("stall", JOBS, SLEEP, true)).await?;
    until_running(&cluster.ledger, &ids).await?;
    workers(cluster, 2).await?;
    let stalled: Vec<Uuid> = sqlx::query_scalar("select id from jobs.worker where pid = $1")
        .bind(i32::try_from(cluster.workers[0].pid)?)
        .fetch_all(&cluster.ledger)
        .await?;
    cluster.workers[0].signal(Signal::SIGSTOP);
    // The length of the stall is the fault itself.
    tokio::time::sleep(STALL).await;
    until_all(&cluster.ledger, &ids, "taken over", AGAIN).await?;
    cluster.workers[0].signal(Signal::SIGCONT);
    let went_on = Instant::now();
    let returned_after = until_returned(cluster, &stalled, went_on).await?;
    until_done(&cluster.ledger, &ids).await?;

    let late: i64 =
        sqlx::query_scalar("select count(*) from jobs.finished where id = any ($1) and worker_id = any ($2)")
            .bind(&ids)
            .bind(&stalled)
            .fetch_one(&cluster.ledger)
            .await?;
    let rows = count(&cluster.ledger, &ids, "select count(*) from jobs.finished where id = any ($1)").await?;
    let recorded = cluster.upstream.recorded();
    let effects: Vec<u64> = (0..JOBS)
        .map(|number| recorded.effects.get(&format!("stall-{number}")).copied().unwrap_or(0))
        .collect();
    let twice = effects.iter().filter(|times| **times > 1).count();
    ensure!(effects.iter().all(|times| *times > 0), "an effect is missing");

    println!("worker stalled for {} s: its {JOBS} jobs were done by another", STALL.as_secs());
    report::figure("recovery_stall_returned_after", returned_after.as_secs_f64(), "s");
    let number = |count: i64| i32::try_from(count).map(f64::from);
    let goals = [
        report::goal("recovery_stall_late_writes", number(late)?, "count", Goal::AtMost(0.0)),
        report::goal(
            "recovery_stall_done_twice",
            number(rows - i64::try_from(JOBS)?)?,
            "count",
            Goal::AtMost(0.0),
        ),
        report::goal(
            "recovery_stall_effects_twice",
            number(i64::try_from(twice)?)?,
            "count",
            Goal::AtMost(0.0),
        ),
    ];
    Ok(goals.iter().all(|reached| *reached))
}

/// How long after its stall the worker is one of the cluster again, under a new identity.
async fn until_returned(cluster: &Cluster, stalled: &[Uuid], went_on: Instant) -> anyhow::Result<Duration> {
    loop {
        let returned: bool = sqlx::query_scalar(
            "select exists (select from jobs.worker where pid = $1 and state = 'active' and id <> all ($2))",
        )
        .bind(i32::try_from(cluster.workers[0].pid)?)
        .bind(stalled)
        .fetch_one(&cluster.ledger)
        .await?;
        if returned {
            return Ok(went_on.elapsed());
        }
        ensure!(went_on.elapsed() < super::WITHIN, "the stalled worker does not come back");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
