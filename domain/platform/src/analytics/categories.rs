//! Categories: what they bring in, and whether those who buy in one come back to it.

use rust_decimal::Decimal;
use serde::Serialize;
use sqlx::FromRow;

use super::{AnalyticsError, MAX_ITEMS, Report, Standing, finite, share_of_count, share_of_money};
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

/// A category beside the sums over all of them, which every row repeats.
#[derive(FromRow)]
struct Summed {
    category: String,
    revenue: Decimal,
    returned: Decimal,
    units: Decimal,
    lines: i64,
    revenue_before: Decimal,
    all_revenue: Option<Decimal>,
    all_revenue_before: Option<Decimal>,
    all_lines: Option<i64>,
    categories: i64,
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
    let summed: Vec<Summed> = sqlx::query_as(include_str!("categories.sql"))
        .bind(standing.tenant)
        .bind(standing.currency()?)
        .bind(standing.months_before(2 * months))
        .bind(standing.months_before(months))
        .bind(standing.end())
        .bind(i64::from(limit.min(MAX_ITEMS)))
        .fetch_all(&mut **tx)
        .await?;
    let first =
        summed.first().ok_or_else(|| AnalyticsError::not_enough("nothing was ordered in this time"))?;
    let (revenue, revenue_before) =
        (first.all_revenue.unwrap_or_default(), first.all_revenue_before.unwrap_or_default());
    let figures = Revenue {
        revenue,
        revenue_before,
        growth: growth(revenue, revenue_before),
        lines: first.all_lines.unwrap_or_default(),
        categories: first.categories,
    };
    let items = summed.into_iter().map(|own| Category {
        category: (!own.category.is_empty()).then_some(own.category),
        revenue: own.revenue,
        share_of_revenue: share_of_money(own.revenue, revenue).filter(|_| revenue > Decimal::ZERO),
        returned_value: own.returned,
        units: own.units.normalize(),
        lines: own.lines,
        revenue_before: own.revenue_before,
        growth: growth(own.revenue, own.revenue_before),
    });
    Ok(Report { figures, items: items.collect() })
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

/// A category's buyers as they are counted.
#[derive(FromRow)]
struct Buyers {
    category: String,
    customers: i64,
    again: i64,
    spend: Decimal,
    spend_again: Option<Decimal>,
    days: Option<f64>,
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
    let buyers: Vec<Buyers> = sqlx::query_as(include_str!("repurchase.sql"))
        .bind(standing.tenant)
        .bind(standing.currency()?)
        .bind(standing.months_before(months))
        .bind(standing.end())
        .bind(i64::from(limit.min(MAX_ITEMS)))
        .fetch_all(&mut **tx)
        .await?;
    if buyers.is_empty() {
        return Err(AnalyticsError::not_enough("no order of this time carries a category"));
    }
    let items = buyers.into_iter().map(|buyers| Repurchase {
        category: buyers.category,
        customers: buyers.customers,
        repurchased: buyers.again,
        rate: share_of_count(buyers.again, buyers.customers),
        mean_span_days: finite(buyers.days, 1),
        spend: buyers.spend,
        share_of_spend: share_of_money(buyers.spend_again.unwrap_or_default(), buyers.spend),
    });
    let items: Vec<Repurchase> = items.collect();
    let all = items.iter().map(|item| item.customers).sum();
    let again = items.iter().map(|item| item.repurchased).sum();
    let figures =
        Repurchases { customers_in_categories: all, repurchased: again, rate: share_of_count(again, all) };
    Ok(Report { figures, items })
}
