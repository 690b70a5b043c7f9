//! Whether the master key of a process is the one under which this database's secrets lie. A well-formed key that another
//! system has lets a process start, and then nothing opens: so processes ask before they work.

use std::time::Duration;

use database::{Db, DbError, Role, Tx, ids::TenantId};
use sqlx::FromRow;
use uuid::Uuid;

use crate::seal::MasterKey;

/// What somebody is told whose key is another one.
pub const EXPECTED: &str =
    "the key under which this database's secrets lie, which is the same in every process";

/// What the value is sealed for: no tenant's secret has this owner.
const OWNER: &str = "deskwork:master-key";

/// How often a database that does not answer is asked.
const ASK_EVERY: Duration = Duration::from_secs(1);

/// What `shared.master_key_check` tells.
#[derive(FromRow)]
struct Known {
    check_value: Option<Vec<u8>>,
    tenant_id: Option<Uuid>,
    provider: Option<String>,
    sealed_secrets: Option<Vec<u8>>,
}

/// Whether this is the database's key. In a database that has no secret yet it becomes so (login roles that may act as
/// support).
///
/// # Errors
/// The database failed, so it is not known.
pub async fn is_of(db: &Db, key: &MasterKey) -> Result<bool, DbError> {
    // Of no tenant.
    let mut tx = db.tenant_tx(Role::Support, TenantId(Uuid::nil())).await?;
    let known = ask(&mut tx, None).await?;
    let is_right = match (known.check_value, known.tenant_id, known.provider, known.sealed_secrets) {
        (Some(value), ..) => key.unseal(OWNER, &value).is_ok(),
        (None, Some(tenant), Some(provider), Some(secrets))
            if key.unseal(&format!("{tenant}:{provider}"), &secrets).is_err() =>
        {
            false
        }
        _ => {
            let made = ask(&mut tx, Some(key.seal(OWNER, b""))).await?;
            made.check_value.is_some_and(|value| key.unseal(OWNER, &value).is_ok())
        }
    };
    tx.commit().await?;
    Ok(is_right)
}

/// The same, asked until the database answers.
pub async fn is_of_when_known(db: &Db, key: &MasterKey) -> bool {
    let mut told = false;
    loop {
        match is_of(db, key).await {
            Ok(is_right) => return is_right,
            Err(error) => {
                if !std::mem::replace(&mut told, true) {
                    tracing::warn!(%error, "whether DESK_MASTER_KEY is the database's is not known yet; it is asked again every second");
                }
                tokio::time::sleep(ASK_EVERY).await;
            }
        }
    }
}

async fn ask(tx: &mut Tx, candidate: Option<Vec<u8>>) -> Result<Known, DbError> {
    let known = sqlx::query_as(
        "select check_value, tenant_id, provider, sealed_secrets from shared.master_key_check($1)",
    )
    .bind(candidate)
    .fetch_one(&mut **tx)
    .await?;
    Ok(known)
}
