//! The nightly run, killed: a small shop is computed once undisturbed, and then as often as wanted from the same state
//! while its worker is killed (-9) at a moment of the run. Every run has to end, to leave the same bit for bit, and to
//! be seen by readers as a whole or not at all.
//!
//! `night-kill [--customers 50000] [--lines 500000] [--kills 6] [--seed 1]`

use std::{process::ExitCode, time::Duration};

use anyhow::{Context, bail};
use cluster::{
    night::{
        kill::{self, Base, Ended},
        shop::Size,
    },
    program,
    report::{Goal, count, goal, table},
};

const USAGE: &str = "usage: night-kill [--customers N] [--lines N] [--kills N] [--seed N]";

fn main() -> ExitCode {
    program::run("night-kill", measure())
}

struct Arguments {
    size: Size,
    kills: u32,
    seed: u64,
}

async fn measure() -> anyhow::Result<ExitCode> {
    let arguments = arguments(std::env::args().skip(1))?;
    let Size { customers, lines } = arguments.size;
    println!(
        "a shop of {customers} customers and about {lines} order lines is computed as of a week before its last day"
    );
    let mut base = Base::prepare(arguments.size).await?;

    let calm = base.run(None).await.context("the undisturbed run")?;
    println!(
        "undisturbed, the last day takes {:.1} s and leaves {}",
        calm.published.as_secs_f64(),
        calm.digest.sha256()
    );
    println!("  {}", calm.digest.counts());
    let mut rows = Vec::new();
    let mut faults = seen_by_readers("undisturbed", &calm);
    let mut equal = 0;
    let mut longest = Duration::ZERO;
    for (number, moment) in (1..).zip(kill::moments(arguments.kills, calm.published, arguments.seed)) {
        let name = format!("kill {number}");
        let ended = base.run(Some(moment)).await.with_context(|| name.clone())?;
        faults.extend(seen_by_readers(&name, &ended));
        let difference = calm.digest.first_difference(&ended.digest);
        equal += u32::from(difference.is_none());
        longest = longest.max(ended.published);
        rows.push([
            name.clone(),
            format!("{:.2}", moment.as_secs_f64()),
            ended.killed_at.clone().unwrap_or_else(|| "between jobs".to_owned()),
            format!("{:.1}", ended.published.as_secs_f64()),
            if difference.is_none() { "equal".to_owned() } else { "different".to_owned() },
        ]);
        if let Some(difference) = difference {
            faults.push(format!("{name} left something else: {difference}"));
        }
    }
    println!();
    table(["run", "killed at s", "while", "published at s", "result"], &rows);
    println!();
    for fault in &faults {
        println!("fault: {fault}");
    }
    count("night_kill_runs", arguments.kills, "runs");
    let all = goal("night_kill_equal", f64::from(equal), "runs", Goal::AtLeast(f64::from(arguments.kills)));
    cluster::report::figure("night_kill_longest", longest.as_secs_f64(), "s");
    let whole = goal("night_kill_faults", faults.len() as f64, "faults", Goal::AtMost(0.0));
    if all && whole {
        return Ok(ExitCode::SUCCESS);
    }
    println!("data and logs are in {}", base.keep().display());
    Ok(ExitCode::FAILURE)
}

/// What a reader should not have seen.
fn seen_by_readers(name: &str, ended: &Ended) -> Vec<String> {
    let mut faults: Vec<String> =
        ended.seen.mixed.iter().take(3).map(|mixed| format!("{name}: a reader saw that {mixed}")).collect();
    if ended.seen.generations.len() != 2 {
        faults.push(format!("{name}: a reader saw the generations {:?}, not two", ended.seen.generations));
    }
    println!(
        "{name}: a reader looked {} times and saw {} generations",
        ended.seen.reads,
        ended.seen.generations.len()
    );
    faults
}

fn arguments(mut given: impl Iterator<Item = String>) -> anyhow::Result<Arguments> {
    let mut arguments = Arguments { size: Size { customers: 50_000, lines: 0 }, kills: 6, seed: 1 };
    while let Some(argument) = given.next() {
        let value: u64 = given.next().context(USAGE)?.parse().context(USAGE)?;
        match argument.as_str() {
            "--customers" => arguments.size.customers = u32::try_from(value).context(USAGE)?,
            "--lines" => arguments.size.lines = value,
            "--kills" => arguments.kills = u32::try_from(value).context(USAGE)?,
            "--seed" => arguments.seed = value,
            _ => bail!(USAGE),
        }
    }
    if arguments.size.lines == 0 {
        arguments.size.lines = u64::from(arguments.size.customers) * 10;
    }
    Ok(arguments)
}
