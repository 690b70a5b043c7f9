//! Five seconds without Postgres: requests are refused with 503 and a time to come back, running jobs are
//! finished once it is there again, and everything recovers by itself.

use std::time::Duration;

use tokio::{task::JoinSet, time::Instant};

use super::{STARTED_AGAIN, count, enqueue, probes, until_done, until_running, workers};
use crate::{
    chaos::inflict::nobody_ended,
    desk::DeskError,
    processes::Cluster,
    report::{self, Goal, Spread, ms},
};

/// How long Postgres is away.
const AWAY: Duration = Duration::from_secs(5);

/// Time between two requests.
const EVERY: Duration = Duration::from_millis(100);

/// Jobs that run meanwhile.
const JOBS: usize = 40;

/// Takes Postgres away. True when every goal is reached.
///
/// # Errors
/// A process ends, a job is not done in the end, or the cluster fails otherwise.
pub async fn run(cluster: &mut Cluster) -> anyhow::Result<bool> {
    workers(cluster, 2).await?;
    let ids =
        enqueue(&cluster.desk, &probes("without-postgres", JOBS, Duration::from_secs(3), false)).await?;
    until_running(&cluster.ledger, &ids).await?;
    tokio::task::block_in_place(|| cluster.servers.kill_postgres())?;
    let gone_at = Instant::now();
    let mut calls = JoinSet::new();
    let mut number = 0;
    while gone_at.elapsed() < AWAY {
        number += 1;
        calls.spawn(ask(cluster, format!("refused-{number}")));
        tokio::time::sleep(EVERY).await;
    }
    tokio::task::block_in_place(|| cluster.servers.start_postgres())?;
    let back_at = Instant::now();
    while ask(cluster, "after-postgres".to_owned()).await.0 != Said::Acknowledged {
        anyhow::ensure!(back_at.elapsed() < super::WITHIN, "the api does not recover");
    }
    let api_after = back_at.elapsed();
    until_done(&cluster.ledger, &ids).await?;
    let done_after = back_at.elapsed();
    nobody_ended(cluster)?;

    let (mut refusals, mut other) = (Vec::new(), 0);
    while let Some(call) = calls.join_next().await {
        match call? {
            (Said::ComeBack, took) => refusals.push(took),
            // A request that waited until Postgres was back may be served.
            (Said::Acknowledged, _) => {}
            (Said::Other, _) => other += 1,
        }
    }
    let again = count(&cluster.ledger, &ids, STARTED_AGAIN).await?;
    let spread = Spread::of(refusals);
    println!(
        "{} s without postgres: {} of {number} requests refused with 503 and Retry-After",
        AWAY.as_secs(),
        spread.count
    );
    report::count("recovery_postgres_refused", i64::try_from(spread.count)?, "count");
    report::figure("recovery_postgres_refusal_p50", ms(spread.p50), "ms");
    report::figure("recovery_postgres_refusal_p99", ms(spread.p99), "ms");
    report::figure("recovery_postgres_jobs_done_after", done_after.as_secs_f64(), "s");
    let goals = [
        report::goal("recovery_postgres_other_answers", f64::from(other), "count", Goal::AtMost(0.0)),
        report::goal("recovery_postgres_api_after", api_after.as_secs_f64(), "s", Goal::AtMost(5.0)),
        report::goal(
            "recovery_postgres_jobs_started_again",
            f64::from(i32::try_from(again)?),
            "count",
            Goal::AtMost(0.0),
        ),
    ];
    Ok(goals.iter().all(|reached| *reached) && spread.count > 0)
}

/// What a request was told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Said {
    Acknowledged,
    /// 503 with a time to come back.
    ComeBack,
    Other,
}

fn ask(cluster: &Cluster, name: String) -> impl Future<Output = (Said, Duration)> + Send + 'static {
    let desk = cluster.desk.clone();
    async move {
        let asked = Instant::now();
        let body = serde_json::json!({ "kind": "probe", "payload": { "name": name } });
        let said = match desk.enqueue(&body, Some(&name)).await {
            Ok(_) => Said::Acknowledged,
            Err(DeskError::Refused { status, retry_after: Some(_), .. }) if status.as_u16() == 503 => {
                Said::ComeBack
            }
            Err(_) => Said::Other,
        };
        (said, asked.elapsed())
    }
}
