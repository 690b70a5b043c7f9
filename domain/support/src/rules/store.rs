//! Rules as they are stored: in a listed order, every version kept.

use chrono::{DateTime, Utc};
use database::ids::{AgentId, TenantId};
use database::{DbError, Tx};
use serde::Serialize;
use sqlx::FromRow;
use sqlx::types::Json;
use uuid::Uuid;

use super::Fault;
use super::decide::Rule;
use super::known::{self, Known};
use super::spec::{Event, Spec};
use crate::events;
use crate::tickets::TicketError;

/// Rules that a tenant may have.
const MOST_RULES: usize = 500;

/// A rule as it is stored.
#[derive(Debug, Clone, FromRow)]
pub struct Stored {
    /// Identity.
    pub id: Uuid,
    /// Its place, from 0.
    pub position: i32,
    /// Grows with each change of what it says.
    pub version: i32,
    /// Whether it is looked at.
    pub is_on: bool,
    /// Since when.
    pub on_since: Option<DateTime<Utc>>,
    /// Why it was switched off by itself.
    pub off_reason: Option<String>,
    /// When that was.
    pub off_at: Option<DateTime<Utc>>,
    /// agent:ID or key:ID.
    pub made_by: String,
    /// The agent who is told of it.
    pub owner_id: Option<AgentId>,
    /// What it names that is gone, as it was last found.
    pub invalid_reason: Option<String>,
    /// What it says.
    #[sqlx(json)]
    pub spec: Spec,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it was changed.
    pub updated_at: DateTime<Utc>,
}

/// A version of a rule.
#[derive(Debug, Clone, Serialize, FromRow)]
pub struct Version {
    /// Its number.
    pub version: i32,
    /// What it says.
    #[sqlx(json)]
    pub spec: Spec,
    /// Who wrote it.
    pub changed_by: String,
    /// When.
    pub at: DateTime<Utc>,
}

