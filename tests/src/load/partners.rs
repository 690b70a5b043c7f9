//! Events for many partners at a fixed rate, some of whom are dead and some slow: how long the others wait for theirs,
//! and whether every event is somewhere.
//!
//! Each event is for one endpoint, in turn. Its moment is the one before the transaction that makes it begins; it has
//! arrived when the partner has its body.

use std::collections::{HashMap, HashSet};
use std::net::{Ipv4Addr, TcpListener};
use std::time::{Duration, SystemTime};

use anyhow::{Context, bail};
use serde_json::{Value, json};
use sqlx::PgPool;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep};
use uuid::Uuid;

use crate::processes::Cluster;
use crate::report::Spread;
use crate::upstream::{Fault, FaultRule, When};

/// How many events go to whom.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// Events a second, over all endpoints.
    pub per_sec: u32,
    /// For how long.
    pub lasting: Duration,
    /// Endpoints, of which the first are dead and the next slow; of the others every fifth is ordered.
    pub endpoints: usize,
    /// Nobody listens there.
    pub dead: usize,
    /// They take their time.
    pub slow: usize,
    /// That much.
    pub slowness: Duration,
    /// How long what is left may take in the end.
    pub patience: Duration,
}

/// What came of it.
#[derive(Debug)]
pub struct Outcome {
    /// Events that were made.
    pub events: usize,
    /// From event to arrival at the healthy endpoints.
    pub healthy: Spread,
    /// Events that are neither delivered nor listed as failed or waiting.
    pub lost: usize,
    /// Deliveries that are listed as delivered and did not arrive.
    pub unheard: usize,
    /// Deliveries that arrived twice.
    pub twice: usize,
    /// Deliveries to ordered endpoints that came before one that was earlier.
    pub out_of_order: usize,
    /// Deliveries that are listed as failed, or fail again and again.
    pub failed: usize,
}

/// Sends the events, and waits until everything has arrived that can.
///
/// # Errors
/// The cluster does not work.
pub async fn run(cluster: &Cluster, plan: Plan) -> anyhow::Result<Outcome> {
    let endpoints = make(cluster, &plan).await?;
    let delay = Fault::Delay { ms: u64::try_from(plan.slowness.as_millis()).unwrap_or(u64::MAX) };
    let route = "/hooks/slow".to_owned();
    cluster.upstream.inject(FaultRule {
        route,
        method: None,
        count: u32::MAX,
        when: When::Before,
        fault: delay,
    });

    let made = send(&cluster.ledger, &endpoints, &plan).await?;
    settle(cluster, &endpoints, plan.patience).await?;
    judge(cluster, &endpoints, &made).await
}

/// An endpoint that was made.
#[derive(Clone, Debug)]
struct Endpoint {
    id: Uuid,
    tenant: Uuid,
    is_dead: bool,
    is_slow: bool,
    is_ordered: bool,
}

async fn make(cluster: &Cluster, plan: &Plan) -> anyhow::Result<Vec<Endpoint>> {
    let http = reqwest::Client::builder().no_proxy().build()?;
    // A port at which nobody listens: taken and given back.
    let closed = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?;
    let mut endpoints = Vec::with_capacity(plan.endpoints);
    for number in 0..plan.endpoints {
        let is_dead = number < plan.dead;
        let is_slow = !is_dead && number < plan.dead + plan.slow;
        let is_ordered = !is_dead && !is_slow && number % 5 == 0;
        let url = match (is_dead, is_slow) {
            (true, _) => format!("http://{closed}/{number}"),
            (_, true) => cluster.upstream.hook(&format!("slow-{number}")),
            _ => cluster.upstream.hook(&format!("healthy-{number}")),
        };
        // Events name their endpoint, so it listens to what nobody else tells of.
        let body = json!({ "url": url, "events": ["import.finished"], "ordered": is_ordered });
        let answer = http
            .post(format!("{}/api/outbound/endpoints", cluster.desk.base()))
            .header("x-api-key", &cluster.desk.credentials().key)
            .header("content-type", "application/json")
            .body(body.to_string())
            .send()
            .await?;
        let status = answer.status();
        let text = answer.text().await?;
        if !status.is_success() {
            bail!("an endpoint could not be made ({status}): {text}");
        }
        let made: Value = serde_json::from_str(&text)?;
        let id: Uuid = made["id"].as_str().context("an id")?.parse()?;
        let tenant: Uuid = sqlx::query_scalar("select tenant_id from outbound.endpoint where id = $1")
            .bind(id)
            .fetch_one(&cluster.ledger)
            .await?;
        endpoints.push(Endpoint { id, tenant, is_dead, is_slow, is_ordered });
    }
    Ok(endpoints)
}

