//! How much mail of one sender a shop takes before it counts as a flood.

use database::ids::TenantId;
use database::{DbError, Tx};
use sqlx::FromRow;

use crate::tickets::TicketError;

/// How a shop's mail behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, FromRow)]
pub struct MailSetting {
    /// Mails of one sender to one mailbox within the window.
    pub flood_limit: i32,
    /// The window, in seconds.
    pub flood_window_secs: i32,
    /// Grows with each change; 0 is the default.
    pub version: i64,
}

impl Default for MailSetting {
    fn default() -> MailSetting {
        MailSetting { flood_limit: 100, flood_window_secs: 600, version: 0 }
    }
}

/// The tenant's (support role).
///
/// # Errors
/// The database failed.
pub async fn get(tx: &mut Tx) -> Result<MailSetting, DbError> {
    let stored = sqlx::query_as(
        "select flood_limit, flood_window_secs, version from support_app.mail_setting
         where tenant_id = (select shared.current_tenant())",
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
    setting: &MailSetting,
    version: Option<i64>,
) -> Result<MailSetting, TicketError> {
    if !(1..=100_000).contains(&setting.flood_limit) {
        return Err(TicketError::field("flood_limit", "must be a whole number from 1 to 100000"));
    }
    if !(10..=86_400).contains(&setting.flood_window_secs) {
        return Err(TicketError::field("flood_window_secs", "must be a whole number from 10 to 86400"));
    }
    let known = get(tx).await?;
    if version.is_some_and(|version| version != known.version) {
        return Err(TicketError::Stale(known.version));
    }
    Ok(sqlx::query_as(
        "insert into support_app.mail_setting as s (tenant_id, flood_limit, flood_window_secs) values ($1, $2, $3)
         on conflict (tenant_id) do update set flood_limit = excluded.flood_limit,
             flood_window_secs = excluded.flood_window_secs, version = s.version + 1, updated_at = now()
         returning flood_limit, flood_window_secs, version",
    )
    .bind(tenant)
    .bind(setting.flood_limit)
    .bind(setting.flood_window_secs)
    .fetch_one(&mut **tx)
    .await?)
}
