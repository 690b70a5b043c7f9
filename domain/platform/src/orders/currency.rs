//! The currency of orders that name none: the one that most of the shop's orders have.

use database::ids::TenantId;
use database::{DbError, Tx};
use uuid::Uuid;

/// What an import takes orders for that name no currency: what its first try took them for, and before that the usual one;
/// none where there are no other orders (platform, support or marketing role).
///
/// # Errors
/// The database failed.
pub async fn of_import(tx: &mut Tx, tenant: TenantId, import: Uuid) -> Result<Option<String>, DbError> {
    let kept: Option<Option<String>> =
        sqlx::query_scalar("select assumed_currency from platform.import_run where id = $1")
            .bind(import)
            .fetch_optional(&mut **tx)
            .await?;
    match kept.flatten() {
        Some(currency) => Ok(Some(currency)),
        // Its first try, or one that an older program began.
        None => usual(tx, tenant, Some(import)).await,
    }
}

/// The currency of most of the tenant's orders, of some thousands of them; none where there are no orders. Those of one
/// import are passed over, so that each of its tries finds the same (platform, support or marketing role).
///
/// # Errors
/// The database failed.
pub async fn usual(tx: &mut Tx, tenant: TenantId, without: Option<Uuid>) -> Result<Option<String>, DbError> {
    Ok(sqlx::query_scalar(
        "select currency from (select o.currency from platform.order o
                               where o.tenant_id = $1 and o.import_id is distinct from $2 limit 20000) as sampled
         group by currency order by count(*) desc, currency limit 1",
    )
    .bind(tenant)
    .bind(without)
    .fetch_optional(&mut **tx)
    .await?)
}
