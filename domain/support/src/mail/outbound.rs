//! What leaves as mail: from which mailbox, under which Message-ID, in which thread; what came back; and those whose fate
//! nobody knows, because the server's answer was lost. Those are listed and never sent again by themselves: a person says
//! whether the customer has it.

use chrono::{DateTime, Utc};
use database::ids::{MessageId, TicketId};
use database::{DbError, Tx};
use jobs::Announcement;
use serde_json::json;
use sqlx::FromRow;
use uuid::Uuid;

use super::mailboxes::{self, Mailbox};
use super::report::Report;
use super::thread;
use crate::analysis;
use crate::events::{self, Event};
use crate::kinds::SendReply;
use crate::settle::settle;
use crate::tickets::attachments::{self, Attachment};
use crate::tickets::delivery::Outbound;
use crate::tickets::lock::lock_of_message;
use crate::tickets::message::{self, Stored};
use crate::tickets::{Acting, TicketError};

/// Mails of the thread that a mail names.
const MOST_REFERENCES: i64 = 20;

/// Everything that a mail has beside its text.
#[derive(Debug)]
pub struct Sheet {
    /// Whence it leaves.
    pub mailbox: Mailbox,
    /// Its own id, the same whenever it is tried.
    pub message_id: String,
    /// The subject.
    pub subject: String,
    /// The mail that it answers.
    pub in_reply_to: Option<String>,
    /// The mails of the thread, the oldest first.
    pub references: Vec<String>,
    /// Files that go with it.
    pub files: Vec<Attachment>,
}

/// A reply whose fate nobody knows.
#[derive(Debug, Clone, FromRow)]
pub struct Unsure {
    /// The message.
    pub id: MessageId,
    /// Its ticket.
    pub ticket_id: TicketId,
    /// The ticket's number.
    pub number: i64,
    /// To whom it was to go.
    pub customer_email: Option<String>,
    /// Why nobody knows.
    pub error: Option<String>,
    /// When it was written.
    pub created_at: DateTime<Utc>,
}

/// Makes a reply ready to leave as mail (support role); none when the shop has no mailbox that mail leaves from. From now
/// on answers to it find its ticket, also those that come before its sending is noted.
///
/// # Errors
/// The database failed.
pub async fn prepare(tx: &mut Tx, reply: &Outbound) -> Result<Option<Sheet>, DbError> {
    let Some(mailbox) = mailboxes::to_send_from(tx, reply.mailbox_id).await? else { return Ok(None) };
    let domain = mailbox.address.rsplit('@').next().unwrap_or("localhost");
    let message_id = format!("{}@{domain}", reply.id);
    sqlx::query("update support_app.message set mail_message_id = $2 where id = $1")
        .bind(reply.id)
        .bind(&message_id)
        .execute(&mut **tx)
        .await?;
    thread::remember_sent(tx, mailbox.tenant_id, reply.ticket_id, &message_id).await?;
    let thread: Vec<Threaded> = sqlx::query_as(
        "select mail_message_id, from_agent from support_app.message
         where ticket_id = $1 and mail_message_id is not null and id <> $2 and not internal
         order by sent_at desc, id desc limit $3",
    )
    .bind(reply.ticket_id)
    .bind(reply.id)
    .bind(MOST_REFERENCES)
    .fetch_all(&mut **tx)
    .await?;
    let in_reply_to = thread.iter().find(|mail| !mail.from_agent).or(thread.first());
    let in_reply_to = in_reply_to.map(|mail| mail.mail_message_id.clone());
    let references = thread.iter().rev().map(|mail| mail.mail_message_id.clone()).collect::<Vec<_>>();
    let subject = match subject(reply.subject.as_deref()) {
        Some(subject) => marked(subject, in_reply_to.is_some()),
        None => {
            let known = analysis::languages(tx, reply.ticket_id).await?;
            marked(known.words().your_message, in_reply_to.is_some())
        }
    };
    let files = attachments::of_messages(tx, &[reply.id]).await?;
    Ok(Some(Sheet { mailbox, message_id, subject, in_reply_to, references, files }))
}

#[derive(FromRow)]
struct Threaded {
    mail_message_id: String,
    from_agent: bool,
}

/// A subject that says something.
fn subject(subject: Option<&str>) -> Option<&str> {
    subject.map(str::trim).filter(|subject| !subject.is_empty())
}

/// The subject with the mark of an answer, once.
fn marked(subject: &str, is_answer: bool) -> String {
    let has_mark = subject.get(..3).is_some_and(|start| start.eq_ignore_ascii_case("re:"));
    if is_answer && !has_mark { format!("Re: {subject}") } else { subject.to_owned() }
}

/// The ticket of the mail of ours that came back (support role).
///
/// # Errors
/// The database failed.
pub(crate) async fn ticket_of(tx: &mut Tx, report: &Report) -> Result<Option<TicketId>, DbError> {
    Ok(sqlx::query_scalar(
        "select ticket_id from support_app.message
         where tenant_id = (select shared.current_tenant()) and mail_message_id = $1 and from_agent and not internal
         limit 1",
    )
    .bind(&report.about)
    .fetch_optional(&mut **tx)
    .await?)
}

