//! Two tickets that are one: the source's messages move to the target and remember where they came to; a pointer sends
//! later ones after them, and what somebody is writing goes with them. Customers hear nothing of it, and it can be taken back.
//! And one ticket that is two: a message goes to a new, linked one.

use chrono::{DateTime, Utc};
use database::Tx;
use database::ids::{MessageId, TicketId};
use jobs::Announcement;
use sqlx::FromRow;
use uuid::Uuid;

use super::change::store;
use super::create::{self, Origin};
use super::error::TicketError;
use super::lock::{Acting, Locked, current, hold_families, lock, turn_of_merges};
use super::message::{self, like};
use super::reply_text::moved;
use super::state::Status;
use crate::drafts::apart;
use crate::settle::settle;

/// A merge.
#[derive(Debug, Clone, FromRow)]
pub struct Merge {
    /// Identity.
    pub id: Uuid,
    /// The ticket that went.
    pub source_id: TicketId,
    /// The ticket in which both go on.
    pub target_id: TicketId,
    /// Who merged them.
    pub merged_by: String,
    /// When.
    pub merged_at: DateTime<Utc>,
    /// Who took it back.
    pub undone_by: Option<String>,
    /// When.
    pub undone_at: Option<DateTime<Utc>>,
}

const COLUMNS: &str = "id, source_id, target_id, merged_by, merged_at, undone_by, undone_at";

/// Merges a ticket into another, or into the one in which that goes on (support role). `other_customer` says that it is
/// known that they are about different customers.
///
/// # Errors
/// One of them is unknown or was merged, they are the same or of different customers, or the database failed.
pub async fn merge(
    tx: &mut Tx,
    acting: &Acting<'_>,
    source: TicketId,
    into: TicketId,
    other_customer: bool,
) -> Result<(Merge, Announcement), TicketError> {
    turn_of_merges(tx).await?;
    acting.tell(tx, Some("merged")).await?;
    let target = current(tx, into).await.map_err(|error| match error {
        TicketError::Unknown(_) => TicketError::field("into", "the shop has no such ticket"),
        error => error,
    })?;
    if target == source {
        return Err(TicketError::field(
            "into",
            "must be another ticket, and none that was merged into this one",
        ));
    }
    let (mut from, to) = lock_two(tx, source, target).await?;
    if let Some(into) = from.merged_into {
        return Err(TicketError::Merged(into));
    }
    if !other_customer && !is_same_customer(&from, &to) {
        return Err(TicketError::Conflict(
            "the tickets are not known to be of one customer; merge the customers first, or send \
             confirm_other_customer"
                .to_owned(),
        ));
    }
    let merge: Merge = sqlx::query_as(sqlx::AssertSqlSafe(format!(
        "insert into support_app.ticket_merge (id, tenant_id, source_id, target_id, source_status, merged_by)
         values ($1, $2, $3, $4, $5, $6) returning {COLUMNS}"
    )))
    .bind(Uuid::now_v7())
    .bind(acting.tenant)
    .bind(source)
    .bind(target)
    .bind(from.status().name())
    .bind(acting.actor)
    .fetch_one(&mut **tx)
    .await?;
    let moved: i32 = sqlx::query_scalar(include_str!("move_messages.sql"))
        .bind(source)
        .bind(target)
        .bind(Option::<Vec<TicketId>>::None)
        .fetch_one(&mut **tx)
        .await?;
    moved::follow(tx, source, target).await?;
    // The pointer always names the last of a chain.
    sqlx::query("update support_app.ticket set merged_into = $2 where id = $1 or merged_into = $1")
        .bind(source)
        .bind(target)
        .execute(&mut **tx)
        .await?;
    from.set_status(Status::Closed);
    from.snoozed_until = None;
    store(tx, &from).await?;
    let announcement = settle_both(tx, acting, source, target, moved).await?;
    Ok((merge, announcement))
}

/// Takes the merge of a ticket back: its messages are its own again, also those that came since, and so are the texts that
/// somebody was writing in it and the drafts that answer it (support role).
///
/// # Errors
/// It is unknown or was not merged, or the database failed.
pub async fn undo(
    tx: &mut Tx,
    acting: &Acting<'_>,
    source: TicketId,
) -> Result<(Merge, Announcement), TicketError> {
    turn_of_merges(tx).await?;
    acting.tell(tx, Some("merge taken back")).await?;
    let target = current(tx, source).await?;
    if target == source {
        return Err(TicketError::Conflict("the ticket was not merged".to_owned()));
    }
    let (mut from, _) = lock_two(tx, source, target).await?;
    let (status, merged_at): (String, DateTime<Utc>) = sqlx::query_as(
        "select source_status, merged_at from support_app.ticket_merge where source_id = $1 and undone_at is null",
    )
    .bind(source)
    .fetch_one(&mut **tx)
    .await?;
    // Everything that had gone into the source goes back with it.
    let family: Vec<TicketId> = sqlx::query_scalar(
        "with recursive family as (
             select $1::uuid as id
             union
             select m.source_id from support_app.ticket_merge m join family f on f.id = m.target_id
             where m.undone_at is null
         )
         select id from family",
    )
    .bind(source)
    .fetch_all(&mut **tx)
    .await?;
    let merge: Merge = sqlx::query_as(sqlx::AssertSqlSafe(format!(
        "update support_app.ticket_merge set undone_by = $2, undone_at = $3 where source_id = $1 and undone_at is null
         returning {COLUMNS}"
    )))
    .bind(source)
    .bind(acting.actor)
    .bind(acting.now)
    .fetch_one(&mut **tx)
    .await?;
    sqlx::query(
        "update support_app.ticket set merged_into = case when id = $1 then null else $1 end where id = any($2)",
    )
    .bind(source)
    .bind(&family)
    .execute(&mut **tx)
    .await?;
    let moved: i32 = sqlx::query_scalar(include_str!("move_messages.sql"))
        .bind(target)
        .bind(source)
        .bind(&family)
        .fetch_one(&mut **tx)
        .await?;
    let way = way(tx, merge.target_id).await?;
    moved::go_back(tx, target, source, &family, &way).await?;
    apart::divide(tx, &way, source, merged_at).await?;
    // What its customer wrote meanwhile opened the other, and would have opened this one.
    let was_written_to = is_written_to_since(tx, source, merged_at).await?;
    let status = Status::parse(&status).filter(|_| !was_written_to).unwrap_or(Status::Open);
    from.set_status(status);
    store(tx, &from).await?;
    let announcement = settle_both(tx, acting, target, source, moved).await?;
    Ok((merge, announcement))
}

