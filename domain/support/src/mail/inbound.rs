//! Mail at the door: kept as it came, with the job that takes it in, in one transaction, and whoever hands it over is
//! answered at once. The same mail is one mail, however often it is handed over. When a sender sends more than a shop
//! takes, what comes beyond is kept and suspended with the reason; it costs no job, and people let it in when they want it.

use chrono::{DateTime, Duration, Utc};
use database::ids::{TenantId, TicketId};
use database::{DbError, Tx};
use jobs::{Announcement, NewJob, QueueError};
use serde_json::json;
use sqlx::FromRow;
use uuid::Uuid;

use super::header::{self, HeadError};
use super::setting;
use crate::events::{self, Event};
use crate::kinds::TakeMailIn;

/// The bytes of a mail that was taken in go after so many days.
const RAW_KEPT_DAYS: i64 = 30;
/// How many go at once.
const FORGOTTEN_AT_ONCE: i64 = 20;
/// Suspended mails that are let in at once.
const RECOVERED_AT_ONCE: i64 = 500;

/// A mail that is handed over.
#[derive(Clone, Copy)]
pub struct Arrival<'a> {
    /// Whose it is.
    pub tenant: TenantId,
    /// To which mailbox.
    pub mailbox: Uuid,
    /// The mail as it came.
    pub raw: &'a [u8],
    /// The sender of the envelope; empty for reports, none when it is not known.
    pub envelope_from: Option<&'a str>,
    /// http, smtp or lmtp.
    pub came_by: &'static str,
    /// The request's correlation id.
    pub correlation_id: &'a str,
    /// Its W3C trace context.
    pub trace_parent: Option<&'a str>,
    /// The moment.
    pub now: DateTime<Utc>,
}

impl std::fmt::Debug for Arrival<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Arrival")
            .field("mailbox", &self.mailbox)
            .field("bytes", &self.raw.len())
            .finish_non_exhaustive()
    }
}

/// What became of it.
#[derive(Debug)]
pub struct Received {
    /// The mail.
    pub id: Uuid,
    /// Whether it was not known.
    pub is_new: bool,
    /// waiting, taken, suspended or unreadable.
    pub state: String,
    /// Why it is suspended or unreadable.
    pub reason: Option<String>,
    /// To be announced after the commit.
    pub announcement: Announcement,
}

