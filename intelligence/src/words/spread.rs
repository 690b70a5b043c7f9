//! How a shop's customers are spread on every axis, by the one number that says most there, so that "more than 98 % of
//! customers" is a look-up. Made anew for every run.

use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use crate::features::{self, support};
use crate::matrix::Matrix;
use crate::segmentation::{AXES, PURCHASE_AXES};

/// The number that says most of an axis, in the order of the axes.
pub const LEADING: [&str; AXES] = [
    // of purchases
    "orders",
    "log_spend",
    "distinct_products",
    "discount_depth",
    "median_gap_days",
    "recency_days",
    "repeat_spend_share",
    "return_value_rate",
    // of tickets
    "reply_minutes",
    "messages_per_ticket",
    "loyalty_tenure_days",
    "sentiment",
    "compensation_share",
];
/// Among fewer customers than this nobody is compared.
pub const LEAST_COMPARED: usize = 20;
/// Stands in stored places for what is not known.
pub const UNKNOWN: u8 = u8::MAX;
/// Nobody is above all customers, because every customer is one of them.
const MOST: u8 = 99;

/// Where a customer stands on an axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// At least so many per cent of the customers have a smaller number, at most 99.
    pub below: u8,
    /// At least so many per cent of the customers have a greater number, at most 99.
    pub above: u8,
}

/// The values at 0, 1, ... 100 % of the customers who have the number; none for an axis on which too few have one.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Spread(Vec<Vec<f32>>);

impl Spread {
    /// The spread of customers with these features, and of those whose tickets say these numbers; who has not ordered,
    /// or not written in, does not count.
    pub fn of(table: &Matrix, tickets: Option<&Matrix>) -> Spread {
        let points = |axis: usize| {
            let table = if axis < PURCHASE_AXES { Some(table) } else { tickets };
            let (Some(table), Some(column)) = (table, column(axis)) else { return Vec::new() };
            let mut values: Vec<f32> = (0..table.rows()).filter_map(|row| table.get(row, column)).collect();
            if values.len() < LEAST_COMPARED {
                return Vec::new();
            }
            values.sort_unstable_by(f32::total_cmp);
            // The value up to which at least so many per cent of the customers lie.
            (0..=100).map(|percent| values[(values.len() * percent).div_ceil(100).max(1) - 1]).collect()
        };
        Spread((0..AXES).map(points).collect())
    }

    /// Where a customer with these features, and tickets that say these numbers, stands; none where the number is
    /// missing or too few have it.
    pub fn places(&self, row: &[f32], tickets: Option<&[f32]>) -> [Option<Place>; AXES] {
        std::array::from_fn(|axis| {
            let row = if axis < PURCHASE_AXES { row } else { tickets? };
            let column = column(axis)?;
            let value = row.get(column).copied().filter(|value| value.is_finite())?;
            place(self.0.get(axis)?, value)
        })
    }
}

impl Place {
    /// Places as they are stored: two bytes an axis, `UNKNOWN` where there is none.
    pub fn pack(places: &[Option<Place>; AXES]) -> Vec<u8> {
        let bytes = places.iter().map(|place| place.map_or([UNKNOWN; 2], |place| [place.below, place.above]));
        bytes.flatten().collect()
    }
}

/// The column of an axis's leading number in its table.
fn column(axis: usize) -> Option<usize> {
    static COLUMNS: LazyLock<[Option<usize>; AXES]> = LazyLock::new(|| {
        std::array::from_fn(|axis| {
            if axis < PURCHASE_AXES {
                features::column(LEADING[axis])
            } else {
                support::column(LEADING[axis])
            }
        })
    });
    COLUMNS[axis]
}

/// The points below a value say how many customers are below it, one point too many: the claim is never too large.
fn place(points: &[f32], value: f32) -> Option<Place> {
    if points.is_empty() {
        return None;
    }
    let share = |points: usize| u8::try_from(points.saturating_sub(1)).unwrap_or(MOST).min(MOST);
    let below = points.partition_point(|point| *point < value);
    let above = points.len() - points.partition_point(|point| *point <= value);
    Some(Place { below: share(below), above: share(above) })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn spread_of(values: &[f32]) -> Vec<f32> {
        let column = features::column("orders").expect("a feature");
        let mut table = Matrix::missing(values.len(), features::COUNT);
        for (row, value) in values.iter().enumerate() {
            table.row_mut(row)[column] = *value;
        }
        Spread::of(&table, None).0.swap_remove(0)
    }

    #[test]
    fn every_axis_has_a_leading_number() {
        assert!((0..AXES).all(|axis| column(axis).is_some()));
    }

    #[test]
    fn few_customers_are_not_compared() {
        let few: Vec<f32> = (0..19).map(|value| value as f32).collect();
        assert_eq!(place(&spread_of(&few), 3.0), None);
    }

    proptest! {
        #[test]
        fn no_claim_is_larger_than_the_truth(
            values in prop::collection::vec(0_u16..300, 20..400), asked in 0_u16..300
        ) {
            let floats: Vec<f32> = values.iter().map(|value| f32::from(*value)).collect();
            let found = place(&spread_of(&floats), f32::from(asked)).expect("enough customers");
            let share = |count: usize| count as f64 * 100.0 / values.len() as f64;
            let below = share(values.iter().filter(|value| **value < asked).count());
            let above = share(values.iter().filter(|value| **value > asked).count());
            prop_assert!(f64::from(found.below) <= below, "{} of {below}", found.below);
            prop_assert!(f64::from(found.above) <= above, "{} of {above}", found.above);
            // Not much smaller either: one point of a hundred, and one customer.
            let slack = 2.0 + share(1);
            prop_assert!(f64::from(found.below) + slack >= below.min(99.0));
            prop_assert!(f64::from(found.above) + slack >= above.min(99.0));
        }
    }
}
