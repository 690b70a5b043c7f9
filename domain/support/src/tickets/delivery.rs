//! How a reply leaves the house, as the job that sends it sees it: taken, then sent or failed. Between the two it cannot
//! be taken back.

use chrono::{DateTime, Utc};
use database::ids::{MessageId, TenantId, TicketId};
use database::{DbError, Tx};
use jobs::Announcement;
use serde_json::json;
use sqlx::FromRow;

use super::error::TicketError;
use super::lock::{Locked, lock_of_message};
use super::message;
use super::reply_status;
use crate::events::{self, Event};
use crate::mail::way_out::Missing;
use crate::settle::settle;

/// The job that sends, for the history.
const ACTOR: &str = "job:send_reply";
/// What is said of a reply that was scheduled and that the conversation did not wait for.
const OVERTAKEN: &str = "not sent: the conversation went on after it was scheduled; read what is new, then send it again or \
    write another";
/// Characters of a reason that is kept.
const REASON_LIMIT: usize = 500;

/// A reply on its way.
#[derive(Clone, FromRow)]
pub struct Outbound {
    /// The message.
    pub id: MessageId,
    /// Its ticket.
    pub ticket_id: TicketId,
    /// The help desk in which the ticket lives.
    pub provider: String,
    /// The ticket's id there.
    pub external_id: String,
    /// How the ticket is answered.
    pub channel: String,
    /// The customer's address.
    pub customer_email: Option<String>,
    /// The customer's name.
    pub customer_name: Option<String>,
    /// The mailbox that the ticket came to.
    pub mailbox_id: Option<uuid::Uuid>,
    /// The ticket's subject.
    pub subject: Option<String>,
    /// Whether its customer wrote in it: then the subject is theirs.
    pub customer_wrote: bool,
    /// Whether a machine of ours wrote it.
    pub by_machine: bool,
    /// Which sending of it this is.
    pub send_round: i32,
    /// What it says.
    pub body_text: String,
    /// scheduled, queued, sent, failed, withdrawn.
    pub delivery: String,
    /// Not before then.
    pub send_at: DateTime<Utc>,
}

impl std::fmt::Debug for Outbound {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Outbound")
            .field("id", &self.id)
            .field("delivery", &self.delivery)
            .finish_non_exhaustive()
    }
}

/// What a job that is to send a reply finds.
#[derive(Debug)]
pub enum Taken {
    /// It is to be sent now, and can no longer be taken back.
    Send(Box<Outbound>),
    /// There is no such reply.
    Gone,
    /// It is to be sent later.
    NotYet(DateTime<Utc>),
    /// There is nothing to do: it was taken back, or it has left.
    Over(String),
    /// It was scheduled, and the customer or another agent wrote since.
    Overtaken(Box<Outbound>),
}

/// A reply as it is to leave, its row locked (support role).
///
/// # Errors
/// The database failed.
pub async fn outbound(tx: &mut Tx, message: MessageId) -> Result<Option<Outbound>, DbError> {
    // The ticket it lives in decides how it leaves; a reply of a merged ticket leaves where it was written.
    // `case`: by row security `coalesce` is no condition of an index, and all of a tenant's tickets would be read.
    Ok(sqlx::query_as(
        "select m.id, m.ticket_id, t.provider, t.external_id, m.channel, t.customer_email, t.customer_name, t.mailbox_id,
                t.subject, m.by_machine, m.send_round, m.body_text, m.delivery, m.send_at,
                exists (select from support_app.message c
                        where c.ticket_id = m.ticket_id and not c.from_agent and not c.internal) as customer_wrote
         from support_app.message m join support_app.ticket t
             on t.id = case when m.origin_ticket_id is null then m.ticket_id else m.origin_ticket_id end
         where m.id = $1 and m.delivery is not null and m.send_at is not null
         for update of m",
    )
    .bind(message)
    .fetch_optional(&mut **tx)
    .await?)
}

