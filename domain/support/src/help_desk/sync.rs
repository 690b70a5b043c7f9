//! One ticket on both sides: what is here, what they say, what both become.

use chrono::{DateTime, Utc};
use database::ids::{MessageId, TenantId, TicketId};
use database::{DbError, Tx};
use jobs::Announcement;
use serde::Serialize;
use serde_json::{Value, json};
use sqlx::FromRow;
use sqlx::types::Json;

use super::NOTES_AT_ONCE;
use super::assignee::{self, Tell};
use crate::events;
use crate::gorgias::PROVIDER;
use crate::order::place;
use crate::settle::settle;
use crate::tickets::lock::{Acting, lock};
use crate::tickets::state::Status;
use crate::tickets::{NewMessage, TicketError, store_messages, tags};

/// The job that does it, for the history.
const ACTOR: &str = PROVIDER;

/// What the help desk says of a ticket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Theirs {
    /// open or closed.
    pub status: Option<String>,
    /// Its tags.
    pub tags: Vec<String>,
    /// When it last changed there.
    pub updated_at: Option<DateTime<Utc>>,
    /// Who has it there: an address, or nothing for nobody; none when they do not say.
    pub assignee: Option<String>,
}

/// What both sides become, and what they are to be told for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Agreed {
    /// open or closed.
    pub status: String,
    /// When a ticket that sleeps wakes.
    pub snoozed_until: Option<DateTime<Utc>>,
    /// All tags.
    pub tags: Vec<String>,
    /// The status that they are to be told, if it is another.
    pub tell_status: bool,
    /// Tags that they lack.
    pub add: Vec<String>,
    /// Tags that they have too many.
    pub remove: Vec<String>,
    /// Messages of theirs that were not here.
    pub missed: i64,
    /// Whose they are to be told that it is.
    pub assignee: Tell,
}

/// Merges what they say into what is here (support role); none when there is no such ticket in a help desk. `messages` are
/// those that they have.
///
/// # Errors
/// The database failed.
pub async fn merge(
    tx: &mut Tx,
    tenant: TenantId,
    ticket: TicketId,
    theirs: &Theirs,
    messages: &[NewMessage],
    now: DateTime<Utc>,
) -> Result<Option<(Agreed, Announcement)>, TicketError> {
    events::acting(tx, ACTOR, None).await?;
    let before = lock(tx, ticket).await?;
    if before.provider != PROVIDER || before.merged_into.is_some() {
        return Ok(None);
    }
    let had: i64 = count(tx, ticket).await?;
    let told_tags = tags::once(&theirs.tags);
    let merged: Merged = sqlx::query_as(
        "with base as (
             select coalesce(b.status, support_app.coarse_status(t.status, t.snoozed_until)) as status,
                    coalesce(b.tags, t.tags) as tags
             from support_app.ticket t left join support_app.help_desk_base b on b.ticket_id = t.id where t.id = $1
         )
         update support_app.ticket t set
             status = support_app.merged_status(t.status, t.snoozed_until, base.status, $2, false),
             snoozed_until = case when $2 = 'open' and base.status = 'closed' then null else t.snoozed_until end,
             tags = support_app.merged_tags(t.tags, base.tags, $3),
             external_updated_at = greatest(t.external_updated_at, $4)
         from base where t.id = $1
         returning support_app.coarse_status(t.status, t.snoozed_until) as status, t.status as fine, t.snoozed_until,
             t.tags",
    )
    .bind(ticket)
    .bind(&theirs.status)
    .bind(&told_tags)
    .bind(theirs.updated_at)
    .fetch_one(&mut **tx)
    .await?;
    store_messages(tx, tenant, ticket, messages, None).await?;
    let missed = count(tx, ticket).await? - had;
    let is_as_it_was = merged.fine == before.status().name()
        && merged.tags == before.tags
        && merged.snoozed_until == before.snoozed_until
        && missed == 0;
    let tell_status = theirs.status.as_deref().is_some_and(|status| status != merged.status);
    let lacks = |tags: &[String], tag: &String| !tags.iter().any(|known| tags::are_one(known, tag));
    let mut agreed = Agreed {
        tell_status,
        add: merged.tags.iter().filter(|tag| lacks(&theirs.tags, tag)).cloned().collect(),
        remove: theirs.tags.iter().filter(|tag| lacks(&merged.tags, tag)).cloned().collect(),
        status: merged.status,
        snoozed_until: merged.snoozed_until,
        tags: merged.tags,
        missed,
        assignee: Tell::Nothing,
    };
    let ours_status = before.status().name();
    note(tx, tenant, ticket, "status", json!(ours_status), json!(theirs.status), json!(agreed.status), {
        tell_status
            || (theirs.status.is_some() && coarse(ours_status, before.snoozed_until, now) != agreed.status)
    })
    .await?;
    let same = |one: &[String], other: &[String]| {
        one.iter().all(|tag| other.contains(tag)) && one.len() == other.len()
    };
    let tags_differ = !same(&before.tags, &told_tags);
    note(tx, tenant, ticket, "tags", json!(before.tags), json!(told_tags), json!(agreed.tags), tags_differ)
        .await?;
    note(tx, tenant, ticket, "messages", json!(0), json!(missed), json!(missed), missed > 0).await?;
    // The base is what they say; what they are told next becomes it when they have heard it.
    agree(tx, tenant, ticket, theirs.status.as_deref(), &told_tags).await?;
    let mut announcement = Announcement::default();
    if let Some(assignee) = &theirs.assignee {
        let acting = Acting {
            tenant,
            actor: ACTOR,
            agent: None,
            writer: uuid::Uuid::nil(),
            name: ACTOR,
            correlation_id: ACTOR,
            trace_parent: None,
            now,
        };
        let (tell, more) = assignee::merge(tx, &acting, ticket, assignee).await?;
        agreed.assignee = tell;
        announcement.merge(more);
    }
    if !before.status().is_live() && Status::parse(&merged.fine).is_some_and(Status::is_live) {
        announcement.merge(place::opened_again(tx, tenant, ticket).await?);
    }
    // Where nothing changed here, nothing follows.
    let settled = if is_as_it_was { None } else { settle(tx, tenant, ticket, now).await? };
    announcement.merge(settled.map(|settled| settled.announcement).unwrap_or_default());
    Ok(Some((agreed, announcement)))
}

