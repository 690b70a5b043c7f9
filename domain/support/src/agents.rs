//! Agents: the people of the desk as tickets know them. Who may sign in, and as what, is the owner's of logins; both
//! share the person's id, and `seniority` follows from the role there.

use chrono::{DateTime, Utc};
use sqlx::FromRow;

use database::ids::{AgentId, TenantId};
use database::{DbError, Tx};

/// An agent.
#[derive(Debug, Clone, PartialEq, FromRow)]
pub struct Agent {
    /// The person.
    pub id: AgentId,
    /// Name for people.
    pub name: String,
    /// Address of the person.
    pub email: String,
    /// 0 agent, 1 senior, 2 leads.
    pub seniority: i16,
    /// Departments that the person works for.
    pub departments: Vec<String>,
    /// What the person knows.
    pub skills: Vec<String>,
    /// ISO 639-1 codes; none means any.
    pub languages: Vec<String>,
    /// Units of open work that automatic assignment may fill.
    pub capacity: i32,
    /// Whether automatic assignment may give anything.
    pub accepts_new: bool,
    /// What the person says of themselves: online, busy, away, offline.
    pub availability: String,
    /// Whether any connection of theirs is open.
    pub is_present: bool,
    /// Units of open work.
    pub load: i32,
    /// When work was last assigned.
    pub last_assigned_at: Option<DateTime<Utc>>,
    /// Grows with each change of what is above `capacity` or is `accepts_new` or `availability`.
    pub version: i64,
    /// When the person came.
    pub created_at: DateTime<Utc>,
    /// When it was last changed.
    pub updated_at: DateTime<Utc>,
    /// Since when the person is gone.
    pub disabled_at: Option<DateTime<Utc>>,
}

/// What is written of an agent; what is missing stays, or is the default for a new one.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Attributes {
    /// Name for people.
    pub name: Option<String>,
    /// 0 agent, 1 senior, 2 leads.
    pub seniority: Option<i16>,
    /// Departments.
    pub departments: Option<Vec<String>>,
    /// Skills.
    pub skills: Option<Vec<String>>,
    /// ISO 639-1 codes.
    pub languages: Option<Vec<String>>,
    /// 1 to 50.
    pub capacity: Option<i32>,
    /// Whether automatic assignment may give anything.
    pub accepts_new: Option<bool>,
    /// online, busy, away, offline.
    pub availability: Option<String>,
    /// Whether the person is gone.
    pub is_disabled: Option<bool>,
}

const COLUMNS: &str =
    "id, name, email, seniority, departments, skills, languages, capacity, accepts_new, availability,
    is_present, load, last_assigned_at, version, created_at, updated_at, disabled_at";

/// Adds an agent (support role).
///
/// # Errors
/// The database failed; constraints `agent_email_once` and the checks of the table by name.
pub async fn create(
    tx: &mut Tx,
    tenant: TenantId,
    agent: AgentId,
    email: &str,
    with: &Attributes,
    now: DateTime<Utc>,
) -> Result<Agent, DbError> {
    sqlx::query(
        "insert into support_app.agent (id, tenant_id, name, email, seniority, departments, skills, languages, capacity,
                                        accepts_new, created_at, updated_at)
         values ($1, $2, coalesce($3, $4), $4, coalesce($5, 0::smallint), coalesce($6, '{}'), coalesce($7, '{}'),
                 coalesce($8, '{}'), coalesce($9, 10), coalesce($10, true), $11, $11)",
    )
    .bind(agent)
    .bind(tenant)
    .bind(&with.name)
    .bind(email)
    .bind(with.seniority)
    .bind(&with.departments)
    .bind(&with.skills)
    .bind(&with.languages)
    .bind(with.capacity)
    .bind(with.accepts_new)
    .bind(now)
    .execute(&mut **tx)
    .await?;
    get(tx, agent).await?.ok_or(DbError::Other(sqlx::Error::RowNotFound))
}

/// An agent of the transaction's tenant.
///
/// # Errors
/// The database failed.
pub async fn get(tx: &mut Tx, agent: AgentId) -> Result<Option<Agent>, DbError> {
    let statement = format!("select {COLUMNS} from support_app.agent where id = $1");
    Ok(sqlx::query_as(sqlx::AssertSqlSafe(statement)).bind(agent).fetch_optional(&mut **tx).await?)
}

/// The agent with this address, in any case (support role).
///
/// # Errors
/// The database failed.
pub async fn by_email(tx: &mut Tx, email: &str) -> Result<Option<Agent>, DbError> {
    let statement = format!("select {COLUMNS} from support_app.agent where lower(email) = lower($1) limit 1");
    Ok(sqlx::query_as(sqlx::AssertSqlSafe(statement)).bind(email).fetch_optional(&mut **tx).await?)
}

/// The same, kept from others' changes until the transaction ends.
///
/// # Errors
/// The database failed.
pub async fn lock(tx: &mut Tx, agent: AgentId) -> Result<Option<Agent>, DbError> {
    let statement = format!("select {COLUMNS} from support_app.agent where id = $1 for update");
    Ok(sqlx::query_as(sqlx::AssertSqlSafe(statement)).bind(agent).fetch_optional(&mut **tx).await?)
}

/// Agents by name, after the place given, at most `limit`; those who are gone only when asked for.
///
/// # Errors
/// The database failed.
pub async fn list(
    tx: &mut Tx,
    tenant: TenantId,
    after: Option<&(String, AgentId)>,
    with_disabled: bool,
    limit: i64,
) -> Result<Vec<Agent>, DbError> {
    let statement = format!(
        "select {COLUMNS} from support_app.agent
         where tenant_id = $1 and ($2::text is null or (name, id) > ($2, $3)) and (disabled_at is null or $4)
         order by name, id limit $5"
    );
    Ok(sqlx::query_as(sqlx::AssertSqlSafe(statement))
        .bind(tenant)
        .bind(after.map(|(name, _)| name))
        .bind(after.map(|(_, id)| *id))
        .bind(with_disabled)
        .bind(limit)
        .fetch_all(&mut **tx)
        .await?)
}

/// Changes an agent and answers it; none when there is none.
///
/// # Errors
/// The database failed; the checks of the table by name.
pub async fn change(
    tx: &mut Tx,
    agent: AgentId,
    with: &Attributes,
    now: DateTime<Utc>,
) -> Result<Option<Agent>, DbError> {
    let done = sqlx::query(
        "update support_app.agent set
             name = coalesce($2, name), seniority = coalesce($3, seniority), departments = coalesce($4, departments),
             skills = coalesce($5, skills), languages = coalesce($6, languages), capacity = coalesce($7, capacity),
             accepts_new = coalesce($8, accepts_new), availability = coalesce($9, availability),
             disabled_at = case $10 when true then coalesce(disabled_at, $11) when false then null else disabled_at end,
             version = version + 1, updated_at = $11
         where id = $1",
    )
    .bind(agent)
    .bind(&with.name)
    .bind(with.seniority)
    .bind(&with.departments)
    .bind(&with.skills)
    .bind(&with.languages)
    .bind(with.capacity)
    .bind(with.accepts_new)
    .bind(&with.availability)
    .bind(with.is_disabled)
    .bind(now)
    .execute(&mut **tx)
    .await?;
    if done.rows_affected() == 0 {
        return Ok(None);
    }
    get(tx, agent).await
}
