//! Segments along one behavioural axis: fitted once, given names, and frozen under a version.

mod choice;
mod components;
mod frame;
mod kmeans;
mod membership;
mod names;
mod sampling;
mod scale;
mod silhouette;

use serde::{Deserialize, Serialize};

pub use membership::Strength;
pub(crate) use membership::quantised;
pub(crate) use sampling::sample;

use crate::features::Axis;
use crate::features::support::SupportAxis;
use crate::matrix::Matrix;
use choice::{Choice, Division, Sampled, choose};
use frame::Frame;
use kmeans::Point;

/// The most components that an axis keeps.
const POINT: usize = 4;
/// The most segments that an axis can have.
pub const MAX_SEGMENTS: usize = 8;
/// The largest share of the customers that a segment may hold before the axis counts as degenerate.
pub const LARGEST: f64 = 0.6;
/// The smallest share of the customers that makes a segment.
pub const SMALLEST: f64 = 0.03;
/// The least mean adjusted Rand index of the divisions that two halves of the customers find.
pub const STABLE: f64 = 0.8;
/// The largest share of the customers that may change their dominant segment in a week.
pub const WEEKLY: f64 = 0.1;
/// Fewer customers than this that are known on an axis make no segments.
pub const LEAST_KNOWN: usize = 100;

/// The seed of halvings that no fit has seen.
const FRESH: u64 = 0x0072_616e_6421;

/// What the segments of an axis are worth.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "state", content = "reason")]
pub enum State {
    /// Stable and balanced.
    Sound,
    /// No division passes the tests; the segments, perhaps a single one, are the best that there is.
    Degenerate(String),
    /// The orders do not say anything on this axis; there are no segments.
    NoData(String),
}

/// A segment of an axis.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Segment {
    /// Two to four words, unique within the axis.
    pub name: String,
    /// One sentence on how it differs from the shop's other customers.
    pub description: String,
    /// Its share of the sample's customers that are known on the axis, when the version was fitted.
    pub share: f64,
}

/// One axis, frozen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AxisModel {
    /// What the segments are worth.
    pub state: State,
    /// The segments, in the order of memberships; none without data, at most `MAX_SEGMENTS`.
    pub segments: Vec<Segment>,
    frame: Option<Frame>,
    centres: Vec<Point>,
}

/// Which axis it is, and what its numbers are called.
#[derive(Clone, Copy)]
pub(crate) struct Subject {
    name: &'static str,
    /// Its place among all axes.
    number: u64,
    traits: &'static [names::Traits],
}

impl Subject {
    /// An axis of purchases; its columns are those of the feature table.
    pub(crate) fn of_purchases(axis: Axis) -> Subject {
        Subject { name: axis.name(), number: axis as u64, traits: &names::OF_PURCHASES }
    }

    /// An axis of tickets; its columns are those of the tickets' numbers.
    pub(crate) fn of_tickets(axis: SupportAxis) -> Subject {
        let number = (Axis::ALL.len() + axis as usize) as u64;
        Subject { name: axis.name(), number, traits: &names::OF_TICKETS }
    }
}

/// How the fit of an axis went.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AxisReport {
    /// The axis's name.
    pub axis: String,
    /// What the segments are worth.
    pub state: State,
    /// The shares of the segments among the known customers of the sample.
    pub shares: Vec<f64>,
    /// Mean adjusted Rand index of split halves; none for a single segment.
    pub stability: Option<f64>,
    /// Mean silhouette; none for a single segment.
    pub silhouette: Option<f64>,
    /// Share of the customers in another segment than a week before, if that week was given.
    pub moved: Option<f64>,
    /// Share of the sample's customers with an order that are known on the axis.
    pub known: f64,
    /// The features that the axis stands on, by column of the feature table.
    pub columns: Vec<usize>,
    /// Components kept.
    pub components: usize,
    /// Which look at the features the division comes from, 0 for the richest: values, ranks, the two without the
    /// features that move most within a week, and of those ranks two components and one.
    pub look: usize,
}

impl AxisModel {
    /// The axis of these rows of the feature table, and how it went. `week_before` has the same customers' features
    /// seven days earlier; with it, a division that people would wander through is not taken.
    pub(crate) fn fit(
        subject: Subject,
        table: &Matrix,
        week_before: Option<&Matrix>,
        rows: &[usize],
        columns: &[usize],
    ) -> (AxisModel, AxisReport) {
        let seed = 0x6465_736b + subject.number;
        let sampled = Sampled { table, week_before, rows, columns, seed };
        match choose(&sampled) {
            Choice::Sound(division) => named(subject, State::Sound, division, &sampled),
            Choice::Best(division, reason) => named(subject, State::Degenerate(reason), division, &sampled),
            Choice::Nothing(reason) => without_data(subject, reason),
        }
    }

