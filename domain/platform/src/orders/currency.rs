//! The currency of orders that name none: the one that most of the shop's orders have.

use database::ids::TenantId;
use database::{DbError, Tx};
use uuid::Uuid;

/// The currency of most of the tenant's orders, of some thousands of them; none where there are no orders. Those of one
/// import are passed over, so that each of its tries finds the same (platform, support or marketing role).
///
/// # Errors
/// The database failed.
pub async fn usual(tx: &mut Tx, tenant: TenantId, without: Option<Uuid>) -> Result<Option<String>, DbError> {
    Ok(sqlx::query_scalar(
        "select currency from (select o.currency from platform.order o
                               where o.tenant_id = $1 and o.import_id is distinct from $2 limit 20000) some
         group by currency order by count(*) desc, currency limit 1",
    )
    .bind(tenant)
    .bind(without)
    .fetch_optional(&mut **tx)
    .await?)
}
