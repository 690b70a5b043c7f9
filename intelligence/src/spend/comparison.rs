//! Champion against challenger on the same held-back customers.

use serde::{Deserialize, Serialize};

use crate::metrics::{SIGNIFICANT, paired_p_value};

/// Forecasts for customers that the forecasting model was not trained on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HeldBack {
    /// The snapshot's day, since 1970-01-01.
    pub day: i32,
    /// What was expected.
    pub expected: Vec<f64>,
    /// What was spent.
    pub spent: Vec<f64>,
}

/// What the comparison says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Verdict {
    /// Whether the challenger should replace the champion.
    pub promote: bool,
    /// In words.
    pub reason: String,
    /// Mean loss of the champion and the challenger.
    pub loss: Option<(f64, f64)>,
    /// One-sided probability that the challenger's smaller loss is chance.
    pub p_value: Option<f64>,
}

/// An expectation below this (in the tenant's currency) counts as this much, so that a loss is finite.
const LEAST: f64 = 0.01;

/// Whether the challenger's forecasts are better than the champion's by more than noise, on customers that neither was
/// trained on. The loss is the Tweedie deviance of power 1.5 without the part that both share: it is smallest, on
/// average, for the true mean (Jørgensen, "The Theory of Dispersion Models", 1997; Gneiting, JASA 106, 2011), which an
/// absolute error is not: that one is smallest for the median, here zero.
pub fn better(champion: &[f64], challenger: &[f64], spent: &[f64]) -> Verdict {
    if champion.len() != spent.len() || challenger.len() != spent.len() || spent.is_empty() {
        let reason = "the models forecast for different customers".to_owned();
        return Verdict { promote: false, reason, loss: None, p_value: None };
    }
    let losses = |expected: &[f64]| -> Vec<f64> {
        expected.iter().zip(spent).map(|(expected, spent)| loss(*expected, *spent)).collect()
    };
    let (old, new) = (losses(champion), losses(challenger));
    let mean = |losses: &[f64]| losses.iter().sum::<f64>() / losses.len() as f64;
    let differences: Vec<f64> = new.iter().zip(&old).map(|(new, old)| new - old).collect();
    let p_value = paired_p_value(&differences);
    let (promote, reason) = match p_value {
        None => (false, "the models say the same, or of too few customers"),
        Some(p) if p >= SIGNIFICANT => (false, "the forecasts are not better by more than noise"),
        Some(_) => (true, "the forecasts are better by more than noise"),
    };
    Verdict { promote, reason: reason.to_owned(), loss: Some((mean(&old), mean(&new))), p_value }
}

/// The Tweedie deviance of power 1.5 of one customer, without the part that does not depend on the expectation.
pub(super) fn loss(expected: f64, spent: f64) -> f64 {
    let root = expected.max(LEAST).sqrt();
    2.0 * (spent.max(0.0) / root + root)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_better_forecast_is_promoted_and_noise_is_not() {
        let spent: Vec<f64> = (0..400).map(|i| f64::from(i % 7) * 10.0).collect();
        let good: Vec<f64> = spent.iter().map(|spent| spent + 1.0).collect();
        let poor: Vec<f64> = spent.iter().map(|_| 5.0).collect();
        assert!(better(&poor, &good, &spent).promote);
        assert!(!better(&good, &poor, &spent).promote);
        assert!(!better(&good, &good, &spent).promote, "the same is not better");
        assert!(!better(&good, &poor[..3], &spent).promote);
        assert!(!better(&[], &[], &[]).promote);
    }

    #[test]
    fn the_loss_is_smallest_at_the_mean() {
        let spent = [0.0, 0.0, 0.0, 40.0];
        let total = |expected: f64| spent.iter().map(|spent| loss(expected, *spent)).sum::<f64>();
        assert!(total(10.0) < total(9.0) && total(10.0) < total(11.0));
        assert!(total(0.0).is_finite());
    }
}
