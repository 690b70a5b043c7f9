//! Assignments as people read them: a ticket's history with the scores in words, the waiting queue, an agent's queue, and
//! who takes tickets.

use chrono::{DateTime, Utc};
use database::ids::{AgentId, TicketId};
use database::{DbError, Tx};
use serde_json::Value;
use sqlx::FromRow;
use uuid::Uuid;

use super::choose::{PassedOver, Scores};

/// One assignment of a ticket.
#[derive(Debug, Clone, FromRow)]
pub struct Entry {
    /// The assignment.
    pub id: Uuid,
    /// Whose it was.
    pub agent_id: AgentId,
    /// Their name.
    pub agent_name: String,
    /// manual, auto_routing, transfer, escalation, self_claimed, returning or offered_again.
    pub reason: String,
    /// assigned, accepted or in_progress; of an ended one completed, transferred or unassigned.
    pub state: String,
    /// Who decided.
    pub decided_by: String,
    /// What a person said of it.
    pub why: Option<String>,
    /// How the decision came about.
    pub scores: Option<Value>,
    /// What the ticket weighs, or weighed at the end.
    pub units: i32,
    /// When it began.
    pub from_at: DateTime<Utc>,
    /// When it ended.
    pub until_at: Option<DateTime<Utc>>,
    /// What was said when it ended.
    pub end_why: Option<String>,
}

impl Entry {
    /// How the decision came about, in words.
    pub fn in_words(&self) -> String {
        let name = &self.agent_name;
        let number = |field: &str| self.scores.as_ref().and_then(|scores| scores[field].as_i64());
        let scores = self.scores.clone().and_then(|scores| serde_json::from_value::<Scores>(scores).ok());
        if let Some(scores) = scores.filter(|scores| !scores.candidates.is_empty()) {
            return of_scores(name, &scores);
        }
        let load = match (number("load"), number("capacity")) {
            (Some(load), Some(capacity)) => format!(", who had {load} of {capacity} units"),
            _ => String::new(),
        };
        let beyond = match self.scores.as_ref().is_some_and(|scores| scores["exceeded"] == true) {
            true => "; the capacity was exceeded on purpose",
            false => "",
        };
        match self.reason.as_str() {
            "returning" => {
                format!("It came back to {name}, who had resolved it{}.", load.replace(", who had", " with"))
            }
            "self_claimed" => format!("{name} took it{}{beyond}.", load.replace(", who had", " with")),
            "transfer" => format!("It was handed on to {name}{load}{beyond}."),
            "escalation" => format!("It was handed up to {name}{load}{beyond}."),
            _ => format!("It was given to {name}{load}{beyond}."),
        }
    }
}

fn of_scores(name: &str, scores: &Scores) -> String {
    let best = &scores.candidates[0];
    let mut words = format!(
        "{name} had the most points of {}: {:.0} ({} of {} units made {:.0}",
        match scores.candidates.len() {
            1 => "one candidate".to_owned(),
            several => format!("{several} candidates"),
        },
        best.points,
        best.load,
        best.capacity,
        best.room,
    );
    if best.senior > 0.0 {
        words.push_str(&format!(", a senior for a customer of high tier {:.0}", best.senior));
    }
    if best.skills > 0.0 {
        words.push_str(&format!(", skills {:.0}", best.skills));
    }
    words.push(')');
    if let Some(second) = scores.candidates.get(1) {
        if (second.points - best.points).abs() < f64::EPSILON {
            words.push_str("; of equals, who waited longest for a ticket");
        } else {
            words.push_str(&format!("; the next had {:.0}", second.points));
        }
    }
    for (why, count) in &scores.passed_over {
        let reason = match why {
            PassedOver::Department => "in another department",
            PassedOver::Language => "without its language",
            PassedOver::Skills => "without its skills",
            PassedOver::Full => "without room for it",
            PassedOver::KeptFree => "kept free for a larger ticket",
            PassedOver::JustArrived => "just arrived",
        };
        words.push_str(&format!("; {count} {reason}"));
    }
    words.push('.');
    words
}

/// A ticket's assignments, the newest first, a hundred at most (support role).
///
/// # Errors
/// The database failed.
pub async fn history(tx: &mut Tx, ticket: TicketId) -> Result<Vec<Entry>, DbError> {
    Ok(sqlx::query_as(
        "select h.id, h.agent_id, a.name as agent_name, h.reason, h.state, h.decided_by, h.why, h.scores, h.units,
                h.from_at, h.until_at, h.end_why
         from support_app.assignment h join support_app.agent a on a.id = h.agent_id
         where h.ticket_id = $1 order by h.from_at desc, h.id desc limit 100",
    )
    .bind(ticket)
    .fetch_all(&mut **tx)
    .await?)
}

