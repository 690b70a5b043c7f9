//! What a customer does, in 66 numbers on eight axes, as of the end of a day.
//!
//! A feature that cannot be computed is missing, never 0. Where a customer has little history, shares and means are
//! shrunk: pseudo-counts of the tenant's own rate (`TenantStats`) are added, as in empirical Bayes estimation.
//! A customer's row depends on that customer's lines and on the tenant's statistics alone, so scoring one customer
//! gives the same bits as scoring everybody.

mod cadence;
mod customer;
mod exploration;
mod frequency;
mod maturity;
mod numbers;
mod price;
mod products;
mod repurchase;
mod returns;
pub mod stats;
mod stats_index;
pub mod support;
mod value;

use std::ops::Range;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::bg_nbd::BgNbd;
use crate::lines::Lines;
use crate::matrix::Matrix;
use customer::Customer;
pub use stats::TenantStats;
use stats_index::StatsIndex;

/// How many features there are.
pub const COUNT: usize = 66;
/// Customers computed by one task.
const CHUNK: usize = 2048;

/// A side of a customer's behaviour, in the order of the columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Axis {
    /// How often they buy.
    PurchaseFrequency,
    /// How much they spend.
    PurchaseValue,
    /// How widely they choose.
    CategoryExploration,
    /// How much they wait for discounts and which price level they buy.
    PriceSensitivity,
    /// In which rhythm they buy.
    PurchaseCadence,
    /// How long they have been there and whether they still are.
    CustomerMaturity,
    /// Whether they buy the same again.
    RepurchaseBehavior,
    /// What they send back.
    ReturnBehavior,
}

impl Axis {
    /// All of them, in the order of the columns.
    pub const ALL: [Axis; 8] = [
        Axis::PurchaseFrequency,
        Axis::PurchaseValue,
        Axis::CategoryExploration,
        Axis::PriceSensitivity,
        Axis::PurchaseCadence,
        Axis::CustomerMaturity,
        Axis::RepurchaseBehavior,
        Axis::ReturnBehavior,
    ];

    /// The axis's name on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Axis::PurchaseFrequency => "purchase_frequency",
            Axis::PurchaseValue => "purchase_value",
            Axis::CategoryExploration => "category_exploration",
            Axis::PriceSensitivity => "price_sensitivity",
            Axis::PurchaseCadence => "purchase_cadence",
            Axis::CustomerMaturity => "customer_maturity",
            Axis::RepurchaseBehavior => "repurchase_behavior",
            Axis::ReturnBehavior => "return_behavior",
        }
    }

    /// Where its features are in a row.
    pub const fn columns(self) -> Range<usize> {
        match self {
            Axis::PurchaseFrequency => 0..8,
            Axis::PurchaseValue => 8..17,
            Axis::CategoryExploration => 17..25,
            Axis::PriceSensitivity => 25..33,
            Axis::PurchaseCadence => 33..42,
            Axis::CustomerMaturity => 42..50,
            Axis::RepurchaseBehavior => 50..58,
            Axis::ReturnBehavior => 58..66,
        }
    }
}

/// One number about a customer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Feature {
    /// Its name, unique among all features.
    pub name: &'static str,
    /// The side of the behaviour that it describes.
    pub axis: Axis,
    /// What it says, with its unit.
    pub meaning: &'static str,
}

/// All features, in the order of the columns of `compute`.
pub static FEATURES: [Feature; COUNT] = {
    let mut all = [Feature { name: "", axis: Axis::PurchaseFrequency, meaning: "" }; COUNT];
    let mut axis = 0;
    while axis < Axis::ALL.len() {
        let own = match Axis::ALL[axis] {
            Axis::PurchaseFrequency => frequency::FEATURES.as_slice(),
            Axis::PurchaseValue => value::FEATURES.as_slice(),
            Axis::CategoryExploration => exploration::FEATURES.as_slice(),
            Axis::PriceSensitivity => price::FEATURES.as_slice(),
            Axis::PurchaseCadence => cadence::FEATURES.as_slice(),
            Axis::CustomerMaturity => maturity::FEATURES.as_slice(),
            Axis::RepurchaseBehavior => repurchase::FEATURES.as_slice(),
            Axis::ReturnBehavior => returns::FEATURES.as_slice(),
        };
        let columns = Axis::ALL[axis].columns();
        assert!(columns.end - columns.start == own.len(), "an axis has as many columns as features");
        let mut at = 0;
        while at < own.len() {
            let (name, meaning) = own[at];
            all[columns.start + at] = Feature { name, axis: Axis::ALL[axis], meaning };
            at += 1;
        }
        axis += 1;
    }
    all
};

