//! Every open connection to Postgres goes silent without a word, and new ones work: running jobs are finished
//! and new ones are run, and nobody has to close anything for that.

use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::time::Instant;

use super::{STARTED_AGAIN, count, enqueue_persistently, probes, proxy, until_done, until_running, workers};
use crate::{
    chaos::inflict::nobody_ended,
    processes::Cluster,
    report::{self, Goal},
};

/// Jobs that run meanwhile, and as many that come afterwards.
const JOBS: usize = 40;

/// Silences the connections. True when every goal is reached.
///
/// # Errors
/// A process ends, a job is not done in the end, or the cluster fails otherwise.
pub async fn run(cluster: &mut Cluster) -> anyhow::Result<bool> {
    workers(cluster, 2).await?;
    let before = probes("before-silence", JOBS, Duration::from_secs(2), true);
    let mut ids = enqueue_persistently(&cluster.desk, &before, "before-silence").await?;
    until_running(&cluster.ledger, &ids).await?;
    proxy(cluster)?.freeze_open();
    let (silent, silent_at) = (Instant::now(), Utc::now());
    let after = probes("after-silence", JOBS, Duration::ZERO, true);
    let later = enqueue_persistently(&cluster.desk, &after, "after-silence").await?;
    let api_after = silent.elapsed();
    until_done(&cluster.ledger, &later).await?;
    let first: DateTime<Utc> =
        sqlx::query_scalar("select min(started_at) from jobs.finished where id = any ($1)")
            .bind(&later)
            .fetch_one(&cluster.ledger)
            .await?;
    ids.extend(later);
    until_done(&cluster.ledger, &ids).await?;
    let done_after = silent.elapsed();
    nobody_ended(cluster)?;

    let again = count(&cluster.ledger, &ids, STARTED_AGAIN).await?;
    let twice = cluster.upstream.recorded().duplicates.effects.len();
    println!("connections to postgres silent: {JOBS} jobs that ran and {JOBS} new ones were done");
    report::figure("recovery_black_hole_all_done_after", done_after.as_secs_f64(), "s");
    let goals = [
        report::goal("recovery_black_hole_api_after", api_after.as_secs_f64(), "s", Goal::AtMost(15.0)),
        report::goal(
            "recovery_black_hole_resumed_after",
            (first - silent_at).as_seconds_f64(),
            "s",
            Goal::AtMost(15.0),
        ),
        report::goal(
            "recovery_black_hole_jobs_started_again",
            f64::from(i32::try_from(again)?),
            "count",
            Goal::AtMost(0.0),
        ),
        report::goal(
            "recovery_black_hole_effects_twice",
            f64::from(i32::try_from(twice)?),
            "count",
            Goal::AtMost(0.0),
        ),
    ];
    Ok(goals.iter().all(|reached| *reached))
}