    /// How well two halves of these customers agree on as many segments, looked at the same way as in the fit but
    /// halved anew: what the fit reports was part of its choice and is a little too good. `None` for a single
    /// segment.
    pub(crate) fn split_half(
        &self,
        report: &AxisReport,
        table: &Matrix,
        week_before: Option<&Matrix>,
        rows: &[usize],
        columns: &[usize],
    ) -> Option<f64> {
        let frame = self.frame.as_ref().filter(|_| self.segments.len() > 1)?;
        let known: Vec<usize> =
            rows.iter().copied().filter(|&row| frame.place(table.row(row)).is_some()).collect();
        let sampled = Sampled { table, week_before, rows, columns, seed: FRESH };
        Some(choice::stability(&sampled, &known, self.segments.len(), report.look, FRESH).mean)
    }

    /// An axis of which nothing is known, and why.
    pub(crate) fn unknown(reason: &str) -> AxisModel {
        AxisModel {
            state: State::NoData(reason.to_owned()),
            segments: Vec::new(),
            frame: None,
            centres: Vec::new(),
        }
    }

    /// The customer's memberships, adding up to 1 over the segments; `None` when the customer is unknown here.
    #[inline]
    pub fn memberships(&self, row: &[f32]) -> Option<[f32; MAX_SEGMENTS]> {
        let place = self.frame.as_ref()?.place(row)?;
        Some(membership::memberships(&place, &self.centres))
    }
}

/// The model with names and its report.
fn named(
    subject: Subject,
    state: State,
    division: Division,
    sampled: &Sampled<'_>,
) -> (AxisModel, AxisReport) {
    let words = names::names(subject.traits, &profiles(&division, sampled), &division.frame);
    let segments = words
        .into_iter()
        .zip(&division.shares)
        .map(|(words, &share)| Segment { name: words.name, description: words.description, share })
        .collect();
    let divided = division.centres.len() > 1;
    let report = AxisReport {
        axis: subject.name.to_owned(),
        state: state.clone(),
        stability: division.stability.filter(|_| divided).map(|found| found.mean),
        silhouette: divided.then_some(division.silhouette),
        moved: division.moved,
        known: division.known as f64 / sampled.rows.len().max(1) as f64,
        columns: division.frame.parts.iter().map(|part| part.column).collect(),
        components: division.frame.components,
        look: division.look,
        shares: division.shares,
    };
    (AxisModel { state, segments, frame: Some(division.frame), centres: division.centres }, report)
}

pub(crate) fn without_data(subject: Subject, reason: String) -> (AxisModel, AxisReport) {
    let state = State::NoData(reason);
    let report = AxisReport {
        axis: subject.name.to_owned(),
        state: state.clone(),
        shares: Vec::new(),
        stability: None,
        silhouette: None,
        moved: None,
        known: 0.0,
        columns: Vec::new(),
        components: 0,
        look: 0,
    };
    (AxisModel { state, segments: Vec::new(), frame: None, centres: Vec::new() }, report)
}

/// The mean scaled value of every part of the frame in every segment.
fn profiles(division: &Division, sampled: &Sampled<'_>) -> Vec<Vec<f64>> {
    let parts = &division.frame.parts;
    let mut sums = vec![vec![0.0; parts.len()]; division.centres.len()];
    let mut members = vec![0_u32; division.centres.len()];
    let beside = kmeans::Beside::of(&division.centres);
    for &row in sampled.rows {
        let values = sampled.table.row(row);
        if let Some(place) = division.frame.place(values) {
            let segment = beside.nearest(&place).0;
            members[segment] += 1;
            for (sum, part) in sums[segment].iter_mut().zip(parts) {
                *sum += f64::from(part.scale.apply(values[part.column]));
            }
        }
    }
    for (sums, &count) in sums.iter_mut().zip(&members) {
        sums.iter_mut().for_each(|sum| *sum /= f64::from(count.max(1)));
    }
    sums
}

#[cfg(test)]
impl AxisModel {
    /// An axis with so many segments, which assigns nobody.
    pub(crate) fn of_segments(count: usize) -> AxisModel {
        let segment = |number: usize| Segment {
            name: format!("segment {number}"),
            description: String::new(),
            share: 1.0 / count as f64,
        };
        AxisModel {
            state: State::Sound,
            segments: (0..count).map(segment).collect(),
            frame: None,
            centres: Vec::new(),
        }
    }
}
