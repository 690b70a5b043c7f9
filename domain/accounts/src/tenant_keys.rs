//! A key for each tenant, for words that nothing searches. It lies in the database, sealed under the master key; destroying it
//! makes everything that was sealed under it unreadable, copies and backups of those rows too. That is the last resort, for
//! a shop that leaves. What is sealed afterwards has a new key.

use chrono::{DateTime, Utc};
use database::ids::TenantId;
use database::{DbError, Tx};
use serde::Serialize;
use sqlx::FromRow;

use crate::seal::{MasterKey, UnsealError};

/// A tenant's key of the moment.
#[derive(Clone, Debug)]
pub struct TenantKey {
    generation: i32,
    key: MasterKey,
}

/// Why a sealed value is not readable.
#[derive(Debug, thiserror::Error)]
pub enum TenantKeyError {
    /// Somebody destroyed the key.
    #[error("it was sealed under a key that was destroyed at {0}, and nobody can read it any more")]
    Destroyed(DateTime<Utc>),
    /// The key, or the value, does not open.
    #[error(transparent)]
    Unseal(#[from] UnsealError),
    /// The database failed.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl From<sqlx::Error> for TenantKeyError {
    fn from(error: sqlx::Error) -> TenantKeyError {
        TenantKeyError::Db(error.into())
    }
}

impl TenantKey {
    #[cfg(test)]
    pub(crate) fn for_tests() -> TenantKey {
        TenantKey { generation: 1, key: MasterKey::from_bytes([7; 32]) }
    }

    /// Seals `plain` for `owner`, which must be named again to open it: four bytes that name the key, and what it sealed.
    pub fn seal(&self, owner: &str, plain: &[u8]) -> Vec<u8> {
        [self.generation.to_be_bytes().as_slice(), &self.key.seal(owner, plain)].concat()
    }

    /// Opens what was sealed under this very key.
    ///
    /// # Errors
    /// It was sealed under another one, or is damaged.
    pub fn open(&self, owner: &str, sealed: &[u8]) -> Result<Vec<u8>, UnsealError> {
        match sealed.split_first_chunk::<4>() {
            Some((generation, sealed)) if *generation == self.generation.to_be_bytes() => {
                self.key.unseal(owner, sealed)
            }
            _ => Err(UnsealError),
        }
    }
}

/// The tenant's key of the moment, made when there is none (support role).
///
/// # Errors
/// It does not open under this master key, or the database failed.
pub async fn current(tx: &mut Tx, master: &MasterKey, tenant: TenantId) -> Result<TenantKey, TenantKeyError> {
    let candidate = master.seal(&owner(tenant), &rand::random::<[u8; 32]>());
    let (generation, sealed): (i32, Vec<u8>) =
        sqlx::query_as("select generation, sealed_key from shared.tenant_key_now($1)")
            .bind(candidate)
            .fetch_one(&mut **tx)
            .await?;
    opened(master, tenant, generation, &sealed)
}

/// The key under which this value was sealed (any role that may read the tenant's keys).
///
/// # Errors
/// It was destroyed, or is none of the tenant's.
pub async fn of_value(
    tx: &mut Tx,
    master: &MasterKey,
    tenant: TenantId,
    sealed: &[u8],
) -> Result<TenantKey, TenantKeyError> {
    let Some((generation, _)) = sealed.split_first_chunk::<4>() else { return Err(UnsealError.into()) };
    let generation = i32::from_be_bytes(*generation);
    type Kept = (Option<Vec<u8>>, Option<DateTime<Utc>>);
    let found: Option<Kept> = sqlx::query_as(
        "select sealed_key, destroyed_at from shared.tenant_key where tenant_id = $1 and generation = $2",
    )
    .bind(tenant)
    .bind(generation)
    .fetch_optional(&mut **tx)
    .await?;
    match found {
        Some((Some(key), _)) => opened(master, tenant, generation, &key),
        Some((None, Some(at))) => Err(TenantKeyError::Destroyed(at)),
        _ => Err(UnsealError.into()),
    }
}

/// Opens a value, whichever of the tenant's keys sealed it.
///
/// # Errors
/// The key was destroyed, or the value is damaged or another owner's.
pub async fn open(
    tx: &mut Tx,
    master: &MasterKey,
    tenant: TenantId,
    owner: &str,
    sealed: &[u8],
) -> Result<Vec<u8>, TenantKeyError> {
    Ok(of_value(tx, master, tenant, sealed).await?.open(owner, sealed)?)
}

/// A key as people see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, FromRow)]
pub struct KeyState {
    /// Its number.
    pub generation: i32,
    /// Since when it seals.
    pub made_at: DateTime<Utc>,
    /// When it was destroyed.
    pub destroyed_at: Option<DateTime<Utc>>,
    /// By whom.
    pub destroyed_by: Option<String>,
}

/// The tenant's keys, oldest first (any role that may read them).
///
/// # Errors
/// The database failed.
pub async fn list(tx: &mut Tx, tenant: TenantId) -> Result<Vec<KeyState>, DbError> {
    Ok(sqlx::query_as(
        "select generation, made_at, destroyed_at, destroyed_by from shared.tenant_key where tenant_id = $1
         order by generation limit 1000",
    )
    .bind(tenant)
    .fetch_all(&mut **tx)
    .await?)
}

/// Destroys every key that the tenant has (gateway role); answers how many. Copies of the keys' rows in backups are of use
/// with the master key alone, and go with the backups.
///
/// # Errors
/// The database failed.
pub async fn destroy(tx: &mut Tx, tenant: TenantId, by: &str, now: DateTime<Utc>) -> Result<u64, DbError> {
    let done = sqlx::query(
        "update shared.tenant_key set sealed_key = null, destroyed_at = $2, destroyed_by = $3
         where tenant_id = $1 and sealed_key is not null",
    )
    .bind(tenant)
    .bind(now)
    .bind(by)
    .execute(&mut **tx)
    .await?;
    Ok(done.rows_affected())
}

fn owner(tenant: TenantId) -> String {
    format!("{tenant}:tenant-key")
}

fn opened(
    master: &MasterKey,
    tenant: TenantId,
    generation: i32,
    sealed: &[u8],
) -> Result<TenantKey, TenantKeyError> {
    let bytes: [u8; 32] = master.unseal(&owner(tenant), sealed)?.try_into().map_err(|_| UnsealError)?;
    Ok(TenantKey { generation, key: MasterKey::from_bytes(bytes) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_names_its_key() {
        let key = |generation| TenantKey { generation, key: MasterKey::from_bytes([7; 32]) };
        let sealed = key(3).seal("request", b"hush");
        assert_eq!(key(3).open("request", &sealed), Ok(b"hush".to_vec()));
        assert_eq!(key(4).open("request", &sealed), Err(UnsealError));
        assert_eq!(key(3).open("another", &sealed), Err(UnsealError));
        assert_eq!(key(3).open("request", &sealed[..3]), Err(UnsealError));
    }
}
