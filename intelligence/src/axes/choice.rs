//! How many segments an axis has. Silhouette alone picks two with nearly everybody in one of them, and information
//! criteria shatter the shop into segments that another sample would not find again; so a division has to be stable
//! and balanced first, and only among those that are does the silhouette decide.

use rayon::prelude::*;

use super::frame::Frame;
use super::kmeans::{Beside, Point, cluster};
use super::sampling::{halves, sample};
use super::scale::Spread;
use super::silhouette::silhouette;
use super::{LARGEST, MAX_SEGMENTS, SMALLEST, STABLE, WEEKLY};
use crate::adjusted_rand::adjusted_rand;
use crate::matrix::Matrix;

/// How often the sample is halved to see whether both halves find the same division.
const HALVINGS: u64 = 14;
/// After so many a division that does not look stable is given up. The others have to prove it: among dozens of
/// divisions some look stable by luck.
const FIRST_HALVINGS: u64 = 6;
/// How many customers are halved at most: more would find the same answer to the second decimal.
const HALVED: usize = 6000;
/// How many customers the silhouette looks at.
const SILHOUETTE: usize = 1000;

/// A way to look at an axis.
#[derive(Clone, Copy)]
struct Look {
    spread: Spread,
    components: usize,
    /// Without the features that move most within a week, where that week is known.
    calm: bool,
}

/// The ways to look at an axis, from the richest to the plainest. The next one is tried when no number of segments
/// passes: ranks dissolve heaps, calm features hold people where they are, and fewer components leave less to
/// disagree about.
const LADDER: [Look; 6] = [
    Look { spread: Spread::Values, components: 4, calm: false },
    Look { spread: Spread::Ranks, components: 4, calm: false },
    Look { spread: Spread::Values, components: 4, calm: true },
    Look { spread: Spread::Ranks, components: 4, calm: true },
    Look { spread: Spread::Ranks, components: 2, calm: true },
    Look { spread: Spread::Ranks, components: 1, calm: true },
];

impl Look {
    /// The frame of these customers, looked at in this way.
    fn frame(self, sampled: &Sampled<'_>, rows: &[usize]) -> Option<Frame> {
        let before = sampled.week_before.filter(|_| self.calm);
        Frame::fit(sampled.table, rows, sampled.columns, self.spread, self.components, before)
    }
}

/// A division of an axis and what is known about it.
#[derive(Clone, Debug)]
pub(crate) struct Division {
    pub(crate) frame: Frame,
    pub(crate) centres: Vec<Point>,
    /// Shares of the customers known on the axis, by segment.
    pub(crate) shares: Vec<f64>,
    /// Once it is measured.
    pub(crate) stability: Option<Stability>,
    pub(crate) silhouette: f64,
    /// The share of the customers whose segment is another than a week before, if that week was given.
    pub(crate) moved: Option<f64>,
    /// Which look at the axis this is, 0 for the richest.
    pub(crate) look: usize,
    /// Customers of the sample that are known on the axis.
    pub(crate) known: usize,
}

/// How far divisions found on two halves of the customers agree.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Stability {
    /// Mean adjusted Rand index.
    pub(crate) mean: f64,
    /// Its standard error over the halvings.
    error: f64,
}

impl Stability {
    fn reaches(self, limits: &Limits) -> bool {
        self.mean - limits.errors * self.error >= limits.stable
    }
}

/// What came of the search.
pub(crate) enum Choice {
    /// A division that passes every test.
    Sound(Division),
    /// None does; this is the nearest to it, and why it does not.
    Best(Division, String),
    /// Nothing to divide by.
    Nothing(String),
}

/// The sample that an axis is fitted on.
pub(crate) struct Sampled<'a> {
    pub(crate) table: &'a Matrix,
    /// The same customers' features seven days before.
    pub(crate) week_before: Option<&'a Matrix>,
    /// The rows of customers with an order.
    pub(crate) rows: &'a [usize],
    pub(crate) columns: &'a [usize],
    pub(crate) seed: u64,
}

/// What a division has to keep to.
struct Limits {
    largest: f64,
    smallest: f64,
    stable: f64,
    /// How many standard errors below the measured stability still have to be stable.
    errors: f64,
    weekly: f64,
}

/// What is required of a division.
const REQUIRED: Limits =
    Limits { largest: LARGEST, smallest: SMALLEST, stable: STABLE, errors: 0.7, weekly: WEEKLY };
/// What is looked for first: all figures are those of a sample and of one week, and the next will differ a little.
const COMFORTABLE: Limits =
    Limits { largest: 0.57, smallest: 0.035, stable: 0.82, errors: 1.5, weekly: 0.08 };