/// A mail of ours came back (support role): its reply says so, and its customer waits again.
///
/// # Errors
/// The database failed.
pub(crate) async fn bounced(
    tx: &mut Tx,
    acting: &Acting<'_>,
    report: &Report,
) -> Result<Announcement, TicketError> {
    let Some(about) = &report.about else { return Ok(Announcement::default()) };
    let found: Option<Left> = sqlx::query_as(
        "select id, ticket_id, author_id from support_app.message
         where tenant_id = (select shared.current_tenant()) and mail_message_id = $1 and from_agent and not internal
           and delivery in ('sent', 'unsure', 'queued')",
    )
    .bind(about)
    .fetch_optional(&mut **tx)
    .await?;
    let Some(mut left) = found else { return Ok(Announcement::default()) };
    left.ticket_id = lock_of_message(tx, left.id).await?.id;
    // What it was is read under the ticket's lock.
    let before: Option<(String, bool)> = sqlx::query_as(
        "with known as (select id, delivery, by_machine from support_app.message where id = $1 for update)
         update support_app.message m set delivery = 'bounced', error = $2, sending = false
         from known k where m.id = k.id and k.delivery in ('sent', 'unsure', 'queued')
         returning k.delivery, k.by_machine",
    )
    .bind(left.id)
    .bind(report.reason())
    .fetch_optional(&mut **tx)
    .await?;
    let Some((delivery, by_machine)) = before else { return Ok(Announcement::default()) };
    message::recount(tx, left.ticket_id, -i32::from(delivery != "unsure" && !by_machine)).await?;
    tell(tx, acting, "reply_failed", &left).await
}

#[derive(FromRow)]
struct Left {
    id: MessageId,
    ticket_id: TicketId,
    author_id: Option<database::ids::AgentId>,
}

async fn tell(
    tx: &mut Tx,
    acting: &Acting<'_>,
    kind: &str,
    left: &Left,
) -> Result<Announcement, TicketError> {
    let payload = json!({ "message_id": left.id });
    let event = Event { kind, ticket: Some(left.ticket_id), agent: left.author_id, payload };
    events::emit(tx, acting.tenant, &event).await?;
    let settled = settle(tx, acting.tenant, left.ticket_id, acting.now).await?;
    Ok(settled.map(|settled| settled.announcement).unwrap_or_default())
}

/// Replies whose fate nobody knows, the newest first (support role).
///
/// # Errors
/// The database failed.
pub async fn unsure(
    tx: &mut Tx,
    after: Option<(DateTime<Utc>, Uuid)>,
    limit: i64,
) -> Result<Vec<Unsure>, DbError> {
    let (at, id) = after.unzip();
    Ok(sqlx::query_as(
        "select m.id, m.ticket_id, t.number, t.customer_email, m.error, m.created_at
         from support_app.message m join support_app.ticket t on t.id = m.ticket_id
         where m.tenant_id = (select shared.current_tenant()) and m.delivery = 'unsure'
           and ($1::timestamptz is null or (m.created_at, m.id) < ($1, $2))
         order by m.created_at desc, m.id desc limit $3",
    )
    .bind(at)
    .bind(id)
    .bind(limit)
    .fetch_all(&mut **tx)
    .await?)
}

/// A person says whether a reply arrived whose fate nobody knew (support role). One that did not is sent again.
///
/// # Errors
/// There is no such reply, its fate is known, or the database failed.
pub async fn decide(
    tx: &mut Tx,
    acting: &Acting<'_>,
    reply: MessageId,
    was_sent: bool,
) -> Result<(Stored, Announcement), TicketError> {
    acting.tell(tx, None).await?;
    let found: Option<Left> = sqlx::query_as(
        "select id, ticket_id, author_id from support_app.message where id = $1 and delivery is not null",
    )
    .bind(reply)
    .fetch_optional(&mut **tx)
    .await?;
    let mut left = found.ok_or(TicketError::Unknown("reply"))?;
    left.ticket_id = lock_of_message(tx, left.id).await?.id;
    let done = match was_sent {
        true => {
            sqlx::query(
                "update support_app.message set delivery = 'sent', delivered_at = coalesce(delivered_at, $2), error = null
                 where id = $1 and delivery = 'unsure'",
            )
            .bind(reply)
            .bind(acting.now)
            .execute(&mut **tx)
            .await?
        }
        false => {
            sqlx::query(
                "update support_app.message set delivery = 'queued', send_at = $2, error = null, not_sent_because = null,
                     sending = false, send_round = send_round + 1
                 where id = $1 and delivery = 'unsure'",
            )
            .bind(reply)
            .bind(acting.now)
            .execute(&mut **tx)
            .await?
        }
    };
    if done.rows_affected() == 0 {
        return Err(TicketError::Conflict(
            "it is known what became of the reply; only an unsure one is decided".into(),
        ));
    }
    message::recount(tx, left.ticket_id, 1).await?;
    let mut announcement =
        tell(tx, acting, if was_sent { "reply_sent" } else { "ticket_update" }, &left).await?;
    if !was_sent {
        let job = acting.job(&SendReply { message_id: reply.0 }, &reply.to_string())?;
        announcement.merge(jobs::enqueue_one(tx, job).await?.1);
    }
    let stored = message::get(tx, left.ticket_id, reply).await?.ok_or(TicketError::Unknown("reply"))?;
    Ok((stored, announcement))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_says_so_once() {
        assert_eq!(marked("Lamp", true), "Re: Lamp");
        assert_eq!(marked("RE: Lamp", true), "RE: Lamp");
        assert_eq!(marked("Lamp", false), "Lamp");
        assert_eq!(marked("\u{e4}\u{f6}", true), "Re: \u{e4}\u{f6}");
        assert_eq!((subject(Some("  ")), subject(None), subject(Some(" Lamp"))), (None, None, Some("Lamp")));
        for words in crate::customer_words::ALL {
            assert_eq!(marked(words.your_message, true), format!("Re: {}", words.your_message));
        }
    }
}
