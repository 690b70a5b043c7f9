//! k-means on the few components of one axis. Our own: points of four numbers fit the processor's registers, and a
//! fit must give the same bits whatever the number of threads.

use super::sampling::sample;
use super::{MAX_SEGMENTS, POINT};
use crate::random::SplitMix64;

/// Where a customer stands on an axis; unused components are 0.
pub(crate) type Point = [f32; POINT];

/// Lloyd's rounds before we take what there is.
const ROUNDS: usize = 100;
/// A round that saves less than this share of the cost is the last.
const STILL: f64 = 1e-5;
/// Independent starts, on a part of the points.
const STARTS: u64 = 6;
/// How many points that part has.
const PART: usize = 2500;
/// The best starts, which go on with all points.
const FINALISTS: usize = 2;

/// Centres and what they cost.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Clusters {
    pub(crate) centres: Vec<Point>,
    /// Sum of squared distances to the nearest centre.
    pub(crate) inertia: f64,
}

/// `count` centres by k-means++ (Arthur and Vassilvitskii, SODA 2007, with the greedy choice among a few candidates of
/// their section 5) and Lloyd's rounds, the best of many starts; ordered along the first component. The starts see
/// a part of the points only, and the best of them go on with all: two runs that end in different minima would make
/// a division look less stable than it is. `None` when there are fewer than `count` different points.
pub(crate) fn cluster(points: &[Point], count: usize, seed: u64) -> Option<Clusters> {
    let part: Vec<Point> = sample(points.len(), PART, seed).into_iter().map(|at| points[at]).collect();
    let mut starts: Vec<Clusters> = (1..=STARTS)
        .map_while(|start| {
            let mut random = SplitMix64::new(seed ^ start.wrapping_mul(0x9e37_79b9_7f4a_7c15));
            Some(lloyd(&part, seeds(&part, count, &mut random)?))
        })
        .collect();
    starts.sort_by(|one, other| one.inertia.total_cmp(&other.inertia));
    // Starts that found the same minimum would only do the same work again.
    starts.dedup_by(|one, other| (one.inertia - other.inertia).abs() <= 1e-4 * other.inertia);
    starts.truncate(FINALISTS);
    let finished = starts.into_iter().map(|start| lloyd(points, start.centres));
    let mut best = finished.reduce(|best, next| if next.inertia < best.inertia { next } else { best })?;
    let along = |one: &Point, other: &Point| {
        one.iter().zip(other).map(|(left, right)| left.total_cmp(right)).find(|order| order.is_ne())
    };
    best.centres.sort_by(|one, other| along(one, other).unwrap_or(std::cmp::Ordering::Equal));
    Some(best)
}

/// Centres side by side, so that the distances of a point to all of them are one calculation on the processor's registers;
/// with the same bits as [`distance`].
pub(crate) struct Beside([[f32; MAX_SEGMENTS]; POINT]);

impl Beside {
    /// At most [`MAX_SEGMENTS`] centres. The places of others are so far away that nothing is near to them.
    pub(crate) fn of(centres: &[Point]) -> Beside {
        let mut columns = [[f32::INFINITY; MAX_SEGMENTS]; POINT];
        for (place, centre) in centres.iter().enumerate() {
            for (column, &value) in columns.iter_mut().zip(centre) {
                column[place] = value;
            }
        }
        Beside(columns)
    }

    /// The nearest centre's index, the first of several, and its squared distance.
    #[inline]
    pub(crate) fn nearest(&self, point: &Point) -> (usize, f32) {
        let mut gaps = [0.0_f32; MAX_SEGMENTS];
        for (column, &value) in self.0.iter().zip(point) {
            for (gap, centre) in gaps.iter_mut().zip(column) {
                let difference = value - centre;
                *gap += difference * difference;
            }
        }
        // Halves against halves: a comparison at a time would take longer than the distances.
        let least_of = |left: f32, right: f32| if left < right { left } else { right };
        let mut least = gaps;
        for width in [MAX_SEGMENTS / 2, MAX_SEGMENTS / 4, MAX_SEGMENTS / 8] {
            for place in 0..width {
                least[place] = least_of(least[place], least[place + width]);
            }
        }
        let mut at_least = 0_u32;
        for (place, &gap) in gaps.iter().enumerate() {
            at_least |= u32::from(gap == least[0]) << place;
        }
        (at_least.trailing_zeros() as usize % MAX_SEGMENTS, least[0])
    }
}

/// Squared Euclidean distance.
#[inline]
pub(crate) fn distance(one: &Point, other: &Point) -> f32 {
    let mut sum = 0.0;
    for at in 0..POINT {
        let difference = one[at] - other[at];
        sum += difference * difference;
    }
    sum
}

