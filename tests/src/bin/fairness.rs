//! What one tenant's flood costs another: how long the other's jobs wait beside it, against how long they wait alone.
//!
//! Four floods, each in rounds that alternate with rounds without it, on one worker with the usual slots:
//! - `flood`: 100,000 plain jobs in the same queue;
//! - `parked`: 10,000 jobs of a kind that may run four times at once, of which the other's jobs are too;
//! - `imports`: 16 imports of orders at once;
//! - `urgent`: a thousand jobs that asked to be urgent, again and again. The request is refused, and the jobs come
//!   without it.
//!
//! The other tenant enqueues a job of 2 ms every 25 ms. A wait counts from the transaction that makes the job to the
//! start of its run, both by the ledger. Beside the times it says how many jobs of others were started during a wait:
//! that is what the queue decides, whatever else the machine does.

use std::{
    process::ExitCode,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use anyhow::{Context, bail, ensure};
use cluster::{
    desk::Desk,
    load::{self, Size, ledger::Ledger},
    processes::{Cluster, Options},
    program,
    report::{Goal, Spread, count, figure, goal, ms, table},
};
use database::ids::TenantId;
use jobs::{JobKind, kinds::Probe};
use reqwest::StatusCode;
use serde_json::{Value, json};
use tokio::time::{Instant, MissedTickBehavior, interval};
use uuid::Uuid;

const QUEUE: &str = "default";

const GAP: Duration = Duration::from_millis(25);

/// How many jobs of the kind run at once while jobs are parked.
const LIMIT: i32 = 4;

const IMPORTS: usize = 16;

const URGENT: usize = 1_000;

fn main() -> ExitCode {
    program::run("fairness", measure())
}

async fn measure() -> anyhow::Result<ExitCode> {
    let (size, only) = arguments()?;
    let queues = "default=16,imports=2,ops=2".to_owned();
    let cluster = Cluster::start(Options { workers: 1, schedulers: 1, queues, ..Options::default() }).await?;
    let ledger = load::ledger(&cluster)?;
    let bench = Bench {
        flooding: TenantId::new(),
        patient: TenantId::new(),
        rounds: size.pick(3, 2),
        alone_for: size.pick(Duration::from_secs(20), Duration::from_secs(8)),
        ledger,
    };
    bench.ledger.fill(bench.patient, "warm-up", 500, None, |_| short()).await?;
    bench.ledger.wait_until_empty(QUEUE).await?;
    let mut results = Vec::new();
    for name in FLOODS.into_iter().filter(|name| only.as_deref().is_none_or(|only| only == *name)) {
        results.push(match name {
            "flood" => flood(&bench, size).await?,
            "parked" => parked(&bench, &cluster, size).await?,
            "imports" => imports(&bench, &cluster, size).await?,
            _ => urgent(&bench, &cluster, size).await?,
        });
    }
    println!();
    let rows: Vec<[String; 6]> = results.iter().flat_map(Waits::rows).collect();
    table(["wait of the other tenant", "jobs", "p50 ms", "p99 ms", "max ms", "p99 ratio"], &rows);
    println!();
    for waits in &results {
        waits.report();
    }
    cluster.stop().await;
    Ok(ExitCode::SUCCESS)
}

/// The floods, by name.
const FLOODS: [&str; 4] = ["flood", "parked", "imports", "urgent"];

/// `--quick` for a small run, and `--only NAME` for one of the floods.
fn arguments() -> anyhow::Result<(Size, Option<String>)> {
    let (mut size, mut only) = (Size::Full, None);
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let name = if argument == "--only" { arguments.next() } else { None };
        match (argument.as_str(), name) {
            ("--quick", None) => size = Size::Quick,
            ("--only", Some(name)) if FLOODS.contains(&name.as_str()) => only = Some(name),
            _ => bail!("the arguments are --quick and --only NAME, which is one of {FLOODS:?}"),
        }
    }
    Ok((size, only))
}

/// 100,000 plain jobs, as fast as they can be enqueued.
async fn flood(bench: &Bench, size: Size) -> anyhow::Result<Waits> {
    let jobs = size.pick(100_000, 10_000);
    println!("a flood of {jobs} plain jobs");
    bench
        .compare("flood", || {
            let (ledger, flooding) = (bench.ledger.clone(), bench.flooding);
            async move {
                ledger.fill(flooding, "the flood", jobs, None, |_| short()).await?;
                ledger.wait_until_empty(QUEUE).await
            }
        })
        .await
}

