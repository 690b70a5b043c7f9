//! Signed webhooks at a fixed rate while the workers are busy: how long the senders wait for their answer
//! and whether everything that was acknowledged is there afterwards. Then the same deliveries at the same
//! rate go to FastAPI + Celery, whose worker is kept busy too, and the two are compared, in rounds that change who goes
//! first. The worse round counts.
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
    stolen,
};
use database::ids::TenantId;
use jobs::kinds::Probe;
use reqwest::header::CONTENT_TYPE;
use sqlx::Row;
use tokio::sync::Notify;

const RATE_PER_SEC: u32 = 500;

/// What the workers do meanwhile: the load, and what the webhooks ask for.
const KINDS: [&str; 5] = ["probe", "draft_reply", "post_internal_note", "settle_ticket", "refresh_rank"];

/// Probes that wait at any time, so that the workers' slots are never free.
const BUSY_BACKLOG: i64 = 5_000;

fn main() -> ExitCode {
    program::run("webhooks", measure())
}

async fn measure() -> anyhow::Result<ExitCode> {
    let size = Size::from_arguments()?;
    let mut bench = Bench::start(size).await?;
    let mut rounds = Vec::new();
    let mut shares = Vec::new();
    for round in 0..size.pick(ROUNDS, 1) {
        let watch = stolen::Watch::start();
        // The one that goes first changes from round to round.
        let (ours, theirs) = if round % 2 == 0 {
            (bench.ours(round).await?, bench.theirs(round).await?)
        } else {
            let theirs = bench.theirs(round).await?;
            (bench.ours(round).await?, theirs)
        };
        shares.push(watch.share());
        rounds.push(Round { ours, theirs });
    }
    let lost = lost(&bench.ledger, rounds.iter().map(|round| round.ours.accepted()).sum()).await?;
    if !celery::is_installed() {
        println!("FastAPI + Celery is not installed (deploy/local/setup --bench), so there is no ratio");
    }
    tell(&rounds, lost);
    stolen::tell("webhooks", &shares);
    bench.cluster.stop().await;
    Ok(ExitCode::SUCCESS)
}

/// How often both are measured, in turn.
const ROUNDS: u64 = 2;

/// What came of one round.
struct Round {
    ours: Answers,
    theirs: Option<Answers>,
}

/// The servers, and whoever runs on them at the moment.
struct Bench {
    cluster: Cluster,
    ledger: Ledger,
    http: reqwest::Client,
    lasting: Duration,
    we_run: bool,
}

impl Bench {
    async fn start(size: Size) -> anyhow::Result<Bench> {
        let cluster = Cluster::start(Options { workers: 2, schedulers: 1, ..Options::default() }).await?;
        Ok(Bench {
            ledger: load::ledger(&cluster)?,
            http: arrivals::client()?,
            lasting: size.pick(Duration::from_secs(60), Duration::from_secs(5)),
            we_run: true,
            cluster,
        })
    }

    /// Ours, on busy workers.
    async fn ours(&mut self, round: u64) -> anyhow::Result<Answers> {
        self.begin().await?;
        println!("ours: {RATE_PER_SEC} webhooks/s for {} s, two workers busy", self.lasting.as_secs());
        let credentials = self.cluster.desk.credentials().clone();
        let url = format!("{}/api/gorgias/webhook", self.cluster.desk.base());
        let to_us = |number| {
            let body = deliveries::body(number);
            self.http
                .post(&url)
                .header(CONTENT_TYPE, "application/json")
                .header("x-webhook-tenant", &credentials.tenant)
                .header("x-gorgias-signature", signature(&credentials.webhook_secret, body.as_bytes()))
                .body(body)
        };
        let enough = Arc::new(Notify::new());
        let done_before = self.ledger.count("default", "done").await?;
        let busy = tokio::spawn(keep_busy(self.ledger.clone(), enough.clone()));
        self.ledger.wait_for("default", "done", done_before + 1_000).await?;
        arrivals::send(50, Duration::from_secs(2), |number| to_us(warm_up(round) + number)).await;
        // Statements that were planned while their tables were empty use any index; a database in use has
        // had statistics since its first minute.
        sqlx::query("analyze").execute(self.ledger.admin()).await?;
        let before = self.done().await?;
        let ours = arrivals::send(RATE_PER_SEC, self.lasting, |number| to_us(first(round) + number)).await;
        let after = self.done().await?;
        enough.notify_one();
        busy.await??;
        for ((kind, before), after) in KINDS.iter().zip(before).zip(after) {
            println!("  {} {kind} were done meanwhile", after - before);
        }
        println!("  answers by status: {:?}", ours.statuses);
        self.end().await;
        Ok(ours)
    }

    /// How many jobs of each of [`KINDS`] are done.
    async fn done(&self) -> anyhow::Result<[i64; KINDS.len()]> {
        let mut done = [0; KINDS.len()];
        for (done, kind) in done.iter_mut().zip(KINDS) {
            let counted = sqlx::query_scalar("select count(*) from jobs.finished where kind = $1").bind(kind);
            *done = counted.fetch_one(self.ledger.admin()).await.context("counting what is done")?;
        }
        Ok(done)
    }

