//! Reads the model's answer: the reply, and the recommendation for the agent.
//!
//! The model is asked to fill in a form, and then the reply is a field. A server that knows no forms gives a text, in
//! which the parts stand between tags. Reading is tolerant about what surrounds the parts and about how a value is
//! written, and strict about where the reply begins and ends: words that the model meant for us must not reach a
//! customer. A reply without a usable recommendation is still a draft; the result says why the recommendation is
//! missing.

mod advice;
mod tags;

use serde_json::Value;
use upstreams::anthropic::{Completion, Ending};

use super::fault::Fault;
use super::input::Recommendation;
pub use advice::{ACTIONS, RecommendationProblem, TALKING_POINTS};

/// Longest answer that is looked at, in bytes; the model's own limit of tokens is far below.
const MAX_ANSWER_BYTES: usize = 64 * 1024;

/// What an answer contained.
#[derive(Clone, PartialEq)]
pub struct Answer {
    /// The text for the customer, trimmed.
    pub reply: String,
    /// The advice, or why there is none.
    pub recommendation: Result<Recommendation, RecommendationProblem>,
}

/// Reads an answer; `max_chars` is the channel's limit.
///
/// # Errors
/// There is no reply in it that could be looked at further.
pub fn read(completion: &Completion, max_chars: usize) -> Result<Answer, Fault> {
    match completion.ending {
        Ending::Refused => return Err(Fault::Refusal),
        Ending::CutOff => return Err(Fault::CutOff),
        Ending::OtherTool => return Err(Fault::OtherTool),
        Ending::Empty => return Err(Fault::NoReply),
        Ending::Complete => {}
    }
    let Some(form) = &completion.form else {
        // Some servers know no forms, and write one into the text.
        return read_text(&completion.text, max_chars).or_else(|fault| match form_in(&completion.text) {
            Some(form) if fault == Fault::NoReply => read_form(&form, max_chars),
            _ => Err(fault),
        });
    };
    read_form(form, max_chars)
}

/// The form that a text consists of, as a JSON document that a fence may surround.
fn form_in(text: &str) -> Option<Value> {
    let text = text.trim();
    let text = text.strip_prefix("```json").or_else(|| text.strip_prefix("```")).unwrap_or(text);
    let text = text.strip_suffix("```").unwrap_or(text).trim();
    let form: Value = serde_json::from_str(text).ok()?;
    form.get("reply").is_some().then_some(form)
}

/// Reads a form that was filled in.
///
/// # Errors
/// It has no reply, several, or one that is too long.
pub fn read_form(form: &Value, max_chars: usize) -> Result<Answer, Fault> {
    // Some servers hand the form over as the text of a JSON document.
    let parsed = form.as_str().filter(|text| text.len() <= MAX_ANSWER_BYTES).and_then(advice::first_object);
    let form = parsed.as_ref().unwrap_or(form);
    if form.is_array() {
        return Err(Fault::SeveralReplies);
    }
    let reply = form.get("reply").and_then(Value::as_str).ok_or(Fault::NoReply)?;
    Ok(Answer {
        reply: bounded(reply, max_chars)?,
        recommendation: advice::of_field(form.get("recommendation")),
    })
}

/// Reads a text with the parts between tags.
///
/// # Errors
/// It has no reply whose beginning and end are beyond doubt, or one that is too long.
pub fn read_text(text: &str, max_chars: usize) -> Result<Answer, Fault> {
    if text.len() > MAX_ANSWER_BYTES {
        return Err(Fault::TooLong { found: text.chars().count(), allowed: max_chars });
    }
    let (reply, rest) = tags::reply_of(text)?;
    Ok(Answer { reply: bounded(reply, max_chars)?, recommendation: advice::of_text(rest) })
}

/// Reads a recommendation that was filled in by itself.
///
/// # Errors
/// It is not in its form or out of its bounds.
pub fn recommendation_of(form: &Value) -> Result<Recommendation, RecommendationProblem> {
    advice::of_field(Some(form))
}

fn bounded(reply: &str, max_chars: usize) -> Result<String, Fault> {
    let reply = reply.trim();
    let found = reply.chars().count();
    match found {
        0 => Err(Fault::EmptyReply),
        _ if found > max_chars => Err(Fault::TooLong { found, allowed: max_chars }),
        _ => Ok(reply.to_owned()),
    }
}

#[cfg(test)]
mod tests;
