//! Where a customer stands on an axis: its features scaled, and turned into at most four numbers. Frozen with the
//! version, so that the same customer stands at the same place until something about the customer changes.

use serde::{Deserialize, Serialize};

use super::components::components;
use super::kmeans::Point;
use super::scale::{Scale, Spread};
use crate::matrix::Matrix;

/// A feature that fewer of the customers have is left out of the axis.
const PRESENT: f64 = 0.2;
/// Of two features correlated more strongly than this the later one is left out.
const CORRELATED: f64 = 0.95;
/// A feature that moves more than this within a week is left out when calm is asked for.
const RESTLESS: f64 = 0.33;
/// The share of the variance that the components keep.
const EXPLAINED: f64 = 0.9;

/// One feature's part in the place of a customer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Part {
    /// The column of the feature table.
    pub(crate) column: usize,
    pub(crate) scale: Scale,
    pub(crate) loading: Point,
}

/// The frozen way from features to a place.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Frame {
    pub(crate) parts: Vec<Part>,
    pub(crate) components: usize,
}

impl Frame {
    /// The frame of these rows of the table; `None` when no feature varies among them.
    pub(crate) fn fit(
        table: &Matrix,
        rows: &[usize],
        columns: &[usize],
        spread: Spread,
        most_components: usize,
        week_before: Option<&Matrix>,
    ) -> Option<Frame> {
        let mut parts: Vec<Part> = columns
            .iter()
            .filter_map(|&column| {
                let values: Vec<f32> = rows.iter().filter_map(|&row| table.get(row, column)).collect();
                let enough = values.len() as f64 >= PRESENT * rows.len() as f64;
                let scale = enough.then(|| Scale::fit(&values, spread)).flatten()?;
                Some(Part { column, scale, loading: Point::default() })
            })
            .collect();
        if let Some(before) = week_before {
            parts.retain(|part| restlessness(part, table, before, rows) <= RESTLESS);
        }
        let covariance = covariance(table, rows, &parts)?;
        let kept = uncorrelated(&covariance, parts.len());
        let reduced: Vec<f64> = kept
            .iter()
            .flat_map(|&one| kept.iter().map(move |&other| (one, other)))
            .map(|(one, other)| covariance[one * parts.len() + other])
            .collect();
        let found = components(&reduced, kept.len(), EXPLAINED, most_components);
        let mut position = 0;
        parts.retain(|_| {
            position += 1;
            kept.contains(&(position - 1))
        });
        for (part, &loading) in parts.iter_mut().zip(&found.loadings) {
            part.loading = loading;
        }
        (found.count > 0).then_some(Frame { parts, components: found.count })
    }

    /// The place of a customer with this row of features; `None` when more than half of the axis's features are
    /// missing: of such a customer nothing is known here, and the middle of the shop would be a guess.
    #[inline]
    pub(crate) fn place(&self, row: &[f32]) -> Option<Point> {
        let mut place = Point::default();
        let mut present = 0;
        for part in &self.parts {
            let value = row[part.column];
            present += usize::from(value.is_finite());
            let scaled = part.scale.apply(value);
            for (sum, loading) in place.iter_mut().zip(part.loading) {
                *sum += scaled * loading;
            }
        }
        (2 * present >= self.parts.len()).then_some(place)
    }
}

/// By how many standard deviations a feature moves within a week, root mean square over the customers that have it
/// on both days.
fn restlessness(part: &Part, table: &Matrix, before: &Matrix, rows: &[usize]) -> f64 {
    let (mut squares, mut count) = (0.0, 0_u32);
    for &row in rows {
        if let (Some(now), Some(then)) = (table.get(row, part.column), before.get(row, part.column)) {
            squares += f64::from(part.scale.apply(now) - part.scale.apply(then)).powi(2);
            count += 1;
        }
    }
    (squares / f64::from(count.max(1))).sqrt()
}

/// The covariance of the scaled features, missing values at their fill, over the rows that have half of them; `None`
/// without such rows or features.
fn covariance(table: &Matrix, rows: &[usize], parts: &[Part]) -> Option<Vec<f64>> {
    let width = parts.len();
    let mut means = vec![0.0; width];
    let mut products = vec![0.0; width * width];
    let mut count = 0.0;
    let mut scaled = vec![0.0; width];
    for &row in rows {
        let values = table.row(row);
        if 2 * parts.iter().filter(|part| values[part.column].is_finite()).count() < width {
            continue;
        }
        count += 1.0;
        for (scaled, part) in scaled.iter_mut().zip(parts) {
            *scaled = f64::from(part.scale.apply(values[part.column]));
        }
        for one in 0..width {
            means[one] += scaled[one];
            for other in 0..width {
                products[one * width + other] += scaled[one] * scaled[other];
            }
        }
    }
    if count < 2.0 || width == 0 {
        return None;
    }
    for one in 0..width {
        for other in 0..width {
            let product = &mut products[one * width + other];
            *product = *product / count - (means[one] / count) * (means[other] / count);
        }
    }
    Some(products)
}

/// The features that remain when each one that says the same as an earlier one is left out.
fn uncorrelated(covariance: &[f64], width: usize) -> Vec<usize> {
    let mut kept: Vec<usize> = Vec::new();
    for feature in 0..width {
        let variance = |at: usize| covariance[at * width + at];
        let doubles = |&earlier: &usize| {
            let scale = (variance(earlier) * variance(feature)).sqrt();
            covariance[earlier * width + feature].abs() > CORRELATED * scale
        };
        if variance(feature) > 1e-9 && !kept.iter().any(doubles) {
            kept.push(feature);
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doubles_and_constants_are_left_out_and_gaps_are_bridged() {
        let mut values = Vec::new();
        for row in 0..300 {
            let one = (row * 37 % 300) as f32;
            values.extend([one, 2.0 * one + 1.0, 5.0, (row * 91 % 300) as f32, f32::NAN]);
        }
        let table = Matrix::from_values(5, values);
        let rows: Vec<usize> = (0..300).collect();
        let frame =
            Frame::fit(&table, &rows, &[0, 1, 2, 3, 4], Spread::Values, 4, None).expect("two features vary");
        assert_eq!(frame.parts.iter().map(|part| part.column).collect::<Vec<_>>(), [0, 3]);
        assert_eq!(frame.components, 2);
        assert!(frame.place(&[1.0, f32::NAN, 0.0, f32::NAN, 0.0]).is_some(), "half is enough");
        assert_eq!(frame.place(&[f32::NAN; 5]), None);
        assert_eq!(Frame::fit(&table, &rows, &[2, 4], Spread::Values, 4, None), None);
        assert_eq!(Frame::fit(&table, &[], &[0, 3], Spread::Values, 4, None), None);
    }
}
