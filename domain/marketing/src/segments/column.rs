//! The columns of `platform.customer_fact` as numbers: every value has a whole-number key whose order is the order
//! of the values, so that every comparison is a range of keys. Both compilers speak of columns and keys only.

use chrono::{Datelike, NaiveDate};

use super::field::Axis;

/// A column of the facts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Column {
    /// What was ever spent, in cents.
    SpendCents,
    /// How many orders there are.
    Orders,
    /// The day of the first order.
    FirstOrderOn,
    /// The day of the newest order.
    LastOrderOn,
    /// The segment of an axis, by its index.
    Segment(Axis),
    /// The archetype of level 1, by its index.
    ArchetypeL1,
    /// The archetype of level 2, by its index.
    ArchetypeL2,
    /// Whether the customer wants to be written to.
    OptIn,
    /// The probability to leave, 0 to 1.
    Churn,
    /// The expected spend of the model's horizon, in the shop's currency.
    Ltv,
    /// The country.
    Country,
    /// The state or region.
    State,
}

/// How a column is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Storage {
    /// 64 bits.
    BigInt,
    /// 32 bits.
    Integer,
    /// 16 bits.
    SmallInt,
    /// Days.
    Date,
    /// A float of 32 bits; its keys are in the order of the numbers.
    Real,
    /// 0 or 1.
    Boolean,
    /// Its keys are places in a list of its values.
    Text,
}

impl Column {
    /// Every column, in the order of their vectors in the bit index. A new one goes to the end.
    pub fn all() -> impl Iterator<Item = Column> {
        let before =
            [Column::SpendCents, Column::Orders, Column::FirstOrderOn, Column::LastOrderOn, Column::OptIn];
        let after = [
            Column::ArchetypeL1,
            Column::ArchetypeL2,
            Column::Churn,
            Column::Ltv,
            Column::Country,
            Column::State,
        ];
        const AXES: &[Axis] = &Axis::ALL;
        let (of_purchases, of_tickets) = AXES.split_at(Axis::OF_PURCHASES);
        let segments = |axes: &'static [Axis]| axes.iter().map(|axis| Column::Segment(*axis));
        before.into_iter().chain(segments(of_purchases)).chain(after).chain(segments(of_tickets))
    }

    /// Its name in the table.
    pub fn name(self) -> &'static str {
        match self {
            Column::SpendCents => "spend_cents",
            Column::Orders => "orders",
            Column::FirstOrderOn => "first_order_on",
            Column::LastOrderOn => "last_order_on",
            Column::Segment(axis) => axis.name(),
            Column::ArchetypeL1 => "archetype_l1",
            Column::ArchetypeL2 => "archetype_l2",
            Column::OptIn => "marketing_opt_in",
            Column::Churn => "churn",
            Column::Ltv => "ltv",
            Column::Country => "shipping_country",
            Column::State => "shipping_state",
        }
    }

    /// How it is stored.
    pub fn storage(self) -> Storage {
        match self {
            Column::SpendCents => Storage::BigInt,
            Column::Orders => Storage::Integer,
            Column::FirstOrderOn | Column::LastOrderOn => Storage::Date,
            Column::Segment(_) | Column::ArchetypeL1 | Column::ArchetypeL2 => Storage::SmallInt,
            Column::OptIn => Storage::Boolean,
            Column::Churn | Column::Ltv => Storage::Real,
            Column::Country | Column::State => Storage::Text,
        }
    }

    /// The lowest and the highest key that a value can have.
    pub fn domain(self) -> Range {
        let (from, to) = match self.storage() {
            Storage::BigInt => (i64::MIN, i64::MAX),
            Storage::Integer => (i64::from(i32::MIN), i64::from(i32::MAX)),
            Storage::SmallInt => (i64::from(i16::MIN), i64::from(i16::MAX)),
            Storage::Date => (day_key(NaiveDate::MIN).max(1), 3_652_059),
            Storage::Real => (real_key(f32::NEG_INFINITY), real_key(f32::INFINITY)),
            Storage::Boolean => (0, 1),
            Storage::Text => (0, i64::from(i32::MAX)),
        };
        Range { from, to }
    }
}

