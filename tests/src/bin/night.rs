//! The nightly run, measured: a shop of any size is generated and loaded into private servers, computed with models
//! trained, and computed again while single orders come in; then a shop of 27,415 customers. With `--peer` the first of
//! these and the same work in Python on the same database take turns, twice.
//!
//! `night [--customers 1000000] [--lines 10000000] [--orders 200] [--peer] [--dir FOLDER]`

use std::{
    path::PathBuf,
    process::{ExitCode, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context, bail, ensure};
use cluster::{
    desk::Desk,
    folder::Folder,
    night::{
        checks,
        load::{self, Stock},
        memory::{self, PostgresWatch},
        orders::Orders,
        run::{Night, Nights},
        server,
        shop::{Shop, Size},
    },
    processes::{Cluster, Given, Options},
    program,
    report::{Goal, Spread, count, figure, goal, ms},
    servers::{Afterwards, root},
    stolen,
};
use database::ids::TenantId;
use jobs::JobId;

const USAGE: &str = "usage: night [--customers N] [--lines N] [--orders N] [--peer] [--dir FOLDER]";
/// A real tenant of today.
const RETAILER: Size = Size { customers: 27_415, lines: 1_200_000 };
/// What a run may take before something is wrong.
const LIMIT: Duration = Duration::from_secs(1_800);
/// How long after a run an order that came in the middle of it may take to be known to it.
const SETTLED_WITHIN: Duration = Duration::from_secs(60);
const QUEUES: &str = "intelligence=3,profiles=4,imports=2,default=4,ops=2";

fn main() -> ExitCode {
    program::run("night", measure())
}

struct Arguments {
    /// The large shop, if there is one beside the retailer.
    size: Option<Size>,
    orders: usize,
    with_peer: bool,
    dir: Option<PathBuf>,
}

async fn measure() -> anyhow::Result<ExitCode> {
    let arguments = arguments(std::env::args().skip(1))?;
    let folder = match &arguments.dir {
        Some(dir) => Folder::named(dir)?,
        None => Folder::temporary()?,
    };
    let afterwards = if folder.stays() { Afterwards::Stop } else { Afterwards::Remove };
    let mut servers = server::start(folder.path(), afterwards).await?;
    let mut cluster = Cluster::start(Options {
        dir: Some(folder.path().join("cluster")),
        given: Given {
            database_url: Some(servers.admin_url.clone()),
            redis_url: Some(servers.redis_url.clone()),
            logins: Vec::new(),
        },
        tenant: "large".to_owned(),
        workers: 0,
        schedulers: 1,
        queues: QUEUES.to_owned(),
        ..Options::default()
    })
    .await?;
    let retailer = cluster.create_tenant("retailer").await?;
    let measured = all(&arguments, &mut cluster, &retailer).await;
    cluster.stop().await;
    servers.stop();
    measured
}

async fn all(arguments: &Arguments, cluster: &mut Cluster, retailer: &Desk) -> anyhow::Result<ExitCode> {
    let nights = Nights::of(cluster)?;
    let large = cluster.desk.clone();
    let mut shops = vec![(retailer.clone(), RETAILER)];
    shops.extend(arguments.size.map(|size| (large.clone(), size)));
    load_all(cluster, &shops).await?;

    let mut reached = true;
    if let Some(size) = arguments.size {
        let is_full = size.customers >= 1_000_000 && size.lines >= 10_000_000;
        let limit_secs = is_full.then_some(120.0);
        reached &= if arguments.with_peer {
            beside_peer(cluster, &nights, &large, "night", size, limit_secs).await?
        } else {
            one_night(cluster, &nights, &large, "night", size, limit_secs).await?.reached
        };
        reached &= night_with_orders(cluster, &nights, &large, arguments.orders).await?;
    }
    let peer_is_here = arguments.with_peer && arguments.size.is_none();
    reached &= if peer_is_here {
        beside_peer(cluster, &nights, retailer, "night_retailer", RETAILER, Some(10.0)).await?
    } else {
        one_night(cluster, &nights, retailer, "night_retailer", RETAILER, Some(10.0)).await?.reached
    };
    if arguments.size.is_none() {
        reached &= night_with_orders(cluster, &nights, retailer, arguments.orders).await?;
    }
    nights.close().await;
    Ok(if reached { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn load_all(cluster: &Cluster, shops: &[(Desk, Size)]) -> anyhow::Result<()> {
    let started = Instant::now();
    let mut stocks = Vec::new();
    for (desk, size) in shops {
        let size = *size;
        let shop = tokio::task::spawn_blocking(move || Shop::new(size)).await?;
        stocks.push(Stock { tenant: desk.credentials().tenant_id, shop: Arc::new(shop) });
    }
    println!("generated after {:.0} s", started.elapsed().as_secs_f64());
    let loaded = load::write(&cluster.ledger, &stocks).await?;
    println!(
        "{} customers and {} order lines are loaded after {:.0} s",
        loaded.customers,
        loaded.lines,
        started.elapsed().as_secs_f64()
    );
    Ok(())
}

/// How often ours and the peer's are measured, in turn.
const ROUNDS: usize = 2;

/// Ours and the same work in Python, in turn. Says whether ours is fast enough, by itself and beside the other.
async fn beside_peer(
    cluster: &mut Cluster,
    nights: &Nights,
    desk: &Desk,
    name: &str,
    size: Size,
    limit_secs: Option<f64>,
) -> anyhow::Result<bool> {
    let (mut ours, mut theirs, mut reached) = (0.0, 0.0, true);
    let mut shares = Vec::new();
    for round in 1..=ROUNDS {
        let watch = stolen::Watch::start();
        let name = if round == 1 { name.to_owned() } else { format!("{name}_again") };
        let night = one_night(cluster, nights, desk, &name, size, limit_secs).await?;
        reached &= night.reached;
        ours += night.seconds;
        theirs += peer(cluster, desk).await?;
        shares.push(watch.share());
    }
    figure("night_peer_seconds", theirs / ROUNDS as f64, "s");
    reached &= goal("night_times_faster_than_peer", theirs / ours, "times", Goal::AtLeast(4.0));
    stolen::tell("night", &shares);
    Ok(reached)
}

/// What a run was measured to take.
struct Measured {
    seconds: f64,
    reached: bool,
}

/// A run by a worker of its own, from the request until readers see it.
async fn one_night(
    cluster: &mut Cluster,
    nights: &Nights,
    desk: &Desk,
    name: &str,
    size: Size,
    limit_secs: Option<f64>,
) -> anyhow::Result<Measured> {
    println!("\n{name}: {} customers, about {} order lines, models trained", size.customers, size.lines);
    let tenant = TenantId(desk.credentials().tenant_id);
    cluster.start_worker()?;
    cluster.ready().await?;
    let postgres = PostgresWatch::start(&cluster.ledger).await?;
    let run = nights.ask_for_all_anew(tenant, Shop::LAST_DAY).await?;
    let night = nights.wait(tenant, run, LIMIT).await?;
    let written = checks::count(&cluster.ledger, tenant).await?;
    night.print();
    written.print();
    written.expect_complete()?;
    let seconds = night.published.as_secs_f64();
    let mut reached = match limit_secs {
        Some(limit) => goal(&format!("{name}_seconds"), seconds, "s", Goal::AtMost(limit)),
        None => {
            figure(&format!("{name}_seconds"), seconds, "s");
            true
        }
    };
    if let Some(finished) = night.finished {
        figure(&format!("{name}_finished_seconds"), finished.as_secs_f64(), "s");
    }
    let memory = peak_of_worker(cluster)?;
    reached &= goal(&format!("{name}_worker_peak_mb"), memory, "MB", Goal::AtMost(2_048.0));
    if let Some(postgres) = postgres {
        figure(&format!("{name}_postgres_peak_mb"), megabytes(postgres.peak_bytes().await?), "MB");
    }
    count(&format!("{name}_rows_written"), written.facts + written.insights, "rows");
    end_worker(cluster).await;
    Ok(Measured { seconds, reached })
}

/// A second run with the first one's rows in place, and orders that come in the middle of it.
async fn night_with_orders(
    cluster: &mut Cluster,
    nights: &Nights,
    desk: &Desk,
    count_of_orders: usize,
) -> anyhow::Result<bool> {
    println!("\nthe same again, with {count_of_orders} orders at five a second while it goes on");
    let tenant = TenantId(desk.credentials().tenant_id);
    cluster.start_worker()?;
    cluster.ready().await?;
    let orders = Orders::choose(desk.clone(), &cluster.ledger, tenant, count_of_orders).await?;
    let run = nights.ask(tenant, Shop::LAST_DAY).await?;
    let published = Watch::start(nights.clone(), run);
    let times = orders.send(|| !published.has_ended()).await?;
    published.wait().await?;
    let night: Night = nights.wait(tenant, run, LIMIT).await?;
    night.print();
    checks::count(&cluster.ledger, tenant).await?.expect_complete()?;

    let started = Instant::now();
    let mut forgotten = orders.forgotten(times.len()).await?;
    while forgotten > 0 && started.elapsed() < SETTLED_WITHIN {
        // What follows a run comes as jobs of its own, which may only just have been made.
        tokio::time::sleep(Duration::from_millis(200)).await;
        forgotten = orders.forgotten(times.len()).await?;
    }
    ensure!(!times.is_empty(), "the run was over before an order came");
    let spread = Spread::of(times);
    figure("night_with_orders_seconds", night.published.as_secs_f64(), "s");
    figure("night_with_orders_worker_peak_mb", peak_of_worker(cluster)?, "MB");
    count("orders_during_night", spread.count as i64, "orders");
    figure("order_to_score_p50", ms(spread.p50), "ms");
    figure("order_to_score_max", ms(spread.max), "ms");
    let mut reached = goal("order_to_score_p99", ms(spread.p99), "ms", Goal::AtMost(2_000.0));
    reached &= goal("orders_forgotten_by_night", forgotten as f64, "orders", Goal::AtMost(0.0));
    end_worker(cluster).await;
    Ok(reached)
}

/// Waits for a run beside what else is done.
struct Watch {
    task: tokio::task::JoinHandle<anyhow::Result<()>>,
}

impl Watch {
    fn start(nights: Nights, run: JobId) -> Watch {
        Watch { task: tokio::spawn(async move { nights.wait_for_publication(run, LIMIT).await }) }
    }

    fn has_ended(&self) -> bool {
        self.task.is_finished()
    }

    async fn wait(self) -> anyhow::Result<()> {
        self.task.await?
    }
}

/// The same work in Python, on the same database, with nothing else going on. Says how many seconds it took.
async fn peer(cluster: &Cluster, desk: &Desk) -> anyhow::Result<f64> {
    println!("\nthe same in Python: polars, scikit-learn, LightGBM, psycopg");
    let installed = root().join(".local/bench/night/bin/python");
    let python = if installed.is_file() { installed } else { PathBuf::from("python3") };
    let started = Instant::now();
    // Workers step back behind what answers people; the peer does so by as much.
    let output = tokio::process::Command::new("nice")
        .args(["-n", "10"])
        .arg(python)
        .arg(root().join("tests/bench/night.py"))
        .args(["--database-url", &cluster.servers.admin_url])
        .args(["--tenant", &desk.credentials().tenant_id.to_string()])
        .args(["--as-of", &Shop::LAST_DAY.to_string()])
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .kill_on_drop(true)
        .output()
        .await
        .context("the Python run; make night-peer installs what it needs")?;
    let said = String::from_utf8_lossy(&output.stdout);
    print!("{said}");
    ensure!(output.status.success(), "the Python run ended with {}", output.status);
    Ok(started.elapsed().as_secs_f64())
}

fn peak_of_worker(cluster: &Cluster) -> anyhow::Result<f64> {
    let worker = cluster.workers.last().context("a worker")?;
    Ok(megabytes(memory::peak_bytes(worker.pid).context("the worker has ended")?))
}

async fn end_worker(cluster: &mut Cluster) {
    if let Some(worker) = cluster.workers.pop() {
        worker.terminate();
        worker.wait().await;
    }
}

fn megabytes(bytes: u64) -> f64 {
    (bytes as f64 / (1_024.0 * 1_024.0)).round()
}

fn arguments(mut given: impl Iterator<Item = String>) -> anyhow::Result<Arguments> {
    let mut arguments = Arguments { size: None, orders: 200, with_peer: false, dir: None };
    let (mut customers, mut lines) = (None, None);
    while let Some(argument) = given.next() {
        let mut value = || given.next().context(USAGE);
        match argument.as_str() {
            "--customers" => customers = Some(value()?.parse::<u32>().context(USAGE)?),
            "--lines" => lines = Some(value()?.parse::<u64>().context(USAGE)?),
            "--orders" => arguments.orders = value()?.parse().context(USAGE)?,
            "--dir" => arguments.dir = Some(value()?.into()),
            "--peer" => arguments.with_peer = true,
            _ => bail!(USAGE),
        }
    }
    arguments.size = match (customers, lines) {
        (None, None) => None,
        (customers, lines) => {
            let customers = customers.or_else(|| u32::try_from(lines? / 10).ok()).context(USAGE)?;
            Some(Size { customers, lines: lines.unwrap_or(u64::from(customers) * 10) })
        }
    };
    Ok(arguments)
}
