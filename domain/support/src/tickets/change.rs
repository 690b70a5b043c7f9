//! Changing a ticket: its status by the rules of [`super::state`], and everything else that people decide of it.

use chrono::{DateTime, Utc};
use database::ids::TicketId;
use database::{DbError, Tx};
use jobs::Announcement;
use serde_json::{Map, Value};
use sqlx::types::Json;

use super::error::{TicketError, to_come};
use super::fields;
use super::lock::{Acting, Locked, lock};
use super::state::Status;
use super::tags;
use super::words::{self, Priority, SUBJECT_LIMIT};
use crate::kinds::WakeTicket;
use crate::order::place;
use crate::settle::settle;

/// Days that a ticket may sleep.
const MOST_SNOOZE_DAYS: i64 = 366;

/// What is to be changed; none leaves it as it is, an inner none takes it away.
#[derive(Debug, Clone, Default)]
pub struct Change {
    /// Its status.
    pub status: Option<Status>,
    /// Its priority.
    pub priority: Option<Priority>,
    /// Its subject.
    pub subject: Option<Option<String>>,
    /// Who it is about.
    pub customer: Option<Customer>,
    /// All its tags.
    pub tags: Option<Vec<String>>,
    /// Tags that come to those it has.
    pub add_tags: Vec<String>,
    /// Tags that go.
    pub remove_tags: Vec<String>,
    /// The department that it is for.
    pub department: Option<Option<String>>,
    /// Skills that it needs.
    pub skills: Option<Vec<String>>,
    /// The customer's language, a code of two letters.
    pub language: Option<Option<String>>,
    /// Its own fields: those named are changed, null takes one away.
    pub custom: Option<Map<String, Value>>,
    /// Until when it sleeps.
    pub snoozed_until: Option<Option<DateTime<Utc>>>,
    /// Whether it is spam.
    pub is_spam: Option<bool>,
    /// Why it is held back.
    pub suspended_reason: Option<Option<String>>,
    /// Whether it is put away.
    pub is_archived: Option<bool>,
    /// Why, for the history.
    pub reason: Option<String>,
}

/// Who a ticket is about.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Customer {
    /// The shop's id.
    pub id: Option<String>,
    /// The address.
    pub email: Option<String>,
    /// The name.
    pub name: Option<String>,
}

/// Changes a ticket (support role). `version` is the one that the caller looked at, if it is to be that. Answers the
/// version afterwards.
///
/// # Errors
/// The state does not allow it, a value does not fit, somebody changed it meanwhile, or the database failed.
pub async fn change(
    tx: &mut Tx,
    acting: &Acting<'_>,
    ticket: TicketId,
    version: Option<i64>,
    change: &Change,
) -> Result<(i64, Announcement), TicketError> {
    acting.tell(tx, change.reason.as_deref()).await?;
    let known = lock(tx, ticket).await?;
    if version.is_some_and(|version| version != known.version) {
        return Err(TicketError::Stale(known.version));
    }
    let (is_merged, was_live) = (known.merged_into, known.status().is_live());
    let after = apply(tx, acting, known, change).await?;
    if let (Some(into), true) = (is_merged, after.status().is_live()) {
        return Err(TicketError::Merged(into));
    }
    store(tx, &after).await?;
    if change.customer.is_some() && after.customer_email.is_some() {
        // What waits for an address has one, and leaves at its time.
        sqlx::query(
            "update support_app.message set not_sent_because = null, error = null
             where ticket_id = $1 and delivery in ('scheduled', 'queued') and not_sent_because = 'no_address'",
        )
        .bind(ticket)
        .execute(&mut **tx)
        .await?;
    }
    let mut announcement = Announcement::default();
    if let Some(until) = after.snoozed_until.filter(|_| change.snoozed_until.is_some()) {
        announcement = wake_later(tx, acting, ticket, until).await?;
    }
    if !was_live && after.status().is_live() {
        announcement.merge(place::opened_again(tx, acting.tenant, ticket).await?);
    }
    let Some(settled) = settle(tx, acting.tenant, ticket, acting.now).await? else {
        return Err(TicketError::Unknown("ticket"));
    };
    announcement.merge(settled.announcement);
    Ok((settled.version, announcement))
}

