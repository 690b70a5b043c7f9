//! Forecasts of a monthly series: a handful of simple methods, of which a backtest on the series itself chooses one.
//!
//! Simple methods are hard to beat on the short series that a shop has, and which of them fits differs from shop to
//! shop; so each is tried from many past months on (a rolling origin, Hyndman and Athanasopoulos, "Forecasting:
//! Principles and Practice", 3rd edition, section 5.10), and the one with the smallest scaled error makes the
//! forecast. The errors of that backtest also give the interval.

mod backtest;
mod methods;

use serde::{Deserialize, Serialize};

pub use backtest::Score;
pub use methods::Method;

/// Fewer months than this say nothing about the next one.
const MINIMUM_MONTHS: usize = 6;

/// A forecast reaches so many months ahead at most.
pub const MAXIMUM_HORIZON: usize = 36;

/// What a forecast may not leave: a count is not negative, a rate lies between 0 and 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Limits {
    /// The least possible value.
    pub least: f64,
    /// The greatest possible value.
    pub greatest: f64,
}

impl Limits {
    /// Any number.
    pub const NONE: Limits = Limits { least: f64::MIN, greatest: f64::MAX };
    /// Nothing below 0.
    pub const POSITIVE: Limits = Limits { least: 0.0, greatest: f64::MAX };
    /// A share of a whole.
    pub const SHARE: Limits = Limits { least: 0.0, greatest: 1.0 };

    fn apply(self, value: f64) -> f64 {
        value.clamp(self.least, self.greatest)
    }
}

/// One month ahead.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Point {
    /// The expected value.
    pub value: f64,
    /// Lower bound of the 80 % interval.
    pub low: f64,
    /// Upper bound of the 80 % interval.
    pub high: f64,
}

/// A forecast and how its method came to be chosen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Forecast {
    /// The method with the smallest error in the backtest; of equals the simplest.
    pub method: Method,
    /// The months ahead, the next one first.
    pub points: Vec<Point>,
    /// Every method that was tried, best first.
    pub backtest: Vec<Score>,
}

/// Why there is no forecast.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum CannotForecast {
    /// The series is too short.
    #[error("not enough data: {months} full months, a forecast needs at least {MINIMUM_MONTHS}")]
    TooShort {
        /// How many months there are.
        months: usize,
    },
    /// A month has no number.
    #[error("month {index} of the series is not a number that can be reckoned with")]
    NotANumber {
        /// The month's place, from 0.
        index: usize,
    },
}

/// Greater values could overflow when squared and summed.
const GREATEST_INPUT: f64 = 1e100;

