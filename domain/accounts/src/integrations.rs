//! A tenant's connection to its help desk: where it is, how we sign in, how its webhooks are verified.
//!
//! The secrets are one sealed value in the row; the rest is readable configuration.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::base_url::{self, BaseUrlError, Loopback};
use crate::seal::{MasterKey, UnsealError};
use crate::verify::{Mode, Verification};
use database::ids::TenantId;
use database::{Db, DbError, Role, Tx};

const GORGIAS: &str = "gorgias";

/// Everything needed to talk to a tenant's Gorgias account. Printing it for debugging shows no secret.
#[derive(Clone, PartialEq, Eq)]
pub struct Gorgias {
    /// API base address without trailing slash, for example `https://shop.gorgias.com/api`.
    pub base_url: String,
    /// E-mail address of the API user.
    pub email: String,
    /// API key of that user.
    pub api_key: String,
    /// How deliveries are verified; with none, every delivery is refused.
    pub verification: Option<Verification>,
}

impl fmt::Debug for Gorgias {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gorgias")
            .field("base_url", &self.base_url)
            .field("verification", &self.verification)
            .finish_non_exhaustive()
    }
}

/// Why settings could not be stored or read.
#[derive(Debug, thiserror::Error)]
pub enum IntegrationError {
    /// The base address is not acceptable.
    #[error("base_url: {0}")]
    BaseUrl(#[from] BaseUrlError),
    /// A field has an impossible value.
    #[error("{field}: {problem}")]
    Field {
        /// Which.
        field: &'static str,
        /// What it should be.
        problem: &'static str,
    },
    /// The stored secrets do not open; the master key has changed or the row was tampered with.
    #[error(transparent)]
    Unseal(#[from] UnsealError),
    /// The stored settings were written in a form that this version does not read.
    #[error("the stored settings are not readable by this version")]
    Unreadable,
    /// The database failed.
    #[error(transparent)]
    Db(#[from] DbError),
}

#[derive(Serialize, Deserialize)]
struct Config {
    base_url: String,
    email: String,
    mode: Option<Mode>,
}

#[derive(Serialize, Deserialize)]
struct Secrets {
    api_key: String,
    verification: Vec<String>,
}

/// Stores a tenant's Gorgias settings, replacing earlier ones (gateway role).
pub async fn put_gorgias(
    tx: &mut Tx,
    key: &MasterKey,
    tenant: TenantId,
    settings: &Gorgias,
    loopback: Loopback,
) -> Result<(), IntegrationError> {
    let base_url = base_url::check(&settings.base_url, loopback)?;
    check_fields(settings)?;
    let verification = settings.verification.as_ref();
    let config = Config {
        base_url,
        email: settings.email.clone(),
        mode: verification.map(|verification| verification.mode),
    };
    let secrets = Secrets {
        api_key: settings.api_key.clone(),
        verification: verification.map(|verification| verification.secrets.clone()).unwrap_or_default(),
    };
    let plain = serde_json::to_vec(&secrets).expect("texts are serialisable");
    sqlx::query(
        "insert into shared.integration (tenant_id, provider, config, sealed_secrets) values ($1, $2, $3, $4)
         on conflict (tenant_id, provider) do update
         set config = excluded.config, sealed_secrets = excluded.sealed_secrets, updated_at = now()",
    )
    .bind(tenant)
    .bind(GORGIAS)
    .bind(sqlx::types::Json(config))
    .bind(key.seal(&owner(tenant), &plain))
    .execute(&mut **tx)
    .await
    .map_err(DbError::from)?;
    Ok(())
}

/// A tenant's Gorgias settings; none when it has not connected an account.
pub async fn gorgias(
    db: &Db,
    key: &MasterKey,
    tenant: TenantId,
) -> Result<Option<Gorgias>, IntegrationError> {
    // Nobody needs the rights over all tenants to read the settings of one: a worker has them not.
    let mut tx = db.tenant_tx(Role::Support, tenant).await?;
    let settings = gorgias_in(&mut tx, key, tenant).await?;
    tx.commit().await.map_err(DbError::from)?;
    Ok(settings)
}

/// The same within a transaction (any role that may see the tenant's settings).
pub async fn gorgias_in(
    tx: &mut Tx,
    key: &MasterKey,
    tenant: TenantId,
) -> Result<Option<Gorgias>, IntegrationError> {
    let stored: Option<(serde_json::Value, Vec<u8>)> = sqlx::query_as(
        "select config, sealed_secrets from shared.integration where tenant_id = $1 and provider = $2",
    )
    .bind(tenant)
    .bind(GORGIAS)
    .fetch_optional(&mut **tx)
    .await
    .map_err(DbError::from)?;
    let Some((config, sealed)) = stored else { return Ok(None) };
    let config: Config = serde_json::from_value(config).map_err(|_| IntegrationError::Unreadable)?;
    let plain = key.unseal(&owner(tenant), &sealed)?;
    let secrets: Secrets = serde_json::from_slice(&plain).map_err(|_| IntegrationError::Unreadable)?;
    let verification = config.mode.map(|mode| Verification { mode, secrets: secrets.verification });
    Ok(Some(Gorgias {
        base_url: config.base_url,
        email: config.email,
        api_key: secrets.api_key,
        verification,
    }))
}

fn check_fields(settings: &Gorgias) -> Result<(), IntegrationError> {
    let wrong = |field, problem| Err(IntegrationError::Field { field, problem });
    if settings.email.len() > 320 || !settings.email.contains('@') {
        return wrong("email", "must be an e-mail address");
    }
    if settings.api_key.is_empty() || settings.api_key.len() > 1_000 {
        return wrong("api_key", "must have 1-1000 characters");
    }
    if let Some(verification) = &settings.verification {
        if !(1..=2).contains(&verification.secrets.len()) {
            return wrong("verification.secrets", "must be one secret, or two while one replaces the other");
        }
        if verification.secrets.iter().any(|secret| !(16..=1_000).contains(&secret.len())) {
            return wrong("verification.secrets", "must have 16-1000 characters each");
        }
    }
    Ok(())
}

/// What the sealed secrets are bound to.
fn owner(tenant: TenantId) -> String {
    format!("{tenant}:{GORGIAS}")
}