/// A ticket in a queue.
#[derive(Debug, Clone, FromRow)]
pub struct Queued {
    /// The ticket.
    pub id: TicketId,
    /// Its number.
    pub number: i64,
    /// What it is about.
    pub subject: Option<String>,
    /// Channel name.
    pub channel: String,
    /// urgent, high, normal or low.
    pub priority: String,
    /// open or pending.
    pub status: String,
    /// What it weighs now.
    pub units: i32,
    /// Its language, when it is known.
    pub language: Option<String>,
    /// The department that it was sent to.
    pub department: Option<String>,
    /// What it needs.
    pub skills: Vec<String>,
    /// assigned, accepted or in_progress; none while nobody has it.
    pub assignment_state: Option<String>,
    /// The oldest customer's message that nobody has answered.
    pub waiting_since: Option<DateTime<Utc>>,
    /// When it came.
    pub created_at: DateTime<Utc>,
    /// Its place: a greater one comes first.
    pub rank: f64,
}

const QUEUED: &str =
    "t.id, t.number, t.subject, t.channel, t.priority, t.status, t.language, t.department, t.skills,
    t.assignment_state, t.waiting_since, t.created_at, t.rank,
    support_app.open_units(t.channel, t.status, t.snoozed_until, t.archived_at, t.merged_into, t.is_spam,
                           t.suspended_reason) as units";

/// Behind the place ($1, $2), where there is one. The first condition is one that an index can begin at: a page far behind
/// costs as much as the first. No number is greater than NaN.
const BEHIND: &str =
    "t.rank <= coalesce($1, 'NaN'::float8) and ($1::float8 is null or t.rank < $1 or t.id > $2)";

/// The waiting queue in smart order, after this place (support role).
///
/// # Errors
/// The database failed.
pub async fn waiting(tx: &mut Tx, after: Option<(f64, Uuid)>, limit: i64) -> Result<Vec<Queued>, DbError> {
    let statement = format!(
        "select {QUEUED} from support_app.ticket t
         where t.tenant_id = shared.current_tenant()
           and t.status = 'open' and t.assignee_id is null and t.snoozed_until is null and t.archived_at is null
           and t.merged_into is null and not t.is_spam and t.suspended_reason is null
           and {BEHIND}
         order by t.rank desc, t.id limit $3"
    );
    Ok(sqlx::query_as(sqlx::AssertSqlSafe(statement))
        .bind(after.map(|(rank, _)| rank))
        .bind(after.map(|(_, id)| id))
        .bind(limit)
        .fetch_all(&mut **tx)
        .await?)
}

/// What an agent has, open and pending, in smart order, after this place (support role).
///
/// # Errors
/// The database failed.
pub async fn queue(
    tx: &mut Tx,
    agent: AgentId,
    after: Option<(f64, Uuid)>,
    limit: i64,
) -> Result<Vec<Queued>, DbError> {
    let statement = format!(
        "select {QUEUED} from support_app.ticket t
         where t.tenant_id = shared.current_tenant() and t.assignee_id = $4 and t.status in ('open', 'pending')
           and t.archived_at is null
           and {BEHIND}
         order by t.rank desc, t.id limit $3"
    );
    Ok(sqlx::query_as(sqlx::AssertSqlSafe(statement))
        .bind(after.map(|(rank, _)| rank))
        .bind(after.map(|(_, id)| id))
        .bind(limit)
        .bind(agent)
        .fetch_all(&mut **tx)
        .await?)
}

/// An agent, as whoever gives out work sees them.
#[derive(Debug, Clone, FromRow)]
pub struct Worker {
    /// Who.
    pub id: AgentId,
    /// Their name.
    pub name: String,
    /// 0 agent, 1 senior, 2 leads.
    pub seniority: i16,
    /// Where they work.
    pub departments: Vec<String>,
    /// What they know.
    pub skills: Vec<String>,
    /// What they speak; none means any.
    pub languages: Vec<String>,
    /// Units of open work.
    pub load: i32,
    /// Units that automatic assignment may fill.
    pub capacity: i32,
    /// When they last got a ticket.
    pub last_assigned_at: Option<DateTime<Utc>>,
}

/// Who takes tickets at this moment, those with the most room first; 200 at most (support role).
///
/// # Errors
/// The database failed.
pub async fn available(tx: &mut Tx) -> Result<Vec<Worker>, DbError> {
    Ok(sqlx::query_as(
        "select id, name, seniority, departments, skills, languages, load, capacity, last_assigned_at
         from support_app.agent
         where tenant_id = shared.current_tenant() and disabled_at is null and accepts_new and is_present
           and availability = 'online'
         order by load::float8 / capacity, last_assigned_at nulls first, id limit 200",
    )
    .fetch_all(&mut **tx)
    .await?)
}

/// Whether the tenant has such an agent (support role).
///
/// # Errors
/// The database failed.
pub async fn is_agent(tx: &mut Tx, agent: AgentId) -> Result<bool, DbError> {
    Ok(sqlx::query_scalar("select exists (select from support_app.agent where id = $1)")
        .bind(agent)
        .fetch_one(&mut **tx)
        .await?)
}

/// A ticket's status and whose it is; none when there is no such ticket (support role).
///
/// # Errors
/// The database failed.
pub async fn standing(tx: &mut Tx, ticket: TicketId) -> Result<Option<(String, Option<AgentId>)>, DbError> {
    Ok(sqlx::query_as("select status, assignee_id from support_app.ticket where id = $1")
        .bind(ticket)
        .fetch_optional(&mut **tx)
        .await?)
}
