//! Customers by names that tell nothing of them, for everything that is shown outside of the desk
//! ([`accounts::anonymous_ids`]). Each customer gets a number the first time that one is named.

use std::collections::HashMap;

use accounts::anonymous_ids::AnonymousIds;
use database::ids::TenantId;
use database::{DbError, Tx};

/// The names of these customers, by the shop's ids (outbound role). A shop that has given all numbers away (a million
/// million) names nobody else.
///
/// # Errors
/// The database failed.
pub async fn names(
    tx: &mut Tx,
    tenant: TenantId,
    ids: &AnonymousIds,
    customers: &[String],
) -> Result<HashMap<String, String>, DbError> {
    if customers.is_empty() {
        return Ok(HashMap::new());
    }
    // Two at once must not give the same number to two customers.
    sqlx::query("select pg_advisory_xact_lock(hashtextextended('outbound.customer_number:' || $1::text, 0))")
        .bind(tenant)
        .execute(&mut **tx)
        .await?;
    let numbers: Vec<(String, i64)> = sqlx::query_as(
        "with added as (
             insert into outbound.customer_number (tenant_id, customer_id, number)
             select $1, n.customer_id,
                    coalesce((select max(number) from outbound.customer_number where tenant_id = $1), -1)
                    + row_number() over (order by n.customer_id)
             from (select distinct unnest($2::text[]) as customer_id) n
             where not exists (select from outbound.customer_number k
                               where k.tenant_id = $1 and k.customer_id = n.customer_id)
             returning customer_id, number
         )
         select customer_id, number from added
         union all
         select customer_id, number from outbound.customer_number where tenant_id = $1 and customer_id = any ($2)",
    )
    .bind(tenant)
    .bind(customers)
    .fetch_all(&mut **tx)
    .await?;
    let named = numbers.into_iter().filter_map(|(customer, number)| {
        let name = ids.name(u64::try_from(number).ok()?)?;
        Some((customer, name))
    });
    Ok(named.collect())
}

/// The shop's id of the customer with this name; none when it names nobody (outbound role).
///
/// # Errors
/// The database failed.
pub async fn find(tx: &mut Tx, ids: &AnonymousIds, name: &str) -> Result<Option<String>, DbError> {
    let Some(number) = ids.number(name).and_then(|number| i64::try_from(number).ok()) else {
        return Ok(None);
    };
    Ok(sqlx::query_scalar(
        "select customer_id from outbound.customer_number
         where tenant_id = (select shared.current_tenant()) and number = $1",
    )
    .bind(number)
    .fetch_optional(&mut **tx)
    .await?)
}
