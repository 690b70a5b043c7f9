//! A worker that runs fifty jobs is killed: how long until each of them runs again elsewhere.

use std::time::Duration;

use anyhow::ensure;
use chrono::{DateTime, Utc};

use super::{AGAIN, cancel, enqueue, probes, until_all, until_running, workers};
use crate::{
    processes::Cluster,
    report::{self, Goal, Spread},
};

/// Jobs that the killed worker runs.
const JOBS: usize = 50;

/// Longer than a round takes; no probe may wait longer.
const SLEEP: Duration = Duration::from_secs(60);

/// Kills a worker in each round. True when the goal is reached.
///
/// # Errors
/// The jobs do not come back, or the cluster fails otherwise.
pub async fn run(cluster: &mut Cluster, rounds: usize) -> anyhow::Result<bool> {
    workers(cluster, 1).await?;
    let mut restarts = Vec::new();
    for round in 0..rounds {
        // One worker alone takes all of them; the other, started now, will find them.
        let ids = enqueue(&cluster.desk, &probes(&format!("kill-{round}"), JOBS, SLEEP, false)).await?;
        until_running(&cluster.ledger, &ids).await?;
        workers_beside(cluster).await?;
        let killed_at = Utc::now();
        cluster.kill_worker(0).await;
        until_all(&cluster.ledger, &ids, "running again", AGAIN).await?;
        let started: Vec<DateTime<Utc>> =
            sqlx::query_scalar("select started_at from jobs.live where id = any ($1)")
                .bind(&ids)
                .fetch_all(&cluster.ledger)
                .await?;
        ensure!(started.len() == JOBS, "{} of {JOBS} jobs run again", started.len());
        restarts.extend(started.iter().map(|at| (*at - killed_at).to_std().unwrap_or_default()));
        cancel(cluster, &ids).await?;
    }
    let spread = Spread::of(restarts);
    println!("worker killed (-9): {} jobs in {rounds} rounds run again after", spread.count);
    report::figure("recovery_kill_restart_p50", spread.p50.as_secs_f64(), "s");
    report::figure("recovery_kill_restart_max", spread.max.as_secs_f64(), "s");
    Ok(report::goal("recovery_kill_restart_p99", spread.p99.as_secs_f64(), "s", Goal::AtMost(15.0)))
}

async fn workers_beside(cluster: &mut Cluster) -> anyhow::Result<()> {
    let count = cluster.workers.len() + 1;
    workers(cluster, count).await
}
