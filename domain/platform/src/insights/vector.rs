//! What is stored of a customer as bytes: features of four bytes each, memberships of one byte each.

use super::answer::{finite, round};
use super::catalog::Axis;

/// Stored features in order; none where a feature is missing.
pub fn features(bytes: &[u8]) -> impl Iterator<Item = Option<f64>> {
    let (numbers, _) = bytes.as_chunks::<4>();
    numbers.iter().map(|number| finite(f32::from_le_bytes(*number)))
}

/// A stored membership as a share, 0 to 1, with three decimals.
pub fn membership(byte: u8) -> f64 {
    round(f64::from(byte) / 255.0, 3)
}

/// The memberships in an axis' segments; none when nothing is stored of the axis.
pub fn of_axis<'a>(axis: &Axis, memberships: &'a [u8]) -> Option<&'a [u8]> {
    let stored = memberships.get(axis.offset..axis.offset.checked_add(axis.segments.len())?)?;
    stored.iter().any(|byte| *byte > 0).then_some(stored)
}

/// How far apart two customers, or a customer at two times, are: the mean over the axes that both have of
/// sqrt(sum of squared differences of membership) / sqrt(2), which is 0 to 1. None when they share no axis.
pub fn distance(axes: &[Axis], one: &[u8], other: &[u8]) -> Option<f64> {
    let mut sum = 0.0;
    let mut counted = 0_u32;
    for axis in axes {
        let (Some(one), Some(other)) = (of_axis(axis, one), of_axis(axis, other)) else { continue };
        let squares: f64 = one
            .iter()
            .zip(other)
            .map(|(one, other)| (f64::from(*one) - f64::from(*other)) / 255.0)
            .map(|difference| difference * difference)
            .sum();
        sum += (squares / 2.0).sqrt();
        counted += 1;
    }
    (counted > 0).then(|| (sum / f64::from(counted)).min(1.0))
}

/// The band of a drift in words.
pub fn drift_band(drift: f64) -> &'static str {
    match drift {
        drift if drift < 0.1 => "stable",
        drift if drift < 0.3 => "slight",
        drift if drift < 0.5 => "moderate",
        drift if drift < 0.7 => "strong",
        _ => "extreme",
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::insights::catalog::Segment;

    fn axis(offset: usize, segments: usize) -> Axis {
        let segment =
            |number| Segment { name: format!("segment {number}"), description: String::new(), share: None };
        Axis {
            name: format!("axis at {offset}"),
            degenerate: None,
            segments: (0..segments).map(segment).collect(),
            offset,
        }
    }

    #[test]
    fn missing_features_are_none() {
        let bytes: Vec<u8> =
            [1.5_f32, f32::NAN, f32::INFINITY].into_iter().flat_map(f32::to_le_bytes).chain([7]).collect();
        assert_eq!(features(&bytes).collect::<Vec<_>>(), [Some(1.5), None, None]);
    }

    #[test]
    fn distance_is_over_the_axes_that_both_have() {
        let axes = [axis(0, 2), axis(2, 2)];
        assert_eq!(distance(&axes, &[255, 0, 255, 0], &[0, 255, 255, 0]), Some(0.5));
        assert_eq!(distance(&axes, &[255, 0, 0, 0], &[255, 0, 255, 0]), Some(0.0));
        assert_eq!(distance(&axes, &[0, 0, 0, 0], &[255, 0, 255, 0]), None);
        assert_eq!(distance(&axes, &[255], &[255, 0, 255, 0]), None);
        assert_eq!(drift_band(0.5), "strong");
    }

    proptest! {
        #[test]
        fn distance_is_symmetric_and_bounded(
            one in proptest::collection::vec(any::<u8>(), 6),
            other in proptest::collection::vec(any::<u8>(), 6),
        ) {
            let axes = [axis(0, 3), axis(3, 3)];
            let there = distance(&axes, &one, &other);
            prop_assert_eq!(there, distance(&axes, &other, &one));
            prop_assert!(there.is_none_or(|there| (0.0..=1.0).contains(&there)));
            prop_assert!(distance(&axes, &one, &one).is_none_or(|none| none == 0.0));
        }
    }
}
