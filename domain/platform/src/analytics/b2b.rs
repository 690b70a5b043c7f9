//! Customers who look like businesses: large orders, at regular times, in bulk, on working days.

use std::collections::HashMap;

use serde::Serialize;
use sqlx::FromRow;

use super::{AnalyticsError, Levels, MAX_ITEMS, Report, Standing, Target, finite, rules, targets};
use database::Tx;

/// What the report means.
pub const DEFINITION: &str = "among the 300 highest spenders with four orders or more and a mean order value of at least twice the tenant's \
     median: those with two or more of the signs large (mean order value at least three times the median), regular \
     (standard deviation of the gaps between orders at most half their mean), bulk (at least ten units an order line) \
     and working_days (at least eight orders, 95 % of them from Monday to Friday, UTC)";

/// So many customers are looked at closely.
const CANDIDATES: u32 = 300;

/// How many were found among how many.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Search {
    /// Customers who were looked at closely.
    pub examined: usize,
    /// Those of them who fit.
    pub found: usize,
}

/// A customer who looks like a business.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Business {
    /// The customer.
    #[serde(flatten)]
    pub customer: Target,
    /// large, regular, bulk, working_days.
    pub signs: Vec<&'static str>,
    /// Mean units of an order.
    pub units_per_order: Option<f64>,
    /// Mean units of an order line.
    pub units_per_line: Option<f64>,
    /// Standard deviation of the gaps between orders over their mean.
    pub gap_variation: Option<f64>,
    /// Share of orders from Monday to Friday.
    pub working_day_share: Option<f64>,
}

/// The customers with most signs, then those who spent most, at most `limit` (and [`MAX_ITEMS`]).
///
/// # Errors
/// Nobody has ordered, or the database does not answer.
pub async fn businesses(
    tx: &mut Tx,
    standing: &Standing,
    levels: &Levels,
    limit: u32,
) -> Result<Report<Search, Business>, AnalyticsError> {
    let mut report = every(tx, standing, levels).await?;
    report.items.truncate(limit.min(MAX_ITEMS) as usize);
    Ok(report)
}

/// All of them who were found.
///
/// # Errors
/// As [`businesses`].
pub async fn every(
    tx: &mut Tx,
    standing: &Standing,
    levels: &Levels,
) -> Result<Report<Search, Business>, AnalyticsError> {
    let candidates = targets::first(tx, standing, levels, &rules::LARGE_ORDERS, CANDIDATES).await?;
    let examined = candidates.len();
    let habits = habits(tx, standing, &candidates).await?;
    let mut found: Vec<Business> = candidates
        .into_iter()
        .filter_map(|customer| {
            let habits = habits.get(&customer.customer_id)?;
            let signs = habits.signs(&customer, levels);
            (signs.len() >= 2).then_some(Business {
                signs,
                units_per_order: habits.units_per_order,
                units_per_line: habits.units_per_line,
                gap_variation: habits.gap_variation,
                working_day_share: habits.working_day_share,
                customer,
            })
        })
        .collect();
    let figures = Search { examined, found: found.len() };
    // Stable: those who spent most come first already.
    found.sort_by_key(|business| std::cmp::Reverse(business.signs.len()));
    Ok(Report { figures, items: found })
}

/// How a customer orders.
struct Habits {
    orders: i64,
    units_per_order: Option<f64>,
    units_per_line: Option<f64>,
    gap_variation: Option<f64>,
    working_day_share: Option<f64>,
}

impl Habits {
    fn signs(&self, customer: &Target, levels: &Levels) -> Vec<&'static str> {
        let mean_cents = customer.spend_cents / i64::from(customer.orders.max(1));
        let large = mean_cents >= levels.order_value_cents.saturating_mul(3);
        let regular = self.gap_variation.is_some_and(|variation| variation <= 0.5);
        let bulk = self.units_per_line.is_some_and(|units| units >= 10.0);
        let working_days = self.orders >= 8 && self.working_day_share.is_some_and(|share| share >= 0.95);
        let signs = [(large, "large"), (regular, "regular"), (bulk, "bulk"), (working_days, "working_days")];
        signs.into_iter().filter(|(holds, _)| *holds).map(|(_, sign)| sign).collect()
    }
}

/// Habits as they are counted, to all their places.
#[derive(FromRow)]
struct Counted {
    customer_id: String,
    orders: i64,
    units_per_order: Option<f64>,
    units_per_line: Option<f64>,
    gap_variation: Option<f64>,
    working_day_share: Option<f64>,
}

async fn habits(
    tx: &mut Tx,
    standing: &Standing,
    customers: &[Target],
) -> Result<HashMap<String, Habits>, AnalyticsError> {
    let ids: Vec<&str> = customers.iter().map(|customer| customer.customer_id.as_str()).collect();
    let counted: Vec<Counted> = sqlx::query_as(include_str!("habits.sql"))
        .bind(standing.tenant)
        .bind(ids)
        .bind(standing.currency()?)
        .bind(standing.end())
        .fetch_all(&mut **tx)
        .await?;
    let habits = counted.into_iter().map(|counted| {
        let habits = Habits {
            orders: counted.orders,
            units_per_order: finite(counted.units_per_order, 2),
            units_per_line: finite(counted.units_per_line, 2),
            gap_variation: finite(counted.gap_variation, 3),
            working_day_share: finite(counted.working_day_share, 4),
        };
        (counted.customer_id, habits)
    });
    Ok(habits.collect())
}
