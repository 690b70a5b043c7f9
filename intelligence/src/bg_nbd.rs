//! The BG/NBD model of repeat purchases (Fader, Hardie and Lee, "Counting Your Customers the Easy Way", Marketing
//! Science 24(2), 2005): customers buy at a steady rate until, after some purchase, they leave for good.

use std::collections::BTreeMap;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::{
    optimise::minimise,
    special_functions::{digamma, hypergeometric, ln_gamma, logistic},
};

/// The model's four parameters; times are in days.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct BgNbd {
    /// Shape of the purchase rate's gamma distribution.
    pub r: f64,
    /// Its scale, in days.
    pub alpha: f64,
    /// First parameter of the drop-out probability's beta distribution.
    pub a: f64,
    /// Second parameter.
    pub b: f64,
}

/// What the model needs to know of a customer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Observation {
    /// Purchase days after the first.
    pub repeats: u32,
    /// Days from the first purchase day to the last.
    pub last: u32,
    /// Days from the first purchase day to the cut-off.
    pub tenure: u32,
}

/// A fitted model and how far to trust it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Fit {
    /// The parameters.
    pub model: BgNbd,
    /// Log-likelihood a customer.
    pub log_likelihood: f64,
    /// Customers fitted.
    pub customers: u64,
    /// The parameters that ran to the edge of what is allowed. Then the data do not tell leaving from long gaps, and
    /// P(alive) says little; the number of expected purchases is still usable.
    pub on_edge: Vec<String>,
}

/// Why no model was fitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CannotFit {
    /// Too few customers.
    #[error("{customers} customers; BG/NBD needs at least {MINIMUM_CUSTOMERS}")]
    TooFewCustomers {
        /// How many there are.
        customers: u64,
    },
    /// Nearly nobody came back.
    #[error("{repeaters} customers bought on a second day; BG/NBD needs at least {MINIMUM_REPEATERS}")]
    TooFewRepeaters {
        /// How many there are.
        repeaters: u64,
    },
    /// The likelihood has no maximum that could be found.
    #[error("the BG/NBD likelihood has no maximum that could be found")]
    NoMaximum,
}

const MINIMUM_CUSTOMERS: u64 = 50;
const MINIMUM_REPEATERS: u64 = 10;
/// The parameters' box; published fits lie well inside it.
const LOW: f64 = 1e-3;
const HIGH: f64 = 1e3;

impl BgNbd {
    /// Maximum likelihood over all customers (equation 6 of the paper); equal observations are counted once with
    /// their weight, in a fixed order, so the order of input does not matter.
    ///
    /// # Errors
    /// Too few customers or repeat buyers, or no maximum.
    pub fn fit(observations: impl IntoIterator<Item = Observation>) -> Result<Fit, CannotFit> {
        let mut unique: BTreeMap<(u32, u32, u32), f64> = BTreeMap::new();
        let (mut customers, mut repeaters, mut tenures, mut exposure) = (0u64, 0u64, 0.0f64, 0.0f64);
        for Observation { repeats, last, tenure } in observations {
            *unique.entry((repeats, last, tenure.max(last))).or_default() += 1.0;
            customers += 1;
            repeaters += u64::from(repeats > 0);
            tenures += f64::from(tenure);
            exposure += f64::from(repeats);
        }
        if customers < MINIMUM_CUSTOMERS {
            return Err(CannotFit::TooFewCustomers { customers });
        }
        if repeaters < MINIMUM_REPEATERS || tenures <= 0.0 {
            return Err(CannotFit::TooFewRepeaters { repeaters });
        }
        // time is measured in units that make alpha of the order of r
        let unit = (tenures / exposure).max(1.0);
        let rows: Vec<Row> = unique
            .into_iter()
            .map(|((repeats, last, tenure), weight)| Row {
                repeats: f64::from(repeats),
                last: f64::from(last) / unit,
                tenure: f64::from(tenure) / unit,
                weight: weight / customers as f64,
            })
            .collect();
        let counts = Counts::of(&rows);
        let starts = [[0.3, 0.3, 0.8, 2.5], [1.0, 1.0, 0.2, 1.0]];
        let minima: Vec<_> = starts
            .into_par_iter()
            .map(|start| {
                minimise(start, LOW, HIGH, |parameters| negative_log_likelihood(parameters, &rows, &counts))
            })
            .collect();
        let best = minima
            .into_iter()
            .filter(|minimum| minimum.value.is_finite())
            .min_by(|left, right| left.value.total_cmp(&right.value))
            .ok_or(CannotFit::NoMaximum)?;
        let [r, alpha, a, b] = best.at;
        let names = ["r", "alpha", "a", "b"];
        let on_edge =
            names.iter().zip(best.on_edge).filter(|(_, edge)| *edge).map(|(name, _)| name.to_string());
        Ok(Fit {
            model: BgNbd { r, alpha: alpha * unit, a, b },
            log_likelihood: -best.value,
            customers,
            on_edge: on_edge.collect(),
        })
    }

    /// Whether the parameters are inside the box that a fit keeps to; an artefact is asked before it is trusted.
    pub fn is_sound(&self) -> bool {
        let shapes =
            [self.r, self.a, self.b].iter().all(|x| x.is_finite() && (LOW * 0.9..=HIGH * 1.1).contains(x));
        shapes && self.alpha.is_finite() && self.alpha > 0.0
    }

    /// Whether leaving shows in the data at all: at the edge of the box nobody ever leaves and P(alive) is 1.
    pub fn is_credible(&self) -> bool {
        self.a > LOW * 1.01 && self.b < HIGH * 0.99
    }

