//! The Gamma-Gamma model of spend a purchase (Fader and Hardie, "The Gamma-Gamma Model of Monetary Value", 2013):
//! a customer's purchases scatter around a mean of their own, and the means scatter over the customers.

use serde::{Deserialize, Serialize};

use crate::{
    optimise::minimise,
    special_functions::{digamma, ln_gamma},
};

/// The model's three parameters.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct GammaGamma {
    /// Shape of a customer's purchases.
    pub p: f64,
    /// Shape of the distribution of the customers' scales.
    pub q: f64,
    /// Scale of that distribution, in money.
    pub gamma: f64,
}

/// Why no model was fitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CannotFit {
    /// Too few customers with a value.
    #[error(
        "{customers} customers with a positive mean value; Gamma-Gamma needs at least {MINIMUM_CUSTOMERS}"
    )]
    TooFewCustomers {
        /// How many there are.
        customers: usize,
    },
    /// Money does not vary, or a parameter ran to the edge of what is allowed.
    #[error("the Gamma-Gamma likelihood has no maximum inside the allowed parameters")]
    NoMaximum,
}

const MINIMUM_CUSTOMERS: usize = 30;

impl GammaGamma {
    /// Maximum likelihood over customers given as (purchases, mean value of a purchase); those without a positive
    /// value are left out (equation 1a of the note).
    ///
    /// # Errors
    /// Too few customers, or no maximum.
    pub fn fit(customers: &[(f64, f64)]) -> Result<GammaGamma, CannotFit> {
        let mut rows: Vec<(f64, f64)> = customers
            .iter()
            .copied()
            .filter(|(n, mean)| *n > 0.0 && *mean > 0.0 && mean.is_finite())
            .collect();
        if rows.len() < MINIMUM_CUSTOMERS {
            return Err(CannotFit::TooFewCustomers { customers: rows.len() });
        }
        rows.sort_by(|left, right| left.0.total_cmp(&right.0).then(left.1.total_cmp(&right.1)));
        // money is measured in units of the typical value
        let unit = rows.iter().map(|(_, mean)| mean.ln()).sum::<f64>() / rows.len() as f64;
        let unit = unit.exp();
        let rows: Vec<Row> = rows
            .into_iter()
            .map(|(purchases, mean)| {
                let mean = mean / unit;
                Row { purchases, mean, log_mean: mean.ln(), log_purchases: purchases.ln() }
            })
            .collect();
        let found =
            minimise([4.0, 4.0, 1.0], 1e-3, 1e4, |parameters| negative_log_likelihood(parameters, &rows));
        let [p, q, gamma] = found.at;
        if !found.value.is_finite() || found.on_edge.contains(&true) {
            return Err(CannotFit::NoMaximum);
        }
        Ok(GammaGamma { p, q, gamma: gamma * unit })
    }

    /// Whether the parameters are numbers that a fit can give; an artefact is asked before it is trusted.
    pub fn is_sound(&self) -> bool {
        [self.p, self.q, self.gamma].iter().all(|x| x.is_finite() && *x > 0.0)
    }

    /// The expected mean value of a customer with so many purchases of this mean value (equation 5 of the note);
    /// `None` where the model has no mean (q + p x <= 1).
    pub fn expected(&self, purchases: f64, mean: f64) -> Option<f64> {
        let (purchases, mean) = if mean > 0.0 { (purchases.max(0.0), mean) } else { (0.0, 0.0) };
        let below = self.p * purchases + self.q - 1.0;
        let value = self.p * (self.gamma + purchases * mean) / below;
        (below > 0.0 && value.is_finite()).then_some(value)
    }
}

/// A customer, with the logarithms that every step of the search asks for.
struct Row {
    purchases: f64,
    mean: f64,
    log_mean: f64,
    log_purchases: f64,
}

fn negative_log_likelihood(&[p, q, gamma]: &[f64; 3], rows: &[Row]) -> (f64, [f64; 3]) {
    let (mut value, mut gradient) = (0.0, [0.0; 3]);
    let fixed = q * gamma.ln() - ln_gamma(q);
    let slope = gamma.ln() - digamma(q);
    let mut cached = (f64::NAN, 0.0, 0.0, 0.0);
    for &Row { purchases: n, mean, log_mean, log_purchases } in rows {
        if cached.0 != n {
            let both = digamma(p * n + q);
            cached = (n, ln_gamma(p * n + q) - ln_gamma(p * n), both - digamma(p * n), both);
        }
        let (_, gammas, by_p, by_q) = cached;
        let sum = gamma + n * mean;
        value += gammas + fixed + (p * n - 1.0) * log_mean + p * n * log_purchases - (p * n + q) * sum.ln();
        gradient[0] += n * (by_p + log_mean + log_purchases - sum.ln());
        gradient[1] += by_q + slope - sum.ln();
        gradient[2] += q / gamma - (p * n + q) / sum;
    }
    let count = rows.len() as f64;
    (-value / count, gradient.map(|slope| -slope / count))
}
