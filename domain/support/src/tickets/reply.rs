//! Replies to customers. A reply names the last message that its writer has seen; when something was added meanwhile it
//! is not sent but kept as the writer's text, so two people never answer the same customer without knowing. Replies to one
//! ticket are decided one after the other, under the lock of its row.

use std::time::Duration;

use chrono::{DateTime, Utc};
use database::ids::{AgentId, MessageId, TicketId};
use database::{DbError, Tx};
use jobs::Announcement;
use uuid::Uuid;

use super::attachments;
use super::error::{TicketError, to_come};
use super::lock::{Acting, Locked, lock, lock_current};
use super::message::{self, COLUMNS, From, NewRow, Stored};
use super::reply_status;
use super::reply_text::{self, ReplyText};
use super::send_again;
use super::state::Status;
use super::words::{self, REPLY_LIMIT};
use crate::kinds::SendReply;
use crate::mail::way_out::Missing;
use crate::settle::settle;
use crate::sla::alerts;

/// Days that a reply may be sent later.
const MOST_LATER_DAYS: i64 = 60;
/// What is new and shown beside a refusal, at most.
const MOST_NEWS: i64 = 20;

/// A reply to be sent.
#[derive(Debug, Clone)]
pub struct NewReply<'a> {
    /// What it says.
    pub text: &'a str,
    /// The message that was added last as its writer looked; none when there was none.
    pub last_seen: Option<MessageId>,
    /// Send it whatever was added meanwhile.
    pub force: bool,
    /// Not before then.
    pub send_at: Option<DateTime<Utc>>,
    /// What the ticket becomes with it; it stays as it is when the reply has no way to leave.
    pub status: Option<Status>,
    /// Files that go with it.
    pub attachments: &'a [Uuid],
}

/// What became of it.
#[derive(Debug)]
#[allow(clippy::large_enum_variant)]
pub enum Replied {
    /// It is on its way.
    Queued {
        /// The message.
        message: Stored,
        /// The version of the ticket.
        version: i64,
        /// How many messages its writer had not seen, if it was forced.
        unseen: usize,
        /// To be announced after the commit.
        announcement: Announcement,
    },
    /// Something was added that its writer has not seen. Commit: the text is kept.
    Unseen {
        /// What is new, oldest first.
        news: Vec<Stored>,
        /// Its text.
        kept: ReplyText,
    },
}

/// Takes a reply (support role).
///
/// # Errors
/// There is no such ticket or message, the state or a value does not fit, or the database failed.
pub async fn reply(
    tx: &mut Tx,
    acting: &Acting<'_>,
    ticket: TicketId,
    new: &NewReply<'_>,
) -> Result<Replied, TicketError> {
    let text = words::text("text", new.text, REPLY_LIMIT)?;
    if let Some(at) = new.send_at {
        to_come("send_at", at, acting.now, MOST_LATER_DAYS)?;
    }
    acting.tell(tx, None).await?;
    let mut known = lock(tx, ticket).await?.unmerged()?.of_somebody()?;
    let standing = known.standing(acting.now);
    if known.status() == Status::Closed || standing.is_final {
        return Err(TicketError::TakesNoReply(standing));
    }
    let news = news(tx, &known, new.last_seen, acting.agent).await?;
    if !news.is_empty() && !new.force {
        let kept = reply_text::put(tx, acting, ticket, text, new.last_seen, None).await?;
        return Ok(Replied::Unseen { news, kept });
    }
    if let Some(status) = new.status {
        standing.become_status(status)?;
    }
    let wait = Duration::from_secs(u64::try_from(known.undo_secs).unwrap_or_default());
    let (message, missing, mut announcement) = queue(tx, acting, &known, text, new.send_at, wait).await?;
    // What cannot leave answers nobody, so it resolves nothing.
    if let Some(status) = new.status.filter(|_| missing.is_none()) {
        reply_status::set(tx, &mut known, message, status).await?;
    }
    attachments::link(tx, acting.actor, ticket, message, new.attachments).await?;
    reply_text::delete(tx, ticket, acting.writer, None).await?;
    let Some(settled) = settle(tx, acting.tenant, ticket, acting.now).await? else {
        return Err(TicketError::Unknown("ticket"));
    };
    announcement.merge(settled.announcement);
    let stored = message::get(tx, ticket, message).await?.ok_or(TicketError::Unknown("message"))?;
    Ok(Replied::Queued { message: stored, version: settled.version, unseen: news.len(), announcement })
}

/// The first message of a ticket that an agent opens: there is nothing that they have not seen. The ticket's maker
/// settles.
pub(crate) async fn add_first(
    tx: &mut Tx,
    acting: &Acting<'_>,
    ticket: TicketId,
    channel: &str,
    text: &str,
) -> Result<(MessageId, Announcement), TicketError> {
    let known = lock(tx, ticket).await?;
    debug_assert_eq!(known.channel, channel);
    let wait = Duration::from_secs(u64::try_from(known.undo_secs).unwrap_or_default());
    let (message, _, announcement) = queue(tx, acting, &known, text, None, wait).await?;
    Ok((message, announcement))
}

