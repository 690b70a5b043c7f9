//! How a tenant's tickets behave.

use chrono::{DateTime, Utc};
use database::ids::TenantId;
use database::{DbError, Tx};
use sqlx::FromRow;

use super::error::TicketError;

/// How a tenant's tickets behave.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct Setting {
    /// A ticket that was resolved or closed for so long is final.
    pub final_after_days: i32,
    /// How long a reply can be taken back, in seconds.
    pub undo_secs: i32,
    /// Text search configurations beside `simple`, at most four.
    pub search_languages: Vec<String>,
    /// Grows with each change; 0 is the default.
    pub version: i64,
    /// When it was changed.
    pub updated_at: Option<DateTime<Utc>>,
}

impl Default for Setting {
    fn default() -> Setting {
        Setting {
            final_after_days: 7,
            undo_secs: 10,
            search_languages: vec!["english".to_owned()],
            version: 0,
            updated_at: None,
        }
    }
}

/// The tenant's (support role).
///
/// # Errors
/// The database failed.
pub async fn get(tx: &mut Tx) -> Result<Setting, DbError> {
    let stored = sqlx::query_as(
        "select final_after_days, undo_secs, search_languages, version, updated_at
         from support_app.ticket_setting where tenant_id = (select shared.current_tenant())",
    );
    Ok(stored.fetch_optional(&mut **tx).await?.unwrap_or_default())
}

/// Replaces it (support role). `version` is the one that the caller knows, if it is to be that.
///
/// # Errors
/// A value does not fit, the version is another, or the database failed.
pub async fn put(
    tx: &mut Tx,
    tenant: TenantId,
    setting: &Setting,
    version: Option<i64>,
) -> Result<Setting, TicketError> {
    check(tx, setting).await?;
    let known = get(tx).await?;
    if version.is_some_and(|version| version != known.version) {
        return Err(TicketError::Stale(known.version));
    }
    Ok(sqlx::query_as(
        "insert into support_app.ticket_setting as s
             (tenant_id, final_after_days, undo_secs, search_languages)
         values ($1, $2, $3, $4)
         on conflict (tenant_id) do update set
             final_after_days = excluded.final_after_days, undo_secs = excluded.undo_secs,
             search_languages = excluded.search_languages, version = s.version + 1, updated_at = now()
         returning final_after_days, undo_secs, search_languages, version, updated_at",
    )
    .bind(tenant)
    .bind(setting.final_after_days)
    .bind(setting.undo_secs)
    .bind(&setting.search_languages)
    .fetch_one(&mut **tx)
    .await?)
}

async fn check(tx: &mut Tx, setting: &Setting) -> Result<(), TicketError> {
    if !(0..=365).contains(&setting.final_after_days) {
        return Err(TicketError::field("final_after_days", "must be a whole number from 0 to 365"));
    }
    if !(0..=600).contains(&setting.undo_secs) {
        return Err(TicketError::field("undo_secs", "must be a whole number from 0 to 600"));
    }
    if setting.search_languages.len() > 4 {
        return Err(TicketError::field("search_languages", "must name at most four languages"));
    }
    let known: Vec<String> =
        sqlx::query_scalar("select cfgname::text from pg_catalog.pg_ts_config order by 1")
            .fetch_all(&mut **tx)
            .await?;
    match setting.search_languages.iter().find(|name| !known.contains(name)) {
        Some(_) => Err(TicketError::field("search_languages", format!("must be among {}", known.join(", ")))),
        None => Ok(()),
    }
}
