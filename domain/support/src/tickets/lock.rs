//! Who acts, and the ticket's row under a lock: whoever changes a ticket or adds a message holds it until the commit.
//!
//! # The order of locks
//!
//! Two transactions that take the same rows in different orders wait for each other until the database ends one of them. So
//! everybody in this schema takes them in this order, and what is further down never before what is further up:
//! 1. what is the only one of its tenant or errand: the tenant's turn (`routing`, or of merges), a mail that waits, the ids of
//!    a thread;
//! 2. tickets, and of several all at once, in the order of their ids ([`hold`]). Who will need another ticket takes it with
//!    the first;
//! 3. what belongs to a ticket: messages, drafts, clocks, runs of rules. Only who changes nothing but a message may take it
//!    without its ticket;
//! 4. agents, in the order of their ids.
//!
//! A ticket is locked `for no key update`: a row that refers to it (a message, a draft, a file) may be added beside that, and
//! whoever added one and changes the ticket afterwards does not wait for another who did the same.

use chrono::{DateTime, Utc};
use database::ids::{AgentId, MessageId, TenantId, TicketId};
use database::{DbError, Tx};
use jobs::{JobKind, NewJob, QueueError};
use serde_json::{Map, Value};
use sqlx::FromRow;
use sqlx::types::Json;
use uuid::Uuid;

use super::error::TicketError;
use super::state::{Heard, Standing, Status};
use crate::events;

/// Who acts, when, and what caused it.
#[derive(Debug, Clone, Copy)]
pub struct Acting<'a> {
    /// Whose ticket it is.
    pub tenant: TenantId,
    /// `agent:ID`, `key:ID` or `job:KIND`.
    pub actor: &'a str,
    /// The person, if one acts.
    pub agent: Option<AgentId>,
    /// The person or the key: whose text is being written.
    pub writer: Uuid,
    /// Their name for people.
    pub name: &'a str,
    /// The request's correlation id.
    pub correlation_id: &'a str,
    /// Its W3C trace context.
    pub trace_parent: Option<&'a str>,
    /// The moment.
    pub now: DateTime<Utc>,
}

impl Acting<'_> {
    /// Says so to the history of tickets (support role).
    pub(crate) async fn tell(&self, tx: &mut Tx, reason: Option<&str>) -> Result<(), DbError> {
        events::acting(tx, self.actor, reason).await
    }

    /// A job that follows.
    pub(crate) fn job<K: JobKind>(&self, payload: &K, dedup_key: &str) -> Result<NewJob, QueueError> {
        let job = NewJob::of(self.tenant, payload)?.with_dedup_key(dedup_key)?;
        Ok(job.with_cause(self.correlation_id, self.trace_parent, "api"))
    }
}

/// The statement that reads a ticket to be locked.
macro_rules! locking {
    () => {
        "select t.id, t.provider, t.version, t.subject, t.channel, t.status, t.priority, t.customer_id, t.customer_email,
                t.customer_name, t.tags, t.department,
                t.skills, t.language, t.custom, t.assignee_id, t.snoozed_until, t.is_spam, t.suspended_reason,
                t.archived_at, t.resolved_at, t.merged_into, t.erased_at is not null as is_erased,
                coalesce(s.final_after_days, 7) as final_after_days, coalesce(s.undo_secs, 10) as undo_secs
         from support_app.ticket t left join support_app.ticket_setting s on s.tenant_id = t.tenant_id
         where t.id = $1"
    };
}

/// A ticket's row, locked.
#[derive(Debug, Clone, FromRow)]
pub(crate) struct Locked {
    pub(crate) id: TicketId,
    pub(crate) provider: String,
    pub(crate) version: i64,
    pub(crate) subject: Option<String>,
    pub(crate) channel: String,
    status: String,
    pub(crate) priority: String,
    pub(crate) customer_id: Option<String>,
    pub(crate) customer_email: Option<String>,
    pub(crate) customer_name: Option<String>,
    pub(crate) tags: Vec<String>,
    pub(crate) department: Option<String>,
    pub(crate) skills: Vec<String>,
    pub(crate) language: Option<String>,
    pub(crate) custom: Json<Map<String, Value>>,
    pub(crate) assignee_id: Option<AgentId>,
    pub(crate) snoozed_until: Option<DateTime<Utc>>,
    pub(crate) is_spam: bool,
    pub(crate) suspended_reason: Option<String>,
    pub(crate) archived_at: Option<DateTime<Utc>>,
    pub(crate) resolved_at: Option<DateTime<Utc>>,
    pub(crate) merged_into: Option<TicketId>,
    pub(crate) is_erased: bool,
    pub(crate) final_after_days: i32,
    pub(crate) undo_secs: i32,
}

