//! How much customers, features and predictions have changed between two runs: within one customer's memberships,
//! across the shop's distributions, and between what was predicted and what came.

use serde::{Deserialize, Serialize};

use crate::segmentation::Vector;

/// How far a customer has moved between two runs of the same version, 0 to 1: the mean, over the axes on which both
/// know the customer, of the root of the summed squared changes of membership over the root of 2 (which is what a move
/// from one segment wholly to another makes). `None` when no axis is known in both.
pub fn movement(before: &Vector, after: &Vector) -> Option<f32> {
    let (mut total, mut axes) = (0.0_f32, 0_u8);
    for (one, other) in before.0.iter().zip(&after.0) {
        if one.iter().all(|&share| share == 0) || other.iter().all(|&share| share == 0) {
            continue;
        }
        let squares: i32 =
            one.iter().zip(other).map(|(&one, &other)| (i32::from(one) - i32::from(other)).pow(2)).sum();
        total += (squares as f32).sqrt() / 255.0 / std::f32::consts::SQRT_2;
        axes += 1;
    }
    (axes > 0).then(|| (total / f32::from(axes)).min(1.0))
}

/// A movement in words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum Movement {
    /// Below 0.1.
    Stable,
    /// Below 0.3.
    Slight,
    /// Below 0.5.
    Moderate,
    /// Below 0.7.
    Strong,
    /// From 0.7 on: another customer, as it were.
    Transformed,
}

impl Movement {
    /// The band of a movement.
    pub fn of(movement: f32) -> Movement {
        match movement {
            value if value < 0.1 => Movement::Stable,
            value if value < 0.3 => Movement::Slight,
            value if value < 0.5 => Movement::Moderate,
            value if value < 0.7 => Movement::Strong,
            _ => Movement::Transformed,
        }
    }
}

/// What a shift of a distribution calls for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum Alarm {
    /// Nothing.
    Fine,
    /// A look.
    Watch,
    /// A new version, or finding out what broke.
    Act,
}

impl Alarm {
    /// The alarm of a population stability index: below 0.1, to 0.25, above.
    pub fn of_stability_index(index: f64) -> Alarm {
        match index {
            value if value < 0.1 => Alarm::Fine,
            value if value <= 0.25 => Alarm::Watch,
            _ => Alarm::Act,
        }
    }
}

/// A feature's or a score's distribution as it was when the version was fitted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Reference {
    /// The upper ends of the bins but the last; a value belongs to the first bin whose end is not below it.
    ends: Vec<f32>,
    /// Values in every bin, and as the last entry the missing ones.
    counts: Vec<u64>,
}

impl Reference {
    /// The distribution of these values (NaN is missing) in at most ten bins of about equal counts. Values that are
    /// much repeated make a bin of their own.
    pub fn of(values: impl IntoIterator<Item = f32>) -> Reference {
        let (mut sorted, mut missing) = (Vec::new(), 0);
        for value in values {
            if value.is_finite() {
                sorted.push(value);
            } else {
                missing += 1;
            }
        }
        sorted.sort_unstable_by(f32::total_cmp);
        let mut ends: Vec<f32> =
            (1..10).filter_map(|tenth| sorted.get(sorted.len() * tenth / 10).copied()).collect();
        ends.dedup();
        ends.pop_if(|end| sorted.last() == Some(end));
        let mut reference = Reference { counts: vec![0; ends.len() + 2], ends };
        for &value in &sorted {
            let bin = reference.bin(value);
            reference.counts[bin] += 1;
        }
        if let Some(last) = reference.counts.last_mut() {
            *last = missing;
        }
        reference
    }

    /// The population stability index of these values against the reference: the sum over bins of (q - p) ln(q/p)
    /// (Siddiqi, "Credit Risk Scorecards", 2006), missing values being a bin of their own. Half a count is added to
    /// every bin, so that an empty one makes the index large and not infinite. `None` without values on either side.
    pub fn stability_index(&self, values: impl IntoIterator<Item = f32>) -> Option<f64> {
        let mut counts = vec![0_u64; self.counts.len()];
        for value in values {
            let bin = if value.is_finite() { self.bin(value) } else { counts.len() - 1 };
            counts[bin] += 1;
        }
        let smoothed = |counts: &[u64]| {
            let total: u64 = counts.iter().sum();
            let all = total as f64 + 0.5 * counts.len() as f64;
            (total > 0).then(|| counts.iter().map(|&count| (count as f64 + 0.5) / all).collect::<Vec<_>>())
        };
        let (before, after) = (smoothed(&self.counts)?, smoothed(&counts)?);
        Some(before.iter().zip(&after).map(|(p, q)| (q - p) * (q / p).ln()).sum())
    }

