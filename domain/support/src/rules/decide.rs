//! Which rules fire for a cause: the part that a run and a trial share. It reads nothing and does nothing.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::causes::Cause;
use super::facts::Facts;
use super::spec::{Event, Read, Spec};
use super::tree::Found;

/// A rule in force, read.
#[derive(Debug, Clone)]
pub struct Rule {
    /// Identity.
    pub id: Uuid,
    /// Its version.
    pub version: i32,
    /// Its place.
    pub position: i32,
    /// What happened before is none of its business.
    pub on_since: DateTime<Utc>,
    /// The agent who owns it.
    pub owner: Option<Uuid>,
    /// What it says.
    pub spec: Spec,
    /// The same, read.
    pub read: Read,
    /// What it names that is gone; it is not run then.
    pub invalid: Option<String>,
}

/// What was found of a rule, as it is kept for each cause.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evaluated {
    /// The rule.
    pub rule: Uuid,
    /// Its version.
    pub version: i32,
    /// Whether it fired.
    pub fired: bool,
    /// 1 or 0 for each condition in the order in which they are written, those of `unless` behind a slash.
    pub conditions: String,
}

/// What came of holding a rule against a ticket.
#[derive(Debug, Clone, PartialEq)]
pub struct Decision {
    /// Whether it fires.
    pub fires: bool,
    /// Every condition with its result.
    pub found: Vec<Found>,
    /// The same in short.
    pub short: String,
}

/// Whether a rule is to be looked at for this cause: of this event, with this wait, in force when it happened, and listed
/// behind the rule that caused it, if one did.
pub fn concerns(rule: &Rule, cause: &Cause, after_minutes: Option<i32>) -> bool {
    rule.spec.event == cause.event
        && rule.spec.after_minutes == after_minutes
        && rule.on_since <= cause.at
        && cause.by.is_none_or(|by| is_behind(rule, by))
}

/// A rule never follows itself, wherever it stands by now.
fn is_behind(rule: &Rule, (by, position): (Uuid, i32)) -> bool {
    rule.id != by && rule.position > position
}

/// Holds a rule against a ticket.
pub fn decide(rule: &Rule, facts: &Facts) -> Decision {
    let mut found = Vec::new();
    let holds = rule.read.conditions.holds(facts, &mut found);
    let own = found.len();
    let stops = rule.read.unless.as_ref().is_some_and(|unless| unless.holds(facts, &mut found));
    let bits =
        |found: &[Found]| found.iter().map(|one| if one.holds { '1' } else { '0' }).collect::<String>();
    let short = match &rule.read.unless {
        None => bits(&found),
        Some(_) => format!("{}/{}", bits(&found[..own]), bits(&found[own..])),
    };
    Decision { fires: holds && !stops, found, short }
}

/// Whether any of the rules asks for what is read out of messages, which takes a moment.
pub fn needs_reading(rules: &[&Rule]) -> bool {
    uses(rules, &["intent", "topics", "sentiment", "asks_compensation", "language"])
}

/// Whether any of the rules asks for what other parts know of the customer.
pub fn needs_outside(rules: &[&Rule]) -> bool {
    uses(rules, &["customer_archetype", "churn_band", "spend", "orders"])
}

/// Whether any of the rules asks for any of these fields.
pub fn uses(rules: &[&Rule], fields: &[&str]) -> bool {
    rules.iter().any(|rule| {
        let unless = rule.read.unless.iter().flat_map(|unless| unless.tests());
        rule.read
            .conditions
            .tests()
            .into_iter()
            .chain(unless)
            .any(|test| fields.contains(&test.field.as_str()))
    })
}

/// Whether a message is what the event is about.
pub fn is_of_a_message(event: Event) -> bool {
    matches!(event, Event::TicketCreated | Event::MessageReceived)
}
