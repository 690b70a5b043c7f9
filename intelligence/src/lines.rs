//! Order lines in columns, grouped by customer: the one input of every feature, label and summary.
//!
//! Lines are pushed in any order. `finish` sorts them, so what is computed from them depends on what was pushed and
//! never on the order of pushing. Products and categories become ranks of their sorted keys, which keeps a line small
//! and keeps every loop over them in the same order whichever other customers are in the same table.

mod builder;
mod interner;

use std::ops::Range;

pub use builder::LinesBuilder;

/// Amounts beyond this (in the tenant's currency) are cut to it, so that no sum of them leaves the range of numbers.
pub const LARGEST_AMOUNT: f64 = 1e15;

const MINUTES_A_DAY: i64 = 1440;
const STARTS_ORDER: u8 = 1;
const IS_RETURN: u8 = 2;

/// A stable 64-bit key of an id: the same in every process and version (XXH3). Never 0, which stands for "none".
pub fn key(id: &[u8]) -> u64 {
    xxhash_rust::xxh3::xxh3_64(id).max(1)
}

/// The day (since 1970-01-01) that a minute falls on.
pub fn day_of(minute: i32) -> i32 {
    minute.div_euclid(MINUTES_A_DAY as i32)
}

/// One line of an order or of a return.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Line {
    /// Minutes since 1970-01-01T00:00, in the shop's time zone if hours and weekdays are to mean anything.
    pub minute: i32,
    /// Key of the order; 0 when unknown, and then a customer's lines of the same minute are one order.
    pub order: u64,
    /// Key of the product, 0 for none.
    pub product: u64,
    /// Key of the category, 0 for none.
    pub category: u64,
    /// Units; NaN when unknown.
    pub quantity: f32,
    /// What was paid (or, for a return, paid back) for the line, after discounts; of a return the sign is ignored.
    pub amount: f64,
    /// The line's value at list prices; NaN when unknown.
    pub list_amount: f64,
    /// Whether this takes goods back.
    pub is_return: bool,
}

/// Lines in columns, grouped by customer; a customer's orders come by their first minute (then by key), an order's
/// lines by their minute and then by every other field.
#[derive(Clone, Debug)]
pub struct Lines {
    starts: Vec<usize>,
    minute: Vec<i32>,
    product: Vec<u32>,
    category: Vec<u32>,
    quantity: Vec<f32>,
    amount: Vec<f64>,
    list: Vec<f64>,
    flags: Vec<u8>,
    products: Vec<u64>,
    categories: Vec<u64>,
}

impl Lines {
    /// How many customers, with or without lines.
    pub fn customers(&self) -> usize {
        self.starts.len() - 1
    }

    /// How many lines.
    pub fn len(&self) -> usize {
        self.minute.len()
    }

    /// Whether there are no lines at all.
    pub fn is_empty(&self) -> bool {
        self.minute.is_empty()
    }

    /// The positions of a customer's lines in the columns.
    pub fn of(&self, customer: usize) -> Range<usize> {
        self.starts[customer]..self.starts[customer + 1]
    }

    /// Minutes since 1970-01-01T00:00.
    pub fn minutes(&self) -> &[i32] {
        &self.minute
    }

    /// The rank of each line's product in `product_keys`, 0 for none.
    pub fn products(&self) -> &[u32] {
        &self.product
    }

    /// The rank of each line's category in `category_keys`, 0 for none.
    pub fn categories(&self) -> &[u32] {
        &self.category
    }

    /// Units; NaN when unknown.
    pub fn quantities(&self) -> &[f32] {
        &self.quantity
    }

    /// What was paid.
    pub fn amounts(&self) -> &[f64] {
        &self.amount
    }

    /// Values at list prices; NaN when unknown.
    pub fn list_amounts(&self) -> &[f64] {
        &self.list
    }

    /// Whether the line takes goods back.
    pub fn is_return(&self, line: usize) -> bool {
        self.flags[line] & IS_RETURN != 0
    }

