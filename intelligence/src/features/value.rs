//! How much a customer spends. Values are what was paid for goods, in the tenant's currency.

use super::customer::Customer;
use super::numbers::{log_amount, median, ratio, slope, variation};

pub(super) const FEATURES: [(&str, &str); 9] = [
    ("log_spend", "ln(1 + spend so far)"),
    ("spend_90d", "spend in the last 90 days"),
    ("spend_365d", "spend in the last 365 days"),
    ("mean_order_value", "value of an order, shrunk to the tenant's mean"),
    ("median_order_value", "value of the middle order"),
    ("largest_order_value", "value of the largest order"),
    ("order_value_variation", "standard deviation over mean of the orders' values"),
    ("order_value_trend", "change of ln(1 + value) from order to order"),
    ("units_per_order", "units in an order"),
];

/// Orders of the tenant's mean value that are added to the customer's own.
const PRIOR_ORDERS: f64 = 3.0;

pub(super) fn values(customer: &mut Customer<'_>) -> [Option<f64>; 9] {
    let orders = customer.order_count();
    let spend = |days| customer.recent(days).map(|order| order.value).sum();
    let (spend_90, spend_365) = (spend(90.0), spend(365.0));
    let mut scratch = std::mem::take(&mut customer.scratch);
    scratch.clear();
    scratch.extend(customer.orders.iter().map(|order| log_amount(order.value)));
    let trend = slope(&scratch, 1.0);
    scratch.clear();
    scratch.extend(customer.orders.iter().map(|order| order.value));
    let variation = variation(&scratch);
    let median = median(&mut scratch);
    customer.scratch = scratch;
    let counted = customer.orders.iter().any(|order| order.counted_lines > 0);
    let units: f64 = customer.orders.iter().map(|order| order.units).sum();
    [
        Some(log_amount(customer.spend)),
        Some(spend_90),
        Some(spend_365),
        customer
            .stats
            .mean_order_value
            .and_then(|mean| ratio(customer.spend + PRIOR_ORDERS * mean, orders + PRIOR_ORDERS)),
        median,
        customer.orders.iter().map(|order| order.value).reduce(f64::max),
        variation,
        trend,
        counted.then(|| units / orders),
    ]
}
