//! All open tickets brought up to a changed policy or calendar, step by step.

use chrono::{DateTime, Utc};

use database::ids::{TenantId, TicketId};
use database::{DbError, Tx};
use jobs::{Announcement, NewJob, QueueError};

use super::{facts, store};
use crate::kinds::SettleTicket;
use crate::tickets::derived::{self, Derived};

/// Tickets in one transaction.
pub const STEP: i64 = 200;

/// What a step did.
#[derive(Debug, Default)]
pub struct Step {
    /// Where the next one begins; none: that was the last.
    pub after: Option<TicketId>,
    /// Tickets looked at.
    pub tickets: u64,
    /// Tickets whose clocks changed.
    pub changed: u64,
    /// To be announced after the commit.
    pub announcement: Announcement,
}

/// Brings up to date the next tickets after `after` that are not over (support role).
///
/// # Errors
/// The database failed.
pub async fn step(
    tx: &mut Tx,
    tenant: TenantId,
    after: Option<TicketId>,
    now: DateTime<Utc>,
) -> Result<Step, QueueError> {
    let tickets: Vec<TicketId> = sqlx::query_scalar(
        "select id from support_app.ticket
         where tenant_id = $1 and status in ('open', 'pending') and ($2::uuid is null or id > $2)
         order by id limit $3 for no key update",
    )
    .bind(tenant)
    .bind(after)
    .bind(STEP)
    .fetch_all(&mut **tx)
    .await
    .map_err(DbError::from)?;
    let Some(last) = tickets.last().copied() else { return Ok(Step::default()) };
    let (facts, book) = facts::read(tx, &tickets).await?;
    let updated = store::bring_up_to_date(tx, tenant, &facts, &book, now).await?;
    let changed = updated.changed.len();
    let mut follow = updated.jobs;
    let mut rows = Vec::with_capacity(changed);
    for (ticket, due) in updated.changed {
        rows.push((ticket.0, Derived { due: Some(due), ..Derived::default() }));
        let settle = NewJob::of(tenant, &SettleTicket { ticket_id: ticket.0 })?;
        follow.push(settle.with_dedup_key(&format!("{ticket}:sla"))?);
    }
    derived::write(tx, &rows).await?;
    let announcement = match follow.is_empty() {
        true => Announcement::default(),
        false => jobs::enqueue(tx, &follow).await?.1,
    };
    Ok(Step {
        after: (tickets.len() as i64 == STEP).then_some(last),
        tickets: tickets.len() as u64,
        changed: changed as u64,
        announcement,
    })
}

/// How many tickets there are to look at (support role).
///
/// # Errors
/// The database failed.
pub async fn count(tx: &mut Tx, tenant: TenantId) -> Result<i64, DbError> {
    Ok(sqlx::query_scalar(
        "select count(*) from support_app.ticket where tenant_id = $1 and status in ('open', 'pending')",
    )
    .bind(tenant)
    .fetch_one(&mut **tx)
    .await?)
}
