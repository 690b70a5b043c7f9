//! Rules under load: two hundred of them on the events of many tickets. How long from an event to what a rule does about
//! it, that two rules that set each other off are stopped by their budget, and that a trial on the past finds exactly what
//! the runs did.
//!
//! Tickets come at a fixed pace through the same code as a request's, and the cluster's own workers run the rules. Times
//! are read from the database: when the event was written, and when the rule was done.

mod checks;

use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use chrono::Utc;
use database::ids::TenantId;
use database::{Db, Role};
use jobs::Dispatch;
use jobs::dispatch::Server;
use serde_json::{Map, Value, json};
use sqlx::PgPool;
use support::rules::spec::Spec;
use support::rules::store;
use support::tickets::Acting;
use support::tickets::change::Customer;
use support::tickets::create::{NewTicket, create};
use support::tickets::message::From;
use support::tickets::words::{Channel, Priority};
use tokio::time::sleep;
use uuid::Uuid;

use crate::load::{self, PATIENCE, Size};
use crate::processes::{Cluster, Options};
use crate::report::{Goal, Spread, count, figure, goal, ms};

/// Rules in force.
const RULES: usize = 200;

/// Of so many rules one has words that tickets have.
const EVERY: usize = 20;

/// Tickets a second.
const PACE: u32 = 20;

/// A shop with rules.
pub(crate) struct Desk {
    pub(crate) db: Db,
    pub(crate) dispatch: Dispatch,
    pub(crate) admin: PgPool,
    pub(crate) tenant: TenantId,
}

/// Runs everything and says whether it was as it should be.
///
/// # Errors
/// The cluster did not come up, or did not do its work.
pub async fn measure(size: Size) -> anyhow::Result<bool> {
    let tickets = size.pick(20_000_u32, 200);
    let cluster = Cluster::start(Options { workers: 2, schedulers: 1, ..Options::default() }).await?;
    let desk = Desk {
        db: Db::connect(&cluster.servers.url_for("desk_worker")?, 4)?,
        dispatch: Dispatch::new(
            Server::new(&cluster.servers.redis_url).context("the cluster's Redis")?,
            "deskwork",
        ),
        admin: cluster.ledger.clone(),
        tenant: load::tenant(&cluster).await?,
    };
    println!("{RULES} rules, {tickets} tickets at {PACE} a second");
    let rules = desk.write_rules().await?;
    let started = Instant::now();
    for number in 0..tickets {
        let due = Duration::from_secs(1) * number / PACE;
        sleep(due.saturating_sub(started.elapsed())).await;
        desk.ticket(&format!("My thing{} is late, number {number}", number as usize % RULES)).await?;
    }
    desk.quiet().await?;
    let delays: Vec<f64> = sqlx::query_scalar(
        "select extract(epoch from at - caused_at)::float8 from support_app.rule_run where outcome = 'fired'",
    )
    .fetch_all(&desk.admin)
    .await?;
    let spread = Spread::of(delays.iter().map(|secs| Duration::from_secs_f64(secs.max(0.0))).collect());
    println!();
    count("rules_in_force", i64::try_from(RULES)?, "rules");
    count("rules_tickets", tickets, "tickets");
    count("rules_fired", i64::try_from(spread.count)?, "times");
    figure("rules_event_to_action_p50", ms(spread.p50), "ms");
    let fast = goal("rules_event_to_action_p99", ms(spread.p99), "ms", Goal::AtMost(1_000.0));
    figure("rules_event_to_action_max", ms(spread.max), "ms");

    let differing = checks::trials_that_differ(&cluster, &desk, &rules).await?;
    let mut exact = goal("rules_trials_that_differ", differing as f64, "rules", Goal::AtMost(0.0));
    let (fired, off) = checks::loop_through_outside(&desk).await?;
    exact &= goal("rules_loop_fired", fired as f64, "times", Goal::AtMost(checks::BUDGET as f64 * 2.0));
    exact &= goal("rules_loop_switched_off", off as f64, "rules", Goal::AtLeast(1.0));
    let chain = checks::loop_within(&desk).await?;
    exact &= goal("rules_loop_of_their_own_fired", chain as f64, "times", Goal::AtMost(2.0));
    let dead: i64 = sqlx::query_scalar("select count(*) from jobs.dead").fetch_one(&desk.admin).await?;
    exact &= goal("rules_jobs_dead", dead as f64, "jobs", Goal::AtMost(0.0));
    let causes: Vec<(String, String, i64)> = sqlx::query_as(
        "select kind, error_class || ': ' || left(coalesce(error ->> 'message', ''), 200), count(*) from jobs.dead
         group by 1, 2 order by 3 desc limit 10",
    )
    .fetch_all(&desk.admin)
    .await?;
    for (kind, cause, jobs) in causes {
        println!("{jobs} of {kind}: {cause}");
    }
    cluster.stop().await;
    // A pace is only kept where nothing else takes the machine.
    Ok(exact && (fast || size == Size::Quick))
}

