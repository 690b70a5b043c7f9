//! A shop of any size: customers who come, buy at rates of their own, and stop without saying so, over two years that
//! end on a fixed day.
//!
//! The process is the one that BG/NBD assumes (Fader, Hardie and Lee, "Counting your customers the easy way",
//! Marketing Science 24, 2005): purchases are Poisson with gamma-distributed rates, and after each purchase a customer
//! is lost with a beta-distributed probability. Hours, weekends, returns and baskets are added to it.

use chrono::{Days, NaiveDate};

use super::{goods, random::Random};

const SEED: u64 = 0x7368_6f70;
const MINUTES_A_DAY: i32 = 1_440;
/// Customers whose purchases decide the rate that gives the wanted number of lines.
const SAMPLE: u32 = 20_000;

/// How large a shop is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    /// Customers, each with at least one order.
    pub customers: u32,
    /// Order lines, which are reached within about two in a hundred.
    pub lines: u64,
}

/// An order, or the return of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Event {
    /// Minutes since 1970, UTC.
    pub minute: i32,
    /// The customer's number, from 0.
    pub customer: u32,
    /// The number of the order among the customer's, from 0.
    pub order: u16,
    /// Whether some of that order comes back here.
    pub is_return: bool,
}

impl Event {
    /// The day since 1970.
    pub fn day(&self) -> i32 {
        self.minute.div_euclid(MINUTES_A_DAY)
    }
}

/// A shop's customers and when they bought.
#[derive(Debug)]
pub struct Shop {
    /// How large it was meant to be.
    pub size: Size,
    /// By time.
    pub events: Vec<Event>,
}

impl Shop {
    /// The first day with an order.
    pub const FIRST_DAY: NaiveDate = NaiveDate::from_ymd_opt(2024, 7, 1).expect("a date");
    /// The last day with an order.
    pub const LAST_DAY: NaiveDate = NaiveDate::from_ymd_opt(2026, 6, 30).expect("a date");
    /// The currency of all its prices.
    pub const CURRENCY: &'static str = "USD";

    /// Makes a shop; the same size is the same shop.
    pub fn new(size: Size) -> Shop {
        let wanted = size.lines as f64 / f64::from(size.customers.max(1));
        let habits = Habits::for_lines(wanted, size.customers);
        let mut events = Vec::with_capacity((size.lines / 2) as usize);
        for customer in 0..size.customers {
            habits.events(customer, &mut events);
        }
        events.sort_unstable();
        Shop { size, events }
    }

    /// The shop's id of a customer.
    pub fn customer_id(customer: u32) -> String {
        format!("{}", 6_100_000_000_000_u64 + u64::from(customer) * 37)
    }

    /// The last day as minutes since 1970 of its beginning.
    pub fn last_midnight() -> i32 {
        Shop::LAST_DAY.to_epoch_days() * MINUTES_A_DAY
    }

    /// A day that lies so many days before the last.
    pub fn days_before_last(days: u64) -> NaiveDate {
        Shop::LAST_DAY.checked_sub_days(Days::new(days)).unwrap_or(Shop::FIRST_DAY)
    }
}

/// What all customers of a shop have in common.
struct Habits {
    /// Mean purchases a day of a customer who is still there.
    rate: f64,
    /// The second parameter of the distribution of the probability to be lost.
    faith: f64,
}

impl Habits {
    /// The habits that give so many lines a customer in the mean, found by halving intervals.
    fn for_lines(wanted: f64, customers: u32) -> Habits {
        let sample = customers.clamp(1, SAMPLE);
        let faith = 2.0 + 0.15 * wanted;
        let (mut low, mut high) = (1e-5_f64, 2.0_f64);
        let mut events = Vec::new();
        for _ in 0..24 {
            let rate = (low * high).sqrt();
            let habits = Habits { rate, faith };
            events.clear();
            (0..sample).for_each(|customer| habits.events(customer, &mut events));
            let lines: u64 = events.iter().map(count_lines).sum();
            if (lines as f64) < wanted * f64::from(sample) { low = rate } else { high = rate }
        }
        Habits { rate: high, faith }
    }

    /// The customer's orders and returns, in no particular order.
    fn events(&self, customer: u32, events: &mut Vec<Event>) {
        let mut random = Random::of(SEED, u64::from(customer));
        let first = f64::from(Shop::FIRST_DAY.to_epoch_days());
        let end = f64::from(Shop::LAST_DAY.to_epoch_days() + 1);
        let rate = self.rate * random.gamma(0.6) / 0.6;
        let loss = random.beta(0.6, self.faith);
        let returns = random.beta(0.5, 8.5);
        let hour = 8.0 + 12.0 * random.unit();
        // More came in the shop's second year than in its first.
        let mut at = first + (end - first) * random.unit().powf(0.8);
        for order in 0..u16::MAX {
            let minute = self::minute(at, hour, &mut random);
            events.push(Event { minute, customer, order, is_return: false });
            if random.chance(returns) {
                let back = at + 3.0 + 27.0 * random.unit();
                if back < end {
                    let minute = self::minute(back, hour, &mut random);
                    events.push(Event { minute, customer, order, is_return: true });
                }
            }
            if random.chance(loss) {
                return;
            }
            at += random.exponential() / rate;
            if at >= end {
                return;
            }
        }
    }
}

/// A minute of that day near the customer's favourite hour.
fn minute(day: f64, hour: f64, random: &mut Random) -> i32 {
    let hours = (hour + 2.0 * random.normal()).clamp(0.0, 23.0);
    day as i32 * MINUTES_A_DAY + (hours * 60.0) as i32 + random.below(60) as i32
}

/// How many lines an event has; a return about half of its order's.
fn count_lines(event: &Event) -> u64 {
    let size = u64::from(goods::size(event.customer, event.order));
    if event.is_return { 1 + (size - 1) / 2 } else { size }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(shop: &Shop) -> u64 {
        let mut items = Vec::new();
        let mut lines = 0;
        for event in &shop.events {
            items.clear();
            goods::fill(event.customer, event.order, event.day(), &mut items);
            if event.is_return {
                goods::keep_returned(event.customer, event.order, &mut items);
            }
            lines += items.len() as u64;
        }
        lines
    }

    #[test]
    fn a_shop_has_about_the_lines_that_were_wanted() {
        for (customers, wanted) in [(20_000, 200_000), (2_000, 88_000)] {
            let shop = Shop::new(Size { customers, lines: wanted });
            let got = lines(&shop);
            assert!(got.abs_diff(wanted) * 50 < wanted, "{got} instead of {wanted}");
            let returned = shop.events.iter().filter(|event| event.is_return).count();
            let share = returned as f64 / shop.events.len() as f64;
            assert!((0.02..0.08).contains(&share), "{share} of the orders come back");
        }
    }

    #[test]
    fn everybody_buys_and_nothing_lies_outside_the_two_years() {
        let shop = Shop::new(Size { customers: 3_000, lines: 30_000 });
        let (first, last) = (Shop::FIRST_DAY.to_epoch_days(), Shop::LAST_DAY.to_epoch_days());
        assert!(shop.events.iter().all(|event| (first..=last).contains(&event.day())));
        assert!(shop.events.is_sorted());
        let mut buys = vec![0; 3_000];
        shop.events
            .iter()
            .filter(|event| !event.is_return)
            .for_each(|event| buys[event.customer as usize] += 1);
        assert!(buys.iter().all(|orders| *orders > 0));
        let once = buys.iter().filter(|orders| **orders == 1).count();
        assert!((500..2_000).contains(&once), "{once} of 3,000 bought once");
    }
}
