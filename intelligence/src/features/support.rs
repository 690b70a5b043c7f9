//! Five more axes of a customer who writes in: how they communicate, how hard their problems are, whether they stay,
//! what they say of the service, and whether they ask for money back. A customer without tickets has none of them.

use serde::{Deserialize, Serialize};

use super::numbers::{mean, ratio, slope};
use crate::lines::day_of;

/// What is known of one ticket.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Ticket {
    /// When it was opened, minutes since 1970-01-01T00:00 in the shop's time zone.
    pub opened_minute: i32,
    /// A number for the channel it came by.
    pub channel: u8,
    /// The topic's key, 0 for none.
    pub topic: u64,
    /// Messages of both sides.
    pub messages: u32,
    /// Messages of the agent that asked for an answer.
    pub asked: u32,
    /// Those of them that the customer answered.
    pub answered: u32,
    /// Mean minutes that the customer took to answer.
    pub reply_minutes: Option<f64>,
    /// Whether it was opened again after it had been resolved.
    pub reopened: bool,
    /// Whether it was escalated.
    pub escalated: bool,
    /// Whether it is a complaint.
    pub complaint: bool,
    /// What the customer said of the service, 0 (bad) to 1 (good).
    pub satisfaction: Option<f64>,
    /// The tone of the customer's messages, 0 (angry) to 1 (happy).
    pub sentiment: Option<f64>,
    /// Whether the customer asked for compensation.
    pub asks_compensation: bool,
    /// Whether the customer spoke of prices.
    pub mentions_price: bool,
    /// Whether the customer asked for a discount.
    pub asks_discount: bool,
    /// When the customer was given a credit, if that happened.
    pub credit_minute: Option<i32>,
    /// Whether the credit was used.
    pub credit_used: bool,
}

/// The tenant's own rates, to which customers with few tickets are drawn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SupportStats {
    /// Mean satisfaction of the tickets that have one, 0 to 1.
    pub mean_satisfaction: Option<f64>,
}

/// One side of a customer in the support desk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SupportAxis {
    /// How they communicate.
    Communication,
    /// How hard their problems are.
    ProblemComplexity,
    /// Whether they stay.
    Loyalty,
    /// What they say of the service.
    Feedback,
    /// Whether they ask for money.
    ValueSensitivity,
}

impl SupportAxis {
    /// All of them.
    pub const ALL: [SupportAxis; 5] = [
        SupportAxis::Communication,
        SupportAxis::ProblemComplexity,
        SupportAxis::Loyalty,
        SupportAxis::Feedback,
        SupportAxis::ValueSensitivity,
    ];

    /// The axis's name on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            SupportAxis::Communication => "communication",
            SupportAxis::ProblemComplexity => "problem_complexity",
            SupportAxis::Loyalty => "loyalty",
            SupportAxis::Feedback => "feedback",
            SupportAxis::ValueSensitivity => "value_sensitivity",
        }
    }
}

/// One number about a customer's tickets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct SupportFeature {
    /// Its name, unique among all features.
    pub name: &'static str,
    /// The side that it describes.
    pub axis: SupportAxis,
    /// What it says, with its unit.
    pub meaning: &'static str,
}

/// How many numbers there are.
pub const COUNT: usize = 24;

