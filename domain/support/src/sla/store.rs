//! Brings the stored clocks of tickets up to what is derived: one read of facts, and one write when something changed.

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;
use sqlx::types::Json;
use uuid::Uuid;

use database::ids::{TenantId, TicketId};
use database::{DbError, Tx};
use jobs::{NewJob, QueueError};

use super::alerts;
use super::clocks::{Clock, Verdict, derive, policy_version};
use super::explain::{ClockView, view};
use super::facts::{self, Facts, StoredClock};
use super::policy::{ClockKind, Rulebook};
use super::timeline::Standing;
use crate::order::Tier;
use crate::order::facts::Known;

/// A promise that was broken longer ago than this, and is kept since, is no news.
const NEWS: TimeDelta = TimeDelta::days(1);

/// Derives the clocks of a ticket anew and stores those that changed (support role, the ticket's row is locked); `known` is
/// about to be stored in that row. Answers what becomes of the row when any did, and the job that will announce what comes
/// next.
///
/// # Errors
/// The database failed.
pub async fn step(
    tx: &mut Tx,
    tenant: TenantId,
    ticket: TicketId,
    known: Option<&Known>,
    now: DateTime<Utc>,
) -> Result<(Option<Due>, Vec<NewJob>), QueueError> {
    let (mut facts, book) = facts::read(tx, &[ticket]).await?;
    if let (Some(facts), Some(known)) = (facts.first_mut(), known) {
        let tier = known.customer_tier.map(Tier::name);
        if facts.attributes.customer_tier.as_deref() != tier {
            facts.change_tier(tier, alerts::now(tx).await?);
        }
    }
    let mut updated = bring_up_to_date(tx, tenant, &facts, &book, now).await?;
    Ok((updated.changed.pop().map(|(_, due)| due), updated.jobs))
}

/// The clocks of a ticket, read at `now` (support role).
///
/// # Errors
/// The database failed.
pub async fn of_ticket(tx: &mut Tx, ticket: TicketId, now: DateTime<Utc>) -> Result<Vec<ClockView>, DbError> {
    let (facts, book) = facts::read(tx, &[ticket]).await?;
    Ok(facts.iter().flat_map(|facts| derive(facts, &book, now)).map(|clock| view(&clock, now)).collect())
}

/// What a ticket's row says of its clocks that run, by the names of its columns.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Due {
    /// When the first of them runs out.
    pub sla_due_at: Option<DateTime<Utc>>,
    /// How the worst of them stands: within_sla, at_risk, breached.
    pub sla_state: Option<&'static str>,
}

/// What was brought up to date.
#[derive(Debug, Default)]
pub struct Updated {
    /// Tickets whose stored clocks were not as they should be, and what is to be stored in their rows.
    pub changed: Vec<(TicketId, Due)>,
    /// Jobs that announce what comes next.
    pub jobs: Vec<NewJob>,
}

/// Stores the clocks that changed of any number of tickets, whose rows are locked (support role).
///
/// # Errors
/// The database failed.
pub async fn bring_up_to_date(
    tx: &mut Tx,
    tenant: TenantId,
    tickets: &[Facts],
    book: &Rulebook,
    now: DateTime<Utc>,
) -> Result<Updated, QueueError> {
    let mut updated = Updated::default();
    let mut written = Vec::new();
    for facts in tickets {
        let row = TicketRow::of(facts, book, now);
        if row.is_stored(facts) {
            continue;
        }
        let next = row.clocks.iter().filter_map(|clock| clock.stored.next_alert_at).min();
        let known = facts.clocks.iter().filter_map(|clock| clock.next_alert_at).min();
        if let Some(at) = next.filter(|_| next != known) {
            updated.jobs.push(alerts::job(tenant, facts.id, at)?);
        }
        updated.changed.push((facts.id, row.due.clone()));
        written.push(row);
    }
    if !written.is_empty() {
        sqlx::query(include_str!("write.sql"))
            .bind(tenant)
            .bind(Json(&written))
            .execute(&mut **tx)
            .await
            .map_err(DbError::from)?;
    }
    Ok(updated)
}

/// A ticket's clocks as `write.sql` reads them.
#[derive(Serialize)]
struct TicketRow {
    id: TicketId,
    #[serde(skip)]
    due: Due,
    clocks: Vec<ClockRow>,
}

#[derive(Serialize)]
struct ClockRow {
    #[serde(flatten)]
    stored: StoredClock,
    elapsed_micros: i64,
    ended_by: Option<serde_json::Value>,
    calendar_secs: Option<f64>,
    business_secs: Option<f64>,
    calendar_version: Option<Uuid>,
    replies: Option<i32>,
}

