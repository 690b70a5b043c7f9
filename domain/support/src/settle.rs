//! What follows from a ticket's state and messages, brought up to date in one transaction.
//!
//! Whoever changes a ticket or adds a message calls [`settle`] before the commit; what a help desk tells is settled by a
//! job ([`crate::kinds::SettleTicket`]) right after. It derives everything anew from what is stored, so it may be called
//! any number of times and by two at once (the ticket's row is locked), and nothing depends on what the change was.
//!
//! The steps, in this order, because each goes by what the ones before it found:
//! 1. who wrote last and who waits since when (this file),
//! 2. the clocks,
//! 3. whose the ticket is,
//! 4. what its messages say,
//! 5. its place in the order,
//! 6. the ticket's own row, which is written once and only when it says something else ([`crate::tickets`], `derived`),
//! 7. the words by which it is found,
//! 8. what rules have to look at,
//! 9. what a help desk that it lives in has not heard of.

use chrono::{DateTime, Utc};
use database::ids::{TenantId, TicketId};
use database::{DbError, Tx};
use jobs::{Announcement, QueueError};
use serde::Serialize;
use sqlx::FromRow;

use crate::analysis;
use crate::assignment;
use crate::help_desk;
use crate::order::facts::Known;
use crate::order::place;
use crate::rules::causes;
use crate::sla;
use crate::tickets::derived::{self, Derived};
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
    settle_knowing(tx, tenant, ticket, None, now).await
}

/// The same for a ticket whose customer was looked up just now: what was found is stored with the rest.
///
/// # Errors
/// The database failed.
pub async fn settle_knowing(
    tx: &mut Tx,
    tenant: TenantId,
    ticket: TicketId,
    known: Option<Known>,
    now: DateTime<Utc>,
) -> Result<Option<Settled>, QueueError> {
    // Held before anything else is read: a statement that waits for the row sees what was so before it waited.
    let Some(basis) = place::take(tx, ticket, now).await? else { return Ok(None) };
    let spoken = spoken(tx, ticket).await?;
    let (due, mut follow) = sla::step(tx, tenant, ticket, known.as_ref(), now).await?;
    follow.extend(assignment::step::step(tx, tenant, ticket, now).await?);
    follow.extend(analysis::ask(tx, tenant, ticket, now).await?);
    let said = analysis::summarise(tx, ticket).await?;
    let mut derived = Derived { known, spoken: Some(spoken), due, said, place: None };
    follow.extend(place::place(tenant, basis, &mut derived)?);
    let written = derived::write(tx, &[(ticket.0, derived)]).await?;
    search::refresh(tx, ticket).await?;
    follow.extend(causes::ask(tx, tenant, ticket).await?);
    follow.extend(help_desk::step(tx, tenant, ticket).await?);
    let announcement = match follow.is_empty() {
        true => Announcement::default(),
        false => jobs::enqueue(tx, &follow).await?.1,
    };
    let version = match written.first() {
        Some(written) => written.version,
        None => {
            let version = sqlx::query_scalar("select version from support_app.ticket where id = $1");
            version.bind(ticket).fetch_one(&mut **tx).await?
        }
    };
    Ok(Some(Settled { version, announcement }))
}

/// What a ticket's messages say of who wrote when, by the names of its columns. What machines sent counts for nobody, nor
/// does a reply that is not on its way.
#[derive(Debug, FromRow, Serialize)]
pub(crate) struct Spoken {
    first_customer_message_at: Option<DateTime<Utc>>,
    last_customer_message_at: Option<DateTime<Utc>>,
    first_reply_at: Option<DateTime<Utc>>,
    /// The oldest customer's message that nobody has answered.
    pub(crate) waiting_since: Option<DateTime<Utc>>,
}

async fn spoken(tx: &mut Tx, ticket: TicketId) -> Result<Spoken, DbError> {
    Ok(sqlx::query_as(include_str!("settle.sql")).bind(ticket).fetch_one(&mut **tx).await?)
}