    /// The probability that a customer is still there: `repeats` repeat purchase days, the last of them `last` days
    /// after the first, observed for `tenure` days (Fader, Hardie and Lee, "Computing P(alive) Using the BG/NBD
    /// Model", 2008).
    pub fn alive(&self, repeats: f64, last: f64, tenure: f64) -> f64 {
        if repeats <= 0.0 {
            return 1.0;
        }
        let odds = (self.a / (self.b + repeats - 1.0)).ln()
            + (self.r + repeats) * ((self.alpha + tenure) / (self.alpha + last)).ln();
        logistic(-odds)
    }

    /// The probability of no purchase in the `horizon` days after the cut-off. While a customer is there nothing
    /// but the rate decides on the next purchase, and the rate's posterior is gamma(r + x, alpha + T) (section 2 of
    /// the 2005 paper), hence 1 - P(alive) (1 - ((alpha + T) / (alpha + T + horizon))^(r + x)).
    pub fn silent(&self, observation: Observation, horizon: f64) -> f64 {
        let (repeats, last, tenure) = observation.numbers();
        let quiet =
            ((self.r + repeats) * ((self.alpha + tenure) / (self.alpha + tenure + horizon)).ln()).exp();
        1.0 - self.alive(repeats, last, tenure) * (1.0 - quiet)
    }

    /// Expected purchase days in the `horizon` days after the cut-off (equation 10 of the 2005 paper). Where its
    /// series does not converge, the expectation of a customer that does not leave within the horizon is answered.
    pub fn expected(&self, observation: Observation, horizon: f64) -> f64 {
        let (repeats, last, tenure) = observation.numbers();
        let steady = self.alive(repeats, last, tenure) * (self.r + repeats) / (self.alpha + tenure) * horizon;
        // the formula has removable singularities at a = 1 and a + b + x = 1
        let a = if (self.a - 1.0).abs() < 1e-5 { 1.0 + 1e-5 } else { self.a };
        let mut c = a + self.b + repeats - 1.0;
        if c.abs() < 1e-5 {
            c = 1e-5;
        }
        let z = horizon / (self.alpha + tenure + horizon);
        let Some(series) = hypergeometric(self.r + repeats, self.b + repeats, c, z) else { return steady };
        let quiet =
            ((self.r + repeats) * ((self.alpha + tenure) / (self.alpha + tenure + horizon)).ln()).exp();
        let purchases = c / (a - 1.0) * (1.0 - quiet * series);
        let expected = purchases * self.alive(repeats, last, tenure);
        if expected.is_finite() && expected >= 0.0 { expected } else { steady }
    }
}

impl Observation {
    fn numbers(self) -> (f64, f64, f64) {
        (f64::from(self.repeats), f64::from(self.last), f64::from(self.tenure))
    }
}

struct Row {
    repeats: f64,
    last: f64,
    tenure: f64,
    weight: f64,
}

/// The weight of every number of repeats: most of the likelihood's gamma functions depend on it alone.
struct Counts(Vec<(f64, f64)>);

impl Counts {
    fn of(rows: &[Row]) -> Counts {
        // rows are sorted by repeats
        let mut counts: Vec<(f64, f64)> = Vec::new();
        for row in rows {
            match counts.last_mut() {
                Some((repeats, weight)) if *repeats == row.repeats => *weight += row.weight,
                _ => counts.push((row.repeats, row.weight)),
            }
        }
        Counts(counts)
    }
}

/// Minus the mean log-likelihood and its gradient by (r, alpha, a, b): equation 6 written as ln A1 + ln A2 +
/// ln(A3 + A4) as in the authors' note on implementing the model in a spreadsheet.
fn negative_log_likelihood(parameters: &[f64; 4], rows: &[Row], Counts(counts): &Counts) -> (f64, [f64; 4]) {
    let [r, alpha, a, b] = *parameters;
    let (mut value, mut gradient) = (0.0, [0.0; 4]);
    for &(x, weight) in counts {
        let gammas = ln_gamma(r + x) - ln_gamma(r) + r * alpha.ln();
        let betas = ln_gamma(a + b) + ln_gamma(b + x) - ln_gamma(b) - ln_gamma(a + b + x);
        value += weight * (gammas + betas);
        let whole = digamma(a + b) - digamma(a + b + x);
        gradient[0] += weight * (digamma(r + x) - digamma(r) + alpha.ln());
        gradient[1] += weight * r / alpha;
        gradient[2] += weight * whole;
        gradient[3] += weight * (whole + digamma(b + x) - digamma(b));
    }
    // rows are sorted by repeats
    let mut log_leaving = (f64::NAN, 0.0);
    for row in rows {
        let (there, total) = (alpha + row.tenure, r + row.repeats);
        let stayed = -total * there.ln();
        if row.repeats == 0.0 {
            value += row.weight * stayed;
            gradient[0] -= row.weight * there.ln();
            gradient[1] -= row.weight * total / there;
            continue;
        }
        let until = alpha + row.last;
        if log_leaving.0 != row.repeats {
            log_leaving = (row.repeats, (a / (b + row.repeats - 1.0)).ln());
        }
        let left = log_leaving.1 - total * until.ln();
        let highest = stayed.max(left);
        // of the greater one it is 1
        let sum = highest + (1.0 + (stayed.min(left) - highest).exp()).ln();
        let gone = (left - sum).exp();
        let here = 1.0 - gone;
        value += row.weight * sum;
        gradient[0] -= row.weight * (here * there.ln() + gone * until.ln());
        gradient[1] -= row.weight * total * (here / there + gone / until);
        gradient[2] += row.weight * gone / a;
        gradient[3] -= row.weight * gone / (b + row.repeats - 1.0);
    }
    (-value, gradient.map(|slope| -slope))
}
