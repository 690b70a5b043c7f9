//! Recovery, fault by fault: how long it takes until work goes on, and what it costs. Each part prints its
//! figures and says whether they are what they must be.

pub mod black_hole;
pub mod clocks;
pub mod drain;
pub mod kill;
pub mod postgres_away;
pub mod redis_away;
pub mod redis_refuses;
pub mod slow;
pub mod stall;
pub mod two_imports;

use std::time::Duration;

use anyhow::{Context, bail};
use serde_json::{Value, json};
use sqlx::PgPool;
use tokio::{
    task::JoinSet,
    time::{Instant, timeout},
};
use uuid::Uuid;

use crate::{desk::Desk, processes::Cluster, proxy::Proxy};

/// Slots of each worker here: the killed one runs 50 jobs at once.
pub const QUEUES: &str = "ai=4,bulk=1,default=64,imports=2,ops=2";

/// How long anything that is waited for may take before the part fails.
const WITHIN: Duration = Duration::from_secs(90);

/// Probes with a prefix of their own; each waits so long, and has an effect if wanted.
fn probes(prefix: &str, count: usize, sleep: Duration, effect: bool) -> Vec<Value> {
    let sleep_ms = u64::try_from(sleep.as_millis()).unwrap_or(u64::MAX);
    (0..count)
        .map(|number| {
            let payload =
                json!({ "name": format!("{prefix}-{number}"), "sleep_ms": sleep_ms, "effect": effect });
            json!({ "kind": "probe", "payload": payload })
        })
        .collect()
}

async fn enqueue(desk: &Desk, jobs: &[Value]) -> anyhow::Result<Vec<Uuid>> {
    let enqueued = desk.batch(jobs, None).await.context("enqueueing probes")?;
    Ok(enqueued.into_iter().map(|job| job.job_id).collect())
}

/// The same while Postgres may be out of reach: repeated under one key until it is acknowledged, by a client that
/// waits ten seconds for an answer.
async fn enqueue_persistently(desk: &Desk, jobs: &[Value], key: &str) -> anyhow::Result<Vec<Uuid>> {
    let asked = Instant::now();
    loop {
        match timeout(Duration::from_secs(10), desk.batch(jobs, Some(key))).await {
            Ok(Ok(enqueued)) => return Ok(enqueued.into_iter().map(|job| job.job_id).collect()),
            Ok(Err(error)) if !error.is_worth_repeating() => return Err(error.into()),
            Ok(Err(_)) | Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
        }
        if asked.elapsed() > WITHIN {
            bail!("not acknowledged after {WITHIN:?}");
        }
    }
}

fn proxy(cluster: &Cluster) -> anyhow::Result<&Proxy> {
    cluster.proxy.as_ref().context("the cluster has no proxy")
}

/// Makes it so many workers: ends what is too many in order, starts what is missing.
async fn workers(cluster: &mut Cluster, count: usize) -> anyhow::Result<()> {
    while cluster.workers.len() > count {
        let worker = cluster.workers.remove(0);
        worker.terminate();
        worker.wait().await;
    }
    while cluster.workers.len() < count {
        cluster.start_worker()?;
    }
    cluster.ready().await
}

/// Those of the jobs that run once more after a worker was lost with them.
const AGAIN: &str = "select count(*) from jobs.live j where j.id = any ($1) and j.state = 'running'
    and exists (select from jobs.attempt a where a.job_id = j.id and a.outcome = 'crash')";

/// How many of the jobs were begun more than once: a worker was counted out with them, which costs most of them no
/// attempt, or they were retried.
const STARTED_AGAIN: &str = "select count(distinct job_id) from jobs.attempt where job_id = any ($1)";

/// Looks again and again until a statement about these jobs counts all of them. `$1` are their ids.
async fn until_all(ledger: &PgPool, ids: &[Uuid], what: &str, count: &'static str) -> anyhow::Result<()> {
    let asked = Instant::now();
    let wanted = i64::try_from(ids.len()).context("few jobs")?;
    loop {
        // While Postgres is away there is nothing to see yet.
        let counted: i64 = sqlx::query_scalar(count).bind(ids).fetch_one(ledger).await.unwrap_or(0);
        if counted >= wanted {
            return Ok(());
        }
        if asked.elapsed() > WITHIN {
            bail!("only {counted} of {wanted} jobs are {what} after {WITHIN:?}");
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn until_running(ledger: &PgPool, ids: &[Uuid]) -> anyhow::Result<()> {
    until_all(
        ledger,
        ids,
        "running",
        "select count(*) from jobs.live where id = any ($1) and state = 'running'",
    )
    .await
}

async fn until_done(ledger: &PgPool, ids: &[Uuid]) -> anyhow::Result<()> {
    let done = "select count(distinct id) from jobs.finished where id = any ($1) and state = 'done'";
    until_all(ledger, ids, "done", done).await
}

/// Cancels jobs that have shown what they were to show, and waits until nobody runs them.
async fn cancel(cluster: &Cluster, ids: &[Uuid]) -> anyhow::Result<()> {
    let mut calls = JoinSet::new();
    for &id in ids {
        let desk = cluster.desk.clone();
        calls.spawn(async move { desk.post(&format!("/api/jobs/{id}/cancel"), &json!({})).await });
    }
    while let Some(answer) = calls.join_next().await {
        answer?.context("cancelling a probe")?;
    }
    let over = "select count(distinct id) from jobs.finished where id = any ($1)";
    until_all(&cluster.ledger, ids, "over", over).await
}

/// How many rows a statement counts; `$1` are ids.
async fn count(ledger: &PgPool, ids: &[Uuid], statement: &'static str) -> anyhow::Result<i64> {
    Ok(sqlx::query_scalar(statement).bind(ids).fetch_one(ledger).await?)
}
