//! How a shop's customers are spread on every axis, by the one number that says most there, so that "more than 98 % of
//! customers" is a look-up. Made anew for every run.

use serde::{Deserialize, Serialize};

use crate::features;
use crate::matrix::Matrix;

/// How many axes there are.
pub const AXES: usize = 8;
/// The number that says most of an axis, in the order of the axes.
pub const LEADING: [&str; AXES] = [
    "orders",
    "log_spend",
    "distinct_products",
    "discount_depth",
    "median_gap_days",
    "recency_days",
    "repeat_spend_share",
    "return_value_rate",
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
    /// The spread of customers with these features; who has not ordered has none and does not count.
    pub fn of(table: &Matrix) -> Spread {
        let column = |name: &&str| features::column(name).expect("a leading number is a feature");
        let points = |column: usize| {
            let mut values: Vec<f32> = (0..table.rows()).filter_map(|row| table.get(row, column)).collect();
            if values.len() < LEAST_COMPARED {
                return Vec::new();
            }
            values.sort_unstable_by(f32::total_cmp);
            // The value up to which at least so many per cent of the customers lie.
            (0..=100).map(|percent| values[(values.len() * percent).div_ceil(100).max(1) - 1]).collect()
        };
        Spread(LEADING.iter().map(column).map(points).collect())
    }

    /// Where a customer with these features stands; none where the number is missing or too few have it.
    pub fn places(&self, row: &[f32]) -> [Option<Place>; AXES] {
        std::array::from_fn(|axis| {
            let column = features::column(LEADING[axis])?;
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
        Spread::of(&table).0.swap_remove(0)
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
