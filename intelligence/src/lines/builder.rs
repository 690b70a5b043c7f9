//! Collects lines in any order and sorts them into their table.
//!
//! A line is kept in one piece until it has its place: lines come by time and go by customer, so each of them is fetched
//! from anywhere in memory, and that once and not once a column.

use std::cmp::Ordering;

use rayon::prelude::*;

use super::interner::Interner;
use super::{IS_RETURN, LARGEST_AMOUNT, Line, Lines, STARTS_ORDER};

/// Customers sorted by one task.
const CHUNK: usize = 1024;

/// Collects lines in any order.
#[derive(Default)]
pub struct LinesBuilder {
    pushed: Vec<Pushed>,
    products: Interner,
    categories: Interner,
    rejected: usize,
}

/// A line as it was pushed, with numbers for its product and category; 48 bytes.
#[derive(Clone, Copy)]
struct Pushed {
    order: u64,
    amount: f64,
    list: f64,
    customer: u32,
    minute: i32,
    product: u32,
    category: u32,
    quantity: f32,
    returned: u8,
}

impl LinesBuilder {
    /// A builder with room for this many lines; more may come.
    pub fn with_capacity(lines: usize) -> LinesBuilder {
        LinesBuilder { pushed: Vec::with_capacity(lines), ..LinesBuilder::default() }
    }

    /// Adds a line of the customer with this dense number (0, 1, ..). A line whose amount is no number is left out
    /// and counted in `rejected`.
    pub fn push(&mut self, customer: u32, line: Line) {
        if !line.amount.is_finite() {
            self.rejected += 1;
            return;
        }
        let list = line.list_amount;
        self.pushed.push(Pushed {
            order: line.order,
            amount: line.amount.clamp(-LARGEST_AMOUNT, LARGEST_AMOUNT),
            list: if list.is_finite() { list.clamp(-LARGEST_AMOUNT, LARGEST_AMOUNT) } else { f64::NAN },
            customer,
            minute: line.minute,
            product: self.products.number(line.product),
            category: self.categories.number(line.category),
            quantity: if line.quantity.is_finite() { line.quantity } else { f32::NAN },
            returned: if line.is_return { IS_RETURN } else { 0 },
        });
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
        let renumber = |line: &mut Pushed| line.customer = to[line.customer as usize];
        self.pushed.par_iter_mut().with_min_len(1 << 16).for_each(renumber);
    }

    /// Sorts the lines into their table of `customers` customers.
    ///
    /// # Panics
    /// A line belongs to a customer beyond `customers`, or there are more than 2^32 lines.
    pub fn finish(self, customers: usize) -> Lines {
        let LinesBuilder { pushed, products, categories, .. } = self;
        let (products, product_ranks) = products.ranked();
        let (categories, category_ranks) = categories.ranked();
        let (starts, sequence) = by_customer(&pushed, customers);
        let lines = pushed.len();
        let mut table = Lines {
            starts,
            minute: vec![0; lines],
            product: vec![0; lines],
            category: vec![0; lines],
            quantity: vec![0.0; lines],
            amount: vec![0.0; lines],
            list: vec![0.0; lines],
            flags: vec![0; lines],
            products,
            categories,
        };
        let source = Source { pushed, product_ranks, category_ranks };
        source.sort_into(&mut table, &sequence);
        table
    }
}

/// Where each customer's lines begin, and all lines' positions by customer.
fn by_customer(pushed: &[Pushed], customers: usize) -> (Vec<usize>, Vec<u32>) {
    assert!(u32::try_from(pushed.len()).is_ok(), "at most 2^32 lines");
    let mut starts = vec![0_usize; customers + 1];
    for Pushed { customer, .. } in pushed {
        assert!((*customer as usize) < customers, "customer {customer} of {customers}");
        starts[*customer as usize + 1] += 1;
    }
    for customer in 0..customers {
        starts[customer + 1] += starts[customer];
    }
    let mut next = starts.clone();
    let mut sequence = vec![0_u32; pushed.len()];
    for (line, Pushed { customer, .. }) in pushed.iter().enumerate() {
        sequence[next[*customer as usize]] = line as u32;
        next[*customer as usize] += 1;
    }
    (starts, sequence)
}

/// The lines as they were pushed, and the ranks that their products and categories have in the end.
struct Source {
    pushed: Vec<Pushed>,
    product_ranks: Vec<u32>,
    category_ranks: Vec<u32>,
}

