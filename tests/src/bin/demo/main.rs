//! What `make demo` shows: a whole cluster in the foreground, at work on real purchases, with a report of
//! what happened.
//!
//! Every step checks what it claims, so `ONCE=1`, which ends after the report, is also a test: its exit
//! code is 0 only when the whole story held. Otherwise the cluster stays up until Ctrl-C.

mod help_desk;
mod operator;
mod orders;
mod report;
mod service;
mod story;

use std::{
    fs::File,
    net::{SocketAddr, TcpListener},
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context, bail};
use cluster::{
    processes::{Cluster, Given, Logs, Options, suffix},
    program::{interrupted, run_in_order, was_interrupted},
    servers::{Servers, root},
};
use story::Story;

fn main() -> ExitCode {
    run_in_order("demo", demo())
}

async fn demo() -> anyhow::Result<ExitCode> {
    let dir = root().join(".local/demo");
    let _alone = alone(&dir)?;
    let mut story = Story::begin();
    let mut cluster = tokio::select! {
        cluster = start(&mut story, &dir) => cluster?,
        () = interrupted() => return Ok(was_interrupted("demo")),
    };
    let told = tokio::select! {
        told = tell(&mut story, &cluster) => told,
        () = interrupted() => return stop(cluster, was_interrupted("demo")).await,
    };
    if let Err(error) = told {
        let kept = cluster.keep();
        println!("\nThe story ended too early: {error:#}");
        println!("The logs are in {}", kept.join("logs").display());
        return stop(cluster, ExitCode::FAILURE).await;
    }
    report::print(&story, &cluster);
    if std::env::var_os("ONCE").is_none_or(|once| once.is_empty() || once == "0") {
        println!("\nThe cluster stays up; end it with Ctrl-C.");
        interrupted().await;
    }
    println!("\nThe cluster drains and ends.");
    stop(cluster, ExitCode::SUCCESS).await
}

async fn tell(story: &mut Story, cluster: &Cluster) -> anyhow::Result<()> {
    orders::import(story, cluster).await?;
    orders::show_a_customer(story, cluster).await?;
    let tickets = help_desk::webhooks(story, cluster).await?;
    let drafted = help_desk::drafts(story, cluster, &tickets).await?;
    help_desk::notes(story, cluster, &drafted).await?;
    service::serve(story, cluster).await?;
    operator::retry(story, cluster).await?;
    operator::cancel(story, cluster).await?;
    operator::audit(story, cluster).await
}

async fn start(story: &mut Story, dir: &Path) -> anyhow::Result<Cluster> {
    story.step("Start Postgres, Redis, one api, two workers and two schedulers");
    let given = given();
    // A tenant of the demo's own, because somebody's database may have seen a demo before.
    let tenant =
        given.database_url.as_ref().map_or_else(|| "demo".to_owned(), |_| format!("demo-{}", suffix()));
    let servers = dir.join("servers");
    tokio::task::spawn_blocking(move || Servers::clear(&servers)).await??;
    for left in ["logs", "imports"] {
        let left = dir.join(left);
        if left.exists() {
            std::fs::remove_dir_all(&left)
                .with_context(|| format!("{} cannot be emptied", left.display()))?;
        }
    }
    let options = Options {
        dir: Some(dir.to_owned()),
        given,
        tenant,
        bind: Some(bind()?),
        env: settings(),
        logs: Logs::FileAnd(story::show_log_line),
        ..Options::default()
    };
    let cluster = Cluster::start(options).await?;
    story.say(&format!("Postgres {}", story::without_password(&cluster.servers.admin_url)));
    story.say(&format!("Redis    {}", story::without_password(&cluster.servers.redis_url)));
    for process in [&cluster.api].into_iter().chain(&cluster.workers).chain(&cluster.schedulers) {
        story.say(&format!("{:<12} pid {}", process.name, process.pid));
    }
    story.say(&format!(
        "help desk    played at {} by a server that records what arrives",
        cluster.upstream.gorgias_base()
    ));
    story.end_step("everything is ready");
    Ok(cluster)
}

async fn stop(cluster: Cluster, code: ExitCode) -> anyhow::Result<ExitCode> {
    tokio::select! {
        () = cluster.stop() => {}
        // Whoever is impatient: what still runs is killed as the cluster is dropped.
        () = interrupted() => {}
    }
    Ok(code)
}

/// Somebody's own servers, as `DATABASE_URL`, `REDIS_URL` and the login roles' own addresses name them.
fn given() -> Given {
    let of = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
    let logins = [
        ("api", "DESK_API_DATABASE_URL"),
        ("worker", "DESK_WORKER_DATABASE_URL"),
        ("scheduler", "DESK_SCHEDULER_DATABASE_URL"),
    ];
    Given {
        database_url: of("DATABASE_URL"),
        redis_url: of("REDIS_URL"),
        logins: logins.into_iter().filter_map(|(program, name)| Some((program, of(name)?))).collect(),
    }
}

/// `DESK_BIND`, or the next port that is free.
fn bind() -> anyhow::Result<SocketAddr> {
    let text = std::env::var("DESK_BIND").unwrap_or_else(|_| "127.0.0.1:8080".to_owned());
    let wanted: SocketAddr =
        text.parse().with_context(|| format!("DESK_BIND is {text:?}; it should be like 127.0.0.1:8080"))?;
    let ports = wanted.port()..=wanted.port().saturating_add(100);
    let mut addresses = ports.map(|port| SocketAddr::new(wanted.ip(), port));
    addresses
        .find(|address| TcpListener::bind(address).is_ok())
        .with_context(|| format!("no port from {wanted} on is free"))
}

/// What the processes are told beside the cluster's own settings: readable logs, the model when there is a key for it, and
/// the master key of somebody's own database.
fn settings() -> Vec<(String, String)> {
    let passed_on = [
        "ANTHROPIC_API_KEY",
        "ANTHROPIC_BASE_URL",
        "ANTHROPIC_MODEL",
        "ANTHROPIC_VERSION",
        "DESK_MASTER_KEY",
    ];
    let log = std::env::var("DESK_LOG")
        .unwrap_or_else(|_| "info,apalis_core=warn,tokio_cron_scheduler=warn".to_owned());
    let mut settings = vec![("DESK_LOG_FORMAT".to_owned(), "text".to_owned()), ("DESK_LOG".to_owned(), log)];
    let set = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
    settings.extend(passed_on.into_iter().filter_map(|name| Some((name.to_owned(), set(name)?))));
    settings
}

/// Two demos in one folder would delete each other's data.
fn alone(dir: &Path) -> anyhow::Result<File> {
    std::fs::create_dir_all(dir).with_context(|| format!("{} cannot be made", dir.display()))?;
    let path: PathBuf = dir.join("running");
    let file = File::create(&path).with_context(|| format!("{} cannot be written", path.display()))?;
    if file.try_lock().is_err() {
        bail!("a demo runs in {} already", dir.display());
    }
    Ok(file)
}
