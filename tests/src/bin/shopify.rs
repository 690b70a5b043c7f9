//! A shop at Shopify, played by a stub that misbehaves: after edits and refunds of which webhooks tell late, twice or never, and
//! with workers killed all along, the tables equal the shop. And a first reading by pages within the stub's rate limit.
//!
//! `shopify [--orders 10000] [--changes 2000] [--kills 10] [--import 100000] [--quick]`

use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, bail};
use cluster::program;
use cluster::report::{Goal, count, figure, goal};
use cluster::shopify::Manners;
use cluster::shopify::show::{self, Size};

const USAGE: &str = "usage: shopify [--orders N] [--changes N] [--kills N] [--import N] [--quick]";

fn main() -> ExitCode {
    program::run("shopify", measure())
}

async fn measure() -> anyhow::Result<ExitCode> {
    let (mut orders, mut changes, mut kills, mut import) = (10_000, 2_000, 10, 100_000);
    let mut points = 400.0;
    let mut given = std::env::args().skip(1);
    while let Some(argument) = given.next() {
        if argument == "--quick" {
            (orders, changes, kills, import) = (1_000, 200, 3, 2_000);
            // So that the allowance is what holds a small shop up, and not what is in its bucket at the beginning.
            points = 50.0;
            continue;
        }
        let value: u64 = given.next().context(USAGE)?.parse().context(USAGE)?;
        match argument.as_str() {
            "--orders" => orders = value,
            "--changes" => changes = value,
            "--kills" => kills = u32::try_from(value).context(USAGE)?,
            "--import" => import = value,
            _ => bail!(USAGE),
        }
    }
    let equal = if orders > 0 { equal(orders, changes, kills).await? } else { true };
    let paced = if import > 0 { paced(import, points).await? } else { true };
    Ok(if equal && paced { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn equal(orders: u64, changes: u64, kills: u32) -> anyhow::Result<bool> {
    println!(
        "{orders} orders, {changes} changes, {kills} workers killed; 3 of 100 calls go wrong, 1 of 10 webhooks is lost"
    );
    let manners = Manners { faults_per_thousand: 30, token_secs: 320, ..Manners::default() };
    let size =
        Size { orders, changes, kills, manners, workers: 2, paged: false, limit: Duration::from_secs(900) };
    let seen = show::run(size).await?;
    for difference in seen.differences.iter().take(5) {
        println!("different: {difference}");
    }
    println!("{:?}; {:?}", seen.heard, seen.delivered);
    count("shopify_orders", seen.expected as i64, "orders");
    figure("shopify_first_reading", seen.first.as_secs_f64(), "s");
    count("shopify_webhooks_lost", seen.delivered.lost as i64, "webhooks");
    count("shopify_deletions_lost", seen.delivered.lost_deletions as i64, "webhooks");
    count("shopify_kills", seen.killed, "kills");
    let same = goal("shopify_differences", seen.differences.len() as f64, "orders", Goal::AtMost(0.0));
    let alive = goal("shopify_dead_jobs", seen.dead as f64, "jobs", Goal::AtMost(0.0));
    Ok(same && alive)
}

async fn paced(orders: u64, points_per_second: f64) -> anyhow::Result<bool> {
    let manners = Manners { points_per_second, ..Manners::default() };
    println!("{orders} orders by pages, 4 workers, {} points a second", manners.points_per_second);
    let size = Size {
        orders,
        changes: 0,
        kills: 0,
        manners,
        workers: 4,
        paged: true,
        limit: Duration::from_secs(3_600),
    };
    let seen = show::run(size).await?;
    for difference in seen.differences.iter().take(5) {
        println!("different: {difference}");
    }
    // The bucket was full at the first query; what is left of it at the last one was not used.
    let allowed = manners.points_per_second * (20.0 + seen.first_heard.lasted().as_secs_f64());
    figure("shopify_import", seen.first.as_secs_f64(), "s");
    figure("shopify_import_rate", orders as f64 / seen.first.as_secs_f64(), "orders/s");
    figure("shopify_worker_memory", seen.memory as f64 / 1e6, "MB");
    let used =
        goal("shopify_limit_used", 100.0 * seen.first_heard.points / allowed, "%", Goal::AtLeast(95.0));
    let above = goal("shopify_throttled", seen.first_heard.throttled as f64, "queries", Goal::AtMost(0.0));
    let same = goal("shopify_import_differences", seen.differences.len() as f64, "orders", Goal::AtMost(0.0));
    Ok(used && above && same)
}
