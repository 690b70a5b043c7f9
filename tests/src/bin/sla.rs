//! Service levels under load: how long the net beneath the alerts takes with many open tickets, and how late alerts are
//! told while workers and the leading scheduler are killed, each of them once.
//!
//! The open tickets are written by SQL in the shape that settling leaves behind. Those that are told in time are settled
//! for real, so that their jobs are made, fall due, and are run by the cluster's workers beside other work.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use chrono::{DateTime, TimeDelta, Utc};
use cluster::load::{self, Size};
use cluster::processes::{Cluster, Options};
use cluster::program;
use cluster::report::{Goal, Spread, count, figure, goal, ms};
use database::ids::{TenantId, TicketId};
use database::{Db, Role};
use jobs::dispatch::Server;
use jobs::{Dispatch, kinds::Probe};
use sqlx::PgPool;
use support::settle;
use support::sla::alerts;
use tokio::time::sleep;

/// Rounds of the net, each with its own tickets that are due.
const ROUNDS: i64 = 5;

/// Tickets that are due in a round.
const DUE: i64 = 500;

/// Over how long alerts fall due while processes are killed.
const SPREAD: TimeDelta = TimeDelta::seconds(60);

/// What the net takes up in the minute after; whatever is told by then was not lost.
const NET: Duration = Duration::from_secs(100);

/// Tickets $2 to $3 of tenant $1 with two running clocks; number n is due in round (n - 1) / $4, if there is such a round.
const OPEN_TICKETS: &str = "
with ticket as (
    insert into support_app.ticket (id, tenant_id, number, provider, external_id, channel, source, status, priority,
        message_count, last_message_at, sla_due_at, sla_state, first_customer_message_at, waiting_since)
    select gen_random_uuid(), $1, n, 'load', n::text, 'email', 'email', 'open', 'normal', 1, now(), now() + interval '8 hours',
           'within_sla', now(), now()
    from generate_series($2::bigint, $3::bigint) n
    returning id, number
), message as (
    insert into support_app.message (id, tenant_id, ticket_id, external_id, from_agent, internal, channel, body_text, sent_at)
    select gen_random_uuid(), $1, id, 'm', false, false, 'email', 'Where is it?', now() from ticket
)
insert into support_app.sla_clock (ticket_id, kind, seq, tenant_id, started_at, state, standing, due_at, warn_at,
    elapsed_micros, target_minutes, target_version, next_alert_at)
select t.id, k.kind, 1, $1, now(), 'running', 'within_sla', now() + k.takes, now() + k.takes * 0.8, 0,
       extract(epoch from k.takes)::bigint / 60, 1, now() + k.takes * 0.8
from ticket t
cross join (values ('first_response', interval '8 hours'), ('resolution', interval '48 hours')) k (kind, takes)";

/// Lets $3 first responses from number $2 on be past their due time.
const MAKE_DUE: &str = "
update support_app.sla_clock c set due_at = now() - interval '1 second', warn_at = now() - interval '90 minutes',
    next_alert_at = now() - interval '90 minutes'
from support_app.ticket t
where t.id = c.ticket_id and c.kind = 'first_response' and t.tenant_id = $1 and t.number >= $2 and t.number < $2 + $3";

fn main() -> ExitCode {
    program::run("sla", measure())
}

