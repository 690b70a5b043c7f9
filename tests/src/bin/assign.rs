//! Two thousand tickets for fifty agents, by eight workers at once: every capacity is filled and none exceeded, the rest
//! waits, and as work is resolved the queue drains in its order. What happened is read from the history, not from what was
//! meant to happen.

use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Context, bail};
use cluster::load::{self, Size};
use cluster::processes::{Cluster, Options};
use cluster::program;
use cluster::report::{Goal, count, figure, goal};
use jobs::dispatch::Server;
use jobs::events::Waiters;
use jobs::{Dispatch, JobId};
use serde_json::json;
use sqlx::PgPool;
use tokio::task::JoinSet;
use uuid::Uuid;

const AGENTS: i32 = 50;
const CAPACITY: i32 = 10;

/// How many people resolve tickets at once.
const HANDS: usize = 8;

fn main() -> ExitCode {
    program::run("assign", measure())
}

async fn measure() -> anyhow::Result<ExitCode> {
    let size = Size::from_arguments()?;
    let (tickets, resolved) = (size.pick(2_000, 700), size.pick(400, 60));
    let queues = "default=2,ops=1".to_owned();
    let cluster = Cluster::start(Options { workers: 8, schedulers: 1, queues, ..Options::default() }).await?;
    let tenant = load::tenant(&cluster).await?;
    let ledger = &cluster.ledger;
    let waiters = Waiters::start(Dispatch::new(Server::new(&cluster.servers.redis_url)?, "deskwork"));
    fill(ledger, tenant.0, tickets).await?;

    println!("{tickets} tickets ask for an agent at once");
    let ids: Vec<Uuid> =
        sqlx::query_scalar("select id from support_app.ticket order by random()").fetch_all(ledger).await?;
    let started = Instant::now();
    for part in ids.chunks(500) {
        let jobs: Vec<_> = part
            .iter()
            .map(|id| json!({ "kind": "assign_ticket", "payload": { "ticket_id": id } }))
            .collect();
        cluster.desk.batch(&jobs, None).await?;
    }
    quiet(ledger, &waiters).await?;
    figure("assign_first_secs", started.elapsed().as_secs_f64(), "s");
    let places = i64::from(AGENTS * CAPACITY);
    let (assigned, waiting) = standing(ledger).await?;
    goal("assign_assigned", assigned as f64, "tickets", Goal::AtMost(places as f64));
    count("assign_waiting", waiting, "tickets");
    let all_full = assigned == places && waiting == tickets - places;

    println!("{resolved} are resolved by {HANDS} people");
    let started = Instant::now();
    resolve(&cluster, resolved).await?;
    quiet(ledger, &waiters).await?;
    figure("assign_drain_secs", started.elapsed().as_secs_f64(), "s");
    let (again, _) = standing(ledger).await?;
    count("assign_assigned_after", again, "tickets");

    let exceeded = exceeded(ledger).await?;
    let overtaken = overtaken(ledger).await?;
    let imbalance: i32 =
        sqlx::query_scalar("select max(load) - min(load) from support_app.agent").fetch_one(ledger).await?;
    let wrong: i64 = sqlx::query_scalar(
        "select count(*) from support_app.agent a where a.load <>
             (select count(*) from support_app.ticket t where t.assignee_id = a.id and t.status = 'open')",
    )
    .fetch_one(ledger)
    .await?;
    let told: i64 = sqlx::query_scalar(
        "select count(*) from (select kind from support_app.event union all select kind from support_app.event_pending) e
         where kind = 'waiting_queue'",
    )
    .fetch_one(ledger)
    .await?;
    goal("assign_capacity_exceeded", exceeded as f64, "times", Goal::AtMost(0.0));
    goal("assign_overtaken", overtaken as f64, "times", Goal::AtMost(0.0));
    goal("assign_imbalance", f64::from(imbalance), "units", Goal::AtMost(1.0));
    goal("assign_wrong_loads", wrong as f64, "agents", Goal::AtMost(0.0));
    count("assign_managers_told", told, "times");
    let fine = all_full && again == places && exceeded == 0 && overtaken == 0 && imbalance <= 1 && wrong == 0;
    cluster.stop().await;
    Ok(if fine { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Agents who are connected to a process that outlives the run, and tickets in an order of their own.
async fn fill(ledger: &PgPool, tenant: Uuid, tickets: i64) -> anyhow::Result<()> {
    sqlx::query(
        "insert into support_app.agent (id, tenant_id, name, email, capacity, is_present)
         select gen_random_uuid(), $1, 'agent ' || n, n || '@example.com', $3, true from generate_series(1, $2) n",
    )
    .bind(tenant)
    .bind(AGENTS)
    .bind(CAPACITY)
    .execute(ledger)
    .await?;
    sqlx::query(
        "with process as (insert into support_app.presence_process (id, alive_until)
                          values (gen_random_uuid(), now() + interval '1 day') returning id)
         insert into support_app.presence (process_id, agent_id, tenant_id)
         select p.id, a.id, a.tenant_id from process p cross join support_app.agent a",
    )
    .execute(ledger)
    .await?;
    sqlx::query(
        "insert into support_app.ticket
             (id, tenant_id, number, provider, external_id, channel, source, status, priority, rank)
         select gen_random_uuid(), $1, n, 'desk', n::text, 'email', 'email', 'open', 'normal', (n * 7919) % 1000003
         from generate_series(1, $2) n",
    )
    .bind(tenant)
    .bind(tickets)
    .execute(ledger)
    .await?;
    Ok(())
}

/// Waits until no job of assignment is left to run: for the end of one after the other.
async fn quiet(ledger: &PgPool, waiters: &Waiters) -> anyhow::Result<()> {
    let quiet = async {
        loop {
            let Some(job) = unfinished(ledger, None).await? else { return anyhow::Ok(()) };
            // Listen before looking again, so that its end cannot fall between the two.
            let mut watch = waiters.watch(job);
            if unfinished(ledger, Some(job)).await?.is_some() {
                watch.changed().await;
            }
        }
    };
    tokio::time::timeout(load::PATIENCE, quiet).await.context("jobs are left")?
}

/// A job of assignment that is not over: any, or that one.
async fn unfinished(ledger: &PgPool, job: Option<JobId>) -> anyhow::Result<Option<JobId>> {
    let job = sqlx::query_scalar(
        "select id from jobs.live where kind in ('assign_ticket', 'drain_waiting', 'settle_ticket')
         and ($1::uuid is null or id = $1) order by id limit 1",
    )
    .bind(job);
    Ok(job.fetch_optional(ledger).await?)
}

/// Open tickets that somebody has, and those that nobody has.
async fn standing(ledger: &PgPool) -> anyhow::Result<(i64, i64)> {
    let counts = sqlx::query_as(
        "select count(*) filter (where assignee_id is not null), count(*) filter (where assignee_id is null)
         from support_app.ticket where status = 'open'",
    );
    Ok(counts.fetch_one(ledger).await?)
}

async fn resolve(cluster: &Cluster, tickets: i64) -> anyhow::Result<()> {
    let http = load::arrivals::client()?;
    let (base, key) = (cluster.desk.base().to_owned(), cluster.desk.credentials().key.clone());
    let mut left = tickets;
    while left > 0 {
        let some: Vec<Uuid> = sqlx::query_scalar(
            "select id from support_app.ticket where status = 'open' and assignee_id is not null
             order by random() limit $1",
        )
        .bind(left.min(40))
        .fetch_all(&cluster.ledger)
        .await?;
        if some.is_empty() {
            bail!("nobody has a ticket");
        }
        left -= i64::try_from(some.len())?;
        let mut hands = JoinSet::new();
        for part in some.chunks(some.len().div_ceil(HANDS)) {
            let (http, base, key, part) = (http.clone(), base.clone(), key.clone(), part.to_vec());
            hands.spawn(async move {
                for ticket in part {
                    let url = format!("{base}/api/tickets/{ticket}");
                    let body = json!({ "status": "resolved" });
                    let answer = http.patch(url).header("x-api-key", &key).json(&body).send().await?;
                    answer.error_for_status()?;
                }
                anyhow::Ok(())
            });
        }
        while let Some(hand) = hands.join_next().await {
            hand?.context("a ticket was not resolved")?;
        }
    }
    Ok(())
}

/// How often anybody had more than their capacity, by the history.
async fn exceeded(ledger: &PgPool) -> anyhow::Result<i64> {
    let times = sqlx::query_scalar(
        "with moves as (
             select agent_id, from_at as at, units from support_app.assignment
             union all select agent_id, until_at, -units from support_app.assignment where until_at is not null
         ), sums as (
             -- What ended at an instant made room for what began at it.
             select m.agent_id, sum(units) over (partition by agent_id order by at, units rows unbounded preceding) as load
             from moves m
         )
         select count(*) from sums s join support_app.agent a on a.id = s.agent_id where s.load > a.capacity",
    );
    Ok(times.fetch_one(ledger).await?)
}

/// How many tickets got an agent while one that comes before them waited.
async fn overtaken(ledger: &PgPool) -> anyhow::Result<i64> {
    let times = sqlx::query_scalar(
        // The rank that each was given at first: what is resolved gets another one.
        "with given as (
             select (t.number * 7919) % 1000003 as rank, h.from_at
             from support_app.ticket t left join support_app.assignment h on h.ticket_id = t.id
         )
         select count(*) from given t
         where t.from_at is not null and exists (
             select from given b where b.rank > t.rank and (b.from_at is null or b.from_at > t.from_at))",
    );
    Ok(times.fetch_one(ledger).await?)
}