    /// Whether the line is the first of its order.
    pub fn starts_order(&self, line: usize) -> bool {
        self.flags[line] & STARTS_ORDER != 0
    }

    /// The products' keys, ascending; the first is 0, "none".
    pub fn product_keys(&self) -> &[u64] {
        &self.products
    }

    /// The categories' keys, ascending; the first is 0, "none".
    pub fn category_keys(&self) -> &[u64] {
        &self.categories
    }

    /// The lines of these customers alone, who are numbered anew in this order: the same as if only they had been
    /// collected.
    ///
    /// # Panics
    /// There are fewer customers.
    pub fn select(&self, customers: &[usize]) -> Lines {
        let mut starts = Vec::with_capacity(customers.len() + 1);
        starts.push(0);
        // Neighbours are copied at once.
        let mut ranges: Vec<Range<usize>> = Vec::new();
        let mut count = 0;
        for own in customers.iter().map(|&customer| self.of(customer)) {
            count += own.len();
            starts.push(count);
            match ranges.last_mut() {
                Some(range) if range.end == own.start => range.end = own.end,
                _ => ranges.push(own),
            }
        }
        let (mut product, mut category) = (picked(&self.product, &ranges), picked(&self.category, &ranges));
        Lines {
            starts,
            minute: picked(&self.minute, &ranges),
            quantity: picked(&self.quantity, &ranges),
            amount: picked(&self.amount, &ranges),
            list: picked(&self.list, &ranges),
            flags: picked(&self.flags, &ranges),
            products: ranked_anew(&mut product, &self.products),
            categories: ranked_anew(&mut category, &self.categories),
            product,
            category,
        }
    }

    /// What was paid for one unit, if that is a positive number.
    pub fn unit_price(&self, line: usize) -> Option<f32> {
        let (quantity, amount) = (self.quantity[line], self.amount[line]);
        let price = (amount / f64::from(quantity)) as f32;
        (quantity > 0.0 && amount > 0.0 && price.is_finite() && price > 0.0).then_some(price)
    }
}

/// These parts of a column, one after the other.
fn picked<T: Copy>(column: &[T], ranges: &[Range<usize>]) -> Vec<T> {
    let mut picked = Vec::with_capacity(ranges.iter().map(ExactSizeIterator::len).sum());
    for range in ranges {
        picked.extend_from_slice(&column[range.clone()]);
    }
    picked
}

/// Gives the keys that are left in a column new ranks, and answers them.
fn ranked_anew(column: &mut [u32], keys: &[u64]) -> Vec<u64> {
    let mut ranks = vec![0_u32; keys.len()];
    for &rank in &*column {
        ranks[rank as usize] = 1;
    }
    let mut left = keys[..1].to_vec();
    ranks[0] = 0;
    for (rank, key) in ranks.iter_mut().zip(keys).filter(|(rank, _)| **rank > 0) {
        *rank = left.len() as u32;
        left.push(*key);
    }
    for rank in column {
        *rank = ranks[*rank as usize];
    }
    left
}

