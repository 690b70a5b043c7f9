//! What sets the segments of an axis apart: one column a segment, one row a feature.

use intelligence::features::{Axis, FEATURES};
use intelligence::matrix::Matrix;
use plotters::element::{Rectangle, Text};
use plotters::style::{Color, RGBColor, WHITE};

use crate::frame::{
    Align, Area, BLUE, DrawingError, GREY, Head, INK, PALE, VERMILION, figure, text, wrapped,
};

/// The segments of an axis and the customers in them.
#[derive(Clone, Copy, Debug)]
pub struct Divided<'a> {
    /// The axis.
    pub axis: Axis,
    /// The segments' names.
    pub names: &'a [String],
    /// All features of every customer.
    pub features: &'a Matrix,
    /// Every customer's dominant segment; none where the axis does not know the customer.
    pub dominant: &'a [Option<u8>],
    /// The same on a later day, perhaps of more customers.
    pub later: &'a [Option<u8>],
    /// What the two days are called.
    pub days: [&'a str; 2],
}

/// Deviations from here on have the full colour.
const FULL: f64 = 1.5;
/// Where the columns begin and end, in pixels.
const COLUMNS: (i32, i32) = (214, 776);
/// Where the rows begin and end.
const ROWS: (i32, i32) = (92, 376);

