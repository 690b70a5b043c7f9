//! Throughput of a worker with an empty queue, and of the same worker while a million jobs wait and a
//! hundred thousand more fall due within one second; memory and times of Redis and Postgres meanwhile.
//!
//! Both throughputs come from the ledger: how many probes ended between the release of the queue (or the
//! moment of falling due) and the end of the last one counted.

use std::{process::ExitCode, time::Duration};

use chrono::{DateTime, TimeDelta, Utc};
use cluster::{
    load::{
        self, Size,
        broker::Broker,
        ledger::Ledger,
        statements::{SLOW_MS, StatementTimes, Statements},
    },
    processes::{Cluster, Options},
    program,
    report::{Goal, figure, goal, table},
};
use database::ids::TenantId;
use jobs::kinds::Probe;
use tokio::time::{Instant, sleep};

const QUEUE: &str = "default";

fn main() -> ExitCode {
    program::run("backlog", measure())
}

async fn measure() -> anyhow::Result<ExitCode> {
    let size = Size::from_arguments()?;
    let (drained, waiting, due) =
        (size.pick(20_000, 2_000), size.pick(1_000_000, 150_000), size.pick(100_000, 5_000));
    let queues = "default=1000,ops=2".to_owned();
    let cluster = Cluster::start(Options { workers: 1, schedulers: 1, queues, ..Options::default() }).await?;
    let ledger = load::ledger(&cluster)?;
    let mut broker = Broker::connect(&cluster.servers.redis_url).await?;
    let mut statements = Statements::new(&cluster.servers, ledger.admin()).await?;
    let tenant = TenantId::new();

    println!("{drained} jobs at once into an empty queue, five times; the first is for warming up");
    let mut empty = Vec::new();
    for round in 0..5 {
        let rate = drain(&ledger, tenant, &format!("empty-{round}"), drained).await?;
        println!("  {rate:.0} jobs/s");
        empty.push(rate);
    }
    let mut counted = empty.split_off(1);
    counted.sort_by(f64::total_cmp);
    let empty_rate = f64::midpoint(counted[1], counted[2]);

    println!("{waiting} jobs wait");
    ledger.pause(QUEUE).await?;
    let took = ledger.fill(tenant, "waiting", waiting, None, |_| noop()).await?;
    println!("  enqueued in {:.1} s, {:.0} jobs/s", took.as_secs_f64(), waiting as f64 / took.as_secs_f64());
    let mut memory_mb = broker.used_memory_mb().await?;
    broker.reset().await?;
    statements.begin().await?;
    let released = release(&ledger).await?;
    let behind = ledger.count(QUEUE, "done").await?;
    ledger.wait_for(QUEUE, "done", behind + drained as i64).await?;
    ledger.pause(QUEUE).await?;
    let waiting_rate = ledger.throughput(released, None, drained as i64).await?;
    println!("  {waiting_rate:.0} jobs/s");

    println!("{due} more fall due within one second");
    let ahead = took.mul_f64(1.5 * due as f64 / waiting as f64) + Duration::from_secs(8);
    let due_at = Utc::now() + TimeDelta::from_std(ahead)?;
    ledger.fill(tenant, "due", due, Some(due_at), |_| noop()).await?;
    let left = (due_at - Utc::now()).to_std().map_err(|_| anyhow::anyhow!("they were enqueued too late"))?;
    sleep(left.saturating_sub(Duration::from_secs(1))).await;
    release(&ledger).await?;
    sleep((due_at - Utc::now()).to_std().unwrap_or_default()).await;
    let due_done = ledger.count(QUEUE, "done").await?;
    let promoted_at = wait_until_promoted(&ledger, due_at).await?;
    memory_mb = memory_mb.max(broker.used_memory_mb().await?);
    ledger.wait_for(QUEUE, "done", due_done + drained as i64).await?;
    ledger.pause(QUEUE).await?;
    let busy_rate = ledger.throughput(due_at, Some(promoted_at), drained as i64).await?;
    println!("  {busy_rate:.0} jobs/s");
    let times = statements.end().await?;
    let scripts = broker.commands().await?;

    println!();
    print_statements(&times);
    let script_p99_ms = scripts.get("evalsha").map_or(0.0, |times| times.p99_ms);
    let often = || times.iter().filter(|statement| statement.calls >= 100);
    let statement_p99_ms = often().map(|statement| statement.p99_ms).fold(0.0, f64::max);
    println!();
    figure("backlog_empty_throughput", empty_rate, "jobs/s");
    figure("backlog_waiting_throughput", waiting_rate, "jobs/s");
    figure("backlog_due_throughput", busy_rate, "jobs/s");
    figure("backlog_enqueue", waiting as f64 / took.as_secs_f64(), "jobs/s");
    figure("backlog_promotion", (promoted_at - due_at).as_seconds_f64(), "s");
    let worst = busy_rate.min(waiting_rate) / empty_rate;
    goal("backlog_throughput_ratio", worst, "x", Goal::AtLeast(0.8));
    goal("backlog_redis_memory", memory_mb, "MB", Goal::AtMost(200.0));
    goal("backlog_script_p99", script_p99_ms, "ms", Goal::AtMost(SLOW_MS));
    goal("backlog_statement_p99", statement_p99_ms, "ms", Goal::AtMost(SLOW_MS));
    cluster.stop().await;
    Ok(ExitCode::SUCCESS)
}

fn noop() -> Probe {
    // 200 bytes of payload or so, as in the benchmark.
    Probe { padding: "x".repeat(110), ..Probe::default() }
}

/// Fills the paused queue, lets it go, and says how fast it emptied.
async fn drain(ledger: &Ledger, tenant: TenantId, name: &str, jobs: u64) -> anyhow::Result<f64> {
    ledger.pause(QUEUE).await?;
    ledger.fill(tenant, name, jobs, None, |_| noop()).await?;
    let released = release(ledger).await?;
    ledger.wait_until_empty(QUEUE).await?;
    // A worker that was waiting when the queue was paused still took up to a batch of each lane.
    let early = 1_000;
    ledger.throughput(released, None, (jobs - early) as i64).await
}

async fn release(ledger: &Ledger) -> anyhow::Result<DateTime<Utc>> {
    let now = Utc::now();
    ledger.resume(QUEUE).await?;
    Ok(now)
}

/// When no job waited for its time any more.
async fn wait_until_promoted(ledger: &Ledger, due_at: DateTime<Utc>) -> anyhow::Result<DateTime<Utc>> {
    let started = Instant::now();
    loop {
        let waits: bool =
            sqlx::query_scalar("select exists (select from jobs.live where due_at is not null)")
                .fetch_one(ledger.admin())
                .await?;
        if !waits {
            return Ok(Utc::now());
        }
        if started.elapsed() > load::PATIENCE {
            anyhow::bail!("jobs that fell due at {due_at} still wait; is a scheduler leading?");
        }
        sleep(Duration::from_millis(100)).await;
    }
}

fn print_statements(times: &[StatementTimes]) {
    let rows: Vec<[String; 5]> = times
        .iter()
        .take(12)
        .map(|statement| {
            [
                statement.text.clone(),
                statement.calls.to_string(),
                statement.slow.to_string(),
                format!("{:.1}", statement.p99_ms),
                format!("{:.1}", statement.max_ms),
            ]
        })
        .collect();
    table(["statement", "calls", "over 50 ms", "p99 ms", "max ms"], &rows);
}
