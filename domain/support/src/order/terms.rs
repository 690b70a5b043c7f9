//! The terms of a ticket's score, with their weights, and the key that they make.
//!
//! Pure: no database and no clock. The weights are points; a point is worth two hours of waiting of a customer whose
//! clock is the same.

use chrono::{DateTime, TimeZone, Utc};
use serde::{Deserialize, Serialize};

use super::tier::Tier;

/// Points of a customer who is certain to leave; less in proportion.
const CHURN: f64 = 3.0;
/// Points of the customer who is worth most; less in proportion to the share of customers who are worth less.
const VALUE: f64 = 2.0;
/// Points of an utterly unhappy message; none from the middle of the scale on.
const SENTIMENT: f64 = 2.0;
/// Points of a ticket on a topic that the tenant alerts on.
const ALERT: f64 = 5.0;
/// Points of a matter that is quickly answered: where is my order.
const QUICK: f64 = 1.0;
/// Points of a matter that takes its time: refunds, broken or wrong goods. It gives way a little.
const LABORIOUS: f64 = -1.5;
/// Points of a clock of which 80 % are used up.
const AT_RISK: f64 = 4.0;
/// Points of a clock that has run out.
const BREACHED: f64 = 8.0;
/// Points of a ticket in which nobody waits for us.
const ANSWERED: f64 = -6.0;
/// Points for each hour that the customer waits.
const WAITING_AN_HOUR: f64 = 0.25;
/// Points for each hour that the due time is nearer, and past it.
const DUE_AN_HOUR: f64 = 0.25;
/// A due time further than this from the beginning of the wait counts as this far, and so does a clock that has none.
pub const DUE_WITHIN_HOURS: f64 = 168.0;
/// What stands in for the churn of a customer of a tenant of whom nothing was computed.
const CHURN_UNKNOWN: f64 = 0.5;
/// The median of shares.
const VALUE_UNKNOWN: f64 = 0.5;

/// Topics that are quickly answered.
const QUICK_TOPICS: &[&str] = &["order_status"];
/// Topics that take their time.
const LABORIOUS_TOPICS: &[&str] = &["refund", "return", "damaged", "wrong_item", "defective"];

/// What the score is made from.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Inputs {
    /// Probability that the customer leaves, 0 to 1.
    pub churn: Option<f64>,
    /// The tenant's median of it.
    pub churn_median: Option<f64>,
    /// The share of the tenant's customers that are worth less, 0 to 1.
    pub value: Option<f64>,
    /// Their tier.
    pub tier: Option<Tier>,
    /// urgent, high, normal or low.
    pub priority: String,
    /// 0 angry, 1 happy.
    pub sentiment: Option<f64>,
    /// What the ticket is about.
    pub topics: Vec<String>,
    /// The first of its topics that the tenant alerts on.
    pub alert: Option<String>,
    /// Since when the customer waits; none when nobody waits for us.
    pub waiting_since: Option<DateTime<Utc>>,
    /// When anything was last said; what counts when nobody waits.
    pub idle_since: DateTime<Utc>,
    /// When the clock that runs out first is due.
    pub due: Option<DateTime<Utc>>,
    /// within_sla, at_risk or breached.
    pub clock: Option<String>,
}

/// The terms of a score, as they are stored: points, and what they were computed from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Terms {
    /// Risk of leaving.
    pub churn: Estimated,
    /// Lifetime value.
    pub value: Estimated,
    /// Tier.
    pub tier: Named,
    /// Priority.
    pub priority: Named,
    /// Sentiment; the value is none while no message was analysed.
    pub sentiment: Measured,
    /// Difficulty; the words are the topics that it was told by.
    pub difficulty: Named,
    /// Alert on a topic.
    pub alert: Named,
    /// State of the clock.
    pub clock: Named,
    /// What it is worth that nobody waits; nothing when somebody does.
    pub answered: f64,
    /// From when on the wait counts.
    pub since: DateTime<Utc>,
    /// Whether a customer waits since then.
    pub waits: bool,
    /// The due time that counts.
    pub due: DateTime<Utc>,
    /// Whether a clock says so; else it is [`DUE_WITHIN_HOURS`] after the beginning of the wait.
    pub is_due_told: bool,
}

/// A term of an estimate.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Estimated {
    /// Points.
    pub points: f64,
    /// The number they come from.
    pub value: f64,
    /// Whether it is this customer's; else it is the tenant's median.
    pub known: bool,
}

/// A term of a number that may be missing.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Measured {
    /// Points.
    pub points: f64,
    /// The number they come from.
    pub value: Option<f64>,
}

/// A term of a word.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Named {
    /// Points.
    pub points: f64,
    /// The word they come from; empty for none.
    pub word: String,
}