/// Why a mail is not taken.
#[derive(Debug, thiserror::Error)]
pub enum ReceiveError {
    /// It is no mail.
    #[error(transparent)]
    Head(#[from] HeadError),
    /// The queue or the database failed.
    #[error(transparent)]
    Queue(#[from] QueueError),
}

impl From<DbError> for ReceiveError {
    fn from(error: DbError) -> ReceiveError {
        ReceiveError::Queue(error.into())
    }
}

impl From<sqlx::Error> for ReceiveError {
    fn from(error: sqlx::Error) -> ReceiveError {
        DbError::from(error).into()
    }
}

/// Keeps a mail and asks for it to be taken in (support role).
///
/// # Errors
/// It is no mail, or the database failed.
pub async fn receive(tx: &mut Tx, arrival: Arrival<'_>) -> Result<Received, ReceiveError> {
    let head = header::read(arrival.raw)?;
    let id = Uuid::now_v7();
    let sender = head.sender.or_else(|| super::normal_address(arrival.envelope_from?));
    let stored = sqlx::query(
        "insert into support_app.mail (id, tenant_id, mailbox_id, identity, message_id, sender, envelope_from, came_by,
             size_bytes, raw, received_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
         on conflict (mailbox_id, identity) do nothing",
    )
    .bind(id)
    .bind(arrival.tenant)
    .bind(arrival.mailbox)
    .bind(head.identity.as_slice())
    .bind(&head.message_id)
    .bind(&sender)
    .bind(arrival.envelope_from.map(|from| from.chars().take(320).collect::<String>()))
    .bind(arrival.came_by)
    .bind(i64::try_from(arrival.raw.len()).unwrap_or(i64::MAX))
    .bind(arrival.raw)
    .bind(arrival.now)
    .execute(&mut **tx)
    .await?;
    if stored.rows_affected() == 0 {
        return known(tx, arrival.mailbox, &head.identity).await;
    }
    if let Some(reason) = flood(tx, &arrival, sender.as_deref()).await? {
        sqlx::query("update support_app.mail set state = 'suspended', reason = $2 where id = $1")
            .bind(id)
            .bind(&reason)
            .execute(&mut **tx)
            .await?;
        let (state, announcement) = ("suspended".to_owned(), Announcement::default());
        return Ok(Received { id, is_new: true, state, reason: Some(reason), announcement });
    }
    let job = job(arrival.tenant, id)?.with_cause(arrival.correlation_id, arrival.trace_parent, "mail");
    let announcement = jobs::enqueue_one(tx, job).await?.1;
    forget(tx, arrival.now).await?;
    Ok(Received { id, is_new: true, state: "waiting".to_owned(), reason: None, announcement })
}

async fn known(tx: &mut Tx, mailbox: Uuid, identity: &[u8; 32]) -> Result<Received, ReceiveError> {
    let (id, state, reason): (Uuid, String, Option<String>) = sqlx::query_as(
        "select id, state, reason from support_app.mail where mailbox_id = $1 and identity = $2",
    )
    .bind(mailbox)
    .bind(identity.as_slice())
    .fetch_one(&mut **tx)
    .await?;
    Ok(Received { id, is_new: false, state, reason, announcement: Announcement::default() })
}

/// Counts a mail of a sender; the reason when there are too many.
async fn flood(tx: &mut Tx, arrival: &Arrival<'_>, sender: Option<&str>) -> Result<Option<String>, DbError> {
    let setting = setting::get(tx).await?;
    let window = Duration::seconds(setting.flood_window_secs.into());
    let count: i32 = sqlx::query_scalar(
        "insert into support_app.mail_sender as s (tenant_id, mailbox_id, sender, since, count) values ($1, $2, $3, $4, 1)
         on conflict (mailbox_id, sender) do update set
             count = case when s.since <= $5 then 1 else s.count + 1 end,
             since = case when s.since <= $5 then excluded.since else s.since end
         returning count",
    )
    .bind(arrival.tenant)
    .bind(arrival.mailbox)
    .bind(sender.unwrap_or("nobody"))
    .bind(arrival.now)
    .bind(arrival.now - window)
    .fetch_one(&mut **tx)
    .await?;
    if count <= setting.flood_limit {
        return Ok(None);
    }
    if count == setting.flood_limit + 1 {
        let payload = json!({ "mailbox_id": arrival.mailbox, "limit": setting.flood_limit });
        let event = Event { kind: "mail_suspended", ticket: None, agent: None, payload };
        events::emit(tx, arrival.tenant, &event).await?;
    }
    Ok(Some(format!(
        "a flood: more than {} mails of this sender came within {} s; let them in when they are wanted, or raise the \
         limit in the mail settings",
        setting.flood_limit, setting.flood_window_secs
    )))
}

/// The bytes of old mails, and counts of senders that are over, a few at a time.
async fn forget(tx: &mut Tx, now: DateTime<Utc>) -> Result<(), DbError> {
    sqlx::query(
        "update support_app.mail set raw = null where id in (
             select id from support_app.mail
             where tenant_id = (select shared.current_tenant()) and raw is not null and received_at < $1
             order by received_at limit $2 for update skip locked)",
    )
    .bind(now - Duration::days(RAW_KEPT_DAYS))
    .bind(FORGOTTEN_AT_ONCE)
    .execute(&mut **tx)
    .await?;
    sqlx::query(
        "delete from support_app.mail_sender where (mailbox_id, sender) in (
             select mailbox_id, sender from support_app.mail_sender
             where tenant_id = (select shared.current_tenant()) and since < $1
             order by since limit $2 for update skip locked)",
    )
    .bind(now - Duration::days(2))
    .bind(FORGOTTEN_AT_ONCE)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

fn job(tenant: TenantId, mail: Uuid) -> Result<NewJob, QueueError> {
    NewJob::of(tenant, &TakeMailIn { mail_id: mail })?.with_dedup_key(&mail.to_string())
}

/// Lets a suspended mail in, or has one read again that could not be (support role). None when there is no such mail.
///
/// # Errors
/// The database failed.
pub async fn recover(tx: &mut Tx, tenant: TenantId, mail: Uuid) -> Result<Option<Announcement>, QueueError> {
    let ids = set_waiting(tx, "id = $1", &mail.to_string(), None).await?;
    if ids.is_empty() {
        return Ok(None);
    }
    Ok(Some(ask(tx, tenant, &ids).await?))
}

/// Lets suspended mails of a sender in, the oldest 500 at a time (support role). Answers how many, and whether more may
/// be left.
///
/// # Errors
/// The database failed.
pub async fn recover_sender(
    tx: &mut Tx,
    tenant: TenantId,
    sender: &str,
    mailbox: Option<Uuid>,
) -> Result<(usize, Announcement), QueueError> {
    let ids = set_waiting(tx, "sender = $1", sender, mailbox).await?;
    let announcement = ask(tx, tenant, &ids).await?;
    Ok((ids.len(), announcement))
}

async fn set_waiting(
    tx: &mut Tx,
    condition: &str,
    value: &str,
    mailbox: Option<Uuid>,
) -> Result<Vec<Uuid>, DbError> {
    let condition = condition.replace("id = $1", "id = $1::uuid");
    Ok(sqlx::query_scalar(sqlx::AssertSqlSafe(format!(
        "update support_app.mail set state = 'waiting', reason = null where id in (
             select id from support_app.mail
             where {condition} and tenant_id = (select shared.current_tenant()) and raw is not null
               and state in ('suspended', 'unreadable') and ($2::uuid is null or mailbox_id = $2)
             order by received_at, id limit $3 for update skip locked)
         returning id"
    )))
    .bind(value)
    .bind(mailbox)
    .bind(RECOVERED_AT_ONCE)
    .fetch_all(&mut **tx)
    .await?)
}

