//! Where customers stand among all of the tenant's: their risk and worth, and how both are spread.

use sqlx::FromRow;
use uuid::Uuid;

use database::{DbError, Tx};

/// A customer as the current run knows them.
#[derive(Debug, Clone, PartialEq, FromRow)]
pub struct Standing {
    /// The shop's id.
    pub customer_id: String,
    /// Probability of no order within the horizon.
    pub churn: Option<f32>,
    /// Expected spend within the horizon.
    pub ltv: Option<f32>,
    /// Orders.
    pub orders: i32,
}

/// How risk and worth are spread over a run's customers.
#[derive(Debug, Clone, PartialEq, FromRow)]
pub struct Spread {
    /// The run.
    pub run_id: Uuid,
    /// Median of the risk; none without a model.
    pub churn_median: Option<f32>,
    /// Expected spend at 0, 1, ... 100 % of the customers; empty without a model.
    pub ltv_percentiles: Vec<f32>,
}

/// Those of the customers whom the current run knows, at most a thousand (platform or support role).
///
/// # Errors
/// The database failed.
pub async fn of(tx: &mut Tx, customers: &[String]) -> Result<Vec<Standing>, DbError> {
    Ok(sqlx::query_as(
        "select f.customer_id, f.churn, f.ltv, f.orders
         from platform.current_run n
         join platform.customer_fact f on f.tenant_id = n.tenant_id and f.generation = n.generation
         where n.tenant_id = shared.current_tenant() and f.customer_id = any ($1)",
    )
    .bind(customers)
    .fetch_all(&mut **tx)
    .await?)
}

/// The current run's spread, unless the run is the one that is known; none as well before the first run. It reads every
/// customer: about a second a million (platform or support role).
///
/// # Errors
/// The database failed.
pub async fn spread(tx: &mut Tx, known: Option<Uuid>) -> Result<Option<Spread>, DbError> {
    let run: Option<Uuid> = sqlx::query_scalar(
        "select run_id from platform.current_run where tenant_id = shared.current_tenant()",
    )
    .fetch_optional(&mut **tx)
    .await?;
    if run.is_none() || run == known {
        return Ok(None);
    }
    Ok(sqlx::query_as(
        "select n.run_id, spread.churn_median, coalesce(spread.ltv_percentiles, '{}') as ltv_percentiles
         from platform.current_run n
         cross join lateral (
             select (percentile_disc(0.5) within group (order by f.churn))::real as churn_median,
                    (percentile_disc(array(select g / 100.0 from generate_series(0, 100) g)::float8[])
                         within group (order by f.ltv))::real[] as ltv_percentiles
             from platform.customer_fact f
             where f.tenant_id = n.tenant_id and f.generation = n.generation
         ) spread
         where n.tenant_id = shared.current_tenant()",
    )
    .fetch_optional(&mut **tx)
    .await?)
}
