//! What people do with assignments. Each locks the ticket's row first and the agents' after it, writes the history, and
//! settles the ticket.
//!
//! A person's decision binds: it may go to an agent who is away or has no room, but only when it says so (`force`), and
//! the history keeps what was exceeded.

use chrono::{DateTime, Utc};
use database::ids::{AgentId, TenantId, TicketId};
use database::{DbError, Tx};
use jobs::Announcement;
use serde_json::json;
use sqlx::FromRow;
use uuid::Uuid;

use super::step::{self, NewRow};
use super::{AssignError, Reason, drain_if_automatic};
use crate::order::place;
use crate::tickets::lock::hold;
use crate::{events, settle};

/// Who acts, and when.
#[derive(Debug, Clone, Copy)]
pub struct Acting<'a> {
    /// Whose ticket it is.
    pub tenant: TenantId,
    /// `agent:ID`, `key:ID` or `job:KIND`.
    pub actor: &'a str,
    /// The person, if one acts.
    pub agent: Option<AgentId>,
    /// Whether they may decide over the tickets of others.
    pub over_others: bool,
    /// The version of the ticket that they have seen, if they say.
    pub expects: Option<i64>,
    /// The moment.
    pub now: DateTime<Utc>,
}

/// Where a ticket goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// To an agent.
    Agent(AgentId),
    /// To whoever of a department has room.
    Department(String),
}

/// How the ticket stands afterwards.
#[derive(Debug)]
pub struct Done {
    /// Its version.
    pub version: i64,
    /// Whose it is.
    pub agent: Option<AgentId>,
    /// What it exceeded, when it did.
    pub exceeded: bool,
    /// To be announced after the commit.
    pub announcement: Announcement,
}

#[derive(FromRow)]
struct Locked {
    version: i64,
    status: String,
    assignee_id: Option<AgentId>,
    units: i32,
    is_gone: bool,
    open_id: Option<Uuid>,
}

#[derive(FromRow)]
struct Held {
    load: i32,
    capacity: i32,
    accepts_new: bool,
    is_disabled: bool,
}

/// Gives a ticket to an agent, also one that another has.
///
/// # Errors
/// The ticket or the agent do not allow it; see [`AssignError`].
pub async fn assign(
    tx: &mut Tx,
    acting: &Acting<'_>,
    ticket: TicketId,
    agent: AgentId,
    force: bool,
    why: Option<&str>,
) -> Result<Done, AssignError> {
    let locked = lock(tx, acting, ticket).await?;
    give(tx, acting, ticket, &locked, &Gift { agent, reason: Reason::Manual, force, why }).await
}

/// Takes a ticket that nobody has.
///
/// # Errors
/// Somebody has it, or it does not allow it.
pub async fn claim(
    tx: &mut Tx,
    acting: &Acting<'_>,
    ticket: TicketId,
    agent: AgentId,
    force: bool,
) -> Result<Done, AssignError> {
    let locked = lock(tx, acting, ticket).await?;
    match locked.assignee_id {
        Some(owner) if owner == agent => return standing(tx, acting, ticket).await,
        Some(owner) => return Err(AssignError::Taken(owner)),
        None => {}
    }
    give(tx, acting, ticket, &locked, &Gift { agent, reason: Reason::SelfClaimed, force, why: None }).await
}

/// Says that the agent who has the ticket works on it.
///
/// # Errors
/// It is not theirs.
pub async fn accept(
    tx: &mut Tx,
    acting: &Acting<'_>,
    ticket: TicketId,
    agent: AgentId,
) -> Result<Done, AssignError> {
    let locked = lock(tx, acting, ticket).await?;
    if locked.assignee_id != Some(agent) {
        return Err(if locked.assignee_id.is_none() { AssignError::Nobodys } else { AssignError::NotYours });
    }
    events::acting(tx, acting.actor, None).await?;
    sqlx::query(
        "update support_app.ticket set assignment_state = 'accepted' where id = $1 and assignment_state = 'assigned'",
    )
    .bind(ticket)
    .execute(&mut **tx)
    .await?;
    sqlx::query(
        "update support_app.assignment set state = 'accepted'
         where ticket_id = $1 and until_at is null and state = 'assigned'",
    )
    .bind(ticket)
    .execute(&mut **tx)
    .await?;
    standing(tx, acting, ticket).await
}

