//! One narrow row a customer: the published run's facts, or the purchase profiles while there is no run.
//!
//! The columns are `customer_id, orders, cents` (net of returns), `first_on, last_on, churn, ltv, opt_in`, and derived
//! from them `days` since the last order, `aov` (net spend an order, in cents) and `gap` (mean days between orders).

use sqlx::Postgres;
use sqlx::postgres::PgArguments;
use sqlx::query::QueryAs;

use super::{AnalyticsError, Standing};
use crate::insights::catalog::AXES;

/// Parameters 1 to 3 are the tenant, the generation, and the last day that counts.
const FACTS: &str = "select customer_id, orders, spend_cents as cents, first_order_on as first_on,
        last_order_on as last_on, churn, ltv, marketing_opt_in as opt_in";
const FACTS_FROM: &str = "from platform.customer_fact where tenant_id = $1 and generation = $2";

/// Parameters 1 to 3 are the tenant, the currency, and the last day that counts.
const PROFILES: &str = "select customer_id, orders, (spend * 100)::bigint as cents,
        (first_order_at at time zone (select platform.shop_zone()))::date as first_on, (last_order_at at time zone (select platform.shop_zone()))::date as last_on,
        null::real as churn, null::real as ltv, null::boolean as opt_in
    from platform.customer_profile where tenant_id = $1 and currency = $2";

/// The customers who have ordered, as a sub-query with the parameters 1 to 3 of [`bind`].
pub(super) fn sql(standing: &Standing) -> String {
    derived(&if standing.run.is_some() { format!("{FACTS} {FACTS_FROM}") } else { PROFILES.to_owned() })
}

/// The same with archetypes, the segments of each axis, and `shipping_country`, where there is a published run that knows them.
pub(super) fn sql_with_segments(standing: &Standing) -> String {
    if standing.run.is_none() {
        return sql(standing);
    }
    derived(&format!(
        "{FACTS}, archetype_l1, archetype_l2, shipping_country, {} {FACTS_FROM}",
        AXES.join(", ")
    ))
}

fn derived(rows: &str) -> String {
    format!(
        "(select rows.*, greatest($3::date - last_on, 0) as days, cents / orders as aov,
                 case when orders > 1 then (last_on - first_on)::float8 / (orders - 1) end as gap
          from ({rows}) as rows where orders > 0 and first_on <= $3)"
    )
}

/// Binds the parameters 1 to 3 of [`sql`].
///
/// # Errors
/// Nothing was ever ordered.
pub(super) fn bind<'q, R>(
    query: QueryAs<'q, Postgres, R, PgArguments>,
    standing: &Standing,
) -> Result<QueryAs<'q, Postgres, R, PgArguments>, AnalyticsError> {
    let currency = standing.currency()?.to_owned();
    let query = query.bind(standing.tenant);
    let query = match &standing.run {
        Some(run) => query.bind(run.generation),
        None => query.bind(currency),
    };
    Ok(query.bind(standing.as_of))
}
