//! What a customer sends back. Nothing is known of it in a tenant that has never had a return.

use super::customer::Customer;
use super::numbers::{log_amount, ratio};

pub(super) const FEATURES: [(&str, &str); 8] = [
    ("return_value_rate", "value sent back over value bought, shrunk to the tenant's rate"),
    ("return_line_rate", "lines sent back over lines bought"),
    ("return_order_rate", "returns over orders"),
    ("days_since_return", "days since the last return"),
    ("returned_value_90d", "value sent back in the last 90 days"),
    ("log_returned_value", "ln(1 + value sent back so far)"),
    ("largest_return_share", "the largest return over the largest order"),
    ("return_rate_change", "return rate of the last 180 days minus that of all time"),
];

/// Orders of the tenant's mean value that are added to the customer's own.
const PRIOR_ORDERS: f64 = 3.0;

pub(super) fn values(customer: &Customer<'_>) -> [Option<f64>; 8] {
    let (Some(rate), Some(mean)) = (customer.stats.return_rate, customer.stats.mean_order_value) else {
        return [None; 8];
    };
    let returns = &customer.returns;
    let returned: f64 = returns.iter().map(|order| order.returned).sum();
    let returned_in = |days: f64| -> f64 {
        returns.iter().filter(|order| customer.age(order) < days).map(|order| order.returned).sum()
    };
    let spend_180: f64 = customer.recent(180.0).map(|order| order.value).sum();
    let sold_lines: f64 = customer.orders.iter().map(|order| f64::from(order.sold_lines)).sum();
    let return_lines: f64 = returns.iter().map(|order| f64::from(order.return_lines)).sum();
    let largest_return = returns.iter().map(|order| order.returned).fold(0.0, f64::max);
    let largest_order = customer.orders.iter().map(|order| order.value).fold(0.0, f64::max);
    let prior = PRIOR_ORDERS * mean;
    let recent_rate = ratio(returned_in(180.0), spend_180 + mean);
    let whole_rate = ratio(returned, customer.spend + mean);
    [
        ratio(returned + prior * rate, customer.spend + prior),
        ratio(return_lines, sold_lines),
        ratio(returns.len() as f64, customer.order_count()),
        returns.last().map(|order| customer.age(order)),
        Some(returned_in(90.0)),
        Some(log_amount(returned)),
        ratio(largest_return, largest_order),
        recent_rate.zip(whole_rate).map(|(recent, whole)| recent - whole),
    ]
}
