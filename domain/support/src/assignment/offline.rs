//! What follows when an agent comes, goes, or may have more or less work than before.

use std::time::Duration;

use chrono::{DateTime, Utc};
use database::ids::{AgentId, TenantId, TicketId};
use database::{DbError, Tx};
use jobs::{Announcement, NewJob, QueueError};
use sqlx::FromRow;
use uuid::Uuid;

use super::{AssignError, drain_if_automatic, policy, step};
use crate::kinds::OfferAgain;
use crate::{events, settle};

#[derive(FromRow)]
struct Standing {
    is_there: bool,
    takes: bool,
    load: i32,
}

/// To be called in the transaction that changed an agent in any way (support role): who takes tickets drains the queue,
/// and the work of who went offline is offered again after a grace time.
///
/// # Errors
/// The database failed.
pub async fn agent_changed(
    tx: &mut Tx,
    tenant: TenantId,
    agent: AgentId,
) -> Result<Announcement, QueueError> {
    let found: Option<Standing> = sqlx::query_as(
        "select disabled_at is null and is_present and availability <> 'offline' as is_there,
                disabled_at is null and is_present and availability = 'online' and accepts_new as takes, load
         from support_app.agent where id = $1",
    )
    .bind(agent)
    .fetch_optional(&mut **tx)
    .await
    .map_err(DbError::from)?;
    let mut announcement = Announcement::default();
    let Some(standing) = found else { return Ok(announcement) };
    let mut follow = Vec::new();
    if standing.takes {
        follow.extend(drain_if_automatic(tx, tenant).await?);
    }
    if !standing.is_there && standing.load > 0 {
        let grace = policy::get(tx, tenant).await?.offline_grace_secs;
        follow.push(offer_again(tenant, agent, grace)?);
    }
    if !follow.is_empty() {
        announcement = jobs::enqueue(tx, &follow).await?.1;
    }
    Ok(announcement)
}

/// The job that offers an agent's work again after the grace time.
///
/// # Errors
/// None that happens: the payload is small.
pub fn offer_again(tenant: TenantId, agent: AgentId, grace_secs: i32) -> Result<NewJob, QueueError> {
    let grace = Duration::from_secs(u64::try_from(grace_secs).unwrap_or(0));
    let job = NewJob::of(tenant, &OfferAgain { agent_id: agent.0 })?.with_dedup_key(&agent.to_string())?;
    Ok(if grace.is_zero() { job } else { job.with_delay(grace) })
}

/// Puts the work of an agent who is offline into the queue, by the tenant's policy: nothing, what a customer waits for,
/// or all of it (support role). Nothing is done when they are back.
///
/// # Errors
/// The database failed.
pub async fn offer(
    tx: &mut Tx,
    tenant: TenantId,
    agent: AgentId,
    now: DateTime<Utc>,
) -> Result<(u64, Announcement), AssignError> {
    let policy = policy::get(tx, tenant).await?;
    let mut announcement = Announcement::default();
    if policy.offline_policy == "none" {
        return Ok((0, announcement));
    }
    // Locked by id, as everybody locks them; given back in smart order.
    let mut tickets: Vec<(TicketId, f64)> = sqlx::query_as(
        "select t.id, t.rank from support_app.ticket t join support_app.agent a on a.id = t.assignee_id
         where t.assignee_id = $1 and t.status = 'open' and t.archived_at is null and t.snoozed_until is null
           and ($2 or t.waiting_since is not null)
           and (a.disabled_at is not null or not a.is_present or a.availability = 'offline')
         order by t.id for no key update of t",
    )
    .bind(agent)
    .bind(policy.offline_policy == "all")
    .fetch_all(&mut **tx)
    .await?;
    tickets.sort_by(|(one, rank), (other, more)| more.total_cmp(rank).then(one.cmp(other)));
    let tickets: Vec<TicketId> = tickets.into_iter().map(|(ticket, _)| ticket).collect();
    events::acting(tx, "job:offer_again", Some("its agent went offline")).await?;
    for ticket in &tickets {
        let open: Option<Uuid> = sqlx::query_scalar(
            "select id from support_app.assignment where ticket_id = $1 and until_at is null",
        )
        .bind(ticket)
        .fetch_optional(&mut **tx)
        .await?;
        if let Some(open) = open {
            step::end(tx, open, "unassigned", Some("offline"), now).await?;
        }
        sqlx::query(
            "update support_app.ticket set assignee_id = null, assignment_state = null, assigned_at = null
             where id = $1",
        )
        .bind(ticket)
        .execute(&mut **tx)
        .await?;
        if let Some(settled) = settle::settle(tx, tenant, *ticket, now).await? {
            announcement.merge(settled.announcement);
        }
    }
    if !tickets.is_empty()
        && let Some(job) = drain_if_automatic(tx, tenant).await?
    {
        announcement.merge(jobs::enqueue_one(tx, job).await?.1);
    }
    Ok((tickets.len() as u64, announcement))
}

/// What a shift's beginning or end sets (support role): the person's own word on themselves, and nothing of theirs that
/// says more. Beginning makes an offline person online; ending makes anybody offline. None when there is no such agent.
///
/// # Errors
/// The agent is disabled; the database failed.
pub async fn shift(
    tx: &mut Tx,
    tenant: TenantId,
    agent: AgentId,
    begins: bool,
) -> Result<(String, Announcement), AssignError> {
    let found: Option<(String, bool)> = sqlx::query_as(
        "select availability, disabled_at is not null from support_app.agent
         where tenant_id = $1 and id = $2 for update",
    )
    .bind(tenant)
    .bind(agent)
    .fetch_optional(&mut **tx)
    .await?;
    let (availability, is_disabled) = found.ok_or(AssignError::NoAgent)?;
    if is_disabled {
        return Err(AssignError::Disabled);
    }
    let wanted = match begins {
        true if availability == "offline" => "online",
        true => return Ok((availability, Announcement::default())),
        false => "offline",
    };
    set_availability(tx, tenant, agent, wanted).await.map(|announcement| (wanted.to_owned(), announcement))
}

/// Sets what a person says of themselves: online, busy, away or offline (support role).
///
/// # Errors
/// A constraint `agent_availability_known` for another word; the database failed.
pub async fn set_availability(
    tx: &mut Tx,
    tenant: TenantId,
    agent: AgentId,
    availability: &str,
) -> Result<Announcement, AssignError> {
    let done = sqlx::query(
        "update support_app.agent set availability = $3, version = version + 1, updated_at = now()
         where tenant_id = $1 and id = $2 and availability <> $3",
    )
    .bind(tenant)
    .bind(agent)
    .bind(availability)
    .execute(&mut **tx)
    .await?;
    if done.rows_affected() == 0 {
        return Ok(Announcement::default());
    }
    Ok(agent_changed(tx, tenant, agent).await?)
}