async fn apply(
    tx: &mut Tx,
    acting: &Acting<'_>,
    mut ticket: Locked,
    change: &Change,
) -> Result<Locked, TicketError> {
    let now = acting.now;
    if let Some(status) = change.status {
        ticket.standing(now).become_status(status)?;
        ticket.set_status(status);
    }
    if let Some(priority) = change.priority {
        priority.name().clone_into(&mut ticket.priority);
    }
    if let Some(subject) = &change.subject {
        ticket.subject = optional("subject", subject.as_deref(), SUBJECT_LIMIT)?;
    }
    if let Some(customer) = &change.customer {
        ticket.customer_id = optional("customer.id", customer.id.as_deref(), words::CUSTOMER_LIMIT)?;
        ticket.customer_email =
            optional("customer.email", customer.email.as_deref(), 320)?.map(|address| address.to_lowercase());
        ticket.customer_name = optional("customer.name", customer.name.as_deref(), 200)?;
    }
    if let Some(tags) = &change.tags {
        ticket.tags = tags::spelled(tx, &ticket.tags, words::words("tags", tags)?).await?;
    }
    if !change.add_tags.is_empty() || !change.remove_tags.is_empty() {
        let removed = words::words("remove_tags", &change.remove_tags)?;
        let added = words::words("add_tags", &change.add_tags)?;
        let mut tags = ticket.tags.clone();
        tags.retain(|tag| !removed.iter().any(|removed| tags::are_one(removed, tag)));
        for tag in tags::spelled(tx, &ticket.tags, added).await? {
            if !tags.iter().any(|known| tags::are_one(known, &tag)) {
                tags.push(tag);
            }
        }
        ticket.tags = words::words("add_tags", &tags)?;
    }
    if let Some(department) = &change.department {
        ticket.department = optional("department", department.as_deref(), 100)?;
    }
    if let Some(skills) = &change.skills {
        ticket.skills = words::words("skills", skills)?;
    }
    if let Some(language) = &change.language {
        ticket.language = language.as_deref().map(words::language).transpose()?;
    }
    if let Some(custom) = &change.custom {
        let known = fields::list(tx).await?;
        ticket.custom = Json(fields::changed(&known, &ticket.custom.0, custom)?);
    }
    if let Some(is_spam) = change.is_spam {
        ticket.is_spam = is_spam;
    }
    if let Some(reason) = &change.suspended_reason {
        ticket.suspended_reason = optional("suspended_reason", reason.as_deref(), 200)?;
    }
    if let Some(is_archived) = change.is_archived {
        ticket.archived_at = is_archived.then(|| ticket.archived_at.unwrap_or(now));
    }
    if let Some(until) = change.snoozed_until {
        if let Some(until) = until {
            to_come("snoozed_until", until, now, MOST_SNOOZE_DAYS)?;
            if !ticket.status().is_live() {
                let problem = "only a ticket that is open or pending can be snoozed";
                return Err(TicketError::field("snoozed_until", problem));
            }
        }
        ticket.snoozed_until = until;
    }
    // What is done does not wake up.
    if !ticket.status().is_live() {
        ticket.snoozed_until = None;
    }
    Ok(ticket)
}

fn optional(field: &'static str, text: Option<&str>, limit: usize) -> Result<Option<String>, TicketError> {
    text.map(|text| words::short(field, text, limit)).transpose()
}

pub(crate) async fn store(tx: &mut Tx, ticket: &Locked) -> Result<(), TicketError> {
    sqlx::query(
        "update support_app.ticket set status = $2, priority = $3, subject = $4, customer_id = $5, customer_email = $6,
             customer_name = $7, tags = $8, department = $9, skills = $10, language = $11, custom = $12,
             snoozed_until = $13, is_spam = $14, suspended_reason = $15, archived_at = $16
         where id = $1",
    )
    .bind(ticket.id)
    .bind(ticket.status().name())
    .bind(&ticket.priority)
    .bind(&ticket.subject)
    .bind(&ticket.customer_id)
    .bind(&ticket.customer_email)
    .bind(&ticket.customer_name)
    .bind(&ticket.tags)
    .bind(&ticket.department)
    .bind(&ticket.skills)
    .bind(&ticket.language)
    .bind(&ticket.custom)
    .bind(ticket.snoozed_until)
    .bind(ticket.is_spam)
    .bind(&ticket.suspended_reason)
    .bind(ticket.archived_at)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

async fn wake_later(
    tx: &mut Tx,
    acting: &Acting<'_>,
    ticket: TicketId,
    until: DateTime<Utc>,
) -> Result<Announcement, TicketError> {
    let payload = WakeTicket { ticket_id: ticket.0, until };
    let job = acting.job(&payload, &format!("{ticket}:{}", until.timestamp_micros()))?.with_run_at(until);
    Ok(jobs::enqueue_one(tx, job).await?.1)
}

/// Tickets that were to wake up before `until` and sleep on, with their times, at most `limit` (support role): their jobs were
/// taken away, by whoever emptied a queue.
///
/// # Errors
/// The database failed.
pub async fn overslept(
    tx: &mut Tx,
    until: DateTime<Utc>,
    limit: i64,
) -> Result<Vec<(TicketId, DateTime<Utc>)>, DbError> {
    Ok(sqlx::query_as(
        "select id, snoozed_until from support_app.ticket
         where tenant_id = (select shared.current_tenant()) and status in ('open', 'pending') and archived_at is null
           and not is_spam and suspended_reason is null and snoozed_until is not null and snoozed_until < $1
         order by snoozed_until limit $2",
    )
    .bind(until)
    .bind(limit)
    .fetch_all(&mut **tx)
    .await?)
}

/// What became of a ticket that was to wake up.
#[derive(Debug)]
pub enum Woken {
    /// It is awake, with its version now.
    Awake(i64, Announcement),
    /// It does not sleep until this moment any more.
    Otherwise,
}

/// Wakes a ticket that sleeps until `until` (support role): it is open again.
///
/// # Errors
/// It is gone, or the database failed.
pub async fn wake(
    tx: &mut Tx,
    acting: &Acting<'_>,
    ticket: TicketId,
    until: DateTime<Utc>,
) -> Result<Woken, TicketError> {
    acting.tell(tx, Some("snooze is over")).await?;
    let mut known = lock(tx, ticket).await?;
    // The database keeps microseconds.
    let sleeps =
        known.snoozed_until.is_some_and(|known| known.timestamp_micros() == until.timestamp_micros());
    if !sleeps {
        return Ok(Woken::Otherwise);
    }
    known.snoozed_until = None;
    if known.status() == Status::Pending {
        known.set_status(Status::Open);
    }
    store(tx, &known).await?;
    let Some(settled) = settle(tx, acting.tenant, ticket, acting.now).await? else {
        return Err(TicketError::Unknown("ticket"));
    };
    Ok(Woken::Awake(settled.version, settled.announcement))
}
