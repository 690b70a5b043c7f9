//! How long one tenant's jobs wait while another floods the queue, against how long they wait alone.
//!
//! One worker with 16 slots, jobs of 2 ms. The patient tenant enqueues one job every 100 ms; a wait
//! counts from the transaction that makes the job to the start of its run, both by the ledger.

use std::{process::ExitCode, time::Duration};

use cluster::{
    load::{self, Size, ledger::Ledger},
    processes::{Cluster, Options},
    program,
    report::{Goal, Spread, figure, goal, ms, table},
};
use database::ids::TenantId;
use jobs::kinds::Probe;
use tokio::time::{Instant, MissedTickBehavior, interval};

const QUEUE: &str = "default";

const GAP: Duration = Duration::from_millis(100);

fn main() -> ExitCode {
    program::run("fairness", measure())
}

async fn measure() -> anyhow::Result<ExitCode> {
    let size = Size::from_arguments()?;
    let alone_for = size.pick(Duration::from_secs(60), Duration::from_secs(10));
    let flood = size.pick(100_000, 10_000);
    let queues = "default=16,ops=2".to_owned();
    let cluster = Cluster::start(Options { workers: 1, schedulers: 1, queues, ..Options::default() }).await?;
    let ledger = load::ledger(&cluster)?;
    let (flooding, patient) = (TenantId::new(), TenantId::new());

    println!("one tenant alone, a job every 100 ms for {} s", alone_for.as_secs());
    ledger.fill(patient, "warm-up", 500, None, |_| short()).await?;
    ledger.wait_until_empty(QUEUE).await?;
    enqueue_paced(&ledger, patient, "alone", alone_for, || false).await?;
    ledger.wait_until_empty(QUEUE).await?;
    let alone = ledger.waits("alone").await?;

    println!("the same while another tenant enqueues {flood} jobs as fast as it can");
    let started = Instant::now();
    let flooded = tokio::spawn({
        let ledger = ledger.clone();
        async move {
            ledger.fill(flooding, "flood", flood, None, |_| short()).await?;
            ledger.wait_until_empty(QUEUE).await
        }
    });
    // Until the flood is gone; the patient tenant's own last job does not keep it going.
    enqueue_paced(&ledger, patient, "flooded", load::PATIENCE, || flooded.is_finished()).await?;
    flooded.await??;
    let took = started.elapsed();
    ledger.wait_until_empty(QUEUE).await?;
    let beside = ledger.waits("flooded").await?;
    let flood_waits = ledger.waits("flood").await?;

    println!("  the flood took {:.1} s", took.as_secs_f64());
    println!();
    table(
        ["wait", "jobs", "p50 ms", "p99 ms", "max ms"],
        &[
            row("patient, alone", alone),
            row("patient, beside the flood", beside),
            row("the flood itself", flood_waits),
        ],
    );
    println!();
    figure("fairness_alone_p99", ms(alone.p99), "ms");
    figure("fairness_flooded_p99", ms(beside.p99), "ms");
    figure("fairness_flood_p99", ms(flood_waits.p99), "ms");
    let ratio = ms(beside.p99) / ms(alone.p99).max(0.001);
    goal("fairness_p99_ratio", ratio, "x", Goal::AtMost(2.0));
    cluster.stop().await;
    Ok(ExitCode::SUCCESS)
}

fn short() -> Probe {
    Probe { sleep_ms: 2, ..Probe::default() }
}

/// A job every [`GAP`] for that time, or until `over` says so.
async fn enqueue_paced(
    ledger: &Ledger,
    tenant: TenantId,
    name: &str,
    lasting: Duration,
    over: impl Fn() -> bool,
) -> anyhow::Result<()> {
    let started = Instant::now();
    let mut pace = interval(GAP);
    pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while started.elapsed() < lasting && !over() {
        pace.tick().await;
        ledger.add(tenant, name, &short()).await?;
    }
    Ok(())
}

fn row(name: &str, waits: Spread) -> [String; 5] {
    let cell = |duration| format!("{:.2}", ms(duration));
    [name.to_owned(), waits.count.to_string(), cell(waits.p50), cell(waits.p99), cell(waits.max)]
}
