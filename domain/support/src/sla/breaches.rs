//! Clocks as lists: what is at risk, what was breached and why, and the rows behind each number of the reports.

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;
use sqlx::{AssertSqlSafe, FromRow};
use uuid::Uuid;

use database::ids::TicketId;
use database::{DbError, Tx};

use super::clocks::{Clock, derive};
use super::explain::secs;
use super::facts;
use super::timeline::Spent;

/// Which clocks are listed, and in which order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Listed {
    /// Running, with 80 % elapsed, those that run out first before the others. Paused ones are left out.
    AtRisk,
    /// Past their due time, the newest first; running ones and those that ended too late.
    Breached,
    /// Ended, the newest first, as reports count them: without those cancelled unless asked for, and without first
    /// responses to tickets that an agent opened.
    Ended,
}

/// Which of them; none of a field means any. Of what a ticket may lack, `none` is a value.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// What the clock measures.
    pub kind: Option<String>,
    /// met, missed, cancelled or none.
    pub verdict: Option<String>,
    /// running, paused or ended.
    pub state: Option<String>,
    /// The department of the ticket.
    pub department: Option<String>,
    /// Whose it is, by the id of the agent.
    pub agent: Option<String>,
    /// Its priority.
    pub priority: Option<String>,
    /// Its channel.
    pub channel: Option<String>,
    /// The order's time is not before this.
    pub from: Option<DateTime<Utc>>,
    /// And before that.
    pub to: Option<DateTime<Utc>>,
}

/// The place of a row in its list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The order's time.
    pub at: DateTime<Utc>,
    /// The ticket.
    pub ticket: Uuid,
    /// What the clock measures.
    pub kind: String,
    /// Its number among those of its kind.
    pub seq: i32,
}

/// A clock with its ticket.
#[derive(Clone, Debug, Serialize, FromRow)]
pub struct ClockRow {
    /// The ticket.
    pub ticket_id: Uuid,
    /// Its number.
    pub number: i64,
    /// Its subject.
    pub subject: Option<String>,
    /// Its status.
    pub status: String,
    /// Its priority.
    pub priority: String,
    /// Its channel.
    pub channel: String,
    /// Its department.
    pub department: Option<String>,
    /// Whose it is.
    pub assignee_id: Option<Uuid>,
    /// What the clock measures.
    pub kind: String,
    /// Its number among those of its kind.
    pub seq: i32,
    /// running, paused or ended.
    pub state: String,
    /// within_sla, at_risk or breached.
    pub standing: String,
    /// met, missed, cancelled or none.
    pub verdict: Option<String>,
    /// When it started.
    pub started_at: DateTime<Utc>,
    /// When it is due.
    pub due_at: Option<DateTime<Utc>>,
    /// When it ended.
    pub ended_at: Option<DateTime<Utc>>,
    /// The target in minutes.
    pub target_minutes: Option<i64>,
    /// Public replies by people, of a resolution that ended.
    pub replies: Option<i32>,
}

impl ClockRow {
    /// Its place in the list.
    pub fn place(&self, listed: Listed) -> Place {
        let at = match listed {
            Listed::Ended => self.ended_at,
            Listed::AtRisk | Listed::Breached => self.due_at,
        };
        let at = at.unwrap_or_default();
        Place { at, ticket: self.ticket_id, kind: self.kind.clone(), seq: self.seq }
    }
}

