//! Order lines in columns, grouped by customer: the one input of every feature, label and summary.
//!
//! Lines are pushed in any order. `finish` sorts them, so what is computed from them depends on what was pushed and
//! never on the order of pushing. Products and categories become ranks of their sorted keys, which keeps a line small
//! and keeps every loop over them in the same order whichever other customers are in the same table.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::ops::Range;

use rayon::prelude::*;

/// Amounts beyond this (in the tenant's currency) are cut to it, so that no sum of them leaves the range of numbers.
pub const LARGEST_AMOUNT: f64 = 1e15;

const MINUTES_A_DAY: i64 = 1440;
const STARTS_ORDER: u8 = 1;
const IS_RETURN: u8 = 2;
/// Customers sorted by one task.
const CHUNK: usize = 1024;

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

/// Collects lines in any order.
#[derive(Default)]
pub struct LinesBuilder {
    customer: Vec<u32>,
    minute: Vec<i32>,
    order: Vec<u64>,
    product: Vec<u32>,
    category: Vec<u32>,
    quantity: Vec<f32>,
    amount: Vec<f64>,
    list: Vec<f64>,
    returned: Vec<u8>,
    products: Interner,
    categories: Interner,
    rejected: usize,
}

impl LinesBuilder {
    /// A builder with room for this many lines; more may come.
    pub fn with_capacity(lines: usize) -> LinesBuilder {
        LinesBuilder {
            customer: Vec::with_capacity(lines),
            minute: Vec::with_capacity(lines),
            order: Vec::with_capacity(lines),
            product: Vec::with_capacity(lines),
            category: Vec::with_capacity(lines),
            quantity: Vec::with_capacity(lines),
            amount: Vec::with_capacity(lines),
            list: Vec::with_capacity(lines),
            returned: Vec::with_capacity(lines),
            ..LinesBuilder::default()
        }
    }

    /// Adds a line of the customer with this dense number (0, 1, ..). A line whose amount is no number is left out
    /// and counted in `rejected`.
    pub fn push(&mut self, customer: u32, line: Line) {
        if !line.amount.is_finite() {
            self.rejected += 1;
            return;
        }
        self.customer.push(customer);
        self.minute.push(line.minute);
        self.order.push(line.order);
        self.product.push(self.products.number(line.product));
        self.category.push(self.categories.number(line.category));
        self.quantity.push(if line.quantity.is_finite() { line.quantity } else { f32::NAN });
        self.amount.push(line.amount.clamp(-LARGEST_AMOUNT, LARGEST_AMOUNT));
        let list = line.list_amount;
        self.list.push(if list.is_finite() { list.clamp(-LARGEST_AMOUNT, LARGEST_AMOUNT) } else { f64::NAN });
        self.returned.push(if line.is_return { IS_RETURN } else { 0 });
    }

    /// How many lines were left out because their amount is no number.
    pub fn rejected(&self) -> usize {
        self.rejected
    }

    /// Gives every customer another number: customer `i` becomes `to[i]`. For customers that were numbered as they came
    /// and are to stand in the order of their ids.
    ///
    /// # Panics
    /// A customer that was pushed has no place in `to`.
    pub fn renumber(&mut self, to: &[u32]) {
        for customer in &mut self.customer {
            *customer = to[*customer as usize];
        }
    }

    /// Sorts the lines into their table of `customers` customers.
    ///
    /// # Panics
    /// A line belongs to a customer beyond `customers`, or there are more than 2^32 lines.
    pub fn finish(mut self, customers: usize) -> Lines {
        let products = self.products.rank(&mut self.product);
        let categories = self.categories.rank(&mut self.category);
        let (starts, mut sequence) = by_customer(std::mem::take(&mut self.customer), customers);
        let mut flags = vec![0_u8; sequence.len()];
        self.sort_customers(&starts, &mut sequence, &mut flags);
        drop(std::mem::take(&mut self.order));
        let returned = gather(std::mem::take(&mut self.returned), &sequence);
        flags.par_iter_mut().zip(returned.par_iter()).for_each(|(flag, returned)| *flag |= returned);
        Lines {
            starts,
            minute: gather(self.minute, &sequence),
            product: gather(self.product, &sequence),
            category: gather(self.category, &sequence),
            quantity: gather(self.quantity, &sequence),
            amount: gather(self.amount, &sequence),
            list: gather(self.list, &sequence),
            flags,
            products,
            categories,
        }
    }

    /// Puts every customer's part of `sequence` in order and marks in `flags` the lines that begin an order.
    fn sort_customers(&self, starts: &[usize], sequence: &mut [u32], flags: &mut [u8]) {
        let mut tasks = Vec::new();
        let (mut sequence, mut flags) = (sequence, flags);
        for bounds in starts.windows(2).map(|pair| pair[1] - pair[0]).collect::<Vec<_>>().chunks(CHUNK) {
            let (lines, rest) = sequence.split_at_mut(bounds.iter().sum());
            let (marks, others) = flags.split_at_mut(lines.len());
            tasks.push((bounds.to_vec(), lines, marks));
            (sequence, flags) = (rest, others);
        }
        tasks.into_par_iter().for_each(|(sizes, mut lines, mut marks)| {
            let mut sorter = Sorter::default();
            for size in sizes {
                let (own, rest) = lines.split_at_mut(size);
                let (own_marks, others) = marks.split_at_mut(size);
                sorter.sort(self, own, own_marks);
                (lines, marks) = (rest, others);
            }
        });
    }

