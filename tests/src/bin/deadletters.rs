//! An operator with a hundred thousand dead letters of three causes: how long it takes to see the causes,
//! to count what an action would touch, and to make all of them ready again; and how long pages of the
//! listings take over five million rows of past jobs.
//!
//! The dead letters die for real, in a worker. The past jobs are written by SQL in the shape that
//! completions leave behind.

use std::{
    process::ExitCode,
    time::{Duration, Instant},
};

use anyhow::{Context, bail, ensure};
use chrono::{TimeDelta, Utc};
use cluster::{
    desk::Desk,
    load::{self, PATIENCE, Size, history, ledger::Ledger},
    processes::{Cluster, Options},
    program,
    report::{Goal, Spread, figure, goal, ms, table},
};
use database::ids::TenantId;
use jobs::kinds::Probe;
use serde_json::{Value, json};
use uuid::Uuid;

const CAUSES: [&str; 3] = [
    "the label printer has no paper",
    "the carrier refused the address",
    "the order is older than the archive",
];

/// Pages that are read of each listing, as far as there are so many.
const PAGES: usize = 25;

fn main() -> ExitCode {
    program::run("deadletters", measure())
}

async fn measure() -> anyhow::Result<ExitCode> {
    let size = Size::from_arguments()?;
    let (rows, dead) = (size.pick(5_000_000, 100_000), size.pick(100_000, 6_000));
    let queues = "bulk=2,default=1000,ops=2".to_owned();
    let cluster = Cluster::start(Options { workers: 1, schedulers: 1, queues, ..Options::default() }).await?;
    let ledger = load::ledger(&cluster)?;
    let tenant = load::tenant(&cluster).await?;

    println!("{rows} past jobs, written by SQL");
    let started = Instant::now();
    history::write(&cluster.ledger, tenant.0, rows, |done| {
        if done % 1_000_000 == 0 {
            println!("  {done} after {:.0} s", started.elapsed().as_secs_f64());
        }
    })
    .await?;

    println!("{dead} jobs fail for good, of {} causes", CAUSES.len());
    let started = Instant::now();
    ledger.fill(tenant, "dying", dead, None, dying).await?;
    ledger.wait_for("default", "dead", dead as i64).await?;
    println!("  they were dead after {:.1} s", started.elapsed().as_secs_f64());

    let listings = listings(&cluster.desk).await?;
    let groups = find_causes(&cluster.desk, dead).await?;
    let dry_run = count_matching(&cluster.desk, dead).await?;
    let retry = retry_all(&cluster.desk, &ledger, tenant, dead).await?;

    println!();
    let line = |listing: &Listing| {
        let spread = listing.times;
        let cell = |duration| format!("{:.1}", ms(duration));
        [listing.path.clone(), spread.count.to_string(), cell(spread.p50), cell(spread.p95), cell(spread.max)]
    };
    table(["listing", "pages", "p50 ms", "p95 ms", "max ms"], &listings.iter().map(line).collect::<Vec<_>>());
    println!();
    figure("deadletters_groups", groups.as_secs_f64(), "s");
    figure("deadletters_dry_run", dry_run.as_secs_f64(), "s");
    figure("deadletters_retry", retry.as_secs_f64(), "s");
    goal("deadletters_groups_and_retry", (groups + retry).as_secs_f64(), "s", Goal::AtMost(30.0));
    let worst = listings.iter().map(|listing| listing.times.p95).max().unwrap_or_default();
    goal("deadletters_worst_listing_p95", ms(worst), "ms", Goal::AtMost(200.0));
    cluster.stop().await;
    Ok(ExitCode::SUCCESS)
}

fn dying(number: u64) -> Probe {
    Probe { fail_for_good: Some(CAUSES[(number % 3) as usize].to_owned()), ..Probe::default() }
}

/// How long the causes take, seen as an operator would.
async fn find_causes(desk: &Desk, dead: u64) -> anyhow::Result<Duration> {
    let started = Instant::now();
    let groups = desk.dead_groups("kind=probe").await?;
    let took = started.elapsed();
    let items =
        groups["items"].as_array().or_else(|| groups["groups"].as_array()).context("groups of causes")?;
    let jobs: u64 = items.iter().filter_map(|group| group["jobs"].as_u64()).sum();
    ensure!(
        items.len() == CAUSES.len() && jobs == dead,
        "{} causes behind {jobs} jobs were found",
        items.len()
    );
    Ok(took)
}