impl Desk {
    async fn write_rules(&self) -> anyhow::Result<Vec<Uuid>> {
        let mut rules = Vec::new();
        for number in 0..RULES {
            let word = if number % EVERY == 0 { format!("thing{number}") } else { format!("never{number}") };
            let id = self
                .rule(json!({
                    "name": format!("rule {number}"), "event": "message_received",
                    "conditions": {"all": [
                        {"field": "channel", "op": "is", "value": "email"},
                        {"any": [{"field": "message", "op": "contains", "value": [word]},
                                 {"field": "priority", "op": "is", "value": "urgent"}]}]},
                    "actions": [{"do": "add_tags", "tags": [format!("tag{number}")]}],
                }))
                .await?;
            if number % EVERY == 0 {
                rules.push(id);
            }
        }
        Ok(rules)
    }

    /// A rule that is on.
    pub(crate) async fn rule(&self, body: Value) -> anyhow::Result<Uuid> {
        let spec: Spec = serde_json::from_value(body)?;
        let mut tx = self.db.tenant_tx(Role::Support, self.tenant).await?;
        let made = store::create(&mut tx, self.tenant, &spec, "key:rules", None).await?;
        store::switch_on(&mut tx, self.tenant, made.id).await?;
        tx.commit().await?;
        Ok(made.id)
    }

    pub(crate) fn acting(&self) -> Acting<'static> {
        Acting {
            tenant: self.tenant,
            actor: "key:rules",
            agent: None,
            writer: Uuid::nil(),
            name: "rules",
            correlation_id: "rules",
            trace_parent: None,
            now: Utc::now(),
        }
    }

    /// A customer writes, as through the api.
    pub(crate) async fn ticket(&self, text: &str) -> anyhow::Result<database::ids::TicketId> {
        let new = NewTicket {
            subject: Some("A question".to_owned()),
            channel: Channel::Email,
            priority: Priority::Normal,
            customer: Customer { email: Some("ann@example.com".to_owned()), ..Customer::default() },
            tags: Vec::new(),
            department: None,
            skills: Vec::new(),
            language: None,
            custom: Map::new(),
            message: Some((From::Customer, text.to_owned())),
        };
        let mut tx = self.db.tenant_tx(Role::Support, self.tenant).await?;
        let made = create(&mut tx, &self.acting(), &new).await?;
        tx.commit().await?;
        self.dispatch.announce(made.announcement);
        Ok(made.ticket)
    }

    /// Waits until every event was looked at.
    pub(crate) async fn quiet(&self) -> anyhow::Result<()> {
        let started = Instant::now();
        loop {
            let waiting: i64 =
                sqlx::query_scalar("select count(*) from support_app.rule_cause where done_at is null")
                    .fetch_one(&self.admin)
                    .await?;
            if waiting == 0 {
                return Ok(());
            }
            ensure!(started.elapsed() < PATIENCE, "{waiting} events were not looked at");
            sleep(Duration::from_millis(100)).await;
        }
    }
}
