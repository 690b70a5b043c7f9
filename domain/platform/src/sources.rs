//! Where a tenant's orders lie elsewhere, as it is saved: a table of a database, or a file. What columns mean says a mapping
//! ([`crate::orders::mapping`]); what is read goes through an import, whose report says what was added, changed and left out.

mod place;
mod plan;

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use database::ids::TenantId;
use database::{DbError, Tx};
use serde::{Deserialize, Serialize};
use sqlx::FromRow;
use sqlx::types::Json;
use uuid::Uuid;

pub use place::{Place, Table};
pub use plan::{Plan, difference, plan, stated};

/// Sources of a tenant.
pub const SOURCES_LIMIT: i64 = 20;

/// How it is read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Where.
    pub place: Place,
    /// The tenant's mapping, by name.
    pub mapping: String,
    /// ISO 4217 code of orders that name no currency.
    pub currency: String,
}

/// A source as it stands.
#[derive(Debug, Clone, FromRow)]
pub struct Source {
    /// Its name.
    pub name: String,
    /// How it is read.
    pub config: Json<Config>,
    /// The password, private key or secret key, sealed.
    pub sealed_secrets: Vec<u8>,
    /// The types of its columns.
    pub columns: Json<BTreeMap<String, String>>,
    /// Up to where it was read.
    pub read_until: Option<String>,
    /// Why it is not read any more.
    pub problem: Option<String>,
    /// The last reading.
    pub last_job: Option<Uuid>,
    /// When it ended.
    pub last_at: Option<DateTime<Utc>>,
    /// When it was saved.
    pub updated_at: DateTime<Utc>,
}

const COLUMNS: &str =
    "name, config, sealed_secrets, columns, read_until, problem, last_job, last_at, updated_at";

/// The tenant's sources by name (platform role).
///
/// # Errors
/// The database failed.
pub async fn all(tx: &mut Tx) -> Result<Vec<Source>, DbError> {
    let select = format!("select {COLUMNS} from platform.order_source order by name limit $1");
    Ok(sqlx::query_as(sqlx::AssertSqlSafe(select)).bind(SOURCES_LIMIT).fetch_all(&mut **tx).await?)
}

/// The source of a name (platform role).
///
/// # Errors
/// The database failed.
pub async fn find(tx: &mut Tx, name: &str) -> Result<Option<Source>, DbError> {
    let select = format!("select {COLUMNS} from platform.order_source where name = $1");
    Ok(sqlx::query_as(sqlx::AssertSqlSafe(select)).bind(name).fetch_optional(&mut **tx).await?)
}

/// Saves a source (platform role); it is read from its beginning again. False when the tenant has as many as it may.
///
/// # Errors
/// The database failed.
pub async fn save(
    tx: &mut Tx,
    tenant: TenantId,
    name: &str,
    (config, sealed): (&Config, &[u8]),
    columns: &BTreeMap<String, String>,
) -> Result<bool, DbError> {
    let saved = sqlx::query(
        "insert into platform.order_source (tenant_id, name, config, sealed_secrets, columns)
         select $1, $2, $3, $4, $5
         where exists (select from platform.order_source where name = $2)
            or (select count(*) from platform.order_source) < $6
         on conflict (tenant_id, name) do update
             set config = excluded.config, sealed_secrets = excluded.sealed_secrets, columns = excluded.columns,
                 read_until = null, problem = null, updated_at = now()",
    )
    .bind(tenant)
    .bind(name)
    .bind(Json(config))
    .bind(sealed)
    .bind(Json(columns))
    .bind(SOURCES_LIMIT)
    .execute(&mut **tx)
    .await?;
    Ok(saved.rows_affected() == 1)
}

/// Deletes a source (platform role); orders that came from it stay. False when there is none.
///
/// # Errors
/// The database failed.
pub async fn delete(tx: &mut Tx, name: &str) -> Result<bool, DbError> {
    let deleted = sqlx::query("delete from platform.order_source where name = $1")
        .bind(name)
        .execute(&mut **tx)
        .await?;
    Ok(deleted.rows_affected() == 1)
}

/// Notes how a reading ended (platform role): up to where it came, or why the source is not read any more. A source that was
/// saved again meanwhile is another one.
///
/// # Errors
/// The database failed.
pub async fn ended(
    tx: &mut Tx,
    source: &Source,
    job: Uuid,
    came: Result<Option<&str>, &str>,
    now: DateTime<Utc>,
) -> Result<(), DbError> {
    sqlx::query(
        "update platform.order_source
         set read_until = coalesce($3, read_until), problem = $4, last_job = $5, last_at = $6
         where name = $1 and updated_at = $2",
    )
    .bind(&source.name)
    .bind(source.updated_at)
    .bind(came.ok().flatten())
    .bind(came.err())
    .bind(job)
    .bind(now)
    .execute(&mut **tx)
    .await?;
    Ok(())
}