#[derive(FromRow)]
struct Merged {
    status: String,
    fine: String,
    snoozed_until: Option<DateTime<Utc>>,
    tags: Vec<String>,
}

fn coarse(status: &str, snoozed_until: Option<DateTime<Utc>>, now: DateTime<Utc>) -> &'static str {
    match status {
        "resolved" | "closed" => "closed",
        _ if snoozed_until.is_some_and(|until| until > now) => "closed",
        _ => "open",
    }
}

async fn count(tx: &mut Tx, ticket: TicketId) -> Result<i64, DbError> {
    Ok(sqlx::query_scalar("select count(*) from support_app.message where ticket_id = $1")
        .bind(ticket)
        .fetch_one(&mut **tx)
        .await?)
}

#[allow(clippy::too_many_arguments, reason = "a row, column by column")]
async fn note(
    tx: &mut Tx,
    tenant: TenantId,
    ticket: TicketId,
    field: &str,
    ours: Value,
    theirs: Value,
    merged: Value,
    differs: bool,
) -> Result<(), DbError> {
    if !differs {
        return Ok(());
    }
    sqlx::query(
        "insert into support_app.help_desk_difference (tenant_id, ticket_id, field, ours, theirs, merged)
         values ($1, $2, $3, $4, $5, $6)",
    )
    .bind(tenant)
    .bind(ticket)
    .bind(field)
    .bind(Json(ours))
    .bind(Json(theirs))
    .bind(Json(merged))
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Remembers what both sides are (support role).
///
/// # Errors
/// The database failed.
pub async fn agree(
    tx: &mut Tx,
    tenant: TenantId,
    ticket: TicketId,
    status: Option<&str>,
    tags: &[String],
) -> Result<(), DbError> {
    sqlx::query("select support_app.agree($1, $2, $3, $4)")
        .bind(tenant)
        .bind(ticket)
        .bind(status)
        .bind(tags)
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// A note that was written here and is not there.
#[derive(Clone, FromRow)]
pub struct Note {
    /// The message.
    pub id: MessageId,
    /// Who wrote it.
    pub sender_name: Option<String>,
    /// What it says.
    pub body_text: String,
}

impl std::fmt::Debug for Note {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Note").field("id", &self.id).finish_non_exhaustive()
    }
}

/// Notes that are to go there, the oldest first (support role).
///
/// # Errors
/// The database failed.
pub async fn notes(tx: &mut Tx, ticket: TicketId) -> Result<Vec<Note>, DbError> {
    Ok(sqlx::query_as(
        "select m.id, m.sender_name, m.body_text
         from support_app.message m join support_app.help_desk_base b on b.ticket_id = m.ticket_id
         where m.ticket_id = $1 and m.internal and m.external_id = m.id::text and m.created_at > b.since
         order by m.created_at, m.id limit $2",
    )
    .bind(ticket)
    .bind(NOTES_AT_ONCE)
    .fetch_all(&mut **tx)
    .await?)
}

/// A note is there (support role): it is known by their id from now on, and a copy that they told of meanwhile gives way.
///
/// # Errors
/// The database failed.
pub async fn note_sent(
    tx: &mut Tx,
    ticket: TicketId,
    note: MessageId,
    external_id: &str,
) -> Result<(), TicketError> {
    lock(tx, ticket).await?;
    sqlx::query(
        "delete from support_app.message where ticket_id = $1 and external_id = $2 and id <> $3 and internal",
    )
    .bind(ticket)
    .bind(external_id)
    .bind(note)
    .execute(&mut **tx)
    .await?;
    sqlx::query("update support_app.message set external_id = $2 where id = $1")
        .bind(note)
        .bind(external_id)
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// They took a reply of ours and could not send it (support role). None when it is known, or none of ours.
///
/// # Errors
/// The database failed.
pub async fn not_sent(
    tx: &mut Tx,
    tenant: TenantId,
    ticket: TicketId,
    external_id: &str,
    reason: &str,
    now: DateTime<Utc>,
) -> Result<Option<Announcement>, TicketError> {
    lock(tx, ticket).await?;
    let failed: Option<(MessageId, Option<database::ids::AgentId>)> = sqlx::query_as(
        "update support_app.message set delivery = 'bounced', error = $3
         where ticket_id = $1 and external_id = $2 and delivery = 'sent' returning id, author_id",
    )
    .bind(ticket)
    .bind(external_id)
    .bind(reason)
    .fetch_optional(&mut **tx)
    .await?;
    let Some((message, agent)) = failed else { return Ok(None) };
    crate::tickets::message::recount(tx, ticket, -1).await?;
    let payload = json!({ "message_id": message });
    let event = events::Event { kind: "reply_failed", ticket: Some(ticket), agent, payload };
    events::emit(tx, tenant, &event).await?;
    let settled = settle(tx, tenant, ticket, now).await?;
    Ok(Some(settled.map(|settled| settled.announcement).unwrap_or_default()))
}

/// What a ticket is left for that is final here.
#[derive(Debug, Clone)]
pub struct GoesOn<'a> {
    /// Their id of it.
    pub external_id: &'a str,
    /// open or closed.
    pub status: Option<&'a str>,
    /// When it last changed there.
    pub updated_at: Option<DateTime<Utc>>,
    /// The customer's newest message, and when it was written.
    pub heard: Option<(String, DateTime<Utc>)>,
}

/// Leaves a ticket that is final here when they tell that it goes on (support role): what is told of it from now on belongs to
/// another, which the caller makes. Answers the one that was left.
///
/// # Errors
/// The database failed.
pub async fn leave_final(
    tx: &mut Tx,
    tenant: TenantId,
    told: &GoesOn<'_>,
) -> Result<Option<TicketId>, DbError> {
    events::acting(tx, ACTOR, None).await?;
    Ok(sqlx::query_scalar("select support_app.leave_final($1, $2, $3, $4, $5, $6, $7)")
        .bind(tenant)
        .bind(PROVIDER)
        .bind(told.external_id)
        .bind(told.status)
        .bind(told.updated_at)
        .bind(told.heard.as_ref().map(|(id, _)| id))
        .bind(told.heard.as_ref().map(|(_, at)| at))
        .fetch_one(&mut **tx)
        .await?)
}

/// Says of a ticket which one it follows (support role).
///
/// # Errors
/// The database failed.
pub async fn follows(tx: &mut Tx, ticket: TicketId, former: TicketId) -> Result<(), DbError> {
    sqlx::query("update support_app.ticket set follow_up_of = $2 where id = $1")
        .bind(ticket)
        .bind(former)
        .execute(&mut **tx)
        .await?;
    Ok(())
}
