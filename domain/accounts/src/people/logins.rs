//! Logins: who may sign in to a tenant, and as what. Every function works as the gateway; where a tenant is given, only
//! its people are seen.

use chrono::{DateTime, TimeDelta, Utc};
use sqlx::FromRow;

use super::permissions::Role;
use database::ids::{AgentId, TenantId};
use database::{DbError, Tx};

/// Failed sign-ins within [`FAILURE_WINDOW`] after which a password is not believed any more, on every process together.
/// A person is then told what they are told for a wrong password, and a reset link lifts it.
const MAX_FAILURES: i32 = 50;

/// The time within which failed sign-ins are counted.
pub const FAILURE_WINDOW: TimeDelta = TimeDelta::minutes(15);

/// A person who may sign in.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct Login {
    /// The person.
    pub id: AgentId,
    /// The person's tenant.
    #[sqlx(rename = "tenant_id")]
    pub tenant: TenantId,
    /// The person's name.
    pub name: String,
    /// In the form of [`database::address::normal`].
    pub email: String,
    /// What the person is.
    pub role: Role,
    /// Whether a password was chosen.
    pub has_password: bool,
    /// Since when the person may not sign in.
    pub disabled_at: Option<DateTime<Utc>>,
    /// The last sign-in.
    pub last_login_at: Option<DateTime<Utc>>,
}

/// Why a login was not made or changed.
#[derive(Debug, thiserror::Error)]
pub enum LoginError {
    /// Another person of the tenant has this address.
    #[error("another person of this tenant has this e-mail address")]
    EmailTaken,
    /// The name is empty or too long.
    #[error("must have 1 to 200 characters")]
    BadName,
    /// Nobody would be left who may do everything.
    #[error("this is the last admin; make another person admin first")]
    LastAdmin,
    /// The database failed.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl From<sqlx::Error> for LoginError {
    fn from(error: sqlx::Error) -> LoginError {
        let error = DbError::from(error);
        if error.violates("login_email_once") {
            return LoginError::EmailTaken;
        }
        if error.violates("login_name_length") {
            return LoginError::BadName;
        }
        LoginError::Db(error)
    }
}

