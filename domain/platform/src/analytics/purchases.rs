//! One customer's purchase history, order by order.

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use serde::Serialize;
use sqlx::FromRow;

use database::{DbError, Tx};

/// An order, the sum of its lines.
#[derive(Debug, Clone, PartialEq, Serialize, FromRow)]
pub struct Purchase {
    /// The shop's order number.
    pub order_id: String,
    /// When it was placed.
    pub ordered_at: DateTime<Utc>,
    /// Sum of its lines; negative for a return.
    pub amount: Decimal,
    /// ISO 4217 code.
    pub currency: String,
    /// Units.
    pub units: Decimal,
    /// Lines.
    pub lines: i64,
    /// Whether it is a return.
    pub is_return: bool,
    /// Up to ten of its products.
    pub products: Vec<String>,
    /// Up to ten of its categories.
    pub categories: Vec<String>,
}

/// The place of a purchase in the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// When it was placed.
    pub ordered_at: DateTime<Utc>,
    /// The shop's order number.
    pub order_id: String,
    /// ISO 4217 code.
    pub currency: String,
}

/// What a customer ordered in one currency.
#[derive(Debug, Clone, PartialEq, Serialize, FromRow)]
pub struct OfCurrency {
    /// ISO 4217 code.
    pub currency: String,
    /// Orders that are no returns.
    pub orders: i64,
    /// Money spent in it, net of returns.
    pub spend: Decimal,
}

/// What a customer ordered until a moment, currency by currency, the most frequent first (any app role).
///
/// # Errors
/// The database does not answer.
pub async fn by_currency(
    tx: &mut Tx,
    customer_id: &str,
    until: DateTime<Utc>,
) -> Result<Vec<OfCurrency>, DbError> {
    Ok(sqlx::query_as(
        "select currency, count(distinct order_id) filter (where not is_return) as orders, sum(amount) as spend
         from platform.order_line
         where tenant_id = (select shared.current_tenant()) and customer_id = $1 and ordered_at < $2 and counts is not false
         group by currency order by count(*) desc, currency",
    )
    .bind(customer_id)
    .bind(until)
    .fetch_all(&mut **tx)
    .await?)
}

/// Whether the tenant has this customer (any app role).
///
/// # Errors
/// The database does not answer.
pub async fn exists(tx: &mut Tx, customer_id: &str) -> Result<bool, DbError> {
    Ok(sqlx::query_scalar(
        "select exists (select from platform.customer
                        where tenant_id = shared.current_tenant() and customer_id = $1)",
    )
    .bind(customer_id)
    .fetch_one(&mut **tx)
    .await?)
}

/// A customer's orders, newest first, after a place, at most `limit` (any app role).
///
/// # Errors
/// The database does not answer.
pub async fn list(
    tx: &mut Tx,
    customer_id: &str,
    after: Option<&Place>,
    limit: u32,
) -> Result<Vec<Purchase>, DbError> {
    let mut purchases: Vec<Purchase> = sqlx::query_as(include_str!("purchases.sql"))
        .bind(customer_id)
        .bind(after.map(|place| place.ordered_at))
        .bind(after.map(|place| place.order_id.as_str()))
        .bind(after.map(|place| place.currency.as_str()))
        .bind(i64::from(limit))
        .fetch_all(&mut **tx)
        .await?;
    for purchase in &mut purchases {
        purchase.units = purchase.units.normalize();
    }
    Ok(purchases)
}
