//! A desk with many tickets: how fast the smart order, a ticket, an agent's queue and the search answer at a steady rate,
//! beside a tenant with more customers, and whether any of them read a big table from its beginning to its end.
//!
//! The rows are written by SQL in the shape that settling leaves behind; what is measured goes through the api.

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use cluster::load::arrivals::{self, Answers};
use cluster::load::{self, Size};
use cluster::processes::{Cluster, Options};
use cluster::program;
use cluster::report::{Goal, count, figure, goal, ms};
use database::ids::TenantId;
use serde_json::Value;
use sqlx::PgConnection;
use uuid::Uuid;

/// Tickets that are written at once.
const PIECE: i64 = 10_000;
/// Requests a second to each of the four.
const RATES: [u32; 4] = [13, 13, 12, 12];
/// Pages of the smart order that are read in turn.
const PAGES: usize = 20;
/// Statistics of tables are published by a connection within ten seconds after it was used last.
const STATISTICS: Duration = Duration::from_secs(12);

fn main() -> ExitCode {
    program::run("desk", measure())
}

async fn measure() -> anyhow::Result<ExitCode> {
    let size = Size::from_arguments()?;
    let (tickets, agents, beside) =
        (size.pick(1_000_000, 100_000), size.pick(1_000, 100), size.pick(1_000_000, 100_000));
    let lasting = Duration::from_secs(size.pick(60, 20));
    let cluster = Cluster::start(Options { workers: 0, schedulers: 0, ..Options::default() }).await?;
    let tenant = load::tenant(&cluster).await?;
    println!("{tickets} tickets, {} messages, {agents} agents; {beside} customers beside", tickets * 4);
    let started = Instant::now();
    let people = fill(&cluster, tenant, tickets, agents, beside).await?;
    figure("desk_filled_secs", started.elapsed().as_secs_f64(), "s");

    let asked = Asked::find(&cluster, tenant, people).await?;
    // What is remembered and planned once is no part of what is measured.
    ask(&cluster, &asked, Duration::from_secs(3)).await?;
    let before = scans(&cluster).await?;
    let [list, view, queue, search] = ask(&cluster, &asked, lasting).await?;
    tokio::time::sleep(STATISTICS).await;
    let scanned: Vec<String> = scans(&cluster)
        .await?
        .into_iter()
        .filter(|(table, times)| before.get(table).is_none_or(|known| times > known))
        .map(|(table, _)| table)
        .collect();

    println!();
    count("desk_tickets", tickets, "tickets");
    let mut errors = 0;
    for (name, answers, most) in
        [("list", &list, 50.0), ("ticket", &view, 50.0), ("queue", &queue, 50.0), ("search", &search, 150.0)]
    {
        errors += answers.errors();
        figure(&format!("desk_{name}_p50"), ms(answers.latency.p50), "ms");
        goal(&format!("desk_{name}_p95"), ms(answers.latency.p95), "ms", Goal::AtMost(most));
        figure(&format!("desk_{name}_max"), ms(answers.latency.max), "ms");
    }
    if !scanned.is_empty() {
        println!("read from beginning to end: {}", scanned.join(", "));
    }
    let exact = goal("desk_errors", errors as f64, "answers", Goal::AtMost(0.0))
        & goal("desk_tables_scanned", scanned.len() as f64, "tables", Goal::AtMost(0.0));
    cluster.stop().await;
    Ok(if exact { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Writes everything, and answers the agents.
async fn fill(
    cluster: &Cluster,
    tenant: TenantId,
    tickets: i64,
    agents: i32,
    beside: i64,
) -> anyhow::Result<Vec<Uuid>> {
    let mut admin = cluster.ledger.acquire().await?;
    // What triggers would tell others is no part of this.
    sqlx::raw_sql("set session_replication_role = replica").execute(&mut *admin).await?;
    let other = TenantId(Uuid::now_v7());
    sqlx::query(
        "insert into shared.tenant (id, slug, name, timezone) values ($1, 'beside', 'Beside', 'UTC')",
    )
    .bind(other)
    .execute(&mut *admin)
    .await?;
    let people: Vec<Uuid> = sqlx::query_scalar(
        "insert into support_app.agent (id, tenant_id, name, email, capacity)
         select gen_random_uuid(), $1, 'Agent ' || n, 'agent' || n || '@example.com', 50
         from generate_series(1, $2) n returning id",
    )
    .bind(tenant)
    .bind(agents)
    .fetch_all(&mut *admin)
    .await?;
    let customers = (tickets / 20).max(1);
    for (whose, customers) in [(tenant, customers), (other, beside)] {
        known(&mut admin, whose, customers).await?;
    }
    for (whose, tickets, agents) in [(tenant, tickets, &people[..]), (other, tickets / 4, &people[..0])] {
        write(&mut admin, whose, tickets, customers, agents).await?;
    }
    sqlx::raw_sql("set session_replication_role = default").execute(&mut *admin).await?;
    for table in
        ["support_app.ticket", "support_app.message", "support_app.ticket_search", "support_app.sla_clock"]
            .into_iter()
            .chain(["platform.customer", "platform.customer_fact", "platform.customer_insight"])
    {
        sqlx::query(sqlx::AssertSqlSafe(format!("vacuum analyze {table}"))).execute(&mut *admin).await?;
    }
    Ok(people)
}

/// Customers, and the run that knows them.
async fn known(admin: &mut PgConnection, tenant: TenantId, customers: i64) -> anyhow::Result<()> {
    sqlx::query(include_str!("customers.sql")).bind(tenant).bind(customers).execute(&mut *admin).await?;
    let run = Uuid::now_v7();
    sqlx::query(
        "insert into platform.intelligence_run (id, tenant_id, generation, state, as_of, currency, prepared_at, published_at,
             report)
         values ($1, $2, 1, 'published', '2026-01-31', 'EUR', now(), now(), '{}')",
    )
    .bind(run)
    .bind(tenant)
    .execute(&mut *admin)
    .await?;
    sqlx::query("insert into platform.current_run (tenant_id, run_id, generation) values ($1, $2, 1)")
        .bind(tenant)
        .bind(run)
        .execute(&mut *admin)
        .await?;
    Ok(())
}

async fn write(
    admin: &mut PgConnection,
    tenant: TenantId,
    tickets: i64,
    customers: i64,
    agents: &[Uuid],
) -> anyhow::Result<()> {
    for first in (1..=tickets).step_by(PIECE as usize) {
        let last = (first + PIECE - 1).min(tickets);
        sqlx::query(include_str!("tickets.sql"))
            .bind(tenant)
            .bind(first)
            .bind(last)
            .bind(tickets)
            .bind(customers)
            .bind(agents)
            .execute(&mut *admin)
            .await
            .context("tickets")?;
        sqlx::query(
            "select count(support_app.refresh_search(id)) from support_app.ticket
             where tenant_id = $1 and number between $2 and $3",
        )
        .bind(tenant)
        .bind(first)
        .bind(last)
        .execute(&mut *admin)
        .await
        .context("the words of tickets")?;
    }
    Ok(())
}

/// What is asked for, in turn.
struct Asked {
    lists: Vec<String>,
    tickets: Vec<Uuid>,
    agents: Vec<Uuid>,
    words: Vec<String>,
}

impl Asked {
    async fn find(cluster: &Cluster, tenant: TenantId, agents: Vec<Uuid>) -> anyhow::Result<Asked> {
        let mut lists = vec!["/api/tickets?order=smart".to_owned()];
        while lists.len() < PAGES {
            let page: Value = cluster.desk.get(lists.last().context("a page")?).await?;
            let Some(cursor) = page["next_cursor"].as_str() else { break };
            lists.push(format!("/api/tickets?order=smart&cursor={cursor}"));
        }
        let tickets = sqlx::query_scalar(
            "select id from support_app.ticket where tenant_id = $1 and status in ('open', 'pending')
             order by id limit 2000",
        )
        .bind(tenant)
        .fetch_all(&cluster.ledger)
        .await?;
        let words = [
            "refund",
            "where%20order",
            "\"wrong%20size\"",
            "damaged%20ann",
            "returns",
            "c77@example.com",
            "%234711",
        ];
        let mut words: Vec<String> = words.map(str::to_owned).to_vec();
        words.extend((0..43).map(|number| format!("item{}", number * 461)));
        Ok(Asked { lists, tickets, agents, words })
    }
}

/// Asks all four at once: lists, tickets, queues, searches.
async fn ask(cluster: &Cluster, asked: &Asked, lasting: Duration) -> anyhow::Result<[Answers; 4]> {
    let http = arrivals::client()?;
    let (base, key) = (cluster.desk.base(), &cluster.desk.credentials().key);
    let get = |path: String| http.get(format!("{base}{path}")).header("x-api-key", key);
    let of = |number: u64, many: usize| usize::try_from(number).unwrap_or(0) % many;
    if asked.tickets.is_empty() || asked.agents.is_empty() {
        bail!("there is nothing to ask for");
    }
    let (list, view, queue, search) = tokio::join!(
        arrivals::send(RATES[0], lasting, |n| get(asked.lists[of(n, asked.lists.len())].clone())),
        arrivals::send(RATES[1], lasting, |n| {
            get(format!("/api/tickets/{}", asked.tickets[of(n, asked.tickets.len())]))
        }),
        arrivals::send(RATES[2], lasting, |n| {
            get(format!("/api/agents/{}/queue", asked.agents[of(n, asked.agents.len())]))
        }),
        arrivals::send(RATES[3], lasting, |n| {
            get(format!("/api/tickets/search?q={}", asked.words[of(n, asked.words.len())]))
        }),
    );
    for (name, answers) in [("list", &list), ("ticket", &view), ("queue", &queue), ("search", &search)] {
        if answers.errors() > 0 {
            println!("{name}: {:?}, {} without an answer", answers.statuses, answers.unanswered);
        }
    }
    Ok([list, view, queue, search])
}

/// How often each big table was read from its beginning to its end.
async fn scans(cluster: &Cluster) -> anyhow::Result<BTreeMap<String, i64>> {
    let counts: Vec<(String, i64)> = sqlx::query_as(
        "select schemaname || '.' || relname, coalesce(seq_scan, 0) from pg_stat_user_tables
         where (schemaname, relname) in (('support_app', 'ticket'), ('support_app', 'message'),
             ('support_app', 'ticket_search'), ('support_app', 'sla_clock'), ('platform', 'customer'),
             ('platform', 'customer_fact'), ('platform', 'customer_insight'))",
    )
    .fetch_all(&cluster.ledger)
    .await?;
    Ok(counts.into_iter().collect())
}