/// 10,000 jobs of a kind that is limited, most of which are parked.
async fn parked(bench: &Bench, cluster: &Cluster, size: Size) -> anyhow::Result<Waits> {
    let jobs = size.pick(10_000, 2_000);
    println!("{jobs} jobs of a kind that runs {LIMIT} times at once");
    limit(&cluster.desk, Some(LIMIT)).await?;
    let waits = bench
        .compare("parked", || {
            let (ledger, flooding) = (bench.ledger.clone(), bench.flooding);
            async move {
                ledger.fill(flooding, "parked", jobs, None, |_| short()).await?;
                ledger.wait_until_empty(QUEUE).await
            }
        })
        .await;
    limit(&cluster.desk, None).await?;
    waits
}

async fn limit(desk: &Desk, max_running: Option<i32>) -> anyhow::Result<()> {
    let path = format!("/api/admin/kinds/{}/limit", Probe::KIND);
    match max_running {
        Some(max_running) => {
            let body = json!({ "max_running": max_running });
            desk.answer(reqwest::Method::PUT, &path, Some(&body), None).await?;
        }
        None => {
            desk.answer(reqwest::Method::DELETE, &path, None, None).await?;
        }
    }
    Ok(())
}

/// 16 files of one tenant.
async fn imports(bench: &Bench, cluster: &Cluster, size: Size) -> anyhow::Result<Waits> {
    let lines = size.pick(20_000, 4_000);
    println!("{IMPORTS} imports of {lines} lines each");
    let folder = cluster.imports();
    let round = std::sync::atomic::AtomicUsize::new(0);
    bench
        .compare("imports", || {
            let round = round.fetch_add(1, Ordering::SeqCst);
            let (desk, folder) = (cluster.desk.clone(), folder.clone());
            async move {
                let mut jobs = Vec::new();
                for file in 0..IMPORTS {
                    let name = format!("fairness-{round}-{file}.csv");
                    tokio::fs::write(folder.join(&name), orders(round * IMPORTS + file, lines)).await?;
                    let answer = desk.post("/api/orders/import", &json!({ "path": name })).await?;
                    jobs.push(job_of(&answer.body)?);
                }
                for job in jobs {
                    let job = desk.wait(job, load::PATIENCE).await?;
                    ensure!(job.state == "done", "an import ended as {}: {:?}", job.state, job.error);
                }
                Ok(())
            }
        })
        .await
}

/// Order lines that no other file has.
fn orders(file: usize, lines: usize) -> String {
    let mut text = String::from("order_id,customer_id,ordered_at,amount,quantity\n");
    for line in 0..lines {
        let (customer, day) = (line % 997, line % 28 + 1);
        text += &format!("o{file}-{line},c{customer},2026-01-{day:02}T10:00:00Z,{}.50,1\n", line % 90 + 1);
    }
    text
}

/// A tenant's key asks for a thousand urgent jobs at a time, and takes what it gets.
async fn urgent(bench: &Bench, cluster: &Cluster, size: Size) -> anyhow::Result<Waits> {
    let batches = size.pick(10, 3);
    println!("{batches} times {URGENT} jobs that ask to be urgent");
    let tenant = cluster.create_tenant("urgent").await?;
    let key = cluster.create_key("urgent", "jobs:read,jobs:write,segments:write,segments:read").await?;
    let desk = tenant.with_key(&key);
    let refused = Arc::new(std::sync::atomic::AtomicI64::new(0));
    let waits = bench
        .compare("urgent", || {
            let (desk, refused, ledger) = (desk.clone(), refused.clone(), bench.ledger.clone());
            async move {
                for _ in 0..batches {
                    match desk.batch(&evaluations(Some("urgent")), None).await {
                        Ok(_) => {}
                        Err(error) if error.status() == Some(StatusCode::UNPROCESSABLE_ENTITY) => {
                            refused.fetch_add(1, Ordering::SeqCst);
                            desk.batch(&evaluations(None), None).await?;
                        }
                        Err(error) => return Err(error.into()),
                    }
                    ledger.wait_until_empty(QUEUE).await?;
                }
                Ok(())
            }
        })
        .await?;
    count("fairness_urgent_batches_refused", refused.load(Ordering::SeqCst), "batches");
    Ok(waits)
}

