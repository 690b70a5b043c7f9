//! Whether a customer buys the same products again.

use super::customer::Customer;
use super::numbers::{median, ratio, variation};

pub(super) const FEATURES: [(&str, &str); 8] = [
    ("repeated_product_share", "share of the products that were ordered at least twice"),
    ("repeat_line_share", "share of lines with a product of an earlier order"),
    ("repeat_spend_share", "share of spend on products of an earlier order"),
    ("product_gap_days", "middle number of days until the same product is ordered again"),
    ("product_gap_regularity", "1 if that number is always the same, towards 0 if it varies"),
    ("last_baskets_overlap", "products in both of the last two orders over products in either"),
    ("top_product_share", "share of spend on the product with the most spend"),
    ("product_concentration", "sum of the squared shares of spend by product"),
];

pub(super) fn values(customer: &mut Customer<'_>) -> [Option<f64>; 8] {
    let products = &mut customer.products;
    let count = products.each.len() as f64;
    let repeated = products.each.iter().filter(|product| product.orders >= 2).count() as f64;
    let regularity = variation(&products.gaps).map(|variation| 1.0 / (1.0 + variation));
    let gap = median(&mut products.gaps);
    let positive = || products.each.iter().map(|product| product.spend.max(0.0));
    let spend: f64 = positive().sum();
    let top = positive().fold(0.0, f64::max);
    // Herfindahl and Hirschman's index of concentration (Hirschman, "The paternity of an index", 1964).
    let concentration = (spend > 0.0).then(|| positive().map(|own| (own / spend) * (own / spend)).sum());
    [
        ratio(repeated, count),
        ratio(f64::from(products.repeat_lines), f64::from(products.lines)),
        ratio(products.repeat_spend, products.spend).map(|share| share.clamp(0.0, 1.0)),
        gap,
        regularity,
        products.overlap,
        ratio(top, spend),
        concentration,
    ]
}
