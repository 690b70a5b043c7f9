//! Trying a method on the past: from every month that leaves enough history, forecast what followed and compare.

use serde::{Deserialize, Serialize};

use super::{
    Limits,
    methods::{self, Method, SEASON},
};

/// The first origin leaves so many months to learn from.
const FIRST_ORIGIN: usize = 4;

/// At most so many of the latest origins are tried.
const ORIGINS: usize = 24;

/// How many steps from each origin are compared at most.
const STEPS: usize = 6;

/// How a method did.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Score {
    /// The method.
    pub method: Method,
    /// Mean absolute error over the mean absolute change from month to month, which is the error of the naive method
    /// one month ahead (Hyndman and Koehler, "Another look at measures of forecast accuracy", 2006); below 1 is better.
    pub mase: f64,
    /// Symmetric mean absolute percentage error, 0 to 200 (Makridakis, 1993).
    pub smape: f64,
    /// Months that it was tried from.
    pub origins: usize,
    /// Forecasts compared with what happened.
    pub compared: usize,
}

/// A method's score and its errors.
pub(super) struct Trial {
    pub(super) score: Score,
    /// Absolute errors by step; the first are those one month ahead.
    pub(super) errors: Vec<Vec<f64>>,
}

/// Tries a method, or none when the series is too short for it. All methods are tried from the same origins, so that
/// their scores can be compared; the seasonal one needs two years, and is then tried from the second year on.
pub(super) fn run(method: Method, series: &[f64], limits: Limits) -> Option<Trial> {
    let has_seasons = series.len() >= 2 * SEASON;
    if method == Method::SeasonalNaive && !has_seasons {
        return None;
    }
    let earliest = if has_seasons { SEASON } else { FIRST_ORIGIN }.max(series.len().saturating_sub(ORIGINS));
    if earliest < method.needs() || earliest >= series.len() {
        return None;
    }
    let (mut errors, mut relative) = (vec![Vec::new(); STEPS], 0.0);
    for origin in earliest..series.len() {
        let (known, followed) = series.split_at(origin);
        let steps = followed.len().min(STEPS);
        for (step, value) in methods::ahead(method, known, steps).into_iter().enumerate() {
            let (expected, actual) = (limits.apply(value), followed[step]);
            let error = (actual - expected).abs();
            let size = actual.abs() + expected.abs();
            relative += if size > 0.0 { 200.0 * error / size } else { 0.0 };
            errors[step].push(error);
        }
    }
    let compared: usize = errors.iter().map(Vec::len).sum();
    let mean = errors.iter().flatten().sum::<f64>() / compared as f64;
    let changes: f64 = series.windows(2).map(|pair| (pair[1] - pair[0]).abs()).sum();
    let scale = changes / (series.len() - 1) as f64;
    let mase = if scale > 0.0 { mean / scale } else { 0.0 };
    let smape = (relative / compared as f64).min(200.0);
    let score = Score { method, mase, smape, origins: series.len() - earliest, compared };
    Some(Trial { score, errors })
}

/// Half the width of the interval at each step.
pub(super) fn half_widths(errors: &[Vec<f64>], horizon: usize) -> Vec<f64> {
    let mut widths: Vec<f64> = Vec::with_capacity(horizon);
    let mut tried = 0;
    for step in 0..horizon {
        let before = widths.last().copied().unwrap_or(0.0);
        // A step that was tried only a few times says less than the steps before it.
        let enough = errors.get(step).filter(|errors| errors.len() >= 4 || (step == 0 && !errors.is_empty()));
        let width = match enough {
            Some(errors) => {
                tried = step + 1;
                quantile_80(errors).max(before)
            }
            None => {
                let base = widths.get(tried.saturating_sub(1)).copied().unwrap_or(0.0);
                (base * ((step + 1) as f64 / tried.max(1) as f64).sqrt()).max(before)
            }
        };
        widths.push(width);
    }
    widths
}

/// The ceil((n + 1) x 0.8)-th smallest, or the largest.
fn quantile_80(errors: &[f64]) -> f64 {
    let mut sorted = errors.to_vec();
    sorted.sort_by(f64::total_cmp);
    let rank = ((sorted.len() + 1) * 4).div_ceil(5).clamp(1, sorted.len());
    sorted[rank - 1]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_naive_method_by_hand() {
        // From months 4 and 5 on: |13 - 12| and |9 - 12| from the first, |9 - 13| from the second.
        let series = [10.0, 11.0, 10.0, 12.0, 13.0, 9.0];
        let trial = run(Method::Naive, &series, Limits::NONE).expect("long enough");
        assert_eq!(trial.errors[..2], [vec![1.0, 4.0], vec![3.0]]);
        // The mean error is 8/3, the mean change (1 + 1 + 2 + 1 + 4) / 5.
        assert!((trial.score.mase - (8.0 / 3.0) / 1.8).abs() < 1e-12);
        let smape = 200.0 * (1.0 / 25.0 + 3.0 / 21.0 + 4.0 / 22.0) / 3.0;
        assert!((trial.score.smape - smape).abs() < 1e-12);
        assert_eq!((trial.score.origins, trial.score.compared), (2, 3));
        assert!(run(Method::SeasonalNaive, &series, Limits::NONE).is_none());
    }

    #[test]
    fn the_quantile_is_the_largest_of_few_and_the_fourth_fifth_of_many() {
        assert_eq!(quantile_80(&[3.0, 1.0]), 3.0);
        let many: Vec<f64> = (1..=19).map(f64::from).collect();
        assert_eq!(quantile_80(&many), 16.0);
    }

    #[test]
    fn widths_grow_beyond_the_steps_that_were_tried() {
        let errors = vec![vec![2.0; 5], vec![1.0; 4], vec![9.0; 3]];
        let widths = half_widths(&errors, 4);
        assert_eq!(widths[..2], [2.0, 2.0]);
        assert!((widths[2] - 2.0 * 1.5f64.sqrt()).abs() < 1e-12 && widths[3] > widths[2]);
    }
}
