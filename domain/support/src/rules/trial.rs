//! Trials: what a rule would have done with the tickets of the past. The events are read out of what is stored, the ticket
//! as it was at each, and the decision is the one that a run makes ([`decide`]); nothing is done.
//!
//! Rules in force that are listed before it are looked at too, with what they would have changed, as in a run. Events that
//! a rule made count for those behind it, as in a run. What is known of customers is as of the event; where it is not known any
//! more how that was, it is as of today, and the trial says so.

use std::collections::HashMap;

use chrono::{DateTime, Duration, Utc};
use database::ids::{MessageId, TenantId, TicketId};
use database::{DbError, Tx};
use serde::Serialize;
use serde_json::Value;
use sqlx::FromRow;
use sqlx::types::Json;
use uuid::Uuid;

use super::causes::Cause;
use super::decide::{self, Rule};
use super::facts::{self, Facts, Outside, When};
use super::spec::{Event, Spec};
use super::store;
use crate::sla::calendar::Calendar;
use crate::tickets::TicketError;

/// Days that a trial looks back at most.
pub const MOST_DAYS: i64 = 92;
/// Events that a trial looks at, at most; the newest ones are left out.
const MOST_EVENTS: i64 = 200_000;
/// What fired and is kept to be shown.
const MOST_HITS: i64 = 5_000;
/// Events that are looked at in one transaction.
const AT_ONCE: i64 = 200;

/// A trial.
#[derive(Debug, Clone, Serialize, FromRow)]
pub struct Trial {
    /// Identity.
    pub id: Uuid,
    /// The rule.
    pub rule_id: Uuid,
    /// What was tried.
    #[sqlx(json)]
    pub spec: Spec,
    /// From when on events are looked at.
    pub from_at: DateTime<Utc>,
    /// Until when.
    pub until_at: DateTime<Utc>,
    /// Who asked for it.
    pub asked_by: String,
    /// The job.
    pub job_id: Uuid,
    /// waiting, running, done, failed.
    pub state: String,
    #[serde(skip)]
    after_at: Option<DateTime<Utc>>,
    #[serde(skip)]
    after_key: Option<String>,
    /// Events that were looked at.
    pub events: i64,
    /// How many of them it would have fired for.
    pub fired: i64,
    /// Why it failed.
    pub problem: Option<String>,
    /// What of the past is not known, and was taken as of the day of the trial.
    pub remarks: Vec<String>,
    /// When it was asked for.
    pub created_at: DateTime<Utc>,
    /// When it was over.
    pub finished_at: Option<DateTime<Utc>>,
}

/// What it would have done once.
#[derive(Debug, Clone, PartialEq, Serialize, FromRow)]
pub struct Hit {
    /// Its number within the trial, in the order of time.
    pub seq: i64,
    /// The ticket.
    pub ticket_id: TicketId,
    /// When: at the event, or so long after it as the rule waits.
    pub at: DateTime<Utc>,
    /// Every condition with its result.
    pub results: Value,
    /// What it would have done.
    pub actions: Value,
}

const COLUMNS: &str =
    "id, rule_id, spec, from_at, until_at, asked_by, job_id, state, after_at, after_key, events, fired,
    problem, remarks, created_at, finished_at";

/// What is to be tried.
#[derive(Debug, Clone)]
pub struct Wish<'a> {
    /// The trial's own id.
    pub id: Uuid,
    /// The rule.
    pub rule: Uuid,
    /// What it says, or may say.
    pub spec: &'a Spec,
    /// From when on.
    pub from: DateTime<Utc>,
    /// Until when.
    pub until: DateTime<Utc>,
    /// Who asks.
    pub by: &'a str,
    /// The job.
    pub job: Uuid,
}

/// Stores that a trial is asked for (support role).
///
/// # Errors
/// The database failed.
pub async fn ask(tx: &mut Tx, tenant: TenantId, wish: &Wish<'_>) -> Result<Trial, DbError> {
    Ok(sqlx::query_as(sqlx::AssertSqlSafe(format!(
        "insert into support_app.rule_trial (id, tenant_id, rule_id, spec, from_at, until_at, asked_by, job_id)
         values ($1, $2, $3, $4, $5, $6, $7, $8) returning {COLUMNS}"
    )))
    .bind(wish.id)
    .bind(tenant)
    .bind(wish.rule)
    .bind(Json(wish.spec))
    .bind(wish.from)
    .bind(wish.until)
    .bind(wish.by)
    .bind(wish.job)
    .fetch_one(&mut **tx)
    .await?)
}

/// A trial (support role).
///
/// # Errors
/// The database failed.
pub async fn get(tx: &mut Tx, id: Uuid) -> Result<Option<Trial>, DbError> {
    Ok(sqlx::query_as(sqlx::AssertSqlSafe(format!(
        "select {COLUMNS} from support_app.rule_trial where id = $1"
    )))
    .bind(id)
    .fetch_optional(&mut **tx)
    .await?)
}

