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

/// Something that was sealed under the master key.
#[derive(FromRow)]
struct Sealed {
    /// What it is, for people.
    what: String,
    tenant_id: Uuid,
    /// What it was sealed for.
    owner: String,
    sealed: Vec<u8>,
}

/// Whether this is the database's key. In a database that has no secret yet it becomes so (login roles that may act as
/// support). One that is from before there was a value that decides has secrets: the key that opens any of them is its own,
/// for some may be left of a key that was lost; which those are is logged.
///
/// # Errors
/// The database failed, so it is not known.
pub async fn is_of(db: &Db, key: &MasterKey) -> Result<bool, DbError> {
    // Of no tenant.
    let mut tx = db.tenant_tx(Role::Support, TenantId(Uuid::nil())).await?;
    let is_right = match value(&mut tx, None).await? {
        Some(value) => opens(key, &value),
        None => opens_any(&mut tx, key).await? && becomes(&mut tx, key).await?,
    };
    tx.commit().await?;
    Ok(is_right)
}

fn opens(key: &MasterKey, value: &[u8]) -> bool {
    key.unseal(OWNER, value).is_ok()
}

/// Leaves the value that decides from now on; whether it is this key's, for another process may have been first.
async fn becomes(tx: &mut Tx, key: &MasterKey) -> Result<bool, DbError> {
    let made = value(tx, Some(key.seal(OWNER, b""))).await?;
    Ok(made.is_some_and(|value| opens(key, &value)))
}

/// Whether nothing is sealed, or some of it opens.
async fn opens_any(tx: &mut Tx, key: &MasterKey) -> Result<bool, DbError> {
    let sealed: Vec<Sealed> =
        sqlx::query_as("select what, tenant_id, owner, sealed from shared.sealed_under_master_key()")
            .fetch_all(&mut **tx)
            .await?;
    let count = sealed.len();
    let closed: Vec<Sealed> =
        sealed.into_iter().filter(|one| key.unseal(&one.owner, &one.sealed).is_err()).collect();
    if count > 0 && closed.len() == count {
        return Ok(false);
    }
    for Sealed { what, tenant_id, .. } in closed {
        tracing::warn!(
            tenant = %tenant_id,
            "{what} does not open under DESK_MASTER_KEY, which opens others; enter it again, or do without what lies under it"
        );
    }
    Ok(true)
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

/// The value that opens under the database's key alone; the candidate becomes it when there is none.
async fn value(tx: &mut Tx, candidate: Option<Vec<u8>>) -> Result<Option<Vec<u8>>, DbError> {
    Ok(sqlx::query_scalar("select check_value from shared.master_key_check($1)")
        .bind(candidate)
        .fetch_one(&mut **tx)
        .await?)
}
