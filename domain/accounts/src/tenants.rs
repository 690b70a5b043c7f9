//! Tenants: the shops that use the desk.

use chrono::{DateTime, Utc};
use serde::Serialize;
use sqlx::FromRow;

use database::ids::TenantId;
use database::{DbError, Tx};

/// A shop.
#[derive(Debug, Clone, PartialEq, Serialize, FromRow)]
pub struct Tenant {
    /// Identity in every other table.
    pub id: TenantId,
    /// Unique short name: lower-case letters, digits and hyphens.
    pub slug: String,
    /// Name for people.
    pub name: String,
    /// IANA time zone name.
    pub timezone: String,
    /// When the tenant was created.
    pub created_at: DateTime<Utc>,
}

/// Why a tenant was not created.
#[derive(Debug, thiserror::Error)]
pub enum CreateTenantError {
    /// Another tenant has this slug.
    #[error("the slug is taken by another tenant")]
    SlugTaken,
    /// The slug is not 1-63 lower-case letters, digits and hyphens.
    #[error("the slug must be 1-63 lower-case letters, digits or hyphens and not begin with a hyphen")]
    BadSlug,
    /// The name is empty or longer than 200 characters.
    #[error("the name must have 1-200 characters")]
    BadName,
    /// The database failed.
    #[error(transparent)]
    Db(#[from] DbError),
}

/// Creates a tenant (gateway role).
pub async fn create(
    tx: &mut Tx,
    slug: &str,
    name: &str,
    timezone: &str,
) -> Result<Tenant, CreateTenantError> {
    let created = sqlx::query_as(
        "insert into shared.tenant (id, slug, name, timezone) values ($1, $2, $3, $4)
         returning id, slug, name, timezone, created_at",
    )
    .bind(TenantId::new())
    .bind(slug)
    .bind(name)
    .bind(timezone)
    .fetch_one(&mut **tx)
    .await;
    match created.map_err(DbError::from) {
        Ok(tenant) => Ok(tenant),
        Err(error) if error.violates("tenant_slug_unique") => Err(CreateTenantError::SlugTaken),
        Err(error) if error.violates("tenant_slug_form") => Err(CreateTenantError::BadSlug),
        Err(error) if error.violates("tenant_name_length") => Err(CreateTenantError::BadName),
        Err(error) => Err(error.into()),
    }
}

/// The tenant of this slug (gateway role).
pub async fn find_by_slug(tx: &mut Tx, slug: &str) -> Result<Option<Tenant>, DbError> {
    Ok(sqlx::query_as("select id, slug, name, timezone, created_at from shared.tenant where slug = $1")
        .bind(slug)
        .fetch_optional(&mut **tx)
        .await?)
}

/// The tenant of this id, if the transaction's role may see it.
pub async fn get(tx: &mut Tx, tenant: TenantId) -> Result<Option<Tenant>, DbError> {
    Ok(sqlx::query_as("select id, slug, name, timezone, created_at from shared.tenant where id = $1")
        .bind(tenant)
        .fetch_optional(&mut **tx)
        .await?)
}

/// Tenants by slug, after the slug given, at most `limit` (gateway role).
pub async fn list(tx: &mut Tx, after_slug: Option<&str>, limit: u32) -> Result<Vec<Tenant>, DbError> {
    Ok(sqlx::query_as(
        "select id, slug, name, timezone, created_at from shared.tenant
         where $1::text is null or slug > $1 order by slug limit $2",
    )
    .bind(after_slug)
    .bind(i64::from(limit))
    .fetch_all(&mut **tx)
    .await?)
}
