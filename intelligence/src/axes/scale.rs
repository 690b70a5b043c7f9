//! One feature made comparable with its neighbours, frozen with the version that was fitted.
//!
//! A shop's features are skewed, have absurd values and pile up on 0 or 1. The usual scale takes the logarithm of a
//! skewed feature and cuts its ends; where that still leaves nearly everybody in one heap, the scale by rank does
//! away with the shape altogether and keeps the order only.

use serde::{Deserialize, Serialize};

/// How values are spread before they are standardised.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Spread {
    /// As they are, or their logarithm when skewed.
    Values,
    /// By their rank among the sample's values.
    Ranks,
}

/// The skewness from which on a feature's logarithm is taken.
const SKEWED: f64 = 1.5;
/// The tails that are cut off on both sides, as a share of the sample.
const TAIL: f64 = 0.01;
/// Values beyond this are taken for this, so that differences of two values can be held.
const ABSURD: f32 = 1e30;
/// How many ranks are remembered.
const KNOTS: usize = 32;
/// A value held by more than this share of the sample says too little to be worth a scale: what remains would lie
/// many standard deviations away and make segments of a handful.
const CONSTANT: f64 = 0.97;

/// A feature's frozen scale.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Scale {
    shape: Shape,
    low: f32,
    high: f32,
    centre: f32,
    /// One over the standard deviation.
    inverse: f32,
    /// What stands for a missing value: the scaled median.
    fill: f32,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Shape {
    Linear,
    Logarithm,
    /// Values ascending, and the share of the sample below each plus half of that at it.
    Ranks {
        values: Vec<f32>,
        levels: Vec<f32>,
    },
}

impl Scale {
    /// The scale of a feature from its sample (no missing values in it); `None` for one that is nearly constant.
    pub(crate) fn fit(sample: &[f32], spread: Spread) -> Option<Scale> {
        let mut sorted: Vec<f32> = sample
            .iter()
            .filter(|value| value.is_finite())
            .map(|value| value.clamp(-ABSURD, ABSURD))
            .collect();
        sorted.sort_unstable_by(f32::total_cmp);
        if sorted.is_empty() || commonest(&sorted) > CONSTANT {
            return None;
        }
        let shape = match spread {
            Spread::Ranks => ranks(&sorted),
            Spread::Values if skewness(&sorted) > SKEWED => Shape::Logarithm,
            Spread::Values => Shape::Linear,
        };
        let cut = |share: f64| shape.apply(sorted[((sorted.len() - 1) as f64 * share).round() as usize]);
        let (low, high) = (cut(TAIL), cut(1.0 - TAIL));
        let shaped = || sorted.iter().map(|&value| f64::from(shape.apply(value).clamp(low, high)));
        let count = sorted.len() as f64;
        let centre = shaped().sum::<f64>() / count;
        let deviation = (shaped().map(|value| (value - centre).powi(2)).sum::<f64>() / count).sqrt();
        if deviation.is_nan() || deviation <= 1e-6 * (1.0 + centre.abs()) {
            return None;
        }
        let (centre, inverse) = (centre as f32, (1.0 / deviation) as f32);
        let fill = (cut(0.5) - centre) * inverse;
        Some(Scale { shape, low, high, centre, inverse, fill })
    }

    /// The scaled value; a missing one becomes the median's.
    #[inline]
    pub(crate) fn apply(&self, value: f32) -> f32 {
        if !value.is_finite() {
            return self.fill;
        }
        let value = value.clamp(-ABSURD, ABSURD);
        (self.shape.apply(value).clamp(self.low, self.high) - self.centre) * self.inverse
    }
}

impl Shape {
    #[inline]
    fn apply(&self, value: f32) -> f32 {
        match self {
            Shape::Linear => value,
            Shape::Logarithm => (1.0 + value.abs()).ln().copysign(value),
            Shape::Ranks { values, levels } => {
                let above = values.partition_point(|&knot| knot <= value);
                if above == 0 {
                    return levels[0];
                }
                if above == values.len() {
                    return levels[above - 1];
                }
                let within = (value - values[above - 1]) / (values[above] - values[above - 1]);
                levels[above - 1] + within * (levels[above] - levels[above - 1])
            }
        }
    }
}

/// The share of the commonest value among ascending values.
pub(crate) fn commonest(sorted: &[f32]) -> f64 {
    let longest = sorted.chunk_by(|one, other| one == other).map(<[f32]>::len).max().unwrap_or(0);
    longest as f64 / sorted.len().max(1) as f64
}

/// The moment coefficient of skewness; 0 for a constant.
fn skewness(values: &[f32]) -> f64 {
    let count = values.len() as f64;
    let mean = values.iter().map(|&value| f64::from(value)).sum::<f64>() / count;
    let moment =
        |power: i32| values.iter().map(|&value| (f64::from(value) - mean).powi(power)).sum::<f64>() / count;
    let variance = moment(2);
    if variance > 0.0 { moment(3) / variance.powf(1.5) } else { 0.0 }
}

/// Evenly spread ranks of ascending values; equal values share the middle of their ranks.
fn ranks(sorted: &[f32]) -> Shape {
    let last = sorted.len() - 1;
    let mut values: Vec<f32> = (0..=KNOTS).map(|knot| sorted[last * knot / KNOTS]).collect();
    values.dedup();
    let level = |&value: &f32| {
        let below = sorted.partition_point(|&other| other < value);
        let upto = sorted.partition_point(|&other| other <= value);
        (below + upto) as f32 / (2 * sorted.len()) as f32
    };
    let levels = values.iter().map(level).collect();
    Shape::Ranks { values, levels }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scaled_values_have_mean_nothing_and_deviation_one() {
        let sample: Vec<f32> = (0..1000).map(|value| (value as f32 / 100.0).exp()).collect();
        for spread in [Spread::Values, Spread::Ranks] {
            let scale = Scale::fit(&sample, spread).expect("values differ");
            let scaled: Vec<f64> = sample.iter().map(|&value| f64::from(scale.apply(value))).collect();
            let mean = scaled.iter().sum::<f64>() / 1000.0;
            let square = scaled.iter().map(|value| value * value).sum::<f64>() / 1000.0;
            assert!(mean.abs() < 1e-4 && (square - 1.0).abs() < 1e-3, "{mean} {square}");
            assert!(scale.apply(f32::NAN).abs() < 0.1, "the median of a symmetric shape is its middle");
            assert_eq!(scale.apply(f32::MAX), scale.apply(1e30), "the ends are cut");
        }
    }

    #[test]
    fn what_hardly_varies_has_no_scale() {
        assert_eq!(Scale::fit(&[3.0; 100], Spread::Values), None);
        assert_eq!(Scale::fit(&[], Spread::Ranks), None);
        let mut rare = vec![0.0; 1000];
        rare[5] = 1.0;
        assert_eq!(Scale::fit(&rare, Spread::Values), None);
    }

    #[test]
    fn a_negative_value_keeps_its_sign_under_the_logarithm() {
        let mut sample: Vec<f32> = (0..200).map(|value| value as f32 * 0.1).collect();
        sample.extend([-50.0, -40.0, -30.0, -20.0, 5000.0, 9000.0, 20_000.0]);
        let scale = Scale::fit(&sample, Spread::Values).expect("values differ");
        assert!(scale.apply(-5.0) < scale.apply(-1.0) && scale.apply(-1.0) < scale.apply(1.0));
    }
}
