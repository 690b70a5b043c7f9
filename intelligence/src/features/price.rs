//! How much a customer waits for discounts, and at which price level they buy.

use super::customer::Customer;
use super::numbers::ratio;
use crate::orders::Order;

pub(super) const FEATURES: [(&str, &str); 8] = [
    ("discounted_order_share", "share of orders with a discount, shrunk to the tenant's share"),
    ("discount_depth", "share of the list value that was not paid"),
    ("deepest_discount", "the largest such share of an order"),
    ("discount_depth_90d", "that share in the last 90 days"),
    ("full_price_spend_share", "share of spend on lines without a discount"),
    ("price_against_median", "price paid over the product's median price, weighted by spend"),
    ("price_percentile", "where the prices paid stand within their category, 0 to 1"),
    ("sale_day_affinity", "the shop's discount depth on the customer's purchase days, above its mean"),
];

/// Orders of the tenant's share that are added to the customer's own.
const PRIOR_ORDERS: f64 = 2.0;
/// A discount below this share of the list value is rounding.
const ROUNDING: f64 = 1e-6;

pub(super) fn values(customer: &Customer<'_>) -> [Option<f64>; 8] {
    let known = customer.orders.iter().filter_map(Order::is_discounted);
    let (mut orders, mut discounted) = (0_u32, 0_u32);
    for is_discounted in known {
        orders += 1;
        discounted += u32::from(is_discounted);
    }
    let share = customer.stats.discounted_share.filter(|_| orders > 0);
    let prices = Prices::paid(customer);
    [
        share.and_then(|share| {
            ratio(f64::from(discounted) + PRIOR_ORDERS * share, f64::from(orders) + PRIOR_ORDERS)
        }),
        depth(customer.orders.iter()),
        customer.orders.iter().filter_map(Order::depth).reduce(f64::max),
        depth(customer.recent(90.0)),
        ratio(prices.full_price_spend, prices.listed_spend),
        ratio(prices.weighted_ratio, prices.ratio_spend),
        ratio(prices.percentiles, f64::from(prices.percentile_lines)),
        sale_day_affinity(customer),
    ]
}

/// The share of the list value that was not paid, over several orders.
fn depth<'a>(orders: impl Iterator<Item = &'a Order>) -> Option<f64> {
    let (mut discount, mut list) = (0.0, 0.0);
    for order in orders {
        discount += order.discount;
        list += order.list;
    }
    ratio(discount, list).map(|depth| depth.clamp(0.0, 1.0))
}

/// Sums over the lines sold.
#[derive(Default)]
struct Prices {
    listed_spend: f64,
    full_price_spend: f64,
    ratio_spend: f64,
    weighted_ratio: f64,
    percentiles: f64,
    percentile_lines: u32,
}

impl Prices {
    fn paid(customer: &Customer<'_>) -> Prices {
        let lines = customer.lines;
        let mut sums = Prices::default();
        for line in customer.orders.iter().flat_map(|order| order.first..order.end) {
            let amount = lines.amounts()[line];
            if lines.is_return(line) || amount <= 0.0 {
                continue;
            }
            let list = lines.list_amounts()[line];
            if !list.is_nan() {
                sums.listed_spend += amount;
                if list - amount <= ROUNDING * list.max(amount) {
                    sums.full_price_spend += amount;
                }
            }
            let Some(price) = lines.unit_price(line) else { continue };
            if let Some(median) = customer.index.median_price(lines.products()[line]) {
                sums.ratio_spend += amount;
                sums.weighted_ratio += amount * (f64::from(price) / f64::from(median));
            }
            if let Some(percentile) = customer.index.percentile(lines.categories()[line], price) {
                sums.percentiles += percentile;
                sums.percentile_lines += 1;
            }
        }
        sums
    }
}

/// The mean over the customer's purchase days of the shop's discount depth on that day, minus the shop's own depth.
fn sale_day_affinity(customer: &Customer<'_>) -> Option<f64> {
    let (mut sum, mut days) = (0.0, 0_u32);
    for depth in customer.days.iter().filter_map(|&day| customer.index.day_depth(day)) {
        sum += f64::from(depth);
        days += 1;
    }
    Some(ratio(sum, f64::from(days))? - customer.stats.discount_depth?)
}
