//! Tickets, policies and calendars for the tests.

use chrono::{DateTime, Utc};
use database::ids::TicketId;
use serde_json::{Value, json};
use support::sla::clocks::{Clock, derive};
use support::sla::facts::{Change, Facts, MessageFact};
use support::sla::policy::{Attributes, CalendarVersion, ClockKind, PolicyVersion, Rulebook};
use uuid::Uuid;

pub fn at(text: &str) -> DateTime<Utc> {
    DateTime::parse_from_rfc3339(text).unwrap_or_else(|_| panic!("{text} is a time")).to_utc()
}

/// Hours on each of these days, Monday is 0.
pub fn hours(zone: &str, days: &[usize], spans: Value, holidays: &[&str]) -> Value {
    let names = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
    let week: serde_json::Map<String, Value> =
        days.iter().map(|day| (names[*day].to_owned(), spans.clone())).collect();
    let holidays: Vec<Value> = holidays.iter().map(|date| json!({ "date": date })).collect();
    json!({ "zone": zone, "week": week, "holidays": holidays })
}

/// A tenant with one policy and one calendar that hold for ever.
pub fn book(hours: Value, targets: Value) -> Rulebook {
    let calendar = Uuid::now_v7();
    let policy = policy(calendar, "2000-01-01T00:00:00Z", None, 0, targets);
    Rulebook::new(vec![policy], vec![version(calendar, "2000-01-01T00:00:00Z", None, hours)])
}

pub fn policy(
    calendar: Uuid,
    from: &str,
    until: Option<&str>,
    position: i32,
    targets: Value,
) -> PolicyVersion {
    PolicyVersion {
        id: Uuid::now_v7(),
        policy_id: Uuid::now_v7(),
        valid_from: at(from),
        valid_until: until.map(at),
        position,
        spec: serde_json::from_value(json!({ "name": "P", "targets": targets, "calendar_id": calendar }))
            .expect("a policy"),
    }
}

pub fn version(calendar: Uuid, from: &str, until: Option<&str>, hours: Value) -> CalendarVersion {
    CalendarVersion {
        id: Uuid::now_v7(),
        calendar_id: calendar,
        valid_from: at(from),
        valid_until: until.map(at),
        is_default: true,
        hours: serde_json::from_value(hours).expect("hours"),
    }
}

pub fn business(minutes: i64) -> Value {
    json!({ "minutes": minutes, "time": "business" })
}

/// An open ticket of normal priority with the customer's first message.
pub fn ticket(created: &str) -> Facts {
    Facts {
        id: TicketId::new(),
        created_at: at(created),
        status: "open".to_owned(),
        attributes: Attributes {
            channel: "email".to_owned(),
            priority: "normal".to_owned(),
            ..Attributes::default()
        },
        is_spam: false,
        is_suspended: false,
        is_merged: false,
        is_archived: false,
        sla_due_at: None,
        sla_state: None,
        messages: vec![MessageFact { at: at(created), from_agent: false }],
        changes: Vec::new(),
        inherited: Vec::new(),
        clocks: Vec::new(),
    }
}

pub trait Happens: Sized {
    fn customer(self, time: &str) -> Self;
    fn reply(self, time: &str) -> Self;
    fn status(self, time: &str, status: &str) -> Self;
    fn priority(self, time: &str, priority: &str) -> Self;
    /// What of it was known then.
    fn known_at(&self, time: DateTime<Utc>) -> Facts;
}

impl Happens for Facts {
    fn customer(mut self, time: &str) -> Self {
        self.messages.push(MessageFact { at: at(time), from_agent: false });
        self
    }

    fn reply(mut self, time: &str) -> Self {
        self.messages.push(MessageFact { at: at(time), from_agent: true });
        self
    }

    fn status(mut self, time: &str, status: &str) -> Self {
        let old = std::mem::replace(&mut self.status, status.to_owned());
        self.changes.push(change(time, "status", &old, status));
        self
    }

    fn priority(mut self, time: &str, priority: &str) -> Self {
        let old = std::mem::replace(&mut self.attributes.priority, priority.to_owned());
        self.changes.push(change(time, "priority", &old, priority));
        self
    }

    fn known_at(&self, time: DateTime<Utc>) -> Facts {
        let mut known = self.clone();
        while let Some(change) = known.changes.pop_if(|change| change.at > time) {
            let old = change.old.and_then(|old| old.as_str().map(str::to_owned)).expect("what it was");
            match change.field.as_str() {
                "status" => known.status = old,
                _ => known.attributes.priority = old,
            }
        }
        known.messages.retain(|message| message.at <= time);
        known
    }
}

fn change(time: &str, field: &str, old: &str, new: &str) -> Change {
    Change { at: at(time), field: field.to_owned(), old: Some(json!(old)), new: Some(json!(new)) }
}

/// The clock of that kind and number, by what was known then.
pub fn clock(facts: &Facts, book: &Rulebook, kind: ClockKind, seq: i32, now: &str) -> Clock {
    let now = at(now);
    let clocks = derive(&facts.known_at(now), book, now);
    clocks.into_iter().find(|clock| clock.kind == kind && clock.seq == seq).expect("the clock")
}