impl Locked {
    /// A status that a help desk told and that is not ours counts as open.
    pub(crate) fn status(&self) -> Status {
        Status::parse(&self.status).unwrap_or(Status::Open)
    }

    pub(crate) fn set_status(&mut self, status: Status) {
        status.name().clone_into(&mut self.status);
    }

    pub(crate) fn standing(&self, now: DateTime<Utc>) -> Standing {
        Standing::of(self.status(), self.resolved_at, self.final_after_days, now)
    }

    /// Refuses what was merged away.
    pub(crate) fn unmerged(self) -> Result<Locked, TicketError> {
        match self.merged_into {
            Some(into) => Err(TicketError::Merged(into)),
            None => Ok(self),
        }
    }

    /// Refuses what is left of an erased customer.
    pub(crate) fn of_somebody(self) -> Result<Locked, TicketError> {
        if self.is_erased { Err(TicketError::Erased) } else { Ok(self) }
    }
}

/// Locks the ticket until the transaction ends (support role).
pub(crate) async fn lock(tx: &mut Tx, ticket: TicketId) -> Result<Locked, TicketError> {
    let found: Option<Locked> = sqlx::query_as(concat!(locking!(), " for no key update of t"))
        .bind(ticket)
        .fetch_optional(&mut **tx)
        .await?;
    found.ok_or(TicketError::Unknown("ticket"))
}

/// The same when nobody has it and it goes on in no other one.
async fn lock_if_free(tx: &mut Tx, ticket: TicketId) -> Result<Option<Locked>, DbError> {
    let statement = concat!(locking!(), " and t.merged_into is null for no key update of t skip locked");
    Ok(sqlx::query_as(statement).bind(ticket).fetch_optional(&mut **tx).await?)
}

