//! Sending a reply again that could not be sent: with its own text, when what it lacked is there. A reply that nobody can send
//! says what it lacks from the moment it is written.

use std::time::Duration;

use database::Tx;
use database::ids::{MessageId, TicketId};
use jobs::Announcement;

use super::delivery;
use super::error::TicketError;
use super::lock::{Acting, lock};
use super::message::{self, Stored};
use super::state::Status;
use crate::kinds::SendReply;
use crate::mail::way_out::{self, Missing};
use crate::settle::settle;

/// Sends a reply that failed once more (support role). Answers it with the ticket's version.
///
/// # Errors
/// There is no such reply, it did not fail, it still lacks what it lacked, its ticket is final or its customer was erased, or
/// the database failed.
pub async fn send_again(
    tx: &mut Tx,
    acting: &Acting<'_>,
    ticket: TicketId,
    message: MessageId,
) -> Result<(Stored, i64, Announcement), TicketError> {
    acting.tell(tx, None).await?;
    let known = lock(tx, ticket).await?.unmerged()?.of_somebody()?;
    let standing = known.standing(acting.now);
    if known.status() == Status::Closed || standing.is_final {
        return Err(TicketError::TakesNoReply(standing));
    }
    message::get(tx, ticket, message).await?.ok_or(TicketError::Unknown("message"))?;
    let Some(reply) = delivery::outbound(tx, message).await? else {
        return Err(TicketError::Conflict("only a reply can be sent again, and this is none".to_owned()));
    };
    if reply.delivery != "failed" {
        return Err(TicketError::Conflict(match reply.delivery.as_str() {
            "unsure" => {
                "nobody knows whether the reply left; say so by POST /api/mail/unsure/{id}".to_owned()
            }
            delivery => format!("the reply is {delivery}; only one that failed can be sent again"),
        }));
    }
    if let Some(missing) = way_out::missing(tx, &reply).await? {
        return Err(TicketError::Lacks(missing));
    }
    let undo = Duration::from_secs(u64::try_from(known.undo_secs).unwrap_or_default());
    // Its customer has it from now on, if at all: a clock that ran meanwhile was not answered before.
    let done = sqlx::query(
        "update support_app.message set delivery = 'queued', send_at = now() + make_interval(secs => $2),
             sent_at = least($3, now()), error = null,
             not_sent_because = null, sending = false, send_round = send_round + 1
         where id = $1 and redacted_at is null",
    )
    .bind(message)
    .bind(undo.as_secs_f64())
    .bind(acting.now)
    .execute(&mut **tx)
    .await?;
    if done.rows_affected() == 0 {
        return Err(TicketError::Conflict(
            "the reply was redacted; nothing is left of it to be sent".to_owned(),
        ));
    }
    message::recount(tx, ticket, i32::from(!reply.by_machine)).await?;
    let job = acting.job(&SendReply { message_id: message.0 }, &message.to_string())?.with_delay(undo);
    let mut announcement = jobs::enqueue_one(tx, job).await?.1;
    let settled =
        settle(tx, acting.tenant, ticket, acting.now).await?.ok_or(TicketError::Unknown("ticket"))?;
    announcement.merge(settled.announcement);
    let stored = message::get(tx, ticket, message).await?.ok_or(TicketError::Unknown("message"))?;
    Ok((stored, settled.version, announcement))
}

/// Says on a reply that was just queued what it lacks to be sent, so that nobody takes it for sent until its job says so
/// (support role); answers what that is.
pub(super) async fn say_what_is_missing(
    tx: &mut Tx,
    message: MessageId,
) -> Result<Option<Missing>, TicketError> {
    let Some(reply) = delivery::outbound(tx, message).await? else { return Ok(None) };
    let Some(missing) = way_out::missing(tx, &reply).await? else { return Ok(None) };
    sqlx::query("update support_app.message set error = $2, not_sent_because = $3 where id = $1")
        .bind(message)
        .bind(missing.sentence())
        .bind(missing.name())
        .execute(&mut **tx)
        .await?;
    Ok(Some(missing))
}