/// The last minute of a day, cut to what a minute can hold.
pub(crate) fn last_minute(day: i32) -> i32 {
    let minute = (i64::from(day) + 1) * MINUTES_A_DAY - 1;
    minute.clamp(i64::from(i32::MIN), i64::from(i32::MAX)) as i32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(minute: i32, order: u64, product: u64) -> Line {
        Line {
            minute,
            order,
            product,
            category: 0,
            quantity: 1.0,
            amount: f64::from(minute),
            list_amount: f64::NAN,
            is_return: false,
        }
    }

    #[test]
    fn orders_come_by_their_first_minute_and_stay_together() {
        let mut builder = LinesBuilder::default();
        for (customer, line) in [
            (2, line(50, 1, 30)),
            (0, line(9, 4, 0)),
            (2, line(40, 2, 20)),
            (2, line(30, 1, 10)),
            (2, line(60, 0, 10)),
            (2, line(45, 0, 10)),
        ] {
            builder.push(customer, line);
        }
        let lines = builder.finish(3);
        assert_eq!((lines.customers(), lines.len(), lines.of(1)), (3, 6, 1..1));
        let own = lines.of(2);
        assert_eq!(lines.minutes()[own.clone()], [30, 50, 40, 45, 60]);
        let starts: Vec<bool> = own.clone().map(|at| lines.starts_order(at)).collect();
        assert_eq!(starts, [true, false, true, true, true], "unknown orders are one a minute");
        let products: Vec<u64> = own.map(|at| lines.product_keys()[lines.products()[at] as usize]).collect();
        assert_eq!(products, [10, 30, 20, 10, 10]);
        assert_eq!(lines.product_keys(), [0, 10, 20, 30]);
    }

    #[test]
    fn very_many_customers_keep_their_own_lines() {
        // More than one task sorts, of customers with no line up to six.
        let customers = 3_000_u32;
        let mut builder = LinesBuilder::default();
        for turn in (0..6).rev() {
            for customer in (0..customers).filter(|customer| turn < customer % 7) {
                let minute = (customer * 10 + turn) as i32;
                let order = u64::from(turn % 2) + 1;
                let is_return = turn == 3;
                builder.push(customer, Line { is_return, ..line(minute, order, u64::from(customer) + 1) });
            }
        }
        let lines = builder.finish(customers as usize);
        for customer in 0..customers {
            let own = lines.of(customer as usize);
            let turns = (0..customer % 7).filter(|turn| turn % 2 == 0);
            let turns: Vec<u32> = turns.chain((0..customer % 7).filter(|turn| turn % 2 == 1)).collect();
            let minutes: Vec<i32> = turns.iter().map(|turn| (customer * 10 + turn) as i32).collect();
            assert_eq!(lines.minutes()[own.clone()], minutes);
            for (at, turn) in own.zip(turns) {
                assert_eq!(lines.amounts()[at], f64::from((customer * 10 + turn) as i32));
                assert_eq!(lines.product_keys()[lines.products()[at] as usize], u64::from(customer) + 1);
                assert_eq!((lines.starts_order(at), lines.is_return(at)), (turn < 2, turn == 3));
            }
        }
    }

    #[test]
    fn selected_customers_are_as_if_they_had_come_alone() {
        let all = [
            (0, line(9, 4, 50)),
            (2, line(50, 1, 30)),
            (2, line(30, 1, 0)),
            (3, line(40, 2, 20)),
            (4, line(20, 7, 50)),
            (4, line(10, 8, 40)),
        ];
        let table = |pushed: &[(u32, Line)], customers| {
            let mut builder = LinesBuilder::default();
            for (customer, line) in pushed {
                builder.push(*customer, *line);
            }
            builder.finish(customers)
        };
        // A list price is unknown, and that equals nothing.
        let shown = |lines: &Lines| format!("{lines:?}");
        let whole = table(&all, 6);
        assert_eq!(shown(&whole.select(&[0, 1, 2, 3, 4, 5])), shown(&whole));
        assert_eq!(shown(&whole.select(&[])), shown(&table(&[], 0)));
        let alone: Vec<(u32, Line)> = all
            .iter()
            .filter_map(|(customer, line)| {
                Some(([1, 2, 4].iter().position(|one| one == customer)? as u32, *line))
            })
            .collect();
        assert_eq!(shown(&whole.select(&[1, 2, 4])), shown(&table(&alone, 3)));
    }

    #[test]
    fn a_key_is_stable_and_never_none() {
        assert_eq!(key(b"85123"), key(b"85123"));
        assert_eq!(key(b""), 0x2d06_8005_38d3_94c2, "XXH3 of nothing, as published");
        assert_ne!(key(b"a"), 0);
    }

    #[test]
    fn days_begin_at_midnight_before_1970_too() {
        assert_eq!((day_of(0), day_of(1439), day_of(-1)), (0, 0, -1));
        assert_eq!((last_minute(0), last_minute(-1)), (1439, -1));
        assert_eq!((last_minute(i32::MAX), last_minute(i32::MIN)), (i32::MAX, i32::MIN));
    }
}
