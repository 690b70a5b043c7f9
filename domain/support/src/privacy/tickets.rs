//! Erasing tickets: all that was written in them goes, the tickets stay with their times and states.

use chrono::{DateTime, Utc};
use database::ids::{TenantId, TicketId};
use database::personal::{self, Person, Reached};
use database::{DbError, Tx};
use jobs::{Announcement, NewJob, QueueError};
use uuid::Uuid;

use super::STORES;
use crate::events;
use crate::kinds::SettleTicket;
use crate::tickets::lock::hold_families;

/// Tickets of one transaction.
pub const AT_ONCE: usize = 200;

/// Erases these of a person's tickets (support role). `actor` is what history names, and nobody's name.
///
/// # Errors
/// The database failed.
pub async fn erase(
    tx: &mut Tx,
    person: &Person,
    tickets: &[Uuid],
    actor: &str,
    reached: &mut Reached,
) -> Result<(), DbError> {
    events::acting(tx, actor, None).await?;
    // What they wrote may be in the tickets in which theirs go on.
    let ids: Vec<TicketId> = tickets.iter().copied().map(TicketId).collect();
    hold_families(tx, &ids).await?;
    let part = Person { tickets: tickets.to_vec(), ..person.clone() };
    let before = reached.get("support_app.ticket").copied();
    personal::erase(tx, STORES, &part, reached).await?;
    // The words by which they are found are made anew of what is left, whatever their hash says: other words may be as long.
    let words = sqlx::query("delete from support_app.ticket_search where ticket_id = any($1)")
        .bind(&part.tickets)
        .execute(&mut **tx)
        .await?;
    if reached.get("support_app.ticket").copied() != before {
        personal::add(reached, "support_app.ticket_search", words.rows_affected());
    }
    let others: Vec<Uuid> = sqlx::query_scalar(
        "with holds as (select distinct m.ticket_id from support_app.message m
                        where m.origin_ticket_id = any($1) and m.ticket_id <> all($1))
         delete from support_app.ticket_search s using holds h where s.ticket_id = h.ticket_id returning s.ticket_id",
    )
    .bind(&part.tickets)
    .fetch_all(&mut **tx)
    .await?;
    sqlx::query("select support_app.refresh_search(id) from unnest($1::uuid[]) as x (id)")
        .bind([part.tickets, others].concat())
        .execute(&mut **tx)
        .await?;
    // A tag that no ticket has any more is none.
    sqlx::query("select support_app.fold_tags()").execute(&mut **tx).await?;
    Ok(())
}

/// What an erasure has left of these tickets (support role).
///
/// # Errors
/// The database failed.
pub async fn left(tx: &mut Tx, person: &Person, found: &mut Reached) -> Result<(), DbError> {
    personal::left(tx, STORES, person, found).await
}

/// Files of these tickets whose bytes are still in the store (support role), at most `limit`.
///
/// # Errors
/// The database failed.
pub async fn files(tx: &mut Tx, tickets: &[Uuid], limit: i64) -> Result<Vec<Uuid>, DbError> {
    Ok(sqlx::query_scalar(
        "select id from support_app.attachment
         where redacted_at is null
           and (ticket_id = any($1) or message_id in (select id from support_app.message where origin_ticket_id = any($1)))
         order by id limit $2",
    )
    .bind(tickets)
    .bind(limit)
    .fetch_all(&mut **tx)
    .await?)
}

/// Notes that the bytes of these files are gone (support role).
///
/// # Errors
/// The database failed.
pub async fn files_gone(
    tx: &mut Tx,
    files: &[Uuid],
    by: &str,
    now: DateTime<Utc>,
    reached: &mut Reached,
) -> Result<(), DbError> {
    let done = sqlx::query(
        "update support_app.attachment set redacted_at = $2, redacted_by = $3, name = '[erased]', sha256 = ''
         where id = any($1) and redacted_at is null",
    )
    .bind(files)
    .bind(now)
    .bind(by)
    .execute(&mut **tx)
    .await?;
    personal::add(reached, "files", done.rows_affected());
    personal::add(reached, "support_app.attachment", done.rows_affected());
    Ok(())
}

/// Closes what is unfinished of erased tickets, since nobody can be answered any more, and has brought up to date what
/// follows (support role).
///
/// # Errors
/// The database failed.
pub async fn close(
    tx: &mut Tx,
    tenant: TenantId,
    tickets: &[Uuid],
    actor: &str,
) -> Result<Announcement, QueueError> {
    events::acting(tx, actor, None).await?;
    let closed: Vec<(Uuid, i64)> = sqlx::query_as(
        "update support_app.ticket t set status = 'closed', snoozed_until = null
         where t.id in (select id from support_app.ticket where id = any($1) and status in ('open', 'pending')
                        order by id for no key update)
         returning id, version",
    )
    .bind(tickets)
    .fetch_all(&mut **tx)
    .await
    .map_err(DbError::from)?;
    let mut jobs = Vec::with_capacity(closed.len());
    for (ticket_id, version) in closed {
        let job = NewJob::of(tenant, &SettleTicket { ticket_id })?;
        jobs.push(job.with_dedup_key(&format!("{ticket_id}:{version}"))?);
    }
    if jobs.is_empty() {
        return Ok(Announcement::default());
    }
    Ok(jobs::enqueue(tx, &jobs).await?.1)
}
