//! What the regression and BG/NBD read from a row of features: recency, frequency and money.

use crate::{
    bg_nbd::Observation,
    features::{COUNT as FEATURE_COUNT, FEATURES},
};

/// How many inputs the regression has.
pub(super) const COUNT: usize = 6;

/// Names of the regression's inputs, in order.
pub const LOGISTIC_INPUTS: [&str; COUNT] = [
    "ln(purchase days)",
    "ln(1 + recency)",
    "ln(1 + tenure)",
    "ln(1 + mean order value)",
    "ln(1 + spend of 90 days)",
    "recency / tenure",
];

/// The column that each input is explained by.
pub(super) const COLUMNS: [usize; COUNT] = [
    column("purchase_days"),
    RECENCY,
    column("tenure_days"),
    column("log_spend"),
    column("spend_90d"),
    column("recency_share"),
];

/// The column of the days since the last order.
pub(super) const RECENCY: usize = column("recency_days");
/// The column of P(alive).
pub(super) const ALIVE: usize = column("alive_probability");
const ORDERS: usize = column("orders");
const DAYS: usize = COLUMNS[0];
const TENURE: usize = COLUMNS[2];
const SPEND_LOG: usize = COLUMNS[3];
const SPEND_90: usize = COLUMNS[4];

/// The regression's inputs of a row; none for a customer without an order.
pub(super) fn of(row: &[f32]) -> Option<[f64; COUNT]> {
    let value = |column: usize| Some(f64::from(row[column])).filter(|value| value.is_finite());
    let (days, recency, tenure) = (value(DAYS)?, value(RECENCY)?, value(TENURE)?);
    let spend = value(SPEND_LOG).unwrap_or(0.0).clamp(-50.0, 50.0).exp() - 1.0;
    let mean = (spend / value(ORDERS)?.max(1.0)).max(0.0);
    Some([
        days.max(1.0).ln(),
        recency.max(0.0).ln_1p(),
        tenure.max(0.0).ln_1p(),
        mean.ln_1p(),
        value(SPEND_90).unwrap_or(0.0).max(0.0).ln_1p(),
        recency / tenure.max(1.0),
    ])
}

/// What BG/NBD needs of a row; none for a customer without an order.
pub(crate) fn observation(row: &[f32]) -> Option<Observation> {
    let value = |column: usize| Some(row[column]).filter(|value| value.is_finite());
    let (days, recency, tenure) = (value(DAYS)?, value(RECENCY)?, value(TENURE)?);
    Some(Observation {
        repeats: (days as u32).max(1) - 1,
        last: (tenure - recency).max(0.0) as u32,
        tenure: tenure as u32,
    })
}

/// The column of a feature, at compile time.
pub(crate) const fn column(name: &str) -> usize {
    let mut at = 0;
    while at < FEATURE_COUNT {
        if equal(FEATURES[at].name.as_bytes(), name.as_bytes()) {
            return at;
        }
        at += 1;
    }
    panic!("no feature of this name")
}

const fn equal(left: &[u8], right: &[u8]) -> bool {
    let mut at = 0;
    while at < left.len() && at < right.len() {
        if left[at] != right[at] {
            return false;
        }
        at += 1;
    }
    left.len() == right.len()
}
