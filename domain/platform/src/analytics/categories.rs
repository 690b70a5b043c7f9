//! Categories: what they bring in, and whether those who buy in one come back to it.

use rust_decimal::Decimal;
use serde::Serialize;
use sqlx::Row;

use super::{AnalyticsError, MAX_ITEMS, Report, Standing, finite, or_zero, share_of_count, share_of_money};
use database::Tx;

/// What [`revenue`] means.
pub const REVENUE: &str = "net value of order lines by category, returns subtracted, against the equally long period \
                           before; lines without a category are the one whose name is null";

/// What [`repurchase`] means.
pub const REPURCHASE: &str = "of the customers who bought in a category in this time, the share who did so again on a later day of it; the \
     categories with most customers first";

/// All categories together.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Revenue {
    /// Net revenue.
    pub revenue: Decimal,
    /// Net revenue of the period before.
    pub revenue_before: Decimal,
    /// Relative change; none when there was no revenue before.
    pub growth: Option<f64>,
    /// Order lines, returns included.
    pub lines: i64,
    /// How many categories there are.
    pub categories: i64,
}

/// One category.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Category {
    /// Its name; none for lines without one.
    pub category: Option<String>,
    /// Net revenue.
    pub revenue: Decimal,
    /// Of the revenue of all categories.
    pub share_of_revenue: Option<f64>,
    /// Value that came back, as a positive amount.
    pub returned_value: Decimal,
    /// Units sold.
    pub units: Decimal,
    /// Order lines, returns included.
    pub lines: i64,
    /// Net revenue of the period before.
    pub revenue_before: Decimal,
    /// Relative change; none when there was no revenue before.
    pub growth: Option<f64>,
}

/// Revenue by category over the last `months`, the greatest first.
///
/// # Errors
/// Nothing was ordered in this time or in the period before, or the database does not answer.
pub async fn revenue(
    tx: &mut Tx,
    standing: &Standing,
    months: u32,
    limit: u32,
) -> Result<Report<Revenue, Category>, AnalyticsError> {
    let rows = sqlx::query(include_str!("categories.sql"))
        .bind(standing.tenant)
        .bind(standing.currency()?)
        .bind(standing.months_before(2 * months))
        .bind(standing.months_before(months))
        .bind(standing.end())
        .bind(i64::from(limit.min(MAX_ITEMS)))
        .fetch_all(&mut **tx)
        .await?;
    let first = rows.first().ok_or_else(|| AnalyticsError::not_enough("nothing was ordered in this time"))?;
    let (revenue, revenue_before) = (or_zero(first, "all_revenue")?, or_zero(first, "all_revenue_before")?);
    let figures = Revenue {
        revenue,
        revenue_before,
        growth: growth(revenue, revenue_before),
        lines: or_zero(first, "all_lines")?,
        categories: first.try_get("categories")?,
    };
    let mut items = Vec::with_capacity(rows.len());
    for row in &rows {
        let (own, before): (Decimal, Decimal) = (row.try_get("revenue")?, row.try_get("revenue_before")?);
        let category: String = row.try_get("category")?;
        items.push(Category {
            category: (!category.is_empty()).then_some(category),
            revenue: own,
            share_of_revenue: share_of_money(own, revenue).filter(|_| revenue > Decimal::ZERO),
            returned_value: row.try_get("returned")?,
            units: row.try_get::<Decimal, _>("units")?.normalize(),
            lines: row.try_get("lines")?,
            revenue_before: before,
            growth: growth(own, before),
        });
    }
    Ok(Report { figures, items })
}

fn growth(now: Decimal, before: Decimal) -> Option<f64> {
    share_of_money(now - before, before).filter(|_| before > Decimal::ZERO)
}

/// The categories shown, together.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Repurchases {
    /// Pairs of a customer and a category that the customer bought in.
    pub customers_in_categories: i64,
    /// Those of them with a second purchase.
    pub repurchased: i64,
    /// The share.
    pub rate: Option<f64>,
}

/// Repurchase in one category.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Repurchase {
    /// Its name.
    pub category: String,
    /// Customers who bought in it.
    pub customers: i64,
    /// Those who bought again on a later day.
    pub repurchased: i64,
    /// Their share.
    pub rate: Option<f64>,
    /// Mean days from their first to their last purchase in it.
    pub mean_span_days: Option<f64>,
    /// What everybody spent in it.
    pub spend: Decimal,
    /// Share of it by those who bought again.
    pub share_of_spend: Option<f64>,
}

/// Repurchase rates over the last `months`.
///
/// # Errors
/// The orders carry no categories, or the database does not answer.
pub async fn repurchase(
    tx: &mut Tx,
    standing: &Standing,
    months: u32,
    limit: u32,
) -> Result<Report<Repurchases, Repurchase>, AnalyticsError> {
    let rows = sqlx::query(include_str!("repurchase.sql"))
        .bind(standing.tenant)
        .bind(standing.currency()?)
        .bind(standing.months_before(months))
        .bind(standing.end())
        .bind(i64::from(limit.min(MAX_ITEMS)))
        .fetch_all(&mut **tx)
        .await?;
    if rows.is_empty() {
        return Err(AnalyticsError::not_enough("no order of this time carries a category"));
    }
    let mut items = Vec::with_capacity(rows.len());
    for row in &rows {
        let (customers, repurchased) = (row.try_get("customers")?, row.try_get("again")?);
        let spend: Decimal = row.try_get("spend")?;
        items.push(Repurchase {
            category: row.try_get("category")?,
            customers,
            repurchased,
            rate: share_of_count(repurchased, customers),
            mean_span_days: finite(row, "days", 1)?,
            spend,
            share_of_spend: share_of_money(or_zero(row, "spend_again")?, spend),
        });
    }
    let all = items.iter().map(|item| item.customers).sum();
    let again = items.iter().map(|item| item.repurchased).sum();
    let figures =
        Repurchases { customers_in_categories: all, repurchased: again, rate: share_of_count(again, all) };
    Ok(Report { figures, items })
}