async fn count_matching(desk: &Desk, dead: u64) -> anyhow::Result<Duration> {
    let started = Instant::now();
    let answer = desk.retry_dead(&json!({ "filter": { "kind": "probe" }, "dry_run": true })).await?;
    let took = started.elapsed();
    ensure!(answer.body["matching"].as_u64() == Some(dead), "the dry run said {}", answer.body);
    Ok(took)
}

/// From the request until every job is ready again.
async fn retry_all(desk: &Desk, ledger: &Ledger, tenant: TenantId, dead: u64) -> anyhow::Result<Duration> {
    ledger.pause("default").await?;
    let started = Instant::now();
    let answer =
        desk.retry_dead(&json!({ "filter": { "kind": "probe" }, "reason": "the causes are gone" })).await?;
    let job: Uuid = serde_json::from_value(answer.body["job_id"].clone()).context("the job that retries")?;
    let job = desk.wait(job, PATIENCE).await?;
    let took = started.elapsed();
    ensure!(job.state == "done", "the retry ended as {}", job.state);
    let (left, ready): (i64, i64) = sqlx::query_as(
        "select (select count(*) from jobs.dead where tenant_id = $1), (select count(*) from jobs.live where tenant_id = $1)",
    )
    .bind(tenant.0)
    .fetch_one(ledger.admin())
    .await?;
    // A worker that was waiting when the queue was paused still takes a batch, which dies again.
    ensure!(left + ready == dead as i64 && left <= 1_000, "{left} are dead and {ready} ready");
    Ok(took)
}

/// How the pages of one listing did.
struct Listing {
    path: String,
    times: Spread,
}

async fn listings(desk: &Desk) -> anyhow::Result<Vec<Listing>> {
    let groups = desk.dead_groups("kind=probe").await?;
    let fingerprint = groups["items"][0]["fingerprint"].as_str().unwrap_or_default().to_owned();
    let ago = |hours| (Utc::now() - TimeDelta::hours(hours)).format("%Y-%m-%dT%H:%M:%SZ").to_string();
    let (from, to) = (ago(72), ago(71));
    let mut listings = Vec::new();
    for query in [
        String::new(),
        "state=done".to_owned(),
        "state=cancelled".to_owned(),
        "state=dead".to_owned(),
        "state=dead,cancelled".to_owned(),
        "state=ready,running".to_owned(),
        "kind=probe".to_owned(),
        "kind=import_orders".to_owned(),
        "kind=import_orders&state=cancelled".to_owned(),
        "kind=audit_ledger".to_owned(),
        "queue=ai".to_owned(),
        "queue=ops".to_owned(),
        "queue=nobody".to_owned(),
        "correlation_id=history-31234".to_owned(),
        "correlation_id=nobody".to_owned(),
        format!("parent_id={}", Uuid::now_v7()),
        format!("created_from={from}&created_to={to}"),
        format!("created_to={}", ago(140)),
        format!("created_to={}&kind=post_internal_note", ago(100)),
        "tenant_id=all".to_owned(),
        "tenant_id=all&kind=import_orders".to_owned(),
        "tenant_id=all&state=cancelled".to_owned(),
        "tenant_id=all&kind=audit_ledger".to_owned(),
    ] {
        listings.push(listing(desk, "/api/jobs", &query).await?);
    }
    for query in [
        String::new(),
        "kind=probe".to_owned(),
        format!("fingerprint={fingerprint}"),
        "error_class=nobody".to_owned(),
    ] {
        listings.push(listing(desk, "/api/admin/dead-letters", &query).await?);
    }
    Ok(listings)
}

/// Reads page after page.
async fn listing(desk: &Desk, path: &str, query: &str) -> anyhow::Result<Listing> {
    let mut times = Vec::new();
    let mut cursor = String::new();
    while times.len() < PAGES {
        let started = Instant::now();
        let page: Value = desk.get(&format!("{path}?limit=100&{query}{cursor}")).await?;
        times.push(started.elapsed());
        if page["items"].as_array().is_none() {
            bail!("{path}?{query} answered no page");
        }
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    Ok(Listing { path: format!("{path}?{query}").trim_end_matches('?').to_owned(), times: Spread::of(times) })
}
