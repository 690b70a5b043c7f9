//! Two thousand clients wait for two thousand jobs on one api process, half of them with a request that
//! is held, half with a stream of events. Their jobs complete within a few seconds; a delay counts from
//! the transaction that completed the job (`finished_at`) to the answer in the client's hands.

use std::{process::ExitCode, sync::Arc, time::Duration};

use anyhow::{Context, bail};
use chrono::{DateTime, Utc};
use cluster::{
    load::{self, Size, arrivals},
    processes::{Cluster, Options},
    program,
    report::{Goal, Spread, count, figure, goal, ms, table},
};
use reqwest::{Client, RequestBuilder};
use serde_json::{Value, json};
use tokio::{
    sync::Semaphore,
    task::JoinSet,
    time::{sleep, timeout},
};
use uuid::Uuid;

/// How long the jobs may take altogether; the api holds a request for 60 s at most.
const ENOUGH: Duration = Duration::from_secs(55);

/// Between the connecting of two clients.
const RAMP: Duration = Duration::from_millis(2);

fn main() -> ExitCode {
    program::run("waiters", measure())
}

async fn measure() -> anyhow::Result<ExitCode> {
    let size = Size::from_arguments()?;
    let each = size.pick(1_000, 100);
    load::allow_open_files(8_192)?;
    let cluster = Cluster::start(Options { workers: 0, schedulers: 1, ..Options::default() }).await?;
    let mut cluster = cluster;
    let (base, key) = (cluster.desk.base().to_owned(), cluster.desk.credentials().key.clone());
    let http = arrivals::client()?;
    let get = |http: &Client, path: String| http.get(format!("{base}{path}")).header("x-api-key", &key);

    println!("{each} clients poll, {each} stream");
    let jobs = enqueue(&cluster, 2 * each).await?;
    let connected = Arc::new(Semaphore::new(0));
    let (mut polls, mut streams) = (JoinSet::new(), JoinSet::new());
    for (number, job) in jobs.iter().enumerate() {
        if number % 2 == 0 {
            polls.spawn(poll(get(&http, format!("/api/jobs/{job}?wait=60s")).timeout(ENOUGH * 2)));
        } else {
            let request = get(&http, format!("/api/jobs/{job}/events")).timeout(ENOUGH * 2);
            streams.spawn(stream(request, connected.clone()));
        }
        sleep(RAMP).await;
    }
    // A stream says that it is there; a held request gives no sign, so it is given as long as the
    // streams took and a moment.
    let all = timeout(ENOUGH, connected.acquire_many(u32::try_from(each)?)).await;
    all.context("not every stream was opened in time")??.forget();
    sleep(Duration::from_secs(1)).await;

    println!("a worker starts, their jobs complete");
    let started = Utc::now();
    cluster.start_worker_with(&[("DESK_QUEUES", "default=64,ops=1")])?;
    let polled = delays(polls, started).await?;
    let streamed = delays(streams, started).await?;
    let completing: f64 = sqlx::query_scalar(
        "select extract(epoch from max(finished_at) - min(finished_at))::float8 from jobs.finished where kind = 'probe'",
    )
    .fetch_one(&cluster.ledger)
    .await?;

    println!("  the jobs completed within {completing:.1} s");
    println!();
    let row = |name: &str, spread: Spread| {
        let cell = |duration| format!("{:.1}", ms(duration));
        [name.to_owned(), spread.count.to_string(), cell(spread.p50), cell(spread.p99), cell(spread.max)]
    };
    table(
        ["from completion to answer", "clients", "p50 ms", "p99 ms", "max ms"],
        &[row("held request", polled), row("event stream", streamed)],
    );
    println!();
    count("waiters_clients", i64::try_from(polled.count + streamed.count)?, "clients");
    figure("waiters_poll_p50", ms(polled.p50), "ms");
    goal("waiters_poll_p99", ms(polled.p99), "ms", Goal::AtMost(100.0));
    figure("waiters_stream_p50", ms(streamed.p50), "ms");
    goal("waiters_stream_p99", ms(streamed.p99), "ms", Goal::AtMost(100.0));
    let memory = cluster.api.resident_bytes().context("the api is gone")?;
    figure("waiters_api_memory", memory as f64 / 1e6, "MB");
    cluster.stop().await;
    Ok(ExitCode::SUCCESS)
}

async fn enqueue(cluster: &Cluster, count: usize) -> anyhow::Result<Vec<Uuid>> {
    let job = json!({ "kind": "probe", "payload": { "sleep_ms": 100 } });
    let mut ids = Vec::with_capacity(count);
    while ids.len() < count {
        let batch = vec![job.clone(); (count - ids.len()).min(500)];
        ids.extend(cluster.desk.batch(&batch, None).await?.into_iter().map(|job| job.job_id));
    }
    Ok(ids)
}

/// When the answer was there, and the job in it.
type Arrival = (DateTime<Utc>, Value);

async fn poll(request: RequestBuilder) -> anyhow::Result<Arrival> {
    let bytes = request.send().await?.error_for_status()?.bytes().await?;
    let now = Utc::now();
    Ok((now, serde_json::from_slice(&bytes)?))
}

/// Reads events until one says that the job is done.
async fn stream(request: RequestBuilder, connected: Arc<Semaphore>) -> anyhow::Result<Arrival> {
    let mut response = request.send().await?.error_for_status()?;
    let mut text = String::new();
    let mut is_first = true;
    while let Some(chunk) = response.chunk().await? {
        let now = Utc::now();
        text.push_str(std::str::from_utf8(&chunk)?);
        while let Some((event, rest)) = text.split_once("\n\n") {
            if std::mem::take(&mut is_first) {
                connected.add_permits(1);
            }
            let data = event.lines().find_map(|line| line.strip_prefix("data:"));
            if let Some(job) = data.map(|data| serde_json::from_str::<Value>(data.trim())).transpose()?
                && job["state"] == "done"
            {
                return Ok((now, job));
            }
            text = rest.to_owned();
        }
    }
    bail!("the stream ended before the job did")
}

async fn delays(
    mut clients: JoinSet<anyhow::Result<Arrival>>,
    started: DateTime<Utc>,
) -> anyhow::Result<Spread> {
    let mut delays = Vec::new();
    while let Some(arrival) = timeout(ENOUGH * 2, clients.join_next()).await.context("clients still wait")? {
        let (at, job) = arrival??;
        let finished = job["finished_at"].as_str().context("an answer before the job's end")?;
        let finished: DateTime<Utc> = finished.parse()?;
        if finished < started {
            bail!("a job ended before its worker was started");
        }
        delays.push((at - finished).to_std().unwrap_or_default());
    }
    Ok(Spread::of(delays))
}
