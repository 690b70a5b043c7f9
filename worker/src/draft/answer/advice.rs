//! The recommendation of an answer: JSON with bounds. How a value is written (`High`, `"0.7"`) is no reason to throw
//! it away; what it says outside its bounds is.

use std::ops::RangeInclusive;

use serde_json::{Map, Value};
use thiserror::Error;

use crate::draft::input::{Priority, Recommendation};

/// How many actions a recommendation has.
pub const ACTIONS: RangeInclusive<usize> = 2..=4;
/// How many talking points a recommendation has.
pub const TALKING_POINTS: RangeInclusive<usize> = 3..=5;
const WARNINGS: RangeInclusive<usize> = 0..=5;
const MAX_ENTRY_CHARS: usize = 400;
/// A brace may stand in the words before the JSON; so many of them are tried as its beginning.
const BEGINNINGS: usize = 8;

/// Why a recommendation cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum RecommendationProblem {
    /// There is none.
    #[error("the model gave no recommendation")]
    Missing,
    /// It is not the JSON that was asked for.
    #[error("the model's recommendation is not in the form that was asked for")]
    Malformed,
    /// A list is too short or too long, or an entry is empty or too long.
    #[error("the model's recommendation is out of bounds in {0}")]
    OutOfBounds(&'static str),
}

/// The recommendation in the text behind the reply.
pub(super) fn of_text(rest: &str) -> Result<Recommendation, RecommendationProblem> {
    let (_, body) = rest.split_once("<recommendation>").ok_or(RecommendationProblem::Missing)?;
    let body = body.split_once("</recommendation>").map_or(body, |(inside, _)| inside);
    of_field(Some(&first_object(body).ok_or(RecommendationProblem::Malformed)?))
}

/// The recommendation as a field of a form; some models write the JSON into a text.
pub(super) fn of_field(field: Option<&Value>) -> Result<Recommendation, RecommendationProblem> {
    match field {
        None | Some(Value::Null) => Err(RecommendationProblem::Missing),
        Some(Value::Object(fields)) => of_fields(fields),
        Some(Value::String(text)) => match first_object(text) {
            Some(Value::Object(fields)) => of_fields(&fields),
            _ => Err(RecommendationProblem::Malformed),
        },
        Some(_) => Err(RecommendationProblem::Malformed),
    }
}

/// The first JSON object in a text, whatever stands before and behind it.
pub(super) fn first_object(text: &str) -> Option<Value> {
    text.match_indices('{').take(BEGINNINGS).find_map(|(at, _)| {
        let mut values = serde_json::Deserializer::from_str(&text[at..]).into_iter::<Value>();
        values.next()?.ok().filter(Value::is_object)
    })
}

fn of_fields(fields: &Map<String, Value>) -> Result<Recommendation, RecommendationProblem> {
    let list = |name| list(fields.get(name));
    Ok(Recommendation {
        priority: priority(fields.get("priority"))?,
        actions: entries(list("actions")?, ACTIONS, "actions")?,
        talking_points: entries(list("talking_points")?, TALKING_POINTS, "talking_points")?,
        warnings: entries(list("warnings")?, WARNINGS, "warnings")?,
        retention_probability: probability(fields.get("retention_probability"))?,
        revenue_at_risk: amount(fields.get("revenue_at_risk"))?,
    })
}

fn priority(value: Option<&Value>) -> Result<Priority, RecommendationProblem> {
    let word = value.and_then(Value::as_str).ok_or(RecommendationProblem::Malformed)?.trim().to_lowercase();
    serde_json::from_value(Value::String(word)).map_err(|_| RecommendationProblem::Malformed)
}

/// A list of texts; absence means an empty one.
fn list(value: Option<&Value>) -> Result<Vec<String>, RecommendationProblem> {
    let malformed = RecommendationProblem::Malformed;
    match value {
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(Value::Array(items)) => {
            items.iter().map(|item| Ok(item.as_str().ok_or(malformed)?.trim().to_owned())).collect()
        }
        Some(_) => Err(malformed),
    }
}

fn entries(
    list: Vec<String>,
    bounds: RangeInclusive<usize>,
    name: &'static str,
) -> Result<Vec<String>, RecommendationProblem> {
    let entry_is_fine = |entry: &String| (1..=MAX_ENTRY_CHARS).contains(&entry.chars().count());
    if bounds.contains(&list.len()) && list.iter().all(entry_is_fine) {
        Ok(list)
    } else {
        Err(RecommendationProblem::OutOfBounds(name))
    }
}

/// A number from 0 to 1, also as a text; null and absence mean none.
fn probability(value: Option<&Value>) -> Result<Option<f64>, RecommendationProblem> {
    let number = match value {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::Number(number)) => number.as_f64(),
        Some(Value::String(text)) => text.trim().parse().ok(),
        Some(_) => None,
    };
    match number {
        None => Err(RecommendationProblem::Malformed),
        // Nobody is certain of what a customer will do, whatever a model says.
        Some(p) if (0.0..=1.0).contains(&p) => Ok(Some(p.clamp(0.01, 0.99))),
        Some(_) => Err(RecommendationProblem::OutOfBounds("retention_probability")),
    }
}

/// A plain, non-negative decimal number, as a string or a number; null and absence mean none.
fn amount(value: Option<&Value>) -> Result<Option<String>, RecommendationProblem> {
    let text = match value {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::String(text)) => text.trim().to_owned(),
        Some(Value::Number(number)) => number.to_string(),
        Some(_) => return Err(RecommendationProblem::Malformed),
    };
    let (whole, fraction) = text.split_once('.').unwrap_or((&text, "0"));
    let digits = |part: &str, most: usize| {
        (1..=most).contains(&part.len()) && part.chars().all(|c| c.is_ascii_digit())
    };
    if digits(whole, 15) && digits(fraction, 4) {
        Ok(Some(text))
    } else {
        Err(RecommendationProblem::OutOfBounds("revenue_at_risk"))
    }
}