/// All numbers, in the order of `compute`.
pub static FEATURES: [SupportFeature; COUNT] = {
    use SupportAxis::{Communication, Feedback, Loyalty, ProblemComplexity, ValueSensitivity};
    const fn feature(axis: SupportAxis, name: &'static str, meaning: &'static str) -> SupportFeature {
        SupportFeature { name, axis, meaning }
    }
    [
        feature(Communication, "channel_entropy", "entropy of the tickets' channels, in nats"),
        feature(Communication, "top_channel_share", "share of tickets by the most used channel"),
        feature(Communication, "ticket_hour_sine", "mean sine of the time of day"),
        feature(Communication, "ticket_hour_cosine", "mean cosine of the time of day"),
        feature(Communication, "reply_minutes", "mean minutes that the customer takes to answer"),
        feature(ProblemComplexity, "tickets_per_order", "tickets over orders"),
        feature(ProblemComplexity, "messages_per_ticket", "messages in a ticket"),
        feature(ProblemComplexity, "reopened_share", "share of tickets that were opened again"),
        feature(ProblemComplexity, "escalated_share", "share of tickets that were escalated"),
        feature(ProblemComplexity, "topics", "different topics"),
        feature(Loyalty, "order_rate_change", "ln of the orders of the last 90 days over the 90 before"),
        feature(Loyalty, "order_gap_trend", "change of ln(gap in days) from one purchase day to the next"),
        feature(Loyalty, "loyalty_tenure_days", "days since the first order or ticket"),
        feature(Loyalty, "repurchase_after_ticket", "share of tickets with an order in the 90 days after"),
        feature(Feedback, "satisfaction", "mean satisfaction, shrunk to the tenant's"),
        feature(Feedback, "sentiment", "mean sentiment, 0 angry to 1 happy"),
        feature(Feedback, "sentiment_trend", "change of sentiment from ticket to ticket"),
        feature(Feedback, "response_rate", "share of the agents' questions that were answered"),
        feature(Feedback, "complaint_share", "share of tickets that are complaints"),
        feature(ValueSensitivity, "compensation_share", "share of tickets that ask for compensation"),
        feature(ValueSensitivity, "price_mention_share", "share of tickets that speak of prices"),
        feature(ValueSensitivity, "discount_request_share", "share of tickets that ask for a discount"),
        feature(ValueSensitivity, "credit_used_share", "share of credits that were used"),
        feature(
            ValueSensitivity,
            "repurchase_after_credit",
            "share of credits with an order in the 90 days after",
        ),
    ]
};

/// Tickets of the tenant's mean satisfaction that are added to the customer's own.
const PRIOR_TICKETS: f64 = 3.0;
/// An order within this many days follows a ticket or credit.
const FOLLOW_UP_DAYS: i64 = 90;

/// All numbers of one customer as of the end of `until_day`, from the tickets and the minutes of the orders, each in
/// any order; later ones change nothing. All are missing without a ticket.
pub fn compute(
    tickets: &[Ticket],
    order_minutes: &[i32],
    stats: &SupportStats,
    until_day: i32,
) -> [Option<f64>; COUNT] {
    let last = crate::lines::last_minute(until_day);
    let mut tickets: Vec<Ticket> =
        tickets.iter().copied().filter(|ticket| ticket.opened_minute <= last).collect();
    if tickets.is_empty() {
        return [None; COUNT];
    }
    tickets.sort_by(compare);
    let mut orders: Vec<i32> = order_minutes.iter().copied().filter(|minute| *minute <= last).collect();
    orders.sort_unstable();
    let mut values = [None; COUNT];
    values[..5].copy_from_slice(&communication(&tickets));
    values[5..10].copy_from_slice(&complexity(&tickets, orders.len()));
    values[10..14].copy_from_slice(&loyalty(&tickets, &orders, until_day));
    values[14..19].copy_from_slice(&feedback(&tickets, stats));
    values[19..].copy_from_slice(&value_sensitivity(&tickets, &orders, until_day));
    values.map(|value| value.filter(|value| value.is_finite()))
}

fn communication(tickets: &[Ticket]) -> [Option<f64>; 5] {
    let count = tickets.len() as f64;
    let mut channels = [0_u32; 256];
    let (mut sine, mut cosine) = (0.0, 0.0);
    for ticket in tickets {
        channels[usize::from(ticket.channel)] += 1;
        let turn = f64::from(ticket.opened_minute.rem_euclid(1440)) / 1440.0 * std::f64::consts::TAU;
        sine += turn.sin();
        cosine += turn.cos();
    }
    let shares = || channels.iter().filter(|used| **used > 0).map(|&used| f64::from(used) / count);
    let replies: Vec<f64> = tickets.iter().filter_map(|ticket| ticket.reply_minutes).collect();
    [
        Some(shares().map(|share| -share * share.ln()).sum()),
        shares().reduce(f64::max),
        Some(sine / count),
        Some(cosine / count),
        mean(&replies),
    ]
}

fn complexity(tickets: &[Ticket], orders: usize) -> [Option<f64>; 5] {
    let mut topics: Vec<u64> =
        tickets.iter().map(|ticket| ticket.topic).filter(|topic| *topic != 0).collect();
    topics.sort_unstable();
    topics.dedup();
    let messages: f64 = tickets.iter().map(|ticket| f64::from(ticket.messages)).sum();
    [
        ratio(tickets.len() as f64, orders as f64),
        Some(messages / tickets.len() as f64),
        share(tickets, |ticket| ticket.reopened),
        share(tickets, |ticket| ticket.escalated),
        (!topics.is_empty()).then_some(topics.len() as f64),
    ]
}