async fn ask(tx: &mut Tx, tenant: TenantId, mails: &[Uuid]) -> Result<Announcement, QueueError> {
    if mails.is_empty() {
        return Ok(Announcement::default());
    }
    let jobs = mails.iter().map(|mail| job(tenant, *mail)).collect::<Result<Vec<_>, _>>()?;
    Ok(jobs::enqueue(tx, &jobs).await?.1)
}

/// A mail that came.
#[derive(Clone, FromRow)]
pub struct Mail {
    /// Identity.
    pub id: Uuid,
    /// To which mailbox.
    pub mailbox_id: Uuid,
    /// Its Message-ID.
    pub message_id: Option<String>,
    /// Who sent it.
    pub sender: Option<String>,
    /// The sender of the envelope.
    pub envelope_from: Option<String>,
    /// http, smtp or lmtp.
    pub came_by: String,
    /// How long it is.
    pub size_bytes: i64,
    /// waiting, taken, suspended or unreadable.
    pub state: String,
    /// Why.
    pub reason: Option<String>,
    /// Why it counts as a machine's.
    pub machine: Option<String>,
    /// What was left out.
    pub remarks: Vec<String>,
    /// The ticket that it is in.
    pub ticket_id: Option<TicketId>,
    /// The message that it is.
    pub message_row: Option<Uuid>,
    /// When it came.
    pub received_at: DateTime<Utc>,
    /// When it was taken in.
    pub taken_at: Option<DateTime<Utc>>,
    /// Whether it is kept as it came.
    pub has_raw: bool,
}

impl std::fmt::Debug for Mail {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Mail").field("id", &self.id).field("state", &self.state).finish_non_exhaustive()
    }
}

const COLUMNS: &str = "id, mailbox_id, message_id, sender, envelope_from, came_by, size_bytes, state, reason, machine, \
    remarks, ticket_id, message_row, received_at, taken_at, raw is not null as has_raw";

/// Which mails are listed.
#[derive(Debug, Clone, Default)]
pub struct Filter<'a> {
    /// waiting, taken, suspended or unreadable.
    pub state: Option<&'a str>,
    /// To which mailbox.
    pub mailbox: Option<Uuid>,
    /// Of whom.
    pub sender: Option<&'a str>,
    /// From behind a place.
    pub after: Option<(DateTime<Utc>, Uuid)>,
    /// How many.
    pub limit: i64,
}

/// Mails, the newest first (support role).
///
/// # Errors
/// The database failed.
pub async fn list(tx: &mut Tx, filter: &Filter<'_>) -> Result<Vec<Mail>, DbError> {
    let (at, id) = filter.after.unzip();
    Ok(sqlx::query_as(sqlx::AssertSqlSafe(format!(
        "select {COLUMNS} from support_app.mail
         where tenant_id = (select shared.current_tenant()) and ($1::text is null or state = $1)
           and ($2::uuid is null or mailbox_id = $2) and ($3::text is null or sender = $3)
           and ($4::timestamptz is null or (received_at, id) < ($4, $5))
         order by received_at desc, id desc limit $6"
    )))
    .bind(filter.state)
    .bind(filter.mailbox)
    .bind(filter.sender)
    .bind(at)
    .bind(id)
    .bind(filter.limit)
    .fetch_all(&mut **tx)
    .await?)
}

/// One of them (support role).
///
/// # Errors
/// The database failed.
pub async fn get(tx: &mut Tx, mail: Uuid) -> Result<Option<Mail>, DbError> {
    Ok(sqlx::query_as(sqlx::AssertSqlSafe(format!("select {COLUMNS} from support_app.mail where id = $1")))
        .bind(mail)
        .fetch_optional(&mut **tx)
        .await?)
}

/// As it came (support role); none when it is not kept any more.
///
/// # Errors
/// The database failed.
pub async fn raw(tx: &mut Tx, mail: Uuid) -> Result<Option<Vec<u8>>, DbError> {
    let found: Option<Option<Vec<u8>>> = sqlx::query_scalar("select raw from support_app.mail where id = $1")
        .bind(mail)
        .fetch_optional(&mut **tx)
        .await?;
    Ok(found.flatten())
}

/// Notes that a mail cannot be read (support role); it is kept, and people can look at it.
///
/// # Errors
/// The database failed.
pub async fn unreadable(tx: &mut Tx, mail: Uuid, reason: &str) -> Result<(), DbError> {
    sqlx::query(
        "update support_app.mail set state = 'unreadable', reason = $2 where id = $1 and state = 'waiting'",
    )
    .bind(mail)
    .bind(reason)
    .execute(&mut **tx)
    .await?;
    Ok(())
}