/// First centres: each next one is drawn with a probability in proportion to the squared distance to those chosen,
/// the best of a few draws.
fn seeds(points: &[Point], count: usize, random: &mut SplitMix64) -> Option<Vec<Point>> {
    if points.is_empty() {
        return None;
    }
    let mut centres = vec![points[random.below(points.len())]];
    let mut gaps: Vec<f32> = points.iter().map(|point| distance(point, &centres[0])).collect();
    let mut trial = gaps.clone();
    while centres.len() < count {
        let total: f64 = gaps.iter().map(|&gap| f64::from(gap)).sum();
        if total <= 1e-9 {
            return None;
        }
        let mut best: Option<(f64, usize, Vec<f32>)> = None;
        for _draw in 0..3 {
            let drawn = draw(&gaps, random.uniform() * total);
            let mut left = 0.0;
            for ((trial, &gap), point) in trial.iter_mut().zip(&gaps).zip(points) {
                *trial = gap.min(distance(point, &points[drawn]));
                left += f64::from(*trial);
            }
            if best.as_ref().is_none_or(|best| left < best.0) {
                best = Some((left, drawn, trial.clone()));
            }
        }
        let (_, drawn, after) = best?;
        centres.push(points[drawn]);
        gaps = after;
    }
    Some(centres)
}

/// The index at which the running sum of `gaps` passes `target`; never one of a gap of nothing.
fn draw(gaps: &[f32], target: f64) -> usize {
    let mut passed = 0.0;
    let mut last = 0;
    for (index, &gap) in gaps.iter().enumerate() {
        if gap > 0.0 {
            last = index;
            passed += f64::from(gap);
            if passed > target {
                break;
            }
        }
    }
    last
}

/// Moves every centre to the mean of its points until nothing moves.
fn lloyd(points: &[Point], mut centres: Vec<Point>) -> Clusters {
    let mut inertia = f64::INFINITY;
    for _round in 0..ROUNDS {
        let mut sums = vec![[0.0_f64; POINT]; centres.len()];
        let mut members = vec![0_u32; centres.len()];
        let mut cost = 0.0;
        let mut farthest = (0, -1.0_f32);
        let beside = Beside::of(&centres);
        for (index, point) in points.iter().enumerate() {
            let (centre, gap) = beside.nearest(point);
            members[centre] += 1;
            cost += f64::from(gap);
            for (sum, &value) in sums[centre].iter_mut().zip(point) {
                *sum += f64::from(value);
            }
            if gap > farthest.1 {
                farthest = (index, gap);
            }
        }
        for ((centre, sum), &count) in centres.iter_mut().zip(&sums).zip(&members) {
            *centre = match count {
                0 => points[farthest.0],
                count => sum.map(|sum| (sum / f64::from(count)) as f32),
            };
        }
        let done = cost >= inertia * (1.0 - STILL);
        inertia = cost;
        if done {
            break;
        }
    }
    Clusters { centres, inertia }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Three square blobs around these places.
    fn blobs() -> (Vec<Point>, Vec<usize>) {
        let places = [[-9.0, 0.0], [0.0, 8.0], [9.0, -4.0]];
        let mut random = SplitMix64::new(1);
        let mut draw = |place: usize, at: usize| places[place][at] + random.uniform() as f32 - 0.5;
        (0..900).map(|index| ([draw(index % 3, 0), draw(index % 3, 1), 0.0, 0.0], index % 3)).unzip()
    }

    #[test]
    fn separate_blobs_are_found_exactly_and_in_order() {
        let (points, places) = blobs();
        let clusters = cluster(&points, 3, 5).expect("three places");
        let beside = Beside::of(&clusters.centres);
        for (point, &place) in points.iter().zip(&places) {
            assert_eq!(beside.nearest(point).0, place);
        }
        assert_eq!(clusters, cluster(&points, 3, 5).expect("again"), "the same seed makes the same centres");
    }

    proptest! {
        #[test]
        fn the_nearest_of_centres_side_by_side_is_the_first_of_the_nearest(
            point in prop::array::uniform4(-3_i8..3),
            centres in prop::collection::vec(prop::array::uniform4(-3_i8..3), 1..=MAX_SEGMENTS),
        ) {
            let place = |point: [i8; POINT]| point.map(|value| f32::from(value) / 3.0);
            let (point, centres) = (place(point), centres.into_iter().map(place).collect::<Vec<_>>());
            let mut found = (0, f32::INFINITY);
            for (index, centre) in centres.iter().enumerate() {
                let distance = distance(&point, centre);
                if distance < found.1 {
                    found = (index, distance);
                }
            }
            let (index, gap) = Beside::of(&centres).nearest(&point);
            prop_assert_eq!((index, gap.to_bits()), (found.0, found.1.to_bits()));
        }
    }

    #[test]
    fn fewer_different_points_than_centres_are_none() {
        let points = vec![[1.0, 0.0, 0.0, 0.0]; 50];
        assert_eq!(cluster(&points, 2, 5), None);
        assert_eq!(cluster(&[], 2, 5), None);
        assert!(cluster(&points, 1, 5).is_some_and(|clusters| clusters.inertia == 0.0));
    }
}