/// The forecast of the next `horizon` months (1 to [`MAXIMUM_HORIZON`], clamped) after a series of full months, the
/// oldest first.
///
/// The interval is empirical: its half width at a step is the 80 % quantile, with the finite-sample correction of
/// split conformal prediction (Lei et al., "Distribution-Free Predictive Inference for Regression", 2018, section 2.2),
/// of the absolute errors that the chosen method made at this step in the backtest; it never shrinks with the step,
/// and beyond the steps that could be tried it grows with the square root of the step, as a random walk's does.
///
/// # Errors
/// Too few months, or one that is not finite (or beyond 1e100 in size).
pub fn forecast(series: &[f64], horizon: usize, limits: Limits) -> Result<Forecast, CannotForecast> {
    if series.len() < MINIMUM_MONTHS {
        return Err(CannotForecast::TooShort { months: series.len() });
    }
    if let Some(index) = series.iter().position(|value| !value.is_finite() || value.abs() > GREATEST_INPUT) {
        return Err(CannotForecast::NotANumber { index });
    }
    let horizon = horizon.clamp(1, MAXIMUM_HORIZON);
    let mut trials: Vec<backtest::Trial> =
        Method::ALL.into_iter().filter_map(|method| backtest::run(method, series, limits)).collect();
    // The sort is stable and methods come in the order of their simplicity.
    trials.sort_by(|one, other| one.score.mase.total_cmp(&other.score.mase));
    let Some(best) = trials.first() else { return Err(CannotForecast::TooShort { months: series.len() }) };
    let method = best.score.method;
    let half_widths = backtest::half_widths(&best.errors, horizon);
    let points = methods::ahead(method, series, horizon)
        .into_iter()
        .zip(half_widths)
        .map(|(value, half_width)| {
            let value = limits.apply(value);
            Point { value, low: limits.apply(value - half_width), high: limits.apply(value + half_width) }
        })
        .collect();
    Ok(Forecast { method, points, backtest: trials.into_iter().map(|trial| trial.score).collect() })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_constant_series_stays_constant_and_certain() {
        let found = forecast(&[7.5; 20], 12, Limits::POSITIVE).expect("a forecast");
        assert_eq!(found.method, Method::Naive);
        assert_eq!(found.points, vec![Point { value: 7.5, low: 7.5, high: 7.5 }; 12]);
        assert!(found.backtest.iter().all(|score| score.mase < 1e-9));
    }

    #[test]
    fn a_straight_line_is_continued_by_drift() {
        let series: Vec<f64> = (0..12).map(|month| 100.0 + 10.0 * f64::from(month)).collect();
        let found = forecast(&series, 3, Limits::NONE).expect("a forecast");
        assert_eq!(found.method, Method::Drift);
        let values: Vec<f64> = found.points.iter().map(|point| point.value.round()).collect();
        assert_eq!(values, [220.0, 230.0, 240.0]);
    }

    #[test]
    fn a_seasonal_series_is_repeated() {
        let year = [10.0, 12.0, 14.0, 20.0, 22.0, 30.0, 34.0, 28.0, 20.0, 16.0, 40.0, 60.0];
        let series: Vec<f64> = year.iter().cycle().take(36).copied().collect();
        let found = forecast(&series, 12, Limits::POSITIVE).expect("a forecast");
        assert_eq!(found.method, Method::SeasonalNaive);
        assert_eq!(found.points.iter().map(|point| point.value).collect::<Vec<_>>(), year);
    }

    #[test]
    fn a_short_or_broken_series_is_refused_with_the_reason() {
        let short = forecast(&[1.0; 5], 3, Limits::NONE).expect_err("too short");
        assert_eq!(short.to_string(), "not enough data: 5 full months, a forecast needs at least 6");
        let broken = [1.0, 2.0, f64::NAN, 3.0, 4.0, 5.0, 6.0];
        assert_eq!(forecast(&broken, 3, Limits::NONE), Err(CannotForecast::NotANumber { index: 2 }));
    }

    proptest! {
        #[test]
        fn points_are_finite_and_inside_their_interval_and_limits(
            series in prop::collection::vec(-1e14f64..1e14, 6..60),
            horizon in 1usize..40,
        ) {
            for limits in [Limits::NONE, Limits::POSITIVE, Limits::SHARE] {
                let found = forecast(&series, horizon, limits).expect("a forecast");
                prop_assert_eq!(found.points.len(), horizon.min(MAXIMUM_HORIZON));
                for point in &found.points {
                    prop_assert!(point.value.is_finite() && point.low.is_finite() && point.high.is_finite());
                    prop_assert!(point.low <= point.value && point.value <= point.high);
                    prop_assert!(point.low >= limits.least && point.high <= limits.greatest);
                }
                for score in &found.backtest {
                    prop_assert!(score.mase.is_finite() && (0.0..=200.0).contains(&score.smape));
                }
            }
        }

        #[test]
        fn the_interval_never_narrows_with_the_step(series in prop::collection::vec(0f64..1e6, 6..40)) {
            let found = forecast(&series, 24, Limits::NONE).expect("a forecast");
            for pair in found.points.windows(2) {
                let width = |point: &Point| point.high - point.low;
                prop_assert!(width(&pair[1]) >= width(&pair[0]) * (1.0 - 1e-9) - 1e-6);
            }
        }
    }
}