/// What a trial found, in the order of time, from behind a number (support role).
///
/// # Errors
/// The database failed.
pub async fn hits(tx: &mut Tx, trial: Uuid, after: i64, limit: i64) -> Result<Vec<Hit>, DbError> {
    Ok(sqlx::query_as(
        "select seq, ticket_id, at, results, actions from support_app.rule_trial_hit
         where trial_id = $1 and seq > $2 order by seq limit $3",
    )
    .bind(trial)
    .bind(after)
    .bind(limit)
    .fetch_all(&mut **tx)
    .await?)
}

#[derive(FromRow)]
struct Past {
    key: String,
    ticket_id: TicketId,
    at: DateTime<Utc>,
    message_id: Option<MessageId>,
    detail: Value,
    by_rule: Option<Uuid>,
}

/// The rules that a trial looks at: those in force with the same event and wait that are listed before it, and itself.
pub struct Tried {
    rules: Vec<Rule>,
    rule: Uuid,
    positions: HashMap<Uuid, i32>,
    calendar: Option<std::sync::Arc<Calendar>>,
}

impl std::fmt::Debug for Tried {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tried").field("rules", &self.rules.len()).finish_non_exhaustive()
    }
}

impl Tried {
    /// Reads them (support role); none when the rule is gone.
    ///
    /// # Errors
    /// The database failed.
    pub async fn read(tx: &mut Tx, trial: &Trial) -> Result<Option<Tried>, TicketError> {
        let Some(stored) = store::get(tx, trial.rule_id).await? else { return Ok(None) };
        let known = super::known::known(tx).await?;
        let mut own = store::read(stored, &known);
        own.spec = trial.spec.clone();
        let Ok(read) = trial.spec.read() else { return Ok(None) };
        own.invalid = known.fault(&own.spec, &read);
        own.read = read;
        let all = store::list(tx).await?;
        let positions = all.iter().map(|rule| (rule.id, rule.position)).collect();
        let mut rules: Vec<Rule> = store::in_force(tx, Some(own.spec.event)).await?;
        rules.retain(|rule| {
            rule.id != own.id
                && (rule.position, rule.id) < (own.position, own.id)
                && rule.spec.after_minutes == own.spec.after_minutes
                && rule.invalid.is_none()
        });
        // Whatever they are by now, in the trial they were in force all the time, and so was it.
        let always = DateTime::<Utc>::MIN_UTC;
        for rule in &mut rules {
            rule.on_since = always;
        }
        own.on_since = always;
        let rule = own.id;
        rules.push(own);
        Ok(Some(Tried { rules, rule, positions, calendar: facts::calendar(tx).await? }))
    }

    /// Whether it asks for what others know of customers.
    pub fn needs_outside(&self) -> bool {
        decide::needs_outside(&self.rules.iter().collect::<Vec<_>>())
    }

    /// Whether it asks for this field.
    pub fn asks_for(&self, field: &str) -> bool {
        decide::uses(&self.rules.iter().collect::<Vec<_>>(), &[field])
    }

    /// Why the rule cannot be tried.
    pub fn invalid(&self) -> Option<&str> {
        self.rules.last().and_then(|rule| rule.invalid.as_deref())
    }

    /// What the rule does with a cause: its findings when it fires. `facts` is the ticket as it was.
    fn fires(&self, cause: &Cause, mut facts: Facts) -> Option<Vec<super::tree::Found>> {
        for rule in &self.rules {
            if !decide::concerns(rule, cause, rule.spec.after_minutes) {
                continue;
            }
            let decision = decide::decide(rule, &facts);
            if rule.id == self.rule {
                return decision.fires.then_some(decision.found);
            }
            if decision.fires {
                rule.spec.actions.iter().for_each(|action| facts.after(action));
            }
        }
        None
    }
}

/// What a step of a trial came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    /// Events looked at until now.
    pub events: i64,
    /// Whether there are more.
    pub has_more: bool,
}

