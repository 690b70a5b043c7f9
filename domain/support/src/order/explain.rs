//! A ticket's place in the order, term by term and in words. The points add up to the score.

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::terms::{DUE_WITHIN_HOURS, Estimated, Named, Terms, hours};

/// Why a ticket stands where it stands, as of a moment.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Explanation {
    /// The sum of the points below.
    pub score: f64,
    /// The moment.
    pub as_of: DateTime<Utc>,
    /// The terms, those with most points first.
    pub terms: Vec<Explained>,
}

/// One term.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Explained {
    /// Its name.
    pub term: &'static str,
    /// Points, with three decimals.
    pub points: f64,
    /// Why, as a sentence.
    pub why: String,
}

impl Terms {
    /// Every term as of `now`.
    pub fn explain(&self, now: DateTime<Utc>) -> Explanation {
        let mut terms = vec![
            explained("churn", self.churn.points, churn(self.churn)),
            explained("lifetime_value", self.value.points, value(self.value)),
            explained("tier", self.tier.points, tier(&self.tier)),
            explained("priority", self.priority.points, format!("The priority is {}.", self.priority.word)),
            explained("sentiment", self.sentiment.points, sentiment(self.sentiment.value)),
            explained("difficulty", self.difficulty.points, difficulty(&self.difficulty)),
            explained("topic_alert", self.alert.points, alert(&self.alert)),
            explained("sla_state", self.clock.points, clock(&self.clock)),
            explained("waiting", self.answered + self.waiting(now), self.wait(now)),
            explained("time_to_breach", self.nearness(now), self.due_in(now)),
        ];
        terms.sort_by(|one, other| other.points.total_cmp(&one.points));
        let thousandths: f64 = terms.iter().map(|term| (term.points * 1_000.0).round()).sum();
        Explanation { score: thousandths / 1_000.0, as_of: now, terms }
    }

    fn wait(&self, now: DateTime<Utc>) -> String {
        let span = span(hours(self.since, now));
        if self.waits {
            format!("The customer has waited for {span}.")
        } else {
            format!("Nobody waits for us; the last word was {span} ago.")
        }
    }

    fn due_in(&self, now: DateTime<Utc>) -> String {
        let left = hours(now, self.due);
        match (self.is_due_told, left >= 0.0) {
            (false, _) => {
                format!("No clock runs, which counts as one of {DUE_WITHIN_HOURS:.0} hours.")
            }
            (true, true) => format!("The next clock is due in {}.", span(left)),
            (true, false) => format!("The next clock was due {} ago.", span(-left)),
        }
    }
}

fn explained(term: &'static str, points: f64, why: String) -> Explained {
    // What rounds to nothing is nothing, never minus nothing.
    Explained { term, points: (points * 1_000.0).round() / 1_000.0 + 0.0, why }
}

fn churn(term: Estimated) -> String {
    // Nobody is certain.
    let percent = percent(term.value).clamp(1, 99);
    if term.known {
        format!("The customer leaves with a probability of {percent} %.")
    } else {
        format!(
            "The customer's risk of leaving is not known; {percent} % stand in, the middle of all customers."
        )
    }
}

fn value(term: Estimated) -> String {
    let percent = percent(term.value);
    if term.known {
        format!("The customer is worth more than {percent} % of the customers.")
    } else {
        "What the customer is worth is not known; the middle of all customers stands in.".to_owned()
    }
}

fn tier(term: &Named) -> String {
    if term.word.is_empty() {
        "The customer's tier is not known.".to_owned()
    } else {
        format!("The customer's tier is {}.", term.word)
    }
}

fn sentiment(value: Option<f64>) -> String {
    match value {
        None => "No message has been read for its mood yet, which counts as neutral.".to_owned(),
        Some(value) => format!("The customer's mood is {} of 100.", percent(value)),
    }
}

fn difficulty(term: &Named) -> String {
    match term.word.as_str() {
        "" => "Nothing says whether the matter is quick or takes its time.".to_owned(),
        word if term.points > 0.0 => format!("The matter is quickly answered: {word}."),
        word => format!("The matter takes its time: {word}."),
    }
}

fn alert(term: &Named) -> String {
    match term.word.as_str() {
        "" => "No topic of the ticket is on alert.".to_owned(),
        word => format!("The topic {word} is on alert."),
    }
}

fn clock(term: &Named) -> String {
    match term.word.as_str() {
        "breached" => "A clock has run out.".to_owned(),
        "at_risk" => "A clock is nearly used up.".to_owned(),
        "within_sla" => "The clocks are within their targets.".to_owned(),
        _ => "No clock runs.".to_owned(),
    }
}

fn percent(share: f64) -> i64 {
    (share * 100.0).round() as i64
}

/// A span in words, of its greatest two units.
fn span(hours: f64) -> String {
    let minutes = (hours.max(0.0) * 60.0).floor() as i64;
    let (days, hours, minutes) = (minutes / 1_440, minutes / 60 % 24, minutes % 60);
    let count = |n: i64, unit: &str| format!("{n} {unit}{}", if n == 1 { "" } else { "s" });
    match (days, hours) {
        (0, 0) => count(minutes, "minute"),
        (0, _) => format!("{} {}", count(hours, "hour"), count(minutes, "minute")),
        _ => format!("{} {}", count(days, "day"), count(hours, "hour")),
    }
}
