//! WebSockets of thousands of agents on one api process: how long an event takes from its commit to the client, what a
//! connection costs, and what is missed when hundreds are cut off and the process is killed.
//!
//! The agents belong to five tenants. An event's time is its commit as near as the database knows it (`at`, the statement
//! that wrote it); the client's is when the text is in its hands.

use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::{Context, bail};
use chrono::{DateTime, Utc};
use cluster::load::{self, Size};
use cluster::processes::{Cluster, Options};
use cluster::program;
use cluster::report::{Goal, Spread, count, figure, goal, ms};
use futures_util::StreamExt;
use serde_json::Value;
use sqlx::PgPool;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async_with_config};
use uuid::Uuid;

const TENANTS: usize = 5;

/// How many events each tenant has before, and how many while clients are cut off.
const EVENTS: usize = 60;

/// Between two events of the whole run: each goes to every client of its tenant.
const BETWEEN: Duration = Duration::from_millis(150);

fn main() -> ExitCode {
    program::run("realtime", measure())
}

struct Shop {
    tenant: Uuid,
    key: String,
    agent: Uuid,
    ticket: Uuid,
}

/// What the clients have heard.
#[derive(Default)]
struct Heard {
    connected: AtomicUsize,
    delays: std::sync::Mutex<Vec<Duration>>,
    counts_delays: AtomicBool,
}

