//! What customers of a list bought last.

use chrono::NaiveDate;
use rust_decimal::Decimal;
use sqlx::FromRow;

use super::{AnalyticsError, Standing};
use database::Tx;

/// A customer's last order that is no return.
#[derive(Debug, Clone, PartialEq, FromRow)]
pub struct LastOrder {
    /// The shop's id of the customer.
    pub customer_id: String,
    /// Its day, in the shop's zone.
    pub ordered_on: NaiveDate,
    /// The sum of its lines in the tenant's main currency; none when it was paid in another.
    pub value: Option<Decimal>,
    /// Up to five of its products.
    pub products: Vec<String>,
    /// Up to five of its categories.
    pub categories: Vec<String>,
}

/// The last orders of these customers; whoever has none is left out. One look in an index for each, so meant for the
/// customers of a list.
///
/// # Errors
/// Nothing was ever ordered, or the database does not answer.
pub async fn of(
    tx: &mut Tx,
    standing: &Standing,
    customers: &[String],
) -> Result<Vec<LastOrder>, AnalyticsError> {
    Ok(sqlx::query_as(include_str!("last_orders.sql"))
        .bind(standing.tenant)
        .bind(customers)
        .bind(standing.end())
        .bind(standing.currency()?)
        .fetch_all(&mut **tx)
        .await?)
}
