//! One customer at a time, prepared for all axes: orders, purchase days, gaps and products, in buffers that are used
//! again for the next customer.

use super::products::{Categories, Products};
use super::stats::TenantStats;
use super::stats_index::StatsIndex;
use crate::lines::Lines;
use crate::orders::{self, Order};

/// A customer as of a day.
pub(super) struct Customer<'a> {
    pub(super) lines: &'a Lines,
    pub(super) stats: &'a TenantStats,
    pub(super) index: &'a StatsIndex,
    until_day: i32,
    all: Vec<Order>,
    /// Orders, oldest first; pure returns are none.
    pub(super) orders: Vec<Order>,
    /// Orders and pure returns in which something came back, oldest first.
    pub(super) returns: Vec<Order>,
    /// Days with an order, ascending.
    pub(super) days: Vec<i32>,
    /// Days between one purchase day and the next.
    pub(super) gaps: Vec<f64>,
    /// Which products were bought, and when again.
    pub(super) products: Products,
    /// The same for categories.
    pub(super) categories: Categories,
    /// Days since the first purchase.
    pub(super) tenure: f64,
    /// Days since the last purchase.
    pub(super) recency: f64,
    /// What was paid for goods.
    pub(super) spend: f64,
    /// For a computation that needs an array of its own.
    pub(super) scratch: Vec<f64>,
}

impl<'a> Customer<'a> {
    pub(super) fn new(
        lines: &'a Lines,
        stats: &'a TenantStats,
        index: &'a StatsIndex,
        until_day: i32,
    ) -> Customer<'a> {
        Customer {
            lines,
            stats,
            index,
            until_day,
            all: Vec::new(),
            orders: Vec::new(),
            returns: Vec::new(),
            days: Vec::new(),
            gaps: Vec::new(),
            products: Products::new(lines.product_keys().len()),
            categories: Categories::new(lines.category_keys().len()),
            tenure: 0.0,
            recency: 0.0,
            spend: 0.0,
            scratch: Vec::new(),
        }
    }

    /// Prepares this customer; false if there is no order by the day.
    pub(super) fn load(&mut self, customer: usize) -> bool {
        orders::collect(self.lines, customer, self.until_day, &mut self.all);
        self.orders.clear();
        self.orders.extend(self.all.iter().filter(|order| order.sells()));
        self.returns.clear();
        self.returns.extend(self.all.iter().filter(|order| order.return_lines > 0));
        let (Some(first), Some(last)) = (self.orders.first(), self.orders.last()) else {
            return false;
        };
        self.tenure = self.age(first);
        self.recency = self.age(last);
        self.days.clear();
        self.days.extend(self.orders.iter().map(|order| order.day));
        self.days.dedup();
        self.gaps.clear();
        self.gaps.extend(self.days.windows(2).map(|pair| f64::from(pair[1]) - f64::from(pair[0])));
        self.spend = self.orders.iter().map(|order| order.value).sum();
        self.products.load(self.lines, &self.orders, self.until_day);
        self.categories.load(self.lines, &self.orders, self.until_day);
        true
    }

    /// Days from an order to the day of the features.
    pub(super) fn age(&self, order: &Order) -> f64 {
        f64::from(self.until_day) - f64::from(order.day)
    }

    /// The orders of the last so many days.
    pub(super) fn recent(&self, days: f64) -> impl Iterator<Item = &Order> {
        self.orders.iter().filter(move |order| self.age(order) < days)
    }

    /// How many orders.
    pub(super) fn order_count(&self) -> f64 {
        self.orders.len() as f64
    }
}
