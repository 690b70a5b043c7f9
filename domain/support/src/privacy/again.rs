//! What a ticket says of its customer, for whoever finds out that they were erased before it was told; and what is left of a
//! machine's mail about them.

use chrono::{DateTime, Utc};
use database::ids::{MessageId, TicketId};
use database::{DbError, Tx};
use sqlx::FromRow;
use uuid::Uuid;

/// Messages that are redacted at once; a ticket has fewer.
const AT_ONCE: i64 = 500;

/// A ticket that was not erased.
#[derive(FromRow)]
pub struct Told {
    /// The help desk's id of the customer.
    pub customer_external_id: Option<String>,
    /// An address of theirs.
    pub customer_email: Option<String>,
    /// When they wrote last.
    pub wrote_at: Option<DateTime<Utc>>,
}

impl std::fmt::Debug for Told {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Told").field("wrote_at", &self.wrote_at).finish_non_exhaustive()
    }
}

/// What the ticket says (support role); none when it is gone, erased, or names nobody.
///
/// # Errors
/// The database failed.
pub async fn told(tx: &mut Tx, ticket: TicketId) -> Result<Option<Told>, DbError> {
    Ok(sqlx::query_as(
        "select t.customer_external_id, t.customer_email,
                (select max(m.sent_at) from support_app.message m
                 where m.ticket_id = t.id and not m.from_agent and not m.internal and not m.by_machine) as wrote_at
         from support_app.ticket t
         where t.id = $1 and t.erased_at is null
           and (t.customer_external_id is not null or t.customer_email is not null)",
    )
    .bind(ticket)
    .fetch_optional(&mut **tx)
    .await?)
}

/// Messages of a ticket until a moment that still have their words (support role).
///
/// # Errors
/// The database failed.
pub async fn before(tx: &mut Tx, ticket: TicketId, until: DateTime<Utc>) -> Result<Vec<Uuid>, DbError> {
    Ok(sqlx::query_scalar(
        "select id from support_app.message where ticket_id = $1 and sent_at <= $2 and redacted_at is null
         order by sent_at limit $3",
    )
    .bind(ticket)
    .bind(until)
    .bind(AT_ONCE)
    .fetch_all(&mut **tx)
    .await?)
}

/// Takes from a mail, and from the message that it became, what tells whom it is about (support role). Its words were left out
/// before; by its hash it is known when it is handed over again.
///
/// # Errors
/// The database failed.
pub async fn forget_mail(
    tx: &mut Tx,
    mail: Uuid,
    message: MessageId,
    by: &str,
    now: DateTime<Utc>,
) -> Result<(), DbError> {
    sqlx::query(
        "update support_app.message set sender_name = null, sender_email = null, mail_message_id = null, redacted_at = $2,
             redacted_by = $3
         where id = $1",
    )
    .bind(message)
    .bind(now)
    .bind(by)
    .execute(&mut **tx)
    .await?;
    sqlx::query(
        "update support_app.mail set raw = null, sender = null, envelope_from = null, message_id = null, remarks = '{}'
         where id = $1",
    )
    .bind(mail)
    .execute(&mut **tx)
    .await?;
    Ok(())
}