    /// The other service, on the same servers, which our processes leave to it.
    async fn theirs(&mut self, round: u64) -> anyhow::Result<Option<Answers>> {
        if !celery::is_installed() {
            return Ok(None);
        }
        self.end().await;
        println!("FastAPI + Celery: the same, its worker busy");
        let seconds = self.lasting.as_secs() + 5;
        let service = CeleryService::start(&self.cluster, seconds * 1_000, 2.0).await?;
        let secret = self.cluster.desk.credentials().webhook_secret.clone();
        let to_them = |number| {
            let body = deliveries::body(number);
            self.http
                .post(&service.url)
                .header(CONTENT_TYPE, "application/json")
                .header("x-gorgias-signature", signature(&secret, body.as_bytes()))
                .body(body)
        };
        arrivals::send(50, Duration::from_secs(2), |number| to_them(warm_up(round) + number)).await;
        sqlx::query("analyze").execute(self.ledger.admin()).await?;
        let theirs =
            arrivals::send(RATE_PER_SEC, self.lasting, |number| to_them(first(round) + number)).await;
        Ok(Some(theirs))
    }

    /// Starts our processes, if they do not run.
    async fn begin(&mut self) -> anyhow::Result<()> {
        if std::mem::replace(&mut self.we_run, true) {
            return Ok(());
        }
        self.cluster.start_scheduler()?;
        for _ in 0..2 {
            self.cluster.start_worker()?;
        }
        self.cluster.restart_api().await
    }

    /// Ends our processes in order, if they run.
    async fn end(&mut self) {
        if !std::mem::replace(&mut self.we_run, false) {
            return;
        }
        let workers = std::mem::take(&mut self.cluster.workers);
        let schedulers = std::mem::take(&mut self.cluster.schedulers);
        for process in workers.iter().chain(&schedulers).chain([&self.cluster.api]) {
            process.terminate();
            process.wait().await;
        }
    }
}

/// The numbers of a round's deliveries begin here, and those of its warm-up there.
fn first(round: u64) -> u64 {
    round * 100_000
}

fn warm_up(round: u64) -> u64 {
    WARM_UP + round * 1_000
}

/// Deliveries from this number on are no part of what is measured.
const WARM_UP: u64 = 1_000_000;

/// A place in the spread of answers' times.
type Place = fn(&Answers) -> Duration;

/// Prints what came of the rounds; the worse one counts.
fn tell(rounds: &[Round], lost: i64) {
    println!();
    let mut rows = Vec::new();
    for Round { ours, theirs } in rounds {
        rows.push(row("ours", ours));
        rows.extend(theirs.as_ref().map(|theirs| row("FastAPI + Celery", theirs)));
    }
    table(["acknowledged", "accepted", "errors", "p50 ms", "p95 ms", "p99 ms", "max ms"], &rows);
    println!();
    let worst = |figure: &dyn Fn(&Round) -> Option<f64>| rounds.iter().filter_map(figure).reduce(f64::max);
    let sum = |number: &dyn Fn(&Round) -> u64| rounds.iter().map(number).sum::<u64>();
    count("webhooks_sent", sum(&|round| round.ours.latency.count as u64) as i64, "requests");
    let of_ours = |place: Place| worst(&|round| Some(ms(place(&round.ours)))).unwrap_or(0.0);
    figure("webhooks_p50", of_ours(|answers| answers.latency.p50), "ms");
    goal("webhooks_p99", of_ours(|answers| answers.latency.p99), "ms", Goal::AtMost(25.0));
    figure("webhooks_max", of_ours(|answers| answers.latency.max), "ms");
    goal("webhooks_errors", sum(&|round| round.ours.errors()) as f64, "requests", Goal::AtMost(0.0));
    goal("webhooks_lost", lost as f64, "deliveries", Goal::AtMost(0.0));
    let of_theirs = |place: Place| worst(&|round| Some(ms(place(round.theirs.as_ref()?))));
    let ratio =
        |place: Place| worst(&|round| Some(ms(place(&round.ours)) / ms(place(round.theirs.as_ref()?))));
    let places: [(&str, Place); 2] =
        [("p50", |answers| answers.latency.p50), ("p99", |answers| answers.latency.p99)];
    for (name, place) in places {
        let (Some(theirs), Some(ratio)) = (of_theirs(place), ratio(place)) else { continue };
        figure(&format!("webhooks_celery_{name}"), theirs, "ms");
        goal(&format!("webhooks_{name}_ratio_to_celery"), ratio, "x", Goal::AtMost(1.0));
    }
    let errors = rounds.iter().filter_map(|round| Some(round.theirs.as_ref()?.errors())).sum::<u64>();
    count("webhooks_celery_errors", errors as i64, "requests");
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
async fn lost(ledger: &Ledger, accepted: u64) -> anyhow::Result<i64> {
    // Deliveries are told apart from the warm-up by the message's number.
    let row = sqlx::query(
        "select count(*), count(*) filter (where exists (select from jobs.job j where j.id = d.job_id and j.tenant_id = d.tenant_id))
         from support_app.inbox d where d.dedup_key < 'message:91000000'",
    )
    .fetch_one(ledger.admin())
    .await
    .context("counting the inbox")?;
    let (recorded, with_job): (i64, i64) = (row.get(0), row.get(1));
    println!("  {accepted} acknowledged, {recorded} in the inbox, {with_job} with their job");
    let missing = accepted as i64 - recorded.min(with_job);
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