/// Looks at the next events of a trial (support role). The trial remembers how far it came, so a job that is begun again
/// goes on. `outside` is what others knew of a ticket's customer at the moment that the rule looks.
///
/// # Errors
/// The database failed.
pub async fn step(
    tx: &mut Tx,
    tenant: TenantId,
    trial: Uuid,
    tried: &Tried,
    outside: &HashMap<Looked, Outside>,
) -> Result<Step, TicketError> {
    let trial: Trial = get(tx, trial).await?.ok_or(TicketError::Unknown("trial"))?;
    let event = trial.spec.event;
    let past = past(tx, &trial, event).await?;
    let wait = Duration::minutes(i64::from(trial.spec.after_minutes.unwrap_or(0)));
    let (mut events, mut fired) = (trial.events, trial.fired);
    for one in &past {
        let at = one.at + wait;
        events += 1;
        if at > trial.until_at {
            continue;
        }
        let by = one.by_rule.and_then(|rule| Some((rule, *tried.positions.get(&rule)?)));
        let cause = Cause {
            id: 0,
            ticket: one.ticket_id,
            event,
            at: one.at,
            message: one.message_id,
            detail: one.detail.clone(),
            by,
        };
        let outside = outside.get(&(one.ticket_id, at)).cloned().unwrap_or_default();
        let read = facts::read(tx, &cause, When::Then(at), tried.calendar.as_deref(), outside).await?;
        let Some(facts) = read.filter(|facts| facts.skipped.is_none()) else { continue };
        let Some(found) = tried.fires(&cause, facts) else { continue };
        fired += 1;
        if fired <= MOST_HITS {
            keep(tx, tenant, &trial, fired, one.ticket_id, at, &found).await?;
        }
    }
    let is_whole = i64::try_from(past.len()).unwrap_or(i64::MAX) == AT_ONCE;
    let has_more = is_whole && events < MOST_EVENTS;
    let last = past.last();
    sqlx::query(
        "update support_app.rule_trial set state = case when $2 then 'running' else 'done' end, events = $3, fired = $4,
             after_at = coalesce($5, after_at), after_key = coalesce($6, after_key),
             finished_at = case when $2 then null else clock_timestamp() end
         where id = $1",
    )
    .bind(trial.id)
    .bind(has_more)
    .bind(events)
    .bind(fired)
    .bind(last.map(|last| last.at))
    .bind(last.map(|last| &last.key))
    .execute(&mut **tx)
    .await?;
    Ok(Step { events, has_more })
}

async fn keep(
    tx: &mut Tx,
    tenant: TenantId,
    trial: &Trial,
    seq: i64,
    ticket: TicketId,
    at: DateTime<Utc>,
    found: &[super::tree::Found],
) -> Result<(), DbError> {
    sqlx::query(
        "insert into support_app.rule_trial_hit (tenant_id, trial_id, seq, ticket_id, at, results, actions)
         values ($1, $2, $3, $4, $5, $6, $7)",
    )
    .bind(tenant)
    .bind(trial.id)
    .bind(seq)
    .bind(ticket)
    .bind(at)
    .bind(Json(found))
    .bind(Json(&trial.spec.actions))
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// A ticket, and the moment at which the rule looks at it.
pub type Looked = (TicketId, DateTime<Utc>);

/// The next tickets and moments, for whoever looks up what others knew of their customers then (support role).
///
/// # Errors
/// The database failed.
pub async fn next_looks(tx: &mut Tx, trial: Uuid) -> Result<Vec<Looked>, TicketError> {
    let trial: Trial = get(tx, trial).await?.ok_or(TicketError::Unknown("trial"))?;
    let wait = Duration::minutes(i64::from(trial.spec.after_minutes.unwrap_or(0)));
    let events = past(tx, &trial, trial.spec.event).await?;
    Ok(events.into_iter().map(|one| (one.ticket_id, one.at + wait)).collect())
}

/// Notes what of the past is not known (support role); once each.
///
/// # Errors
/// The database failed.
pub async fn remark(tx: &mut Tx, trial: Uuid, remark: &str) -> Result<(), DbError> {
    sqlx::query(
        "update support_app.rule_trial set remarks = remarks || $2::text where id = $1 and $2 <> all (remarks)",
    )
    .bind(trial)
    .bind(remark)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

async fn past(tx: &mut Tx, trial: &Trial, event: Event) -> Result<Vec<Past>, DbError> {
    let statement = match event {
        Event::TicketCreated => include_str!("past_created.sql"),
        Event::MessageReceived => include_str!("past_messages.sql"),
        Event::TicketUpdated => include_str!("past_updates.sql"),
        Event::TagAdded => include_str!("past_tags.sql"),
        Event::RatingReceived => include_str!("past_ratings.sql"),
        Event::SlaWarning | Event::SlaBreach => include_str!("past_alerts.sql"),
    };
    let kind = if event == Event::SlaBreach { "breach" } else { "warning" };
    Ok(sqlx::query_as(statement)
        .bind(trial.from_at)
        .bind(trial.until_at)
        .bind(trial.after_at)
        .bind(&trial.after_key)
        .bind(AT_ONCE)
        .bind(kind)
        .fetch_all(&mut **tx)
        .await?)
}

/// Notes that a trial cannot go on (support role).
///
/// # Errors
/// The database failed.
pub async fn fail(tx: &mut Tx, trial: Uuid, problem: &str) -> Result<(), DbError> {
    sqlx::query(
        "update support_app.rule_trial set state = 'failed', problem = left($2, 500), finished_at = clock_timestamp()
         where id = $1 and state <> 'done'",
    )
    .bind(trial)
    .bind(problem)
    .execute(&mut **tx)
    .await?;
    Ok(())
}
