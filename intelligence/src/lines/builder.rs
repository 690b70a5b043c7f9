//! Collects lines in any order and sorts them into their table.

use rayon::prelude::*;

use super::interner::Interner;
use super::{IS_RETURN, LARGEST_AMOUNT, Line, Lines, STARTS_ORDER};

/// Customers sorted by one task.
const CHUNK: usize = 1024;

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
