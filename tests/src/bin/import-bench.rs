//! An import of millions of lines, measured from the request until the job is done: into a shop that has some of the orders
//! already, as an earlier file stated them, so that these are replaced. Postgres has the memory of a large server. And the
//! preview of a file of a gigabyte, asked for by the api as the web app does.
//!
//! `import-bench [--lines 10000000] [--customers 1000000] [--form canonical|shopify|both] [--dir FOLDER]`

use std::{
    path::PathBuf,
    process::ExitCode,
    time::{Duration, Instant},
};

use anyhow::{Context, bail, ensure};
use cluster::{
    desk::Desk,
    folder::Folder,
    import::{self, Contents, Form, Written},
    night::{memory, server},
    processes::{Cluster, Given, Options},
    program,
    report::{Goal, count, figure, goal},
    servers::Afterwards,
};
use serde_json::{Value, json};
use uuid::Uuid;

const USAGE: &str =
    "usage: import-bench [--lines N] [--customers N] [--form canonical|shopify|both] [--dir FOLDER]";
/// One of so many orders is there before, with other prices.
const STATED_BEFORE: u64 = 50;
/// What an import may take before something is wrong.
const LIMIT: Duration = Duration::from_secs(1_800);

fn main() -> ExitCode {
    program::run("import-bench", measure())
}