/// Takes a reply to send it (support role).
///
/// # Errors
/// The database failed.
pub async fn take(tx: &mut Tx, message: MessageId, now: DateTime<Utc>) -> Result<Taken, DbError> {
    let Some(outbound) = outbound(tx, message).await? else { return Ok(Taken::Gone) };
    if matches!(outbound.delivery.as_str(), "withdrawn" | "sent" | "bounced" | "unsure") {
        return Ok(Taken::Over(outbound.delivery));
    }
    if outbound.send_at > now {
        return Ok(Taken::NotYet(outbound.send_at));
    }
    if outbound.delivery == "scheduled" && is_overtaken(tx, message).await? {
        return Ok(Taken::Overtaken(Box::new(outbound)));
    }
    sqlx::query("update support_app.message set sending = true where id = $1")
        .bind(message)
        .execute(&mut **tx)
        .await?;
    Ok(Taken::Send(Box::new(outbound)))
}

/// Whether something was said to or by the customer after the reply was written, but by its own writer. One that may have left
/// already is not.
async fn is_overtaken(tx: &mut Tx, reply: MessageId) -> Result<bool, DbError> {
    Ok(sqlx::query_scalar(
        "select exists (
             select from support_app.message x join support_app.message m on m.ticket_id = x.ticket_id
             where m.id = $1 and not m.sending and x.id <> m.id and not x.internal and not x.by_machine
               and (x.delivery is null or x.delivery in ('queued', 'sent')) and x.created_at > m.created_at
               and (not x.from_agent or x.author_id is distinct from m.author_id))",
    )
    .bind(reply)
    .fetch_one(&mut **tx)
    .await?)
}

/// Notes that a reply left (support role). `external_id` is the help desk's id of it; a copy of it that the help desk told
/// of in the meantime gives way. One that was scheduled is an answer from now on.
///
/// # Errors
/// The database failed.
pub async fn sent(
    tx: &mut Tx,
    tenant: TenantId,
    outbound: &Outbound,
    external_id: Option<&str>,
    now: DateTime<Utc>,
) -> Result<Announcement, TicketError> {
    events::acting(tx, ACTOR, None).await?;
    let ticket = lock_of_message(tx, outbound.id).await?.id;
    let mut more = i32::from(outbound.delivery != "queued" && !outbound.by_machine);
    if let Some(external_id) = external_id {
        let copies = sqlx::query(
            "delete from support_app.message where ticket_id = $1 and external_id = $2 and id <> $3 and not internal",
        )
        .bind(ticket)
        .bind(external_id)
        .bind(outbound.id)
        .execute(&mut **tx)
        .await?;
        more -= i32::try_from(copies.rows_affected()).unwrap_or(0);
    }
    sqlx::query(
        "update support_app.message set delivery = 'sent', delivered_at = $2, error = null, not_sent_because = null, sending = false,
             external_id = coalesce($3, external_id),
             sent_at = case when delivery = 'scheduled' then $2 else sent_at end
         where id = $1",
    )
    .bind(outbound.id)
    .bind(now)
    .bind(external_id)
    .execute(&mut **tx)
    .await?;
    message::recount(tx, ticket, more).await?;
    finish(tx, tenant, outbound, ticket, "reply_sent", now).await
}

/// Notes that a reply will not leave (support role), with the reason as its writer is to read it. Its ticket is open again:
/// somebody here has to do something.
///
/// # Errors
/// The database failed.
pub async fn failed(
    tx: &mut Tx,
    tenant: TenantId,
    outbound: &Outbound,
    reason: &str,
    now: DateTime<Utc>,
) -> Result<Announcement, TicketError> {
    fail(tx, tenant, outbound, reason, None, now).await
}

/// Notes that a reply has no way to leave (support role): its text is kept, and it can be sent again when it has one.
///
/// # Errors
/// The database failed.
pub async fn lacks(
    tx: &mut Tx,
    tenant: TenantId,
    outbound: &Outbound,
    missing: Missing,
    now: DateTime<Utc>,
) -> Result<Announcement, TicketError> {
    fail(tx, tenant, outbound, missing.sentence(), Some(missing), now).await
}

async fn fail(
    tx: &mut Tx,
    tenant: TenantId,
    outbound: &Outbound,
    reason: &str,
    missing: Option<Missing>,
    now: DateTime<Utc>,
) -> Result<Announcement, TicketError> {
    events::acting(tx, ACTOR, None).await?;
    let mut ticket = lock_of_message(tx, outbound.id).await?;
    sqlx::query(
        "update support_app.message set delivery = 'failed', error = $2, not_sent_because = $3, sending = false
         where id = $1",
    )
    .bind(outbound.id)
    .bind(shortened(reason))
    .bind(missing.map(Missing::name))
    .execute(&mut **tx)
    .await?;
    missed(tx, tenant, outbound, &mut ticket, now).await
}

