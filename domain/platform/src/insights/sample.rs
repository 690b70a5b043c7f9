//! A bounded sample of the customers of a run, by a hash of their ids.

use database::{DbError, Tx};

/// A customer of the sample.
#[derive(Debug, sqlx::FromRow)]
pub struct Sampled {
    /// The features as they are stored, four bytes each.
    pub features: Vec<u8>,
    /// Probability of churn.
    pub churn: Option<f32>,
}

/// About one customer with orders in `one_in` of a generation, at most `limit` (platform role).
///
/// # Errors
/// The database failed.
pub async fn sample(tx: &mut Tx, generation: i32, one_in: i64, limit: i64) -> Result<Vec<Sampled>, DbError> {
    Ok(sqlx::query_as(
        "select i.features, f.churn
         from platform.customer_insight i join platform.customer_fact f using (tenant_id, generation, customer_id)
         where i.generation = $1 and f.orders > 0 and mod(hashtextextended(i.customer_id, 7), $2) = 0 limit $3",
    )
    .persistent(false)
    .bind(generation)
    .bind(one_in)
    .bind(limit)
    .fetch_all(&mut **tx)
    .await?)
}
