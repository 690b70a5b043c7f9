//! What follows from a ticket's state and messages, brought up to date in one transaction.
//!
//! Whoever changes a ticket or adds a message calls [`settle`] before the commit; what a help desk tells is settled by a
//! job ([`crate::kinds::SettleTicket`]) right after. It derives everything anew from what is stored, so it may be called
//! any number of times and by two at once (the ticket's row is locked), and nothing depends on what the change was.
//!
//! The steps, in this order, because each reads what the one before it wrote:
//! 1. who wrote last and who waits since when (this file),
//! 2. the clocks,
//! 3. whose the ticket is,
//! 4. what its messages say,
//! 5. its place in the order,
//! 6. the words by which it is found,
//! 7. what rules have to look at.
//! 8. what a help desk that it lives in has not heard of.

use chrono::{DateTime, Utc};
use database::Tx;
use database::ids::{TenantId, TicketId};
use jobs::{Announcement, NewJob, QueueError};

use crate::analysis;
use crate::assignment;
use crate::help_desk;
use crate::order::place;
use crate::rules::causes;
use crate::sla;
use crate::tickets::search;

/// What became of a ticket.
#[derive(Debug)]
pub struct Settled {
    /// Its version.
    pub version: i64,
    /// To be announced after the commit.
    pub announcement: Announcement,
}

/// Brings a ticket up to date (support role); none when there is no such ticket.
///
/// # Errors
/// The database failed.
pub async fn settle(
    tx: &mut Tx,
    tenant: TenantId,
    ticket: TicketId,
    now: DateTime<Utc>,
) -> Result<Option<Settled>, QueueError> {
    let Some(()) = derive_from_messages(tx, ticket).await? else { return Ok(None) };
    let mut follow: Vec<NewJob> = sla::step(tx, tenant, ticket, now).await?;
    follow.extend(assignment::step::step(tx, tenant, ticket, now).await?);
    follow.extend(analysis::ask(tx, tenant, ticket, now).await?);
    analysis::summarise(tx, ticket).await?;
    follow.extend(place::place(tx, tenant, ticket, now).await?);
    search::refresh(tx, ticket).await?;
    follow.extend(causes::ask(tx, tenant, ticket).await?);
    follow.extend(help_desk::step(tx, tenant, ticket).await?);
    let announcement = match follow.is_empty() {
        true => Announcement::default(),
        false => jobs::enqueue(tx, &follow).await?.1,
    };
    let version = sqlx::query_scalar("select version from support_app.ticket where id = $1")
        .bind(ticket)
        .fetch_one(&mut **tx)
        .await?;
    Ok(Some(Settled { version, announcement }))
}

/// Who wrote first and last, and the oldest customer's message that nobody has answered. What machines sent counts for
/// nobody, nor does a reply that is not on its way. The ticket's row is locked, and written only when it says something
/// else: it stands in many indexes. None when there is no such ticket.
async fn derive_from_messages(tx: &mut Tx, ticket: TicketId) -> Result<Option<()>, QueueError> {
    let is_there: bool =
        sqlx::query_scalar(include_str!("settle.sql")).bind(ticket).fetch_one(&mut **tx).await?;
    Ok(is_there.then_some(()))
}
