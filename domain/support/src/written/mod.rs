//! What customers who write in are like, as far as their tickets say: the support desk's part of the profile. The platform
//! stores what becomes of it, the worker carries it over.

use chrono::{DateTime, Utc};
use sqlx::FromRow;

use database::{DbError, Tx};

/// Whose tickets.
#[derive(Debug, Clone, Copy)]
pub enum Whose<'a> {
    /// Of about one customer in so many, chosen by a hash of the id as orders are; 1 is everybody.
    Sample(i64),
    /// Of a range of customers' ids: the lower bound is included, the upper excluded, none is no bound.
    Range(Option<&'a str>, Option<&'a str>),
    /// Of named customers.
    Named(&'a [String]),
}

/// What one ticket says.
#[derive(Debug, Clone, PartialEq, FromRow)]
pub struct Written {
    /// The shop's id of the customer.
    pub customer_id: String,
    /// When it was opened: minutes since 1970 on the shop's clock.
    pub opened_minute: i32,
    /// email, sms, phone, chat and so on.
    pub channel: String,
    /// What it is about; none where nobody could say.
    pub topic: Option<String>,
    /// Messages of both sides, internal notes left out.
    pub messages: i32,
    /// Messages of agents that ask something.
    pub asked: i32,
    /// Those of them that the customer answered.
    pub answered: i32,
    /// Mean minutes that the customer took to answer; none without an answer.
    pub reply_minutes: Option<f64>,
    /// The mean mood of the customer's messages, 0 angry to 1 happy; none where it was not read.
    pub sentiment: Option<f64>,
    /// The newest rating, 0 bad to 1 good.
    pub satisfaction: Option<f64>,
    /// Whether it was opened again after it had been resolved.
    pub reopened: bool,
    /// Whether it was escalated.
    pub escalated: bool,
    /// Whether it is a complaint.
    pub complaint: bool,
    /// Whether the customer asked for something to make up.
    pub asks_compensation: bool,
    /// Whether the customer spoke of prices.
    pub mentions_price: bool,
    /// Whether the customer asked for a discount.
    pub asks_discount: bool,
}

/// What the tickets of these customers said before a moment, by customer, byte by byte, and time (support role).
///
/// # Errors
/// The database failed.
pub async fn tickets(
    tx: &mut Tx,
    whose: Whose<'_>,
    before: DateTime<Utc>,
    zone: &str,
) -> Result<Vec<Written>, DbError> {
    let (lower, upper, named, one_in) = match whose {
        Whose::Sample(one_in) => (None, None, None, one_in),
        Whose::Range(lower, upper) => (lower, upper, None, 1),
        Whose::Named(names) => (None, None, Some(names), 1),
    };
    Ok(sqlx::query_as(include_str!("tickets.sql"))
        .persistent(false)
        .bind(lower)
        .bind(upper)
        .bind(named)
        .bind(one_in)
        .bind(before)
        .bind(zone)
        .fetch_all(&mut **tx)
        .await?)
}

/// How many tickets of known customers there are (support role).
///
/// # Errors
/// The database failed.
pub async fn count(tx: &mut Tx) -> Result<i64, DbError> {
    Ok(sqlx::query_scalar(
        "select count(*) from support_app.ticket
         where tenant_id = shared.current_tenant() and known_customer is not null",
    )
    .fetch_one(&mut **tx)
    .await?)
}