/// Keys from one to another, both included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Range {
    /// The lowest.
    pub from: i64,
    /// The highest.
    pub to: i64,
}

impl Range {
    /// Every key.
    pub const ALL: Range = Range { from: i64::MIN, to: i64::MAX };

    /// One key.
    pub fn only(key: i64) -> Range {
        Range { from: key, to: key }
    }

    /// The keys that are in both; none when there are none.
    pub fn within(self, other: Range) -> Option<Range> {
        let both = Range { from: self.from.max(other.from), to: self.to.min(other.to) };
        (both.from <= both.to).then_some(both)
    }
}

/// Ranges in order, joined where they touch.
pub fn joined(mut ranges: Vec<Range>) -> Vec<Range> {
    ranges.sort_by_key(|range| range.from);
    let mut joined: Vec<Range> = Vec::with_capacity(ranges.len());
    for range in ranges {
        match joined.last_mut() {
            Some(last) if range.from <= last.to.saturating_add(1) => last.to = last.to.max(range.to),
            _ => joined.push(range),
        }
    }
    joined
}

/// The keys that are in none of the ranges, which must be in order and joined.
pub fn complement(ranges: &[Range]) -> Vec<Range> {
    let mut gaps = Vec::with_capacity(ranges.len() + 1);
    let mut next = Some(i64::MIN);
    for range in ranges {
        if let Some(from) = next.filter(|from| *from < range.from) {
            gaps.push(Range { from, to: range.from - 1 });
        }
        next = range.to.checked_add(1);
    }
    gaps.extend(next.map(|from| Range { from, to: i64::MAX }));
    gaps
}

/// A day's key: days from the common era's beginning, as [`Datelike::num_days_from_ce`].
pub fn day_key(day: NaiveDate) -> i64 {
    i64::from(day.num_days_from_ce())
}

/// The day of a key within a date column's domain.
pub fn day_of(key: i64) -> NaiveDate {
    let day = i32::try_from(key).ok().and_then(NaiveDate::from_num_days_from_ce_opt);
    day.unwrap_or(if key < 0 { NaiveDate::MIN } else { NaiveDate::MAX })
}

/// A float's key: its bits, turned so that their order is the numbers' order. Both zeros have one key.
pub fn real_key(number: f32) -> i64 {
    let number = if number == 0.0 { 0.0 } else { number };
    let bits = number.to_bits().cast_signed();
    i64::from(if bits < 0 { i32::MIN.wrapping_sub(bits) } else { bits })
}

/// The float of a key.
pub fn real_of(key: i64) -> f32 {
    let bits = i32::try_from(key).unwrap_or(if key < 0 { i32::MIN } else { i32::MAX });
    f32::from_bits((if bits < 0 { i32::MIN.wrapping_sub(bits) } else { bits }).cast_unsigned())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_order_of_floats_is_the_order_of_their_keys(a in -1e9_f32..1e9, b in -1e9_f32..1e9) {
            prop_assert_eq!(a.partial_cmp(&b), real_key(a).partial_cmp(&real_key(b)));
            prop_assert_eq!(real_of(real_key(a)), a);
        }

        #[test]
        fn a_key_is_in_the_ranges_or_in_their_complement(bounds in prop::collection::vec((-50_i64..50, 0_i64..9), 0..6), key in -60_i64..70) {
            let ranges = joined(bounds.into_iter().map(|(from, length)| Range { from, to: from + length }).collect());
            let is_in = |ranges: &[Range]| ranges.iter().filter(|range| (range.from..=range.to).contains(&key)).count();
            prop_assert_eq!(is_in(&ranges) + is_in(&complement(&ranges)), 1);
        }
    }

    #[test]
    fn zeros_are_equal_and_days_go_both_ways() {
        assert_eq!(real_key(-0.0), real_key(0.0));
        let day = NaiveDate::from_ymd_opt(2026, 11, 21).expect("a day");
        assert_eq!(day_of(day_key(day)), day);
        assert_eq!(day_of(3_652_059), NaiveDate::from_ymd_opt(9999, 12, 31).expect("a day"));
        assert_eq!(Column::LastOrderOn.domain().from, 1);
        assert_eq!(complement(&[Range::ALL]), []);
    }
}