/// Adds a person. `email` is in the normal form.
///
/// # Errors
/// The address is taken or the name does not fit; the database failed.
pub async fn create(
    tx: &mut Tx,
    tenant: TenantId,
    agent: AgentId,
    name: &str,
    email: &str,
    role: Role,
) -> Result<(), LoginError> {
    sqlx::query("insert into shared.login (id, tenant_id, name, email, role) values ($1, $2, $3, $4, $5)")
        .bind(agent)
        .bind(tenant)
        .bind(name)
        .bind(email)
        .bind(role)
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// A person of the tenant.
///
/// # Errors
/// The database failed.
pub async fn get(tx: &mut Tx, tenant: TenantId, agent: AgentId) -> Result<Option<Login>, DbError> {
    Ok(sqlx::query_as(
        "select id, tenant_id, name, email, role, password_hash is not null as has_password, disabled_at, last_login_at
         from shared.login where id = $1 and tenant_id = $2",
    )
    .bind(agent)
    .bind(tenant)
    .fetch_optional(&mut **tx)
    .await?)
}

/// What a person of the transaction's tenant is (support role); none of somebody who cannot sign in.
///
/// # Errors
/// The database failed.
pub async fn role_of(tx: &mut Tx, agent: AgentId) -> Result<Option<Role>, DbError> {
    Ok(sqlx::query_scalar("select shared.role_of($1)").bind(agent).fetch_one(&mut **tx).await?)
}

/// A person of the tenant, while nobody else changes its people: of two admins who disable each other one stays.
///
/// # Errors
/// The database failed.
pub async fn lock(tx: &mut Tx, tenant: TenantId, agent: AgentId) -> Result<Option<Login>, DbError> {
    sqlx::query("select pg_advisory_xact_lock(hashtextextended('people of ' || $1::text, 0))")
        .bind(tenant)
        .execute(&mut **tx)
        .await?;
    get(tx, tenant, agent).await
}

/// Those of the people who are the tenant's, in no order.
///
/// # Errors
/// The database failed.
pub async fn get_all(tx: &mut Tx, tenant: TenantId, agents: &[AgentId]) -> Result<Vec<Login>, DbError> {
    Ok(sqlx::query_as(
        "select id, tenant_id, name, email, role, password_hash is not null as has_password, disabled_at, last_login_at
         from shared.login where id = any($1) and tenant_id = $2",
    )
    .bind(agents.iter().map(|agent| agent.0).collect::<Vec<_>>())
    .bind(tenant)
    .fetch_all(&mut **tx)
    .await?)
}

/// The person of the tenant of this slug with this address (in the normal form).
///
/// # Errors
/// The database failed.
pub async fn find(tx: &mut Tx, slug: &str, email: &str) -> Result<Option<Login>, DbError> {
    Ok(sqlx::query_as(
        "select l.id, l.tenant_id, l.name, l.email, l.role, l.password_hash is not null as has_password, l.disabled_at,
                l.last_login_at
         from shared.login l join shared.tenant t on t.id = l.tenant_id where t.slug = $1 and l.email = $2",
    )
    .bind(slug)
    .bind(email)
    .fetch_optional(&mut **tx)
    .await?)
}

/// What a password is compared with: none when the person may not sign in by password now.
///
/// # Errors
/// The database failed.
pub async fn password_hash(
    tx: &mut Tx,
    agent: AgentId,
    now: DateTime<Utc>,
) -> Result<Option<String>, DbError> {
    let hash: Option<Option<String>> = sqlx::query_scalar(
        "select password_hash from shared.login
         where id = $1 and disabled_at is null and (failed_count < $2 or failed_since < $3)",
    )
    .bind(agent)
    .bind(MAX_FAILURES)
    .bind(now - FAILURE_WINDOW)
    .fetch_optional(&mut **tx)
    .await?;
    Ok(hash.flatten())
}

/// Counts a failed sign-in.
///
/// # Errors
/// The database failed.
pub async fn note_failure(tx: &mut Tx, agent: AgentId, now: DateTime<Utc>) -> Result<(), DbError> {
    sqlx::query(
        "update shared.login set
             failed_count = case when failed_since > $2 then failed_count + 1 else 1 end,
             failed_since = case when failed_since > $2 then failed_since else $3 end
         where id = $1",
    )
    .bind(agent)
    .bind(now - FAILURE_WINDOW)
    .bind(now)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Notes a sign-in.
///
/// # Errors
/// The database failed.
pub async fn note_success(tx: &mut Tx, agent: AgentId, now: DateTime<Utc>) -> Result<(), DbError> {
    sqlx::query(
        "update shared.login set failed_count = 0, failed_since = null, last_login_at = $2 where id = $1",
    )
    .bind(agent)
    .bind(now)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Gives a person a password; what was counted against them is forgotten.
///
/// # Errors
/// The database failed.
pub async fn set_password(
    tx: &mut Tx,
    agent: AgentId,
    hash: &str,
    now: DateTime<Utc>,
) -> Result<(), DbError> {
    sqlx::query(
        "update shared.login set password_hash = $2, password_set_at = $3, failed_count = 0, failed_since = null
         where id = $1",
    )
    .bind(agent)
    .bind(hash)
    .bind(now)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// What is to be changed of a person; what is missing stays.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Change<'a> {
    /// The name.
    pub name: Option<&'a str>,
    /// The role.
    pub role: Option<Role>,
    /// Whether the person may sign in.
    pub is_disabled: Option<bool>,
}

/// Changes a person of the tenant, after [`lock`].
///
/// # Errors
/// The name does not fit, it is the last admin, or the database failed.
pub async fn change(
    tx: &mut Tx,
    tenant: TenantId,
    agent: AgentId,
    change: &Change<'_>,
    now: DateTime<Utc>,
) -> Result<(), LoginError> {
    let ends_an_admin =
        change.is_disabled == Some(true) || change.role.is_some_and(|role| role != Role::Admin);
    if ends_an_admin {
        let admins: Vec<AgentId> = sqlx::query_scalar(
            "select id from shared.login where tenant_id = $1 and role = 'admin' and disabled_at is null",
        )
        .bind(tenant)
        .fetch_all(&mut **tx)
        .await?;
        if admins == [agent] {
            return Err(LoginError::LastAdmin);
        }
    }
    sqlx::query(
        "update shared.login set name = coalesce($3, name), role = coalesce($4, role),
             disabled_at = case $5 when true then coalesce(disabled_at, $6) when false then null else disabled_at end
         where id = $1 and tenant_id = $2",
    )
    .bind(agent)
    .bind(tenant)
    .bind(change.name)
    .bind(change.role)
    .bind(change.is_disabled)
    .bind(now)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Deletes some of what expired long ago.
///
/// # Errors
/// The database failed.
pub async fn sweep(tx: &mut Tx, now: DateTime<Utc>) -> Result<(), DbError> {
    sqlx::query("select shared.sweep_sign_ins($1)").bind(now).execute(&mut **tx).await?;
    Ok(())
}
