//! How much a customer belongs to each segment of an axis. People stand between segments; the division alone would
//! hide it, and a small step across a border would look like a change of heart.

use serde::{Deserialize, Serialize};

use super::MAX_SEGMENTS;
use super::kmeans::{Point, distance};

/// Above this share a customer belongs to one segment.
const STRONG: f32 = 0.7;
/// Above this share, with a second segment above `SECOND`, the customer stands between two.
const BALANCED: f32 = 0.4;
const SECOND: f32 = 0.3;

/// How clearly a customer belongs to the dominant segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum Strength {
    /// More than 0.7 in one segment.
    Strong,
    /// More than 0.4 in one and more than 0.3 in a second.
    Balanced,
    /// Neither.
    Weak,
}

impl Strength {
    /// Of memberships that add up to 1.
    pub fn of(memberships: &[f32]) -> Strength {
        let (mut first, mut second) = (0.0_f32, 0.0_f32);
        for &share in memberships {
            if share > first {
                second = first;
                first = share;
            } else if share > second {
                second = share;
            }
        }
        match () {
            () if first > STRONG => Strength::Strong,
            () if first > BALANCED && second > SECOND => Strength::Balanced,
            () => Strength::Weak,
        }
    }
}

/// The shares of a place in the segments of these centres, adding up to 1: each in proportion to d^(-2/(m-1)) with
/// m = 1.5, which is one over the squared square of the distance (Bezdek, "Pattern Recognition with Fuzzy Objective
/// Function Algorithms", 1981, equation for the memberships). Unused entries are 0.
#[inline]
pub(crate) fn memberships(place: &Point, centres: &[Point]) -> [f32; MAX_SEGMENTS] {
    let mut shares = [0.0; MAX_SEGMENTS];
    let mut total = 0.0;
    for (share, centre) in shares.iter_mut().zip(centres) {
        // A place on a centre belongs there wholly; the floor keeps the division finite.
        let square = distance(place, centre).max(1e-8);
        *share = 1.0 / (square * square);
        total += *share;
    }
    shares.map(|share| share / total)
}

/// Shares in 255ths that add up to 255 exactly: the rounded running sum's steps, each within one of its share.
#[inline]
pub(crate) fn quantised(shares: &[f32; MAX_SEGMENTS]) -> [u8; MAX_SEGMENTS] {
    let mut sum = 0.0;
    let mut before = 0;
    shares.map(|share| {
        sum += share;
        let upto = (sum * 255.0 + 0.5) as i32;
        let step = upto.min(255) - before;
        before += step;
        step as u8
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_thresholds_are_those_of_the_definition() {
        assert_eq!(Strength::of(&[0.71, 0.29]), Strength::Strong);
        assert_eq!(Strength::of(&[0.31, 0.69]), Strength::Balanced);
        assert_eq!(Strength::of(&[0.45, 0.30, 0.25]), Strength::Weak);
        assert_eq!(Strength::of(&[0.3, 0.3, 0.4]), Strength::Weak);
        assert_eq!(Strength::of(&[1.0]), Strength::Strong);
    }

    #[test]
    fn twice_the_distance_is_a_sixteenth_of_the_share() {
        let shares = memberships(&[0.0; 4], &[[1.0, 0.0, 0.0, 0.0], [0.0, 2.0, 0.0, 0.0]]);
        assert!((shares[0] - 16.0 / 17.0).abs() < 1e-6 && (shares[1] - 1.0 / 17.0).abs() < 1e-6);
    }

    proptest! {
        #[test]
        fn memberships_add_up_to_one(
            place in prop::array::uniform4(-1e4_f32..1e4),
            centres in prop::collection::vec(prop::array::uniform4(-10_f32..10.0), 1..=MAX_SEGMENTS),
        ) {
            let shares = memberships(&place, &centres);
            prop_assert!((shares.iter().sum::<f32>() - 1.0).abs() < 1e-5, "{:?}", shares);
            prop_assert!(shares[centres.len()..].iter().all(|&share| share == 0.0));
            let small = quantised(&shares);
            prop_assert_eq!(small.iter().map(|&share| u32::from(share)).sum::<u32>(), 255);
            for (small, share) in small.iter().zip(shares) {
                prop_assert!((f32::from(*small) / 255.0 - share).abs() <= 1.0 / 255.0 + 1e-5);
            }
        }
    }
}
