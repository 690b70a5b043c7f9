//! What is usual in a tenant, as of a day. Frozen with a model version and used again to compute the features of one
//! customer or one shard, so that they equal those of the whole tenant bit for bit.

mod prices;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::support::SupportStats;
use crate::lines::{Lines, day_of, last_minute};
use crate::orders::{self, Order};
use crate::season::Season;
use crate::words::Spread;
pub use prices::{MOST_CATEGORIES, MOST_PRICES, MOST_PRODUCTS};

/// Days whose discount depth is kept: the last ones.
pub const MOST_DAYS: usize = 10_000;

/// Customers summed by one task. The sums of the tasks are added in order, whatever the number of threads.
const CHUNK: usize = 4_096;

/// The tenant's own rates and prices. Products and categories are known by their keys.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TenantStats {
    /// The last day that counted, since 1970-01-01.
    pub until_day: i32,
    /// Spend over orders, in the tenant's currency.
    pub mean_order_value: Option<f64>,
    /// Repeat purchase days per day of tenure.
    pub repeat_rate: Option<f64>,
    /// Days between one purchase day and the next.
    pub mean_gap_days: Option<f64>,
    /// Share of the orders with list prices that were discounted.
    pub discounted_share: Option<f64>,
    /// Share of the list value that was not paid.
    pub discount_depth: Option<f64>,
    /// Share of orders on Saturday or Sunday.
    pub weekend_share: Option<f64>,
    /// Value sent back over value bought; none in a tenant without any return.
    pub return_rate: Option<f64>,
    /// Whether orders have a time of day; if all of them are at midnight they have only a date.
    pub hours_known: bool,
    /// Median price paid for a unit, by product key, ascending.
    pub product_prices: Vec<(u64, f32)>,
    /// Prices paid for a unit, by category key, ascending: all of them if they are few, else percentiles.
    pub category_prices: Vec<(u64, Vec<f32>)>,
    /// Share of the list value that was not paid on a day, by day, ascending.
    pub day_depths: Vec<(i32, f32)>,
    /// What the coming days are like by the year that lies behind.
    #[serde(default)]
    pub season: Season,
    /// How the customers are spread, to say of one where they stand; empty where nobody asked for it.
    #[serde(default)]
    pub spread: Spread,
    /// What is usual in the tenant's tickets.
    #[serde(default)]
    pub support: SupportStats,
}

impl TenantStats {
    /// The statistics of all these customers as of the end of `until_day`. Later lines change nothing.
    pub fn of(lines: &Lines, until_day: i32) -> TenantStats {
        let window = window(lines, until_day);
        let (totals, (product_prices, category_prices)) =
            rayon::join(|| Totals::of(lines, until_day, window), || prices::of(lines, until_day));
        let share =
            |part: f64, whole: f64| (whole > 0.0).then(|| part / whole).filter(|share| share.is_finite());
        TenantStats {
            until_day,
            mean_order_value: share(totals.spend, totals.orders),
            repeat_rate: share(totals.repeats, totals.tenure),
            mean_gap_days: share(totals.gaps, totals.repeats),
            discounted_share: share(totals.discounted, totals.listed),
            discount_depth: share(totals.discount, totals.list).map(|depth| depth.clamp(0.0, 1.0)),
            weekend_share: share(totals.weekend, totals.orders),
            return_rate: share(totals.returned, totals.spend).filter(|_| totals.returns > 0.0),
            hours_known: totals.hours_known,
            product_prices,
            category_prices,
            day_depths: totals.depths(),
            season: totals.season,
            spread: Spread::default(),
            support: SupportStats::default(),
        }
    }
}

/// Whether a day is a Saturday or a Sunday. Day 0 was a Thursday.
pub(super) fn is_weekend(day: i32) -> bool {
    (i64::from(day) + 3).rem_euclid(7) >= 5
}

/// The days whose discount depth is kept: the last of those with lines.
fn window(lines: &Lines, until_day: i32) -> (i32, usize) {
    let last = last_minute(until_day);
    let bounds = lines
        .minutes()
        .par_iter()
        .with_min_len(1 << 16)
        .filter(|&&minute| minute <= last)
        .map(|&minute| (minute, minute))
        .reduce_with(|a, b| (a.0.min(b.0), a.1.max(b.1)));
    let Some((first, last)) = bounds else { return (0, 0) };
    let (first, last) = (day_of(first), day_of(last));
    let days = ((last - first) as usize + 1).min(MOST_DAYS);
    (last - (days as i32 - 1), days)
}

