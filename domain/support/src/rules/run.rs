//! A run: what waits of a ticket is looked at, one cause after the other, under the lock of the ticket's row and in one
//! transaction. So a run that is broken off has done nothing, and one that is repeated does nothing twice.

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

use chrono::{DateTime, Duration, Utc};
use database::ids::{TenantId, TicketId};
use database::{DbError, Tx};
use jobs::{Announcement, NewJob};
use serde_json::Value;
use sqlx::types::Json;
use uuid::Uuid;

use super::act::{self, Firing, Supplies};
use super::causes::{self, Cause};
use super::decide::{self, Decision, Evaluated, Rule};
use super::facts::{self, Outside, When};
use super::memory::Memory;
use super::store;
use crate::events;
use crate::kinds::RunTimedRules;
use crate::sla::calendar::Calendar;
use crate::tickets::TicketError;
use crate::tickets::lock::{Acting, lock};

/// Causes that one run looks at; the rest is left to the next one.
const MOST_CAUSES: usize = 200;
/// One run in so many looks for what is old.
const PRUNE_EVERY: i64 = 64;

/// A ticket under its lock, and the rules that were in force when it was taken: every cause that can be seen now was there
/// before, so that no rule misses one that it was in force for.
#[derive(Debug)]
pub struct Held {
    /// The ticket.
    pub ticket: TicketId,
    /// The rules in their order.
    pub rules: Arc<Vec<Rule>>,
}

/// Takes the lock of a ticket and reads the rules in force (support role).
///
/// # Errors
/// There is no such ticket, or the database failed.
pub async fn hold(
    tx: &mut Tx,
    memory: &Memory,
    tenant: TenantId,
    ticket: TicketId,
) -> Result<Held, TicketError> {
    lock(tx, ticket).await?;
    Ok(Held { ticket, rules: memory.in_force(tx, tenant).await? })
}

/// Who runs, and with what.
#[derive(Debug, Clone)]
pub struct Running<'a> {
    /// Whose ticket it is.
    pub tenant: TenantId,
    /// The job.
    pub job: Uuid,
    /// What caused it.
    pub correlation_id: &'a str,
    /// Its W3C trace context.
    pub trace_parent: Option<&'a str>,
    /// The moment.
    pub now: DateTime<Utc>,
    /// What others know of the customer.
    pub outside: Outside,
    /// What actions need.
    pub supplies: Supplies,
}

/// What came of it.
#[derive(Debug, Default)]
pub struct Ran {
    /// Causes that were looked at.
    pub causes: u64,
    /// Rules that fired.
    pub fired: u64,
    /// Whether causes are left for another run.
    pub has_more: bool,
    /// To be announced after the commit.
    pub announcement: Announcement,
}

/// Looks at everything that waits of a ticket (support role).
///
/// # Errors
/// The ticket is gone, or the database failed.
pub async fn waiting(tx: &mut Tx, held: &Held, running: &Running<'_>) -> Result<Ran, TicketError> {
    let mut run = Run::begin(tx, held, running).await?;
    run.all_waiting(tx).await?;
    if run.last_cause % PRUNE_EVERY == 0 {
        causes::prune(tx, running.tenant).await?;
    }
    Ok(run.ran)
}

/// Looks at the rules that wait so many minutes after a cause of the held ticket (support role), and at what they cause.
///
/// # Errors
/// The ticket is gone, or the database failed.
pub async fn timed(
    tx: &mut Tx,
    held: &Held,
    cause: &Cause,
    after_minutes: i32,
    running: &Running<'_>,
) -> Result<Ran, TicketError> {
    let mut run = Run::begin(tx, held, running).await?;
    run.one(tx, cause, Some(after_minutes)).await?;
    run.all_waiting(tx).await?;
    Ok(run.ran)
}

struct Run<'a> {
    running: &'a Running<'a>,
    held: &'a Held,
    /// Rules that were switched off meanwhile.
    off: HashSet<Uuid>,
    calendar: Option<Arc<Calendar>>,
    last_cause: i64,
    ran: Ran,
}