/// Notes that a reply was overtaken (support role): it is not sent, and its writer decides anew. Nothing is done when it was
/// taken back meanwhile.
///
/// # Errors
/// The database failed.
pub async fn overtaken(
    tx: &mut Tx,
    tenant: TenantId,
    outbound: &Outbound,
    now: DateTime<Utc>,
) -> Result<Announcement, TicketError> {
    events::acting(tx, ACTOR, None).await?;
    let mut ticket = lock_of_message(tx, outbound.id).await?;
    let done = sqlx::query(
        "update support_app.message set delivery = 'failed', error = $2, not_sent_because = 'overtaken'
         where id = $1 and delivery = 'scheduled' and not sending",
    )
    .bind(outbound.id)
    .bind(OVERTAKEN)
    .execute(&mut **tx)
    .await?;
    if done.rows_affected() == 0 {
        return Ok(Announcement::default());
    }
    missed(tx, tenant, outbound, &mut ticket, now).await
}

/// Notes that nobody knows whether a reply left (support role), with the reason as people are to read it. It counts as
/// not sent until somebody says that it was, so its customer is not forgotten.
///
/// # Errors
/// The database failed.
pub async fn unsure(
    tx: &mut Tx,
    tenant: TenantId,
    outbound: &Outbound,
    reason: &str,
    now: DateTime<Utc>,
) -> Result<Announcement, TicketError> {
    events::acting(tx, ACTOR, None).await?;
    let mut ticket = lock_of_message(tx, outbound.id).await?;
    sqlx::query(
        "update support_app.message set delivery = 'unsure', error = $2, sending = false where id = $1",
    )
    .bind(outbound.id)
    .bind(shortened(reason))
    .execute(&mut **tx)
    .await?;
    missed(tx, tenant, outbound, &mut ticket, now).await
}

/// What follows from a reply that its customer does not have. One of a machine is nobody's answer, and opens nothing.
async fn missed(
    tx: &mut Tx,
    tenant: TenantId,
    outbound: &Outbound,
    ticket: &mut Locked,
    now: DateTime<Utc>,
) -> Result<Announcement, TicketError> {
    message::recount(tx, ticket.id, -counted(outbound)).await?;
    if !outbound.by_machine {
        reply_status::open_again(tx, ACTOR, ticket, outbound.id, now).await?;
    }
    finish(tx, tenant, outbound, ticket.id, "reply_failed", now).await
}

/// How much of the ticket's count a reply is that was to be sent.
fn counted(outbound: &Outbound) -> i32 {
    i32::from(outbound.delivery == "queued" && !outbound.by_machine)
}

/// Notes why a reply waits, and that it can be taken back while it does (support role).
///
/// # Errors
/// The database failed.
pub async fn waits(
    tx: &mut Tx,
    message: MessageId,
    reason: &str,
    may_have_left: bool,
) -> Result<(), DbError> {
    sqlx::query(
        "update support_app.message set error = $2, not_sent_because = null, sending = $3
         where id = $1 and delivery in ('scheduled', 'queued')",
    )
    .bind(message)
    .bind(shortened(reason))
    .bind(may_have_left)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

async fn finish(
    tx: &mut Tx,
    tenant: TenantId,
    outbound: &Outbound,
    ticket: TicketId,
    kind: &str,
    now: DateTime<Utc>,
) -> Result<Announcement, TicketError> {
    let payload = json!({ "message_id": outbound.id });
    let agent = sqlx::query_scalar("select author_id from support_app.message where id = $1")
        .bind(outbound.id)
        .fetch_one(&mut **tx)
        .await?;
    events::emit(tx, tenant, &Event { kind, ticket: Some(ticket), agent, payload }).await?;
    let settled = settle(tx, tenant, ticket, now).await?;
    Ok(settled.map(|settled| settled.announcement).unwrap_or_default())
}

fn shortened(reason: &str) -> String {
    reason.chars().filter(|c| *c != '\0').take(REASON_LIMIT).collect()
}
