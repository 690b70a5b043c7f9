//! What a change of a ticket means for its assignment: the step of [`crate::settle`].
//!
//! It compares the ticket with its open row of history. A resolved ticket ends it as completed; one that is opened again
//! goes back to who had it, whatever they have to do, or into the queue when they are not there; one that somebody else
//! gave to an agent (a help desk, a change of the ticket) gets its row here. A ticket that weighs less than before has
//! freed room, so the queue is looked at.

use chrono::{DateTime, Utc};
use database::ids::{AgentId, TenantId, TicketId};
use database::{DbError, Tx};
use jobs::{NewJob, QueueError};
use serde_json::{Value, json};
use sqlx::FromRow;
use uuid::Uuid;

use super::{Reason, offline};
use crate::kinds::DrainWaiting;

#[derive(FromRow)]
struct Standing {
    assignee_id: Option<AgentId>,
    status: String,
    units: i32,
    open_id: Option<Uuid>,
    open_agent: Option<AgentId>,
    open_units: Option<i32>,
    last_agent: Option<AgentId>,
    last_completed: bool,
    assignee_is_there: bool,
    load: Option<i32>,
    capacity: Option<i32>,
    has_begun: Option<bool>,
    drain_helps: bool,
    actor: String,
}

/// Brings a ticket's assignment up to date; answers the job that gives out what waits, when that may help.
///
/// # Errors
/// The database failed.
pub(crate) async fn step(
    tx: &mut Tx,
    tenant: TenantId,
    ticket: TicketId,
    now: DateTime<Utc>,
) -> Result<Option<NewJob>, QueueError> {
    let found: Option<Standing> = sqlx::query_as(include_str!("step.sql"))
        .bind(ticket)
        .fetch_optional(&mut **tx)
        .await
        .map_err(DbError::from)?;
    let Some(standing) = found else { return Ok(None) };
    let weighed = standing.open_units.unwrap_or(0);
    let mut wants_drain = standing.drain_helps && standing.units > 0 && standing.assignee_id.is_none();
    match (standing.assignee_id, standing.open_id) {
        (None, None) => {}
        (None, Some(open)) => {
            end(tx, open, "unassigned", None, now).await?;
            wants_drain = true;
        }
        (Some(_), Some(open)) if matches!(standing.status.as_str(), "resolved" | "closed") => {
            end(tx, open, "completed", None, now).await?;
            wants_drain |= weighed > 0;
        }
        (Some(agent), Some(open)) if standing.open_agent == Some(agent) => {
            wants_drain |= standing.units < weighed;
            keep(tx, ticket, open, &standing).await?;
            if standing.units > weighed && !standing.assignee_is_there {
                // It came back to somebody who is offline: the tenant's policy says what becomes of it.
                return offline::offer_again(tenant, agent, 0).map(Some);
            }
        }
        (Some(_), None) if standing.status != "open" && standing.status != "pending" => {}
        (Some(agent), open) => {
            if let Some(open) = open {
                end(tx, open, "transferred", None, now).await?;
                wants_drain = true;
            }
            let returns = open.is_none() && standing.last_completed && standing.last_agent == Some(agent);
            if returns && !standing.assignee_is_there {
                into_queue(tx, ticket).await?;
                wants_drain = standing.units > 0;
            } else {
                let reason = if returns { Reason::Returning } else { Reason::Manual };
                let scores = json!({ "load": standing.load, "capacity": standing.capacity });
                let row = NewRow {
                    ticket,
                    agent,
                    reason,
                    decided_by: &standing.actor,
                    why: None,
                    scores: Some(scores),
                    units: standing.units,
                };
                begin(tx, tenant, &row, now).await?;
                sqlx::query(
                    "update support_app.ticket set assignment_state = 'assigned', assigned_at = $2 where id = $1",
                )
                .bind(ticket)
                .bind(now)
                .execute(&mut **tx)
                .await
                .map_err(DbError::from)?;
            }
        }
    }
    wants_drain.then(|| DrainWaiting::soon(tenant)).transpose()
}

/// A row of the history that is to be.
pub(super) struct NewRow<'a> {
    pub(super) ticket: TicketId,
    pub(super) agent: AgentId,
    pub(super) reason: Reason,
    pub(super) decided_by: &'a str,
    pub(super) why: Option<&'a str>,
    pub(super) scores: Option<Value>,
    pub(super) units: i32,
}

/// Begins an assignment in the history of a ticket that is held: not before the one before it ended, whose maker may have come
/// later and been first.
pub(super) async fn begin(
    tx: &mut Tx,
    tenant: TenantId,
    row: &NewRow<'_>,
    now: DateTime<Utc>,
) -> Result<(), DbError> {
    sqlx::query(
        "insert into support_app.assignment
             (id, tenant_id, ticket_id, agent_id, reason, decided_by, why, scores, units, from_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9,
                 greatest($10, (select max(a.until_at) from support_app.assignment a where a.ticket_id = $3)))",
    )
    .bind(Uuid::now_v7())
    .bind(tenant)
    .bind(row.ticket)
    .bind(row.agent)
    .bind(row.reason.name())
    .bind(row.decided_by)
    .bind(row.why)
    .bind(&row.scores)
    .bind(row.units)
    .bind(now)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Ends one.
pub(super) async fn end(
    tx: &mut Tx,
    open: Uuid,
    state: &str,
    why: Option<&str>,
    now: DateTime<Utc>,
) -> Result<(), DbError> {
    sqlx::query(
        "update support_app.assignment set state = $2, end_why = $3, until_at = greatest($4, from_at) where id = $1",
    )
    .bind(open)
    .bind(state)
    .bind(why)
    .bind(now)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

async fn keep(tx: &mut Tx, ticket: TicketId, open: Uuid, standing: &Standing) -> Result<(), DbError> {
    let has_begun = standing.has_begun == Some(true);
    if has_begun {
        sqlx::query("update support_app.ticket set assignment_state = 'in_progress' where id = $1")
            .bind(ticket)
            .execute(&mut **tx)
            .await?;
    }
    if has_begun || standing.open_units != Some(standing.units) {
        sqlx::query(
            "update support_app.assignment set units = $2, state = case when $3 then 'in_progress' else state end
             where id = $1",
        )
        .bind(open)
        .bind(standing.units)
        .bind(has_begun)
        .execute(&mut **tx)
        .await?;
    }
    Ok(())
}

async fn into_queue(tx: &mut Tx, ticket: TicketId) -> Result<(), DbError> {
    sqlx::query(
        "update support_app.ticket set assignee_id = null, assignment_state = null, assigned_at = null where id = $1",
    )
    .bind(ticket)
    .execute(&mut **tx)
    .await?;
    Ok(())
}
