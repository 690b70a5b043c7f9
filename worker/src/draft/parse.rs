//! Reads the model's answer: the reply, and the recommendation in JSON.
//!
//! Tolerant about what surrounds the parts (chatter, code fences, a missing end tag of the recommendation),
//! strict about bounds. A reply without a usable recommendation is still a draft; the result says why the
//! recommendation is missing.

use std::ops::RangeInclusive;

use serde::Deserialize;
use serde_json::Value;
use thiserror::Error;

use super::input::{Priority, Recommendation};

/// How many actions a recommendation has.
pub const ACTIONS: RangeInclusive<usize> = 2..=4;
/// How many talking points a recommendation has.
pub const TALKING_POINTS: RangeInclusive<usize> = 3..=5;
const WARNINGS: RangeInclusive<usize> = 0..=5;
const MAX_ENTRY_CHARS: usize = 400;

/// What an answer contained.
pub struct ParsedAnswer {
    /// The text for the customer, trimmed.
    pub reply: String,
    /// The advice, or why there is none.
    pub recommendation: Result<Recommendation, RecommendationProblem>,
}

/// Why an answer is no draft.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum ParseError {
    /// There is no complete reply part.
    #[error("the answer has no complete reply")]
    NoReply,
    /// The reply part is empty.
    #[error("the reply is empty")]
    EmptyReply,
    /// The reply is longer than the channel allows.
    #[error("the reply has {found} characters, the channel allows {allowed}")]
    ReplyTooLong {
        /// Counted.
        found: usize,
        /// The limit.
        allowed: usize,
    },
}

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

/// Reads an answer; `max_reply_chars` is the channel's limit.
pub fn parse_answer(answer: &str, max_reply_chars: usize) -> Result<ParsedAnswer, ParseError> {
    let (_, after_start) = answer.split_once("<reply>").ok_or(ParseError::NoReply)?;
    let (reply, rest) = after_start.split_once("</reply>").ok_or(ParseError::NoReply)?;
    let reply = reply.trim();
    if reply.is_empty() {
        return Err(ParseError::EmptyReply);
    }
    let found = reply.chars().count();
    if found > max_reply_chars {
        return Err(ParseError::ReplyTooLong { found, allowed: max_reply_chars });
    }
    Ok(ParsedAnswer { reply: reply.to_owned(), recommendation: parse_recommendation(rest) })
}

#[derive(Deserialize)]
struct Wire {
    priority: Priority,
    actions: Vec<String>,
    talking_points: Vec<String>,
    #[serde(default)]
    warnings: Option<Vec<String>>,
    #[serde(default)]
    retention_probability: Option<f64>,
    #[serde(default)]
    revenue_at_risk: Value,
}

fn parse_recommendation(rest: &str) -> Result<Recommendation, RecommendationProblem> {
    let (_, body) = rest.split_once("<recommendation>").ok_or(RecommendationProblem::Missing)?;
    let body = body.split_once("</recommendation>").map_or(body, |(inside, _)| inside);
    let (start, end) = body.find('{').zip(body.rfind('}')).ok_or(RecommendationProblem::Malformed)?;
    let json = body.get(start..=end).ok_or(RecommendationProblem::Malformed)?;
    let wire: Wire = serde_json::from_str(json).map_err(|_| RecommendationProblem::Malformed)?;
    Ok(Recommendation {
        priority: wire.priority,
        actions: entries(wire.actions, ACTIONS, "actions")?,
        talking_points: entries(wire.talking_points, TALKING_POINTS, "talking_points")?,
        warnings: entries(wire.warnings.unwrap_or_default(), WARNINGS, "warnings")?,
        retention_probability: probability(wire.retention_probability)?,
        revenue_at_risk: amount(&wire.revenue_at_risk)?,
    })
}

fn entries(
    list: Vec<String>,
    bounds: RangeInclusive<usize>,
    name: &'static str,
) -> Result<Vec<String>, RecommendationProblem> {
    let list: Vec<String> = list.into_iter().map(|entry| entry.trim().to_owned()).collect();
    let entry_is_fine = |entry: &String| (1..=MAX_ENTRY_CHARS).contains(&entry.chars().count());
    if bounds.contains(&list.len()) && list.iter().all(entry_is_fine) {
        Ok(list)
    } else {
        Err(RecommendationProblem::OutOfBounds(name))
    }
}

