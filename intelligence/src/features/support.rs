//! Five more axes of a customer who writes in: how they communicate, how hard their problems are, whether they stay,
//! what they say of the service, and whether they ask for money back. A customer without tickets has none of them.

mod axes;

use std::ops::Range;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::lines::Lines;
use crate::matrix::Matrix;
use crate::orders;

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

    /// Where its numbers are among all of them.
    pub const fn columns(self) -> Range<usize> {
        match self {
            SupportAxis::Communication => 0..5,
            SupportAxis::ProblemComplexity => 5..10,
            SupportAxis::Loyalty => 10..14,
            SupportAxis::Feedback => 14..19,
            SupportAxis::ValueSensitivity => 19..22,
        }
    }

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
pub const COUNT: usize = 22;

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
    ]
};

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
    values[..5].copy_from_slice(&axes::communication(&tickets));
    values[5..10].copy_from_slice(&axes::complexity(&tickets, orders.len()));
    values[10..14].copy_from_slice(&axes::loyalty(&tickets, &orders, until_day));
    values[14..19].copy_from_slice(&axes::feedback(&tickets, stats));
    values[19..].copy_from_slice(&axes::value_sensitivity(&tickets));
    values.map(|value| value.map(|value| value + 0.0).filter(|value| value.is_finite()))
}

/// The numbers of every customer of these lines as of the end of `until_day`, a row a customer: `tickets` has each one's
/// tickets, in any order. Who has none by then has a row of missing values.
///
/// # Panics
/// There are not as many lists of tickets as customers.
pub fn table(lines: &Lines, tickets: &[Vec<Ticket>], stats: &SupportStats, until_day: i32) -> Matrix {
    assert_eq!(lines.customers(), tickets.len(), "tickets of every customer");
    let mut table = Matrix::missing(tickets.len(), COUNT);
    table.values_mut().par_chunks_mut(COUNT).zip(tickets).enumerate().with_min_len(512).for_each_init(
        Vec::new,
        |orders, (customer, (row, tickets))| {
            if tickets.is_empty() {
                return;
            }
            orders::collect(lines, customer, until_day, orders);
            let minutes: Vec<i32> =
                orders.iter().filter(|order| order.sells()).map(|order| order.minute).collect();
            for (slot, value) in row.iter_mut().zip(compute(tickets, &minutes, stats, until_day)) {
                let value = value.map(|value| value as f32).filter(|value| value.is_finite());
                *slot = value.unwrap_or(f32::NAN);
            }
        },
    );
    table
}

/// The column of a number.
pub fn column(name: &str) -> Option<usize> {
    FEATURES.iter().position(|feature| feature.name == name)
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

#[cfg(test)]
mod tests {
    use super::*;

    const UNTIL_DAY: i32 = 20_000;

    fn ticket(days_ago: i32, channel: u8) -> Ticket {
        Ticket {
            opened_minute: (UNTIL_DAY - days_ago) * 1440 + 360,
            channel,
            messages: 2,
            ..Ticket::default()
        }
    }

    fn named(values: &[Option<f64>; COUNT], name: &str) -> Option<f64> {
        let at = FEATURES.iter().position(|feature| feature.name == name).expect("a feature of this name");
        values[at].map(|value| (value * 1e6).round() / 1e6)
    }

    #[test]
    fn a_customer_without_tickets_has_none_of_it() {
        let orders = [(UNTIL_DAY - 5) * 1440];
        assert_eq!(compute(&[], &orders, &SupportStats::default(), UNTIL_DAY), [None; COUNT]);
        let later = [ticket(-1, 1)];
        assert_eq!(compute(&later, &orders, &SupportStats::default(), UNTIL_DAY), [None; COUNT]);
    }

    #[test]
    fn each_axis_by_hand() {
        let day = |days_ago: i32| (UNTIL_DAY - days_ago) * 1440 + 720;
        let tickets = [
            Ticket { sentiment: Some(0.2), complaint: true, topic: 7, reopened: true, ..ticket(300, 1) },
            Ticket {
                sentiment: Some(0.4),
                satisfaction: Some(1.0),
                asked: 4,
                answered: 3,
                reply_minutes: Some(30.0),
                topic: 9,
                ..ticket(200, 1)
            },
            Ticket { sentiment: Some(0.9), asks_discount: true, topic: 7, messages: 8, ..ticket(10, 2) },
            ticket(8, 1),
        ];
        // Gaps of 40, 80 and 160 days: ln(gap) rises by ln 2 each time.
        let orders = [day(299), day(259), day(179), day(19), day(-1)];
        let stats = SupportStats { mean_satisfaction: Some(0.6) };
        let values = compute(&tickets, &orders, &stats, UNTIL_DAY);
        let get = |name| named(&values, name);
        assert_eq!(get("channel_entropy"), Some(0.562335));
        assert_eq!(get("top_channel_share"), Some(0.75));
        assert_eq!((get("ticket_hour_sine"), get("ticket_hour_cosine")), (Some(1.0), Some(0.0)));
        assert_eq!(get("reply_minutes"), Some(30.0));
        assert_eq!(get("tickets_per_order"), Some(1.0));
        assert_eq!(get("messages_per_ticket"), Some(3.5));
        assert_eq!((get("reopened_share"), get("escalated_share")), (Some(0.25), Some(0.0)));
        assert_eq!(get("topics"), Some(2.0));
        assert_eq!(get("order_rate_change"), Some(0.0));
        let doubling = (std::f64::consts::LN_2 * 1e6).round() / 1e6;
        assert_eq!(get("order_gap_trend"), Some(doubling));
        assert_eq!(get("loyalty_tenure_days"), Some(300.0));
        // Of the four tickets two are older than 90 days; both have an order within 90 days.
        assert_eq!(get("repurchase_after_ticket"), Some(1.0));
        // (1 + 3 x 0.6) / 4
        assert_eq!(get("satisfaction"), Some(0.7));
        assert_eq!((get("sentiment"), get("sentiment_trend")), (Some(0.5), Some(0.35)));
        assert_eq!((get("response_rate"), get("complaint_share")), (Some(0.75), Some(0.25)));
        assert_eq!((get("compensation_share"), get("discount_request_share")), (Some(0.0), Some(0.25)));
        let mut turned = tickets;
        turned.reverse();
        assert_eq!(compute(&turned, &orders, &stats, UNTIL_DAY), values);
    }

    #[test]
    fn an_axis_has_its_features_together() {
        let axes: Vec<SupportAxis> =
            FEATURES.chunk_by(|a, b| a.axis == b.axis).map(|group| group[0].axis).collect();
        assert_eq!(axes, SupportAxis::ALL);
        for (at, feature) in FEATURES.iter().enumerate() {
            assert!(feature.axis.columns().contains(&at), "{}", feature.name);
        }
    }
}
