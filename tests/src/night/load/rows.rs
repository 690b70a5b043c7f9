//! The rows of a shop in the text form of COPY.

use std::{fmt::Write, ops::Range};

use uuid::Uuid;

use super::Pieces;
use crate::night::{
    goods,
    random::{Random, mix},
    shop::Shop,
};

/// The statement for [`Customers::write`].
pub(super) const CUSTOMERS: &str = "copy platform.customer (tenant_id, customer_id, email, name, created_at,
    shipping_country, shipping_state, marketing_opt_in, tags) from stdin";
/// The statement for [`write_lines`].
pub(super) const LINES: &str =
    "copy platform.order_line (tenant_id, line_key, order_id, customer_id, ordered_at,
    product_id, category, quantity, amount, list_amount, currency, is_return, counts) from stdin";
/// The statement for [`write_profiles`].
pub(super) const PROFILES: &str =
    "copy platform.customer_profile (tenant_id, customer_id, orders, lines, spend,
    currency, returned_value, first_order_at, last_order_at, mean_order_value) from stdin";

const SEED: u64 = 0x0072_6f77;
const COUNTRIES: [&str; 10] = ["US", "US", "US", "US", "US", "US", "CA", "GB", "DE", "AU"];
const STATES: [&str; 8] = ["CA", "NY", "TX", "FL", "WA", "IL", "PA", "OH"];

/// When customers came.
pub(super) struct Customers {
    first: Vec<i32>,
}

impl Customers {
    /// Looks for the first order of each.
    pub(super) fn of(shop: &Shop) -> Customers {
        let mut first = vec![i32::MAX; shop.size.customers as usize];
        for event in &shop.events {
            let known = &mut first[event.customer as usize];
            *known = event.minute.min(*known);
        }
        Customers { first }
    }

    /// Writes all customers.
    pub(super) fn write(&self, tenant: Uuid, pieces: &Pieces) {
        let mut rows = String::new();
        for (customer, first) in (0..).zip(&self.first) {
            let id = Shop::customer_id(customer);
            let mut random = Random::of(SEED, u64::from(customer));
            let country = COUNTRIES[random.below(COUNTRIES.len() as u32) as usize];
            let state =
                if country == "US" { STATES[random.below(STATES.len() as u32) as usize] } else { "\\N" };
            let opted_in = if random.chance(0.4) { 't' } else { 'f' };
            let tags = if random.chance(0.05) { "{wholesale}" } else { "{}" };
            let _ = writeln!(
                rows,
                "{tenant}\t{id}\tc{customer}@example.com\tCustomer {customer}\t{}\t{country}\t{state}\t{opted_in}\t{tags}",
                At(*first)
            );
            pieces.offer(&mut rows, false);
        }
        pieces.offer(&mut rows, true);
    }
}

/// Writes the lines of some of the events, and answers what they add to each customer's profile.
pub(super) fn write_lines(shop: &Shop, tenant: Uuid, part: Range<usize>, pieces: &Pieces) -> Vec<Profile> {
    let mut profiles = vec![Profile::default(); shop.size.customers as usize];
    let (mut rows, mut items) = (String::new(), Vec::new());
    let (tenant_high, tenant_low) = tenant.as_u64_pair();
    for (place, event) in part.clone().zip(&shop.events[part]) {
        items.clear();
        goods::fill(event.customer, event.order, event.day(), &mut items);
        let (prefix, sign) = if event.is_return { ("R", -1) } else { ("", 1) };
        if event.is_return {
            goods::keep_returned(event.customer, event.order, &mut items);
        }
        let (id, at) = (Shop::customer_id(event.customer), At(event.minute));
        for (number, item) in (0..).zip(&items) {
            let line = mix((place as u64) << 8 | number);
            let key = Uuid::from_u64_pair(mix(line ^ tenant_high), mix(line.wrapping_add(tenant_low)));
            let category = goods::category(item.product);
            let _ = writeln!(
                rows,
                "{tenant}\t{key}\t{prefix}{}\t{id}\t{at}\tP{:05}\tcategory-{category:02}\t{}\t{}\t{}\t{}\t{}\tt",
                1_000_001 + place,
                item.product,
                sign * item.quantity,
                Cents(sign * item.amount_cents),
                Cents(sign * item.list_cents),
                Shop::CURRENCY,
                if event.is_return { 't' } else { 'f' },
            );
        }
        let amount: i64 = items.iter().map(|item| item.amount_cents).sum();
        let profile = &mut profiles[event.customer as usize];
        profile.lines += items.len() as u32;
        if event.is_return {
            profile.returned_cents += amount;
        } else {
            profile.orders += 1;
            profile.bought_cents += amount;
            profile.first = Some(profile.first.map_or(event.minute, |first| first.min(event.minute)));
            profile.last = profile.last.max(Some(event.minute));
        }
        pieces.offer(&mut rows, false);
    }
    pieces.offer(&mut rows, true);
    profiles
}

/// What a customer's lines amount to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Profile {
    orders: u32,
    lines: u32,
    bought_cents: i64,
    returned_cents: i64,
    /// Minutes since 1970.
    first: Option<i32>,
    last: Option<i32>,
}

impl Profile {
    /// Adds what other lines of the same customer amount to.
    pub(super) fn add(&mut self, other: &Profile) {
        self.orders += other.orders;
        self.lines += other.lines;
        self.bought_cents += other.bought_cents;
        self.returned_cents += other.returned_cents;
        self.first = [self.first, other.first].into_iter().flatten().min();
        self.last = self.last.max(other.last);
    }
}

/// Writes the profiles of all customers.
pub(super) fn write_profiles(tenant: Uuid, profiles: &[Profile], pieces: &Pieces) {
    let mut rows = String::new();
    for (customer, profile) in (0..).zip(profiles) {
        let (Some(first), Some(last)) = (profile.first, profile.last) else { continue };
        let orders = i64::from(profile.orders);
        // Half a cent is rounded up, as Postgres rounds.
        let mean = (profile.bought_cents * 2 + orders) / (orders * 2);
        let _ = writeln!(
            rows,
            "{tenant}\t{}\t{orders}\t{}\t{}\t{}\t{}\t{}\t{}\t{}",
            Shop::customer_id(customer),
            profile.lines,
            Cents(profile.bought_cents - profile.returned_cents),
            Shop::CURRENCY,
            Cents(profile.returned_cents),
            At(first),
            At(last),
            Cents(mean),
        );
        pieces.offer(&mut rows, false);
    }
    pieces.offer(&mut rows, true);
}

/// An amount, written with two digits after the point.
struct Cents(i64);

impl std::fmt::Display for Cents {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (sign, cents) = (if self.0 < 0 { "-" } else { "" }, self.0.abs());
        write!(out, "{sign}{}.{:02}", cents / 100, cents % 100)
    }
}

/// A minute since 1970 as Postgres reads it.
#[derive(Clone, Copy)]
struct At(i32);

impl std::fmt::Display for At {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (day, minute) = (self.0.div_euclid(1_440), self.0.rem_euclid(1_440));
        let date = chrono::NaiveDate::from_epoch_days(day).unwrap_or_default();
        write!(out, "{date} {:02}:{:02}:00+00", minute / 60, minute % 60)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn money_and_time_are_written_as_postgres_reads_them() {
        assert_eq!(
            [Cents(5), Cents(-1_234), Cents(0)].map(|cents| cents.to_string()),
            ["0.05", "-12.34", "0.00"]
        );
        assert_eq!(At(Shop::last_midnight() + 61).to_string(), "2026-06-30 01:01:00+00");
    }
}
