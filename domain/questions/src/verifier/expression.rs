//! Expressions of numbers that a text's author declares: read, held against what is known, and computed again.

use serde::{Deserialize, Serialize};

use super::known::{Known, is_rounded};
use super::numbers::Found;

/// A computation that a text rests on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Calculation {
    /// Numbers, `+ - * /` and brackets, as in `(812.50 - 700) / 700 * 100`.
    pub expression: String,
    /// The value as the text has it.
    pub result: String,
}

/// Bytes of an expression at most.
const LONGEST: usize = 200;
/// Numbers in an expression at most, so that none is put together out of unrelated ones.
const MOST_NUMBERS: usize = 8;
/// Brackets inside of brackets at most.
const DEEPEST: usize = 8;

/// The value of a calculation that holds: at least two of its numbers are known ones, all others are 1 or 100, and the
/// result is the value as rounded.
pub fn check(calculation: &Calculation, known: &Known) -> Option<f64> {
    let text = calculation.expression.as_str();
    if text.len() > LONGEST || calculation.result.len() > LONGEST {
        return None;
    }
    let mut reader = Reader { rest: text, numbers: Vec::new() };
    let value = reader.sum(0)?;
    if !reader.rest.trim().is_empty() || !value.is_finite() || reader.numbers.len() > MOST_NUMBERS {
        return None;
    }
    let is_known = |(value, places): &(f64, i32)| {
        known.has(&Found::Number { value: *value, places: *places, is_percent: false })
    };
    let known_numbers = reader.numbers.iter().filter(|number| is_known(number)).count();
    let is_allowed = |number: &(f64, i32)| is_known(number) || number.0 == 1.0 || number.0 == 100.0;
    if known_numbers < 2 || !reader.numbers.iter().all(is_allowed) {
        return None;
    }
    let result = calculation.result.trim().trim_end_matches('%').trim().replace(',', "");
    let places = result.split('.').nth(1).map_or(0, |places| i32::try_from(places.len()).unwrap_or(0));
    let result: f64 = result.parse().ok()?;
    let is_share = calculation.result.contains('%');
    // A percentage may be written out of a share, or of an expression that has its hundred.
    if is_rounded(value, result, places) && value.signum() == result.signum()
        || result == 0.0 && value.abs() < 0.5
    {
        return Some(if is_share { value / 100.0 } else { value });
    }
    (is_share && is_rounded(value * 100.0, result, places)).then_some(value)
}

struct Reader<'a> {
    rest: &'a str,
    numbers: Vec<(f64, i32)>,
}

impl Reader<'_> {
    fn sum(&mut self, depth: usize) -> Option<f64> {
        let mut value = self.product(depth)?;
        loop {
            if self.take('+') {
                value += self.product(depth)?;
            } else if self.take('-') {
                value -= self.product(depth)?;
            } else {
                return Some(value);
            }
        }
    }

    fn product(&mut self, depth: usize) -> Option<f64> {
        let mut value = self.factor(depth)?;
        loop {
            if self.take('*') {
                value *= self.factor(depth)?;
            } else if self.take('/') {
                let divisor = self.factor(depth)?;
                if divisor == 0.0 {
                    return None;
                }
                value /= divisor;
            } else {
                return Some(value);
            }
        }
    }

    fn factor(&mut self, depth: usize) -> Option<f64> {
        if depth > DEEPEST {
            return None;
        }
        if self.take('(') {
            let value = self.sum(depth + 1)?;
            return self.take(')').then_some(value);
        }
        if self.take('-') {
            return Some(-self.factor(depth + 1)?);
        }
        self.rest = self.rest.trim_start();
        let end = self.rest.find(|c: char| !(c.is_ascii_digit() || c == '.')).unwrap_or(self.rest.len());
        let (digits, rest) = self.rest.split_at(end);
        let value: f64 = digits.parse().ok()?;
        let places = digits.split('.').nth(1).map_or(0, |places| i32::try_from(places.len()).unwrap_or(0));
        self.numbers.push((value, places));
        self.rest = rest;
        Some(value)
    }

    fn take(&mut self, wanted: char) -> bool {
        self.rest = self.rest.trim_start();
        match self.rest.strip_prefix(wanted) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }
}
