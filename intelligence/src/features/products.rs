//! Which products and categories a customer bought and when again, gathered in one walk over the customer's lines.

use crate::lines::Lines;
use crate::orders::Order;

/// Lines younger than this count as recent, in days.
const RECENT_DAYS: i64 = 180;

/// Finds a rank's place among one customer's own, without clearing the table between customers.
struct Slots {
    places: Vec<(u32, u32)>,
    stamp: u32,
}

impl Slots {
    fn new(ranks: usize) -> Slots {
        Slots { places: vec![(0, 0); ranks], stamp: 0 }
    }

    /// Forgets everything.
    fn next(&mut self) {
        if self.stamp == u32::MAX {
            self.places.fill((0, 0));
            self.stamp = 0;
        }
        self.stamp += 1;
    }

    /// The rank's place, which is `next` if it has none yet.
    fn place(&mut self, rank: u32, next: usize) -> usize {
        let place = &mut self.places[rank as usize];
        if place.0 != self.stamp {
            *place = (self.stamp, next as u32);
        }
        place.1 as usize
    }
}

/// What a customer did with one product.
pub(super) struct Product {
    /// What was paid for it.
    pub(super) spend: f64,
    /// Orders with it.
    pub(super) orders: u32,
    first: u32,
    last: u32,
    before_last: Option<u32>,
}

/// A customer's products, in the order in which they were first bought. Lines without a product are left out.
pub(super) struct Products {
    slots: Slots,
    /// One each.
    pub(super) each: Vec<Product>,
    /// Lines that sold a product.
    pub(super) lines: u32,
    /// Those whose product was in an earlier order.
    pub(super) repeat_lines: u32,
    /// What was paid for products.
    pub(super) spend: f64,
    /// What was paid for products that were in an earlier order.
    pub(super) repeat_spend: f64,
    /// Lines of the last 180 days.
    pub(super) recent_lines: u32,
    /// Those of them whose product was in no earlier order.
    pub(super) recent_new_lines: u32,
    /// Days from an order of a product to the next order of it, over all products.
    pub(super) gaps: Vec<f64>,
    /// The overlap of the last two baskets, 0 to 1.
    pub(super) overlap: Option<f64>,
}

impl Products {
    pub(super) fn new(ranks: usize) -> Products {
        Products {
            slots: Slots::new(ranks),
            each: Vec::new(),
            lines: 0,
            repeat_lines: 0,
            spend: 0.0,
            repeat_spend: 0.0,
            recent_lines: 0,
            recent_new_lines: 0,
            gaps: Vec::new(),
            overlap: None,
        }
    }

    pub(super) fn load(&mut self, lines: &Lines, orders: &[Order], until_day: i32) {
        self.slots.next();
        self.each.clear();
        self.gaps.clear();
        (self.lines, self.repeat_lines, self.recent_lines, self.recent_new_lines) = (0, 0, 0, 0);
        (self.spend, self.repeat_spend) = (0.0, 0.0);
        let (mut last, mut before_last) = (None, None);
        for (number, order) in orders.iter().enumerate() {
            let number = number as u32;
            let recent = is_recent(order, until_day);
            for line in order.first..order.end {
                let rank = lines.products()[line];
                if rank == 0 || lines.is_return(line) {
                    continue;
                }
                if last != Some(number) {
                    (last, before_last) = (Some(number), last);
                }
                let repeated = self.buy(rank, number, order.day, lines.amounts()[line], orders);
                self.recent_lines += u32::from(recent);
                self.recent_new_lines += u32::from(recent && !repeated);
            }
        }
        self.overlap = last.zip(before_last).and_then(|(last, before)| self.jaccard(last, before));
    }

    /// Adds a line; true if the product was in an earlier order.
    fn buy(&mut self, rank: u32, order: u32, day: i32, amount: f64, orders: &[Order]) -> bool {
        let place = self.slots.place(rank, self.each.len());
        if place == self.each.len() {
            self.each.push(Product { spend: 0.0, orders: 1, first: order, last: order, before_last: None });
        }
        let product = &mut self.each[place];
        if product.last != order {
            self.gaps.push(f64::from(day) - f64::from(orders[product.last as usize].day));
            product.before_last = Some(product.last);
            product.last = order;
            product.orders += 1;
        }
        product.spend += amount;
        let repeated = product.first != order;
        self.lines += 1;
        self.spend += amount;
        if repeated {
            self.repeat_lines += 1;
            self.repeat_spend += amount;
        }
        repeated
    }

    /// Products in both baskets over products in either (Jaccard 1901).
    fn jaccard(&self, last: u32, before: u32) -> Option<f64> {
        let (mut shared, mut either) = (0_u32, 0_u32);
        for product in &self.each {
            if product.last == last {
                either += 1;
                shared += u32::from(product.before_last == Some(before));
            } else if product.last == before {
                either += 1;
            }
        }
        (either > 0).then(|| f64::from(shared) / f64::from(either))
    }
}

/// A customer's categories, in the order in which they were first bought. Lines without one are left out.
pub(super) struct Categories {
    slots: Slots,
    /// Lines in each.
    pub(super) lines_in: Vec<u32>,
    seen_in: Vec<(u32, u32)>,
    /// Lines with a category.
    pub(super) lines: u32,
    /// Lines of the last 180 days.
    pub(super) recent_lines: u32,
    /// Those of them whose category was in no earlier order.
    pub(super) recent_new_lines: u32,
    /// Orders with a category.
    pub(super) orders: u32,
    /// The sum over orders of the categories in each.
    pub(super) in_orders: u32,
}

impl Categories {
    pub(super) fn new(ranks: usize) -> Categories {
        Categories {
            slots: Slots::new(ranks),
            lines_in: Vec::new(),
            seen_in: Vec::new(),
            lines: 0,
            recent_lines: 0,
            recent_new_lines: 0,
            orders: 0,
            in_orders: 0,
        }
    }

    pub(super) fn load(&mut self, lines: &Lines, orders: &[Order], until_day: i32) {
        self.slots.next();
        self.lines_in.clear();
        self.seen_in.clear();
        (self.lines, self.recent_lines, self.recent_new_lines) = (0, 0, 0);
        (self.orders, self.in_orders) = (0, 0);
        for (number, order) in orders.iter().enumerate() {
            let number = number as u32;
            let recent = is_recent(order, until_day);
            let before = self.in_orders;
            for line in order.first..order.end {
                let rank = lines.categories()[line];
                if rank == 0 || lines.is_return(line) {
                    continue;
                }
                let place = self.slots.place(rank, self.lines_in.len());
                if place == self.lines_in.len() {
                    self.lines_in.push(0);
                    self.seen_in.push((number, number));
                    self.in_orders += 1;
                }
                let (first, last) = &mut self.seen_in[place];
                if *last != number {
                    *last = number;
                    self.in_orders += 1;
                }
                self.lines_in[place] += 1;
                self.lines += 1;
                self.recent_lines += u32::from(recent);
                self.recent_new_lines += u32::from(recent && *first == number);
            }
            self.orders += u32::from(self.in_orders > before);
        }
    }
}

fn is_recent(order: &Order, until_day: i32) -> bool {
    i64::from(until_day) - i64::from(order.day) < RECENT_DAYS
}
