//! The shop's customers as a reply needs them: who writes, and what they have bought.

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use serde::Serialize;
use sqlx::FromRow;

use database::{DbError, Tx};

use crate::identities::normal::{self, Id};
use crate::orders::statement::ID_LIMIT;

/// What is said of a text that is no id of a customer.
pub const NO_ID: &str = "must have 1 to 128 characters";

/// Whether a text may be a shop's id of a customer.
pub fn is_id(text: &str) -> bool {
    (1..=ID_LIMIT).contains(&text.chars().count()) && !text.contains('\0')
}

/// Whom a help desk's contact details name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// Nobody whom the shop knows.
    Nobody,
    /// One customer, by their id.
    One(String),
    /// Several who share the address, at most ten of them. Telling one about another's orders would be worse than knowing
    /// nothing.
    Several(Vec<String>),
}

impl Found {
    /// Of the customers' ids.
    pub(crate) fn of(mut ids: Vec<String>) -> Found {
        match ids.len() {
            0 => Found::Nobody,
            1 => ids.pop().map_or(Found::Nobody, Found::One),
            _ => Found::Several(ids),
        }
    }
}

/// The shop's customer by what a help desk knows of them: the shop's own id, else the e-mail address (support role).
/// Whoever was merged is who they are now.
pub async fn find(tx: &mut Tx, customer_id: Option<&str>, email: Option<&str>) -> Result<Found, DbError> {
    let (id, address) = as_normalised(customer_id, email);
    if let Some(id) = id
        && let Some(known) = by_id(tx, &id).await?
    {
        return Ok(Found::One(known));
    }
    let Some(address) = address else { return Ok(Found::Nobody) };
    let found: Vec<String> =
        sqlx::query_scalar(include_str!("find_by_email.sql")).bind(&address).fetch_all(&mut **tx).await?;
    Ok(Found::of(found))
}

/// An id and an address as they are compared. By a rounded id nobody is found.
pub(crate) fn as_normalised(
    customer_id: Option<&str>,
    email: Option<&str>,
) -> (Option<String>, Option<String>) {
    let id = customer_id.and_then(normal::id).and_then(|id| match id {
        Id::Exact(id) => Some(id),
        Id::Rounded(_) => None,
    });
    (id, email.and_then(normal::email))
}

async fn by_id(tx: &mut Tx, id: &str) -> Result<Option<String>, DbError> {
    Ok(sqlx::query_scalar(include_str!("find_by_id.sql")).bind(id).fetch_optional(&mut **tx).await?)
}

/// What a customer has bought, as of a moment.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Profile {
    /// The shop's id.
    pub customer_id: String,
    /// Orders that are not returns.
    pub orders: i32,
    /// Money spent, net of returns, in `currency`.
    pub spend: Decimal,
    /// ISO 4217 code of the currency most lines are in; sums count those lines only.
    pub currency: String,
    /// Value returned, as a positive amount.
    pub returned_value: Decimal,
    /// First order that is not a return.
    pub first_order_at: Option<DateTime<Utc>>,
    /// Last order that is not a return.
    pub last_order_at: Option<DateTime<Utc>>,
    /// Mean value of an order before returns.
    pub mean_order_value: Option<Decimal>,
    /// Whole days since the last order.
    pub recency_days: Option<i64>,
    /// The last orders, newest first.
    pub recent_orders: Vec<RecentOrder>,
}

/// One order, the sum of its lines.
#[derive(Debug, Clone, PartialEq, Serialize, FromRow)]
pub struct RecentOrder {
    /// The shop's order number.
    pub order_id: String,
    /// When it was placed.
    pub ordered_at: DateTime<Utc>,
    /// Sum of its lines; negative for a return.
    pub amount: Decimal,
    /// ISO 4217 code.
    pub currency: String,
    /// How many lines it has.
    pub lines: i64,
    /// Whether it is a return.
    pub is_return: bool,
}

/// A customer's profile as of `now`, with the last `recent` orders (support or platform role); none when nothing
/// was ever imported for them.
pub async fn profile(
    tx: &mut Tx,
    customer_id: &str,
    now: DateTime<Utc>,
    recent: u32,
) -> Result<Option<Profile>, DbError> {
    let stored: Option<Stored> = sqlx::query_as(
        "select orders, spend, currency, returned_value, first_order_at, last_order_at, mean_order_value
         from platform.customer_profile where tenant_id = shared.current_tenant() and customer_id = $1",
    )
    .bind(customer_id)
    .fetch_optional(&mut **tx)
    .await?;
    let Some(stored) = stored else { return Ok(None) };
    Ok(Some(Profile {
        customer_id: customer_id.to_owned(),
        orders: stored.orders,
        spend: stored.spend,
        currency: stored.currency,
        returned_value: stored.returned_value,
        first_order_at: stored.first_order_at,
        last_order_at: stored.last_order_at,
        mean_order_value: stored.mean_order_value,
        recency_days: stored.last_order_at.map(|last| (now - last).num_days().max(0)),
        recent_orders: recent_orders(tx, customer_id, recent).await?,
    }))
}

/// A profile as it is stored.
#[derive(FromRow)]
struct Stored {
    orders: i32,
    spend: Decimal,
    currency: String,
    returned_value: Decimal,
    first_order_at: Option<DateTime<Utc>>,
    last_order_at: Option<DateTime<Utc>>,
    mean_order_value: Option<Decimal>,
}

async fn recent_orders(tx: &mut Tx, customer_id: &str, limit: u32) -> Result<Vec<RecentOrder>, DbError> {
    Ok(sqlx::query_as(
        "select order_id, min(ordered_at) as ordered_at, sum(amount) as amount, currency, count(*) as lines,
                bool_and(is_return) as is_return
         from platform.order_line
         where tenant_id = shared.current_tenant() and customer_id = $1 and counts is not false
         group by order_id, currency order by 2 desc, 1 desc limit $2",
    )
    .bind(customer_id)
    .bind(i64::from(limit))
    .fetch_all(&mut **tx)
    .await?)
}
