//! What single rows of the current facts were before they were brought up to date, so that counts from the bit index
//! stay right without making it anew.

use sqlx::{Postgres, QueryBuilder};

use super::bits::{Header, MANY_CHANGES};
use super::facts::Facts;
use super::resolve::Test;
use super::scan::push_test;
use database::ids::TenantId;
use database::{DbError, Tx};

/// Notes what the current facts of these customers are, before they change (platform role). The caller changes them
/// and raises `current_run.facts_version` by one, all in one transaction. Changes that were not noted are noticed,
/// and then counts look at every row.
pub async fn note(tx: &mut Tx, tenant: TenantId, customers: &[String]) -> Result<(), DbError> {
    // The pointer's row is locked first, so that versions follow each other.
    sqlx::query("select from platform.current_run where tenant_id = $1 for update")
        .bind(tenant)
        .execute(&mut **tx)
        .await?;
    // What was noted for earlier runs is of no use any more.
    sqlx::query(
        "delete from platform.fact_change where tenant_id = $1
         and generation < (select generation from platform.current_run where tenant_id = $1)",
    )
    .bind(tenant)
    .execute(&mut **tx)
    .await?;
    sqlx::query(
        "insert into platform.fact_change
             (facts_version, existed, tenant_id, generation, customer_id, orders, spend_cents, first_order_on, last_order_on,
              purchase_frequency, purchase_value, category_exploration, price_sensitivity, purchase_cadence,
              customer_maturity, repurchase_behavior, return_behavior, communication, problem_complexity, loyalty,
              feedback, value_sensitivity, archetype_l1, archetype_l2, marketing_opt_in,
              churn, ltv, shipping_country, shipping_state)
         select r.facts_version + 1, f.customer_id is not null, r.tenant_id, r.generation, changed.customer_id, f.orders,
                f.spend_cents, f.first_order_on, f.last_order_on, f.purchase_frequency, f.purchase_value,
                f.category_exploration, f.price_sensitivity, f.purchase_cadence, f.customer_maturity,
                f.repurchase_behavior, f.return_behavior, f.communication, f.problem_complexity, f.loyalty, f.feedback,
                f.value_sensitivity, f.archetype_l1, f.archetype_l2, f.marketing_opt_in, f.churn,
                f.ltv, f.shipping_country, f.shipping_state
         from platform.current_run r
         cross join (select distinct unnest($2::text[])) changed (customer_id)
         left join platform.customer_fact f on f.tenant_id = r.tenant_id and f.generation = r.generation
             and f.customer_id = changed.customer_id
         where r.tenant_id = $1
         on conflict do nothing",
    )
    .bind(tenant)
    .bind(customers)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Whether every change of the facts since the index was made is noted, and they are not too many.
pub(super) async fn are_noted(tx: &mut Tx, facts: &Facts, header: &Header) -> Result<bool, DbError> {
    let changes = facts.version - header.version;
    if facts.run != header.run || !(0..=2 * MANY_CHANGES).contains(&changes) {
        return Ok(false);
    }
    if changes == 0 {
        return Ok(true);
    }
    let noted: i64 = sqlx::query_scalar(
        "select count(distinct facts_version) from platform.fact_change
         where tenant_id = $1 and generation = $2 and facts_version > $3 and facts_version <= $4",
    )
    .bind(facts.rows.tenant)
    .bind(facts.rows.generation)
    .bind(header.version)
    .bind(facts.version)
    .fetch_one(&mut **tx)
    .await?;
    Ok(noted == changes)
}

/// How many more customers match now than did when the index was made.
pub(super) async fn correction(
    tx: &mut Tx,
    facts: &Facts,
    header: &Header,
    test: &Test,
) -> Result<i64, DbError> {
    if facts.version == header.version {
        return Ok(0);
    }
    let mut query: QueryBuilder<Postgres> =
        QueryBuilder::new("with changed as (select distinct on (customer_id) *");
    query.push(" from platform.fact_change where tenant_id = ").push_bind(facts.rows.tenant);
    query.push(" and generation = ").push_bind(facts.rows.generation);
    query.push(" and facts_version > ").push_bind(header.version);
    query.push(" order by customer_id, facts_version) select (select count(*) from platform.customer_fact f where f.tenant_id = ");
    query.push_bind(facts.rows.tenant).push(" and f.generation = ").push_bind(facts.rows.generation);
    query.push(" and f.customer_id in (select customer_id from changed) and ");
    push_test(&mut query, test);
    query.push(") - (select count(*) from changed f where f.existed and ");
    push_test(&mut query, test);
    query.push(")");
    Ok(query.build_query_scalar().persistent(false).fetch_one(&mut **tx).await?)
}

/// Up to `limit` of the customers that changed since the index was made and match now.
pub(super) async fn matching(
    tx: &mut Tx,
    facts: &Facts,
    header: &Header,
    test: &Test,
    limit: i64,
) -> Result<Vec<String>, DbError> {
    if facts.version == header.version {
        return Ok(Vec::new());
    }
    let mut query: QueryBuilder<Postgres> =
        QueryBuilder::new("select f.customer_id from platform.customer_fact f where f.tenant_id = ");
    query.push_bind(facts.rows.tenant).push(" and f.generation = ").push_bind(facts.rows.generation);
    query.push(" and f.customer_id in (select customer_id from platform.fact_change where tenant_id = ");
    query.push_bind(facts.rows.tenant).push(" and generation = ").push_bind(facts.rows.generation);
    query.push(" and facts_version > ").push_bind(header.version).push(") and ");
    push_test(&mut query, test);
    query.push(" order by f.customer_id limit ").push_bind(limit);
    Ok(query.build_query_scalar().persistent(false).fetch_all(&mut **tx).await?)
}