impl Source {
    /// Fills the columns of the table, which has the customers' starts, customer by customer.
    fn sort_into(&self, table: &mut Lines, sequence: &[u32]) {
        let mut tasks = Vec::new();
        let mut columns = Columns {
            minute: &mut table.minute,
            product: &mut table.product,
            category: &mut table.category,
            quantity: &mut table.quantity,
            amount: &mut table.amount,
            list: &mut table.list,
            flags: &mut table.flags,
        };
        // Neighbours share a bound: one's last is the next one's first.
        for first in (0..table.starts.len() - 1).step_by(CHUNK) {
            let starts = &table.starts[first..table.starts.len().min(first + CHUNK + 1)];
            let (own, others) = columns.split(starts[starts.len() - 1] - starts[0]);
            tasks.push((starts, own));
            columns = others;
        }
        tasks.into_par_iter().for_each(|(starts, mut columns)| {
            let mut sorter = Sorter::default();
            for bounds in starts.windows(2) {
                let (own, others) = columns.split(bounds[1] - bounds[0]);
                sorter.fetch(self, &sequence[bounds[0]..bounds[1]]);
                sorter.sort_into(own);
                columns = others;
            }
        });
    }
}

/// A stretch of a table's columns.
struct Columns<'t> {
    minute: &'t mut [i32],
    product: &'t mut [u32],
    category: &'t mut [u32],
    quantity: &'t mut [f32],
    amount: &'t mut [f64],
    list: &'t mut [f64],
    flags: &'t mut [u8],
}

impl<'t> Columns<'t> {
    /// The first so many lines, and the others.
    fn split(self, lines: usize) -> (Columns<'t>, Columns<'t>) {
        let (minute, minutes) = self.minute.split_at_mut(lines);
        let (product, products) = self.product.split_at_mut(lines);
        let (category, categories) = self.category.split_at_mut(lines);
        let (quantity, quantities) = self.quantity.split_at_mut(lines);
        let (amount, amounts) = self.amount.split_at_mut(lines);
        let (list, lists) = self.list.split_at_mut(lines);
        let (flags, others) = self.flags.split_at_mut(lines);
        (
            Columns { minute, product, category, quantity, amount, list, flags },
            Columns {
                minute: minutes,
                product: products,
                category: categories,
                quantity: quantities,
                amount: amounts,
                list: lists,
                flags: others,
            },
        )
    }

    fn put(&mut self, at: usize, line: &Pushed, flags: u8) {
        self.minute[at] = line.minute;
        self.product[at] = line.product;
        self.category[at] = line.category;
        self.quantity[at] = line.quantity;
        self.amount[at] = line.amount;
        self.list[at] = line.list;
        self.flags[at] = line.returned | flags;
    }
}

/// Sorts one customer's lines after another, with the same buffers.
#[derive(Default)]
struct Sorter {
    lines: Vec<Pushed>,
    entries: Vec<Entry>,
    orders: Vec<(i32, u64, u32, u32)>,
}

#[derive(Clone, Copy)]
struct Entry {
    order: u64,
    minute: i32,
    product: u32,
    /// The line's place among the customer's.
    line: u32,
}

impl Sorter {
    /// Takes a customer's lines, with ranks in place of numbers.
    fn fetch(&mut self, source: &Source, sequence: &[u32]) {
        self.lines.clear();
        self.lines.extend(sequence.iter().map(|&line| source.pushed[line as usize]));
        for line in &mut self.lines {
            line.product = source.product_ranks[line.product as usize];
            line.category = source.category_ranks[line.category as usize];
        }
    }

    /// Writes the customer's lines in their order and marks those that begin an order.
    fn sort_into(&mut self, mut columns: Columns<'_>) {
        self.entries.clear();
        self.entries.extend((0..).zip(&self.lines).map(|(place, line)| Entry {
            order: line.order,
            minute: line.minute,
            product: line.product,
            line: place,
        }));
        let lines = &self.lines;
        self.entries.sort_unstable_by(|a, b| {
            (a.order, a.minute, a.product)
                .cmp(&(b.order, b.minute, b.product))
                .then_with(|| compare_rest(&lines[a.line as usize], &lines[b.line as usize]))
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
            let mut flags = STARTS_ORDER;
            for entry in &self.entries[first as usize..end as usize] {
                columns.put(at, &lines[entry.line as usize], flags);
                flags = 0;
                at += 1;
            }
        }
    }
}

/// The order of two lines of the same order, minute and product.
fn compare_rest(a: &Pushed, b: &Pushed) -> Ordering {
    a.category
        .cmp(&b.category)
        .then(a.returned.cmp(&b.returned))
        .then(a.amount.total_cmp(&b.amount))
        .then(a.quantity.total_cmp(&b.quantity))
        .then(a.list.total_cmp(&b.list))
}
