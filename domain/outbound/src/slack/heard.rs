//! Requests of Slack that were taken in. It sends an event again when it did not hear the answer, so the first one that
//! arrives counts, and it counts in the transaction that asks for its job: an attempt that was lost leaves no trace.

use uuid::Uuid;

use database::ids::TenantId;
use database::{DbError, Tx};

/// Whether this is the first time that the request is heard of; kept for a day (outbound role).
///
/// # Errors
/// The database failed.
pub async fn is_new(tx: &mut Tx, tenant: TenantId, workspace: Uuid, key: &str) -> Result<bool, DbError> {
    let added = sqlx::query(
        "insert into outbound.heard (tenant_id, workspace_id, key) values ($1, $2, $3) on conflict do nothing",
    )
    .bind(tenant)
    .bind(workspace)
    .bind(key.chars().take(200).collect::<String>())
    .execute(&mut **tx)
    .await?;
    Ok(added.rows_affected() == 1)
}