async fn measure() -> anyhow::Result<ExitCode> {
    let size = Size::from_arguments()?;
    let (open, told) = (size.pick(100_000, 10_000), size.pick(2_000, 300));
    let mut cluster = Cluster::start(Options { workers: 0, schedulers: 0, ..Options::default() }).await?;
    let tenant = load::tenant(&cluster).await?;
    let db = Db::connect(&cluster.servers.url_for("desk_worker")?, 4)?;
    println!("{open} open tickets, written by SQL");
    write(&cluster.ledger, tenant, open).await?;
    let passes = check(&cluster.ledger, &db, tenant).await?;
    // Nothing of it is left for the cluster to do.
    sqlx::query("delete from jobs.live where kind in ('announce_sla', 'settle_ticket')")
        .execute(&cluster.ledger)
        .await?;

    println!("{told} alerts fall due within a minute; two workers and the leading scheduler are killed");
    for _ in 0..2 {
        cluster.start_scheduler()?;
        cluster.start_worker()?;
    }
    cluster.ready().await?;
    let lateness = tell(&mut cluster, &db, tenant, told).await?;

    println!();
    figure("sla_check_p50", ms(passes.p50), "ms");
    goal("sla_check_of_500_due_max", ms(passes.max), "ms", Goal::AtMost(200.0));
    count("sla_open_tickets", open, "tickets");
    figure("sla_alert_late_p50", lateness.late.p50.as_secs_f64(), "s");
    goal("sla_alert_late_p99", lateness.late.p99.as_secs_f64(), "s", Goal::AtMost(2.0));
    figure("sla_alert_late_max", lateness.late.max.as_secs_f64(), "s");
    let exact = goal("sla_alerts_missing", lateness.missing as f64, "alerts", Goal::AtMost(0.0))
        & goal("sla_alerts_told_twice", lateness.twice as f64, "alerts", Goal::AtMost(0.0));
    cluster.stop().await;
    Ok(if exact { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn write(admin: &PgPool, tenant: TenantId, tickets: i64) -> anyhow::Result<()> {
    const PIECE: i64 = 10_000;
    for first in (1..=tickets).step_by(PIECE as usize) {
        sqlx::query(OPEN_TICKETS)
            .bind(tenant)
            .bind(first)
            .bind((first + PIECE - 1).min(tickets))
            .execute(admin)
            .await
            .context("open tickets")?;
    }
    for table in ["ticket", "message", "sla_clock"] {
        let statement = format!("analyze support_app.{table}");
        sqlx::query(sqlx::AssertSqlSafe(statement)).execute(admin).await?;
    }
    Ok(())
}

/// How long the net takes for those that are due, as its job does it: what is told, what follows, and the commit.
async fn check(admin: &PgPool, db: &Db, tenant: TenantId) -> anyhow::Result<Spread> {
    let mut passes = Vec::new();
    for round in 0..ROUNDS {
        sqlx::query(MAKE_DUE).bind(tenant).bind(round * DUE + 1).bind(DUE).execute(admin).await?;
        let started = Instant::now();
        let mut tx = db.tenant_tx(Role::Support, tenant).await?;
        let now = alerts::now(&mut tx).await?;
        let due = alerts::tenants_due(&mut tx, now).await?;
        let announced = alerts::announce_due(&mut tx, now).await?;
        let _ = jobs::enqueue(&mut tx, &alerts::follow_ups(tenant, &announced)?).await?;
        tx.commit().await?;
        passes.push(started.elapsed());
        let alerts: i64 = announced.iter().map(|one| one.alerts).sum();
        ensure!(due == [tenant] && alerts == DUE, "{alerts} alerts of {DUE} were told");
    }
    Ok(Spread::of(passes))
}

struct Lateness {
    late: Spread,
    missing: i64,
    twice: i64,
}

/// Settles tickets whose first response is due within the next minute, kills processes meanwhile, and reads when their
/// breaches were told.
async fn tell(cluster: &mut Cluster, db: &Db, tenant: TenantId, tickets: i64) -> anyhow::Result<Lateness> {
    let redis = Server::new(&cluster.servers.redis_url).context("the cluster's Redis")?;
    let dispatch = Dispatch::new(redis, "deskwork");
    // What is due must not fall due while tickets are still being written.
    let begin = Utc::now() + TimeDelta::seconds(tickets / 10 + 10);
    let started = Instant::now();
    for number in 0..tickets {
        let due = begin + SPREAD * i32::try_from(number)? / i32::try_from(tickets)?;
        settle_one(db, &dispatch, tenant, number, due).await?;
    }
    ensure!(
        Utc::now() < begin,
        "settling {tickets} tickets took {:?}, so the first fell due meanwhile",
        started.elapsed()
    );
    println!("  {tickets} tickets settled in {:.1} s", started.elapsed().as_secs_f64());
    // Other work, which takes a part of the slots all the time.
    let ledger = load::ledger(cluster)?;
    let busy = |number: u64| Probe { sleep_ms: 20 + number % 30, ..Probe::default() };
    for second in 0..60 {
        ledger.fill(tenant, "beside", 50, Some(begin + TimeDelta::seconds(second)), busy).await?;
    }
    let wait = |at: DateTime<Utc>| sleep((at - Utc::now()).to_std().unwrap_or_default());
    for (after_secs, what) in [(10, "worker"), (25, "leader"), (40, "worker")] {
        wait(begin + TimeDelta::seconds(after_secs)).await;
        println!("  the {what} is killed");
        if what == "worker" {
            cluster.kill_worker(0).await;
            cluster.start_worker()?;
        } else {
            cluster.kill_leader().await;
            cluster.start_scheduler()?;
        }
    }
    wait(begin + SPREAD).await;
    sleep(NET).await;
    let late: Vec<f64> = sqlx::query_scalar(
        "select extract(epoch from a.at - a.due_at)::float8 from support_app.sla_alert a
         join support_app.ticket t on t.id = a.ticket_id
         where t.provider = 'told' and a.kind = 'breach' and a.clock = 'first_response'",
    )
    .fetch_all(&cluster.ledger)
    .await?;
    // Events are counted wherever they are on their way.
    let events: Vec<i64> = sqlx::query_scalar(
        "select count(*) from (
             select ticket_id, kind, payload from support_app.event_pending
             union all select ticket_id, kind, payload from support_app.event) e
         join support_app.ticket t on t.id = e.ticket_id
         where t.provider = 'told' and e.kind = 'sla_breach' and e.payload ->> 'clock' = 'first_response'
         group by e.ticket_id",
    )
    .fetch_all(&cluster.ledger)
    .await?;
    let missing = tickets - i64::try_from(late.len().min(events.len()))?;
    let twice = events.iter().map(|told| told - 1).sum();
    let late = late.into_iter().map(|secs| Duration::from_secs_f64(secs.max(0.0))).collect();
    Ok(Lateness { late: Spread::of(late), missing, twice })
}

async fn settle_one(
    db: &Db,
    dispatch: &Dispatch,
    tenant: TenantId,
    number: i64,
    due: DateTime<Utc>,
) -> anyhow::Result<()> {
    let id = TicketId::new();
    // Without a policy the first response to an urgent ticket is due after 30 minutes.
    let sent = due - TimeDelta::minutes(30);
    let mut tx = db.tenant_tx(Role::Support, tenant).await?;
    sqlx::query(
        "with ticket as (
             insert into support_app.ticket (id, tenant_id, number, provider, external_id, channel, source, status,
                 priority, message_count, created_at)
             values ($1, $2, 1000000000 + $3, 'told', $1::text, 'email', 'email', 'open', 'urgent', 1, $4)
         )
         insert into support_app.message (id, tenant_id, ticket_id, external_id, from_agent, internal, channel,
             body_text, sent_at)
         values (gen_random_uuid(), $2, $1, 'm', false, false, 'email', 'Where is it?', $4)",
    )
    .bind(id)
    .bind(tenant)
    .bind(number)
    .bind(sent)
    .execute(&mut *tx)
    .await?;
    let settled =
        settle::settle(&mut tx, tenant, id, Utc::now()).await?.context("the ticket was just made")?;
    tx.commit().await?;
    dispatch.announce(settled.announcement);
    Ok(())
}