fn loyalty(tickets: &[Ticket], orders: &[i32], until_day: i32) -> [Option<f64>; 4] {
    let age = |minute: i32| i64::from(until_day) - i64::from(day_of(minute));
    let recent = orders.iter().filter(|minute| age(**minute) < 90).count() as f64;
    let before = orders.iter().filter(|minute| (90..180).contains(&age(**minute))).count() as f64;
    let mut days: Vec<i32> = orders.iter().map(|minute| day_of(*minute)).collect();
    days.dedup();
    let gaps: Vec<f64> = days.windows(2).map(|pair| (f64::from(pair[1]) - f64::from(pair[0])).ln()).collect();
    let first = tickets.iter().map(|ticket| ticket.opened_minute).chain(orders.first().copied()).min();
    let opened: Vec<i32> = tickets.iter().map(|ticket| ticket.opened_minute).collect();
    [
        (!orders.is_empty()).then(|| ((recent + 0.5) / (before + 0.5)).ln()),
        slope(&gaps, 0.0),
        first.map(|minute| age(minute) as f64),
        followed(&opened, orders, until_day),
    ]
}

fn feedback(tickets: &[Ticket], stats: &SupportStats) -> [Option<f64>; 5] {
    let satisfaction: Vec<f64> = tickets.iter().filter_map(|ticket| ticket.satisfaction).collect();
    let sentiment: Vec<f64> = tickets.iter().filter_map(|ticket| ticket.sentiment).collect();
    let sum =
        |count: fn(&Ticket) -> u32| -> f64 { tickets.iter().map(|ticket| f64::from(count(ticket))).sum() };
    let shrunk = stats.mean_satisfaction.filter(|_| !satisfaction.is_empty()).and_then(|mean| {
        ratio(
            satisfaction.iter().sum::<f64>() + PRIOR_TICKETS * mean,
            satisfaction.len() as f64 + PRIOR_TICKETS,
        )
    });
    [
        shrunk,
        mean(&sentiment),
        slope(&sentiment, 0.0),
        ratio(sum(|ticket| ticket.answered), sum(|ticket| ticket.asked)),
        share(tickets, |ticket| ticket.complaint),
    ]
}

fn value_sensitivity(tickets: &[Ticket], orders: &[i32], until_day: i32) -> [Option<f64>; 5] {
    let last = crate::lines::last_minute(until_day);
    let credited =
        || tickets.iter().filter(|ticket| ticket.credit_minute.is_some_and(|minute| minute <= last));
    let used = credited().filter(|ticket| ticket.credit_used).count() as f64;
    let credits: Vec<i32> = credited().filter_map(|ticket| ticket.credit_minute).collect();
    [
        share(tickets, |ticket| ticket.asks_compensation),
        share(tickets, |ticket| ticket.mentions_price),
        share(tickets, |ticket| ticket.asks_discount),
        ratio(used, credits.len() as f64),
        followed(&credits, orders, until_day),
    ]
}

fn share(tickets: &[Ticket], holds: fn(&Ticket) -> bool) -> Option<f64> {
    ratio(tickets.iter().filter(|ticket| holds(ticket)).count() as f64, tickets.len() as f64)
}

/// The share of these moments with an order in the 90 days after, of those whose 90 days are over.
fn followed(minutes: &[i32], orders: &[i32], until_day: i32) -> Option<f64> {
    let (mut known, mut followed) = (0_u32, 0_u32);
    for &minute in minutes {
        let day = i64::from(day_of(minute));
        if i64::from(until_day) - day >= FOLLOW_UP_DAYS {
            let next = orders.get(orders.partition_point(|order| *order <= minute));
            known += 1;
            followed += u32::from(next.is_some_and(|next| i64::from(day_of(*next)) - day <= FOLLOW_UP_DAYS));
        }
    }
    ratio(f64::from(followed), f64::from(known))
}

/// Tickets by time, equal times by all that enters a sum in the order of tickets.
fn compare(a: &Ticket, b: &Ticket) -> std::cmp::Ordering {
    let number = |value: Option<f64>| value.unwrap_or(f64::NEG_INFINITY);
    a.opened_minute
        .cmp(&b.opened_minute)
        .then(number(a.sentiment).total_cmp(&number(b.sentiment)))
        .then(number(a.satisfaction).total_cmp(&number(b.satisfaction)))
        .then(number(a.reply_minutes).total_cmp(&number(b.reply_minutes)))
}
