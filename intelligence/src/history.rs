//! What a customer did, in a few numbers: the inputs of BG/NBD and Gamma-Gamma, and the labels of the models.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::lines::Lines;
use crate::orders::{self, Order};

/// A customer's purchases as of a day. Spend is what was paid for goods, after discounts; returns are not subtracted.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// Days with a purchase after the first such day.
    pub repeats: u32,
    /// Days from the first purchase to the last.
    pub last: u32,
    /// Days from the first purchase to the day of the summary.
    pub tenure: u32,
    /// Orders; pure returns are none.
    pub orders: u32,
    /// Spend in all.
    pub spend: f64,
    /// Spend per order.
    pub mean_order: Option<f64>,
    /// Spend per repeat purchase day (the "transaction" of Gamma-Gamma); none for a customer without any.
    pub mean_repeat_value: Option<f64>,
    /// Spend in the last 90 days.
    pub spend_90: f64,
}

/// What a customer did in a window.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    /// Orders that began in it.
    pub orders: u32,
    /// Spend on them.
    pub spend: f64,
}

/// Every customer's purchases until the end of a day; none for a customer without an order by then.
pub fn summaries(lines: &Lines, until_day: i32) -> Vec<Option<Summary>> {
    (0..lines.customers())
        .into_par_iter()
        .with_min_len(512)
        .map_init(Vec::new, |orders, customer| {
            orders::collect(lines, customer, until_day, orders);
            summary(orders, until_day)
        })
        .collect()
}

/// What every customer did in the days after `after_day`, up to and with `to_day`.
pub fn outcomes(lines: &Lines, after_day: i32, to_day: i32) -> Vec<Outcome> {
    (0..lines.customers())
        .into_par_iter()
        .with_min_len(512)
        .map_init(Vec::new, |orders, customer| {
            orders::collect(lines, customer, to_day, orders);
            let mut outcome = Outcome::default();
            for order in orders.iter().filter(|order| order.sells() && order.day > after_day) {
                outcome.orders += 1;
                outcome.spend += order.value;
            }
            outcome
        })
        .collect()
}

fn summary(orders: &[Order], until_day: i32) -> Option<Summary> {
    let mut sold = orders.iter().filter(|order| order.sells()).peekable();
    let first = sold.peek()?.day;
    let (mut days, mut last, mut count) = (0_u32, None, 0_u32);
    let (mut spend, mut first_day_spend, mut spend_90) = (0.0, 0.0, 0.0);
    for order in sold {
        days += u32::from(last != Some(order.day));
        last = Some(order.day);
        count += 1;
        spend += order.value;
        if order.day == first {
            first_day_spend += order.value;
        }
        if i64::from(until_day) - i64::from(order.day) < 90 {
            spend_90 += order.value;
        }
    }
    let repeats = days - 1;
    Some(Summary {
        repeats,
        last: days_between(first, last?),
        tenure: days_between(first, until_day),
        orders: count,
        spend,
        mean_order: Some(spend / f64::from(count)),
        mean_repeat_value: (repeats > 0).then(|| (spend - first_day_spend) / f64::from(repeats)),
        spend_90,
    })
}

fn days_between(from: i32, to: i32) -> u32 {
    u32::try_from(i64::from(to) - i64::from(from)).unwrap_or(0)
}
