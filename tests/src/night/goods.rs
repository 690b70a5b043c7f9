//! What is in an order: 20,000 products in 50 categories, few of which sell often, prices by category, campaigns and
//! coupons, and for each customer some favourites that come back.
//!
//! An order is made anew from the customer's number and its own whenever it is needed, so nothing of it is kept.

use super::random::{Random, mix};

/// How many products there are.
pub const PRODUCTS: u32 = 20_000;
/// How many categories.
pub const CATEGORIES: u32 = 50;

const SEED: u64 = 0x0067_6f6f_6473;
/// Products that a customer comes back to.
const FAVOURITES: u32 = 6;

/// One line of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Item {
    /// The product, below [`PRODUCTS`].
    pub product: u32,
    /// Units.
    pub quantity: i64,
    /// What was paid for them.
    pub amount_cents: i64,
    /// What they would have cost without a discount.
    pub list_cents: i64,
}

/// The category of a product, below [`CATEGORIES`].
pub fn category(product: u32) -> u32 {
    // Squared, so that some categories have many more products than others.
    let spread = (mix(SEED ^ u64::from(product)) >> 11) as f64 / (1_u64 << 53) as f64;
    (spread * spread * f64::from(CATEGORIES)) as u32
}

/// How many lines an order has: 2.43 in the mean.
pub fn size(customer: u32, order: u16) -> u32 {
    let unit = Random::of(SEED + 1, stream(customer, order)).unit();
    1 + (unit.ln() / 0.59_f64.ln()) as u32
}

/// The lines of an order of that day (since 1970), added to `items`.
pub fn fill(customer: u32, order: u16, day: i32, items: &mut Vec<Item>) {
    let mut random = Random::of(SEED + 2, stream(customer, order));
    let mut habits = Random::of(SEED + 3, u64::from(customer));
    let (loyalty, thrift) = (habits.beta(1.2, 2.0), habits.beta(0.7, 3.0));
    let depth = if let Some(depth) = campaign(day) {
        depth
    } else if random.chance(thrift) {
        0.05 * f64::from(1 + random.below(4))
    } else {
        0.0
    };
    for _ in 0..size(customer, order) {
        let product = if random.chance(loyalty) {
            Random::of(SEED + 4, stream(customer, random.below(FAVOURITES) as u16)).zipf(PRODUCTS, 0.9)
        } else {
            random.zipf(PRODUCTS, 0.9)
        };
        let quantity = match random.unit() {
            unit if unit < 0.78 => 1,
            unit if unit < 0.93 => 2,
            _ => 3 + i64::from(random.below(4)),
        };
        let list_cents = quantity * price_cents(product);
        let amount_cents = (list_cents as f64 * (1.0 - depth)).round() as i64;
        items.push(Item { product, quantity, amount_cents, list_cents });
    }
}

/// Keeps the lines of an order that came back, about half of them and at least one.
pub fn keep_returned(customer: u32, order: u16, items: &mut Vec<Item>) {
    let mut random = Random::of(SEED + 5, stream(customer, order));
    let mut is_first = true;
    items.retain(|_| std::mem::take(&mut is_first) || random.chance(0.5));
}

fn price_cents(product: u32) -> i64 {
    let mut random = Random::of(SEED + 6, u64::from(product));
    let level = Random::of(SEED + 7, u64::from(category(product))).normal();
    let price = (2.9 + 0.5 * level + 0.6 * random.normal()).exp();
    // Prices end in 9, as people expect.
    (price.clamp(1.0, 2_000.0) * 10.0) as i64 * 10 + 9
}

/// Every fifth stretch of four days is a campaign.
fn campaign(day: i32) -> Option<f64> {
    let mut random = Random::of(SEED + 8, day.div_euclid(4) as u64);
    random.chance(0.2).then(|| 0.1 + 0.05 * f64::from(random.below(5)))
}

fn stream(customer: u32, order: u16) -> u64 {
    u64::from(customer) << 16 | u64::from(order)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_is_the_same_whenever_it_is_made() {
        let (mut once, mut again) = (Vec::new(), Vec::new());
        fill(7, 3, 20_000, &mut once);
        fill(7, 3, 20_000, &mut again);
        assert_eq!(once, again);
        assert_eq!(once.len() as u32, size(7, 3));
    }

    #[test]
    fn nothing_costs_nothing_and_discounts_only_lower() {
        let mut items = Vec::new();
        (0..2_000).for_each(|customer| fill(customer, 1, 20_000 + customer as i32 % 60, &mut items));
        assert!(items.iter().all(|item| item.product < PRODUCTS && category(item.product) < CATEGORIES));
        assert!(items.iter().all(|item| item.amount_cents > 0 && item.amount_cents <= item.list_cents));
        let discounted = items.iter().filter(|item| item.amount_cents < item.list_cents).count();
        assert!(discounted * 10 > items.len() && discounted * 10 < items.len() * 7);
        let mean = items.len() as f64 / 2_000.0;
        assert!((mean - 2.43).abs() < 0.2, "{mean} lines an order");
    }

    #[test]
    fn at_least_one_line_comes_back() {
        for customer in 0..100 {
            let mut items = Vec::new();
            fill(customer, 2, 20_000, &mut items);
            let before = items.clone();
            keep_returned(customer, 2, &mut items);
            assert!(!items.is_empty() && items.iter().all(|item| before.contains(item)));
        }
    }
}
