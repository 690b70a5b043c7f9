//! How long a customer has been there, and whether they still are.

use super::customer::Customer;
use super::numbers::ratio;
use crate::bg_nbd::BgNbd;

pub(super) const FEATURES: [(&str, &str); 8] = [
    ("tenure_days", "days since the first order"),
    ("recency_days", "days since the last order"),
    ("recency_share", "the part of the tenure that passed since the last order"),
    ("overdue", "days since the last order over the expected gap, at most 10"),
    ("alive_probability", "probability that the customer still buys at all (BG/NBD)"),
    ("order_momentum", "ln of the orders of the last 90 days over those of the 90 before"),
    ("days_to_second_order", "days from the first order to the second"),
    ("late_spend_share", "share of spend in the later half of the tenure"),
];

/// Gaps of the tenant's mean length that are added to the customer's own.
const PRIOR_GAPS: f64 = 2.0;
/// Nobody is more overdue than this.
const MOST_OVERDUE: f64 = 10.0;

pub(super) fn values(customer: &Customer<'_>, alive: Option<&BgNbd>) -> [Option<f64>; 8] {
    let (tenure, recency) = (customer.tenure, customer.recency);
    let days = customer.days.len() as f64;
    let overdue = customer.stats.mean_gap_days.and_then(|gap| {
        let expected = (customer.gaps.iter().sum::<f64>() + PRIOR_GAPS * gap) / (days + 1.0);
        ratio(recency, expected)
    });
    let recent = customer.recent(90.0).count() as f64;
    let before = customer.recent(180.0).count() as f64 - recent;
    let late: f64 = customer
        .orders
        .iter()
        .filter(|order| 2.0 * customer.age(order) < tenure)
        .map(|order| order.value)
        .sum();
    [
        Some(tenure),
        Some(recency),
        ratio(recency, tenure),
        overdue.map(|overdue| overdue.min(MOST_OVERDUE)),
        alive.map(|model| model.alive(days - 1.0, tenure - recency, tenure)),
        Some(((recent + 0.5) / (before + 0.5)).ln()),
        customer.orders.get(1).map(|second| tenure - customer.age(second)),
        ratio(late, customer.spend).filter(|_| tenure > 0.0),
    ]
}