/// A page of clocks (support role).
///
/// # Errors
/// The database failed.
pub async fn list(
    tx: &mut Tx,
    listed: Listed,
    filter: &Filter,
    after: Option<&Place>,
    limit: i64,
) -> Result<Vec<ClockRow>, DbError> {
    // The conditions are those of the partial indexes.
    let (which, at, beyond, order) = match listed {
        Listed::AtRisk => (
            "c.state <> 'ended' and c.standing in ('at_risk', 'breached') and c.standing = 'at_risk' and c.due_at is not null",
            "c.due_at",
            ">",
            "asc",
        ),
        Listed::Breached => {
            ("c.standing = 'breached' and coalesce(c.verdict, 'missed') = 'missed'", "c.due_at", "<", "desc")
        }
        Listed::Ended => (
            "c.state = 'ended' and (c.verdict <> 'cancelled' or $6 = 'cancelled')
             and not (c.kind = 'first_response' and t.opened_by_agent)",
            "c.ended_at",
            "<",
            "desc",
        ),
    };
    let statement = format!(
        "select c.ticket_id, t.number, t.subject, t.status, t.priority, t.channel, t.department, t.assignee_id, c.kind,
                c.seq, c.state, c.standing, c.verdict, c.started_at, c.due_at, c.ended_at, c.target_minutes, c.replies
         from support_app.sla_clock c join support_app.ticket t on t.id = c.ticket_id
         where c.tenant_id = shared.current_tenant() and {which}
           and ($1::timestamptz is null or ({at}, c.ticket_id, c.kind, c.seq) {beyond} ($1, $2, $3, $4))
           and ($5::text is null or c.kind = $5) and ($6::text is null or c.verdict = $6)
           and ($7::text is null or c.state = $7)
           and ($8::text is null or coalesce(t.department, 'none') = $8)
           and ($9::text is null or coalesce(t.assignee_id::text, 'none') = $9)
           and ($10::text is null or t.priority = $10) and ($11::text is null or t.channel = $11)
           and ($12::timestamptz is null or {at} >= $12) and ($13::timestamptz is null or {at} < $13)
         order by {at} {order}, c.ticket_id {order}, c.kind {order}, c.seq {order}
         limit $14"
    );
    Ok(sqlx::query_as(AssertSqlSafe(statement))
        .bind(after.map(|place| place.at))
        .bind(after.map(|place| place.ticket))
        .bind(after.map(|place| place.kind.as_str()))
        .bind(after.map(|place| place.seq))
        .bind(filter.kind.as_deref())
        .bind(filter.verdict.as_deref())
        .bind(filter.state.as_deref())
        .bind(filter.department.as_deref())
        .bind(filter.agent.as_deref())
        .bind(filter.priority.as_deref())
        .bind(filter.channel.as_deref())
        .bind(filter.from)
        .bind(filter.to)
        .bind(limit)
        .fetch_all(&mut **tx)
        .await?)
}

/// Where the time of a clock went.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Why {
    /// Seconds by what they were spent on, until the clock ended or until now.
    pub spent_secs: BTreeMap<&'static str, f64>,
    /// By how many seconds it is over its due time.
    pub over_by_secs: f64,
    /// Who had it while its time counted, in the order of having it.
    pub held_by: Vec<Holder>,
    /// The same in a sentence.
    pub words: String,
}

/// Who had a ticket for how long.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Holder {
    /// The agent; none while nobody had it.
    pub agent_id: Option<Uuid>,
    /// The agent's name.
    pub name: Option<String>,
    /// Seconds that count.
    pub counted_secs: f64,
}

/// Where the time of these clocks went (support role), by ticket, kind and number.
///
/// # Errors
/// The database failed.
pub async fn why(
    tx: &mut Tx,
    rows: &[ClockRow],
    now: DateTime<Utc>,
) -> Result<HashMap<(Uuid, String, i32), Why>, DbError> {
    let mut tickets: Vec<TicketId> = rows.iter().map(|row| TicketId(row.ticket_id)).collect();
    tickets.sort_unstable();
    tickets.dedup();
    if tickets.is_empty() {
        return Ok(HashMap::new());
    }
    let (facts, book) = facts::read(tx, &tickets).await?;
    let held = holders(tx, &tickets).await?;
    let mut found = HashMap::new();
    for facts in &facts {
        let empty = Vec::new();
        let held = held.get(&facts.id.0).unwrap_or(&empty);
        for clock in derive(facts, &book, now) {
            let key = (facts.id.0, clock.kind.name().to_owned(), clock.seq);
            found.insert(key, of(&clock, held, now));
        }
    }
    Ok(found)
}

/// Somebody, from then on.
struct Held {
    from: DateTime<Utc>,
    agent: Option<Agent>,
}

/// An agent's id and name.
type Agent = (Uuid, Option<String>);

#[derive(FromRow)]
struct HeldRow {
    ticket_id: Uuid,
    at: Option<DateTime<Utc>>,
    agent: Option<Uuid>,
    name: Option<String>,
}

