//! The tenant's prices and days, found by the ranks of one table of lines.

use super::stats::{MOST_PRICES, TenantStats};
use crate::lines::Lines;

/// Look-ups into `TenantStats`.
pub(super) struct StatsIndex {
    medians: Vec<f32>,
    prices: Vec<Option<PriceLevels>>,
    first_day: i32,
    depths: Vec<f32>,
    clock: Vec<(f64, f64)>,
}

impl StatsIndex {
    pub(super) fn new(lines: &Lines, stats: &TenantStats) -> StatsIndex {
        let find = |key: &u64| stats.product_prices.binary_search_by_key(key, |&(key, _)| key).ok();
        let medians = lines.product_keys().iter();
        let medians =
            medians.map(|key| find(key).map_or(f32::NAN, |at| stats.product_prices[at].1)).collect();
        let find = |key: &u64| stats.category_prices.binary_search_by_key(key, |(key, _)| *key).ok();
        let prices = lines.category_keys().iter();
        let prices = prices
            .map(|key| find(key).and_then(|at| PriceLevels::new(&stats.category_prices[at].1)))
            .collect();
        let first_day = stats.day_depths.first().map_or(0, |&(day, _)| day);
        let mut depths = Vec::new();
        for &(day, depth) in &stats.day_depths {
            depths.resize((day - first_day) as usize, f32::NAN);
            depths.push(depth);
        }
        let angle = |minute: i32| (f64::from(minute) / 1440.0 * std::f64::consts::TAU).sin_cos();
        StatsIndex { medians, prices, first_day, depths, clock: (0..1440).map(angle).collect() }
    }

    /// The product's median price, if it is known.
    pub(super) fn median_price(&self, product: u32) -> Option<f32> {
        Some(self.medians[product as usize]).filter(|price| *price > 0.0)
    }

    /// The share of the category's prices below this one, those equal to it counted half.
    pub(super) fn percentile(&self, category: u32, price: f32) -> Option<f64> {
        Some(self.prices[category as usize].as_ref()?.share_below(price))
    }

    /// The shop's discount depth on a day, if list prices were known.
    pub(super) fn day_depth(&self, day: i32) -> Option<f32> {
        let at = usize::try_from(i64::from(day) - i64::from(self.first_day)).ok()?;
        self.depths.get(at).copied().filter(|depth| !depth.is_nan())
    }

    /// Sine and cosine of a minute's time of day.
    pub(super) fn time_of_day(&self, minute: i32) -> (f64, f64) {
        self.clock[minute.rem_euclid(1440) as usize]
    }
}

/// Room for the levels of a category and at least one more that no price reaches; a power of two.
const LEVELS: usize = 128;
const _: () = assert!(MOST_PRICES < LEVELS);

/// A category's different prices, in a form that is searched without a branch: there is one search a line.
struct PriceLevels {
    /// Ascending, filled up with infinity.
    prices: [f32; LEVELS],
    /// The share below each, and that share with half of those equal to it.
    shares: [(f32, f32); LEVELS],
}

impl PriceLevels {
    fn new(sorted: &[f32]) -> Option<PriceLevels> {
        let sorted = &sorted[..sorted.len().min(MOST_PRICES)];
        let count = sorted.len() as f32;
        let mut levels = PriceLevels { prices: [f32::INFINITY; LEVELS], shares: [(1.0, 1.0); LEVELS] };
        let (mut level, mut below) = (0, 0);
        for equal in sorted.chunk_by(|a, b| a == b) {
            levels.prices[level] = equal[0];
            levels.shares[level] = (below as f32 / count, (2 * below + equal.len()) as f32 / (2.0 * count));
            below += equal.len();
            level += 1;
        }
        (level > 0).then_some(levels)
    }

    fn share_below(&self, price: f32) -> f64 {
        let mut at = 0;
        let mut step = LEVELS / 2;
        while step > 0 {
            at += step * usize::from(self.prices[at + step - 1] < price);
            step /= 2;
        }
        let (below, middle) = self.shares[at];
        f64::from(if self.prices[at] == price { middle } else { below })
    }
}
