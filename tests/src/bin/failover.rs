//! `make failover`: Postgres fails over, goes silent, is slow or loses its standby under load; no job is lost,
//! none stays behind and none is done twice. The exit code is 0 only when every goal is reached.

use std::process::ExitCode;

use anyhow::{Context, bail};
use cluster::{
    failover::{Fault, Options, RESUMED_WITHIN},
    program,
};

const USAGE: &str = "usage: failover [--jobs N] [--only FAULT,...] [--dir FOLDER]";

fn main() -> ExitCode {
    program::run("failover", run())
}

async fn run() -> anyhow::Result<ExitCode> {
    let (options, faults) = arguments(std::env::args().skip(1))?;
    let mut missed = Vec::new();
    for fault in faults {
        match fault.run(&options).await {
            Ok(true) => {}
            Ok(false) => missed.push(fault.name()),
            Err(error) => {
                println!("{}: {error:#}", fault.name());
                missed.push(fault.name());
            }
        }
    }
    println!();
    if missed.is_empty() {
        println!("no fail-over strands the queue");
        return Ok(ExitCode::SUCCESS);
    }
    println!("missed: {}", missed.join(", "));
    Ok(ExitCode::FAILURE)
}

fn arguments(mut given: impl Iterator<Item = String>) -> anyhow::Result<(Options, Vec<Fault>)> {
    let mut options = Options { jobs: 20_000, dir: None, resumed_within: RESUMED_WITHIN };
    let mut faults = Fault::ALL.to_vec();
    while let Some(argument) = given.next() {
        match argument.as_str() {
            "--jobs" => options.jobs = given.next().context(USAGE)?.parse().context(USAGE)?,
            "--dir" => options.dir = Some(given.next().context(USAGE)?.into()),
            "--only" => faults = named(&given.next().context(USAGE)?)?,
            _ => bail!(USAGE),
        }
    }
    if options.jobs < 300 {
        bail!("--jobs: at least 300, or the fault meets nothing");
    }
    Ok((options, faults))
}

fn named(names: &str) -> anyhow::Result<Vec<Fault>> {
    let find = |name: &str| {
        let all = || Fault::ALL.map(Fault::name).join(", ");
        let found = Fault::ALL.into_iter().find(|fault| fault.name() == name);
        found.with_context(|| format!("there is no fault {name}; there are: {}", all()))
    };
    names.split(',').map(find).collect()
}
