//! Signed webhooks at a fixed rate while the workers are busy: how long the senders wait for their answer
//! and whether everything that was acknowledged is there afterwards. Then the same deliveries at the same
//! rate go to FastAPI + Celery, whose worker is kept busy too, and the two are compared.
//!
//! Ours is kept busy with probes of 2 ms beside the drafts that the webhooks ask for; the Celery worker with
//! tasks that use the processor for 2 ms. Either way both processors of a small machine are taken.

use std::{process::ExitCode, sync::Arc, time::Duration};

use anyhow::Context;
use cluster::{
    desk::signature,
    load::{
        self, Size,
        arrivals::{self, Answers},
        celery::{self, CeleryService},
        deliveries,
        ledger::{BATCH, Ledger},
    },
    processes::{Cluster, Options},
    program,
    report::{Goal, count, figure, goal, ms, table},
};
use database::ids::TenantId;
use jobs::kinds::Probe;
use reqwest::header::CONTENT_TYPE;
use sqlx::Row;
use tokio::sync::Notify;

const RATE_PER_SEC: u32 = 500;

/// Probes that wait at any time, so that the workers' slots are never free.
const BUSY_BACKLOG: i64 = 5_000;

fn main() -> ExitCode {
    program::run("webhooks", measure())
}

async fn measure() -> anyhow::Result<ExitCode> {
    let size = Size::from_arguments()?;
    let lasting = size.pick(Duration::from_secs(60), Duration::from_secs(5));
    let cluster = Cluster::start(Options { workers: 2, schedulers: 1, ..Options::default() }).await?;
    let ledger = load::ledger(&cluster)?;
    let credentials = cluster.desk.credentials().clone();
    let url = format!("{}/api/gorgias/webhook", cluster.desk.base());
    let http = arrivals::client()?;
    let to_us = |number| {
        let body = deliveries::body(number);
        http.post(&url)
            .header(CONTENT_TYPE, "application/json")
            .header("x-webhook-tenant", &credentials.tenant)
            .header("x-gorgias-signature", signature(&credentials.webhook_secret, body.as_bytes()))
            .body(body)
    };

    println!("ours: {RATE_PER_SEC} webhooks/s for {} s, two workers busy", lasting.as_secs());
    let enough = Arc::new(Notify::new());
    let busy = tokio::spawn(keep_busy(ledger.clone(), enough.clone()));
    ledger.wait_for("default", "done", 1_000).await?;
    arrivals::send(50, Duration::from_secs(2), |number| to_us(1_000_000 + number)).await;
    // Statements that were planned while their tables were empty use any index; a database in use has
    // had statistics since its first minute.
    sqlx::query("analyze").execute(ledger.admin()).await?;
    let probes_before = ledger.count("default", "done").await?;
    let ours = arrivals::send(RATE_PER_SEC, lasting, to_us).await;
    let probes = ledger.count("default", "done").await? - probes_before;
    enough.notify_one();
    busy.await??;
    println!("  {probes} probes were done meanwhile; answers by status: {:?}", ours.statuses);
    let lost = lost(&ledger, &ours).await?;
    // The servers stay for the other service; our processes leave it the machine.
    for process in cluster.workers.iter().chain(&cluster.schedulers).chain([&cluster.api]) {
        process.terminate();
        process.wait().await;
    }

    let theirs = if celery::is_installed() {
        println!("FastAPI + Celery: the same, its worker busy");
        let seconds = lasting.as_secs() + 5;
        let service = CeleryService::start(&cluster, seconds * 1_000, 2.0).await?;
        let to_them = |number| {
            let body = deliveries::body(number);
            http.post(&service.url)
                .header(CONTENT_TYPE, "application/json")
                .header("x-gorgias-signature", signature(&credentials.webhook_secret, body.as_bytes()))
                .body(body)
        };
        arrivals::send(50, Duration::from_secs(2), |number| to_them(1_000_000 + number)).await;
        sqlx::query("analyze").execute(ledger.admin()).await?;
        Some(arrivals::send(RATE_PER_SEC, lasting, to_them).await)
    } else {
        println!("FastAPI + Celery is not installed (deploy/local/setup --bench), so there is no ratio");
        None
    };

    println!();
    let mut rows = vec![row("ours", &ours)];
    rows.extend(theirs.as_ref().map(|theirs| row("FastAPI + Celery", theirs)));
    table(["acknowledged", "accepted", "errors", "p50 ms", "p95 ms", "p99 ms", "max ms"], &rows);
    println!();
    count("webhooks_sent", ours.latency.count as i64, "requests");
    figure("webhooks_p50", ms(ours.latency.p50), "ms");
    goal("webhooks_p99", ms(ours.latency.p99), "ms", Goal::AtMost(25.0));
    figure("webhooks_max", ms(ours.latency.max), "ms");
    goal("webhooks_errors", ours.errors() as f64, "requests", Goal::AtMost(0.0));
    goal("webhooks_lost", lost as f64, "deliveries", Goal::AtMost(0.0));
    if let Some(theirs) = theirs {
        figure("webhooks_celery_p50", ms(theirs.latency.p50), "ms");
        figure("webhooks_celery_p99", ms(theirs.latency.p99), "ms");
        count("webhooks_celery_errors", theirs.errors() as i64, "requests");
        figure("webhooks_p50_ratio_to_celery", ms(ours.latency.p50) / ms(theirs.latency.p50), "x");
        figure("webhooks_p99_ratio_to_celery", ms(ours.latency.p99) / ms(theirs.latency.p99), "x");
    }
    cluster.stop().await;
    Ok(ExitCode::SUCCESS)
}

/// Keeps a backlog of probes until told that it is enough.
async fn keep_busy(ledger: Ledger, enough: Arc<Notify>) -> anyhow::Result<()> {
    let tenant = TenantId::new();
    loop {
        if ledger.count("default", "ready").await? < BUSY_BACKLOG {
            ledger
                .fill(tenant, "busy", BATCH * 2, None, |_| Probe { sleep_ms: 2, ..Probe::default() })
                .await?;
        }
        tokio::select! {
            () = enough.notified() => return Ok(()),
            () = tokio::time::sleep(Duration::from_millis(200)) => {}
        }
    }
}

/// Acknowledged deliveries without an inbox row, without a job, or whose job is nowhere.
async fn lost(ledger: &Ledger, ours: &Answers) -> anyhow::Result<i64> {
    // Deliveries are told apart from the warm-up by the message's number.
    let row = sqlx::query(
        "select count(*), count(*) filter (where exists (select from jobs.job j where j.id = d.job_id and j.tenant_id = d.tenant_id))
         from support_app.inbox d where d.dedup_key < 'message:91000000'",
    )
    .fetch_one(ledger.admin())
    .await
    .context("counting the inbox")?;
    let (recorded, with_job): (i64, i64) = (row.get(0), row.get(1));
    println!("  {} acknowledged, {recorded} in the inbox, {with_job} with their job", ours.accepted());
    let missing = ours.accepted() as i64 - recorded.min(with_job);
    Ok(missing.max(0))
}

fn row(name: &str, answers: &Answers) -> [String; 7] {
    let cell = |duration| format!("{:.2}", ms(duration));
    let latency = answers.latency;
    [
        name.to_owned(),
        answers.accepted().to_string(),
        answers.errors().to_string(),
        cell(latency.p50),
        cell(latency.p95),
        cell(latency.p99),
        cell(latency.max),
    ]
}
