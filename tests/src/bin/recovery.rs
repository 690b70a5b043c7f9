//! `make recovery`: how soon work goes on after each kind of failure, and what it costs. The exit code is 0
//! only when every goal is reached.

use std::{process::ExitCode, time::Duration};

use anyhow::{Context, bail};
use cluster::{
    chaos::recovery::{
        QUEUES, black_hole, clocks, drain, kill, postgres_away, redis_away, redis_refuses, slow, stall,
        two_imports,
    },
    processes::{self, Cluster},
    program,
};

const USAGE: &str = "usage: recovery [--rounds N] [--redis-secs N] [--dir FOLDER] [PART...]; the parts are
kill drain stall redis refusing-redis postgres black-hole slow clocks imports";

const PARTS: [&str; 10] = [
    "kill",
    "drain",
    "stall",
    "redis",
    "refusing-redis",
    "postgres",
    "black-hole",
    "slow",
    "clocks",
    "imports",
];

fn main() -> ExitCode {
    program::run("recovery", run())
}

struct Arguments {
    rounds: usize,
    redis_away: Duration,
    dir: Option<std::path::PathBuf>,
    parts: Vec<&'static str>,
}

async fn run() -> anyhow::Result<ExitCode> {
    let arguments = arguments(std::env::args().skip(1))?;
    let mut cluster = Cluster::start(processes::Options {
        workers: 0,
        schedulers: 2,
        queues: QUEUES.to_owned(),
        tenant: "recovery".to_owned(),
        dir: arguments.dir.clone(),
        proxied: true,
        ..processes::Options::default()
    })
    .await
    .context("starting the cluster")?;
    let mut missed = Vec::new();
    for (number, part) in (1..).zip(&arguments.parts) {
        println!("part {number} of {}: {part}", arguments.parts.len());
        let reached = match *part {
            "kill" => kill::run(&mut cluster, arguments.rounds).await,
            "drain" => drain::run(&mut cluster).await,
            "stall" => stall::run(&mut cluster).await,
            "redis" => redis_away::run(&mut cluster, arguments.redis_away).await,
            "refusing-redis" => redis_refuses::run(&mut cluster).await,
            "postgres" => postgres_away::run(&mut cluster).await,
            "black-hole" => black_hole::run(&mut cluster).await,
            "slow" => slow::run(&mut cluster).await,
            "clocks" => clocks::run(&mut cluster).await,
            _ => two_imports::run(&mut cluster).await,
        };
        match reached {
            Ok(true) => {}
            Ok(false) => missed.push(*part),
            Err(error) => {
                println!("{part}: {error:#}");
                missed.push(*part);
            }
        }
        println!();
    }
    let kept = (!missed.is_empty()).then(|| cluster.keep());
    cluster.stop().await;
    match kept {
        None => {
            println!("everything recovers in time");
            Ok(ExitCode::SUCCESS)
        }
        Some(folder) => {
            println!("missed: {}; data and logs are in {}", missed.join(", "), folder.display());
            Ok(ExitCode::FAILURE)
        }
    }
}

fn arguments(mut given: impl Iterator<Item = String>) -> anyhow::Result<Arguments> {
    let mut arguments =
        Arguments { rounds: 4, redis_away: Duration::from_secs(60), dir: None, parts: Vec::new() };
    while let Some(argument) = given.next() {
        match argument.as_str() {
            "--rounds" => arguments.rounds = given.next().context(USAGE)?.parse().context(USAGE)?,
            "--redis-secs" => {
                arguments.redis_away =
                    Duration::from_secs(given.next().context(USAGE)?.parse().context(USAGE)?);
            }
            "--dir" => arguments.dir = Some(given.next().context(USAGE)?.into()),
            part => match PARTS.iter().find(|known| **known == part) {
                Some(part) => arguments.parts.push(part),
                None => bail!(USAGE),
            },
        }
    }
    if arguments.parts.is_empty() {
        arguments.parts = PARTS.to_vec();
    }
    Ok(arguments)
}
