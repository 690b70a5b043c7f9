//! An answer to a question: a text that was checked, the rows behind it, a chart of them, and how it was computed.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::text;
use crate::tools::answer::Cost;
use crate::tools::{Call, ToolAnswer};
use crate::verifier::expression::Calculation;
use crate::verifier::known::Known;
use crate::verifier::verify;

/// What came of a question.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// There is an answer, which may be that the data say nothing.
    Answered,
    /// The question could mean several things, or lacks something: it is asked back.
    Asks,
    /// It is nothing that the tools know.
    Declined,
}

/// An answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Answer {
    /// What came of it.
    pub outcome: Outcome,
    /// The text. Every number in it occurs in what the tools answered, or was computed from that.
    pub text: String,
    /// The rows that the text is about.
    pub rows: Vec<Value>,
    /// How they could be drawn.
    pub chart: Option<Chart>,
    /// What was called, in order.
    pub calls: Vec<CallMade>,
    /// The last day that counts.
    pub as_of: Option<NaiveDate>,
    /// What to bear in mind.
    pub caveats: Vec<String>,
    /// Questions that could be asked instead.
    pub suggestions: Vec<String>,
    /// `grammar`, or `anthropic` when a model answered.
    pub answered_by: String,
    /// The model.
    pub model: Option<String>,
    /// Sentences that were taken out because a number in them was not to be found.
    pub removed_sentences: usize,
}

/// A call that was made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CallMade {
    /// The tool.
    pub tool: String,
    /// Its arguments.
    pub arguments: Value,
    /// The last day that counts.
    pub as_of: NaiveDate,
    /// When it was computed.
    pub computed_at: chrono::DateTime<chrono::Utc>,
    /// Whether there was an answer.
    pub available: bool,
    /// Why there was none.
    #[serde(default)]
    pub reason: Option<String>,
    /// ISO 4217 code of its amounts.
    #[serde(default)]
    pub currency: Option<String>,
    /// Rows on all pages; those of the answer are one of them.
    #[serde(default)]
    pub rows: usize,
    /// Groups and figures that were withheld because they are of too few customers.
    #[serde(default)]
    pub withheld: u32,
    /// What it cost.
    pub cost: Cost,
}

/// How rows could be drawn.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chart {
    /// `bar`, or `line` for months.
    pub kind: String,
    /// The field along the axis.
    pub x: String,
    /// The field that is drawn.
    pub y: String,
    /// Fields of the lower and upper bound, if there are any.
    pub bounds: Option<[String; 2]>,
    /// What `y` is counted in.
    pub unit: Option<String>,
    /// What it shows.
    pub title: String,
}

/// Makes an answer out of what was called and a text about it, which is checked here.
pub fn compose(
    made: &[(Call, ToolAnswer)],
    text: &str,
    calculations: &[Calculation],
    answered_by: &str,
    model: Option<String>,
) -> Answer {
    let known = Known::of(made.iter().map(|(_, answer)| answer));
    let verified = verify(text, &known, calculations);
    let last = made.iter().rev().map(|(_, answer)| answer).find(|answer| answer.available);
    let mut caveats: Vec<String> = Vec::new();
    for caveat in made.iter().flat_map(|(_, answer)| &answer.caveats) {
        if !caveats.contains(caveat) {
            caveats.push(caveat.clone());
        }
    }
    if verified.removed > 0 {
        caveats.push("Part of the text was taken out, because its figures are not in the data.".to_owned());
    }
    let text = match verified.text.is_empty() {
        true if last.is_some() => made.last().map(|(_, answer)| text::of(answer)).unwrap_or_default(),
        true => "There is no answer to this in the data.".to_owned(),
        false => verified.text,
    };
    Answer {
        outcome: Outcome::Answered,
        text,
        rows: last.map(|answer| answer.items.clone()).unwrap_or_default(),
        chart: last.and_then(chart),
        calls: made.iter().map(|(call, answer)| called(call, answer)).collect(),
        as_of: made.iter().map(|(_, answer)| answer.as_of).min(),
        caveats,
        suggestions: Vec::new(),
        answered_by: answered_by.to_owned(),
        model,
        removed_sentences: verified.removed,
    }
}

/// An answer that asks back or declines.
pub fn without_call(outcome: Outcome, text: String, suggestions: Vec<String>, answered_by: &str) -> Answer {
    Answer {
        outcome,
        text,
        rows: Vec::new(),
        chart: None,
        calls: Vec::new(),
        as_of: None,
        caveats: Vec::new(),
        suggestions,
        answered_by: answered_by.to_owned(),
        model: None,
        removed_sentences: 0,
    }
}

fn called(call: &Call, answer: &ToolAnswer) -> CallMade {
    let mut arguments = call.arguments();
    // Whoever asked may have named a customer by the shop's own id; the answer does not repeat it.
    if let (Some(named), Some(id)) = (arguments.get_mut("customer_id"), answer.figures.get("customer_id")) {
        named.clone_from(id);
    }
    CallMade {
        tool: call.tool().to_owned(),
        arguments,
        as_of: answer.as_of,
        computed_at: answer.computed_at,
        available: answer.available,
        reason: answer.reason.clone(),
        currency: answer.currency.clone(),
        rows: answer.rows,
        withheld: answer.withheld,
        cost: answer.cost,
    }
}

/// The chart of an answer, by the fields that its rows have.
pub fn chart(answer: &ToolAnswer) -> Option<Chart> {
    // What is drawn along which axis, the first that the rows have.
    const PAIRS: [(&str, &str, bool); 13] = [
        ("month", "value", true),
        ("ordered_on", "amount", false),
        ("category", "revenue", false),
        ("category", "rate", false),
        ("class", "customers", false),
        ("from_days", "customers", false),
        ("archetype", "net", false),
        ("months", "spend", false),
        ("segment", "customers", false),
        ("customer_id", "churn", false),
        ("customer_id", "change", false),
        ("customer_id", "drift", false),
        ("customer_id", "spend", false),
    ];
    let first = answer.items.first()?;
    let has = |field: &str| first.get(field).is_some();
    let (x, y, is_line) = PAIRS.into_iter().find(|(x, y, _)| has(x) && has(y))?;
    let is_money = matches!(y, "revenue" | "amount" | "spend" | "change")
        || (y == "value" && matches!(answer.variant.as_str(), "revenue" | "average_ltv"));
    let unit =
        if is_money { answer.currency.clone() } else { (y == "customers").then(|| "customers".to_owned()) };
    Some(Chart {
        kind: if is_line { "line" } else { "bar" }.to_owned(),
        x: x.to_owned(),
        y: y.to_owned(),
        bounds: (has("low") && has("high")).then(|| ["low".to_owned(), "high".to_owned()]),
        unit,
        title: answer.variant.replace('_', " "),
    })
}