/// Hands a ticket on, to an agent or a department.
///
/// # Errors
/// It is not theirs to hand on, or the target does not allow it.
pub async fn transfer(
    tx: &mut Tx,
    acting: &Acting<'_>,
    ticket: TicketId,
    to: &Target,
    force: bool,
    why: &str,
) -> Result<Done, AssignError> {
    let locked = lock(tx, acting, ticket).await?;
    own(acting, &locked)?;
    match to {
        Target::Agent(agent) if locked.assignee_id == Some(*agent) => Err(AssignError::SameAgent),
        Target::Agent(agent) => {
            let gift = Gift { agent: *agent, reason: Reason::Transfer, force, why: Some(why) };
            give(tx, acting, ticket, &locked, &gift).await
        }
        Target::Department(department) => {
            let anybody: bool = sqlx::query_scalar(
                "select exists (select from support_app.agent
                                where tenant_id = shared.current_tenant() and disabled_at is null
                                  and exists (select from unnest(departments) d where lower(d) = lower($1)))",
            )
            .bind(department)
            .fetch_one(&mut **tx)
            .await?;
            if !anybody {
                return Err(AssignError::EmptyDepartment);
            }
            release(tx, acting, ticket, &locked, "transferred", Some(why), Some(department)).await
        }
    }
}

/// Hands a ticket to a senior: whoever above its agent has the least to do, those who are there first.
///
/// # Errors
/// It is not theirs, or nobody is above.
pub async fn escalate(
    tx: &mut Tx,
    acting: &Acting<'_>,
    ticket: TicketId,
    why: &str,
) -> Result<Done, AssignError> {
    let locked = lock(tx, acting, ticket).await?;
    own(acting, &locked)?;
    let above: Option<AgentId> = sqlx::query_scalar(
        "select id from support_app.agent
         where tenant_id = shared.current_tenant() and disabled_at is null and id is distinct from $1
           and seniority > coalesce((select o.seniority from support_app.agent o where o.id = $1), 0)
         order by (is_present and availability = 'online') desc, load::float8 / capacity, last_assigned_at nulls first, id
         limit 1",
    )
    .bind(locked.assignee_id)
    .fetch_optional(&mut **tx)
    .await?;
    let Some(agent) = above else { return Err(AssignError::NobodyAbove) };
    let gift = Gift { agent, reason: Reason::Escalation, force: true, why: Some(why) };
    let mut done = give(tx, acting, ticket, &locked, &gift).await?;
    // How often tickets are handed up is part of what is known of their customer.
    let look = place::look_again(acting.tenant, ticket)?;
    done.announcement.merge(jobs::enqueue_one(tx, look).await?.1);
    Ok(done)
}

/// Puts a ticket back into the queue.
///
/// # Errors
/// Nobody has it, or it is not theirs.
pub async fn unassign(
    tx: &mut Tx,
    acting: &Acting<'_>,
    ticket: TicketId,
    why: Option<&str>,
) -> Result<Done, AssignError> {
    let locked = lock(tx, acting, ticket).await?;
    own(acting, &locked)?;
    if locked.assignee_id.is_none() {
        return Err(AssignError::Nobodys);
    }
    release(tx, acting, ticket, &locked, "unassigned", why, None).await
}

/// The ticket's version, if it may be assigned at all; its row is locked.
///
/// # Errors
/// There is no such ticket, or it is not open.
pub async fn check(tx: &mut Tx, acting: &Acting<'_>, ticket: TicketId) -> Result<i64, AssignError> {
    lock(tx, acting, ticket).await.map(|locked| locked.version)
}

struct Gift<'a> {
    agent: AgentId,
    reason: Reason,
    force: bool,
    why: Option<&'a str>,
}

async fn lock(tx: &mut Tx, acting: &Acting<'_>, ticket: TicketId) -> Result<Locked, AssignError> {
    // Held before it is read: a statement that waits for the row sees the assignments that were there before it waited.
    hold(tx, &[ticket.0]).await?;
    let found: Option<Locked> = sqlx::query_as(
        "select t.version, t.status, t.assignee_id,
                support_app.open_units(t.channel, t.status, t.snoozed_until, t.archived_at, t.merged_into, t.is_spam,
                                       t.suspended_reason) as units,
                t.archived_at is not null or t.merged_into is not null as is_gone,
                (select a.id from support_app.assignment a where a.ticket_id = t.id and a.until_at is null) as open_id
         from support_app.ticket t where t.id = $1",
    )
    .bind(ticket)
    .fetch_optional(&mut **tx)
    .await?;
    let locked = found.ok_or(AssignError::NoTicket)?;
    if acting.expects.is_some_and(|expected| expected != locked.version) {
        return Err(AssignError::Stale(locked.version));
    }
    if locked.is_gone {
        return Err(AssignError::NotOpen("archived or merged into another".to_owned()));
    }
    if !matches!(locked.status.as_str(), "open" | "pending") {
        return Err(AssignError::NotOpen(locked.status));
    }
    Ok(locked)
}

/// Whose ticket it is may hand it on, and so may who leads them.
fn own(acting: &Acting<'_>, locked: &Locked) -> Result<(), AssignError> {
    let is_own = acting.agent.is_some() && acting.agent == locked.assignee_id;
    if is_own || acting.over_others { Ok(()) } else { Err(AssignError::NotYours) }
}