/// Makes events at the rate; when each was made, by its number.
async fn send(ledger: &PgPool, endpoints: &[Endpoint], plan: &Plan) -> anyhow::Result<Vec<SystemTime>> {
    let count = plan.lasting.as_secs_f64() * f64::from(plan.per_sec);
    let mut ticks = interval(Duration::from_secs(1) / plan.per_sec.max(1));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let mut made = Vec::with_capacity(count as usize);
    for number in 0..count as usize {
        ticks.tick().await;
        let endpoint = &endpoints[number % endpoints.len()];
        made.push(SystemTime::now());
        sqlx::query(
            "insert into outbound.outbox (tenant_id, type, subject, data, endpoint_id)
             values ($1, 'ticket.status_changed', 'ticket:' || $2::text, $3, $4)",
        )
        .bind(endpoint.tenant)
        .bind(endpoint.id)
        .bind(json!({ "ticket_id": endpoint.id, "status": "open", "version": number }))
        .bind(endpoint.id)
        .execute(ledger)
        .await?;
    }
    Ok(made)
}

/// Waits until everything has ended that is not for a dead endpoint.
async fn settle(cluster: &Cluster, endpoints: &[Endpoint], patience: Duration) -> anyhow::Result<()> {
    let living: Vec<Uuid> =
        endpoints.iter().filter(|endpoint| !endpoint.is_dead).map(|endpoint| endpoint.id).collect();
    let until = Instant::now() + patience;
    loop {
        let left: i64 = sqlx::query_scalar(
            "select (select count(*) from outbound.outbox)
                    + (select count(*) from outbound.webhook_delivery where state = 'waiting' and endpoint_id = any ($1))",
        )
        .bind(&living)
        .fetch_one(&cluster.ledger)
        .await?;
        if left == 0 {
            return Ok(());
        }
        if Instant::now() >= until {
            bail!("{left} deliveries to endpoints that live are still waiting after {patience:?}");
        }
        sleep(Duration::from_millis(250)).await;
    }
}

async fn judge(cluster: &Cluster, endpoints: &[Endpoint], made: &[SystemTime]) -> anyhow::Result<Outcome> {
    let rows: Vec<(Uuid, i64, String, i16, Option<String>)> = sqlx::query_as(
        "select d.endpoint_id, (v.data ->> 'version')::bigint, d.state, d.attempts, d.last_error
         from outbound.webhook_delivery d join outbound.event v on v.id = d.event_id where d.type = 'ticket.status_changed'",
    )
    .fetch_all(&cluster.ledger)
    .await?;
    let by_id: HashMap<Uuid, &Endpoint> = endpoints.iter().map(|endpoint| (endpoint.id, endpoint)).collect();
    let mut arrived: HashMap<i64, SystemTime> = HashMap::new();
    let (mut twice, mut out_of_order) = (0, 0);
    let mut newest: HashMap<Uuid, i64> = HashMap::new();
    for delivered in cluster.upstream.delivered() {
        let body: Value = serde_json::from_slice(&delivered.body)?;
        let number = body["data"]["version"].as_i64().context("a number")?;
        let endpoint: Uuid = body["data"]["ticket_id"].as_str().context("an endpoint")?.parse()?;
        if arrived.contains_key(&number) {
            twice += 1;
            continue;
        }
        arrived.insert(number, delivered.at);
        let before = newest.entry(endpoint).or_insert(-1);
        if number < *before && by_id.get(&endpoint).is_some_and(|endpoint| endpoint.is_ordered) {
            out_of_order += 1;
        }
        *before = number.max(*before);
    }
    let mut latencies = Vec::new();
    let (mut unheard, mut failed) = (0, 0);
    let mut listed = HashSet::new();
    for (endpoint, number, state, attempts, error) in &rows {
        listed.insert(*number);
        let came = arrived.get(number);
        let endpoint = by_id.get(endpoint).context("an endpoint of ours")?;
        if state == "delivered" && came.is_none() {
            unheard += 1;
        }
        if state == "failed" || (*attempts > 0 && error.is_some() && state == "waiting") {
            failed += 1;
        }
        if let (false, false, Some(came)) = (endpoint.is_dead, endpoint.is_slow, came) {
            let at = made[usize::try_from(*number)?];
            latencies.push(came.duration_since(at).unwrap_or_default());
        }
    }
    let lost = (0..made.len() as i64).filter(|number| !listed.contains(number)).count();
    let healthy = Spread::of(latencies);
    Ok(Outcome { events: made.len(), healthy, lost, unheard, twice, out_of_order, failed })
}
