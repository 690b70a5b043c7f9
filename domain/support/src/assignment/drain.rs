//! Gives out the waiting queue: a batch in one transaction, from the head on.
//!
//! The locks are always taken in this order: the tenant's turn (`routing`), the waiting tickets by id, the agents by id. Nobody
//! who holds an agent's row asks for a waiting ticket, so no two of them wait for each other.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};
use database::ids::{AgentId, TenantId, TicketId};
use database::{DbError, Tx};
use jobs::{Announcement, NewJob, QueueError};
use serde_json::json;
use sqlx::types::Json;
use sqlx::{AssertSqlSafe, FromRow};
use uuid::Uuid;

use super::choose::{self, Candidate, Choice, Scores, Wanted};
use super::policy::{self, Routing};
use super::{AssignError, Reason};
use crate::events::{self, Event};
use crate::kinds::DrainWaiting;
use crate::order::Tier;
use crate::rules::causes;

/// How many waiting tickets a batch looks at.
const BATCH: i64 = 200;

/// How many agents with room a batch chooses among.
const MOST_AGENTS: i64 = 2_000;

/// Where the next batch goes on, and who is kept free for a ticket that was passed.
#[derive(Debug, Clone, Default)]
pub struct Place {
    after: Option<(f64, Uuid)>,
    kept_free: HashSet<AgentId>,
    again_at: Option<DateTime<Utc>>,
    has_passed: bool,
}

/// What a batch did.
#[derive(Debug, Default)]
pub struct Drained {
    /// Whose which ticket is now.
    pub assigned: Vec<(TicketId, AgentId)>,
    /// Whether tickets are left that nobody could take.
    pub some_wait: bool,
    /// Where the next batch goes on; none when this was the last one.
    pub next: Option<Place>,
    /// To be announced after the commit.
    pub announcement: Announcement,
}

#[derive(FromRow)]
struct Waiting {
    id: Uuid,
    rank: f64,
    units: i32,
    language: Option<String>,
    department: Option<String>,
    skills: Vec<String>,
    tier: Option<Tier>,
    since: DateTime<Utc>,
    given_away_by: Option<AgentId>,
    is_offered_again: Option<bool>,
}

struct Decision {
    ticket: Uuid,
    agent: AgentId,
    units: i32,
    reason: Reason,
    scores: Scores,
}

/// Gives out one batch as `actor` (support role). It may be called by any number at once; they take turns.
///
/// # Errors
/// The database failed.
pub async fn drain(
    tx: &mut Tx,
    tenant: TenantId,
    actor: &str,
    place: Place,
    now: DateTime<Utc>,
) -> Result<Drained, AssignError> {
    let routing = policy::lock(tx, tenant).await?;
    if !routing.automatic {
        return Ok(Drained::default());
    }
    let (anybody, turn_at) = is_anybody_ready(tx).await?;
    // The turn may have been waited for: whoever had it before must not seem to come later.
    let now = now.max(turn_at);
    let Head { waiting, end } = head(tx, &place, if anybody { BATCH } else { 1 }).await?;
    if !anybody || (waiting.is_empty() && end.is_none()) {
        let some_wait = !waiting.is_empty() || place.has_passed;
        tell(tx, tenant, &routing, some_wait, now).await?;
        return Ok(Drained {
            some_wait,
            announcement: later(tx, tenant, place.again_at).await?,
            ..Drained::default()
        });
    }
    let mut agents = ready(tx).await?;
    // Their rows may have been waited for: what makes use of room must not seem to come before what made it.
    let now = now.max(clock(tx).await?);
    for agent in &mut agents {
        agent.is_kept_free = place.kept_free.contains(&agent.id);
    }
    let (mut decisions, mut again_at, mut has_passed) = (Vec::new(), place.again_at, place.has_passed);
    let mut has_room = true;
    let pace = routing.pace();
    for ticket in waiting {
        if !agents.iter().any(choose::has_room) {
            has_passed = true;
            has_room = false;
            break;
        }
        let (id, units) = (ticket.id, ticket.units);
        let reason =
            if ticket.is_offered_again == Some(true) { Reason::OfferedAgain } else { Reason::AutoRouting };
        match choose::choose(&ticket.wanted(), &mut agents, &pace, now) {
            Choice::Agent(place, scores) => {
                choose::give(&mut agents[place], units, now);
                decisions.push(Decision { ticket: id, agent: agents[place].id, units, reason, scores });
            }
            Choice::Nobody(at) => {
                has_passed = true;
                again_at = again_at.into_iter().chain(at).min();
            }
        }
    }
    write(tx, tenant, actor, &decisions, now).await?;
    let kept_free = agents.iter().filter(|agent| agent.is_kept_free).map(|agent| agent.id).collect();
    let next =
        end.filter(|_| has_room).map(|end| Place { after: Some(end), kept_free, again_at, has_passed });
    let mut announcement = Announcement::default();
    if next.is_none() {
        tell(tx, tenant, &routing, has_passed, now).await?;
        announcement = later(tx, tenant, again_at).await?;
    }
    let assigned: Vec<(TicketId, AgentId)> =
        decisions.iter().map(|decision| (TicketId(decision.ticket), decision.agent)).collect();
    let tickets: Vec<TicketId> = assigned.iter().map(|(ticket, _)| *ticket).collect();
    let rules = causes::ask_all(tx, tenant, &tickets).await?;
    if !rules.is_empty() {
        announcement.merge(jobs::enqueue(tx, &rules).await?.1);
    }
    Ok(Drained { assigned, some_wait: has_passed, next, announcement })
}

