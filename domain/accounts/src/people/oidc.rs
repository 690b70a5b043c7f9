//! Sign-in at another system by OpenID Connect: how a tenant has configured it, and sign-ins that are under way.
//!
//! What a sign-in under way must remember (nonce and PKCE verifier) stays here, sealed; the browser carries the `state`
//! and a cookie, of which only hashes are stored. Each state is good once, for ten minutes, in the browser that began.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use sqlx::types::Json;

use super::permissions::Role;
use crate::base_url::{self, Loopback};
use crate::integrations::IntegrationError;
use crate::seal::MasterKey;
use database::ids::TenantId;
use database::{DbError, Tx};

const PROVIDER: &str = "oidc";

/// How long a person may take at the other system.
pub const LIFETIME: TimeDelta = TimeDelta::minutes(10);

/// A tenant's other system. Printing it for debugging shows no secret.
#[derive(Clone, PartialEq, Eq)]
pub struct Oidc {
    /// The issuer's address, exactly as it writes it into its tokens.
    pub issuer: String,
    /// Who we are to it.
    pub client_id: String,
    /// What proves that.
    pub client_secret: String,
    /// The role of a person who is not known yet; none refuses them.
    pub creates: Option<Role>,
}

impl std::fmt::Debug for Oidc {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Oidc")
            .field("issuer", &self.issuer)
            .field("creates", &self.creates)
            .finish_non_exhaustive()
    }
}

#[derive(Serialize, Deserialize)]
struct Config {
    issuer: String,
    client_id: String,
    creates: Option<Role>,
}

/// Stores a tenant's settings, replacing earlier ones (gateway role).
///
/// # Errors
/// A field does not fit, or the database failed.
pub async fn put(
    tx: &mut Tx,
    key: &MasterKey,
    tenant: TenantId,
    settings: &Oidc,
    loopback: Loopback,
) -> Result<(), IntegrationError> {
    base_url::check(&settings.issuer, loopback)?;
    for (field, text) in [("client_id", &settings.client_id), ("client_secret", &settings.client_secret)] {
        if text.is_empty() || text.len() > 1_000 {
            return Err(IntegrationError::Field { field, problem: "must have 1-1000 characters" });
        }
    }
    let config = Config {
        issuer: settings.issuer.clone(),
        client_id: settings.client_id.clone(),
        creates: settings.creates,
    };
    sqlx::query(
        "insert into shared.integration (tenant_id, provider, config, sealed_secrets) values ($1, $2, $3, $4)
         on conflict (tenant_id, provider) do update
         set config = excluded.config, sealed_secrets = excluded.sealed_secrets, updated_at = now()",
    )
    .bind(tenant)
    .bind(PROVIDER)
    .bind(Json(config))
    .bind(key.seal(&owner(tenant), settings.client_secret.as_bytes()))
    .execute(&mut **tx)
    .await
    .map_err(DbError::from)?;
    Ok(())
}

/// A tenant's settings; none when it has no other system (gateway role).
///
/// # Errors
/// They cannot be read, or the database failed.
pub async fn get(tx: &mut Tx, key: &MasterKey, tenant: TenantId) -> Result<Option<Oidc>, IntegrationError> {
    let stored: Option<(serde_json::Value, Vec<u8>)> = sqlx::query_as(
        "select config, sealed_secrets from shared.integration where tenant_id = $1 and provider = $2",
    )
    .bind(tenant)
    .bind(PROVIDER)
    .fetch_optional(&mut **tx)
    .await
    .map_err(DbError::from)?;
    let Some((config, sealed)) = stored else { return Ok(None) };
    let config: Config = serde_json::from_value(config).map_err(|_| IntegrationError::Unreadable)?;
    let secret = key.unseal(&owner(tenant), &sealed)?;
    Ok(Some(Oidc {
        issuer: config.issuer,
        client_id: config.client_id,
        client_secret: String::from_utf8(secret).map_err(|_| IntegrationError::Unreadable)?,
        creates: config.creates,
    }))
}

/// The tenants whose people sign in at this issuer; two are enough to know that it tells nobody's (gateway role).
///
/// # Errors
/// The database failed.
pub async fn tenants_of(tx: &mut Tx, issuer: &str) -> Result<Vec<TenantId>, DbError> {
    Ok(sqlx::query_scalar(
        "select tenant_id from shared.integration where provider = 'oidc' and config ->> 'issuer' = $1 limit 2",
    )
    .bind(issuer)
    .fetch_all(&mut **tx)
    .await?)
}

/// The issuers at which tenants' people sign in, each once (gateway role).
///
/// # Errors
/// The database failed.
pub async fn issuers(tx: &mut Tx, limit: i64) -> Result<Vec<String>, DbError> {
    Ok(sqlx::query_scalar(
        "select distinct config ->> 'issuer' from shared.integration
         where provider = 'oidc' and config ->> 'issuer' is not null order by 1 limit $1",
    )
    .bind(limit)
    .fetch_all(&mut **tx)
    .await?)
}

fn owner(tenant: TenantId) -> String {
    format!("{tenant}:{PROVIDER}")
}

/// What a sign-in under way must remember.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Remembered {
    /// Comes back within the identity token.
    pub nonce: String,
    /// Proves to the other system that whoever exchanges the code began the sign-in.
    pub verifier: String,
    /// Where a browser of ours goes afterwards: a path.
    pub then: String,
}

/// Notes that a browser begins (gateway role).
///
/// # Errors
/// The database failed.
pub async fn begin(
    tx: &mut Tx,
    key: &MasterKey,
    tenant: TenantId,
    (state, browser): (&str, &str),
    remembered: &Remembered,
    now: DateTime<Utc>,
) -> Result<(), DbError> {
    let plain = serde_json::to_vec(remembered).expect("texts are serialisable");
    sqlx::query(
        "insert into shared.oidc_flow
             (state_hash, tenant_id, sealed_secrets, browser_hash, created_at, expires_at)
         values ($1, $2, $3, $4, $5, $6)",
    )
    .bind(hash(state))
    .bind(tenant)
    .bind(key.seal(&flow_owner(tenant), &plain))
    .bind(hash(browser))
    .bind(now)
    .bind(now + LIFETIME)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Takes the sign-in of this state, once; none when there is none, it was taken or has expired, or another browser comes
/// with it (gateway role).
///
/// # Errors
/// The database failed.
pub async fn take(
    tx: &mut Tx,
    key: &MasterKey,
    (state, browser): (&str, &str),
    now: DateTime<Utc>,
) -> Result<Option<(TenantId, Remembered)>, DbError> {
    let taken: Option<(TenantId, Vec<u8>)> = sqlx::query_as(
        "update shared.oidc_flow set used_at = $3
         where state_hash = $1 and browser_hash = $2 and used_at is null and expires_at > $3
         returning tenant_id, sealed_secrets",
    )
    .bind(hash(state))
    .bind(hash(browser))
    .bind(now)
    .fetch_optional(&mut **tx)
    .await?;
    let Some((tenant, sealed)) = taken else { return Ok(None) };
    let plain = key.unseal(&flow_owner(tenant), &sealed).ok();
    let remembered = plain.and_then(|plain| serde_json::from_slice(&plain).ok());
    Ok(remembered.map(|remembered| (tenant, remembered)))
}

fn flow_owner(tenant: TenantId) -> String {
    format!("{tenant}:oidc-flow")
}

fn hash(text: &str) -> Vec<u8> {
    Sha256::digest(text.as_bytes()).to_vec()
}
