//! SIGTERM to a worker: what can finish within the grace period finishes there; the rest is handed back at
//! once, costs no attempt, and runs elsewhere.

use std::time::Duration;

use anyhow::Context;
use chrono::{DateTime, Utc};
use tokio::time::Instant;

use super::{QUEUES, cancel, count, enqueue, probes, until_all, until_done, until_running, workers};
use crate::{
    processes::Cluster,
    report::{self, Goal},
};

/// Jobs that finish in time, and as many that do not.
const JOBS: usize = 10;

const GRACE: Duration = Duration::from_secs(3);

/// Drains a worker. True when every goal is reached.
///
/// # Errors
/// The worker does not end, the jobs do not go on, or the cluster fails otherwise.
pub async fn run(cluster: &mut Cluster) -> anyhow::Result<bool> {
    workers(cluster, 0).await?;
    let grace = GRACE.as_secs().to_string();
    cluster.start_worker_with(&[("DESK_QUEUES", QUEUES), ("DESK_GRACE_SECS", &grace)])?;
    cluster.ready().await?;
    let short =
        enqueue(&cluster.desk, &probes("drain-short", JOBS, Duration::from_millis(1500), false)).await?;
    let long = enqueue(&cluster.desk, &probes("drain-long", JOBS, Duration::from_secs(60), false)).await?;
    until_running(&cluster.ledger, &long).await?;
    workers(cluster, 2).await?;

    let drained = cluster.workers.remove(0);
    let told_at = Utc::now();
    let told = Instant::now();
    drained.terminate();
    let status = tokio::time::timeout(super::WITHIN, drained.wait())
        .await
        .context("the drained worker does not end")?;
    let took = told.elapsed();
    until_done(&cluster.ledger, &short).await?;
    let elsewhere = "select count(*) from jobs.live j join jobs.worker w on w.id = j.worker_id
         where j.id = any ($1) and j.state = 'running' and w.state = 'active'";
    until_all(&cluster.ledger, &long, "running elsewhere", elsewhere).await?;
    let last_start: DateTime<Utc> =
        sqlx::query_scalar("select max(started_at) from jobs.live where id = any ($1)")
            .bind(&long)
            .fetch_one(&cluster.ledger)
            .await?;
    let finished = count(
        &cluster.ledger,
        &short,
        "select count(*) from jobs.finished where id = any ($1) and state = 'done' and attempt = 1",
    )
    .await?;
    let both: Vec<_> = short.iter().chain(&long).copied().collect();
    let cost = count(&cluster.ledger, &both, "select count(*) from jobs.attempt where job_id = any ($1)")
        .await?
        + count(
            &cluster.ledger,
            &long,
            "select count(*) from jobs.live where id = any ($1) and (attempt <> 1 or crashes <> 0)",
        )
        .await?;
    cancel(cluster, &long).await?;

    println!(
        "worker drained (SIGTERM, {} s of grace): {finished} jobs finished, {} went on elsewhere",
        GRACE.as_secs(),
        long.len()
    );
    report::count("recovery_drain_finished", finished, "count");
    report::count("recovery_drain_handed_back", i64::try_from(long.len())?, "count");
    report::figure("recovery_drain_exit_after", took.as_secs_f64(), "s");
    let restarted = (last_start - told_at).as_seconds_f64() - GRACE.as_secs_f64();
    let goals = [
        report::goal(
            "recovery_drain_attempts_cost",
            f64::from(i32::try_from(cost)?),
            "count",
            Goal::AtMost(0.0),
        ),
        report::goal("recovery_drain_restart_after_grace", restarted, "s", Goal::AtMost(2.0)),
    ];
    Ok(goals.iter().all(|reached| *reached) && status.success() && finished == i64::try_from(JOBS)?)
}