struct Arguments {
    lines: u64,
    customers: u64,
    forms: Vec<Form>,
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
        workers: 0,
        schedulers: 1,
        queues: "imports=1".to_owned(),
        ..Options::default()
    })
    .await?;
    let measured = all(&arguments, &mut cluster).await;
    cluster.stop().await;
    servers.stop();
    Ok(if measured? { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn all(arguments: &Arguments, cluster: &mut Cluster) -> anyhow::Result<bool> {
    let mut reached = preview(cluster, arguments).await?;
    for form in &arguments.forms {
        let (name, limit) = match form {
            Form::Canonical => ("import", 60.0),
            Form::Shopify => ("import_shopify", 90.0),
        };
        let is_full = arguments.lines >= 10_000_000;
        reached &= one(cluster, *form, arguments, name, is_full.then_some(limit)).await?;
    }
    Ok(reached)
}

/// How often a preview is asked for; the slowest counts.
const PREVIEWS: usize = 5;

/// Looks at a file of the import folder that is a good third larger than those that are imported: of a gigabyte, where all
/// ten million lines are.
async fn preview(cluster: &Cluster, arguments: &Arguments) -> anyhow::Result<bool> {
    let path = cluster.imports().join("preview.csv");
    let lines = arguments.lines.div_ceil(10) * 14;
    let contents = Contents { lines, customers: arguments.customers, one_in: 1, extra_cents: 0 };
    let size = tokio::task::spawn_blocking({
        let path = path.clone();
        move || import::write(&path, Form::Canonical, &contents).and_then(|_| Ok(path.metadata()?.len()))
    })
    .await??;
    let mut slowest = Duration::ZERO;
    for _ in 0..PREVIEWS {
        let started = Instant::now();
        let asked = json!({ "path": "preview.csv", "currency": "EUR" });
        let shown = cluster.desk.post("/api/orders/import/preview", &asked).await?.body;
        slowest = slowest.max(started.elapsed());
        ensure!(
            shown["problem"].is_null() && shown["profile"] == "lines",
            "the file is not understood: {shown}"
        );
        ensure!(
            shown["sample"].as_array().is_some_and(|orders| orders.len() == 10),
            "no ten orders are shown"
        );
        ensure!(
            shown["rows"].as_u64().unwrap_or_default() >= lines.min(10_000),
            "hardly a row was looked at"
        );
    }
    std::fs::remove_file(&path)?;
    let is_full = arguments.lines >= 10_000_000;
    ensure!(!is_full || size >= 1_000_000_000, "the file has {size} bytes only");
    println!("\npreview: a file of {:.2} GB, the slowest of {PREVIEWS}", size as f64 / 1e9);
    let (name, seconds) = ("import_preview_seconds", slowest.as_secs_f64());
    if is_full {
        return Ok(goal(name, seconds, "s", Goal::AtMost(1.0)));
    }
    figure(name, seconds, "s");
    Ok(true)
}

/// Imports an earlier file and then the whole one, by a worker of its own.
async fn one(
    cluster: &mut Cluster,
    form: Form,
    arguments: &Arguments,
    name: &str,
    limit: Option<f64>,
) -> anyhow::Result<bool> {
    let desk = cluster.create_tenant(&name.replace('_', "-")).await?;
    let whole =
        Contents { lines: arguments.lines, customers: arguments.customers, one_in: 1, extra_cents: 0 };
    let (before, written) = tokio::task::spawn_blocking({
        let imports = cluster.imports();
        let (before, now) = (imports.join(format!("{name}-before.csv")), imports.join(format!("{name}.csv")));
        move || -> std::io::Result<(Written, Written)> {
            let before =
                import::write(&before, form, &Contents { one_in: STATED_BEFORE, extra_cents: 50, ..whole })?;
            Ok((before, import::write(&now, form, &whole)?))
        }
    })
    .await??;
    println!(
        "\n{name}: {} orders with {} lines, of which {} orders are there already",
        written.orders, written.lines, before.orders
    );
    cluster.start_worker()?;
    cluster.ready().await?;
    import(&desk, &format!("{name}-before.csv")).await?;
    sqlx::query("vacuum analyze").execute(&cluster.ledger).await?;
    sqlx::query("checkpoint").execute(&cluster.ledger).await?;

    let started = Instant::now();
    let result = import(&desk, &format!("{name}.csv")).await?;
    let seconds = started.elapsed().as_secs_f64();
    println!("{result}");
    let is = |field: &str| result[field].as_u64().unwrap_or_default();
    ensure!(is("orders_replaced") == before.orders, "not all orders of before were replaced");
    ensure!(is("orders_inserted") == written.orders - before.orders, "not all orders are new");
    let stored: i64 = sqlx::query_scalar("select count(*) from platform.order_line where tenant_id = $1")
        .bind(desk.credentials().tenant_id)
        .fetch_one(&cluster.ledger)
        .await?;
    ensure!(u64::try_from(stored)? == written.lines, "{stored} lines are stored");
    let profiles: i64 = sqlx::query_scalar(
        "select coalesce(sum(lines), 0)::bigint from platform.customer_profile where tenant_id = $1",
    )
    .bind(desk.credentials().tenant_id)
    .fetch_one(&cluster.ledger)
    .await?;
    ensure!(profiles == stored, "profiles know {profiles} lines");

    let worker = cluster.workers.last().context("there is a worker")?;
    let peak = memory::peak_bytes(worker.pid).context("the worker's memory")? as f64 / 1e6;
    count(&format!("{name}_lines"), stored, "lines");
    let mut reached = match limit {
        Some(limit) => goal(&format!("{name}_seconds"), seconds, "s", Goal::AtMost(limit)),
        None => {
            figure(&format!("{name}_seconds"), seconds, "s");
            true
        }
    };
    figure(&format!("{name}_rate"), stored as f64 / seconds, "lines/s");
    reached &= goal(&format!("{name}_worker_peak_mb"), peak, "MB", Goal::AtMost(100.0));
    // The next form has a worker whose memory begins anew.
    let last = cluster.workers.len() - 1;
    cluster.kill_worker(last).await;
    Ok(reached)
}

/// Imports a file of the import folder; answers the job's result.
async fn import(desk: &Desk, path: &str) -> anyhow::Result<Value> {
    let answer = desk.post("/api/orders/import", &json!({ "path": path, "currency": "EUR" })).await?;
    let id: Uuid = answer.body["job_id"].as_str().context("the answer names no job")?.parse()?;
    let job = desk.wait(id, LIMIT).await?;
    if job.state != "done" {
        bail!("the import is {}: {:?}", job.state, job.error);
    }
    job.result.context("the job has no result")
}

fn arguments(given: impl Iterator<Item = String>) -> anyhow::Result<Arguments> {
    let mut arguments = Arguments {
        lines: 10_000_000,
        customers: 1_000_000,
        forms: vec![Form::Canonical, Form::Shopify],
        dir: None,
    };
    let mut given = given;
    while let Some(name) = given.next() {
        let value = given.next().context(USAGE)?;
        match name.as_str() {
            "--lines" => arguments.lines = value.parse().context(USAGE)?,
            "--customers" => arguments.customers = value.parse().context(USAGE)?,
            "--dir" => arguments.dir = Some(value.into()),
            "--form" => {
                arguments.forms = match value.as_str() {
                    "canonical" => vec![Form::Canonical],
                    "shopify" => vec![Form::Shopify],
                    "both" => vec![Form::Canonical, Form::Shopify],
                    _ => bail!(USAGE),
                }
            }
            _ => bail!(USAGE),
        }
    }
    ensure!(arguments.lines > 0 && arguments.customers > 0, USAGE);
    Ok(arguments)
}
