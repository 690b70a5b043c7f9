//! A tenant's connection to its shop at Shopify: which shop, and the tokens that open it, sealed.
//!
//! Tokens last an hour and are renewed by whoever needs them, a worker most of the time. The gateway makes and removes a
//! connection; the platform's role reads it and renews its tokens by a function that can do nothing else.

pub mod install;
pub mod signature;

use std::fmt;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use sqlx::types::Json;

use crate::integrations::IntegrationError;
use crate::seal::MasterKey;
use database::ids::TenantId;
use database::{DbError, Tx};

/// The name of the connection, and of everything that comes through it.
pub const PROVIDER: &str = "shopify";

/// What opens a shop. Printing it for debugging shows no secret.
#[derive(Clone, PartialEq, Eq)]
pub struct Connection {
    /// The shop's own domain, such as `corner-records.myshopify.com`.
    pub shop: String,
    /// Sent with each call.
    pub access_token: String,
    /// Until when the access token is good; none for one that does not expire.
    pub expires_at: Option<DateTime<Utc>>,
    /// What the next tokens are asked for with; each is good once.
    pub refresh_token: Option<String>,
    /// What the shop's owner agreed to.
    pub scopes: String,
    /// When it was written; what is renewed must be what was read.
    pub written_at: DateTime<Utc>,
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection")
            .field("shop", &self.shop)
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}

#[derive(Serialize, Deserialize)]
struct Config {
    shop: String,
    scopes: String,
    expires_at: Option<DateTime<Utc>>,
}

#[derive(Serialize, Deserialize)]
struct Secrets {
    access_token: String,
    refresh_token: Option<String>,
}

/// Why a shop is not connected.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The shop belongs to somebody else here.
    #[error("this shop is connected to another tenant; it must be disconnected there first")]
    Elsewhere,
    /// The tenant has another shop.
    #[error("another shop is connected; disconnect it first")]
    Another,
    /// The database failed.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl From<sqlx::Error> for ConnectError {
    fn from(error: sqlx::Error) -> ConnectError {
        ConnectError::Db(error.into())
    }
}

/// Connects a shop, or connects it anew (gateway role).
///
/// # Errors
/// Somebody else has it, the tenant has another, or the database failed.
pub async fn connect(
    tx: &mut Tx,
    key: &MasterKey,
    tenant: TenantId,
    connection: &Connection,
    now: DateTime<Utc>,
) -> Result<(), ConnectError> {
    let owner: Option<(TenantId, Option<DateTime<Utc>>)> = sqlx::query_as(
        "insert into shared.shop_account as a (provider, account, tenant_id, connected_at) values ($1, $2, $3, $4)
         on conflict (provider, account) do update set tenant_id = excluded.tenant_id, connected_at = excluded.connected_at,
             disconnected_at = null
             where a.tenant_id = excluded.tenant_id or a.disconnected_at is not null
         returning tenant_id, disconnected_at",
    )
    .bind(PROVIDER)
    .bind(&connection.shop)
    .bind(tenant)
    .bind(now)
    .fetch_optional(&mut **tx)
    .await
    .map_err(|error| match DbError::from(error) {
        error if error.violates("shop_account_once") => ConnectError::Another,
        error => ConnectError::Db(error),
    })?;
    if owner.is_none() {
        return Err(ConnectError::Elsewhere);
    }
    let (config, sealed) = written(key, tenant, connection);
    sqlx::query(
        "insert into shared.integration (tenant_id, provider, config, sealed_secrets) values ($1, $2, $3, $4)
         on conflict (tenant_id, provider) do update
         set config = excluded.config, sealed_secrets = excluded.sealed_secrets, updated_at = clock_timestamp()",
    )
    .bind(tenant)
    .bind(PROVIDER)
    .bind(Json(config))
    .bind(sealed)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// The tenant's connection (platform or gateway role); none when no shop is connected.
///
/// # Errors
/// The stored secrets do not open, or the database failed.
pub async fn read(
    tx: &mut Tx,
    key: &MasterKey,
    tenant: TenantId,
) -> Result<Option<Connection>, IntegrationError> {
    let stored: Option<(serde_json::Value, Vec<u8>, DateTime<Utc>)> = sqlx::query_as(
        "select config, sealed_secrets, updated_at from shared.integration where tenant_id = $1 and provider = $2",
    )
    .bind(tenant)
    .bind(PROVIDER)
    .fetch_optional(&mut **tx)
    .await
    .map_err(DbError::from)?;
    let Some((config, sealed, written_at)) = stored else { return Ok(None) };
    let config: Config = serde_json::from_value(config).map_err(|_| IntegrationError::Unreadable)?;
    let plain = key.unseal(&owner(tenant), &sealed)?;
    let secrets: Secrets = serde_json::from_slice(&plain).map_err(|_| IntegrationError::Unreadable)?;
    Ok(Some(Connection {
        shop: config.shop,
        access_token: secrets.access_token,
        expires_at: config.expires_at,
        refresh_token: secrets.refresh_token,
        scopes: config.scopes,
        written_at,
    }))
}

/// Waits for everybody else who renews this tenant's tokens, until the transaction ends: a refresh token is good once.
///
/// # Errors
/// The database failed.
pub async fn take_turn(tx: &mut Tx, tenant: TenantId) -> Result<(), DbError> {
    sqlx::query("select pg_advisory_xact_lock(hashtextextended('shopify-tokens:' || $1::text, 0))")
        .bind(tenant)
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// Stores renewed tokens in place of those that were read at `connection.written_at` (platform role); false when the
/// connection changed meanwhile.
///
/// # Errors
/// The database failed.
pub async fn renew(
    tx: &mut Tx,
    key: &MasterKey,
    tenant: TenantId,
    connection: &Connection,
) -> Result<bool, DbError> {
    let (config, sealed) = written(key, tenant, connection);
    Ok(sqlx::query_scalar("select shared.renew_integration($1, $2, $3, $4)")
        .bind(PROVIDER)
        .bind(connection.written_at)
        .bind(Json(config))
        .bind(sealed)
        .fetch_one(&mut **tx)
        .await?)
}

/// Removes a connection with its tokens (gateway role); false when there was none.
///
/// # Errors
/// The database failed.
pub async fn disconnect(tx: &mut Tx, tenant: TenantId) -> Result<bool, DbError> {
    Ok(sqlx::query_scalar("select shared.remove_integration($1, $2)")
        .bind(tenant)
        .bind(PROVIDER)
        .fetch_one(&mut **tx)
        .await?)
}

/// Whose shop it is or was last, and since when (gateway role).
///
/// # Errors
/// The database failed.
pub async fn tenant_of(tx: &mut Tx, shop: &str) -> Result<Option<(TenantId, DateTime<Utc>)>, DbError> {
    Ok(sqlx::query_as(
        "select tenant_id, connected_at from shared.shop_account where provider = $1 and account = $2",
    )
    .bind(PROVIDER)
    .bind(shop)
    .fetch_optional(&mut **tx)
    .await?)
}

fn written(key: &MasterKey, tenant: TenantId, connection: &Connection) -> (Config, Vec<u8>) {
    let config = Config {
        shop: connection.shop.clone(),
        scopes: connection.scopes.clone(),
        expires_at: connection.expires_at,
    };
    let secrets = Secrets {
        access_token: connection.access_token.clone(),
        refresh_token: connection.refresh_token.clone(),
    };
    let plain = serde_json::to_vec(&secrets).expect("texts are serialisable");
    (config, key.seal(&owner(tenant), &plain))
}

fn owner(tenant: TenantId) -> String {
    format!("{tenant}:{PROVIDER}")
}