    fn bin(&self, value: f32) -> usize {
        self.ends.partition_point(|&end| end < value)
    }
}

/// Predicted probabilities against what came.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct BaseRate {
    /// The mean predicted probability.
    pub predicted: f64,
    /// The share for which it came true.
    pub realised: f64,
    /// The standard error of the realised share if the predictions were right.
    pub standard_error: f64,
    /// Fine within two standard errors or one percentage point, to act on beyond four and five points, else to watch.
    pub alarm: Alarm,
}

impl BaseRate {
    /// Of predictions and their outcomes; `None` without any.
    pub fn of(predictions: impl IntoIterator<Item = (f32, bool)>) -> Option<BaseRate> {
        let (mut count, mut predicted, mut realised, mut variance) = (0.0, 0.0, 0.0, 0.0);
        for (probability, came) in predictions {
            let probability = f64::from(probability.clamp(0.0, 1.0));
            if probability.is_nan() {
                continue;
            }
            count += 1.0;
            predicted += probability;
            realised += f64::from(u8::from(came));
            variance += probability * (1.0 - probability);
        }
        if count == 0.0 {
            return None;
        }
        let (predicted, realised, standard_error) =
            (predicted / count, realised / count, variance.sqrt() / count);
        let gap = (realised - predicted).abs();
        let alarm = match () {
            () if gap <= 0.01 || gap <= 2.0 * standard_error => Alarm::Fine,
            () if gap > 0.05 && gap > 4.0 * standard_error => Alarm::Act,
            () => Alarm::Watch,
        };
        Some(BaseRate { predicted, realised, standard_error, alarm })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_whole_change_of_segment_on_one_of_two_axes_is_a_half() {
        let mut before = Vector::default();
        before.0[0][0] = 255;
        before.0[3][1] = 255;
        let mut after = before;
        after.0[3] = [255, 0, 0, 0, 0, 0, 0, 0];
        after.0[5][0] = 255; // known only now: no movement
        let moved = movement(&before, &after).expect("two axes in common");
        assert!((moved - 0.5).abs() < 1e-6);
        assert_eq!(Movement::of(moved), Movement::Strong);
        assert_eq!(movement(&before, &before), Some(0.0));
        assert_eq!(movement(&before, &Vector::default()), None);
    }

    #[test]
    fn bands_begin_where_the_definition_says() {
        use Movement::*;
        assert_eq!(
            [0.0, 0.1, 0.3, 0.5, 0.7].map(Movement::of),
            [Stable, Slight, Moderate, Strong, Transformed]
        );
        use Alarm::*;
        assert_eq!([0.09, 0.1, 0.25, 0.26].map(Alarm::of_stability_index), [Fine, Watch, Watch, Act]);
    }

    #[test]
    fn the_index_is_nothing_for_the_same_and_large_for_another_distribution() {
        let values = || (0..1000).map(|value| value as f32);
        let reference = Reference::of(values());
        let index =
            |shift: f32| reference.stability_index(values().map(|value| value + shift)).expect("values");
        assert!(index(0.0) < 1e-12);
        assert!(Alarm::of_stability_index(index(100.0)) >= Alarm::Watch);
        assert_eq!(Alarm::of_stability_index(index(900.0)), Alarm::Act);
        assert!(index(1e30).is_finite());
        // By hand: two bins, counts 3 and 1 against 1 and 3, no missing; with the halves 3.5, 1.5, .5 of 5.5.
        let small = Reference::of([0.0, 0.0, 0.0, 1.0]);
        let expected = 2.0 * (2.0 / 5.5) * (3.5_f64 / 1.5).ln();
        assert!((small.stability_index([0.0, 1.0, 1.0, 1.0]).expect("values") - expected).abs() < 1e-12);
    }

    #[test]
    fn missing_values_are_a_bin_and_no_values_are_no_index() {
        let reference = Reference::of([1.0, 2.0, 3.0, f32::NAN]);
        assert!(reference.stability_index([f32::NAN; 50]).expect("values") > 0.25);
        assert_eq!(reference.stability_index([]), None);
        assert_eq!(Reference::of([]).stability_index([1.0]), None);
    }

    #[test]
    fn a_base_rate_within_chance_is_fine() {
        let of = |came: usize| BaseRate::of((0..1000).map(|at| (0.2, at < came))).expect("predictions");
        assert_eq!(of(200).alarm, Alarm::Fine);
        assert_eq!(of(235).alarm, Alarm::Watch);
        assert_eq!(of(400).alarm, Alarm::Act);
        assert_eq!(BaseRate::of([]), None);
    }
}
