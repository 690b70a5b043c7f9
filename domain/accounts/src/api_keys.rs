//! API keys: the credentials of services and webhooks.
//!
//! A key reads `dsk_PREFIX_SECRET`: 12 hexadecimal digits that find the row, and 256 random bits in base64url.
//! Only a SHA-256 of the secret is stored; with that much randomness a slow password hash would add nothing
//! but latency.

use std::collections::HashSet;
use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use serde::Serialize;
use sha2::{Digest, Sha256};
use sqlx::FromRow;
use subtle::ConstantTimeEq;

use database::ids::{KeyId, TenantId};
use database::{Db, DbError, Tx};

pub use crate::scopes::{Scope, UnknownScope};

/// Who a valid key speaks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    /// The tenant of the key; requests take the tenant from here and from nothing else.
    pub tenant: TenantId,
    /// The key, for audit and rate limits.
    pub key_id: KeyId,
    /// What the key may do.
    pub scopes: Vec<Scope>,
    /// The key's name for people.
    pub name: String,
    /// When the key stops working, for those who cache this answer.
    pub expires_at: Option<DateTime<Utc>>,
}

/// Whether the text could be a key at all: what is none is refused without a look at the database.
pub fn is_well_formed(text: &str) -> bool {
    split(text).is_some()
}

/// Finds out who a presented key belongs to. `None` for anything that is not a valid, unexpired, unrevoked key,
/// without saying why. Notes the use at most once a minute.
pub async fn authenticate(db: &Db, text: &str) -> Result<Option<Principal>, DbError> {
    let Some((prefix, secret)) = split(text) else { return Ok(None) };
    let mut tx = db.gateway_tx().await?;
    let stored: Option<Stored> = sqlx::query_as(
        "select id, tenant_id, name, secret_hash, scopes, expires_at,
                revoked_at is null and (expires_at is null or expires_at > now()) as valid,
                coalesce(last_used_at < now() - interval '1 minute', true) as note_use
         from shared.api_key where prefix = $1",
    )
    .bind(prefix)
    .fetch_optional(&mut *tx)
    .await?;
    let Some(stored) = stored else { return Ok(None) };
    let matches = bool::from(hash(secret).ct_eq(stored.secret_hash.as_slice()));
    if !matches || !stored.valid {
        return Ok(None);
    }
    let principal = Principal {
        tenant: stored.tenant_id,
        key_id: stored.id,
        scopes: known_scopes(&stored.scopes),
        name: stored.name,
        expires_at: stored.expires_at,
    };
    if stored.note_use {
        // Skipping a locked row keeps parallel requests from queueing for a note that one of them writes.
        sqlx::query(
            "update shared.api_key set last_used_at = now()
             where id = (select id from shared.api_key where id = $1 for update skip locked)",
        )
        .bind(principal.key_id)
        .execute(&mut *tx)
        .await?;
    }
    tx.commit().await?;
    Ok(Some(principal))
}

/// A key as it is stored, and what is to be done about it now.
#[derive(FromRow)]
struct Stored {
    id: KeyId,
    tenant_id: TenantId,
    name: String,
    secret_hash: Vec<u8>,
    scopes: Vec<String>,
    expires_at: Option<DateTime<Utc>>,
    valid: bool,
    note_use: bool,
}

/// A key just made: the only moment at which its text exists.
#[derive(Debug)]
pub struct CreatedKey {
    /// Public identity.
    pub id: KeyId,
    /// The part of the text that may be shown later.
    pub prefix: String,
    /// What its holder presents.
    pub text: ApiKey,
}

/// The full text of a key. Printing it for debugging shows nothing.
#[derive(Clone)]
pub struct ApiKey(String);

impl ApiKey {
    /// The secret text, to be shown once to its holder.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ApiKey(hidden)")
    }
}

/// Makes a key (gateway role). `name` has 1-200 characters.
pub async fn create(
    tx: &mut Tx,
    tenant: TenantId,
    name: &str,
    scopes: &[Scope],
    expires_at: Option<DateTime<Utc>>,
) -> Result<CreatedKey, DbError> {
    let prefix = hex::encode(rand::random::<[u8; 6]>());
    let secret = URL_SAFE_NO_PAD.encode(rand::random::<[u8; 32]>());
    let id = KeyId::new();
    sqlx::query(
        "insert into shared.api_key (id, tenant_id, name, prefix, secret_hash, scopes, expires_at)
         values ($1, $2, $3, $4, $5, $6, $7)",
    )
    .bind(id)
    .bind(tenant)
    .bind(name)
    .bind(&prefix)
    .bind(hash(&secret).as_slice())
    .bind(scopes.iter().map(|scope| scope.name()).collect::<Vec<_>>())
    .bind(expires_at)
    .execute(&mut **tx)
    .await?;
    let text = ApiKey(format!("dsk_{prefix}_{secret}"));
    Ok(CreatedKey { id, prefix, text })
}

/// The key with this prefix and whose it is (gateway role).
///
/// # Errors
/// The database failed.
pub async fn find_by_prefix(tx: &mut Tx, prefix: &str) -> Result<Option<(KeyId, TenantId)>, DbError> {
    Ok(sqlx::query_as("select id, tenant_id from shared.api_key where prefix = $1")
        .bind(prefix)
        .fetch_optional(&mut **tx)
        .await?)
}

