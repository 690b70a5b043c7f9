//! Installs that are under way. The `state` that goes through the shop is good once, for fifteen minutes, in the browser
//! that began, and for the shop that was named; only hashes of it and of the browser's cookie are stored.

use chrono::{DateTime, TimeDelta, Utc};
use sha2::{Digest, Sha256};

use super::PROVIDER;
use database::ids::TenantId;
use database::{DbError, Tx};

/// How long a person may take to agree.
pub const LIFETIME: TimeDelta = TimeDelta::minutes(15);

/// Who began an install.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Begun {
    /// For whom.
    pub tenant: TenantId,
    /// By whom, as the trail names them.
    pub by: String,
}

/// Notes that a browser begins (gateway role).
///
/// # Errors
/// The database failed.
pub async fn begin(
    tx: &mut Tx,
    begun: &Begun,
    shop: &str,
    (state, browser): (&str, &str),
    now: DateTime<Utc>,
) -> Result<(), DbError> {
    sqlx::query("select shared.sweep_installs($1)").bind(now).execute(&mut **tx).await?;
    sqlx::query(
        "insert into shared.install_flow
             (state_hash, tenant_id, provider, account, browser_hash, begun_by, created_at, expires_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8)",
    )
    .bind(hash(state))
    .bind(begun.tenant)
    .bind(PROVIDER)
    .bind(shop)
    .bind(hash(browser))
    .bind(&begun.by)
    .bind(now)
    .bind(now + LIFETIME)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Takes the install of this state, once; none when there is none, it was taken, has expired, is another shop's, or another
/// browser comes with it (gateway role).
///
/// # Errors
/// The database failed.
pub async fn take(
    tx: &mut Tx,
    shop: &str,
    (state, browser): (&str, &str),
    now: DateTime<Utc>,
) -> Result<Option<Begun>, DbError> {
    let taken: Option<(TenantId, String)> = sqlx::query_as(
        "update shared.install_flow set used_at = $5
         where state_hash = $1 and browser_hash = $2 and provider = $3 and account = $4 and used_at is null and expires_at > $5
         returning tenant_id, begun_by",
    )
    .bind(hash(state))
    .bind(hash(browser))
    .bind(PROVIDER)
    .bind(shop)
    .bind(now)
    .fetch_optional(&mut **tx)
    .await?;
    Ok(taken.map(|(tenant, by)| Begun { tenant, by }))
}

fn hash(text: &str) -> Vec<u8> {
    Sha256::digest(text.as_bytes()).to_vec()
}