/// A ticket and those through which it goes on, the one in which it is now at the end.
async fn way(tx: &mut Tx, ticket: TicketId) -> Result<Vec<TicketId>, TicketError> {
    Ok(sqlx::query_scalar(
        "with recursive way as (
             select $1::uuid as id
             union
             select m.target_id from support_app.ticket_merge m join way w on w.id = m.source_id where m.undone_at is null
         )
         select id from way",
    )
    .bind(ticket)
    .fetch_all(&mut **tx)
    .await?)
}

async fn is_written_to_since(
    tx: &mut Tx,
    ticket: TicketId,
    since: DateTime<Utc>,
) -> Result<bool, TicketError> {
    Ok(sqlx::query_scalar(
        "select exists (select from support_app.message
             where ticket_id = $1 and sent_at > $2 and not from_agent and not internal and not by_machine)",
    )
    .bind(ticket)
    .bind(since)
    .fetch_one(&mut **tx)
    .await?)
}

/// A message becomes the first of a new ticket that is linked to its own (support role).
///
/// # Errors
/// Ticket or message are unknown, the message is the only one or on its way, or the database failed.
pub async fn split(
    tx: &mut Tx,
    acting: &Acting<'_>,
    ticket: TicketId,
    message: MessageId,
    subject: Option<String>,
) -> Result<(TicketId, Announcement), TicketError> {
    acting.tell(tx, Some("split")).await?;
    let from = lock(tx, ticket).await?.unmerged()?;
    let known = message::get(tx, ticket, message).await?.ok_or(TicketError::Unknown("message"))?;
    if matches!(known.delivery.as_deref(), Some("scheduled" | "queued")) {
        return Err(TicketError::Conflict("the reply is on its way; take it back first".to_owned()));
    }
    let others: i64 = sqlx::query_scalar(
        "select count(*) from support_app.message where ticket_id = $1 and id <> $2 and not internal",
    )
    .bind(ticket)
    .bind(message)
    .fetch_one(&mut **tx)
    .await?;
    if others == 0 {
        return Err(TicketError::Conflict("the ticket would be left without a message".to_owned()));
    }
    let mut new = like(&from);
    new.subject = subject.or(new.subject);
    let origin = Origin { follow_up_of: None, split_from: Some(ticket) };
    let split = create::insert(tx, acting, &new, origin).await?;
    sqlx::query("update support_app.message set ticket_id = $2, origin_ticket_id = null where id = $1")
        .bind(message)
        .bind(split)
        .execute(&mut **tx)
        .await?;
    let counts = i32::from(!known.internal && matches!(known.delivery.as_deref(), None | Some("sent")));
    let announcement = settle_both(tx, acting, ticket, split, counts).await?;
    Ok((split, announcement))
}

/// The merges in which a ticket took part, newest first, at most 100 (support role).
///
/// # Errors
/// The database failed.
pub async fn of_ticket(tx: &mut Tx, ticket: TicketId) -> Result<Vec<Merge>, TicketError> {
    Ok(sqlx::query_as(sqlx::AssertSqlSafe(format!(
        "select {COLUMNS} from support_app.ticket_merge where source_id = $1
         union all
         select {COLUMNS} from support_app.ticket_merge where target_id = $1
         order by merged_at desc, id desc limit 100"
    )))
    .bind(ticket)
    .fetch_all(&mut **tx)
    .await?)
}

/// Locks both, and what was merged into them before.
async fn lock_two(tx: &mut Tx, one: TicketId, other: TicketId) -> Result<(Locked, Locked), TicketError> {
    hold_families(tx, &[one, other]).await?;
    Ok((lock(tx, one).await?, lock(tx, other).await?))
}

fn is_same_customer(one: &Locked, other: &Locked) -> bool {
    let same = |a: &Option<String>, b: &Option<String>| {
        a.as_deref().zip(b.as_deref()).map(|(a, b)| a.eq_ignore_ascii_case(b))
    };
    match same(&one.customer_id, &other.customer_id) {
        Some(is_same) => is_same,
        None => same(&one.customer_email, &other.customer_email).unwrap_or(false),
    }
}

/// Both tell of their messages anew; `moved` that count went from one to the other.
async fn settle_both(
    tx: &mut Tx,
    acting: &Acting<'_>,
    from: TicketId,
    to: TicketId,
    moved: i32,
) -> Result<Announcement, TicketError> {
    let mut announcement = Announcement::default();
    for (ticket, more) in [(from, -moved), (to, moved)] {
        message::recount(tx, ticket, more).await?;
        if let Some(settled) = settle(tx, acting.tenant, ticket, acting.now).await? {
            announcement.merge(settled.announcement);
        }
    }
    Ok(announcement)
}
