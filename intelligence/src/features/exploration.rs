//! How widely a customer chooses among products and categories.

use super::customer::Customer;
use super::numbers::ratio;

pub(super) const FEATURES: [(&str, &str); 8] = [
    ("distinct_products", "different products so far"),
    ("distinct_categories", "different categories so far"),
    ("category_entropy", "entropy of the lines' categories, in nats, corrected for few lines"),
    ("effective_categories", "exponential of that entropy: how many categories count"),
    ("top_category_share", "share of the lines in the most bought category"),
    ("new_product_share_180d", "share of the last 180 days' lines with a product never ordered before"),
    ("new_category_share_180d", "share of the last 180 days' lines with a category never ordered before"),
    ("categories_per_order", "different categories in an order"),
];

pub(super) fn values(customer: &Customer<'_>) -> [Option<f64>; 8] {
    let (products, categories) = (&customer.products, &customer.categories);
    let known = |count: usize| (count > 0).then_some(count as f64);
    let entropy = entropy(&categories.lines_in, f64::from(categories.lines));
    let largest = categories.lines_in.iter().copied().max().map(f64::from);
    [
        known(products.each.len()),
        known(categories.lines_in.len()),
        entropy,
        entropy.map(f64::exp),
        largest.and_then(|largest| ratio(largest, f64::from(categories.lines))),
        ratio(f64::from(products.recent_new_lines), f64::from(products.recent_lines)),
        ratio(f64::from(categories.recent_new_lines), f64::from(categories.recent_lines)),
        ratio(f64::from(categories.in_orders), f64::from(categories.orders)),
    ]
}

/// -sum q ln q + (K - 1) / 2N: the entropy of K categories seen in N lines with the correction of Miller, "Note on
/// the bias of information estimates" (1955).
fn entropy(counts: &[u32], lines: f64) -> Option<f64> {
    if counts.is_empty() {
        return None;
    }
    let plain: f64 =
        counts.iter().map(|&count| f64::from(count) / lines).map(|share| -share * share.ln()).sum();
    Some(plain + (counts.len() as f64 - 1.0) / (2.0 * lines))
}