/// The best division of an axis: among those of the richest look that has any which keep to the comfortable limits,
/// else to the required ones, the one with the best silhouette.
pub(crate) fn choose(sampled: &Sampled<'_>) -> Choice {
    let mut tried: Vec<Vec<Division>> = Vec::new();
    for look in 0..LADDER.len() {
        let mut divisions = divisions(sampled, look);
        if let Some(best) = clearest(sampled, &mut divisions, &COMFORTABLE) {
            return Choice::Sound(best);
        }
        tried.push(divisions);
    }
    if let Some(best) = tried.iter_mut().find_map(|divisions| clearest(sampled, divisions, &REQUIRED)) {
        return Choice::Sound(best);
    }
    let mut rest: Vec<Division> = tried.into_iter().flatten().collect();
    rest.sort_by(|one, other| one.largest().total_cmp(&other.largest()));
    for division in rest.iter_mut().filter(|division| division.stays_within(&REQUIRED)) {
        if division.stability(sampled).reaches(&REQUIRED) {
            return Choice::Best(division.clone(), division.fault());
        }
    }
    match rest.into_iter().reduce(|best, next| if next.badness() < best.badness() { next } else { best }) {
        Some(best) => {
            let reason = best.fault();
            Choice::Best(best.undivided(sampled), reason)
        }
        None => Choice::Nothing(nothing(sampled)),
    }
}

/// The divisions of one look at the axis, by their number of segments, their stability not measured yet.
fn divisions(sampled: &Sampled<'_>, look: usize) -> Vec<Division> {
    // Without the week before, a calm look at four components sees what the one before it has seen.
    if LADDER[look].calm && LADDER[look].components == 4 && sampled.week_before.is_none() {
        return Vec::new();
    }
    let Some(frame) = LADDER[look].frame(sampled, sampled.rows) else {
        return Vec::new();
    };
    let place = |&row: &usize| Some((row, frame.place(sampled.table.row(row))?));
    let (known, places): (Vec<usize>, Vec<Point>) = sampled.rows.iter().filter_map(place).unzip();
    if known.len() < super::LEAST_KNOWN {
        return Vec::new();
    }
    (2..=MAX_SEGMENTS)
        .into_par_iter()
        .filter_map(|count| divide(sampled, &frame, (&known, &places), count, look))
        .collect()
}

/// The division with the best silhouette among those that keep to these limits. Stability, which costs most, is
/// measured only until the first one passes.
fn clearest(sampled: &Sampled<'_>, divisions: &mut [Division], limits: &Limits) -> Option<Division> {
    let mut candidates: Vec<&mut Division> = divisions
        .iter_mut()
        .filter(|division| division.largest() <= limits.largest && division.stays_within(limits))
        .collect();
    candidates.sort_by(|one, other| other.silhouette.total_cmp(&one.silhouette));
    candidates
        .into_iter()
        .find_map(|division| division.stability(sampled).reaches(limits).then(|| division.clone()))
}

impl Division {
    /// Whether there is no splinter and people stay where they are.
    fn stays_within(&self, limits: &Limits) -> bool {
        self.smallest() >= limits.smallest && self.moved.is_none_or(|moved| moved <= limits.weekly)
    }

    /// The division's stability, measured once.
    fn stability(&mut self, sampled: &Sampled<'_>) -> Stability {
        *self.stability.get_or_insert_with(|| {
            let known = |&row: &usize| self.frame.place(sampled.table.row(row)).is_some();
            let known: Vec<usize> = sampled.rows.iter().copied().filter(known).collect();
            let known: Vec<usize> =
                sample(known.len(), HALVED, sampled.seed).into_iter().map(|at| known[at]).collect();
            stability(sampled, &known, self.shares.len(), self.look, sampled.seed)
        })
    }

    /// The same customers in a single segment.
    fn undivided(self, sampled: &Sampled<'_>) -> Division {
        let places: Vec<Point> =
            sampled.rows.iter().filter_map(|&row| self.frame.place(sampled.table.row(row))).collect();
        let centres = cluster(&places, 1, sampled.seed).map_or_else(Vec::new, |clusters| clusters.centres);
        Division { centres, shares: vec![1.0], stability: None, silhouette: 0.0, moved: None, ..self }
    }

    pub(crate) fn largest(&self) -> f64 {
        self.shares.iter().copied().fold(0.0, f64::max)
    }

    pub(crate) fn smallest(&self) -> f64 {
        self.shares.iter().copied().fold(1.0, f64::min)
    }

    /// How far a division is from passing, the less the better.
    fn badness(&self) -> f64 {
        let over = |value: f64, limit: f64| (value - limit).max(0.0);
        over(self.largest(), LARGEST)
            + 10.0 * over(SMALLEST, self.smallest())
            + over(STABLE, self.stability.map_or(STABLE, |found| found.mean))
            + over(self.moved.unwrap_or(0.0), WEEKLY)
    }

