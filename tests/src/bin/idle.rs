//! What a cluster costs when nothing happens: statements and Redis commands a second, and the memory of
//! each process. One api, two workers, two schedulers.

use std::{collections::BTreeMap, process::ExitCode, time::Duration};

use cluster::{
    load::{
        self, Size,
        broker::{Broker, CommandTimes},
        statements::Statements,
    },
    processes::{Cluster, Options},
    program,
    report::{Goal, figure, goal, table},
};
use tokio::time::{Instant, sleep};

/// Time for what a start brings with it: an election, first beats, the jobs of schedules.
const SETTLING: Duration = Duration::from_secs(10);

fn main() -> ExitCode {
    program::run("idle", measure())
}

async fn measure() -> anyhow::Result<ExitCode> {
    let size = Size::from_arguments()?;
    let lasting = size.pick(Duration::from_secs(30), Duration::from_secs(10));
    let cluster = Cluster::start(Options::default()).await?;
    let mut broker = Broker::connect(&cluster.servers.redis_url).await?;
    let mut statements = Statements::new(&cluster.servers, &cluster.ledger).await?;
    println!("an idle cluster for {} s", lasting.as_secs());
    sleep(SETTLING).await;
    load::ledger(&cluster)?.wait_until_empty("ops").await?;

    statements.begin().await?;
    broker.reset().await?;
    let started = Instant::now();
    sleep(lasting).await;
    let seconds = started.elapsed().as_secs_f64();
    let calls = statements.calls().await?;
    let commands = broker.commands().await?;
    let frequent = statements.frequent().await?;

    println!();
    print_rates(&frequent, &commands, seconds);
    println!();
    let issued: u64 = commands.values().map(|command| command.calls).sum();
    goal("idle_statements", calls as f64 / seconds, "statements/s", Goal::AtMost(10.0));
    goal("idle_redis_commands", issued as f64 / seconds, "commands/s", Goal::AtMost(20.0));
    let largest = |processes: &[cluster::processes::Process]| {
        processes.iter().filter_map(|process| process.resident_bytes()).max().unwrap_or(0) as f64 / 1e6
    };
    goal("idle_worker_memory", largest(&cluster.workers), "MB", Goal::AtMost(40.0));
    goal("idle_api_memory", largest(std::slice::from_ref(&cluster.api)), "MB", Goal::AtMost(30.0));
    figure("idle_scheduler_memory", largest(&cluster.schedulers), "MB");
    cluster.stop().await;
    Ok(ExitCode::SUCCESS)
}

fn print_rates(statements: &[(String, i64)], commands: &BTreeMap<String, CommandTimes>, seconds: f64) {
    let rate = |calls: f64| format!("{:.2}", calls / seconds);
    let statements: Vec<[String; 2]> =
        statements.iter().map(|(text, calls)| [text.clone(), rate(*calls as f64)]).collect();
    table(["statement", "a second"], &statements);
    println!();
    let commands: Vec<[String; 2]> =
        commands.iter().map(|(name, command)| [name.clone(), rate(command.calls as f64)]).collect();
    table(["Redis command", "a second"], &commands);
}