/// Evaluations of segments that do not exist: each ends after a look.
fn evaluations(priority: Option<&str>) -> Vec<Value> {
    let job = || {
        let mut job = json!({ "kind": "evaluate_segment", "payload": { "segment_id": Uuid::now_v7() } });
        if let Some(priority) = priority {
            job["priority"] = json!(priority);
        }
        job
    };
    (0..URGENT).map(|_| job()).collect()
}

fn job_of(answer: &Value) -> anyhow::Result<Uuid> {
    answer["job_id"].as_str().and_then(|id| id.parse().ok()).context("the answer names no job")
}

fn short() -> Probe {
    Probe { sleep_ms: 2, ..Probe::default() }
}

/// The two tenants, and how long they are looked at.
struct Bench {
    ledger: Ledger,
    flooding: TenantId,
    patient: TenantId,
    rounds: u32,
    alone_for: Duration,
}

impl Bench {
    /// The patient tenant's waits alone and beside the pressure, in rounds that alternate.
    async fn compare<F>(&self, name: &'static str, pressure: impl Fn() -> F) -> anyhow::Result<Waits>
    where
        F: Future<Output = anyhow::Result<()>> + Send + 'static,
    {
        let (alone, beside) = (format!("{name}-alone"), format!("{name}-beside"));
        for round in 1..=self.rounds {
            let until = Instant::now() + self.alone_for;
            self.pace(&alone, || Instant::now() >= until).await?;
            self.ledger.wait_until_empty(QUEUE).await?;
            let started = Instant::now();
            let over = Arc::new(AtomicBool::new(false));
            let pressed = tokio::spawn({
                let (pressure, over) = (pressure(), over.clone());
                async move {
                    let ended = pressure.await;
                    over.store(true, Ordering::SeqCst);
                    ended
                }
            });
            self.pace(&beside, || over.load(Ordering::SeqCst) || started.elapsed() > load::PATIENCE).await?;
            pressed.await??;
            println!("  round {round}: {:.1} s", started.elapsed().as_secs_f64());
            self.ledger.wait_until_empty(QUEUE).await?;
        }
        let overtaken = self.ledger.overtaken(self.patient, &beside).await?;
        let (alone, beside) = (self.ledger.waits(&alone).await?, self.ledger.waits(&beside).await?);
        Ok(Waits { name, alone, beside, overtaken })
    }

    /// A job every [`GAP`] until `over` says so. The patient tenant's own last job does not keep a flood going:
    /// whoever waits for an empty queue finds it so between two of them.
    async fn pace(&self, name: &str, over: impl Fn() -> bool) -> anyhow::Result<()> {
        let mut pace = interval(GAP);
        pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while !over() {
            pace.tick().await;
            self.ledger.add(self.patient, name, &short()).await?;
        }
        Ok(())
    }
}

/// How long the other tenant's jobs waited.
struct Waits {
    name: &'static str,
    alone: Spread,
    beside: Spread,
    /// Jobs of others that were started during each wait beside the flood, sorted.
    overtaken: Vec<usize>,
}

impl Waits {
    fn ratio(&self, of: impl Fn(&Spread) -> Duration) -> f64 {
        ms(of(&self.beside)) / ms(of(&self.alone)).max(0.001)
    }

    fn rows(&self) -> [[String; 6]; 2] {
        let row = |title: &str, waits: &Spread, ratio: String| {
            let cell = |duration| format!("{:.2}", ms(duration));
            let title = format!("{}, {title}", self.name);
            [title, waits.count.to_string(), cell(waits.p50), cell(waits.p99), cell(waits.max), ratio]
        };
        let ratio = format!("{:.2}", self.ratio(|waits| waits.p99));
        [row("alone", &self.alone, String::new()), row("beside", &self.beside, ratio)]
    }

    fn report(&self) {
        let name = self.name;
        for (round, waits) in [("alone", &self.alone), ("beside", &self.beside)] {
            figure(&format!("fairness_{name}_{round}_p50"), ms(waits.p50), "ms");
            figure(&format!("fairness_{name}_{round}_p99"), ms(waits.p99), "ms");
        }
        for share in [50, 99] {
            let rank = (self.overtaken.len() * share).div_ceil(100).max(1);
            let jobs = self.overtaken.get(rank - 1).copied().unwrap_or(0);
            figure(&format!("fairness_{name}_overtaken_p{share}"), jobs as f64, "jobs");
        }
        figure(&format!("fairness_{name}_p50_ratio"), self.ratio(|waits| waits.p50), "x");
        goal(&format!("fairness_{name}_p99_ratio"), self.ratio(|waits| waits.p99), "x", Goal::AtMost(2.0));
    }
}