impl TicketRow {
    fn of(facts: &Facts, book: &Rulebook, now: DateTime<Utc>) -> TicketRow {
        let known: HashMap<(&str, i32), &StoredClock> =
            facts.clocks.iter().map(|clock| ((clock.kind.as_str(), clock.seq), clock)).collect();
        let clocks: Vec<ClockRow> = derive(facts, book, now)
            .iter()
            .map(|clock| {
                let before = known.get(&(clock.kind.name(), clock.seq)).copied();
                ClockRow::of(clock, before, facts, book, now)
            })
            .collect();
        let open = || clocks.iter().map(|clock| &clock.stored).filter(|clock| clock.state != "ended");
        TicketRow {
            id: facts.id,
            due: Due {
                sla_due_at: open().filter_map(|clock| clock.due_at).min(),
                sla_state: open().map(|clock| standing(&clock.standing)).max().map(Standing::name),
            },
            clocks,
        }
    }

    fn is_stored(&self, facts: &Facts) -> bool {
        let is_known = |clock: &ClockRow| facts.clocks.contains(&clock.stored);
        self.due.sla_due_at == facts.sla_due_at
            && self.due.sla_state == facts.sla_state.as_deref()
            && self.clocks.len() == facts.clocks.len()
            && self.clocks.iter().all(is_known)
    }
}

fn standing(name: &str) -> Standing {
    match name {
        "breached" => Standing::Breached,
        "at_risk" => Standing::AtRisk,
        _ => Standing::WithinSla,
    }
}

impl ClockRow {
    fn of(
        clock: &Clock,
        before: Option<&StoredClock>,
        facts: &Facts,
        book: &Rulebook,
        now: DateTime<Utc>,
    ) -> ClockRow {
        let target_version = clock.target_version();
        let announced = before
            .filter(|before| before.target_version == target_version)
            .map_or(0, |before| before.announced);
        let is_open = clock.ended_at.is_none();
        // Another clock than ours has said so already: the database's, by which alerts are given.
        let said = match announced {
            2 if is_open && clock.reading.due_at.is_some_and(|due| due < now + TimeDelta::seconds(10)) => {
                Standing::Breached
            }
            1 if is_open && clock.reading.warn_at.is_some_and(|warn| warn < now + TimeDelta::seconds(10)) => {
                Standing::AtRisk
            }
            _ => Standing::WithinSla,
        };
        let rule = clock.rule(now);
        let target = rule.and_then(|rule| rule.target.as_ref());
        let secs = |time: TimeDelta| time.num_microseconds().map(|micros| micros as f64 / 1e6);
        let next_alert_at = match clock.verdict {
            None => match announced {
                0 => clock.reading.warn_at.or(clock.reading.due_at),
                1 => clock.reading.due_at,
                _ => None,
            },
            Some(Verdict::Missed) if announced < 2 => clock.reading.due_at.filter(|due| *due > now - NEWS),
            Some(_) => None,
        };
        let is_over = clock.kind == ClockKind::Resolution && !is_open;
        let replies = facts.messages.iter().filter(|message| message.from_agent).count();
        ClockRow {
            elapsed_micros: clock.reading.elapsed.num_microseconds().unwrap_or(i64::MAX),
            ended_by: clock.ended_by.map(|by| serde_json::json!(by)),
            calendar_secs: if is_open { None } else { secs(clock.calendar_time(now)) },
            business_secs: if is_open { None } else { clock.business_time(book, now).and_then(secs) },
            calendar_version: target.and_then(|target| Some(target.calendar.as_ref()?.0)),
            replies: is_over.then(|| i32::try_from(replies).unwrap_or(i32::MAX)),
            stored: StoredClock {
                kind: clock.kind.name().to_owned(),
                seq: clock.seq,
                started_at: clock.timeline.start,
                state: clock.state().to_owned(),
                standing: clock.reading.standing.max(said).name().to_owned(),
                due_at: clock.reading.due_at,
                warn_at: clock.reading.warn_at,
                ended_at: clock.ended_at,
                verdict: clock.verdict.map(|verdict| verdict.name().to_owned()),
                target_version,
                policy_version: policy_version(clock, now),
                target_minutes: target.map(|target| target.minutes),
                announced,
                next_alert_at,
                superseded: serde_json::json!(clock.superseded),
            },
        }
    }
}
