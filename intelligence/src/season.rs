//! How the coming days compare with those that a forecast is made from, by what the same customers did a year ago.
//!
//! Two windows of the past year are compared: the one that begins where the forecast begins, and the one that the
//! forecast looks back on. Only customers count who were there before both, so that new ones make no season; and what
//! of the difference is customers coming and going over the year is taken out by the change from the last 90 days of a
//! year ago to the last 90 days now (the ratio-to-trend method, with the trend of one year; Hyndman and Athanasopoulos,
//! "Forecasting: Principles and Practice", 2021, section 3.4). With less than that year, or with few customers in it,
//! no season is known and the factor is 1.

use serde::{Deserialize, Serialize};

use crate::orders::Order;

/// Weeks that are looked back on: a year and the 90 days before it.
const WEEKS: usize = 65;
/// The same in days.
const DAYS: i32 = 7 * WEEKS as i32;
/// Days that a look at the recent past covers.
const RECENT: f64 = 90.0;
const YEAR: f64 = 365.0;
/// Fewest customers that make a season.
const CUSTOMERS: u64 = 200;
/// Fewest orders of theirs.
const ORDERS: u64 = 1_000;
/// A factor beyond this, or below its inverse, is no season but a shop that changed.
const LARGEST: f64 = 3.0;

/// What customers who were there all the time spent in each of the last weeks.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Season {
    customers: u64,
    orders: u64,
    /// The latest week first; empty where there is no such customer.
    weeks: Vec<f64>,
}

/// The days that a forecast is made from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Basis {
    /// The last 90 days.
    Recent,
    /// The last year.
    Year,
}

impl Season {
    /// By how much more a customer spends a day in the next `horizon` days than in those of the basis.
    pub fn factor(&self, basis: Basis, horizon: u32) -> f64 {
        self.known(basis, f64::from(horizon)).unwrap_or(1.0)
    }

    fn known(&self, basis: Basis, horizon: f64) -> Option<f64> {
        if self.customers < CUSTOMERS || self.orders < ORDERS || !(1.0..=YEAR).contains(&horizon) {
            return None;
        }
        let before = self.mean(YEAR, YEAR + RECENT)?;
        let change = self.mean(0.0, RECENT)? / before;
        let next = self.mean(YEAR - horizon, YEAR)?;
        // days by which the middle of the next window lies behind the middle of the basis
        let (basis, later) = match basis {
            Basis::Recent => (before, (RECENT + horizon) / 2.0),
            Basis::Year => (self.mean(0.0, YEAR)?, (horizon - YEAR) / 2.0),
        };
        let factor = next / basis / change.powf(later / YEAR);
        factor.is_finite().then(|| factor.clamp(1.0 / LARGEST, LARGEST))
    }

    /// Mean spend a day between so many days ago; none if there was no spend.
    fn mean(&self, from: f64, to: f64) -> Option<f64> {
        let sum: f64 = (0..)
            .zip(&self.weeks)
            .map(|(week, spend)| {
                let start = 7.0 * f64::from(week);
                spend * ((start + 7.0).min(to) - start.max(from)).max(0.0) / 7.0
            })
            .sum();
        (sum > 0.0).then(|| sum / (to - from))
    }

    /// Adds a customer's orders as of a day, oldest first.
    pub(crate) fn add(&mut self, orders: &[Order], until_day: i32) {
        let mut sold = orders.iter().filter(|order| order.sells()).peekable();
        let start = until_day.saturating_sub(DAYS);
        if sold.peek().is_none_or(|first| first.day > start) {
            return;
        }
        let mut counted = false;
        for order in sold.filter(|order| order.day > start) {
            self.weeks.resize(WEEKS, 0.0);
            self.weeks[((until_day - order.day) / 7) as usize] += order.value;
            self.orders += 1;
            counted = true;
        }
        self.customers += u64::from(counted);
    }

    /// Adds what others did.
    pub(crate) fn merge(&mut self, other: &Season) {
        self.customers += other.customers;
        self.orders += other.orders;
        if !other.weeks.is_empty() {
            self.weeks.resize(WEEKS, 0.0);
        }
        self.weeks.iter_mut().zip(&other.weeks).for_each(|(own, other)| *own += other);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Spend a day, as a function of the days ago.
    fn season(spend: impl Fn(f64) -> f64) -> Season {
        let week = |week: usize| (0..7).map(|day| spend((7 * week + day) as f64 + 0.5)).sum();
        Season { customers: CUSTOMERS, orders: ORDERS, weeks: (0..WEEKS).map(week).collect() }
    }

    fn close(found: f64, wanted: f64) {
        assert!((found / wanted - 1.0).abs() < 0.03, "{found} for {wanted}");
    }

    #[test]
    fn an_even_year_has_no_season_whoever_leaves() {
        for yearly in [1.0f64, 0.5, 1.6] {
            let even = season(|ago| yearly.powf(-ago / YEAR));
            for horizon in [30, 90, 180] {
                close(even.factor(Basis::Recent, horizon), 1.0);
                close(even.factor(Basis::Year, horizon), 1.0);
            }
        }
    }

    #[test]
    fn a_season_of_last_year_is_found_again() {
        // Last year's next 90 days were twice the others, among customers of whom a third leave in a year.
        let twice = |ago: f64| if (YEAR - 90.0..YEAR).contains(&ago) { 2.0 } else { 1.0 };
        let found = season(|ago| twice(ago) * 0.66f64.powf(-ago / YEAR));
        close(found.factor(Basis::Recent, 90), 2.0);
        close(found.factor(Basis::Year, 90), 2.0 / (1.0 + 90.0 / YEAR) * 0.97);
    }

    #[test]
    fn what_is_not_known_is_no_season() {
        assert_eq!(Season::default().factor(Basis::Recent, 90), 1.0);
        assert_eq!(season(|_| 0.0).factor(Basis::Year, 90), 1.0);
        assert_eq!(season(|_| 1.0).factor(Basis::Year, 1000), 1.0);
        let few = Season { customers: CUSTOMERS - 1, ..season(|ago| ago) };
        assert_eq!(few.factor(Basis::Recent, 90), 1.0);
        let wild = season(|ago| if ago > YEAR { 1e-9 } else { 1.0 });
        assert!(wild.factor(Basis::Recent, 90) <= LARGEST);
    }
}