impl Waiting {
    fn wanted(self) -> Wanted {
        Wanted {
            units: self.units,
            language: self.language,
            department: self.department,
            skills: self.skills,
            tier: self.tier,
            since: self.since,
            given_away_by: self.given_away_by,
        }
    }
}

/// The head of the waiting queue.
struct Head {
    /// Its tickets, in smart order.
    waiting: Vec<Waiting>,
    /// Where the next batch begins; none when nothing stands behind this one.
    end: Option<(f64, Uuid)>,
}

/// Who stands at the head is found in smart order, after the place: a greater rank first, of equals the older one. The rows are
/// locked by id, as everybody locks them, and whoever is not waiting any more by then is left out.
async fn head(tx: &mut Tx, place: &Place, limit: i64) -> Result<Head, DbError> {
    let first: Vec<(Uuid, f64)> = sqlx::query_as(
        "select t.id, t.rank from support_app.ticket t
         where t.tenant_id = shared.current_tenant()
           and t.status = 'open' and t.assignee_id is null and t.snoozed_until is null and t.archived_at is null
           and t.merged_into is null and not t.is_spam and t.suspended_reason is null
           and ($1::float8 is null or t.rank < $1 or (t.rank = $1 and t.id > $2))
         order by t.rank desc, t.id limit $3",
    )
    .bind(place.after.map(|(rank, _)| rank))
    .bind(place.after.map(|(_, id)| id))
    .bind(limit)
    .fetch_all(&mut **tx)
    .await?;
    let is_whole = first.len() as i64 == limit;
    let end = first.last().filter(|_| is_whole).map(|(id, rank)| (*rank, *id));
    let ids: Vec<Uuid> = first.into_iter().map(|(id, _)| id).collect();
    let mut waiting: Vec<Waiting> =
        sqlx::query_as(include_str!("waiting.sql")).bind(&ids).fetch_all(&mut **tx).await?;
    waiting.sort_by(|one, other| other.rank.total_cmp(&one.rank).then(one.id.cmp(&other.id)));
    Ok(Head { waiting, end })
}

/// Agents who take tickets and have room.
const READY: &str = "from support_app.agent
    where tenant_id = shared.current_tenant() and disabled_at is null and accepts_new and is_present
      and availability = 'online' and load < capacity";

/// Whether there is anybody, and what time it is.
async fn is_anybody_ready(tx: &mut Tx) -> Result<(bool, DateTime<Utc>), DbError> {
    let statement = AssertSqlSafe(format!("select exists (select {READY}), clock_timestamp()"));
    Ok(sqlx::query_as(statement).fetch_one(&mut **tx).await?)
}

/// What time it is for the database, at this very statement.
async fn clock(tx: &mut Tx) -> Result<DateTime<Utc>, DbError> {
    Ok(sqlx::query_scalar("select clock_timestamp()").fetch_one(&mut **tx).await?)
}

/// Those agents, locked.
async fn ready(tx: &mut Tx) -> Result<Vec<Candidate>, DbError> {
    let statement = AssertSqlSafe(format!(
        "select id, seniority, departments, skills, languages, capacity, load, last_assigned_at, arrived_at,
                given_since_arrival
         {READY} order by id limit {MOST_AGENTS} for update"
    ));
    Ok(sqlx::query_as(statement).fetch_all(&mut **tx).await?)
}

