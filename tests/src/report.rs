//! What a program prints for people and for comparison over time: tables, figures and goals.
//!
//! A figure is one line, `figure: NAME VALUE UNIT`; a goal is one line that says whether it was reached.

use std::{fmt::Display, time::Duration};

/// Prints `figure: NAME VALUE UNIT`. Names are words joined by `_`; the value has three digits after the
/// point at most.
pub fn figure(name: &str, value: f64, unit: &str) {
    println!("figure: {name} {} {unit}", number(value));
}

/// Prints a figure that counts.
pub fn count(name: &str, value: impl Into<i64>, unit: &str) {
    println!("figure: {name} {} {unit}", value.into());
}

/// What a figure should be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Goal {
    /// Not more than this.
    AtMost(f64),
    /// Not less than this.
    AtLeast(f64),
}

impl Goal {
    /// Whether a figure is what it should be.
    pub fn is_reached(self, got: f64) -> bool {
        match self {
            Goal::AtMost(bound) => got <= bound,
            Goal::AtLeast(bound) => got >= bound,
        }
    }
}

/// Prints a figure and, beside it, whether its goal is reached; says so to the caller too.
pub fn goal(name: &str, got: f64, unit: &str, goal: Goal) -> bool {
    figure(name, got, unit);
    let (sign, bound) = match goal {
        Goal::AtMost(bound) => ("<=", bound),
        Goal::AtLeast(bound) => (">=", bound),
    };
    let reached = goal.is_reached(got);
    let verdict = if reached { "reached" } else { "missed" };
    println!("goal: {name} wanted {sign} {} {unit} got {} {unit} {verdict}", number(bound), number(got));
    reached
}

/// How a set of durations is spread.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Spread {
    /// How many there are.
    pub count: usize,
    /// Half are at most this.
    pub p50: Duration,
    /// 95 of 100 are at most this.
    pub p95: Duration,
    /// 99 of 100 are at most this.
    pub p99: Duration,
    /// The longest.
    pub max: Duration,
}

impl Spread {
    /// Sorts them and looks; all zero when there are none.
    pub fn of(mut durations: Vec<Duration>) -> Spread {
        durations.sort_unstable();
        let at = |share: usize| {
            let rank = (durations.len() * share).div_ceil(100).max(1);
            durations.get(rank - 1).copied().unwrap_or_default()
        };
        Spread { count: durations.len(), p50: at(50), p95: at(95), p99: at(99), max: at(100) }
    }
}

/// A duration in milliseconds.
pub fn ms(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1_000.0
}

/// Prints rows under a header, columns aligned; the first column to the left, the others to the right.
pub fn table<const N: usize>(header: [&str; N], rows: &[[String; N]]) {
    let width = |column: usize| {
        let cells = rows.iter().map(|row| row[column].chars().count());
        cells.chain([header[column].chars().count()]).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..N).map(width).collect();
    let line = |cells: &[&dyn Display]| {
        let mut text = String::new();
        for (column, cell) in cells.iter().enumerate() {
            let width = widths[column];
            let cell = cell.to_string();
            text += &if column == 0 { format!("  {cell:<width$}") } else { format!("  {cell:>width$}") };
        }
        println!("{}", text.trim_end());
    };
    line(&header.iter().map(|cell| cell as &dyn Display).collect::<Vec<_>>());
    for row in rows {
        line(&row.iter().map(|cell| cell as &dyn Display).collect::<Vec<_>>());
    }
}

fn number(value: f64) -> String {
    let text = format!("{value:.3}");
    let short = text.trim_end_matches('0').trim_end_matches('.');
    if short == "-0" { "0".to_owned() } else { short.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_as_short_as_they_can_be() {
        for (value, text) in
            [(0.0, "0"), (-0.0001, "0"), (12.0, "12"), (1.5, "1.5"), (0.12345, "0.123"), (100.0, "100")]
        {
            assert_eq!(number(value), text);
        }
    }

    #[test]
    fn a_spread_takes_the_value_at_the_rank() {
        let spread = Spread::of((1..=200).rev().map(Duration::from_millis).collect());
        assert_eq!(
            (spread.count, spread.p50, spread.p99),
            (200, Duration::from_millis(100), Duration::from_millis(198))
        );
        assert_eq!(spread.max, Duration::from_millis(200));
        assert_eq!(Spread::of(Vec::new()), Spread::default());
        let one = Spread::of(vec![Duration::from_secs(1)]);
        assert_eq!((one.p50, one.max), (Duration::from_secs(1), Duration::from_secs(1)));
    }

    #[test]
    fn goals_include_their_bound() {
        assert!(Goal::AtMost(2.0).is_reached(2.0) && !Goal::AtMost(2.0).is_reached(2.1));
        assert!(Goal::AtLeast(2.0).is_reached(2.0) && !Goal::AtLeast(2.0).is_reached(1.9));
    }
}
