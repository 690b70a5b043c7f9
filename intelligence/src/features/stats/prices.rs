//! The prices that a tenant's products and categories are sold at.

use rayon::prelude::*;

use crate::lines::{Lines, last_minute};

/// Products whose median price is kept: those with the most lines.
pub const MOST_PRODUCTS: usize = 65_536;
/// Categories whose prices are kept: those with the most lines.
pub const MOST_CATEGORIES: usize = 1_024;
/// Prices kept of a category: its percentiles 0, 1, .. 100.
pub const MOST_PRICES: usize = 101;
type ProductPrices = Vec<(u64, f32)>;
type CategoryPrices = Vec<(u64, Vec<f32>)>;

/// The products' median prices and the categories' distributions, of the lines that sold.
pub(super) fn of(lines: &Lines, until_day: i32) -> (ProductPrices, CategoryPrices) {
    let last = last_minute(until_day);
    let price: Vec<f32> = (0..lines.len())
        .into_par_iter()
        .with_min_len(1 << 16)
        .map(|line| {
            let counts = lines.minutes()[line] <= last && !lines.is_return(line);
            lines.unit_price(line).filter(|_| counts).unwrap_or(f32::NAN)
        })
        .collect();
    rayon::join(
        || {
            let mut groups = grouped(&price, lines.products(), lines.product_keys().len());
            keep_most(&mut groups, MOST_PRODUCTS);
            groups
                .par_iter_mut()
                .map(|(rank, prices)| (lines.product_keys()[*rank], median(prices)))
                .collect()
        },
        || {
            let mut groups = grouped(&price, lines.categories(), lines.category_keys().len());
            keep_most(&mut groups, MOST_CATEGORIES);
            groups
                .par_iter_mut()
                .map(|(rank, prices)| (lines.category_keys()[*rank], percentiles(prices)))
                .collect()
        },
    )
}

/// The prices that are numbers, by rank; "none" is left out.
fn grouped(price: &[f32], ranks: &[u32], count: usize) -> Vec<(usize, Vec<f32>)> {
    let mut sizes = vec![0_usize; count];
    for (price, &rank) in price.iter().zip(ranks) {
        sizes[rank as usize] += usize::from(!price.is_nan());
    }
    let mut groups: Vec<(usize, Vec<f32>)> = sizes.into_iter().map(Vec::with_capacity).enumerate().collect();
    for (&price, &rank) in price.iter().zip(ranks) {
        if !price.is_nan() && rank != 0 {
            groups[rank as usize].1.push(price);
        }
    }
    groups.retain(|(_, prices)| !prices.is_empty());
    groups
}

/// Keeps the largest groups (of equal ones those of the lower rank), by rank.
fn keep_most(groups: &mut Vec<(usize, Vec<f32>)>, most: usize) {
    if groups.len() > most {
        groups.sort_unstable_by_key(|(rank, prices)| (std::cmp::Reverse(prices.len()), *rank));
        groups.truncate(most);
        groups.sort_unstable_by_key(|(rank, _)| *rank);
    }
}

/// The middle price, or the mean of the two middle ones.
fn median(prices: &mut [f32]) -> f32 {
    let middle = prices.len() / 2;
    let even = prices.len().is_multiple_of(2);
    let (below, &mut upper, _) = prices.select_nth_unstable_by(middle, f32::total_cmp);
    if even {
        let lower = below.iter().copied().fold(0.0, f32::max);
        return ((f64::from(lower) + f64::from(upper)) / 2.0) as f32;
    }
    upper
}

/// All prices if there are few, else those nearest to the percentiles 0, 1, .. 100; ascending.
fn percentiles(prices: &mut [f32]) -> Vec<f32> {
    prices.sort_unstable_by(f32::total_cmp);
    if prices.len() <= MOST_PRICES {
        return prices.to_vec();
    }
    let steps = MOST_PRICES - 1;
    (0..MOST_PRICES).map(|step| prices[(step * (prices.len() - 1) + steps / 2) / steps]).collect()
}