async fn write(
    tx: &mut Tx,
    tenant: TenantId,
    actor: &str,
    decisions: &[Decision],
    now: DateTime<Utc>,
) -> Result<(), AssignError> {
    if decisions.is_empty() {
        return Ok(());
    }
    let mut units: HashMap<AgentId, i32> = HashMap::new();
    for decision in decisions {
        *units.entry(decision.agent).or_default() += decision.units;
    }
    let (agents, sums): (Vec<AgentId>, Vec<i32>) = units.into_iter().unzip();
    // The condition is what binds; the choice above only foresaw it.
    let had_room = sqlx::query(
        "update support_app.agent a
         set last_assigned_at = $3, given_since_arrival = a.given_since_arrival + s.units
         from unnest($1::uuid[], $2::integer[]) s (agent_id, units)
         where a.id = s.agent_id and a.load + s.units <= a.capacity",
    )
    .bind(&agents)
    .bind(&sums)
    .bind(now)
    .execute(&mut **tx)
    .await?;
    if had_room.rows_affected() != agents.len() as u64 {
        return Err(DbError::Conflict(sqlx::Error::RowNotFound).into());
    }
    events::acting(tx, actor, Some("automatic assignment")).await?;
    let tickets: Vec<Uuid> = decisions.iter().map(|decision| decision.ticket).collect();
    let agents: Vec<AgentId> = decisions.iter().map(|decision| decision.agent).collect();
    sqlx::query(
        "update support_app.ticket t set assignee_id = d.agent_id, assignment_state = 'assigned', assigned_at = $3
         from unnest($1::uuid[], $2::uuid[]) d (ticket_id, agent_id) where t.id = d.ticket_id",
    )
    .bind(&tickets)
    .bind(&agents)
    .bind(now)
    .execute(&mut **tx)
    .await?;
    let (ids, units): (Vec<Uuid>, Vec<i32>) =
        decisions.iter().map(|decision| (Uuid::now_v7(), decision.units)).unzip();
    let reasons: Vec<Reason> = decisions.iter().map(|decision| decision.reason).collect();
    let scores: Vec<Json<&Scores>> = decisions.iter().map(|decision| Json(&decision.scores)).collect();
    sqlx::query(
        "insert into support_app.assignment (id, tenant_id, ticket_id, agent_id, reason, decided_by, scores, units, from_at)
         select d.id, $1, d.ticket_id, d.agent_id, d.reason, $2, d.scores, d.units,
                greatest($3, (select max(a.until_at) from support_app.assignment a where a.ticket_id = d.ticket_id))
         from unnest($4::uuid[], $5::uuid[], $6::uuid[], $7::text[], $8::jsonb[], $9::integer[])
              d (id, ticket_id, agent_id, reason, scores, units)",
    )
    .bind(tenant)
    .bind(actor)
    .bind(now)
    .bind(&ids)
    .bind(&tickets)
    .bind(&agents)
    .bind(reasons.iter().map(|reason| reason.name()).collect::<Vec<_>>())
    .bind(&scores)
    .bind(&units)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Managers are told once that tickets wait for which nobody has room, and once that none does any more.
async fn tell(
    tx: &mut Tx,
    tenant: TenantId,
    routing: &Routing,
    some_wait: bool,
    now: DateTime<Utc>,
) -> Result<(), AssignError> {
    if some_wait == routing.told_at.is_some() {
        return Ok(());
    }
    sqlx::query("update support_app.routing set told_at = $2 where tenant_id = $1")
        .bind(tenant)
        .bind(some_wait.then_some(now))
        .execute(&mut **tx)
        .await?;
    let event =
        Event { kind: "waiting_queue", ticket: None, agent: None, payload: json!({ "waits": some_wait }) };
    Ok(events::emit(tx, tenant, &event).await?)
}

/// Nothing happens when skills relax or a newcomer's next share is due, so a job looks then.
async fn later(tx: &mut Tx, tenant: TenantId, at: Option<DateTime<Utc>>) -> Result<Announcement, QueueError> {
    let Some(at) = at else { return Ok(Announcement::default()) };
    let job = NewJob::of(tenant, &DrainWaiting {})?.with_dedup_key(DrainWaiting::LATER)?.with_run_at(at);
    Ok(jobs::enqueue_one(tx, job).await?.1)
}
