//! Our side of the peer benchmark: fills the queue and works it off with a handler that does nothing
//! but record its run, as the peers' scripts do. `bench.py` calls it; see there for the protocol.

use std::{
    collections::BTreeMap,
    fs::{File, OpenOptions},
    io::Write,
    path::PathBuf,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::{Context, bail};
use database::ids::TenantId;
use jobs::{
    Dispatch, JobKind, NewJob, Policy, Store,
    contract::{Access, Backoff, Priority, Rerun},
    dispatch::Server,
};
use serde::{Deserialize, Serialize};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, PgConnection, postgres::PgConnectOptions};
use tokio::sync::{Notify, oneshot};
use uuid::Uuid;
use worker::{
    context::Ctx,
    outcome::{Outcome, done},
    runtime::{self, Handlers, Options, Pulse},
};

/// A job that does nothing.
#[derive(Serialize, Deserialize)]
struct Noop {
    sequence: u64,
    padding: String,
}

impl JobKind for Noop {
    type Output = ();
    const KIND: &'static str = "bench_noop";
    const VERSION: i16 = 1;
    const POLICY: Policy = Policy {
        queue: "bench",
        priority: Priority::Normal,
        max_attempts: 3,
        backoff: Backoff { base: Duration::from_secs(1), cap: Duration::from_secs(10) },
        deadline: Duration::from_secs(60),
        key_limit: 1,
        access: Access::Operator,
        rerun: Rerun::Never,
    };
}

/// Jobs that one statement takes in a bulk enqueue.
const BULK: u64 = 1_000;

/// Slots of the worker: two lanes of 500.
const SLOTS: usize = 1_000;

/// How often the ledger is asked, once the last handler is over, whether it has all completions.
const LOOK_EVERY: Duration = Duration::from_millis(1);

/// What is measured is a task, as the requests of an api are and the parts of a worker: on the process's first thread it
/// would be woken by another one each time.
#[tokio::main]
async fn main() -> anyhow::Result<()> {
    boot::install_tls();
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number = |flag: &str| -> Option<u64> {
        let at = arguments.iter().position(|argument| argument == flag)?;
        arguments.get(at + 1)?.parse().ok()
    };
    let count = || -> anyhow::Result<u64> {
        arguments.get(1).and_then(|text| text.parse().ok()).context("the second argument is how many")
    };
    match arguments.first().map(String::as_str) {
        Some("prepare") => prepare().await,
        Some("enqueue") if arguments.iter().any(|argument| argument == "--bulk") => {
            tokio::spawn(enqueue(count()?, BULK)).await?
        }
        Some("enqueue") => tokio::spawn(enqueue(count()?, 1)).await?,
        Some("enqueue-paced") => {
            tokio::spawn(paced(count()?, Duration::from_millis(number("--gap-ms").unwrap_or(20)))).await?
        }
        Some("work" | "idle-work") => {
            tokio::spawn(work(number("--expect").context("--expect N is missing")?)).await?
        }
        _ => bail!(
            "usage: queue-bench prepare | enqueue N [--bulk] | enqueue-paced N --gap-ms G | work --expect N | idle-work --expect N"
        ),
    }
}

async fn prepare() -> anyhow::Result<()> {
    let url = database_url()?;
    let options: PgConnectOptions = url.parse()?;
    let name = options.get_database().context("DATABASE_URL names no database")?.to_owned();
    let mut server = options.database("postgres").connect().await?;
    sqlx::query(AssertSqlSafe(format!("create database \"{name}\""))).execute(&mut server).await?;
    server.close().await?;
    migrations::apply(&url).await?;
    Ok(())
}

fn database_url() -> anyhow::Result<String> {
    std::env::var("DATABASE_URL").context("DATABASE_URL is not set")
}

fn connect() -> anyhow::Result<(Store, Dispatch)> {
    let store = Store::connect(&database_url()?, 8)?;
    let redis = std::env::var("REDIS_URL").context("REDIS_URL is not set")?;
    Ok((store, Dispatch::new(Server::new(&redis)?, "bench")))
}

fn job(sequence: u64, padding: &str) -> anyhow::Result<NewJob> {
    let tenant = TenantId(Uuid::from_u128(7));
    Ok(NewJob::of(tenant, &Noop { sequence, padding: padding.to_owned() })?)
}

async fn enqueue(count: u64, batch: u64) -> anyhow::Result<()> {
    let (store, dispatch) = connect()?;
    let padding = "x".repeat(164);
    let mut conn = store.pool().acquire().await?;
    let started = Instant::now();
    let mut sequence = 0;
    while sequence < count {
        let until = (sequence + batch).min(count);
        let jobs =
            (sequence..until).map(|sequence| job(sequence, &padding)).collect::<anyhow::Result<Vec<_>>>()?;
        let (_, announcement) = jobs::enqueue(&mut conn, &jobs).await?;
        dispatch.announce(announcement);
        sequence = until;
    }
    dispatch.flush().await;
    println!("{{\"seconds\": {}}}", started.elapsed().as_secs_f64());
    Ok(())
}

