//! A minute without Redis: everything that is enqueued is acknowledged, nobody exits, and work goes on
//! as soon as Redis is back.

use std::time::Duration;

use anyhow::Context;
use chrono::{DateTime, Utc};
use tokio::{
    task::JoinSet,
    time::{Instant, MissedTickBehavior, interval},
};
use uuid::Uuid;

use super::{until_done, workers};
use crate::{
    chaos::inflict::nobody_ended,
    desk::DeskError,
    processes::Cluster,
    report::{self, Goal, Spread, ms},
};

/// Time between two enqueues.
const EVERY: Duration = Duration::from_millis(40);

/// Takes Redis away for so long. True when every goal is reached.
///
/// # Errors
/// A process ends, the jobs are not done in the end, or the cluster fails otherwise.
pub async fn run(cluster: &mut Cluster, away: Duration) -> anyhow::Result<bool> {
    workers(cluster, 2).await?;
    tokio::task::block_in_place(|| cluster.servers.kill_redis())?;
    let gone_at = Instant::now();
    let mut calls = JoinSet::new();
    let mut ticks = interval(EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut number = 0;
    while gone_at.elapsed() < away {
        ticks.tick().await;
        number += 1;
        let (desk, name) = (cluster.desk.clone(), format!("without-redis-{number}"));
        calls.spawn(async move {
            let asked = Instant::now();
            let body = serde_json::json!({ "kind": "probe", "payload": { "name": name } });
            let enqueued = desk.enqueue(&body, None).await?;
            Ok::<(Uuid, Duration), DeskError>((enqueued.job_id, asked.elapsed()))
        });
    }
    let (mut ids, mut answers, mut refused) = (Vec::new(), Vec::new(), 0);
    while let Some(call) = calls.join_next().await {
        match call? {
            Ok((id, took)) => {
                ids.push(id);
                answers.push(took);
            }
            Err(_) => refused += 1,
        }
    }
    nobody_ended(cluster)?;

    let asked_back = Utc::now();
    let watching = tokio::spawn(first_answer(cluster.servers.redis_url.clone()));
    tokio::task::block_in_place(|| cluster.servers.start_redis())?;
    let back_at = watching.await??;
    let first = first_start(cluster, &ids, asked_back).await?;
    until_done(&cluster.ledger, &ids).await?;
    let caught_up = Utc::now() - back_at;
    nobody_ended(cluster)?;

    let spread = Spread::of(answers);
    println!("{} s without redis: {} of {number} enqueues acknowledged", away.as_secs(), spread.count);
    report::count("recovery_redis_acknowledged", i64::try_from(spread.count)?, "count");
    let all = report::goal("recovery_redis_not_acknowledged", f64::from(refused), "count", Goal::AtMost(0.0));
    report::figure("recovery_redis_enqueue_p50", ms(spread.p50), "ms");
    report::figure("recovery_redis_enqueue_p99", ms(spread.p99), "ms");
    report::count("recovery_redis_exits", 0, "count");
    report::figure("recovery_redis_all_done_after", caught_up.as_seconds_f64(), "s");
    let resumed = (first - back_at).as_seconds_f64().max(0.0);
    Ok(report::goal("recovery_redis_resumed_after", resumed, "s", Goal::AtMost(2.0)) && all)
}

/// When Redis first answers a PING.
async fn first_answer(url: String) -> anyhow::Result<DateTime<Utc>> {
    let client = redis::Client::open(url)?;
    loop {
        if let Ok(mut connection) = client.get_multiplexed_async_connection().await
            && redis::cmd("PING").query_async::<()>(&mut connection).await.is_ok()
        {
            return Ok(Utc::now());
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// When the first of the jobs started that waited for Redis.
async fn first_start(cluster: &Cluster, ids: &[Uuid], since: DateTime<Utc>) -> anyhow::Result<DateTime<Utc>> {
    let asked = Instant::now();
    loop {
        let first: Option<DateTime<Utc>> = sqlx::query_scalar(
            "select min(started_at) from jobs.job where id = any ($1) and started_at >= $2",
        )
        .bind(ids)
        .bind(since)
        .fetch_one(&cluster.ledger)
        .await?;
        if let Some(first) = first {
            return Ok(first);
        }
        (asked.elapsed() < super::WITHIN).then_some(()).context("no job started after redis came back")?;
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