    /// The order of two lines of the same order, minute and product.
    fn compare_rest(&self, a: usize, b: usize) -> std::cmp::Ordering {
        self.category[a]
            .cmp(&self.category[b])
            .then(self.returned[a].cmp(&self.returned[b]))
            .then(self.amount[a].total_cmp(&self.amount[b]))
            .then(self.quantity[a].total_cmp(&self.quantity[b]))
            .then(self.list[a].total_cmp(&self.list[b]))
    }
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

    /// What was paid for one unit, if that is a positive number.
    pub fn unit_price(&self, line: usize) -> Option<f32> {
        let (quantity, amount) = (self.quantity[line], self.amount[line]);
        let price = (amount / f64::from(quantity)) as f32;
        (quantity > 0.0 && amount > 0.0 && price.is_finite() && price > 0.0).then_some(price)
    }
}

/// The last minute of a day, cut to what a minute can hold.
pub(crate) fn last_minute(day: i32) -> i32 {
    let minute = (i64::from(day) + 1) * MINUTES_A_DAY - 1;
    minute.clamp(i64::from(i32::MIN), i64::from(i32::MAX)) as i32
}

/// Where each customer's lines begin, and all lines' positions by customer.
fn by_customer(customer: Vec<u32>, customers: usize) -> (Vec<usize>, Vec<u32>) {
    assert!(u32::try_from(customer.len()).is_ok(), "at most 2^32 lines");
    let mut starts = vec![0_usize; customers + 1];
    for &customer in &customer {
        assert!((customer as usize) < customers, "customer {customer} of {customers}");
        starts[customer as usize + 1] += 1;
    }
    for customer in 0..customers {
        starts[customer + 1] += starts[customer];
    }
    let mut next = starts.clone();
    let mut sequence = vec![0_u32; customer.len()];
    for (line, &customer) in customer.iter().enumerate() {
        sequence[next[customer as usize]] = line as u32;
        next[customer as usize] += 1;
    }
    (starts, sequence)
}

/// A column in its new order; the old one is freed at once, so that only one column exists twice at any time.
fn gather<T: Copy + Send + Sync>(column: Vec<T>, sequence: &[u32]) -> Vec<T> {
    sequence.par_iter().with_min_len(1 << 16).map(|&line| column[line as usize]).collect()
}

/// Sorts one customer's lines after another, with the same buffers.
#[derive(Default)]
struct Sorter {
    entries: Vec<Entry>,
    orders: Vec<(i32, u64, u32, u32)>,
}

#[derive(Clone, Copy)]
struct Entry {
    order: u64,
    minute: i32,
    product: u32,
    line: u32,
}

impl Sorter {
    fn sort(&mut self, builder: &LinesBuilder, lines: &mut [u32], marks: &mut [u8]) {
        self.entries.clear();
        self.entries.extend(lines.iter().map(|&line| Entry {
            order: builder.order[line as usize],
            minute: builder.minute[line as usize],
            product: builder.product[line as usize],
            line,
        }));
        self.entries.sort_unstable_by(|a, b| {
            (a.order, a.minute, a.product)
                .cmp(&(b.order, b.minute, b.product))
                .then_with(|| builder.compare_rest(a.line as usize, b.line as usize))
        });
        self.orders.clear();
        for (at, entry) in self.entries.iter().enumerate() {
            match self.orders.last_mut() {
                Some((minute, order, _, end))
                    if *order == entry.order && (entry.order != 0 || *minute == entry.minute) =>
                {
                    *end += 1;
                }
                _ => self.orders.push((entry.minute, entry.order, at as u32, at as u32 + 1)),
            }
        }
        self.orders.sort_unstable();
        let mut at = 0;
        for &(_, _, first, end) in &self.orders {
            marks[at] = STARTS_ORDER;
            for entry in &self.entries[first as usize..end as usize] {
                lines[at] = entry.line;
                at += 1;
            }
        }
    }
}

/// Numbers keys as they come, and afterwards by rank.
#[derive(Default)]
struct Interner {
    numbers: HashMap<u64, u32, BuildHasherDefault<KeyHasher>>,
    last: (u64, u32),
}

impl Interner {
    /// The number of a key; "none" is 0.
    fn number(&mut self, key: u64) -> u32 {
        if key == 0 {
            return 0;
        }
        if key != self.last.0 {
            let next = self.numbers.len() as u32 + 1;
            self.last = (key, *self.numbers.entry(key).or_insert(next));
        }
        self.last.1
    }

    /// Replaces numbers by ranks and answers the sorted keys, "none" first.
    fn rank(&mut self, column: &mut [u32]) -> Vec<u64> {
        let mut keys: Vec<(u64, u32)> = self.numbers.drain().collect();
        keys.sort_unstable();
        let numbers = keys.iter().map(|&(_, number)| number).max().unwrap_or(0);
        let mut ranks = vec![0_u32; numbers as usize + 1];
        for (rank, &(_, number)) in keys.iter().enumerate() {
            ranks[number as usize] = rank as u32 + 1;
        }
        column.par_iter_mut().with_min_len(1 << 16).for_each(|number| *number = ranks[*number as usize]);
        std::iter::once(0).chain(keys.into_iter().map(|(key, _)| key)).collect()
    }
}

/// Keys are hashes already; one multiplication spreads those that are not.
#[derive(Default)]
struct KeyHasher(u64);

impl Hasher for KeyHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        self.0 = xxhash_rust::xxh3::xxh3_64(bytes);
    }

    fn write_u64(&mut self, key: u64) {
        self.0 = key.wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(26);
    }
}
