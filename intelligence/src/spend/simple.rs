//! What anybody would forecast without a model: what the customer spent lately, or in the past year, scaled to the
//! horizon, and either of them with the shop's season. They are parts of the mixture and what it has to beat.
//!
//! Of a customer who came within the year the first order is no part of the rate: everybody has one, whatever follows.

use crate::{
    features::known_column,
    season::{Basis, Season},
};

const SPEND_90: usize = known_column("spend_90d");
const SPEND_365: usize = known_column("spend_365d");
const TENURE: usize = known_column("tenure_days");

const MEAN_ORDER: usize = known_column("mean_order_value");

/// A newcomer's rate is of so many days at least.
const SHORTEST: f64 = 30.0;
const YEAR: f64 = 365.0;

/// A customer's simple forecasts for the horizon.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Simple {
    /// The spend of the last 90 days, scaled.
    pub(super) recent: f64,
    /// The spend of the last year, or since the first order, scaled.
    pub(super) rate: f64,
}

/// By how much the coming days differ from those that the simple forecasts look back on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Factors {
    recent: f64,
    rate: f64,
}

impl Factors {
    /// None at all.
    pub(super) const EVEN: Factors = Factors { recent: 1.0, rate: 1.0 };

    /// Those of a season.
    pub(super) fn of(season: &Season, horizon: u32) -> Factors {
        Factors { recent: season.factor(Basis::Recent, horizon), rate: season.factor(Basis::Year, horizon) }
    }

    /// The logarithm of the factor over the recent days.
    pub(super) fn log_recent(self) -> f64 {
        self.recent.ln()
    }

    /// What the season adds to the logarithms of a model whose trees learnt from days of this season.
    pub(super) fn shift(self, learnt: f64) -> Shift {
        Shift { trees: self.recent.ln() - learnt, purchases: self.rate.ln() }
    }
}

/// By how much a season moves the logarithms of the model's parts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Shift {
    /// The coming days against those that the trees learnt from.
    pub(super) trees: f64,
    /// The coming days against the year.
    pub(super) purchases: f64,
}

impl Shift {
    pub(super) const NONE: Shift = Shift { trees: 0.0, purchases: 0.0 };
}

/// The simple forecasts of a customer with these features; none without an order.
pub(super) fn simple(row: &[f32], horizon: f64, factors: Factors) -> Option<Simple> {
    let value = |column: usize| Some(f64::from(row[column])).filter(|value| value.is_finite());
    let tenure = value(TENURE)?;
    let spend = |column: usize| value(column).unwrap_or(0.0).max(0.0);
    let first = if tenure < YEAR { spend(MEAN_ORDER) } else { 0.0 };
    Some(Simple {
        recent: spend(SPEND_90) / 90.0 * horizon * factors.recent,
        rate: (spend(SPEND_365) - first).max(0.0) / tenure.clamp(SHORTEST, YEAR) * horizon * factors.rate,
    })
}
