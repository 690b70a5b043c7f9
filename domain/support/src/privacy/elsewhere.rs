//! What a person wrote by mail into tickets of others, as an answer to a mail that was not to them: no ticket of theirs leads
//! to it, only the address that the mail came from. Of such a ticket their messages alone are theirs.

use chrono::{DateTime, Utc};
use database::ids::{MessageId, TicketId};
use database::personal::Person;
use database::{DbError, Tx};
use sqlx::FromRow;
use uuid::Uuid;

use super::{again, redact};

/// Messages that came by a mail of theirs: mails lead to them, of which there are fewer than messages. What is in a ticket of
/// theirs, or came to one, is erased and exported with that.
macro_rules! theirs {
    () => {
        "from support_app.mail c join support_app.message m on m.id = c.message_row
         where c.tenant_id = (select shared.current_tenant()) and c.ticket_id is not null
           and c.sender = any($2) and not m.from_agent
           and coalesce(m.origin_ticket_id, m.ticket_id) <> all($1)"
    };
}

/// A message of theirs, and one of the mails that it came as.
#[derive(Debug, Clone, Copy, FromRow)]
pub struct Written {
    /// The mail.
    pub mail: Uuid,
    /// The message.
    pub message: MessageId,
    /// The ticket that it is in.
    pub ticket: TicketId,
}

/// Some of them that still say whose they are (support role), at most `limit`.
///
/// # Errors
/// The database failed.
pub async fn some(tx: &mut Tx, person: &Person, limit: i64) -> Result<Vec<Written>, DbError> {
    if person.emails.is_empty() {
        return Ok(Vec::new());
    }
    Ok(sqlx::query_as(concat!(
        "select c.id as mail, m.id as message, m.ticket_id as ticket ",
        theirs!(),
        " order by c.id limit $3"
    ))
    .bind(&person.tickets)
    .bind(&person.emails)
    .bind(limit)
    .fetch_all(&mut **tx)
    .await?)
}

/// The messages as an archive has them (support role), at most `limit`.
///
/// # Errors
/// The database failed.
pub async fn rows(tx: &mut Tx, person: &Person, limit: i64) -> Result<Vec<serde_json::Value>, DbError> {
    Ok(sqlx::query_scalar(concat!(
        "select to_jsonb(t) - 'tenant_id' from support_app.message t where t.id in (select m.id ",
        theirs!(),
        ") order by t.id limit $3"
    ))
    .bind(&person.tickets)
    .bind(&person.emails)
    .bind(limit)
    .fetch_all(&mut **tx)
    .await?)
}

/// Files that came along with a message and whose bytes are still in the store (support role).
///
/// # Errors
/// The database failed.
pub async fn files(tx: &mut Tx, message: MessageId) -> Result<Vec<Uuid>, DbError> {
    Ok(sqlx::query_scalar(
        "select id from support_app.attachment where message_id = $1 and redacted_at is null order by id",
    )
    .bind(message)
    .fetch_all(&mut **tx)
    .await?)
}

/// Redacts it as by hand, and takes whose it was from it and its mail (support role).
///
/// # Errors
/// The database failed.
pub async fn erase(tx: &mut Tx, written: Written, by: &str, now: DateTime<Utc>) -> Result<(), DbError> {
    redact::message(tx, written.message, by, now).await?;
    again::forget_mail(tx, written.mail, written.message, by, now).await
}