/// Those of the keys that are valid, for who keeps connections open and closes those of the others.
///
/// # Errors
/// The database failed.
pub async fn still_valid(db: &Db, asked: &[KeyId]) -> Result<HashSet<KeyId>, DbError> {
    let mut tx = db.gateway_tx().await?;
    let valid: Vec<KeyId> = sqlx::query_scalar(
        "select id from shared.api_key
         where id = any($1) and revoked_at is null and (expires_at is null or expires_at > now())",
    )
    .bind(asked)
    .fetch_all(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(valid.into_iter().collect())
}

/// Ends a tenant's key now; false when the tenant has no such key or it was revoked before (gateway role).
pub async fn revoke(tx: &mut Tx, tenant: TenantId, key: KeyId) -> Result<bool, DbError> {
    let done = sqlx::query(
        "update shared.api_key set revoked_at = now() where id = $1 and tenant_id = $2 and revoked_at is null",
    )
    .bind(key)
    .bind(tenant)
    .execute(&mut **tx)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// What a tenant's key may do, unless it was revoked (gateway role).
///
/// # Errors
/// The database failed.
pub async fn scopes_of(tx: &mut Tx, tenant: TenantId, key: KeyId) -> Result<Option<Vec<Scope>>, DbError> {
    let names: Option<Vec<String>> = sqlx::query_scalar(
        "select scopes from shared.api_key where id = $1 and tenant_id = $2 and revoked_at is null",
    )
    .bind(key)
    .bind(tenant)
    .fetch_optional(&mut **tx)
    .await?;
    Ok(names.map(|names| known_scopes(&names)))
}

/// How many of a tenant's keys were not revoked (gateway role).
///
/// # Errors
/// The database failed.
pub async fn count_unrevoked(tx: &mut Tx, tenant: TenantId) -> Result<i64, DbError> {
    Ok(sqlx::query_scalar("select count(*) from shared.api_key where tenant_id = $1 and revoked_at is null")
        .bind(tenant)
        .fetch_one(&mut **tx)
        .await?)
}

/// A key as its owner sees it in a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct KeySummary {
    /// Public identity.
    pub id: KeyId,
    /// Name for people.
    pub name: String,
    /// First part of the text.
    pub prefix: String,
    /// What the key may do.
    pub scopes: Vec<Scope>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it stops working by itself.
    pub expires_at: Option<DateTime<Utc>>,
    /// When it was ended by hand.
    pub revoked_at: Option<DateTime<Utc>>,
    /// Last use, to the minute.
    pub last_used_at: Option<DateTime<Utc>>,
}

/// A tenant's keys by id (oldest first), after the id given, at most `limit` (gateway role).
pub async fn list(
    tx: &mut Tx,
    tenant: TenantId,
    after: Option<KeyId>,
    limit: u32,
) -> Result<Vec<KeySummary>, DbError> {
    let stored: Vec<StoredSummary> = sqlx::query_as(
        "select id, name, prefix, scopes, created_at, expires_at, revoked_at, last_used_at
         from shared.api_key where tenant_id = $1 and ($2::uuid is null or id > $2) order by id limit $3",
    )
    .bind(tenant)
    .bind(after)
    .bind(i64::from(limit))
    .fetch_all(&mut **tx)
    .await?;
    Ok(stored.into_iter().map(StoredSummary::shown).collect())
}

/// The columns of a [`KeySummary`].
#[derive(FromRow)]
struct StoredSummary {
    id: KeyId,
    name: String,
    prefix: String,
    scopes: Vec<String>,
    created_at: DateTime<Utc>,
    expires_at: Option<DateTime<Utc>>,
    revoked_at: Option<DateTime<Utc>>,
    last_used_at: Option<DateTime<Utc>>,
}

impl StoredSummary {
    fn shown(self) -> KeySummary {
        KeySummary {
            id: self.id,
            name: self.name,
            prefix: self.prefix,
            scopes: known_scopes(&self.scopes),
            created_at: self.created_at,
            expires_at: self.expires_at,
            revoked_at: self.revoked_at,
            last_used_at: self.last_used_at,
        }
    }
}

/// The scopes of these names. One that this version does not know (written by a newer one) grants nothing here.
fn known_scopes(names: &[String]) -> Vec<Scope> {
    names.iter().filter_map(|name| name.parse().ok()).collect()
}

/// Prefix and secret of a well-formed key.
fn split(text: &str) -> Option<(&str, &str)> {
    let (prefix, secret) = text.strip_prefix("dsk_")?.split_at_checked(12)?;
    let secret = secret.strip_prefix('_')?;
    let is_prefix = prefix.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    let is_secret = secret.len() == 43
        && secret.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_');
    (is_prefix && is_secret).then_some((prefix, secret))
}

fn hash(secret: &str) -> [u8; 32] {
    Sha256::digest(secret.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_exact_form_is_a_key() {
        let secret = "A".repeat(43);
        assert_eq!(split(&format!("dsk_0123456789ab_{secret}")), Some(("0123456789ab", secret.as_str())));
        for bad in ["", "dsk_", "dsk_0123456789ab_", "dsk_0123456789aé_x", "xyz_0123456789ab_A"] {
            assert_eq!(split(bad), None, "{bad}");
        }
        assert_eq!(split(&format!("dsk_0123456789AB_{secret}")), None);
        assert_eq!(split(&format!("dsk_0123456789ab_{secret}A")), None);
    }
}
