//! A customer's orders as of a day: the sums over their lines that every other computation begins with.

use crate::lines::{Lines, day_of, last_minute};

/// The lines of one order that count, summed. Values are in the tenant's currency.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Order {
    /// When its first line was written, minutes since 1970-01-01T00:00. All its lines count on that day.
    pub(crate) minute: i32,
    /// The day of that minute.
    pub(crate) day: i32,
    /// The position of its first line.
    pub(crate) first: usize,
    /// The position after the last line that counts.
    pub(crate) end: usize,
    /// How many lines sell; none in a pure return, which is no order.
    pub(crate) sold_lines: u32,
    /// What was paid for them.
    pub(crate) value: f64,
    /// Value at list prices of those lines whose list price is known, never below what was paid for the line.
    pub(crate) list: f64,
    /// The part of `list` that was not paid.
    pub(crate) discount: f64,
    /// How many lines have a list price.
    pub(crate) listed_lines: u32,
    /// Units sold, of those lines whose quantity is known.
    pub(crate) units: f64,
    /// How many lines have a quantity.
    pub(crate) counted_lines: u32,
    /// How many lines take goods back.
    pub(crate) return_lines: u32,
    /// What was paid back for them, positive.
    pub(crate) returned: f64,
}

impl Order {
    /// Whether anything was sold.
    pub(crate) fn sells(&self) -> bool {
        self.sold_lines > 0
    }

    /// The share of the list value that was not paid, 0 to 1, if list prices are known.
    pub(crate) fn depth(&self) -> Option<f64> {
        (self.listed_lines > 0 && self.list > 0.0).then(|| (self.discount / self.list).clamp(0.0, 1.0))
    }

    /// Whether a discount was given, if list prices are known. Differences of rounding are none.
    pub(crate) fn is_discounted(&self) -> Option<bool> {
        self.depth().map(|depth| depth > 1e-6)
    }

    fn add(&mut self, lines: &Lines, line: usize) {
        self.end = line + 1;
        let amount = lines.amounts()[line];
        if lines.is_return(line) {
            self.return_lines += 1;
            self.returned += amount.abs();
            return;
        }
        self.sold_lines += 1;
        self.value += amount;
        let list = lines.list_amounts()[line];
        if !list.is_nan() {
            self.listed_lines += 1;
            self.list += list.max(amount);
            self.discount += list.max(amount) - amount;
        }
        let quantity = lines.quantities()[line];
        if !quantity.is_nan() {
            self.counted_lines += 1;
            self.units += f64::from(quantity);
        }
    }
}

/// Puts a customer's orders and pure returns until the end of `until_day` into `orders`, oldest first. Lines after
/// that day change nothing: an order that began before it has only its earlier lines.
pub(crate) fn collect(lines: &Lines, customer: usize, until_day: i32, orders: &mut Vec<Order>) {
    orders.clear();
    let last = last_minute(until_day);
    for line in lines.of(customer) {
        let minute = lines.minutes()[line];
        if minute > last {
            continue;
        }
        if lines.starts_order(line) {
            orders.push(Order { minute, day: day_of(minute), first: line, ..Order::default() });
        }
        if let Some(order) = orders.last_mut() {
            order.add(lines, line);
        }
    }
}
