//! Closing what was resolved: after the tenant's days a customer who has not written again is content, and what comes then
//! opens a ticket of its own. Clocks ended with the resolution, so nothing but rules has to look at it; history and events are
//! written by the triggers that write them for everybody.

use chrono::{DateTime, Utc};
use database::ids::{TenantId, TicketId};
use database::{DbError, Tx};
use jobs::{Announcement, QueueError};

use crate::events;
use crate::rules::causes;

/// Tickets of one step.
pub const AT_ONCE: usize = 500;

/// Closes some of the tickets whose time is over (support role); answers how many. Those that somebody works on at this moment
/// are met next time.
///
/// # Errors
/// The database failed.
pub async fn step(
    tx: &mut Tx,
    tenant: TenantId,
    now: DateTime<Utc>,
) -> Result<(usize, Announcement), QueueError> {
    events::acting(tx, "job:close_resolved", None).await?;
    let closed: Vec<TicketId> = sqlx::query_scalar(
        "update support_app.ticket t set status = 'closed'
         where t.id in (
             select x.id from support_app.ticket x
             where x.tenant_id = (select shared.current_tenant()) and x.status = 'resolved'
               and x.resolved_at <= $1 - make_interval(days => coalesce(
                   (select s.final_after_days from support_app.ticket_setting s
                    where s.tenant_id = (select shared.current_tenant())), 7))
             order by x.resolved_at limit $2 for no key update skip locked)
         returning t.id",
    )
    .bind(now)
    .bind(AT_ONCE as i64)
    .fetch_all(&mut **tx)
    .await
    .map_err(DbError::from)?;
    let follow = causes::ask_all(tx, tenant, &closed).await?;
    let announcement = match follow.is_empty() {
        true => Announcement::default(),
        false => jobs::enqueue(tx, &follow).await?.1,
    };
    Ok((closed.len(), announcement))
}