    /// Why the division does not pass.
    fn fault(&self) -> String {
        let percent = |share: f64| (share * 100.0).round();
        let mut faults = Vec::new();
        if self.largest() > LARGEST {
            faults.push(format!("the largest segment holds {} % of the customers", percent(self.largest())));
        }
        if self.smallest() < SMALLEST {
            faults.push(format!("the smallest holds {:.1} %", self.smallest() * 100.0));
        }
        if let Some(found) = self.stability.filter(|found| !found.reaches(&REQUIRED)) {
            faults.push(format!("two halves of the customers agree only to {:.2}", found.mean));
        }
        if let Some(moved) = self.moved.filter(|&moved| moved > WEEKLY) {
            faults.push(format!("{} % of the customers change segment within a week", percent(moved)));
        }
        format!(
            "no division is sound; in the best, of {} segments, {}",
            self.shares.len(),
            faults.join(" and ")
        )
    }
}

/// The division into `count` segments, measured; `None` when there are not so many different customers.
fn divide(
    sampled: &Sampled<'_>,
    frame: &Frame,
    (known, places): (&[usize], &[Point]),
    count: usize,
    look: usize,
) -> Option<Division> {
    let seed = sampled.seed.wrapping_add(count as u64 * 0x1000_0001);
    let centres = cluster(places, count, seed)?.centres;
    let beside = Beside::of(&centres);
    let labels: Vec<u8> = places.iter().map(|place| beside.nearest(place).0 as u8).collect();
    let mut shares = vec![0.0; count];
    for &label in &labels {
        shares[usize::from(label)] += 1.0 / labels.len() as f64;
    }
    let looked = sample(places.len(), SILHOUETTE, seed);
    let silhouette = silhouette(
        &looked.iter().map(|&at| places[at]).collect::<Vec<_>>(),
        &looked.iter().map(|&at| labels[at]).collect::<Vec<_>>(),
        count,
    );
    let mut division = Division {
        frame: frame.clone(),
        centres,
        shares,
        stability: None,
        silhouette,
        moved: None,
        look,
        known: known.len(),
    };
    division.moved = sampled.week_before.map(|before| moved(&division, sampled.table, before, known));
    Some(division)
}

/// The mean agreement of divisions fitted, scales and components included, on one random half of the customers and on
/// the other, over all customers ("split-half adjusted Rand").
pub(crate) fn stability(
    sampled: &Sampled<'_>,
    known: &[usize],
    count: usize,
    look: usize,
    seed: u64,
) -> Stability {
    let agreement = |halving: u64| {
        let [left, right] = halves(known.len(), seed ^ (halving + 1).wrapping_mul(0x5851_f42d_4c95_7f2d))
            .map(|half| {
                let rows: Vec<usize> = half.iter().map(|&at| known[at]).collect();
                let frame = LADDER[look].frame(sampled, &rows)?;
                let places: Vec<Point> =
                    rows.iter().filter_map(|&row| frame.place(sampled.table.row(row))).collect();
                let beside = Beside::of(&cluster(&places, count, seed)?.centres);
                let label = |&row: &usize| {
                    frame
                        .place(sampled.table.row(row))
                        .map_or(u8::MAX, |place| beside.nearest(&place).0 as u8)
                };
                Some(known.iter().map(label).collect::<Vec<u8>>())
            });
        left.zip(right).map_or(0.0, |(left, right)| adjusted_rand(&left, &right))
    };
    let mut agreements: Vec<f64> = (0..FIRST_HALVINGS).into_par_iter().map(agreement).collect();
    if agreements.iter().sum::<f64>() >= STABLE * FIRST_HALVINGS as f64 {
        agreements.par_extend((FIRST_HALVINGS..HALVINGS).into_par_iter().map(agreement));
    }
    let count = agreements.len() as f64;
    let mean = agreements.iter().sum::<f64>() / count;
    let variance = agreements.iter().map(|found| (found - mean).powi(2)).sum::<f64>() / (count - 1.0);
    Stability { mean, error: (variance / count).sqrt() }
}

/// The share of the customers known on both days that stand in another segment than a week before.
fn moved(division: &Division, table: &Matrix, before: &Matrix, known: &[usize]) -> f64 {
    let beside = Beside::of(&division.centres);
    let segment = |row: &[f32]| division.frame.place(row).map(|place| beside.nearest(&place).0);
    let (mut both, mut other) = (0_u32, 0_u32);
    for &row in known {
        if let (Some(now), Some(then)) = (segment(table.row(row)), segment(before.row(row))) {
            both += 1;
            other += u32::from(now != then);
        }
    }
    f64::from(other) / f64::from(both.max(1))
}

/// Why an axis cannot be divided at all.
fn nothing(sampled: &Sampled<'_>) -> String {
    let present = |&column: &usize| sampled.rows.iter().any(|&row| sampled.table.get(row, column).is_some());
    if sampled.columns.iter().any(present) {
        format!(
            "fewer than {} customers have what the axis measures, or they are all alike",
            super::LEAST_KNOWN
        )
    } else {
        "the orders do not contain what the axis measures".to_owned()
    }
}