/// Sums over customers.
struct Totals {
    orders: f64,
    spend: f64,
    repeats: f64,
    gaps: f64,
    tenure: f64,
    listed: f64,
    discounted: f64,
    list: f64,
    discount: f64,
    weekend: f64,
    returns: f64,
    returned: f64,
    hours_known: bool,
    first_day: i32,
    days: Vec<(f64, f64)>,
    season: Season,
}

impl Totals {
    fn of(lines: &Lines, until_day: i32, (first_day, days): (i32, usize)) -> Totals {
        let chunks: Vec<Totals> = (0..lines.customers().div_ceil(CHUNK))
            .into_par_iter()
            .map(|chunk| {
                let mut totals = Totals::empty(first_day, days);
                let mut orders = Vec::new();
                for customer in chunk * CHUNK..((chunk + 1) * CHUNK).min(lines.customers()) {
                    orders::collect(lines, customer, until_day, &mut orders);
                    totals.add(&orders, until_day);
                }
                totals
            })
            .collect();
        let mut all = Totals::empty(first_day, days);
        for chunk in &chunks {
            all.merge(chunk);
        }
        all
    }

    fn empty(first_day: i32, days: usize) -> Totals {
        Totals {
            orders: 0.0,
            spend: 0.0,
            repeats: 0.0,
            gaps: 0.0,
            tenure: 0.0,
            listed: 0.0,
            discounted: 0.0,
            list: 0.0,
            discount: 0.0,
            weekend: 0.0,
            returns: 0.0,
            returned: 0.0,
            hours_known: false,
            first_day,
            days: vec![(0.0, 0.0); days],
            season: Season::default(),
        }
    }

    /// Adds a customer.
    fn add(&mut self, orders: &[Order], until_day: i32) {
        let (mut first, mut last) = (None, None);
        for order in orders {
            self.returns += f64::from(order.return_lines);
            self.returned += order.returned;
            if !order.sells() {
                continue;
            }
            first = first.or(Some(order.day));
            if let Some(last) = last.filter(|&last| last != order.day) {
                self.repeats += 1.0;
                self.gaps += f64::from(order.day) - f64::from(last);
            }
            last = Some(order.day);
            self.add_order(order);
        }
        self.tenure += first.map_or(0.0, |first| f64::from(until_day) - f64::from(first));
        self.season.add(orders, until_day);
    }

    fn add_order(&mut self, order: &Order) {
        self.orders += 1.0;
        self.spend += order.value;
        self.weekend += f64::from(u8::from(is_weekend(order.day)));
        self.hours_known |= order.minute.rem_euclid(1440) != 0;
        if let Some(is_discounted) = order.is_discounted() {
            self.listed += 1.0;
            self.discounted += f64::from(u8::from(is_discounted));
        }
        self.list += order.list;
        self.discount += order.discount;
        let day = usize::try_from(i64::from(order.day) - i64::from(self.first_day)).ok();
        if let Some((list, discount)) = day.and_then(|day| self.days.get_mut(day)) {
            *list += order.list;
            *discount += order.discount;
        }
    }

    fn merge(&mut self, other: &Totals) {
        self.orders += other.orders;
        self.spend += other.spend;
        self.repeats += other.repeats;
        self.gaps += other.gaps;
        self.tenure += other.tenure;
        self.listed += other.listed;
        self.discounted += other.discounted;
        self.list += other.list;
        self.discount += other.discount;
        self.weekend += other.weekend;
        self.returns += other.returns;
        self.returned += other.returned;
        self.hours_known |= other.hours_known;
        self.season.merge(&other.season);
        for (own, other) in self.days.iter_mut().zip(&other.days) {
            own.0 += other.0;
            own.1 += other.1;
        }
    }

    fn depths(&self) -> Vec<(i32, f32)> {
        let depth = |(list, discount): (f64, f64)| (discount / list).clamp(0.0, 1.0) as f32;
        (self.first_day..)
            .zip(&self.days)
            .filter(|(_, day)| day.0 > 0.0)
            .map(|(at, day)| (at, depth(*day)))
            .collect()
    }
}