/// Why a rule was not stored.
#[derive(Debug, thiserror::Error)]
pub enum SaveError {
    /// Something in it cannot be.
    #[error(transparent)]
    Fault(#[from] Fault),
    /// There is none of that id.
    #[error("there is no such rule")]
    Missing,
    /// Somebody changed it.
    #[error("it has version {0} now")]
    Changed(i32),
    /// There are as many as may be.
    #[error("there are {MOST_RULES} rules, which is the most; take one away first")]
    TooMany,
    /// The database failed.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl From<sqlx::Error> for SaveError {
    fn from(error: sqlx::Error) -> SaveError {
        SaveError::Db(error.into())
    }
}

impl From<TicketError> for SaveError {
    fn from(error: TicketError) -> SaveError {
        match error {
            TicketError::Db(error) => SaveError::Db(error),
            other => SaveError::Fault(Fault::at("rule", other.to_string())),
        }
    }
}

const COLUMNS: &str =
    "id, position, version, is_on, on_since, off_reason, off_at, made_by, owner_id, invalid_reason, spec,
    created_at, updated_at";

/// The tenant's rules in their order (support role).
///
/// # Errors
/// The database failed.
pub async fn list(tx: &mut Tx) -> Result<Vec<Stored>, DbError> {
    Ok(sqlx::query_as(sqlx::AssertSqlSafe(format!(
        "select {COLUMNS} from support_app.rule
         where tenant_id = shared.current_tenant() and archived_at is null order by position, id"
    )))
    .fetch_all(&mut **tx)
    .await?)
}

/// A rule (support role).
///
/// # Errors
/// The database failed.
pub async fn get(tx: &mut Tx, id: Uuid) -> Result<Option<Stored>, DbError> {
    Ok(sqlx::query_as(sqlx::AssertSqlSafe(format!(
        "select {COLUMNS} from support_app.rule where id = $1 and archived_at is null"
    )))
    .bind(id)
    .fetch_optional(&mut **tx)
    .await?)
}

/// Whether there is such a rule, or was: what one did that was taken away stays in the log (support role).
///
/// # Errors
/// The database failed.
pub async fn was_there(tx: &mut Tx, id: Uuid) -> Result<bool, DbError> {
    Ok(sqlx::query_scalar("select exists (select from support_app.rule where id = $1)")
        .bind(id)
        .fetch_one(&mut **tx)
        .await?)
}

/// What was said of a rule over time, the newest first (support role).
///
/// # Errors
/// The database failed.
pub async fn versions(tx: &mut Tx, id: Uuid, limit: i64) -> Result<Vec<Version>, DbError> {
    Ok(sqlx::query_as(
        "select version, spec, changed_by, at from support_app.rule_version where rule_id = $1
         order by version desc limit $2",
    )
    .bind(id)
    .bind(limit)
    .fetch_all(&mut **tx)
    .await?)
}

/// Checks what a rule says, with what it names (support role).
///
/// # Errors
/// Names what cannot be.
pub async fn check(tx: &mut Tx, spec: &Spec) -> Result<(), SaveError> {
    let read = spec.read()?;
    let known = known::known(tx).await?;
    match known.fault(spec, &read) {
        Some(sentence) => {
            let field = if known.fault_of(&spec.actions).is_some() { "actions" } else { "conditions" };
            Err(Fault::at(field, sentence).into())
        }
        None => Ok(()),
    }
}

/// Makes a rule at the end of the list (support role). It is off until it is switched on.
///
/// # Errors
/// It does not fit, there are too many, or the database failed.
pub async fn create(
    tx: &mut Tx,
    tenant: TenantId,
    spec: &Spec,
    by: &str,
    owner: Option<AgentId>,
) -> Result<Stored, SaveError> {
    alone(tx, tenant).await?;
    check(tx, spec).await?;
    let known = list(tx).await?;
    if known.len() >= MOST_RULES {
        return Err(SaveError::TooMany);
    }
    let id = Uuid::now_v7();
    let position = known.last().map_or(0, |last| last.position + 1);
    sqlx::query(
        "insert into support_app.rule (id, tenant_id, position, made_by, owner_id, event, after_minutes, spec)
         values ($1, $2, $3, $4, $5, $6, $7, $8)",
    )
    .bind(id)
    .bind(tenant)
    .bind(position)
    .bind(by)
    .bind(owner)
    .bind(spec.event)
    .bind(spec.after_minutes)
    .bind(Json(spec))
    .execute(&mut **tx)
    .await?;
    keep_version(tx, tenant, id, 1, spec, by).await?;
    get(tx, id).await?.ok_or(SaveError::Missing)
}

/// Changes what a rule says (support role). With `expected` only if that is its version. One whose event or wait is another
/// begins anew: what happened before is none of its business.
///
/// # Errors
/// It does not fit, is not there or was changed meanwhile, or the database failed.
pub async fn update(
    tx: &mut Tx,
    tenant: TenantId,
    id: Uuid,
    expected: Option<i32>,
    spec: &Spec,
    by: &str,
) -> Result<Stored, SaveError> {
    alone(tx, tenant).await?;
    let known = expecting(tx, id, expected).await?;
    check(tx, spec).await?;
    sqlx::query(
        "update support_app.rule set version = version + 1, spec = $2,
             on_since = case when is_on and (event, after_minutes) is distinct from ($3, $4) then now() else on_since end,
             event = $3, after_minutes = $4, invalid_reason = null, updated_at = now()
         where id = $1",
    )
    .bind(id)
    .bind(Json(spec))
    .bind(spec.event)
    .bind(spec.after_minutes)
    .execute(&mut **tx)
    .await?;
    keep_version(tx, tenant, id, known.version + 1, spec, by).await?;
    get(tx, id).await?.ok_or(SaveError::Missing)
}

async fn keep_version(
    tx: &mut Tx,
    tenant: TenantId,
    id: Uuid,
    version: i32,
    spec: &Spec,
    by: &str,
) -> Result<(), DbError> {
    sqlx::query(
        "insert into support_app.rule_version (tenant_id, rule_id, version, spec, changed_by) values ($1, $2, $3, $4, $5)",
    )
    .bind(tenant)
    .bind(id)
    .bind(version)
    .bind(Json(spec))
    .bind(by)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

async fn expecting(tx: &mut Tx, id: Uuid, expected: Option<i32>) -> Result<Stored, SaveError> {
    let known = get(tx, id).await?.ok_or(SaveError::Missing)?;
    match expected {
        Some(expected) if expected != known.version => Err(SaveError::Changed(known.version)),
        _ => Ok(known),
    }
}

/// Switches a rule on, if what it names is there (support role).
///
/// # Errors
/// It names what is gone, is not there, or the database failed.
pub async fn switch_on(tx: &mut Tx, tenant: TenantId, id: Uuid) -> Result<Stored, SaveError> {
    alone(tx, tenant).await?;
    let known = get(tx, id).await?.ok_or(SaveError::Missing)?;
    check(tx, &known.spec).await?;
    sqlx::query(
        "update support_app.rule set on_since = case when is_on then on_since else now() end, is_on = true,
             off_reason = null, off_at = null, invalid_reason = null, updated_at = now()
         where id = $1",
    )
    .bind(id)
    .execute(&mut **tx)
    .await?;
    get(tx, id).await?.ok_or(SaveError::Missing)
}

/// Switches a rule off (support role).
///
/// # Errors
/// It is not there, or the database failed.
pub async fn switch_off(tx: &mut Tx, id: Uuid) -> Result<Stored, SaveError> {
    sqlx::query("update support_app.rule set is_on = false, updated_at = now() where id = $1 and is_on")
        .bind(id)
        .execute(&mut **tx)
        .await?;
    get(tx, id).await?.ok_or(SaveError::Missing)
}

/// Takes a rule away; its runs stay (support role).
///
/// # Errors
/// It is not there, or the database failed.
pub async fn archive(tx: &mut Tx, tenant: TenantId, id: Uuid) -> Result<(), SaveError> {
    alone(tx, tenant).await?;
    let done = sqlx::query(
        "update support_app.rule set archived_at = now(), is_on = false where id = $1 and archived_at is null",
    )
    .bind(id)
    .execute(&mut **tx)
    .await?;
    if done.rows_affected() == 1 { Ok(()) } else { Err(SaveError::Missing) }
}

/// Lists the rules in this order; it must name each of them once (support role).
///
/// # Errors
/// The order is not whole, or the database failed.
pub async fn reorder(tx: &mut Tx, tenant: TenantId, order: &[Uuid]) -> Result<Vec<Stored>, SaveError> {
    alone(tx, tenant).await?;
    let known = list(tx).await?;
    let mut wanted = order.to_vec();
    wanted.sort_unstable();
    wanted.dedup();
    let is_each = wanted.len() == order.len()
        && known.len() == order.len()
        && known.iter().all(|rule| wanted.binary_search(&rule.id).is_ok());
    if !is_each {
        return Err(Fault::at("rules", format!("must name each of the {} rules once", known.len())).into());
    }
    let places: Vec<i32> = (0..).take(order.len()).collect();
    sqlx::query(
        "update support_app.rule r set position = o.position, updated_at = now()
         from unnest($1::uuid[], $2::integer[]) o (id, position) where r.id = o.id and r.position <> o.position",
    )
    .bind(order)
    .bind(places)
    .execute(&mut **tx)
    .await?;
    Ok(list(tx).await?)
}

/// One change of a tenant's rules at a time.
async fn alone(tx: &mut Tx, tenant: TenantId) -> Result<(), DbError> {
    sqlx::query("select pg_advisory_xact_lock(hashtextextended('rules:' || $1::text, 0))")
        .bind(tenant.to_string())
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// The rules in force in their order, read and held against what there is (support role). One that cannot be read any more
/// counts as one that names what is gone.
///
/// # Errors
/// The database failed.
pub async fn in_force(tx: &mut Tx, event: Option<Event>) -> Result<Vec<Rule>, TicketError> {
    let known = known::known(tx).await?;
    in_force_with(tx, event, &known).await
}

/// The same, where it is known already what there is.
pub(super) async fn in_force_with(
    tx: &mut Tx,
    event: Option<Event>,
    known: &Known,
) -> Result<Vec<Rule>, TicketError> {
    let stored: Vec<Stored> = sqlx::query_as(sqlx::AssertSqlSafe(format!(
        "select {COLUMNS} from support_app.rule
         where tenant_id = shared.current_tenant() and archived_at is null and is_on
           and ($1::text is null or event = $1)
         order by position, id"
    )))
    .bind(event.map(Event::name))
    .fetch_all(&mut **tx)
    .await?;
    Ok(stored.into_iter().map(|rule| read(rule, known)).collect())
}

/// A stored rule, read.
pub fn read(stored: Stored, known: &Known) -> Rule {
    let (read, invalid) = match stored.spec.read() {
        Ok(read) => {
            let invalid = known.fault(&stored.spec, &read);
            (read, invalid)
        }
        Err(fault) => {
            let nothing = super::spec::Read { conditions: super::tree::Tree::All(Vec::new()), unless: None };
            (nothing, Some(format!("The rule cannot be read any more ({fault}); write it anew.")))
        }
    };
    Rule {
        id: stored.id,
        version: stored.version,
        position: stored.position,
        on_since: stored.on_since.unwrap_or(DateTime::<Utc>::MAX_UTC),
        owner: stored.owner_id.map(|owner| owner.0),
        spec: stored.spec,
        read,
        invalid,
    }
}

/// Notes what a rule names that is gone, and tells its owner once (support role).
pub(super) async fn flag(tx: &mut Tx, tenant: TenantId, rule: &Rule, sentence: &str) -> Result<(), DbError> {
    let done = sqlx::query(
        "update support_app.rule set invalid_reason = $2 where id = $1 and invalid_reason is distinct from $2",
    )
    .bind(rule.id)
    .bind(sentence)
    .execute(&mut **tx)
    .await?;
    if done.rows_affected() == 1 {
        tell(tx, tenant, rule, "rule_invalid").await?;
    }
    Ok(())
}

/// Switches a rule off that would run wild, and tells its owner (support role).
pub(super) async fn switch_off_itself(
    tx: &mut Tx,
    tenant: TenantId,
    rule: &Rule,
    reason: &str,
) -> Result<(), DbError> {
    let done = sqlx::query(
        "update support_app.rule set is_on = false, off_reason = $2, off_at = clock_timestamp() where id = $1 and is_on",
    )
    .bind(rule.id)
    .bind(reason)
    .execute(&mut **tx)
    .await?;
    if done.rows_affected() == 1 {
        tell(tx, tenant, rule, "rule_switched_off").await?;
    }
    Ok(())
}

async fn tell(tx: &mut Tx, tenant: TenantId, rule: &Rule, kind: &str) -> Result<(), DbError> {
    let payload = serde_json::json!({ "rule_id": rule.id, "version": rule.version });
    let event = events::Event { kind, ticket: None, agent: rule.owner.map(AgentId), payload };
    events::emit(tx, tenant, &event).await
}
