//! How much data a tenant has: what an analytic reads at most, and how far back it can look.

use chrono::NaiveDate;
use sqlx::FromRow;

use database::ids::TenantId;
use database::{DbError, Tx};

/// A tenant's data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, FromRow)]
pub struct Extent {
    /// Customers who have ordered.
    pub customers: i64,
    /// Their order lines.
    pub lines: i64,
    /// The day of the first order, in the shop's zone.
    pub first_order_on: Option<NaiveDate>,
    /// Whether anybody orders mostly in another currency than most do: whoever does is left out of sums.
    pub has_other_currencies: bool,
}

/// Reads it in one pass over customers, so worth keeping (any app role).
///
/// # Errors
/// The database does not answer.
pub async fn extent(tx: &mut Tx, tenant: TenantId) -> Result<Extent, DbError> {
    Ok(sqlx::query_as(
        "select count(*) as customers, coalesce(sum(lines), 0)::bigint as lines,
                (min(first_order_at) at time zone (select platform.shop_zone()))::date as first_order_on,
                coalesce(min(currency) <> max(currency), false) as has_other_currencies
         from platform.customer_profile where tenant_id = $1",
    )
    .bind(tenant)
    .fetch_one(&mut **tx)
    .await?)
}