impl<'a> Run<'a> {
    async fn begin(tx: &mut Tx, held: &'a Held, running: &'a Running<'a>) -> Result<Run<'a>, TicketError> {
        let asks_hours = held.rules.iter().any(|rule| {
            let unless = rule.read.unless.iter().flat_map(|unless| unless.tests());
            rule.read
                .conditions
                .tests()
                .into_iter()
                .chain(unless)
                .any(|test| test.field == "in_business_hours")
        });
        let calendar = if asks_hours { facts::calendar(tx).await? } else { None };
        Ok(Run { running, held, off: HashSet::new(), calendar, last_cause: 1, ran: Ran::default() })
    }

    async fn all_waiting(&mut self, tx: &mut Tx) -> Result<(), TicketError> {
        let ticket = self.held.ticket;
        for _ in 0..MOST_CAUSES {
            let Some(cause) = causes::next(tx, ticket).await? else { return Ok(()) };
            self.one(tx, &cause, None).await?;
            self.ask_for_timed(tx, &cause).await?;
        }
        self.ran.has_more = causes::next(tx, ticket).await?.is_some();
        Ok(())
    }

    async fn one(&mut self, tx: &mut Tx, cause: &Cause, after: Option<i32>) -> Result<(), TicketError> {
        self.ran.causes += 1;
        self.last_cause = cause.id;
        let when = When::Now(self.running.now);
        let outside = self.running.outside.clone();
        let calendar = self.calendar.clone();
        let read = facts::read(tx, cause, when, calendar.as_deref(), outside.clone()).await?;
        let mut facts = read.ok_or(TicketError::Unknown("ticket"))?;
        if let Some(why) = facts.skipped {
            return Ok(causes::done(tx, cause.id, Some(why), &[]).await?);
        }
        let mut evaluated = Vec::new();
        let held = self.held;
        for rule in held.rules.iter() {
            if self.off.contains(&rule.id) || !decide::concerns(rule, cause, after) {
                continue;
            }
            let entry = |fired, conditions: String| Evaluated {
                rule: rule.id,
                version: rule.version,
                fired,
                conditions,
            };
            if let Some(sentence) = &rule.invalid {
                store::flag(tx, self.running.tenant, rule, sentence).await?;
                evaluated.push(entry(false, "invalid".to_owned()));
                continue;
            }
            let decision = decide::decide(rule, &facts);
            evaluated.push(entry(decision.fires, decision.short.clone()));
            if !decision.fires || !claim(tx, self.running.tenant, rule, cause, &decision).await? {
                continue;
            }
            if self.is_over_budget(tx, rule, cause).await? {
                continue;
            }
            if let Some(problem) = self.fire(tx, rule, cause, &mut facts).await? {
                note(tx, rule, cause, "failed", &[], Some(&problem)).await?;
                // What was done before it failed was taken back.
                let anew = facts::read(tx, cause, when, calendar.as_deref(), outside.clone()).await?;
                facts = anew.ok_or(TicketError::Unknown("ticket"))?;
            }
        }
        Ok(causes::done(tx, cause.id, None, &evaluated).await?)
    }

    /// Does what a rule says; answers why nothing of it was done, if so.
    async fn fire(
        &mut self,
        tx: &mut Tx,
        rule: &Rule,
        cause: &Cause,
        facts: &mut facts::Facts,
    ) -> Result<Option<String>, TicketError> {
        let actor = format!("rule:{}", rule.id);
        let acting = Acting {
            tenant: self.running.tenant,
            actor: &actor,
            agent: None,
            writer: rule.id,
            name: "Automatic reply",
            correlation_id: self.running.correlation_id,
            trace_parent: self.running.trace_parent,
            now: self.running.now,
        };
        let ticket_number = sqlx::query_scalar("select number from support_app.ticket where id = $1")
            .bind(cause.ticket)
            .fetch_one(&mut **tx)
            .await?;
        let firing = Firing { acting: &acting, rule, cause, supplies: &self.running.supplies, ticket_number };
        let mut announcement = Announcement::default();
        sqlx::query("savepoint rule").execute(&mut **tx).await?;
        as_rule(tx, Some(rule)).await?;
        let done = act::carry_out(tx, &firing, facts, &mut announcement).await;
        let problem = match done {
            Ok(done) => {
                as_rule(tx, None).await?;
                sqlx::query("release savepoint rule").execute(&mut **tx).await?;
                note(tx, rule, cause, "fired", &done, None).await?;
                self.ran.fired += 1;
                self.ran.announcement.merge(announcement);
                None
            }
            Err(error @ (TicketError::Db(_) | TicketError::Queue(_))) => return Err(error),
            Err(error) => {
                sqlx::query("rollback to savepoint rule").execute(&mut **tx).await?;
                as_rule(tx, None).await?;
                Some(error.to_string())
            }
        };
        events::acting(tx, "job:run_rules", None).await?;
        Ok(problem)
    }

    /// Whether the rule has fired as often for this ticket within the hour as it may; it is switched off then.
    async fn is_over_budget(&mut self, tx: &mut Tx, rule: &Rule, cause: &Cause) -> Result<bool, TicketError> {
        let fired: i64 = sqlx::query_scalar(
            "select count(*) from support_app.rule_run
             where ticket_id = $1 and rule_id = $2 and cause_id <> $3 and outcome = 'fired'
               and at > clock_timestamp() - interval '1 hour'",
        )
        .bind(cause.ticket)
        .bind(rule.id)
        .bind(cause.id)
        .fetch_one(&mut **tx)
        .await?;
        if fired < i64::from(rule.spec.hourly_budget) {
            return Ok(false);
        }
        let reason = format!(
            "It fired {fired} times within an hour for the ticket {}, which is as often as it may. Look at what causes it, \
             then switch it on again.",
            cause.ticket
        );
        store::switch_off_itself(tx, self.running.tenant, rule, &reason).await?;
        self.off.insert(rule.id);
        note(tx, rule, cause, "over_budget", &[], Some(&reason)).await?;
        Ok(true)
    }

    /// The jobs of the rules that wait for a while after a cause.
    async fn ask_for_timed(&mut self, tx: &mut Tx, cause: &Cause) -> Result<(), TicketError> {
        let waits: BTreeSet<i32> = self
            .held
            .rules
            .iter()
            .filter(|rule| !self.off.contains(&rule.id))
            .filter_map(|rule| {
                rule.spec.after_minutes.filter(|_| decide::concerns(rule, cause, rule.spec.after_minutes))
            })
            .collect();
        let mut jobs = Vec::with_capacity(waits.len());
        for after_minutes in waits {
            let payload = RunTimedRules { cause_id: cause.id, after_minutes };
            let job = NewJob::of(self.running.tenant, &payload)?
                .with_dedup_key(&format!("{}:{after_minutes}", cause.id))?
                .with_cause(self.running.correlation_id, self.running.trace_parent, "job")
                .with_run_at(cause.at + Duration::minutes(i64::from(after_minutes)));
            jobs.push(job);
        }
        if !jobs.is_empty() {
            self.ran.announcement.merge(jobs::enqueue(tx, &jobs).await?.1);
        }
        Ok(())
    }
}

/// Says whose changes the next ones are, for the causes that triggers write.
async fn as_rule(tx: &mut Tx, rule: Option<&Rule>) -> Result<(), DbError> {
    let who = rule.map(|rule| format!("{}:{}", rule.id, rule.position)).unwrap_or_default();
    sqlx::query("select set_config('desk.rule', $1, true)").bind(who).execute(&mut **tx).await?;
    Ok(())
}

/// Notes that a rule runs for a cause, with what it found. False when it did before.
async fn claim(
    tx: &mut Tx,
    tenant: TenantId,
    rule: &Rule,
    cause: &Cause,
    decision: &Decision,
) -> Result<bool, DbError> {
    let done = sqlx::query(
        "insert into support_app.rule_run (id, tenant_id, rule_id, version, ticket_id, cause_id, event, caused_at, outcome,
             results)
         values ($1, $2, $3, $4, $5, $6, $7, $8, 'fired', $9) on conflict (rule_id, cause_id) do nothing",
    )
    .bind(Uuid::now_v7())
    .bind(tenant)
    .bind(rule.id)
    .bind(rule.version)
    .bind(cause.ticket)
    .bind(cause.id)
    .bind(cause.event)
    .bind(cause.at)
    .bind(Json(&decision.found))
    .execute(&mut **tx)
    .await?;
    Ok(done.rows_affected() == 1)
}

async fn note(
    tx: &mut Tx,
    rule: &Rule,
    cause: &Cause,
    outcome: &str,
    done: &[Value],
    problem: Option<&str>,
) -> Result<(), DbError> {
    sqlx::query(
        "update support_app.rule_run set outcome = $3, done = $4, problem = $5, at = clock_timestamp()
         where rule_id = $1 and cause_id = $2",
    )
    .bind(rule.id)
    .bind(cause.id)
    .bind(outcome)
    .bind(Json(done))
    .bind(problem)
    .execute(&mut **tx)
    .await?;
    Ok(())
}