async fn give(
    tx: &mut Tx,
    acting: &Acting<'_>,
    ticket: TicketId,
    locked: &Locked,
    gift: &Gift<'_>,
) -> Result<Done, AssignError> {
    if locked.assignee_id == Some(gift.agent) {
        return standing(tx, acting, ticket).await;
    }
    // Agents are locked in the order of their ids, as the trigger that keeps their loads does.
    let held: Option<Held> = sqlx::query_as(
        "with locked as (
             select id, load, capacity, accepts_new, disabled_at from support_app.agent
             where tenant_id = shared.current_tenant() and id = any($1) order by id for update)
         select load, capacity, accepts_new, disabled_at is not null as is_disabled from locked where id = $2",
    )
    .bind(locked.assignee_id.into_iter().chain([gift.agent]).collect::<Vec<_>>())
    .bind(gift.agent)
    .fetch_optional(&mut **tx)
    .await?;
    let held = held.ok_or(AssignError::NoAgent)?;
    if held.is_disabled {
        return Err(AssignError::Disabled);
    }
    if !gift.force && !held.accepts_new {
        return Err(AssignError::AcceptsNone);
    }
    let exceeded = locked.units > 0 && held.load + locked.units > held.capacity;
    if !gift.force && exceeded {
        return Err(AssignError::Full { load: held.load, capacity: held.capacity, units: locked.units });
    }
    let before = locked.assignee_id.is_some();
    events::acting(tx, acting.actor, gift.why.or(Some(gift.reason.name()))).await?;
    if let Some(open) = locked.open_id {
        step::end(tx, open, "transferred", gift.why, acting.now).await?;
    }
    sqlx::query("update support_app.agent set last_assigned_at = $2 where id = $1")
        .bind(gift.agent)
        .bind(acting.now)
        .execute(&mut **tx)
        .await?;
    sqlx::query(
        "update support_app.ticket
         set assignee_id = $2, assignment_state = case when $3 then 'accepted' else 'assigned' end, assigned_at = $4
         where id = $1",
    )
    .bind(ticket)
    .bind(gift.agent)
    .bind(gift.reason == Reason::SelfClaimed)
    .bind(acting.now)
    .execute(&mut **tx)
    .await?;
    let row = NewRow {
        ticket,
        agent: gift.agent,
        reason: gift.reason,
        decided_by: acting.actor,
        why: gift.why,
        scores: Some(json!({ "load": held.load, "capacity": held.capacity, "exceeded": exceeded })),
        units: locked.units,
    };
    step::begin(tx, acting.tenant, &row, acting.now).await?;
    if gift.reason == Reason::SelfClaimed {
        sqlx::query(
            "update support_app.assignment set state = 'accepted' where ticket_id = $1 and until_at is null",
        )
        .bind(ticket)
        .execute(&mut **tx)
        .await?;
    }
    finish(tx, acting, ticket, before && locked.units > 0, exceeded).await
}

async fn release(
    tx: &mut Tx,
    acting: &Acting<'_>,
    ticket: TicketId,
    locked: &Locked,
    state: &str,
    why: Option<&str>,
    department: Option<&str>,
) -> Result<Done, AssignError> {
    events::acting(tx, acting.actor, why).await?;
    if let Some(open) = locked.open_id {
        step::end(tx, open, state, why, acting.now).await?;
    }
    sqlx::query(
        "update support_app.ticket
         set assignee_id = null, assignment_state = null, assigned_at = null, department = coalesce($2, department)
         where id = $1",
    )
    .bind(ticket)
    .bind(department)
    .execute(&mut **tx)
    .await?;
    finish(tx, acting, ticket, true, false).await
}

/// Settles the ticket, and asks for a look at the queue when room came or the ticket is in it.
async fn finish(
    tx: &mut Tx,
    acting: &Acting<'_>,
    ticket: TicketId,
    frees: bool,
    exceeded: bool,
) -> Result<Done, AssignError> {
    let mut done = standing(tx, acting, ticket).await?;
    if frees && let Some(job) = drain_if_automatic(tx, acting.tenant).await? {
        done.announcement.merge(jobs::enqueue_one(tx, job).await?.1);
    }
    done.exceeded = exceeded;
    Ok(done)
}

async fn standing(tx: &mut Tx, acting: &Acting<'_>, ticket: TicketId) -> Result<Done, AssignError> {
    let settled =
        settle::settle(tx, acting.tenant, ticket, acting.now).await?.ok_or(AssignError::NoTicket)?;
    let agent: Option<AgentId> =
        sqlx::query_scalar("select assignee_id from support_app.ticket where id = $1")
            .bind(ticket)
            .fetch_one(&mut **tx)
            .await
            .map_err(DbError::from)?;
    Ok(Done { version: settled.version, agent, exceeded: false, announcement: settled.announcement })
}
