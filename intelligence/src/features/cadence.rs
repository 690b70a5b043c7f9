//! In which rhythm a customer buys. Gaps are days between one purchase day and the next.

use std::f64::consts::TAU;

use super::customer::Customer;
use super::numbers::{deviation, mean, median, ratio, slope};
use super::stats::is_weekend;
use crate::orders::Order;

pub(super) const FEATURES: [(&str, &str); 9] = [
    ("mean_gap_days", "mean gap between purchase days"),
    ("median_gap_days", "middle gap between purchase days"),
    ("burstiness", "-1 for a regular rhythm, 0 for a random one, 1 for bursts"),
    ("last_gap_days", "the latest gap between purchase days"),
    ("gap_trend", "change of ln(gap) from gap to gap"),
    ("weekend_share", "share of orders on Saturday or Sunday, shrunk to the tenant's share"),
    ("hour_sine", "mean sine of the orders' time of day"),
    ("hour_cosine", "mean cosine of the orders' time of day"),
    ("seasonality", "1 if all orders fall on the same day of the year, 0 if they spread over it"),
];

/// Orders of the tenant's share that are added to the customer's own.
const PRIOR_ORDERS: f64 = 2.0;
/// Days in a mean year.
const YEAR: f64 = 365.2425;

pub(super) fn values(customer: &mut Customer<'_>) -> [Option<f64>; 9] {
    let orders = customer.order_count();
    let mut scratch = std::mem::take(&mut customer.scratch);
    scratch.clear();
    scratch.extend(customer.gaps.iter().map(|gap| gap.ln()));
    let trend = slope(&scratch, 0.0);
    scratch.clear();
    scratch.extend_from_slice(&customer.gaps);
    let median = median(&mut scratch);
    customer.scratch = scratch;
    let weekend = customer.orders.iter().filter(|order| is_weekend(order.day)).count() as f64;
    let hours = customer
        .stats
        .hours_known
        .then(|| direction(customer.orders.iter().map(|order| customer.index.time_of_day(order.minute))));
    let day_of_year = |order: &Order| ((f64::from(order.day) / YEAR).fract() * TAU).sin_cos();
    let year = (customer.tenure >= 365.0).then(|| direction(customer.orders.iter().map(day_of_year)));
    [
        mean(&customer.gaps),
        median,
        burstiness(&customer.gaps),
        customer.gaps.last().copied(),
        trend,
        customer
            .stats
            .weekend_share
            .and_then(|share| ratio(weekend + PRIOR_ORDERS * share, orders + PRIOR_ORDERS)),
        hours.map(|(sine, _)| sine),
        hours.map(|(_, cosine)| cosine),
        year.map(|(sine, cosine)| sine.hypot(cosine)),
    ]
}

/// (sd - mean) / (sd + mean) of at least two gaps: Goh and Barabasi, "Burstiness and memory in complex systems"
/// (2008), equation 1.
fn burstiness(gaps: &[f64]) -> Option<f64> {
    let (deviation, mean) = (deviation(gaps)?, mean(gaps)?);
    ratio(deviation - mean, deviation + mean)
}

/// Mean sine and cosine of angles: Mardia and Jupp, "Directional Statistics" (2000), section 2.2.
fn direction(angles: impl Iterator<Item = (f64, f64)>) -> (f64, f64) {
    let (mut sine, mut cosine, mut count) = (0.0, 0.0, 0.0);
    for (sin, cos) in angles {
        sine += sin;
        cosine += cos;
        count += 1.0;
    }
    (sine / count, cosine / count)
}