/// Waits until no other transaction merges tickets of the tenant, or ends a merge: what belongs to a family stays as it is read
/// until the transaction ends (support role). Merges are few, and wait for each other.
pub(crate) async fn turn_of_merges(tx: &mut Tx) -> Result<(), DbError> {
    sqlx::query("select pg_advisory_xact_lock(hashtextextended('merges:' || shared.current_tenant(), 0))")
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// Takes tickets until the transaction ends, in the order of their ids (support role). Those that are not there are none.
pub(crate) async fn hold(tx: &mut Tx, tickets: &[Uuid]) -> Result<(), DbError> {
    // How many there are is hidden from the planner, which then plans this once a session.
    sqlx::query(
        "select from support_app.ticket where id = any(array(select unnest($1::uuid[]))) order by id for no key update",
    )
    .bind(tickets)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// The same with the ticket in which it goes on.
pub(crate) async fn hold_with_current(tx: &mut Tx, ticket: TicketId) -> Result<(), DbError> {
    sqlx::query(
        "select from support_app.ticket t
         where t.id = any(array(select unnest(array[x.id, x.merged_into]) from support_app.ticket x where x.id = $1))
         order by t.id for no key update",
    )
    .bind(ticket)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// The same with the tickets in which they go on, and with those that went on in one of them: everything that a merge of
/// theirs, or the end of one, touches (support role).
pub(crate) async fn hold_families(tx: &mut Tx, tickets: &[TicketId]) -> Result<(), DbError> {
    let family: Vec<Uuid> = sqlx::query_scalar(
        "select t.id from support_app.ticket t where t.id = any($1)
         union select t.merged_into from support_app.ticket t where t.id = any($1) and t.merged_into is not null
         union select s.id from support_app.ticket s where s.merged_into = any($1)",
    )
    .bind(tickets)
    .fetch_all(&mut **tx)
    .await?;
    hold(tx, &family).await
}

/// The same for the ticket in which its conversation goes on. One that turns out to go on in another while it was waited for
/// is let go before the other is taken, so that this never waits for a merge that waits for it.
pub(crate) async fn lock_current(tx: &mut Tx, ticket: TicketId) -> Result<Locked, TicketError> {
    lock_where_it_goes_on(tx, Sought::Ticket(ticket)).await
}

/// The same for the ticket in which a message is by now: it may have gone on in another since it was read.
pub(crate) async fn lock_of_message(tx: &mut Tx, message: MessageId) -> Result<Locked, TicketError> {
    lock_where_it_goes_on(tx, Sought::Message(message)).await
}

/// What a conversation is known by.
#[derive(Clone, Copy)]
enum Sought {
    Ticket(TicketId),
    Message(MessageId),
}

impl Sought {
    /// The ticket in which it goes on at this moment.
    async fn place(self, tx: &mut Tx) -> Result<TicketId, TicketError> {
        match self {
            Sought::Ticket(ticket) => current(tx, ticket).await,
            Sought::Message(message) => ticket_of(tx, message).await,
        }
    }
}

async fn lock_where_it_goes_on(tx: &mut Tx, sought: Sought) -> Result<Locked, TicketError> {
    const ROUNDS: usize = 20;
    for _ in 0..ROUNDS {
        let place = sought.place(tx).await?;
        // A savepoint costs its row a note of two transactions, so only who has to wait makes one.
        if let Some(locked) = lock_if_free(tx, place).await?
            && sought.place(tx).await? == place
        {
            return Ok(locked);
        }
        sqlx::raw_sql("savepoint waited").execute(&mut **tx).await?;
        let locked = lock(tx, place).await?;
        // A merge, or the end of one, may have come between.
        if sought.place(tx).await? == place {
            sqlx::raw_sql("release savepoint waited").execute(&mut **tx).await?;
            return Ok(locked);
        }
        sqlx::raw_sql("rollback to savepoint waited; release savepoint waited").execute(&mut **tx).await?;
    }
    Err(TicketError::BeingMerged)
}

/// The same for the ticket in which what its customer writes goes on: one that is final leads to the newest that follows it,
/// so that two messages do not make two follow-ups. Answers a final one when nothing follows it yet.
pub(crate) async fn lock_heard(
    tx: &mut Tx,
    ticket: TicketId,
    now: DateTime<Utc>,
) -> Result<Locked, TicketError> {
    const MOST_FOLLOWED: usize = 20;
    let mut known = lock_current(tx, ticket).await?;
    for _ in 0..MOST_FOLLOWED {
        if known.standing(now).hears_customer() != Heard::Follows {
            break;
        }
        // Whoever makes one holds the final ticket's row. What follows is younger, so it is taken in the order of ids.
        let next: Option<TicketId> = sqlx::query_scalar(
            "select id from support_app.ticket where follow_up_of = $1 and erased_at is null order by id desc limit 1",
        )
        .bind(known.id)
        .fetch_optional(&mut **tx)
        .await?;
        let Some(next) = next else { break };
        known = lock_current(tx, next).await?;
    }
    Ok(known)
}

pub(crate) async fn current(tx: &mut Tx, ticket: TicketId) -> Result<TicketId, TicketError> {
    let found: Option<TicketId> =
        sqlx::query_scalar("select coalesce(merged_into, id) from support_app.ticket where id = $1")
            .bind(ticket)
            .fetch_optional(&mut **tx)
            .await?;
    found.ok_or(TicketError::Unknown("ticket"))
}

async fn ticket_of(tx: &mut Tx, message: MessageId) -> Result<TicketId, TicketError> {
    let found: Option<TicketId> =
        sqlx::query_scalar("select ticket_id from support_app.message where id = $1")
            .bind(message)
            .fetch_optional(&mut **tx)
            .await?;
    found.ok_or(TicketError::Unknown("message"))
}
