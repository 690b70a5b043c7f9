//! What a reply makes of its ticket's status. Its writer says what the ticket becomes with it, and a reply that does not
//! leave takes that back: nobody who waits for an answer is resolved away by one that never left.

use chrono::{DateTime, Utc};
use database::ids::MessageId;
use database::{DbError, Tx};

use super::change;
use super::error::TicketError;
use super::lock::Locked;
use super::state::Status;
use crate::events;

/// The locked ticket becomes this with the reply, which remembers what it was (support role).
pub(super) async fn set(
    tx: &mut Tx,
    ticket: &mut Locked,
    reply: MessageId,
    status: Status,
) -> Result<(), TicketError> {
    let before = ticket.status();
    if before == status {
        return Ok(());
    }
    sqlx::query("update support_app.message set status_before = $2, status_with = $3 where id = $1")
        .bind(reply)
        .bind(before.name())
        .bind(status.name())
        .execute(&mut **tx)
        .await?;
    ticket.set_status(status);
    if !status.is_live() {
        ticket.snoozed_until = None;
    }
    change::store(tx, ticket).await
}

/// A reply was taken back: the locked ticket is again what it was before it, if nobody changed that since (support role).
pub(super) async fn take_back(
    tx: &mut Tx,
    actor: &str,
    ticket: &mut Locked,
    reply: MessageId,
) -> Result<(), TicketError> {
    match before(tx, reply).await? {
        Some(status) => restore(tx, actor, "the reply was taken back", ticket, status).await,
        None => Ok(()),
    }
}

/// A reply did not leave, so somebody here has to do something: the locked ticket is open and awake (support role). One that
/// is final stays so, unless this very reply made it that.
pub(super) async fn open_again(
    tx: &mut Tx,
    actor: &str,
    ticket: &mut Locked,
    reply: MessageId,
    now: DateTime<Utc>,
) -> Result<(), TicketError> {
    let is_awake = ticket.status() == Status::Open && ticket.snoozed_until.is_none();
    if is_awake || ticket.merged_into.is_some() || ticket.is_erased {
        return Ok(());
    }
    if ticket.standing(now).is_final && before(tx, reply).await?.is_none() {
        return Ok(());
    }
    ticket.snoozed_until = None;
    restore(tx, actor, "the reply was not sent", ticket, Status::Open).await
}

/// What the ticket was before the reply, while it is what the reply made of it.
async fn before(tx: &mut Tx, reply: MessageId) -> Result<Option<Status>, DbError> {
    let found: Option<String> = sqlx::query_scalar(
        "select m.status_before from support_app.message m join support_app.ticket t on t.id = m.ticket_id
         where m.id = $1 and m.origin_ticket_id is null and m.status_before is not null and t.status = m.status_with
           and t.status_since <= m.created_at",
    )
    .bind(reply)
    .fetch_optional(&mut **tx)
    .await?;
    Ok(found.and_then(|status| Status::parse(&status)))
}

async fn restore(
    tx: &mut Tx,
    actor: &str,
    why: &str,
    ticket: &mut Locked,
    status: Status,
) -> Result<(), TicketError> {
    let was_live = ticket.status().is_live();
    events::acting(tx, actor, Some(why)).await?;
    ticket.set_status(status);
    change::store(tx, ticket).await?;
    if !was_live && status.is_live() {
        // Nobody opened it: its customer did not come back, and what is known of them says nothing of it.
        sqlx::query(
            "update support_app.ticket set reopened_count = reopened_count - 1 where id = $1 and reopened_count > 0",
        )
        .bind(ticket.id)
        .execute(&mut **tx)
        .await?;
    }
    Ok(())
}
