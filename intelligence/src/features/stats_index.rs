//! The tenant's prices and days, found by the ranks of one table of lines.

use super::stats::TenantStats;
use crate::lines::Lines;

/// Look-ups into `TenantStats`.
pub(super) struct StatsIndex<'a> {
    medians: Vec<f32>,
    prices: Vec<&'a [f32]>,
    first_day: i32,
    depths: Vec<f32>,
}

impl<'a> StatsIndex<'a> {
    pub(super) fn new(lines: &Lines, stats: &'a TenantStats) -> StatsIndex<'a> {
        let find = |key: &u64| stats.product_prices.binary_search_by_key(key, |&(key, _)| key).ok();
        let medians = lines.product_keys().iter();
        let medians =
            medians.map(|key| find(key).map_or(f32::NAN, |at| stats.product_prices[at].1)).collect();
        let find = |key: &u64| stats.category_prices.binary_search_by_key(key, |(key, _)| *key).ok();
        let prices = lines.category_keys().iter();
        let prices =
            prices.map(|key| find(key).map_or([].as_slice(), |at| &stats.category_prices[at].1)).collect();
        let first_day = stats.day_depths.first().map_or(0, |&(day, _)| day);
        let mut depths = Vec::new();
        for &(day, depth) in &stats.day_depths {
            depths.resize((day - first_day) as usize, f32::NAN);
            depths.push(depth);
        }
        StatsIndex { medians, prices, first_day, depths }
    }

    /// The product's median price, if it is known.
    pub(super) fn median_price(&self, product: u32) -> Option<f32> {
        Some(self.medians[product as usize]).filter(|price| *price > 0.0)
    }

    /// The share of the category's prices below this one, those equal to it counted half.
    pub(super) fn percentile(&self, category: u32, price: f32) -> Option<f64> {
        let prices = self.prices[category as usize];
        if prices.is_empty() {
            return None;
        }
        let below = prices.partition_point(|&other| other < price);
        let equal = prices[below..].iter().take_while(|&&other| other == price).count();
        Some((2 * below + equal) as f64 / (2 * prices.len()) as f64)
    }

    /// The shop's discount depth on a day, if list prices were known.
    pub(super) fn day_depth(&self, day: i32) -> Option<f32> {
        let at = usize::try_from(i64::from(day) - i64::from(self.first_day)).ok()?;
        self.depths.get(at).copied().filter(|depth| !depth.is_nan())
    }
}
