//! Policies as they are stored: every change is a version that holds from its instant on. Versions that have begun are
//! never changed; one that has not begun is replaced.

use chrono::{DateTime, Utc};
use serde::Serialize;
use sqlx::FromRow;
use sqlx::types::Json;
use uuid::Uuid;

use database::ids::TenantId;
use database::{DbError, Tx};

use super::hours::Fault;
use super::policy::PolicySpec;

/// The most policies a tenant may have.
const MAX_POLICIES: usize = 100;

/// A policy with its newest version.
#[derive(Clone, Debug, PartialEq, Serialize, FromRow)]
pub struct Policy {
    /// Identity.
    pub id: Uuid,
    /// Grows with every change.
    pub version: i32,
    /// The lowest that fits wins.
    pub position: i32,
    /// From when on the newest version holds; may be to come.
    pub valid_from: DateTime<Utc>,
    /// What the newest version says.
    #[sqlx(json)]
    pub spec: PolicySpec,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it was changed.
    pub updated_at: DateTime<Utc>,
}

/// Why a policy or calendar was not stored.
#[derive(Debug, thiserror::Error)]
pub enum SaveError {
    /// Something in it is wrong.
    #[error("{}: {}", .0.field, .0.what)]
    Fault(Fault),
    /// There is none of that id.
    #[error("there is no such {0}")]
    Missing(&'static str),
    /// Somebody else changed it.
    #[error("it has version {0} now; read it again")]
    Changed(i32),
    /// Something else stands against it.
    #[error("{0}")]
    Conflict(String),
    /// The database failed.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl From<sqlx::Error> for SaveError {
    fn from(error: sqlx::Error) -> SaveError {
        SaveError::Db(error.into())
    }
}

impl From<Fault> for SaveError {
    fn from(fault: Fault) -> SaveError {
        SaveError::Fault(fault)
    }
}

const NEWEST: &str = "
    select p.id, p.version, v.position, v.valid_from, v.spec, p.created_at, p.updated_at
    from support_app.sla_policy p join support_app.sla_policy_version v on v.policy_id = p.id and v.version = p.version
    where p.tenant_id = shared.current_tenant() and p.archived_at is null and ($1::uuid is null or p.id = $1)
    order by v.position, p.id";

/// The tenant's policies in the order in which they are tried (support role).
///
/// # Errors
/// The database failed.
pub async fn list(tx: &mut Tx) -> Result<Vec<Policy>, DbError> {
    Ok(sqlx::query_as(NEWEST).bind(None::<Uuid>).fetch_all(&mut **tx).await?)
}

/// A policy (support role).
///
/// # Errors
/// The database failed.
pub async fn get(tx: &mut Tx, id: Uuid) -> Result<Option<Policy>, DbError> {
    Ok(sqlx::query_as(NEWEST).bind(id).fetch_optional(&mut **tx).await?)
}

/// Makes a policy that is tried at `position`, or last (support role). The spec was checked.
///
/// # Errors
/// There are too many, or the database failed.
pub async fn create(
    tx: &mut Tx,
    tenant: TenantId,
    spec: &PolicySpec,
    position: Option<usize>,
    from: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<Policy, SaveError> {
    alone(tx, tenant).await?;
    let known = list(tx).await?;
    if known.len() >= MAX_POLICIES {
        return Err(SaveError::Conflict(format!("there are {MAX_POLICIES} policies, and no more are taken")));
    }
    let id = Uuid::now_v7();
    sqlx::query(
        "insert into support_app.sla_policy (id, tenant_id, created_at, updated_at) values ($1, $2, $3, $3)",
    )
    .bind(id)
    .bind(tenant)
    .bind(now)
    .execute(&mut **tx)
    .await?;
    let last = known.last().map_or(0, |policy| policy.position + 1);
    insert_version(tx, tenant, &Version { policy: id, number: 1, from, position: last, spec }).await?;
    if let Some(position) = position.filter(|position| *position < known.len()) {
        let mut order: Vec<Uuid> = known.iter().map(|policy| policy.id).collect();
        order.insert(position, id);
        place(tx, tenant, &order, now).await?;
    }
    get(tx, id).await?.ok_or(SaveError::Missing("policy"))
}

/// Changes what a policy says, from `from` on (support role). With `expected` only if that is its version.
///
/// # Errors
/// It is not there or was changed meanwhile, or the database failed.
pub async fn update(
    tx: &mut Tx,
    tenant: TenantId,
    id: Uuid,
    expected: Option<i32>,
    spec: &PolicySpec,
    from: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<Policy, SaveError> {
    alone(tx, tenant).await?;
    let known = expecting(tx, id, expected).await?;
    let version = Version { policy: id, number: known.version + 1, from, position: known.position, spec };
    replace(tx, tenant, &version, now).await?;
    get(tx, id).await?.ok_or(SaveError::Missing("policy"))
}

/// Ends a policy now; what it promised until now stays (support role).
///
/// # Errors
/// It is not there or was changed meanwhile, or the database failed.
pub async fn archive(
    tx: &mut Tx,
    tenant: TenantId,
    id: Uuid,
    expected: Option<i32>,
    now: DateTime<Utc>,
) -> Result<Policy, SaveError> {
    alone(tx, tenant).await?;
    let known = expecting(tx, id, expected).await?;
    end(tx, id, now, now).await?;
    sqlx::query("update support_app.sla_policy set archived_at = $2, updated_at = $2 where id = $1")
        .bind(id)
        .bind(now)
        .execute(&mut **tx)
        .await?;
    Ok(known)
}

/// Tries the policies in this order from now on (support role); it must name each of them once.
///
/// # Errors
/// The order is not complete, or the database failed.
pub async fn reorder(
    tx: &mut Tx,
    tenant: TenantId,
    order: &[Uuid],
    now: DateTime<Utc>,
) -> Result<Vec<Policy>, SaveError> {
    alone(tx, tenant).await?;
    let known = list(tx).await?;
    let mut wanted = order.to_vec();
    wanted.sort_unstable();
    wanted.dedup();
    let is_each = wanted.len() == order.len()
        && known.len() == order.len()
        && known.iter().all(|policy| wanted.binary_search(&policy.id).is_ok());
    if !is_each {
        let ids: Vec<String> = known.iter().map(|policy| policy.id.to_string()).collect();
        let what = format!("must name each of the tenant's policies once: {}", ids.join(", "));
        return Err(Fault::at("policies", what).into());
    }
    place(tx, tenant, order, now).await?;
    Ok(list(tx).await?)
}

/// Gives the policies the places of this order; one whose place stays gets no new version.
async fn place(tx: &mut Tx, tenant: TenantId, order: &[Uuid], now: DateTime<Utc>) -> Result<(), SaveError> {
    for policy in list(tx).await? {
        let at = order.iter().position(|id| *id == policy.id).unwrap_or(order.len());
        let position = i32::try_from(at).unwrap_or(i32::MAX);
        if position == policy.position {
            continue;
        }
        // One that has not begun keeps its beginning.
        let from = policy.valid_from.max(now);
        let number = policy.version + 1;
        let version = Version { policy: policy.id, number, from, position, spec: &policy.spec };
        replace(tx, tenant, &version, now).await?;
    }
    Ok(())
}

/// One change of a tenant's policies and calendars at a time, so that versions follow each other.
pub(super) async fn alone(tx: &mut Tx, tenant: TenantId) -> Result<(), DbError> {
    sqlx::query("select pg_advisory_xact_lock(hashtextextended('sla:' || $1::text, 0))")
        .bind(tenant.to_string())
        .execute(&mut **tx)
        .await?;
    Ok(())
}

async fn expecting(tx: &mut Tx, id: Uuid, expected: Option<i32>) -> Result<Policy, SaveError> {
    let known = get(tx, id).await?.ok_or(SaveError::Missing("policy"))?;
    match expected {
        Some(expected) if expected != known.version => Err(SaveError::Changed(known.version)),
        _ => Ok(known),
    }
}

struct Version<'a> {
    policy: Uuid,
    number: i32,
    from: DateTime<Utc>,
    position: i32,
    spec: &'a PolicySpec,
}

async fn replace(
    tx: &mut Tx,
    tenant: TenantId,
    version: &Version<'_>,
    now: DateTime<Utc>,
) -> Result<(), SaveError> {
    end(tx, version.policy, version.from, now).await?;
    insert_version(tx, tenant, version).await?;
    sqlx::query("update support_app.sla_policy set version = $2, updated_at = $3 where id = $1")
        .bind(version.policy)
        .bind(version.number)
        .bind(now)
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// Ends what holds at `at`; what has not begun `now` is taken back.
async fn end(tx: &mut Tx, policy: Uuid, at: DateTime<Utc>, now: DateTime<Utc>) -> Result<(), SaveError> {
    sqlx::query("delete from support_app.sla_policy_version where policy_id = $1 and valid_from > $2")
        .bind(policy)
        .bind(now)
        .execute(&mut **tx)
        .await?;
    sqlx::query(
        "update support_app.sla_policy_version set valid_until = $2
         where policy_id = $1 and valid_from = (
             select max(valid_from) from support_app.sla_policy_version where policy_id = $1)
           and (valid_until is null or valid_until > $3)",
    )
    .bind(policy)
    .bind(at)
    .bind(now)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

async fn insert_version(tx: &mut Tx, tenant: TenantId, version: &Version<'_>) -> Result<(), SaveError> {
    sqlx::query(
        "insert into support_app.sla_policy_version
             (id, tenant_id, policy_id, version, valid_from, position, spec) values ($1, $2, $3, $4, $5, $6, $7)",
    )
    .bind(Uuid::now_v7())
    .bind(tenant)
    .bind(version.policy)
    .bind(version.number)
    .bind(version.from)
    .bind(version.position)
    .bind(Json(version.spec))
    .execute(&mut **tx)
    .await?;
    Ok(())
}
