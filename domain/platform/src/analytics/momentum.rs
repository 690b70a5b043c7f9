//! Momentum: what customers spent in the last 90 days against the 90 days before, over all and one by one.

use rust_decimal::Decimal;
use serde::Serialize;
use sqlx::Row;
use sqlx::postgres::PgRow;

use super::{AnalyticsError, MAX_ITEMS, Report, Standing, or_zero, share_of_money};
use database::Tx;

/// What the report means.
pub const DEFINITION: &str = "net spend of the last 90 days against the 90 days before; an active customer has an \
                              order in the period; half of the items rose most, half fell most";

/// The whole.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Momentum {
    /// Net revenue of the last 90 days.
    pub revenue: Decimal,
    /// Net revenue of the 90 days before.
    pub revenue_before: Decimal,
    /// Relative change; none when there was no revenue before.
    pub growth: Option<f64>,
    /// Customers with an order in the last 90 days.
    pub active_customers: i64,
    /// Customers with an order in the 90 days before.
    pub active_customers_before: i64,
    /// Customers who spent more than before.
    pub rising: i64,
    /// Customers who spent less than before.
    pub falling: i64,
}

/// One customer's.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Move {
    /// The shop's id.
    pub customer_id: String,
    /// `up` or `down`.
    pub direction: &'static str,
    /// Net spend of the last 90 days.
    pub spend: Decimal,
    /// Net spend of the 90 days before.
    pub spend_before: Decimal,
    /// The difference.
    pub change: Decimal,
}

/// The greatest changes in either direction first.
///
/// # Errors
/// No orders in these 180 days, or the database does not answer.
pub async fn momentum(
    tx: &mut Tx,
    standing: &Standing,
    limit: u32,
) -> Result<Report<Momentum, Move>, AnalyticsError> {
    let rows = sqlx::query(include_str!("momentum.sql"))
        .bind(standing.tenant)
        .bind(standing.currency()?)
        .bind(standing.days_before(180))
        .bind(standing.days_before(90))
        .bind(standing.end())
        .bind(i64::from(limit.min(MAX_ITEMS).div_ceil(2)))
        .fetch_all(&mut **tx)
        .await?;
    let nothing = || AnalyticsError::not_enough("nothing was ordered in the last 180 days");
    let first = rows.first().ok_or_else(nothing)?;
    if first.try_get::<Option<Decimal>, _>("total_late")?.is_none() {
        return Err(nothing());
    }
    let (revenue, revenue_before): (Decimal, Decimal) =
        (or_zero(first, "total_late")?, or_zero(first, "total_early")?);
    let figures = Momentum {
        revenue,
        revenue_before,
        growth: share_of_money(revenue - revenue_before, revenue_before)
            .filter(|_| revenue_before > Decimal::ZERO),
        active_customers: first.try_get("active_late")?,
        active_customers_before: first.try_get("active_early")?,
        rising: first.try_get("up")?,
        falling: first.try_get("down")?,
    };
    let mut items = rows.iter().filter_map(|row| moved(row).transpose()).collect::<Result<Vec<_>, _>>()?;
    items.truncate(limit.min(MAX_ITEMS) as usize);
    Ok(Report { figures, items })
}

fn moved(row: &PgRow) -> Result<Option<Move>, sqlx::Error> {
    let Some(customer_id) = row.try_get::<Option<String>, _>("customer_id")? else { return Ok(None) };
    let change: Decimal = row.try_get("change")?;
    Ok(Some(Move {
        customer_id,
        direction: if change > Decimal::ZERO { "up" } else { "down" },
        spend: row.try_get("late")?,
        spend_before: row.try_get("early")?,
        change,
    }))
}