impl Terms {
    /// The terms of a ticket.
    pub fn of(inputs: &Inputs) -> Terms {
        let since = inputs.waiting_since.unwrap_or(inputs.idle_since);
        let latest = since + chrono::Duration::milliseconds((DUE_WITHIN_HOURS * 3_600_000.0) as i64);
        Terms {
            churn: estimated(CHURN, inputs.churn, inputs.churn_median.unwrap_or(CHURN_UNKNOWN)),
            value: estimated(VALUE, inputs.value, VALUE_UNKNOWN),
            tier: tier(inputs.tier),
            priority: priority(&inputs.priority),
            sentiment: sentiment(inputs.sentiment),
            difficulty: difficulty(&inputs.topics),
            alert: named(inputs.alert.as_ref().map_or(0.0, |_| ALERT), inputs.alert.as_deref()),
            clock: clock(inputs.clock.as_deref()),
            answered: if inputs.waiting_since.is_some() { 0.0 } else { ANSWERED },
            since,
            waits: inputs.waiting_since.is_some(),
            // Never before the beginning of the wait, so that it stays bounded like everything else.
            due: inputs.due.map_or(latest, |due| due.clamp(since, latest)),
            is_due_told: inputs.due.is_some(),
        }
    }

    /// The key of the order: a greater one comes first. It does not depend on the time, see [`crate::order`].
    pub fn rank(&self) -> f64 {
        let begin = beginning();
        self.fixed() - WAITING_AN_HOUR * hours(begin, self.since) - DUE_AN_HOUR * hours(begin, self.due)
    }

    /// The score at a moment, in points.
    pub fn score(&self, now: DateTime<Utc>) -> f64 {
        self.fixed() + self.waiting(now) + self.nearness(now)
    }

    /// Points of the wait until `now`.
    pub fn waiting(&self, now: DateTime<Utc>) -> f64 {
        WAITING_AN_HOUR * hours(self.since, now)
    }

    /// Points of the due time as of `now`; negative before it.
    pub fn nearness(&self, now: DateTime<Utc>) -> f64 {
        DUE_AN_HOUR * hours(self.due, now)
    }

    /// What does not depend on the time: at most about 32 points, at least about -7.5.
    fn fixed(&self) -> f64 {
        self.churn.points
            + self.value.points
            + self.tier.points
            + self.priority.points
            + self.sentiment.points
            + self.difficulty.points
            + self.alert.points
            + self.clock.points
            + self.answered
    }
}

/// Where the hours of keys are counted from; any moment would do, and it must never change.
fn beginning() -> DateTime<Utc> {
    Utc.timestamp_opt(1_767_225_600, 0).single().unwrap_or_default()
}

/// Hours from one moment to another, with microseconds.
pub(super) fn hours(from: DateTime<Utc>, to: DateTime<Utc>) -> f64 {
    let span = to - from;
    span.num_microseconds().map_or(span.num_seconds() as f64 / 3_600.0, |micros| micros as f64 / 3.6e9)
}

fn estimated(weight: f64, of_customer: Option<f64>, median: f64) -> Estimated {
    let of_customer = of_customer.filter(|share| share.is_finite());
    let value = of_customer.unwrap_or(if median.is_finite() { median } else { 0.5 }).clamp(0.0, 1.0);
    Estimated { points: weight * value, value, known: of_customer.is_some() }
}

fn named(points: f64, word: Option<&str>) -> Named {
    Named { points, word: word.unwrap_or_default().to_owned() }
}

fn tier(tier: Option<Tier>) -> Named {
    let points = match tier {
        Some(Tier::Platinum) => 2.0,
        Some(Tier::Gold) => 1.0,
        Some(Tier::Silver) => 0.5,
        // Nobody knows: as the median customer, who is where silver begins.
        Some(Tier::Standard) | None => 0.0,
    };
    named(points, tier.map(Tier::name))
}

fn priority(word: &str) -> Named {
    let points = match word {
        "urgent" => 6.0,
        "high" => 4.5,
        "low" => 0.75,
        _ => 1.5,
    };
    named(points, Some(word))
}

/// Nothing for what is neutral or better, and for what nobody has read yet.
fn sentiment(value: Option<f64>) -> Measured {
    let value = value.filter(|value| value.is_finite()).map(|value| value.clamp(0.0, 1.0));
    Measured { points: value.map_or(0.0, |value| SENTIMENT * (1.0 - 2.0 * value).max(0.0)), value }
}

fn difficulty(topics: &[String]) -> Named {
    let among = |known: &[&str]| topics.iter().find(|topic| known.contains(&topic.as_str()));
    let (quick, laborious) = (among(QUICK_TOPICS), among(LABORIOUS_TOPICS));
    let points = quick.map_or(0.0, |_| QUICK) + laborious.map_or(0.0, |_| LABORIOUS);
    let words: Vec<&str> = quick.into_iter().chain(laborious).map(String::as_str).collect();
    named(points, Some(&words.join(", ")))
}

fn clock(state: Option<&str>) -> Named {
    let points = match state {
        Some("breached") => BREACHED,
        Some("at_risk") => AT_RISK,
        _ => 0.0,
    };
    named(points, state)
}
