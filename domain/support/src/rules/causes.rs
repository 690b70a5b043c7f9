//! Causes: what happened to a ticket while a rule for it was in force. Triggers write them; here they are read, and the
//! job that looks at them is asked for.

use chrono::{DateTime, Utc};
use database::ids::{MessageId, TenantId, TicketId};
use database::{DbError, Tx};
use jobs::{Announcement, NewJob, QueueError};
use serde_json::Value;
use sqlx::FromRow;
use uuid::Uuid;

use super::decide::Evaluated;
use super::spec::Event;
use crate::kinds::RunRules;

/// Something that happened to a ticket.
#[derive(Debug, Clone, PartialEq)]
pub struct Cause {
    /// Identity; none of what a trial found in the past.
    pub id: i64,
    /// The ticket.
    pub ticket: TicketId,
    /// What happened.
    pub event: Event,
    /// When.
    pub at: DateTime<Utc>,
    /// The message that came.
    pub message: Option<MessageId>,
    /// What changed, which tags came, which clock.
    pub detail: Value,
    /// The rule that did it, and its place then.
    pub by: Option<(Uuid, i32)>,
}

#[derive(FromRow)]
struct Row {
    id: i64,
    ticket_id: TicketId,
    event: Event,
    at: DateTime<Utc>,
    message_id: Option<MessageId>,
    detail: Value,
    by_rule: Option<Uuid>,
    by_position: Option<i32>,
}

impl From<Row> for Cause {
    fn from(row: Row) -> Cause {
        Cause {
            id: row.id,
            ticket: row.ticket_id,
            event: row.event,
            at: row.at,
            message: row.message_id,
            detail: row.detail,
            by: row.by_rule.zip(row.by_position),
        }
    }
}

const COLUMNS: &str = "id, ticket_id, event, at, message_id, detail, by_rule, by_position";

/// The job that looks at what waits of this ticket, if anything does (support role). Nothing is asked for while rules are
/// being run: the run looks itself at what it causes.
///
/// # Errors
/// The database failed.
pub async fn ask(tx: &mut Tx, tenant: TenantId, ticket: TicketId) -> Result<Option<NewJob>, QueueError> {
    let waits: bool = sqlx::query_scalar(
        "select support_app.acting_rule() is null
            and exists (select from support_app.rule_cause where ticket_id = $1 and done_at is null)",
    )
    .bind(ticket)
    .fetch_one(&mut **tx)
    .await
    .map_err(DbError::from)?;
    if waits { job(tenant, ticket).map(Some) } else { Ok(None) }
}

/// Asks for that job and enqueues it: for who does not settle the ticket (support role).
///
/// # Errors
/// The database failed.
pub async fn enqueue(tx: &mut Tx, tenant: TenantId, ticket: TicketId) -> Result<Announcement, QueueError> {
    match ask(tx, tenant, ticket).await? {
        Some(job) => Ok(jobs::enqueue_one(tx, job).await?.1),
        None => Ok(Announcement::default()),
    }
}

/// The same for every ticket to which something happened in this very transaction (support role).
///
/// # Errors
/// The database failed.
pub async fn ask_all(tx: &mut Tx, tenant: TenantId, tickets: &[TicketId]) -> Result<Vec<NewJob>, QueueError> {
    if tickets.is_empty() {
        return Ok(Vec::new());
    }
    let waiting: Vec<TicketId> = sqlx::query_scalar(
        "select distinct ticket_id from support_app.rule_cause where ticket_id = any($1) and done_at is null",
    )
    .bind(tickets)
    .fetch_all(&mut **tx)
    .await
    .map_err(DbError::from)?;
    waiting.into_iter().map(|ticket| job(tenant, ticket)).collect()
}

fn job(tenant: TenantId, ticket: TicketId) -> Result<NewJob, QueueError> {
    NewJob::of(tenant, &RunRules { ticket_id: ticket.0 })?.with_dedup_key(&ticket.to_string())
}

/// The oldest cause of a ticket that nobody has looked at (support role).
pub(super) async fn next(tx: &mut Tx, ticket: TicketId) -> Result<Option<Cause>, DbError> {
    let found: Option<Row> = sqlx::query_as(sqlx::AssertSqlSafe(format!(
        "select {COLUMNS} from support_app.rule_cause where ticket_id = $1 and done_at is null order by id limit 1"
    )))
    .bind(ticket)
    .fetch_optional(&mut **tx)
    .await?;
    Ok(found.map(Cause::from))
}

/// Everything of a ticket that nobody has looked at (support role), at most `limit`.
///
/// # Errors
/// The database failed.
pub async fn waiting(tx: &mut Tx, ticket: TicketId, limit: i64) -> Result<Vec<Cause>, DbError> {
    let found: Vec<Row> = sqlx::query_as(sqlx::AssertSqlSafe(format!(
        "select {COLUMNS} from support_app.rule_cause where ticket_id = $1 and done_at is null order by id limit $2"
    )))
    .bind(ticket)
    .bind(limit)
    .fetch_all(&mut **tx)
    .await?;
    Ok(found.into_iter().map(Cause::from).collect())
}

/// One cause, whether it was looked at or not (support role).
///
/// # Errors
/// The database failed.
pub async fn get(tx: &mut Tx, id: i64) -> Result<Option<Cause>, DbError> {
    let found: Option<Row> = sqlx::query_as(sqlx::AssertSqlSafe(format!(
        "select {COLUMNS} from support_app.rule_cause where id = $1"
    )))
    .bind(id)
    .fetch_optional(&mut **tx)
    .await?;
    Ok(found.map(Cause::from))
}

/// Notes what was found for a cause, besides what was found before (support role).
pub(super) async fn done(
    tx: &mut Tx,
    cause: i64,
    skipped: Option<&str>,
    evaluated: &[Evaluated],
) -> Result<(), DbError> {
    sqlx::query(
        "update support_app.rule_cause set done_at = coalesce(done_at, now()), skipped = coalesce($2, skipped),
             evaluated = coalesce(evaluated, '[]') || $3
         where id = $1",
    )
    .bind(cause)
    .bind(skipped)
    .bind(sqlx::types::Json(evaluated))
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Days that causes and runs are kept.
const KEPT_DAYS: i32 = 90;
/// Rows of a table that are taken away at once: more than are made between two looks, and few enough not to be long.
const AT_ONCE: i64 = 2_000;

/// Takes away some of what is older than three months (support role).
pub(super) async fn prune(tx: &mut Tx, tenant: TenantId) -> Result<(), DbError> {
    for (table, time) in [
        ("rule_cause", "at"),
        ("rule_run", "at"),
        ("rule_webhook", "created_at"),
        ("rule_trial", "created_at"),
    ] {
        sqlx::query(sqlx::AssertSqlSafe(format!(
            "delete from support_app.{table} where id in (
                 select id from support_app.{table}
                 where tenant_id = $1 and {time} < now() - make_interval(days => $2) order by {time} limit $3
                 for update skip locked)"
        )))
        .bind(tenant)
        .bind(KEPT_DAYS)
        .bind(AT_ONCE)
        .execute(&mut **tx)
        .await?;
    }
    sqlx::query("delete from support_app.auto_reply where tenant_id = $1 and at < now() - interval '1 day'")
        .bind(tenant)
        .execute(&mut **tx)
        .await?;
    Ok(())
}