async fn queue(
    tx: &mut Tx,
    acting: &Acting<'_>,
    ticket: &Locked,
    text: &str,
    send_at: Option<DateTime<Utc>>,
    undo: Duration,
) -> Result<(MessageId, Option<Missing>, Announcement), TicketError> {
    // By the database's clock, as the job that sends it: this process's may be wrong.
    let leaves_at = match send_at {
        Some(at) => at,
        None => alerts::now(tx).await? + undo,
    };
    let row = NewRow {
        from: From::Agent,
        channel: &ticket.channel,
        sender_name: Some(acting.name),
        author: acting.agent,
        text,
        sent_at: acting.now,
        // What is sent later is no answer yet.
        delivery: Some(if send_at.is_some() { "scheduled" } else { "queued" }),
        send_at: Some(leaves_at),
    };
    let message = message::insert(tx, acting.tenant, ticket.id, &row).await?;
    let missing = send_again::say_what_is_missing(tx, message).await?;
    message::recount(tx, ticket.id, i32::from(send_at.is_none())).await?;
    let job = acting.job(&SendReply { message_id: message.0 }, &message.to_string())?;
    let job = match send_at {
        Some(at) => job.with_run_at(at),
        None => job.with_delay(undo),
    };
    Ok((message, missing, jobs::enqueue_one(tx, job).await?.1))
}

/// What was added to a locked ticket since `seen`, by a merge too, oldest first. The writer's own notes are no news to them, nor is what
/// this house noted by itself or a machine sent; what was withdrawn is none to anybody.
async fn news(
    tx: &mut Tx,
    ticket: &Locked,
    seen: Option<MessageId>,
    writer: Option<AgentId>,
) -> Result<Vec<Stored>, TicketError> {
    let seen_at: Option<DateTime<Utc>> = match seen {
        None => None,
        Some(seen) => {
            let found: Option<DateTime<Utc>> = sqlx::query_scalar(
                "select greatest(created_at, moved_at) from support_app.message where id = $1 and ticket_id = $2",
            )
            .bind(seen)
            .bind(ticket.id)
            .fetch_optional(&mut **tx)
            .await?;
            let problem = "must be a message of this ticket, as last_message_id names it";
            Some(found.ok_or_else(|| TicketError::field("last_seen_message_id", problem))?)
        }
    };
    let found: Result<Vec<Stored>, sqlx::Error> = sqlx::query_as(sqlx::AssertSqlSafe(format!(
        "select {COLUMNS} from support_app.message m
         where m.ticket_id = $1 and ($2::timestamptz is null or (greatest(m.created_at, m.moved_at), m.id) > ($2, $3))
           and (m.delivery is null or m.delivery in ('scheduled', 'queued', 'sent'))
           and not m.by_machine
           and not (m.internal and m.author_id is null and m.sender_name is null)
           and not (m.internal and m.author_id is not distinct from $4 and $4 is not null)
         order by greatest(m.created_at, m.moved_at), m.id limit $5"
    )))
    .bind(ticket.id)
    .bind(seen_at)
    .bind(seen)
    .bind(writer)
    .bind(MOST_NEWS)
    .fetch_all(&mut **tx)
    .await;
    Ok(found.map_err(DbError::from)?)
}

/// Takes a reply back that has not left (support role): its ticket is what it was before, also when it went on in another
/// meanwhile. Answers the ticket's version.
///
/// # Errors
/// There is no such reply, it left or is leaving, or the database failed.
pub async fn withdraw(
    tx: &mut Tx,
    acting: &Acting<'_>,
    ticket: TicketId,
    message: MessageId,
) -> Result<(Stored, i64, Announcement), TicketError> {
    acting.tell(tx, None).await?;
    let mut place = lock_current(tx, ticket).await?;
    let ticket = place.id;
    let known = message::get(tx, ticket, message).await?.ok_or(TicketError::Unknown("message"))?;
    let done = sqlx::query(
        "update support_app.message set delivery = 'withdrawn', error = null
         where id = $1 and delivery in ('scheduled', 'queued') and not sending",
    )
    .bind(message)
    .execute(&mut **tx)
    .await?;
    if done.rows_affected() == 0 {
        return Err(TicketError::Conflict(match known.delivery.as_deref() {
            None => "only a reply can be taken back, and this is none".to_owned(),
            Some("scheduled" | "queued") => "the reply is being sent at this moment".to_owned(),
            Some(delivery) => format!("the reply is {delivery}; only one that waits can be taken back"),
        }));
    }
    message::recount(tx, ticket, -i32::from(known.delivery.as_deref() == Some("queued"))).await?;
    reply_status::take_back(tx, acting.actor, &mut place, message).await?;
    let Some(settled) = settle(tx, acting.tenant, ticket, acting.now).await? else {
        return Err(TicketError::Unknown("ticket"));
    };
    let stored = message::get(tx, ticket, message).await?.ok_or(TicketError::Unknown("message"))?;
    Ok((stored, settled.version, settled.announcement))
}
