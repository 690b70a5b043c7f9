//! How often a customer buys.

use super::customer::Customer;
use super::numbers::ratio;

pub(super) const FEATURES: [(&str, &str); 8] = [
    ("orders", "orders so far"),
    ("purchase_days", "days with an order"),
    ("orders_30d", "orders in the last 30 days"),
    ("orders_90d", "orders in the last 90 days"),
    ("orders_365d", "orders in the last 365 days"),
    ("monthly_rate", "repeat purchase days a month, shrunk to the tenant's rate"),
    ("recency_weighted_orders", "orders, each weighted by exp(-age in days / 90)"),
    ("active_months_share", "share of the 30-day periods since the first order that have an order"),
];

/// Days in a mean month.
const MONTH: f64 = 30.44;
/// Days of the tenant's rate that are added to the customer's own.
const PRIOR_DAYS: f64 = 60.0;
/// The weight of an order falls by e in this many days.
const DECAY_DAYS: f64 = 90.0;

pub(super) fn values(customer: &Customer<'_>) -> [Option<f64>; 8] {
    let days = customer.days.len() as f64;
    let rate = customer
        .stats
        .repeat_rate
        .and_then(|rate| ratio((days - 1.0 + PRIOR_DAYS * rate) * MONTH, customer.tenure + PRIOR_DAYS));
    [
        Some(customer.order_count()),
        Some(days),
        Some(customer.recent(30.0).count() as f64),
        Some(customer.recent(90.0).count() as f64),
        Some(customer.recent(365.0).count() as f64),
        rate,
        Some(customer.orders.iter().map(|order| (-customer.age(order) / DECAY_DAYS).exp()).sum()),
        Some(active_periods(customer) / ((customer.tenure / 30.0).floor() + 1.0)),
    ]
}

/// 30-day periods since the first order with an order in them.
fn active_periods(customer: &Customer<'_>) -> f64 {
    let first = i64::from(customer.days[0]);
    let mut last = -1;
    let mut active = 0_u32;
    for &day in &customer.days {
        let period = (i64::from(day) - first) / 30;
        active += u32::from(period != last);
        last = period;
    }
    f64::from(active)
}