/// The column of a feature.
pub fn column(name: &str) -> Option<usize> {
    FEATURES.iter().position(|feature| feature.name == name)
}

/// The column of a feature, at compile time.
pub(crate) const fn known_column(name: &str) -> usize {
    let mut at = 0;
    while at < COUNT {
        if equal(FEATURES[at].name.as_bytes(), name.as_bytes()) {
            return at;
        }
        at += 1;
    }
    panic!("no feature of this name")
}

const fn equal(left: &[u8], right: &[u8]) -> bool {
    let mut at = 0;
    while at < left.len() && at < right.len() {
        if left[at] != right[at] {
            return false;
        }
        at += 1;
    }
    left.len() == right.len()
}

/// All features of all customers as of the end of `until_day` (days since 1970-01-01): one row a customer, one column
/// a feature of `FEATURES`. Later lines change nothing. A customer without an order by then has a row of missing
/// values; without a model the probability of being alive is missing.
pub fn compute(lines: &Lines, stats: &TenantStats, alive: Option<&BgNbd>, until_day: i32) -> Matrix {
    let mut table = Matrix::missing(lines.customers(), COUNT);
    let index = StatsIndex::new(lines, stats);
    table.values_mut().par_chunks_mut(CHUNK * COUNT).enumerate().for_each_init(
        || Customer::new(lines, stats, &index, until_day),
        |customer, (chunk, rows)| {
            for (at, row) in rows.chunks_exact_mut(COUNT).enumerate() {
                if customer.load(chunk * CHUNK + at) {
                    write(customer, alive, row);
                }
            }
        },
    );
    table
}

/// The same of these customers alone, a row each in this order.
pub fn compute_some(
    lines: &Lines,
    stats: &TenantStats,
    alive: Option<&BgNbd>,
    until_day: i32,
    customers: &[usize],
) -> Matrix {
    let mut table = Matrix::missing(customers.len(), COUNT);
    let index = StatsIndex::new(lines, stats);
    table.values_mut().par_chunks_mut(CHUNK * COUNT).zip(customers.par_chunks(CHUNK)).for_each_init(
        || Customer::new(lines, stats, &index, until_day),
        |customer, (rows, customers)| {
            for (row, &at) in rows.chunks_exact_mut(COUNT).zip(customers) {
                if customer.load(at) {
                    write(customer, alive, row);
                }
            }
        },
    );
    table
}

fn write(customer: &mut Customer<'_>, alive: Option<&BgNbd>, row: &mut [f32]) {
    for axis in Axis::ALL {
        let values = &mut row[axis.columns()];
        match axis {
            Axis::PurchaseFrequency => put(values, frequency::values(customer)),
            Axis::PurchaseValue => put(values, value::values(customer)),
            Axis::CategoryExploration => put(values, exploration::values(customer)),
            Axis::PriceSensitivity => put(values, price::values(customer)),
            Axis::PurchaseCadence => put(values, cadence::values(customer)),
            Axis::CustomerMaturity => put(values, maturity::values(customer, alive)),
            Axis::RepurchaseBehavior => put(values, repurchase::values(customer)),
            Axis::ReturnBehavior => put(values, returns::values(customer)),
        }
    }
}

/// Writes what is there and can be held; the rest stays missing. An empty sum is -0, which adding 0 makes a plain 0.
fn put<const N: usize>(row: &mut [f32], values: [Option<f64>; N]) {
    for (slot, value) in row.iter_mut().zip(values) {
        let value = value.map(|value| value as f32 + 0.0);
        *slot = value.filter(|value| value.is_finite()).unwrap_or(f32::NAN);
    }
}
