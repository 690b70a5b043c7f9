//! Orders that a shop deleted without our hearing of it. A shop lists nothing that is gone, and the webhook that tells of a
//! deletion may be lost; so after each reading the shop is asked by their ids whether it still has the orders that are stored
//! of it.

use chrono::{DateTime, TimeDelta, Utc};
use database::ids::TenantId;
use database::{DbError, Tx};

use super::store::{self, Heard};

/// An app without the permission `read_all_orders` is shown orders of the last 60 days only, so an older one that it is not
/// shown need not be gone. Some days less, because an order may be dated a little later than it was made.
const SHOWN_WITHOUT_PERMISSION: TimeDelta = TimeDelta::days(55);

/// With the permission: older orders are seldom deleted, and each that is asked for costs a point of the shop's allowance.
const LOOKED_BACK: TimeDelta = TimeDelta::days(400);

const ALL_ORDERS: &str = "read_all_orders";

/// Orders that one step looks at.
pub const AT_ONCE: i64 = 1_000;

/// A shop that has none of so many orders any more shows us less than it did; that is no deletion.
const NONE_OF: usize = 20;

/// From when on orders are looked for, by the permissions that the shop gave.
pub fn since(scopes: &str, now: DateTime<Utc>) -> DateTime<Utc> {
    let has_all = scopes.split([',', ' ']).any(|scope| scope == ALL_ORDERS);
    now - if has_all { LOOKED_BACK } else { SHOWN_WITHOUT_PERMISSION }
}

/// The shop's ids of stored orders that were placed since then and count for something, behind `after` by the order of texts,
/// at most [`AT_ONCE`] (platform role).
///
/// # Errors
/// The database failed.
pub async fn stored(
    tx: &mut Tx,
    source: &str,
    placed_since: DateTime<Utc>,
    after: &str,
) -> Result<Vec<String>, DbError> {
    Ok(sqlx::query_scalar(
        "select r.external_id
         from platform.shop_ref r join platform.order o on o.tenant_id = r.tenant_id and o.order_id = r.internal_id
         where r.tenant_id = (select shared.current_tenant()) and r.source = $1 and r.kind = 'order' and r.external_id > $2
           and o.source = $1 and o.placed_at >= $3 and not (o.payment = 'voided' and o.sale_lines = 0)
         order by r.external_id limit $4",
    )
    .bind(source)
    .bind(after)
    .bind(placed_since)
    .bind(AT_ONCE)
    .fetch_all(&mut **tx)
    .await?)
}

/// Takes out what the shop has no more of the orders that it was asked for (platform role); how many orders that are. None
/// when it says so of all of many.
///
/// # Errors
/// The database failed.
pub async fn take_out(
    tx: &mut Tx,
    tenant: TenantId,
    source: &'static str,
    (asked, gone): (usize, &[String]),
    heard: Heard,
) -> Result<Option<i64>, DbError> {
    if gone.len() == asked && asked >= NONE_OF {
        return Ok(None);
    }
    let mut count = 0;
    for id in gone {
        count += i64::from(store::deleted(tx, tenant, source, id, heard).await?);
    }
    Ok(Some(count))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_far_is_looked_back_is_the_shop_s_to_allow() {
        let now = Utc::now();
        assert_eq!(since("read_orders,read_customers", now), now - SHOWN_WITHOUT_PERMISSION);
        assert_eq!(since("", now), now - SHOWN_WITHOUT_PERMISSION);
        assert_eq!(since("read_customers,read_all_orders", now), now - LOOKED_BACK);
        assert_eq!(since("read_all_orders read_orders", now), now - LOOKED_BACK);
    }
}
