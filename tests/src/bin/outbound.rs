//! Events to 50 webhook endpoints at 200 a second, 5 of which are dead and 5 slow: how long the healthy ones wait, and
//! whether every event is delivered or listed as failed, in order where that is asked for.

use std::process::ExitCode;
use std::time::Duration;

use cluster::load::Size;
use cluster::load::partners::{self, Plan};
use cluster::processes::{Cluster, Options};
use cluster::program;
use cluster::report::{Goal, count, figure, goal, ms};

fn main() -> ExitCode {
    program::run("outbound", measure())
}

async fn measure() -> anyhow::Result<ExitCode> {
    let size = Size::from_arguments()?;
    let cluster = Cluster::start(Options { workers: 2, schedulers: 1, ..Options::default() }).await?;
    let plan = Plan {
        per_sec: 200,
        lasting: size.pick(Duration::from_secs(60), Duration::from_secs(5)),
        endpoints: 50,
        dead: 5,
        slow: 5,
        slowness: Duration::from_secs(1),
        patience: Duration::from_secs(600),
    };
    println!(
        "{} events/s for {} s to {} endpoints, each event to one; {} are dead, {} take {} s",
        plan.per_sec,
        plan.lasting.as_secs(),
        plan.endpoints,
        plan.dead,
        plan.slow,
        plan.slowness.as_secs()
    );
    let outcome = partners::run(&cluster, plan).await?;
    cluster.stop().await;
    println!();
    count("outbound_events", outcome.events as i64, "events");
    figure("outbound_healthy_p50", ms(outcome.healthy.p50), "ms");
    figure("outbound_healthy_p95", ms(outcome.healthy.p95), "ms");
    goal("outbound_healthy_p99", ms(outcome.healthy.p99), "ms", Goal::AtMost(500.0));
    figure("outbound_healthy_max", ms(outcome.healthy.max), "ms");
    count("outbound_failing", outcome.failed as i64, "deliveries");
    count("outbound_twice", outcome.twice as i64, "deliveries");
    goal("outbound_lost", outcome.lost as f64, "events", Goal::AtMost(0.0));
    goal("outbound_unheard", outcome.unheard as f64, "deliveries", Goal::AtMost(0.0));
    goal("outbound_out_of_order", outcome.out_of_order as f64, "deliveries", Goal::AtMost(0.0));
    Ok(ExitCode::SUCCESS)
}