/// The profiles, or why there are none.
pub fn draw(head: &Head, divided: Result<Divided<'_>, String>) -> Result<String, DrawingError> {
    let draw = divided.and_then(|divided| {
        if divided.dominant.iter().all(Option::is_none) {
            return Err("no customer can be placed on this axis".to_owned());
        }
        Ok(move |area: &Area<'_>| heat_map(area, &divided))
    });
    figure(head, draw)
}

fn heat_map(area: &Area<'_>, divided: &Divided<'_>) -> Result<(), DrawingError> {
    let profiles = profile(divided);
    let sizes = [shares(divided.dominant, divided.names.len()), shares(divided.later, divided.names.len())];
    let columns = divided.axis.columns();
    let across = |at: usize, of: usize| COLUMNS.0 + (COLUMNS.1 - COLUMNS.0) * at as i32 / of.max(1) as i32;
    let down = |at: usize| ROWS.0 + (ROWS.1 - ROWS.0) * at as i32 / columns.len() as i32;
    let left = text(11, INK, Align::Right).plain();
    let [first, later] = divided.days;
    let labels = ["segment".to_owned(), format!("share on {first}"), format!("share on {later}")];
    for (label, above) in labels.into_iter().zip([42, 26, 11]) {
        area.draw(&Text::new(label, (COLUMNS.0 - 10, ROWS.0 - above), text(11, GREY, Align::Right).plain()))?;
    }
    for (at, name) in divided.names.iter().enumerate() {
        let (from, to) = (across(at, profiles.len()), across(at + 1, profiles.len()));
        let middle = (from + to) / 2;
        let lines = wrapped(name, ((to - from) / 7).max(6) as usize);
        for (line, words) in lines.iter().rev().enumerate() {
            let at = (middle, ROWS.0 - 42 - 14 * line as i32);
            area.draw(&Text::new(words.as_str(), at, text(11, INK, Align::Centre).bold()))?;
        }
        for (shares, above) in sizes.iter().zip([26, 11]) {
            let share = format!("{:.1} %", shares[at] * 100.0);
            area.draw(&Text::new(share, (middle, ROWS.0 - above), text(11, INK, Align::Centre).plain()))?;
        }
    }
    for (row, column) in columns.clone().enumerate() {
        let (from, to) = (down(row), down(row + 1));
        let name = FEATURES[column].name.replace('_', " ");
        area.draw(&Text::new(name, (COLUMNS.0 - 10, (from + to) / 2), left.clone()))?;
        for (at, profile) in profiles.iter().enumerate() {
            let (left, right) = (across(at, profiles.len()), across(at + 1, profiles.len()));
            let (fill, words, ink) = match profile[row] {
                Some(value) => (colour(value), signed(value), contrast(value)),
                None => (PALE, "missing".to_owned(), GREY),
            };
            let corners = [(left + 1, from + 1), (right - 1, to - 1)];
            area.draw(&Rectangle::new(corners, fill.filled()))?;
            let middle = ((left + right) / 2, (from + to) / 2);
            area.draw(&Text::new(words, middle, text(11, ink, Align::Centre).plain()))?;
        }
    }
    scale(area)
}

/// The legend: what the colours mean.
fn scale(area: &Area<'_>) -> Result<(), DrawingError> {
    let (top, steps) = (ROWS.1 + 16, 30);
    let (from, to) = (COLUMNS.0 + 100, COLUMNS.1 - 100);
    for step in 0..steps {
        let edge = |at: i32| from + (to - from) * at / steps;
        let value = FULL * (2.0 * (f64::from(step) + 0.5) / f64::from(steps) - 1.0);
        area.draw(&Rectangle::new([(edge(step), top), (edge(step + 1), top + 10)], colour(value).filled()))?;
    }
    for (at, label) in
        [(from, "-1.5 and below"), ((from + to) / 2, "0: like everybody"), (to, "+1.5 and above")]
    {
        area.draw(&Text::new(label, (at, top + 20), text(11, INK, Align::Centre).plain()))?;
    }
    let what = "mean of the segment, in standard deviations from the mean of all customers on the axis";
    area.draw(&Text::new(what, ((from + to) / 2, top + 38), text(11, INK, Align::Centre).plain()))
}

/// The share of each segment among the customers that are known on the axis; all 0 when nobody is.
pub fn shares(dominant: &[Option<u8>], segments: usize) -> Vec<f64> {
    let known = dominant.iter().flatten().count().max(1) as f64;
    let size = |segment| dominant.iter().flatten().filter(|&&one| usize::from(one) == segment).count();
    (0..segments).map(|segment| size(segment) as f64 / known).collect()
}

/// By segment and feature of the axis how far its mean is from everybody's, in standard deviations. Values are cut off at the 1st and 99th percentile, so that a few giants do not set the
/// scale. `None`: nobody in the segment has the feature, or it is the same for all.
pub fn profile(divided: &Divided<'_>) -> Vec<Vec<Option<f64>>> {
    let Divided { axis, names, features, dominant, .. } = *divided;
    let place = |row: usize| dominant[row].map(usize::from).filter(|&segment| segment < names.len());
    let mut profiles = vec![Vec::new(); names.len()];
    for column in axis.columns() {
        let members: Vec<(usize, f64)> = (0..dominant.len())
            .filter_map(|row| Some((place(row)?, f64::from(features.get(row, column)?))))
            .collect();
        for (profile, value) in profiles.iter_mut().zip(standardised_means(members, names.len())) {
            profile.push(value);
        }
    }
    profiles
}

fn standardised_means(mut members: Vec<(usize, f64)>, segments: usize) -> Vec<Option<f64>> {
    let mut sorted: Vec<f64> = members.iter().map(|member| member.1).collect();
    sorted.sort_by(f64::total_cmp);
    let Some(last) = sorted.len().checked_sub(1) else { return vec![None; segments] };
    let (low, high) = (sorted[last / 100], sorted[last - last / 100]);
    members.iter_mut().for_each(|member| member.1 = member.1.clamp(low, high));
    let count = members.len() as f64;
    let mean = members.iter().map(|member| member.1 / count).sum::<f64>();
    let deviation = members.iter().map(|member| (member.1 - mean).powi(2) / count).sum::<f64>().sqrt();
    let mut sums = vec![(0.0, 0.0); segments];
    for (segment, value) in members {
        sums[segment].0 += 1.0;
        sums[segment].1 += value - mean;
    }
    let means =
        sums.into_iter().map(|(count, sum)| Some(sum / count / deviation).filter(|mean| mean.is_finite()));
    means.collect()
}

/// From blue over white to vermilion.
fn colour(value: f64) -> RGBColor {
    let end = if value < 0.0 { BLUE } else { VERMILION };
    let share = (value.abs() / FULL).min(1.0);
    let mix = |from: u8, to: u8| (f64::from(from) + (f64::from(to) - f64::from(from)) * share).round() as u8;
    RGBColor(mix(255, end.0), mix(255, end.1), mix(255, end.2))
}

fn contrast(value: f64) -> RGBColor {
    if value.abs() > 0.8 * FULL { WHITE } else { INK }
}

fn signed(value: f64) -> String {
    let text = format!("{value:+.1}");
    if matches!(text.as_str(), "-0.0" | "+0.0") { "0.0".to_owned() } else { text }
}
