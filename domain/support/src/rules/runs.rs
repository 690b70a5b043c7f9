//! The log of runs: of a rule, and of a ticket with everything that was looked at.

use chrono::{DateTime, Utc};
use database::ids::TicketId;
use database::{DbError, Tx};
use serde::Serialize;
use serde_json::Value;
use sqlx::FromRow;
use uuid::Uuid;

/// A rule that fired, or would have.
#[derive(Debug, Clone, PartialEq, Serialize, FromRow)]
pub struct RuleRun {
    /// Identity.
    pub id: Uuid,
    /// The rule.
    pub rule_id: Uuid,
    /// Its version then.
    pub version: i32,
    /// The ticket.
    pub ticket_id: TicketId,
    /// What happened.
    pub event: String,
    /// When it happened.
    pub caused_at: DateTime<Utc>,
    /// When the rule was run.
    pub at: DateTime<Utc>,
    /// fired, failed, over_budget, invalid.
    pub outcome: String,
    /// Every condition with its result.
    pub results: Value,
    /// Every action with what came of it.
    pub done: Value,
    /// Why nothing was done.
    pub problem: Option<String>,
}

/// Something that happened to a ticket, and which rules were looked at.
#[derive(Debug, Clone, PartialEq, Serialize, FromRow)]
pub struct Looked {
    /// Identity.
    pub id: i64,
    /// What happened.
    pub event: String,
    /// When.
    pub at: DateTime<Utc>,
    /// What changed, which tags came, which clock.
    pub detail: Value,
    /// The rule that did it.
    pub by_rule: Option<Uuid>,
    /// When it was looked at.
    pub done_at: Option<DateTime<Utc>>,
    /// Why no rule was.
    pub skipped: Option<String>,
    /// Of each rule: whether it fired, and 1 or 0 for each condition as written.
    pub evaluated: Option<Value>,
    /// What fired.
    pub runs: Value,
}

const COLUMNS: &str =
    "id, rule_id, version, ticket_id, event, caused_at, at, outcome, results, done, problem";

/// The runs of a rule, the newest first, from behind a place (support role).
///
/// # Errors
/// The database failed.
pub async fn of_rule(
    tx: &mut Tx,
    rule: Uuid,
    before: Option<(DateTime<Utc>, Uuid)>,
    limit: i64,
) -> Result<Vec<RuleRun>, DbError> {
    let (at, id) = before.unzip();
    Ok(sqlx::query_as(sqlx::AssertSqlSafe(format!(
        "select {COLUMNS} from support_app.rule_run
         where rule_id = $1 and ($2::timestamptz is null or (at, id) < ($2, $3))
         order by at desc, id desc limit $4"
    )))
    .bind(rule)
    .bind(at)
    .bind(id)
    .bind(limit)
    .fetch_all(&mut **tx)
    .await?)
}

/// What happened to a ticket and what rules made of it, the newest first, from before an id (support role).
///
/// # Errors
/// The database failed.
pub async fn of_ticket(
    tx: &mut Tx,
    ticket: TicketId,
    before: Option<i64>,
    limit: i64,
) -> Result<Vec<Looked>, DbError> {
    Ok(sqlx::query_as(
        "select c.id, c.event, c.at, c.detail, c.by_rule, c.done_at, c.skipped, c.evaluated,
                coalesce((select jsonb_agg(jsonb_build_object('rule_id', r.rule_id, 'version', r.version, 'at', r.at,
                              'outcome', r.outcome, 'results', r.results, 'done', r.done, 'problem', r.problem)
                              order by r.at, r.id)
                          from support_app.rule_run r where r.ticket_id = c.ticket_id and r.cause_id = c.id), '[]') as runs
         from support_app.rule_cause c
         where c.ticket_id = $1 and ($2::bigint is null or c.id < $2)
         order by c.id desc limit $3",
    )
    .bind(ticket)
    .bind(before)
    .bind(limit)
    .fetch_all(&mut **tx)
    .await?)
}
