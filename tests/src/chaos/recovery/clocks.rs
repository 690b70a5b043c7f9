//! A worker whose clock is an hour ahead and a leading scheduler whose clock is an hour behind: jobs that wait
//! for a time, their own or that of a retry, start when it has come by the ledger's clock, no sooner and hardly
//! later, nobody is taken for dead, and both say once that their clocks are wrong and what to do.

use std::{path::Path, time::Duration};

use anyhow::Context;
use serde_json::Value;
use tokio::time::Instant;
use uuid::Uuid;

use super::{WITHIN, count, enqueue, probes, until_done, workers};
use crate::{
    chaos::{clock, inflict::nobody_ended},
    processes::Cluster,
    report::{self, Goal},
};

/// Jobs that may start at once, as many that wait, and as many that fail once.
const JOBS: usize = 40;

/// How long those wait.
const DELAY_MS: u64 = 3_000;

/// Sets the clocks wrong. True when every goal is reached.
///
/// # Errors
/// A job is not done in the end, or the cluster fails otherwise.
pub async fn run(cluster: &mut Cluster) -> anyhow::Result<bool> {
    workers(cluster, 0).await?;
    let ahead = clock::skewed(cluster.dir(), clock::HOUR_SECS).await?;
    let behind = clock::skewed(cluster.dir(), -clock::HOUR_SECS).await?;
    let right = std::mem::take(&mut cluster.schedulers);
    cluster.start_worker_with(&ahead.each_ref().map(|(name, value)| (*name, value.as_str())))?;
    cluster.start_scheduler_with(&behind.each_ref().map(|(name, value)| (*name, value.as_str())))?;
    for scheduler in &right {
        scheduler.terminate();
        scheduler.wait().await;
    }
    cluster.ready().await?;
    let asked = Instant::now();
    while cluster.leader().await.is_none() {
        anyhow::ensure!(asked.elapsed() < WITHIN, "the scheduler with the wrong clock does not lead");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let lost = "select count(*) from jobs.worker where state = 'lost' and $1::uuid[] is not null";
    let lost_before = count(&cluster.ledger, &[], lost).await?;

    let mut ids = enqueue(&cluster.desk, &probes("clock", JOBS, Duration::ZERO, true)).await?;
    let waiting = probes("clock-later", JOBS, Duration::ZERO, true).into_iter().map(delayed);
    ids.extend(enqueue(&cluster.desk, &waiting.collect::<Vec<_>>()).await?);
    let failing = probes("clock-again", JOBS, Duration::ZERO, true).into_iter().map(failing_once);
    ids.extend(enqueue(&cluster.desk, &failing.collect::<Vec<_>>()).await?);
    until_done(&cluster.ledger, &ids).await?;
    nobody_ended(cluster)?;
    let early = "select count(*) from jobs.finished where id = any ($1) and started_at < run_at";
    let early = count(&cluster.ledger, &ids, early).await?;
    let latest = latest(cluster, &ids).await?;
    let counted_out = count(&cluster.ledger, &[], lost).await? - lost_before;
    let wrong = [&cluster.workers[0], &cluster.schedulers[0]];
    let not_told = wrong.iter().filter(|process| lines_about_the_clock(&process.log) != 1).count();

    // The cluster goes on with right clocks.
    workers(cluster, 0).await?;
    let wrong = std::mem::take(&mut cluster.schedulers);
    for _ in &right {
        cluster.start_scheduler()?;
    }
    for scheduler in &wrong {
        scheduler.terminate();
        scheduler.wait().await;
    }
    cluster.ready().await?;

    println!("clocks of worker and leader an hour off: {} jobs were done", ids.len());
    let none = |name: &str, got: i64| -> anyhow::Result<bool> {
        Ok(report::goal(name, f64::from(i32::try_from(got)?), "count", Goal::AtMost(0.0)))
    };
    let goals = [
        none("recovery_clocks_started_early", early)?,
        none("recovery_clocks_workers_counted_out", counted_out)?,
        none("recovery_clocks_not_told_once", i64::try_from(not_told)?)?,
        report::goal("recovery_clocks_started_late_max", latest, "s", Goal::AtMost(2.0)),
    ];
    Ok(goals.iter().all(|reached| *reached))
}

/// How many lines of a log say that the clock is wrong, and what to do.
fn lines_about_the_clock(log: &Path) -> usize {
    let text = std::fs::read_to_string(log).unwrap_or_default();
    text.lines().filter(|line| line.contains("this machine's clock is") && line.contains("set-ntp")).count()
}

fn delayed(mut job: Value) -> Value {
    job["delay_ms"] = DELAY_MS.into();
    job
}

fn failing_once(mut job: Value) -> Value {
    job["payload"]["fail_attempts"] = 1.into();
    job
}

/// By how many seconds a job started after its time at most.
async fn latest(cluster: &Cluster, ids: &[Uuid]) -> anyhow::Result<f64> {
    let late: Option<f64> = sqlx::query_scalar(
        "select max(extract(epoch from started_at - run_at))::float8 from jobs.finished where id = any ($1)",
    )
    .bind(ids)
    .fetch_one(&cluster.ledger)
    .await?;
    late.context("no job has a start")
}
