//! Calls to other systems that rules ask for: a row when the rule fires, a job that makes the call, and what came of it.
//! The body holds ids, numbers and words of fixed lists, and nothing that people wrote.

use accounts::seal::MasterKey;
use chrono::{DateTime, Utc};
use database::ids::{TenantId, TicketId};
use database::{DbError, Tx};
use jobs::NewJob;
use serde::Serialize;
use serde_json::{Value, json};
use sqlx::FromRow;
use uuid::Uuid;

use super::causes::Cause;
use super::decide::Rule;
use super::facts::Facts;
use crate::kinds::CallRuleWebhook;
use crate::tickets::TicketError;

/// What the shop's secret is derived for.
const PURPOSE: &str = "rule-webhook";

/// The secret under which the shop's calls are signed. It is derived and stored nowhere.
pub fn secret(key: &MasterKey, tenant: TenantId) -> [u8; 32] {
    key.proof(PURPOSE, tenant.0.as_bytes())
}

/// A call.
#[derive(Debug, Clone, PartialEq, Serialize, FromRow)]
pub struct Webhook {
    /// Identity; sent along, so that the other side knows a repetition.
    pub id: Uuid,
    /// The rule that asked for it.
    pub rule_id: Uuid,
    /// The ticket.
    pub ticket_id: TicketId,
    /// Where to.
    pub url: String,
    /// What is sent.
    pub body: Value,
    /// waiting, delivered or failed.
    pub state: String,
    /// The status of the answer.
    pub status: Option<i32>,
    /// Why it failed.
    pub problem: Option<String>,
    /// When the rule fired.
    pub created_at: DateTime<Utc>,
    /// When it was over.
    pub ended_at: Option<DateTime<Utc>>,
}

/// Asks for a call (support role).
pub(super) async fn ask(
    tx: &mut Tx,
    tenant: TenantId,
    rule: &Rule,
    cause: &Cause,
    facts: &Facts,
    number: i64,
    url: &str,
) -> Result<(Uuid, NewJob), TicketError> {
    let id = Uuid::now_v7();
    let body = json!({
        "id": id, "rule_id": rule.id, "rule_version": rule.version, "event": cause.event, "at": cause.at,
        "ticket": {
            "id": cause.ticket, "number": number, "status": facts.status, "priority": facts.priority,
            "channel": facts.channel, "tags": facts.tags, "assignee_id": facts.assignee,
        },
    });
    sqlx::query(
        "insert into support_app.rule_webhook (id, tenant_id, rule_id, ticket_id, url, body) values ($1, $2, $3, $4, $5, $6)",
    )
    .bind(id)
    .bind(tenant)
    .bind(rule.id)
    .bind(cause.ticket)
    .bind(url)
    .bind(body)
    .execute(&mut **tx)
    .await?;
    let job = NewJob::of(tenant, &CallRuleWebhook { webhook_id: id })?.with_dedup_key(&id.to_string())?;
    Ok((id, job))
}

const COLUMNS: &str = "id, rule_id, ticket_id, url, body, state, status, problem, created_at, ended_at";

/// A call (support role).
///
/// # Errors
/// The database failed.
pub async fn get(tx: &mut Tx, id: Uuid) -> Result<Option<Webhook>, DbError> {
    Ok(sqlx::query_as(sqlx::AssertSqlSafe(format!(
        "select {COLUMNS} from support_app.rule_webhook where id = $1"
    )))
    .bind(id)
    .fetch_optional(&mut **tx)
    .await?)
}

/// The calls that a rule asked for, the newest first, from behind a place (support role).
///
/// # Errors
/// The database failed.
pub async fn list(
    tx: &mut Tx,
    rule: Uuid,
    before: Option<(DateTime<Utc>, Uuid)>,
    limit: i64,
) -> Result<Vec<Webhook>, DbError> {
    let (at, id) = before.unzip();
    Ok(sqlx::query_as(sqlx::AssertSqlSafe(format!(
        "select {COLUMNS} from support_app.rule_webhook
         where rule_id = $1 and ($2::timestamptz is null or (created_at, id) < ($2, $3))
         order by created_at desc, id desc limit $4"
    )))
    .bind(rule)
    .bind(at)
    .bind(id)
    .bind(limit)
    .fetch_all(&mut **tx)
    .await?)
}

/// Notes how a call ended, or why it waits (support role).
///
/// # Errors
/// The database failed.
pub async fn note(
    tx: &mut Tx,
    id: Uuid,
    state: &str,
    status: Option<i32>,
    problem: Option<&str>,
) -> Result<(), DbError> {
    sqlx::query(
        "update support_app.rule_webhook set state = $2, status = $3, problem = left($4, 500),
             ended_at = case when $2 = 'waiting' then null else clock_timestamp() end
         where id = $1",
    )
    .bind(id)
    .bind(state)
    .bind(status)
    .bind(problem)
    .execute(&mut **tx)
    .await?;
    Ok(())
}
