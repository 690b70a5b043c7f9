//! Product and behaviour analytics: what sells, who buys how, whom a campaign could speak to, and with which numbers.
//!
//! Every report is a function from a transaction and the tenant's [`Standing`] to a typed answer: figures about the
//! whole and at most [`MAX_ITEMS`] items. Reports about customers read one narrow row a customer; reports about
//! products have to go through order lines, and are meant to be cached by [`Standing::version`]. Days are the
//! shop's, sums are of the tenant's main currency, and a figure that cannot be computed is absent, with the reason.

pub mod affinity;
pub mod association;
pub mod b2b;
pub mod base;
pub mod cadence;
mod catalog;
pub mod categories;
pub mod change;
pub mod discounts;
pub mod expansion;
pub mod extent;
pub mod forecasts;
pub mod last_orders;
pub mod levels;
pub mod momentum;
pub mod months;
pub mod narrowed;
pub mod purchases;
pub mod rfm;
pub mod rules;
pub mod seasons;
pub mod segments;
pub mod standing;
mod target;
pub mod targets;

pub use levels::Levels;
pub use standing::Standing;
pub use target::Target;

use rust_decimal::Decimal;
use serde::Serialize;

use database::{DbError, Tx};

/// A report has so many items at most.
pub const MAX_ITEMS: u32 = 100;

/// Figures about the whole, and items in the order of their importance.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report<F, I> {
    /// What holds for the whole.
    pub figures: F,
    /// Customers, products or groups.
    pub items: Vec<I>,
}

/// Why there is no report.
#[derive(Debug, thiserror::Error)]
pub enum AnalyticsError {
    /// The database did not do its part.
    #[error(transparent)]
    Db(#[from] DbError),
    /// The tenant's data say nothing about it.
    #[error("not enough data: {0}")]
    NotEnough(String),
}

impl From<sqlx::Error> for AnalyticsError {
    fn from(error: sqlx::Error) -> AnalyticsError {
        AnalyticsError::Db(error.into())
    }
}

impl AnalyticsError {
    fn not_enough(reason: impl Into<String>) -> AnalyticsError {
        AnalyticsError::NotEnough(reason.into())
    }
}

/// How much a read may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effort {
    /// One pass over customers.
    Customers,
    /// One pass over order lines, with groups of customers or products in memory.
    Lines,
    /// The same for a job that nobody waits for.
    Night,
}

/// Bounds what the transaction's statements may take in time and memory.
///
/// # Errors
/// The database does not answer.
pub async fn bound(tx: &mut Tx, effort: Effort) -> Result<(), DbError> {
    let (time, memory) = match effort {
        Effort::Customers => ("10s", "16MB"),
        Effort::Lines => ("45s", "64MB"),
        Effort::Night => ("240s", "64MB"),
    };
    sqlx::query("select set_config('statement_timeout', $1, true), set_config('work_mem', $2, true)")
        .bind(time)
        .bind(memory)
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// A part of a whole, to four places; none of nothing.
fn share(part: f64, whole: f64) -> Option<f64> {
    (whole.is_finite() && part.is_finite() && whole != 0.0).then(|| rounded(part / whole, 4))
}

fn share_of_count(part: i64, whole: i64) -> Option<f64> {
    share(part as f64, whole as f64)
}

fn share_of_money(part: Decimal, whole: Decimal) -> Option<f64> {
    share(number(part), number(whole))
}

/// A number for ratios; amounts themselves stay decimal.
fn number(amount: Decimal) -> f64 {
    use rust_decimal::prelude::ToPrimitive;
    amount.to_f64().unwrap_or(0.0)
}

fn rounded(value: f64, places: i32) -> f64 {
    let scale = 10f64.powi(places);
    let moved = value * scale;
    if moved.abs() < 1e15 { moved.round() / scale } else { value }
}

/// A number to so many places; what is not a number is none.
fn finite(value: Option<f64>, places: i32) -> Option<f64> {
    value.filter(|value| value.is_finite()).map(|value| rounded(value, places))
}

/// A sum of cents as money.
fn cents(sum: Option<Decimal>) -> Decimal {
    money(sum.unwrap_or_default())
}

/// Cents as an amount, always with two places.
fn money(cents: Decimal) -> Decimal {
    let mut amount = cents / Decimal::ONE_HUNDRED;
    amount.rescale(2);
    amount
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_nothing_is_no_share() {
        assert_eq!(share_of_count(1, 3), Some(0.3333));
        assert_eq!(share_of_count(0, 0), None);
        assert_eq!(share(f64::NAN, 1.0), None);
        assert_eq!(money(Decimal::from(1_234_567)).to_string(), "12345.67");
        assert_eq!(rounded(1e300, 4), 1e300);
    }
}