fn probability(value: Option<f64>) -> Result<Option<f64>, RecommendationProblem> {
    match value {
        Some(p) if !(0.0..=1.0).contains(&p) => {
            Err(RecommendationProblem::OutOfBounds("retention_probability"))
        }
        other => Ok(other),
    }
}

/// A plain, non-negative decimal number, as a string or a number; null and absence mean none.
fn amount(value: &Value) -> Result<Option<String>, RecommendationProblem> {
    let text = match value {
        Value::Null => return Ok(None),
        Value::String(text) => text.trim().to_owned(),
        Value::Number(number) => number.to_string(),
        _ => return Err(RecommendationProblem::Malformed),
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ADVICE: &str = r#"{"priority":"high","actions":["a","b"],"talking_points":["c","d","e"],
        "warnings":[],"retention_probability":0.5,"revenue_at_risk":"120.50"}"#;

    fn advice(json: &str) -> Result<Recommendation, RecommendationProblem> {
        let answer = format!("<reply>Hello.</reply><recommendation>{json}</recommendation>");
        parse_answer(&answer, 100).expect("the reply is fine").recommendation
    }

    #[test]
    fn reads_both_parts_with_chatter_and_fences() {
        let answer = format!("Sure!\n<reply>\n Hello. \n</reply>\n<recommendation>\n```json\n{ADVICE}\n```");
        let parsed = parse_answer(&answer, 100).expect("a reply");
        assert_eq!(parsed.reply, "Hello.");
        let advice = parsed.recommendation.expect("a recommendation");
        assert_eq!(advice.priority, Priority::High);
        assert_eq!(advice.revenue_at_risk.as_deref(), Some("120.50"));
    }

    #[test]
    fn a_bad_recommendation_leaves_the_reply() {
        use RecommendationProblem::*;
        let missing = parse_answer("<reply>Hi.</reply>", 9).expect("a reply").recommendation;
        assert_eq!(missing.err(), Some(Missing));
        assert_eq!(advice("none").err(), Some(Malformed));
        assert_eq!(advice(&ADVICE.replace("high", "extreme")).err(), Some(Malformed));
        assert_eq!(advice(&ADVICE.replace(r#""a","b""#, r#""a""#)).err(), Some(OutOfBounds("actions")));
        assert_eq!(advice(&ADVICE.replace(r#""c","#, r#""","#)).err(), Some(OutOfBounds("talking_points")));
        assert_eq!(advice(&ADVICE.replace("0.5", "1.5")).err(), Some(OutOfBounds("retention_probability")));
        assert_eq!(advice(&ADVICE.replace("120.50", "-1")).err(), Some(OutOfBounds("revenue_at_risk")));
        assert!(advice(&ADVICE.replace(r#""120.50""#, "null")).is_ok());
    }

    #[test]
    fn an_answer_without_a_whole_reply_is_an_error() {
        let error = |answer: &str| parse_answer(answer, 10).err();
        assert_eq!(error("hello"), Some(ParseError::NoReply));
        assert_eq!(error("<reply>cut off"), Some(ParseError::NoReply));
        assert_eq!(error("<reply> </reply>"), Some(ParseError::EmptyReply));
        assert_eq!(
            error("<reply>12345678901</reply>"),
            Some(ParseError::ReplyTooLong { found: 11, allowed: 10 })
        );
    }

    proptest! {
        #[test]
        fn no_answer_panics_and_bounds_hold(
            pieces in proptest::collection::vec(
                prop_oneof![
                    Just("<reply>".to_owned()), Just("</reply>".to_owned()), Just("<recommendation>".to_owned()),
                    Just("</recommendation>".to_owned()), Just(ADVICE.to_owned()), ".{0,20}",
                ],
                0..12,
            )
        ) {
            if let Ok(parsed) = parse_answer(&pieces.concat(), 50) {
                prop_assert!((1..=50).contains(&parsed.reply.chars().count()));
                if let Ok(advice) = parsed.recommendation {
                    prop_assert!(ACTIONS.contains(&advice.actions.len()));
                    prop_assert!(TALKING_POINTS.contains(&advice.talking_points.len()));
                }
            }
        }
    }
}