async fn measure() -> anyhow::Result<ExitCode> {
    let size = Size::from_arguments()?;
    let clients = size.pick(5_000, 500);
    load::allow_open_files(3 * clients as u64 + 1_000)?;
    let more = ("DESK_MAX_CONNECTIONS".to_owned(), "12000".to_owned());
    let mut options = Options { workers: 0, schedulers: 1, ..Options::default() };
    options.env.push(more);
    let mut cluster = Cluster::start(options).await?;
    let mut shops = Vec::new();
    for number in 0..TENANTS {
        shops.push(Arc::new(shop(&cluster, number).await?));
    }
    let address = cluster.desk.base().trim_start_matches("http://").to_owned();

    // One client first, so that what the process allocates once is not counted as a connection's.
    let heard = Arc::new(Heard::default());
    let stop = Arc::new(AtomicBool::new(false));
    drop(connect(&address, &shops[0], None).await?);
    sleep(Duration::from_secs(2)).await;
    let before = cluster.api.resident_bytes().context("the api is gone")?;

    println!("{clients} agents connect");
    let mut running = JoinSet::new();
    for number in 0..clients {
        let client = Client {
            address: address.clone(),
            shop: shops[number % TENANTS].clone(),
            heard: heard.clone(),
            stop: stop.clone(),
            // A tenth is cut off on the way.
            is_cut: number % 10 == 0,
        };
        running.spawn(client.run());
        if number % 10 == 9 {
            sleep(Duration::from_millis(10)).await;
        }
    }
    all_connected(&heard, clients).await?;
    sleep(Duration::from_secs(2)).await;
    let after = cluster.api.resident_bytes().context("the api is gone")?;
    let each = after.saturating_sub(before) as f64 / clients as f64 / 1024.0;

    println!("events while everybody listens");
    heard.counts_delays.store(true, Ordering::Relaxed);
    for number in 0..EVENTS {
        touch(&cluster.ledger, &shops[number % TENANTS], number).await?;
        sleep(BETWEEN).await;
    }
    sleep(Duration::from_secs(2)).await;
    heard.counts_delays.store(false, Ordering::Relaxed);
    let delays = Spread::of(std::mem::take(&mut *heard.delays.lock().expect("nobody panics")));
    let loaded = cluster.api.resident_bytes().context("the api is gone")?;

    println!("{} are cut off, the api is killed and started again, events go on", clients / 10);
    CUT.store(true, Ordering::Relaxed);
    for number in 0..EVENTS {
        touch(&cluster.ledger, &shops[number % TENANTS], number).await?;
        if number == EVENTS / 2 {
            cluster.restart_api().await?;
        }
        sleep(BETWEEN / 3).await;
    }
    let newest = newest(&cluster, &shops).await?;
    stop.store(true, Ordering::Relaxed);
    for shop in &shops {
        touch(&cluster.ledger, shop, 0).await?;
    }
    let (mut missed, mut resets, mut came_back) = (0, 0, 0);
    while let Some(client) =
        timeout(load::PATIENCE, running.join_next()).await.context("clients still wait")?
    {
        let seen = client??;
        missed += seen.missed;
        resets += seen.resets;
        came_back += usize::from(seen.came_back > 0);
    }
    println!();
    count("realtime_clients", i64::try_from(clients)?, "agents");
    figure("realtime_event_p50", ms(delays.p50), "ms");
    let fast = goal("realtime_event_p99", ms(delays.p99), "ms", Goal::AtMost(250.0));
    count("realtime_deliveries", i64::try_from(delays.count)?, "events");
    let small = goal("realtime_connection", each, "KiB", Goal::AtMost(20.0));
    figure(
        "realtime_connection_loaded",
        loaded.saturating_sub(before) as f64 / clients as f64 / 1024.0,
        "KiB",
    );
    count("realtime_came_back", i64::try_from(came_back)?, "agents");
    count("realtime_newest", newest, "number");
    let whole = goal("realtime_missed", missed as f64, "events", Goal::AtMost(0.0));
    goal("realtime_resets", f64::from(resets), "times", Goal::AtMost(0.0));
    cluster.stop().await;
    Ok(if fast && small && whole && resets == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

static CUT: AtomicBool = AtomicBool::new(false);

async fn shop(cluster: &Cluster, number: usize) -> anyhow::Result<Shop> {
    let slug = format!("live-{number}");
    let desk = cluster.create_tenant(&slug).await?;
    let key = desk.credentials().key.clone();
    let tenant: Uuid = sqlx::query_scalar("select id from shared.tenant where slug = $1")
        .bind(&slug)
        .fetch_one(&cluster.ledger)
        .await?;
    let (agent, ticket) = (Uuid::now_v7(), Uuid::now_v7());
    sqlx::query("insert into support_app.agent (id, tenant_id, name, email) values ($1, $2, 'agent', 'a@example.com')")
        .bind(agent)
        .bind(tenant)
        .execute(&cluster.ledger)
        .await?;
    sqlx::query(
        "insert into support_app.ticket
             (id, tenant_id, number, provider, external_id, channel, source, status, priority)
         values ($1, $2, 1, 'desk', '1', 'email', 'email', 'open', 'normal')",
    )
    .bind(ticket)
    .bind(tenant)
    .execute(&cluster.ledger)
    .await?;
    Ok(Shop { tenant, key, agent, ticket })
}

/// One change of the shop's ticket, and so one event.
async fn touch(ledger: &PgPool, shop: &Shop, number: usize) -> anyhow::Result<()> {
    sqlx::query("update support_app.ticket set subject = $2 where id = $1")
        .bind(shop.ticket)
        .bind(format!("{number} {}", Uuid::now_v7()))
        .execute(ledger)
        .await?;
    Ok(())
}

async fn newest(cluster: &Cluster, shops: &[Arc<Shop>]) -> anyhow::Result<i64> {
    let tenants: Vec<Uuid> = shops.iter().map(|shop| shop.tenant).collect();
    let newest: Option<i64> =
        sqlx::query_scalar("select max(seq) from support_app.event_head where tenant_id = any($1)")
            .bind(tenants)
            .fetch_one(&cluster.ledger)
            .await?;
    Ok(newest.unwrap_or(0))
}

async fn all_connected(heard: &Heard, clients: usize) -> anyhow::Result<()> {
    let started = Instant::now();
    while heard.connected.load(Ordering::Relaxed) < clients {
        if started.elapsed() > load::PATIENCE {
            bail!("{} of {clients} are connected", heard.connected.load(Ordering::Relaxed));
        }
        sleep(Duration::from_millis(50)).await;
    }
    Ok(())
}

type Socket = WebSocketStream<MaybeTlsStream<tokio::net::TcpStream>>;

async fn connect(address: &str, shop: &Shop, after: Option<i64>) -> anyhow::Result<Socket> {
    let query = after.map(|after| format!("?after={after}")).unwrap_or_default();
    let mut request = format!("ws://{address}/ws/agent/{}{query}", shop.agent).into_client_request()?;
    request.headers_mut().insert("x-api-key", shop.key.parse()?);
    let config = WebSocketConfig::default().read_buffer_size(1_024).write_buffer_size(0);
    Ok(connect_async_with_config(request, Some(config), true).await?.0)
}

struct Client {
    address: String,
    shop: Arc<Shop>,
    heard: Arc<Heard>,
    stop: Arc<AtomicBool>,
    is_cut: bool,
}

#[derive(Default)]
struct Seen {
    last: Option<i64>,
    missed: i64,
    resets: i32,
    came_back: u32,
}

impl Client {
    /// Listens until it is told to stop, and comes back whenever it is cut off.
    async fn run(self) -> anyhow::Result<Seen> {
        let mut seen = Seen::default();
        let mut was_cut = false;
        'connections: loop {
            let mut socket = match connect(&self.address, &self.shop, seen.last).await {
                Ok(socket) => socket,
                // The process is not there yet.
                Err(_) => {
                    sleep(Duration::from_millis(200)).await;
                    continue;
                }
            };
            let mut is_first = seen.last.is_none();
            seen.came_back += u32::from(!is_first);
            while let Some(Ok(message)) = socket.next().await {
                let Message::Text(text) = message else { continue };
                let now = Utc::now();
                let document: Value = serde_json::from_str(text.as_str())?;
                seen.take(&document);
                if std::mem::take(&mut is_first) {
                    self.heard.connected.fetch_add(1, Ordering::Relaxed);
                }
                if self.heard.counts_delays.load(Ordering::Relaxed)
                    && let Some(at) = document["at"].as_str()
                {
                    let delay = now - at.parse::<DateTime<Utc>>()?;
                    let mut delays = self.heard.delays.lock().expect("nobody panics");
                    delays.push(delay.to_std().unwrap_or_default());
                }
                if self.stop.load(Ordering::Relaxed) && document["type"] == "event" {
                    return Ok(seen);
                }
                if self.is_cut && !was_cut && CUT.load(Ordering::Relaxed) {
                    was_cut = true;
                    drop(socket);
                    continue 'connections;
                }
            }
        }
    }
}

impl Seen {
    fn take(&mut self, document: &Value) {
        let Some(id) = document["id"].as_i64() else { return };
        match document["type"].as_str() {
            Some("event") => {
                if let Some(last) = self.last {
                    self.missed += (id - last - 1).max(0);
                }
                self.last = Some(id);
            }
            Some("reset") => {
                self.resets += 1;
                self.last = Some(id);
            }
            _ if self.last.is_none() => self.last = Some(id),
            _ => {}
        }
    }
}
