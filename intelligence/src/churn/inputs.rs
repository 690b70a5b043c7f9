//! What the regressions and BG/NBD read from a row of features, and what they have to say of it.

use crate::{bg_nbd::Observation, features::known_column, history::Outcome};

/// How many inputs recency, frequency and money make.
pub(super) const RFM: usize = 6;
/// How many inputs the model's regression has: those, and how they bend and meet.
pub(super) const COUNT: usize = 26;

/// The column that each input is explained by. The first `RFM` are the baseline's.
pub(super) const COLUMNS: [usize; COUNT] = [
    DAYS,
    RECENCY,
    TENURE,
    SPEND_LOG,
    SPEND_90,
    known_column("recency_share"),
    // recency by frequency, both squared, both by tenure
    RECENCY,
    RECENCY,
    DAYS,
    RECENCY,
    DAYS,
    // whether there was one purchase day only, and that by recency
    DAYS,
    RECENCY,
    ORDERS_30,
    ORDERS_90,
    ORDERS_365,
    OVERDUE,
    WEIGHTED,
    ACTIVE_MONTHS,
    LAST_GAP,
    BURSTINESS,
    BURSTINESS,
    UNITS,
    ALIVE,
    // money again: the largest order, and the year's
    LARGEST,
    SPEND_365,
];

/// The column of the days since the last order.
pub(super) const RECENCY: usize = known_column("recency_days");
/// The column of P(alive).
pub(super) const ALIVE: usize = known_column("alive_probability");
const ORDERS: usize = known_column("orders");
const DAYS: usize = known_column("purchase_days");
const TENURE: usize = known_column("tenure_days");
const SPEND_LOG: usize = known_column("log_spend");
const SPEND_90: usize = known_column("spend_90d");
const SPEND_365: usize = known_column("spend_365d");
const LARGEST: usize = known_column("largest_order_value");
const ORDERS_30: usize = known_column("orders_30d");
const ORDERS_90: usize = known_column("orders_90d");
const ORDERS_365: usize = known_column("orders_365d");
const OVERDUE: usize = known_column("overdue");
const WEIGHTED: usize = known_column("recency_weighted_orders");
const ACTIVE_MONTHS: usize = known_column("active_months_share");
const LAST_GAP: usize = known_column("last_gap_days");
const BURSTINESS: usize = known_column("burstiness");
const UNITS: usize = known_column("units_per_order");

/// Recency, frequency and money: ln(purchase days), ln(1 + recency), ln(1 + tenure), ln(1 + mean order value),
/// ln(1 + spend of 90 days), recency over tenure. None for a customer without an order.
pub(super) fn rfm(row: &[f32]) -> Option<[f64; RFM]> {
    let (days, recency, tenure) = (value(row, DAYS)?, value(row, RECENCY)?, value(row, TENURE)?);
    let spend = value(row, SPEND_LOG).unwrap_or(0.0).clamp(-50.0, 50.0).exp() - 1.0;
    let mean = (spend / value(row, ORDERS)?.max(1.0)).max(0.0);
    Some([
        days.max(1.0).ln(),
        recency.max(0.0).ln_1p(),
        tenure.max(0.0).ln_1p(),
        mean.ln_1p(),
        logarithm(row, SPEND_90),
        recency / tenure.max(1.0),
    ])
}

/// The inputs of the model's regression, in the order of `COLUMNS`; none for a customer without an order.
pub(super) fn of(row: &[f32]) -> Option<[f64; COUNT]> {
    let rfm = rfm(row)?;
    let [days, recency, tenure, ..] = rfm;
    let once = if days > 0.0 { 0.0 } else { 1.0 };
    let burstiness = value(row, BURSTINESS);
    let more = [
        recency * days,
        recency * recency,
        days * days,
        recency * tenure,
        days * tenure,
        once,
        once * recency,
        logarithm(row, ORDERS_30),
        logarithm(row, ORDERS_90),
        logarithm(row, ORDERS_365),
        logarithm(row, OVERDUE),
        logarithm(row, WEIGHTED),
        value(row, ACTIVE_MONTHS).unwrap_or(0.0),
        logarithm(row, LAST_GAP),
        burstiness.unwrap_or(0.0),
        if burstiness.is_some() { 0.0 } else { 1.0 },
        logarithm(row, UNITS),
        value(row, ALIVE).unwrap_or(0.0),
        logarithm(row, LARGEST),
        logarithm(row, SPEND_365),
    ];
    let mut inputs = [0.0; COUNT];
    inputs[..RFM].copy_from_slice(&rfm);
    inputs[RFM..].copy_from_slice(&more);
    Some(inputs)
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

/// 1 for churn.
pub(super) fn churn_label(outcome: &Outcome) -> f32 {
    f32::from(u8::from(outcome.orders == 0))
}

fn value(row: &[f32], column: usize) -> Option<f64> {
    Some(f64::from(row[column])).filter(|value| value.is_finite())
}

/// ln(1 + x); a missing or negative number counts as 0.
fn logarithm(row: &[f32], column: usize) -> f64 {
    value(row, column).unwrap_or(0.0).max(0.0).ln_1p()
}
