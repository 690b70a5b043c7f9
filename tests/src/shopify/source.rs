//! What a shop has, made by a seed and changed one thing at a time. What its tables should say of it afterwards is computed here
//! from the shop's own figures, in cents.

use std::collections::{BTreeMap, BTreeSet};

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

/// A shop.
pub struct Source {
    pub(super) orders: BTreeMap<u64, Order>,
    pub(super) customers: BTreeMap<u64, Customer>,
    pub(super) products: BTreeMap<u64, Product>,
    /// Orders by the second in which they were changed.
    pub(super) by_change: BTreeSet<(i64, u64)>,
    random: StdRng,
    next_id: u64,
    /// The shop's clock, in seconds.
    clock: i64,
}

#[derive(Clone, Debug)]
pub(super) struct Customer {
    pub(super) name: String,
    pub(super) email: Option<String>,
    pub(super) changed: i64,
}

#[derive(Clone, Debug)]
pub(super) struct Product {
    pub(super) title: String,
    pub(super) kind: String,
    pub(super) changed: i64,
}

/// An order, in cents.
#[derive(Clone, Debug)]
pub(super) struct Order {
    pub(super) number: u64,
    pub(super) customer: Option<u64>,
    pub(super) placed: i64,
    pub(super) changed: i64,
    pub(super) cancelled: Option<i64>,
    pub(super) is_test: bool,
    pub(super) status: &'static str,
    pub(super) lines: Vec<Line>,
    pub(super) refunds: Vec<Refund>,
    pub(super) is_deleted: bool,
}

#[derive(Clone, Debug)]
pub(super) struct Line {
    pub(super) id: u64,
    pub(super) product: Option<u64>,
    pub(super) quantity: i64,
    /// Pieces that an edit took away.
    pub(super) removed: i64,
    pub(super) price: i64,
    /// For one piece.
    pub(super) discount: i64,
}

#[derive(Clone, Debug)]
pub(super) struct Refund {
    pub(super) id: u64,
    pub(super) at: i64,
    /// Line, pieces, cents.
    pub(super) items: Vec<(u64, i64, i64)>,
}

/// What the tables should say of an order.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Expected {
    /// Its number.
    pub order_id: String,
    /// Whose it is.
    pub customer_id: String,
    /// How far it was paid.
    pub payment: String,
    /// Whether it was cancelled.
    pub is_cancelled: bool,
    /// Whether it was only a try.
    pub is_test: bool,
    /// What was bought, in cents.
    pub sold: i64,
    /// What was given back, in cents.
    pub given_back: i64,
    /// Lines, returns among them.
    pub lines: i64,
}

/// What changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Change {
    /// The order.
    pub order: u64,
    /// What webhook tells of it.
    pub topic: &'static str,
    /// When, in microseconds.
    pub at_micros: i64,
}

impl Source {
    /// A shop with so many orders of a year.
    pub fn new(orders: u64, seed: u64) -> Source {
        let began = chrono::Utc::now().timestamp() - 301 * 86_400;
        let mut source = Source {
            orders: BTreeMap::new(),
            customers: BTreeMap::new(),
            products: BTreeMap::new(),
            by_change: BTreeSet::new(),
            random: StdRng::seed_from_u64(seed),
            // Ids beyond 2^53, which a program that reads numbers as doubles would confuse.
            next_id: (1 << 53) + 1,
            clock: began,
        };
        for number in 0..40 {
            let id = source.id();
            let kind = ["Vinyl", "Tape", "Book", "Shirt"][number % 4].to_owned();
            let product = Product { title: format!("Record {number}"), kind, changed: began };
            source.products.insert(id, product);
        }
        for number in 0..(orders / 4).max(3) {
            let id = source.id();
            let customer = Customer {
                name: format!("Person {number}"),
                email: Some(format!("person-{number}@shop.example")),
                changed: began + number as i64,
            };
            source.customers.insert(id, customer);
        }
        let step = (300 * 86_400 / orders.max(1) as i64).max(1);
        for _ in 0..orders {
            source.clock += step;
            source.place();
        }
        source
    }

    fn id(&mut self) -> u64 {
        self.next_id += 7;
        self.next_id
    }

    fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.random.random_range(0..of.len())]
    }

    /// The shop's clock is everybody's from now on.
    pub fn goes_on(&mut self) {
        self.clock = self.clock.max(chrono::Utc::now().timestamp());
    }

    /// Somebody orders.
    pub fn place(&mut self) -> Change {
        let customers: Vec<u64> = {
            let first = self.customers.keys().next().copied().unwrap_or(0);
            let offset = self.random.random_range(0..self.customers.len() as u64) * 7;
            vec![first + offset]
        };
        let products: Vec<u64> = self.products.keys().copied().collect();
        let id = self.id();
        let lines = (0..self.random.random_range(1..4)).map(|_| ()).collect::<Vec<_>>();
        let lines = lines
            .into_iter()
            .map(|()| Line {
                id: self.id(),
                product: (self.random.random_range(0..20) > 0).then(|| self.pick(&products)),
                quantity: self.random.random_range(1..4),
                removed: 0,
                price: self.random.random_range(100..20_000),
                discount: self.pick(&[0, 0, 0, 50, 99]),
            })
            .collect();
        // One of fifty is placed by nobody who can be named, one of a hundred is a try.
        let customer = (self.random.random_range(0..50) > 0).then(|| self.pick(&customers));
        let is_test = self.random.random_range(0..100) == 0;
        let order = Order {
            number: 1_000 + self.orders.len() as u64,
            customer,
            placed: self.clock,
            changed: self.clock,
            cancelled: None,
            is_test,
            status: self.pick(&["paid", "paid", "paid", "pending", "authorized"]),
            lines,
            refunds: Vec::new(),
            is_deleted: false,
        };
        self.by_change.insert((order.changed, id));
        self.orders.insert(id, order);
        self.change(id, "orders/create")
    }

    /// An order is edited, refunded, paid, cancelled or deleted.
    pub fn disturb(&mut self) -> Change {
        loop {
            let count = self.orders.len();
            let nth = self.random.random_range(0..count);
            let Some((id, order)) = self.orders.iter().nth(nth).map(|(id, order)| (*id, order.clone()))
            else {
                continue;
            };
            // Shopify's times are whole seconds; two changes of one order within one could not be told apart.
            if order.is_deleted || order.changed >= self.clock {
                continue;
            }
            let kind = self.random.random_range(0..100);
            let line = self.random.random_range(0..order.lines.len());
            let (now, refund_id) = (self.clock, self.id());
            let Some(order) = self.orders.get_mut(&id) else { continue };
            let returned: i64 = order
                .refunds
                .iter()
                .flat_map(|refund| &refund.items)
                .filter(|(of, _, _)| *of == order.lines[line].id)
                .map(|(_, pieces, _)| pieces)
                .sum();
            let one = &mut order.lines[line];
            let left = one.quantity - one.removed - returned;
            let topic = match kind {
                0..45 if left > 0 => {
                    let item = (one.id, 1, one.price - one.discount);
                    order.refunds.push(Refund { id: refund_id, at: now, items: vec![item] });
                    order.status = "partially_refunded";
                    "refunds/create"
                }
                45..75 if left > 0 => {
                    one.removed += 1;
                    "orders/edited"
                }
                75..88 => {
                    order.status = "paid";
                    "orders/paid"
                }
                88..97 => {
                    order.cancelled = Some(now);
                    order.status = "voided";
                    "orders/cancelled"
                }
                97 => {
                    order.is_deleted = true;
                    "orders/delete"
                }
                _ => "orders/updated",
            };
            let before = order.changed;
            order.changed = now;
            let changed = now;
            self.by_change.remove(&(before, id));
            if topic != "orders/delete" {
                self.by_change.insert((changed, id));
            }
            return self.change(id, topic);
        }
    }

    /// The newest orders of named customers that count for something are deleted, and the oldest one; nobody tells.
    pub fn deletes_silently(&mut self, newest: usize) {
        let now = self.clock;
        let counts =
            |order: &&mut Order| order.customer.is_some() && !order.is_deleted && order.cancelled.is_none();
        let oldest = self.orders.values_mut().filter(counts).count().saturating_sub(1);
        let goes = |place: usize| place < newest || place == oldest;
        let gone = self.orders.iter_mut().rev().filter(|(_, order)| counts(order));
        for (_, (id, order)) in gone.enumerate().filter(|(place, _)| goes(*place)) {
            order.is_deleted = true;
            self.by_change.remove(&(order.changed, *id));
            order.changed = now;
        }
    }

    fn change(&mut self, order: u64, topic: &'static str) -> Change {
        let changed = self.orders.get(&order).map_or(self.clock, |order| order.changed);
        Change { order, topic, at_micros: changed * 1_000_000 + self.random.random_range(0..900_000) }
    }

    /// What the tables should say, by the orders' numbers. Of an order that names nobody they say nothing.
    pub fn expected(&self) -> Vec<Expected> {
        let mut all: Vec<Expected> = self.orders.values().filter_map(Order::expected).collect();
        all.sort();
        all
    }

    /// How many customers there are.
    pub fn customers(&self) -> usize {
        self.customers.len()
    }
}

impl Order {
    pub(super) fn name(&self) -> String {
        format!("#{}", self.number)
    }

    fn expected(&self) -> Option<Expected> {
        let customer_id = self.customer?.to_string();
        if self.is_deleted {
            return Some(Expected {
                order_id: self.name(),
                customer_id,
                payment: "voided".to_owned(),
                is_cancelled: true,
                is_test: false,
                sold: 0,
                given_back: 0,
                lines: 0,
            });
        }
        let sold =
            self.lines.iter().map(|line| (line.quantity - line.removed) * (line.price - line.discount)).sum();
        let bought = self.lines.iter().filter(|line| line.quantity > line.removed).count();
        let returns: Vec<i64> =
            self.refunds.iter().flat_map(|refund| refund.items.iter().map(|(_, _, cents)| *cents)).collect();
        let payment = match self.status {
            "partially_refunded" => "partly_refunded",
            other => other,
        };
        Some(Expected {
            order_id: self.name(),
            customer_id,
            payment: payment.to_owned(),
            is_cancelled: self.cancelled.is_some(),
            is_test: self.is_test,
            sold,
            given_back: returns.iter().sum(),
            lines: (bought + returns.len()) as i64,
        })
    }
}
