//! The numbers, days, customers and names that tools answered.

use std::collections::BTreeSet;

use serde_json::Value;

use super::numbers::{self, Found};
use crate::tools::ToolAnswer;

/// Fields whose texts are ours: numbers in them are figures. Texts of all other fields are names or what people wrote.
const OUR_TEXTS: [&str; 5] = ["definition", "caveats", "reason", "suggestion", "months"];
/// Fields whose texts are names whatever they look like: a product called 2026 is no number.
const NAMES: [&str; 7] =
    ["category", "item", "with", "products", "categories", "last_order_products", "last_order_categories"];
/// Variants whose reasons repeat names of products.
const NAMES_IN_REASONS: [&str; 3] = ["cross_sell_opportunities", "expansion_targets", "recommendations"];

/// What is known.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Known {
    numbers: Vec<f64>,
    percents: Vec<f64>,
    days: BTreeSet<String>,
    months: BTreeSet<String>,
    years: BTreeSet<i32>,
    customers: BTreeSet<String>,
    names: BTreeSet<String>,
}

impl Known {
    /// What these answers say.
    pub fn of<'a>(answers: impl IntoIterator<Item = &'a ToolAnswer>) -> Known {
        let mut known = Known::default();
        for answer in answers {
            known.numbers.push(answer.rows as f64);
            known.numbers.push(answer.items.len() as f64);
            let mut value = serde_json::to_value(answer).expect("an answer is plain data");
            if let Some(fields) = value.as_object_mut() {
                // What it cost, and when, is nothing that a text is about.
                for name in ["cost", "next_cursor", "tool", "variant", "computed_at"] {
                    fields.remove(name);
                }
            }
            let trusts_reasons = !NAMES_IN_REASONS.contains(&answer.variant.as_str());
            known.walk("", &value, trusts_reasons);
        }
        known
    }

    /// What a JSON value says.
    pub fn add(&mut self, value: &Value) {
        self.walk("", value, true);
    }

    /// A number that was computed from known ones.
    pub fn add_computed(&mut self, value: f64) {
        self.numbers.push(value);
    }

    fn walk(&mut self, field: &str, value: &Value, trusts_reasons: bool) {
        match value {
            Value::Number(number) => self.numbers.extend(number.as_f64()),
            Value::Array(items) => items.iter().for_each(|item| self.walk(field, item, trusts_reasons)),
            Value::Object(fields) => {
                fields.iter().for_each(|(name, value)| self.walk(name, value, trusts_reasons));
            }
            Value::String(text) => self.text(field, text, trusts_reasons),
            Value::Null | Value::Bool(_) => {}
        }
    }

    fn text(&mut self, field: &str, text: &str, trusts_reasons: bool) {
        if NAMES.contains(&field) {
            self.names.insert(text.to_owned());
        } else if let Some(day) = text.get(..10).and_then(|day| day.parse::<chrono::NaiveDate>().ok()) {
            self.add_day(day);
        } else if text.bytes().all(|c| c.is_ascii_digit() || matches!(c, b'.' | b'-')) {
            self.numbers.extend(text.parse::<f64>().ok());
        } else if field == "customer_id" {
            self.customers.insert(text.to_owned());
        } else if OUR_TEXTS.contains(&field) || (trusts_reasons && field == "reasons") {
            for found in numbers::scan(text) {
                match found {
                    Found::Number { value, is_percent: true, .. } => self.percents.push(value),
                    Found::Number { value, .. } => self.numbers.push(value),
                    Found::Day(day) => day.parse().into_iter().for_each(|day| self.add_day(day)),
                    Found::Month(month) => {
                        self.months.insert(month);
                    }
                    Found::Customer(_) | Found::Vague => {}
                }
            }
        } else if text.chars().any(char::is_numeric) || !numbers::scan(text).is_empty() {
            self.names.insert(text.to_owned());
        }
    }

    fn add_day(&mut self, day: chrono::NaiveDate) {
        self.days.insert(day.to_string());
        self.months.insert(day.format("%Y-%m").to_string());
        self.years.insert(chrono::Datelike::year(&day));
    }

    /// The text without names that stand in quotation marks as they are.
    pub fn without_quoted_names(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for name in &self.names {
            for (open, close) in [("\"", "\""), ("\u{201c}", "\u{201d}")] {
                let quoted = format!("{open}{name}{close}");
                if text.contains(&quoted) {
                    text = text.replace(&quoted, "\"\"");
                }
            }
        }
        text
    }

    /// Whether something in a text is known.
    pub fn has(&self, found: &Found) -> bool {
        match found {
            Found::Number { value, places, is_percent: true } => {
                self.numbers.iter().any(|known| {
                    is_rounded(known * 100.0, *value, *places) || is_nearly_certain(*known, *value)
                }) || self.percents.iter().any(|known| is_rounded(*known, *value, *places))
            }
            Found::Number { value, places, is_percent: false } => {
                let is_year = *places == 0 && value.fract() == 0.0 && self.years.contains(&(*value as i32));
                is_year || self.numbers.iter().any(|known| is_rounded(*known, *value, *places))
            }
            Found::Day(day) => self.days.contains(day),
            Found::Month(month) => self.months.contains(month),
            Found::Customer(id) => self.customers.contains(id),
            Found::Vague => false,
        }
    }
}

/// Whether a percentage is the bound by which a probability beyond it is told: "under 0.1 %", "over 99.9 %".
fn is_nearly_certain(known: f64, percent: f64) -> bool {
    (percent == 0.1 && known > 0.0 && known < 0.001) || (percent == 99.9 && known > 0.999 && known < 1.0)
}

/// Whether a number is a known one to so many places; signs are in the words around it. A rounding that changes a number
/// by more than a twentieth says something else.
pub(super) fn is_rounded(known: f64, written: f64, places: i32) -> bool {
    if !known.is_finite() {
        return false;
    }
    let step = 10_f64.powi(-places);
    let (known, written) = (known.abs(), written.abs());
    let difference = (known - written).abs();
    difference <= 1e-9 * known.max(1.0)
        || (difference <= step * 0.5 * (1.0 + 1e-9) && difference <= known * 0.05)
}