/// Who had the tickets, from when on. Whoever had one before its first change had it from its beginning.
async fn holders(tx: &mut Tx, tickets: &[TicketId]) -> Result<HashMap<Uuid, Vec<Held>>, DbError> {
    let rows: Vec<HeldRow> = sqlx::query_as(
        "with change as (
             select c.ticket_id, c.at, c.id, (c.old #>> '{}')::uuid as old, (c.new #>> '{}')::uuid as new,
                    row_number() over (partition by c.ticket_id order by c.at, c.id) as number
             from support_app.ticket_change c where c.ticket_id = any($1) and c.field = 'assignee_id'
         ), held as (
             select ticket_id, null::timestamptz as at, old as agent from change where number = 1
             union all select ticket_id, at, new from change
             union all select t.id, null, t.assignee_id from support_app.ticket t
             where t.id = any($1) and not exists (select from change c where c.ticket_id = t.id)
         )
         select h.ticket_id, h.at, h.agent, a.name from held h left join support_app.agent a on a.id = h.agent
         order by h.ticket_id, h.at nulls first",
    )
    .bind(tickets)
    .fetch_all(&mut **tx)
    .await?;
    let mut held: HashMap<Uuid, Vec<Held>> = HashMap::new();
    for row in rows {
        let agent = row.agent.map(|agent| (agent, row.name));
        let from = row.at.unwrap_or(DateTime::<Utc>::MIN_UTC);
        held.entry(row.ticket_id).or_default().push(Held { from, agent });
    }
    Ok(held)
}

fn of(clock: &Clock, held: &[Held], now: DateTime<Utc>) -> Why {
    let until = clock.read_at(now);
    let mut spent: BTreeMap<&'static str, TimeDelta> = BTreeMap::new();
    let mut had: Vec<(Option<Agent>, TimeDelta)> = Vec::new();
    for stretch in clock.timeline.stretches(until) {
        *spent.entry(name(stretch.spent)).or_default() += stretch.to - stretch.from;
        if stretch.spent != Spent::Counted {
            continue;
        }
        for (index, one) in held.iter().enumerate() {
            let from = one.from.max(stretch.from);
            let to = held.get(index + 1).map_or(stretch.to, |next| next.from.min(stretch.to));
            if from >= to {
                continue;
            }
            match had.last_mut().filter(|last| {
                last.0.as_ref().map(|agent| agent.0) == one.agent.as_ref().map(|agent| agent.0)
            }) {
                Some(last) => last.1 += to - from,
                None => had.push((one.agent.clone(), to - from)),
            }
        }
    }
    let over = clock.reading.due_at.map_or(TimeDelta::zero(), |due| (until - due).max(TimeDelta::zero()));
    let held_by: Vec<Holder> = had
        .into_iter()
        .map(|(agent, time)| Holder {
            agent_id: agent.as_ref().map(|agent| agent.0),
            name: agent.and_then(|agent| agent.1),
            counted_secs: secs(time),
        })
        .collect();
    Why {
        words: words(clock, &held_by),
        spent_secs: spent.into_iter().map(|(name, time)| (name, secs(time))).collect(),
        over_by_secs: secs(over),
        held_by,
    }
}

/// Who had the most of it.
fn words(clock: &Clock, held: &[Holder]) -> String {
    let elapsed = secs(clock.reading.elapsed);
    let hours = |secs: f64| format!("{:.1} h", secs / 3600.0);
    let unassigned: f64 = held.iter().filter(|one| one.agent_id.is_none()).map(|one| one.counted_secs).sum();
    let mut by_agent: BTreeMap<Uuid, (f64, &str)> = BTreeMap::new();
    for (id, one) in held.iter().filter_map(|one| Some((one.agent_id?, one))) {
        let sum = by_agent.entry(id).or_insert((0.0, one.name.as_deref().unwrap_or("an agent")));
        sum.0 += one.counted_secs;
    }
    let longest = by_agent.values().max_by(|a, b| a.0.total_cmp(&b.0));
    let mut words = format!("{} counted", hours(elapsed));
    if unassigned > 0.0 {
        words.push_str(&format!("; nobody had it for {}", hours(unassigned)));
    }
    if let Some((had, name)) = longest {
        words.push_str(&format!("; {name} had it for {}", hours(*had)));
    }
    words
}

fn name(spent: Spent) -> &'static str {
    match spent {
        Spent::Counted => "counted",
        Spent::Closed => "closed",
        Spent::Holiday => "holiday",
        Spent::Paused => "paused",
        Spent::Resolved => "resolved",
        Spent::NoTarget => "no_target",
    }
}
