//! The few statistics that the features share. All sums run in the order given, so equal input gives equal bits.

/// A quotient, if the denominator is positive.
pub(super) fn ratio(numerator: f64, denominator: f64) -> Option<f64> {
    (denominator > 0.0).then(|| numerator / denominator)
}

/// The mean of at least one value.
pub(super) fn mean(values: &[f64]) -> Option<f64> {
    ratio(values.iter().sum(), values.len() as f64)
}

/// The standard deviation of at least two values, over all of them (divisor n).
pub(super) fn deviation(values: &[f64]) -> Option<f64> {
    let mean = mean(values).filter(|_| values.len() > 1)?;
    let squares: f64 = values.iter().map(|value| (value - mean) * (value - mean)).sum();
    Some((squares / values.len() as f64).sqrt())
}

/// Standard deviation over mean, of at least two values with a positive mean.
pub(super) fn variation(values: &[f64]) -> Option<f64> {
    ratio(deviation(values)?, mean(values)?)
}

/// The middle value, or the mean of the two middle ones; the values are left in another order.
pub(super) fn median(values: &mut [f64]) -> Option<f64> {
    if values.is_empty() {
        return None;
    }
    let (middle, even) = (values.len() / 2, values.len().is_multiple_of(2));
    let (below, &mut upper, _) = values.select_nth_unstable_by(middle, f64::total_cmp);
    if even {
        let lower = below.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        return Some((lower + upper) / 2.0);
    }
    Some(upper)
}

/// The covariance of the values with their positions 0, 1, .. over (the positions' variance + `ridge`), of at least
/// three values. With a ridge of 0 that is the slope of ordinary least squares.
pub(super) fn slope(values: &[f64], ridge: f64) -> Option<f64> {
    let mean = mean(values).filter(|_| values.len() > 2)?;
    let count = values.len() as f64;
    let centre = (count - 1.0) / 2.0;
    let products: f64 =
        values.iter().enumerate().map(|(at, value)| (at as f64 - centre) * (value - mean)).sum();
    ratio(products / count, (count * count - 1.0) / 12.0 + ridge)
}

/// ln(1 + x) of what should not be negative.
pub(super) fn log_amount(amount: f64) -> f64 {
    amount.max(0.0).ln_1p()
}