async fn paced(count: u64, gap: Duration) -> anyhow::Result<()> {
    let (store, dispatch) = connect()?;
    let padding = "x".repeat(164);
    let records = Records::open()?;
    let mut conn = store.pool().acquire().await?;
    let mut pace = tokio::time::interval(gap);
    let started = Instant::now();
    for sequence in 0..count {
        pace.tick().await;
        records.write(&[(sequence, now_ns()?, 0)])?;
        let (_, announcement) = jobs::enqueue(&mut conn, &[job(sequence, &padding)?]).await?;
        dispatch.announce(announcement);
    }
    dispatch.flush().await;
    println!("{{\"seconds\": {}}}", started.elapsed().as_secs_f64());
    Ok(())
}

struct Bench {
    records: Records,
    left: AtomicU64,
    finished: Notify,
    first: Mutex<Option<Instant>>,
}

async fn work(expect: u64) -> anyhow::Result<()> {
    let (store, dispatch) = connect()?;
    let bench = Arc::new(Bench {
        records: Records::open()?,
        left: AtomicU64::new(expect),
        finished: Notify::new(),
        first: Mutex::new(None),
    });
    let options = Options {
        name: "bench".to_owned(),
        queues: BTreeMap::from([("bench".to_owned(), SLOTS)]),
        grace: Duration::from_secs(10),
        database_url: database_url()?.into(),
        pulse: Pulse::default(),
    };
    let handlers = Handlers::default().with::<Noop, _, _, _>(&bench, handle);
    let mut conn = store.pool().acquire().await?;
    let (stop, stopped) = oneshot::channel::<()>();
    let worker = tokio::spawn(runtime::run(store.clone(), dispatch, handlers, options, async move {
        let _ = stopped.await;
    }));
    bench.finished.notified().await;
    until_settled(&mut conn, expect).await?;
    let first = bench.first.lock().ok().and_then(|first| *first).context("no job ran")?;
    let seconds = first.elapsed().as_secs_f64();
    let _ = stop.send(());
    worker.await??;
    println!("{{\"seconds\": {seconds}}}");
    Ok(())
}

/// Waits until the ledger has so many completions: by its books, which are written together with them.
async fn until_settled(conn: &mut PgConnection, expect: u64) -> anyhow::Result<()> {
    let expect = i64::try_from(expect)?;
    loop {
        let done: i64 = sqlx::query_scalar(
            "select coalesce(sum(n), 0)::bigint from jobs.transition where to_state = 'done'",
        )
        .fetch_one(&mut *conn)
        .await?;
        if done >= expect {
            return Ok(());
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

async fn handle(_: Ctx, bench: Arc<Bench>, job: Noop) -> Outcome<()> {
    let started = now_ns().unwrap_or_default();
    if let Ok(mut first) = bench.first.lock() {
        first.get_or_insert_with(Instant::now);
    }
    let ended = now_ns().unwrap_or_default();
    let written = bench.records.write(&[(job.sequence, started, 1), (job.sequence, ended, 2)]);
    if written.is_ok() && bench.left.fetch_sub(1, Ordering::AcqRel) == 1 {
        bench.finished.notify_one();
    }
    done(())
}

/// The file of records: sequence, nanoseconds of the monotonic clock, kind, process.
struct Records {
    file: File,
    process: u32,
}

impl Records {
    fn open() -> anyhow::Result<Records> {
        let process = std::process::id();
        let folder =
            PathBuf::from(std::env::var("REC").context("REC is not set: the folder of the record files")?);
        let path = folder.join(format!("{process}.rec"));
        let file = OpenOptions::new().create(true).append(true).open(&path).context("the record file")?;
        Ok(Records { file, process })
    }

    fn write(&self, records: &[(u64, u64, u32)]) -> std::io::Result<()> {
        let mut bytes = Vec::with_capacity(records.len() * 24);
        for (sequence, at, kind) in records {
            bytes.extend_from_slice(&sequence.to_le_bytes());
            bytes.extend_from_slice(&at.to_le_bytes());
            bytes.extend_from_slice(&kind.to_le_bytes());
            bytes.extend_from_slice(&self.process.to_le_bytes());
        }
        (&self.file).write_all(&bytes)
    }
}

fn now_ns() -> anyhow::Result<u64> {
    let now = nix::time::clock_gettime(nix::time::ClockId::CLOCK_MONOTONIC)?;
    Ok(u64::try_from(now.tv_sec())? * 1_000_000_000 + u64::try_from(now.tv_nsec())?)
}
