//! The numbers of each support axis, from a customer's tickets (by time, at least one) and orders (by time).

use super::{SupportStats, Ticket};
use crate::features::numbers::{mean, ratio, slope};
use crate::lines::day_of;

/// Tickets of the tenant's mean satisfaction that are added to the customer's own.
const PRIOR_TICKETS: f64 = 3.0;
/// An order within this many days follows a ticket.
const FOLLOW_UP_DAYS: i64 = 90;

pub(super) fn communication(tickets: &[Ticket]) -> [Option<f64>; 5] {
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

pub(super) fn complexity(tickets: &[Ticket], orders: usize) -> [Option<f64>; 5] {
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

pub(super) fn loyalty(tickets: &[Ticket], orders: &[i32], until_day: i32) -> [Option<f64>; 4] {
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

pub(super) fn feedback(tickets: &[Ticket], stats: &SupportStats) -> [Option<f64>; 5] {
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

pub(super) fn value_sensitivity(tickets: &[Ticket]) -> [Option<f64>; 3] {
    [
        share(tickets, |ticket| ticket.asks_compensation),
        share(tickets, |ticket| ticket.mentions_price),
        share(tickets, |ticket| ticket.asks_discount),
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
