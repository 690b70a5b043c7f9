//! Warnings and breaches, told once each. They decide nothing: what is due was written when the clocks were derived, and
//! whoever announces it, the job made for it or the one that looks every minute, runs the same statement.

use chrono::{DateTime, TimeDelta, Utc};
use sqlx::FromRow;

use database::ids::{TenantId, TicketId};
use database::{DbError, Tx};
use jobs::{NewJob, QueueError};

use crate::kinds::{AnnounceSla, SettleTicket};
use crate::tickets::lock::hold;

/// Tickets that are announced in one transaction.
pub const AT_ONCE: i64 = 1_000;

/// The job that announces what a ticket has due then. A clock is breached after it was due and not at that instant.
///
/// # Errors
/// The ledger does not take it.
pub fn job(tenant: TenantId, ticket: TicketId, at: DateTime<Utc>) -> Result<NewJob, QueueError> {
    NewJob::of(tenant, &AnnounceSla { ticket_id: ticket.0 })?
        .with_dedup_key(&format!("{ticket}:{}", at.timestamp_micros()))
        .map(|job| job.with_run_at(at + TimeDelta::milliseconds(1)))
}

/// The time by the clock that alerts go by, which is the database's.
///
/// # Errors
/// The database failed.
pub async fn now(tx: &mut Tx) -> Result<DateTime<Utc>, DbError> {
    Ok(sqlx::query_scalar("select now()").fetch_one(&mut **tx).await?)
}

/// A ticket of which something was announced.
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromRow)]
pub struct Announced {
    /// The ticket.
    #[sqlx(rename = "ticket_id")]
    pub ticket: TicketId,
    /// What was told for the first time.
    pub alerts: i64,
    /// When something is to be announced next.
    pub next_alert_at: Option<DateTime<Utc>>,
}

/// Announces what one ticket has due (support role), waiting for whoever changes it at the moment.
///
/// # Errors
/// The database failed.
pub async fn announce_ticket(
    tx: &mut Tx,
    ticket: TicketId,
    now: DateTime<Utc>,
) -> Result<Option<Announced>, DbError> {
    hold(tx, &[ticket.0]).await?;
    Ok(announce(tx, Some(ticket), now).await?.pop())
}

/// Announces what the tenant has due (support role), at most [`AT_ONCE`] tickets. A ticket that somebody changes at the
/// moment is left to them and to the next time.
///
/// # Errors
/// The database failed.
pub async fn announce_due(tx: &mut Tx, now: DateTime<Utc>) -> Result<Vec<Announced>, DbError> {
    announce(tx, None, now).await
}

async fn announce(
    tx: &mut Tx,
    ticket: Option<TicketId>,
    now: DateTime<Utc>,
) -> Result<Vec<Announced>, DbError> {
    Ok(sqlx::query_as(include_str!("announce.sql"))
        .bind(now)
        .bind(ticket)
        .bind(AT_ONCE)
        .fetch_all(&mut **tx)
        .await?)
}

/// What follows an announcement by [`announce_due`]: the next one, and the ticket's place in the order.
///
/// # Errors
/// The ledger does not take it.
pub fn follow_ups(tenant: TenantId, announced: &[Announced]) -> Result<Vec<NewJob>, QueueError> {
    let mut jobs = Vec::with_capacity(announced.len() * 2);
    for one in announced {
        if let Some(at) = one.next_alert_at {
            jobs.push(job(tenant, one.ticket, at)?);
        }
        let settle = NewJob::of(tenant, &SettleTicket { ticket_id: one.ticket.0 })?;
        jobs.push(settle.with_dedup_key(&format!("{}:sla", one.ticket))?);
    }
    Ok(jobs)
}

/// Tenants with something to be announced (support role, without a tenant).
///
/// # Errors
/// The database failed.
pub async fn tenants_due(tx: &mut Tx, now: DateTime<Utc>) -> Result<Vec<TenantId>, DbError> {
    Ok(sqlx::query_scalar("select support_app.tenants_with_alerts($1)")
        .bind(now)
        .fetch_all(&mut **tx)
        .await?)
}
