//! The methods: each turns a series into the months that follow.

use serde::{Deserialize, Serialize};

/// Months in a season.
pub(super) const SEASON: usize = 12;

/// A way to forecast. The order is that of simplicity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// The last value (Hyndman and Athanasopoulos, "Forecasting: Principles and Practice", 3rd edition, section 5.2).
    Naive,
    /// The value of the same month a year before (the same section); for two years of history and more.
    SeasonalNaive,
    /// The line through the first and the last value (the same section).
    Drift,
    /// Simple exponential smoothing (section 8.1).
    ExponentialSmoothing,
    /// Holt's trend that fades out (Gardner and McKenzie, "Forecasting trends in time series", 1985; section 8.2).
    DampedTrend,
    /// The Theta method (Assimakopoulos and Nikolopoulos, "The theta model: a decomposition approach to forecasting",
    /// International Journal of Forecasting 16(4), 2000), as smoothing with half the linear trend (Hyndman and
    /// Billah, "Unmasking the Theta method", 2003, equation 6).
    Theta,
}

impl Method {
    /// Every method, the simplest first.
    pub const ALL: [Method; 6] = [
        Method::Naive,
        Method::SeasonalNaive,
        Method::Drift,
        Method::ExponentialSmoothing,
        Method::DampedTrend,
        Method::Theta,
    ];

    /// The name in answers.
    pub const fn name(self) -> &'static str {
        match self {
            Method::Naive => "naive",
            Method::SeasonalNaive => "seasonal_naive",
            Method::Drift => "drift",
            Method::ExponentialSmoothing => "exponential_smoothing",
            Method::DampedTrend => "damped_trend",
            Method::Theta => "theta",
        }
    }

    /// The fewest months that it can say something from.
    pub(super) const fn needs(self) -> usize {
        match self {
            Method::Naive => 1,
            Method::SeasonalNaive => SEASON,
            Method::Drift => 2,
            Method::ExponentialSmoothing => 3,
            Method::DampedTrend | Method::Theta => 4,
        }
    }
}

/// The `horizon` months after the series, which must have the months that the method needs.
pub(super) fn ahead(method: Method, series: &[f64], horizon: usize) -> Vec<f64> {
    let last = series.last().copied().unwrap_or(0.0);
    let steps = 1..=horizon;
    match method {
        Method::Naive => vec![last; horizon],
        Method::SeasonalNaive => {
            let year = &series[series.len().saturating_sub(SEASON)..];
            year.iter().cycle().take(horizon).copied().collect()
        }
        Method::Drift => {
            let slope = (last - series[0]) / (series.len() - 1).max(1) as f64;
            steps.map(|step| last + slope * step as f64).collect()
        }
        Method::ExponentialSmoothing => vec![smoothed(series).1; horizon],
        Method::DampedTrend => damped(series, horizon),
        Method::Theta => theta(series, horizon),
    }
}

/// The smoothing weight with the smallest sum of squared one-month errors, and the last level under it.
fn smoothed(series: &[f64]) -> (f64, f64) {
    let mut best = (f64::INFINITY, 0.01, series[0]);
    for alpha in (1..100).map(|percent| f64::from(percent) / 100.0) {
        let (mut level, mut squares) = (series[0], 0.0);
        for value in &series[1..] {
            let error = value - level;
            squares += error * error;
            level += alpha * error;
        }
        if squares < best.0 {
            best = (squares, alpha, level);
        }
    }
    (best.1, best.2)
}

/// The level and trend with the smallest sum of squared one-month errors on a grid of weights. The trend begins as the
/// mean of the first changes, so that a single odd month does not set it.
fn damped(series: &[f64], horizon: usize) -> Vec<f64> {
    let first = (series.len() - 1).min(4);
    let start = (series[first] - series[0]) / first as f64;
    let mut best = (f64::INFINITY, series[0], 0.0, 0.9);
    for phi in [0.8, 0.85, 0.9, 0.95, 0.98] {
        for alpha in (1..20).map(|step| f64::from(step) * 0.05) {
            for share in (0..10).map(|step| f64::from(step) * 0.1) {
                // beta is at most alpha, as in the equivalent state space model
                let beta = alpha * share;
                let (mut level, mut trend, mut squares) = (series[0], start, 0.0);
                for value in &series[1..] {
                    let expected = level + phi * trend;
                    let error = value - expected;
                    squares += error * error;
                    level = expected + alpha * error;
                    trend = phi * trend + beta * error;
                }
                if squares < best.0 {
                    best = (squares, level, trend, phi);
                }
            }
        }
    }
    let (_, level, trend, phi) = best;
    let mut sum = 0.0;
    (1..=horizon)
        .map(|step| {
            sum += phi.powi(i32::try_from(step).unwrap_or(i32::MAX));
            level + sum * trend
        })
        .collect()
}

fn theta(series: &[f64], horizon: usize) -> Vec<f64> {
    let (alpha, level) = smoothed(series);
    let months = series.len() as f64;
    let half_slope = slope(series) / 2.0;
    let begun = (1.0 - (1.0 - alpha).powf(months)) / alpha;
    (1..=horizon).map(|step| level + half_slope * (step as f64 - 1.0 + begun)).collect()
}

/// Slope of the least squares line over time.
fn slope(series: &[f64]) -> f64 {
    let months = series.len() as f64;
    let middle = (months - 1.0) / 2.0;
    let mean = series.iter().sum::<f64>() / months;
    let (mut above, mut below) = (0.0, 0.0);
    for (month, value) in series.iter().enumerate() {
        let distance = month as f64 - middle;
        above += distance * (value - mean);
        below += distance * distance;
    }
    if below > 0.0 { above / below } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn methods_by_hand() {
        let series = [3.0, 5.0, 4.0, 9.0];
        assert_eq!(ahead(Method::Naive, &series, 2), [9.0, 9.0]);
        assert_eq!(ahead(Method::Drift, &series, 2), [11.0, 13.0]);
        let year: Vec<f64> = (1..=14).map(f64::from).collect();
        assert_eq!(ahead(Method::SeasonalNaive, &year, 13)[..2], [3.0, 4.0]);
        assert_eq!(ahead(Method::SeasonalNaive, &year, 13)[12], 3.0);
        // 3 5 4 9: slope (-1.5*3 - .5*5 + .5*4 + 1.5*9) / 5
        assert!((slope(&series) - 1.7).abs() < 1e-12);
    }

    #[test]
    fn smoothing_follows_a_step_and_ignores_noise() {
        let step = [10.0, 10.0, 10.0, 50.0, 50.0, 50.0];
        assert!(smoothed(&step).1 > 49.0);
        let noise = [10.0, 12.0, 8.0, 12.0, 8.0, 12.0, 8.0, 12.0];
        let level = smoothed(&noise).1;
        assert!((9.0..11.0).contains(&level), "{level}");
    }

    #[test]
    fn a_damped_trend_flattens_out() {
        let series: Vec<f64> = (0..12).map(|month| f64::from(month) * 10.0).collect();
        let found = ahead(Method::DampedTrend, &series, 24);
        let steps: Vec<f64> = found.windows(2).map(|pair| pair[1] - pair[0]).collect();
        assert!(steps.windows(2).all(|pair| pair[1] < pair[0] && pair[1] > 0.0));
    }

    #[test]
    fn theta_adds_half_the_trend() {
        let series: Vec<f64> = (0..12).map(f64::from).collect();
        let found = ahead(Method::Theta, &series, 3);
        assert!(found.windows(2).all(|pair| (pair[1] - pair[0] - 0.5).abs() < 1e-9), "{found:?}");
    }
}
