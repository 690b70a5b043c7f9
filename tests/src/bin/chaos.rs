//! `make chaos`: 20,000 acknowledged jobs while workers, schedulers, Redis and Postgres are killed, wiped,
//! paused and restarted; afterwards nothing is lost and nothing was done twice. The exit code is 0 only
//! when every count is what it must be.

use std::process::ExitCode;

use anyhow::{Context, bail};
use cluster::{
    chaos::{self, Options, Outcome},
    program, report,
};

const USAGE: &str = "usage: chaos [--seed N] [--jobs N] [--short] [--dir FOLDER]";

fn main() -> ExitCode {
    program::run("chaos", run())
}

async fn run() -> anyhow::Result<ExitCode> {
    let options = arguments(std::env::args().skip(1))?;
    println!("seed {}: {} jobs; repeat this run with --seed {}", options.seed, options.jobs, options.seed);
    let outcome = chaos::run(&options).await?;
    tell(&outcome);
    Ok(if outcome.holds() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn arguments(mut arguments: impl Iterator<Item = String>) -> anyhow::Result<Options> {
    let mut options = Options::full(rand::random::<u32>().into());
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--short" => options = Options { dir: options.dir, ..Options::short(options.seed) },
            "--seed" => options.seed = arguments.next().context(USAGE)?.parse().context(USAGE)?,
            "--jobs" => options.jobs = arguments.next().context(USAGE)?.parse().context(USAGE)?,
            "--dir" => options.dir = Some(arguments.next().context(USAGE)?.into()),
            _ => bail!(USAGE),
        }
    }
    if options.jobs < 500 {
        bail!("--jobs: at least 500, or the faults meet nothing");
    }
    Ok(options)
}

fn tell(outcome: &Outcome) {
    let (verdict, inflicted) = (&outcome.verdict, &outcome.inflicted);
    let row =
        |what: &str, count: usize, wanted: &str| [what.to_owned(), count.to_string(), wanted.to_owned()];
    println!();
    report::table(
        ["count", "got", "wanted"],
        &[
            row("jobs acknowledged", outcome.acknowledged.jobs.len(), ""),
            row("  of these by webhooks", outcome.acknowledged.webhooks, ""),
            row("requests acknowledged", outcome.acknowledged.requests, ""),
            row("requests repeated", outcome.acknowledged.repeats, ""),
            row("jobs that must be done, notes included", verdict.expected, ""),
            row("lost", verdict.lost, "0"),
            row("committed twice", verdict.committed_twice, "0"),
            row("enqueued twice", verdict.enqueued_twice, "0"),
            row("keyed effects", verdict.effects, ""),
            row("effects missing", verdict.effects_missing, "0"),
            row("effects twice", verdict.effects_twice, "0"),
            row("started twice without a cause", verdict.started_twice, "0"),
            row("started again after a kill", verdict.restarted_after_kill, ""),
            row("taken from a living worker", verdict.taken_from_the_living, "0"),
            row("poisoned by three kills, brought back", outcome.dead.poisoned.len(), "few"),
            row("dead of anything else", outcome.dead.others.len(), "0"),
            row("imports or lines of them wrong", verdict.imports_wrong, "0"),
            row("accounts that drift", verdict.drifts, "0"),
            row("workers killed", inflicted.worker_kills, ""),
            row("  jobs in flight then", inflicted.in_flight, ""),
            row("leading schedulers killed", inflicted.leader_kills, ""),
            row("redis wiped", inflicted.redis_wipes, ""),
            row("redis restarted", inflicted.redis_restarts, ""),
            row("redis paused", inflicted.redis_pauses, ""),
            row("redis read-only or full", inflicted.redis_refusals, ""),
            row("postgres restarted", inflicted.postgres_restarts, ""),
            row("postgres slow", inflicted.postgres_slow, ""),
            row("connections to postgres silent", inflicted.black_holes, ""),
            row("processes with a clock an hour off", inflicted.skewed_clocks, ""),
            row("imports beside each other", inflicted.imports.len(), ""),
        ],
    );
    for example in verdict.examples.iter().chain(&outcome.dead.others) {
        println!("  {example}");
    }
    println!();
    let figures = [
        ("acknowledged", outcome.acknowledged.jobs.len()),
        ("lost", verdict.lost),
        ("committed_twice", verdict.committed_twice),
        ("enqueued_twice", verdict.enqueued_twice),
        ("effects_twice", verdict.effects_twice),
        ("effects_missing", verdict.effects_missing),
        ("started_twice", verdict.started_twice),
        ("restarted_after_kill", verdict.restarted_after_kill),
        ("taken_from_the_living", verdict.taken_from_the_living),
        ("poisoned", outcome.dead.poisoned.len()),
        ("dead_otherwise", outcome.dead.others.len()),
        ("imports_wrong", verdict.imports_wrong),
        ("drift", verdict.drifts),
        ("worker_kills", inflicted.worker_kills),
        ("leader_kills", inflicted.leader_kills),
        ("redis_wipes", inflicted.redis_wipes),
        ("redis_restarts", inflicted.redis_restarts),
        ("redis_pauses", inflicted.redis_pauses),
        ("redis_refusals", inflicted.redis_refusals),
        ("postgres_restarts", inflicted.postgres_restarts),
        ("postgres_slow", inflicted.postgres_slow),
        ("black_holes", inflicted.black_holes),
        ("skewed_clocks", inflicted.skewed_clocks),
        ("imports", inflicted.imports.len()),
    ];
    for (name, count) in figures {
        report::count(&format!("chaos_{name}"), i64::try_from(count).unwrap_or(i64::MAX), "count");
    }
    report::figure("chaos_seconds", (outcome.faults_took + outcome.rest_took).as_secs_f64(), "s");
    report::figure("chaos_rest_seconds", outcome.rest_took.as_secs_f64(), "s");
    match &outcome.kept {
        None => println!("\nevery acknowledged job was done, once"),
        Some(folder) => println!("\nthe run failed; data and logs are in {}", folder.display()),
    }
}
