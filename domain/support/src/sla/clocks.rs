//! All clocks of a ticket, derived from its messages and its history.
//!
//! Nothing here knows the time but through `now`, and nothing depends on when it is computed: a reply that the help desk
//! tells of late ends its clock at the time of the reply.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::facts::{Change, Facts};
use super::policy::{Attributes, ClockKind, Rulebook};
use super::timeline::{Interval, Reading, Rule, Spent, Standing, Target, Timeline};

/// A clock.
#[derive(Clone, Debug)]
pub struct Clock {
    /// What it measures.
    pub kind: ClockKind,
    /// Its number among those of its kind, from 1: only the next response has more than one.
    pub seq: i32,
    /// Its course.
    pub timeline: Timeline,
    /// When it ended.
    pub ended_at: Option<DateTime<Utc>>,
    /// What ended it.
    pub ended_by: Option<EndedBy>,
    /// How it stands, or stood when it ended.
    pub reading: Reading,
    /// What became of it.
    pub verdict: Option<Verdict>,
    /// What it had come to before it went on.
    pub superseded: Vec<Superseded>,
}

/// What became of a clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum Verdict {
    /// Ended at or before it was due.
    Met,
    /// Ended later.
    Missed,
    /// Nothing was to be met any more.
    Cancelled,
    /// Nothing was promised; it is kept because it measures.
    None,
}

impl Verdict {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Verdict::Met => "met",
            Verdict::Missed => "missed",
            Verdict::Cancelled => "cancelled",
            Verdict::None => "none",
        }
    }
}

/// What ended a clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EndedBy {
    /// A person answered.
    Reply,
    /// The ticket was resolved.
    Resolved,
    /// It was merged into another one.
    Merged,
    /// It is spam.
    Spam,
    /// It was suspended.
    Suspended,
    /// It was put away.
    Archived,
    /// The policy promises nothing any more.
    NoTarget,
}

/// What a clock had come to before something lifted it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Superseded {
    /// When it was lifted.
    pub at: DateTime<Utc>,
    /// `reopened` or `longer_target`.
    pub by: String,
    /// When it had been due.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub due_at: Option<DateTime<Utc>>,
    /// When it had ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<DateTime<Utc>>,
    /// met, missed, or breached.
    pub was: String,
}

impl Clock {
    /// running, paused or ended.
    pub fn state(&self) -> &'static str {
        match (self.ended_at, self.reading.paused) {
            (Some(_), _) => "ended",
            (None, true) => "paused",
            (None, false) => "running",
        }
    }

    /// When it stopped being read: its end, or `now`.
    pub fn read_at(&self, now: DateTime<Utc>) -> DateTime<Utc> {
        self.ended_at.unwrap_or(now)
    }

    /// The rule in force when it was read.
    pub fn rule(&self, now: DateTime<Utc>) -> Option<&Rule> {
        self.timeline.rule_at(self.read_at(now))
    }

    /// How many different promises it has had: alerts are given once for each.
    pub fn target_version(&self) -> i32 {
        i32::try_from(self.timeline.rules().len()).unwrap_or(i32::MAX)
    }

    /// Time since its start without pauses and resolved times, in all time.
    pub fn calendar_time(&self, now: DateTime<Utc>) -> TimeDelta {
        let until = self.read_at(now);
        let counts = |spent| !matches!(spent, Spent::Paused | Spent::Resolved);
        let stretches = self.timeline.stretches(until).filter(|stretch| counts(stretch.spent));
        stretches.map(|stretch| stretch.to - stretch.from).sum()
    }

    /// The same in opening hours: of the rule's calendar, else of the tenant's own; none when there is neither.
    pub fn business_time(&self, book: &Rulebook, now: DateTime<Utc>) -> Option<TimeDelta> {
        let until = self.read_at(now);
        let by_rule = self.rule(now).and_then(|rule| rule.target.as_ref()?.calendar.clone());
        let calendar = match by_rule {
            Some((_, calendar)) => calendar,
            None => book.default_calendar(until)?,
        };
        let counts = |spent| !matches!(spent, Spent::Paused | Spent::Resolved);
        let mut open = TimeDelta::zero();
        let mut last: Option<(DateTime<Utc>, DateTime<Utc>)> = None;
        let mut count = |from, to| {
            let pieces =
                calendar.pieces(from, to).filter(|piece| piece.hours == super::calendar::Hours::Open);
            open += pieces.map(|piece| piece.length()).sum::<TimeDelta>();
        };
        for stretch in self.timeline.stretches(until).filter(|stretch| counts(stretch.spent)) {
            match &mut last {
                Some((_, to)) if *to == stretch.from => *to = stretch.to,
                _ => {
                    if let Some((from, to)) = last.replace((stretch.from, stretch.to)) {
                        count(from, to);
                    }
                }
            }
        }
        if let Some((from, to)) = last {
            count(from, to);
        }
        Some(open)
    }
}

/// Derives the clocks of a ticket. Those that nothing was promised for are there once they ended.
pub fn derive(facts: &Facts, book: &Rulebook, now: DateTime<Utc>) -> Vec<Clock> {
    let history = History::of(facts);
    let mut clocks = Vec::new();
    for turn in history.turns() {
        // A first response that was resolved away unanswered goes on when the ticket is opened again.
        let stopped = match turn.kind {
            ClockKind::FirstResponse => history.resolved.clone(),
            _ => Vec::new(),
        };
        let timeline = history.timeline(book, turn.kind, turn.start, stopped);
        let mut clock = history.clock(timeline, &turn, now);
        if turn.kind == ClockKind::FirstResponse {
            clock.superseded.splice(0..0, history.reopened(&clock, "cancelled"));
        }
        clocks.push(clock);
    }
    for kind in [ClockKind::Resolution, ClockKind::FirstResolution] {
        let start = history.start;
        let stopped = match kind {
            ClockKind::Resolution => history.resolved.clone(),
            _ => Vec::new(),
        };
        let timeline = history.timeline(book, kind, start, stopped);
        let ended = match kind {
            ClockKind::Resolution => history.resolved.last().filter(|interval| interval.to.is_none()),
            _ => history.resolved.first(),
        };
        let turn = Turn {
            kind,
            seq: 1,
            start,
            end: ended.map(|interval| (interval.from.max(start), EndedBy::Resolved)),
            unanswered: false,
        };
        let mut clock = history.clock(timeline, &turn, now);
        if kind == ClockKind::Resolution {
            clock.superseded.splice(0..0, history.reopened(&clock, "met"));
        }
        clocks.push(clock);
    }
    clocks.retain(|clock| clock.ended_at.is_some() || clock.timeline.has_target());
    clocks
}

/// From when until when somebody waited for an answer, or the ticket for its end.
struct Turn {
    kind: ClockKind,
    seq: i32,
    start: DateTime<Utc>,
    end: Option<(DateTime<Utc>, EndedBy)>,
    /// It is the first response, and the ticket was resolved without any.
    unanswered: bool,
}

/// What happened to a ticket.
struct History<'a> {
    facts: &'a Facts,
    start: DateTime<Utc>,
    pending: Vec<Interval>,
    resolved: Vec<Interval>,
    /// What decided about its policy, from when on.
    attributes: Vec<(DateTime<Utc>, Attributes)>,
    cancelled: Option<(DateTime<Utc>, EndedBy)>,
}

/// Later episodes of being resolved are not looked into beyond this many.
const MAX_REOPENED: usize = 10;

impl History<'_> {
    fn of(facts: &Facts) -> History<'_> {
        let start = facts.messages.iter().map(|message| message.at).fold(facts.created_at, DateTime::min);
        let statuses = statuses(facts, start);
        let of = |names: &[&str]| -> Vec<Interval> {
            let mut found: Vec<Interval> = Vec::new();
            for (index, (from, status)) in statuses.iter().enumerate() {
                if !names.contains(&status.as_str()) {
                    continue;
                }
                let to = statuses.get(index + 1).map(|(to, _)| *to);
                match found.last_mut().filter(|last| last.to == Some(*from)) {
                    Some(last) => last.to = to,
                    None => found.push(Interval { from: *from, to }),
                }
            }
            found.retain(|interval| interval.to != Some(interval.from));
            found
        };
        History {
            facts,
            start,
            pending: of(&["pending"]),
            resolved: of(&["resolved", "closed"]),
            attributes: attributes(facts),
            cancelled: cancelled(facts),
        }
    }

    /// Who waited for an answer, from when until when.
    fn turns(&self) -> Vec<Turn> {
        #[derive(PartialEq, Eq, PartialOrd, Ord)]
        enum Event {
            Customer(DateTime<Utc>),
            Reply,
            Resolved,
            Reopened,
        }
        let mut events: Vec<(DateTime<Utc>, Event)> = self
            .facts
            .messages
            .iter()
            .map(|message| {
                (message.at, if message.from_agent { Event::Reply } else { Event::Customer(message.at) })
            })
            .collect();
        events.extend(self.facts.inherited.iter().map(|one| (one.at, Event::Customer(one.since))));
        events.extend(self.resolved.iter().map(|interval| (interval.from, Event::Resolved)));
        events.extend(self.resolved.iter().filter_map(|interval| Some((interval.to?, Event::Reopened))));
        events.sort_unstable();
        let mut turns: Vec<Turn> = Vec::new();
        let mut waiting: Option<DateTime<Utc>> = None;
        // Since when the first response was waited for when the ticket was resolved without one, and when that was.
        let mut held: Option<(DateTime<Utc>, DateTime<Utc>)> = None;
        let (mut first_is_over, mut seq) = (false, 0);
        for (at, event) in events {
            let by = match event {
                Event::Customer(since) => {
                    waiting = Some(waiting.map_or(since, |known| known.min(since)));
                    continue;
                }
                Event::Reply => EndedBy::Reply,
                Event::Resolved => EndedBy::Resolved,
                Event::Reopened => {
                    if let Some((start, _)) = held.take() {
                        waiting = Some(waiting.map_or(start, |known| known.min(start)));
                    }
                    continue;
                }
            };
            // What is said to a resolved ticket comes too late to be its first response.
            if let Some((start, end)) = held.take() {
                turns.push(turn(first_is_over, &mut seq, start, Some((end, EndedBy::Resolved)), true));
                first_is_over = true;
            }
            let Some(start) = waiting.take() else { continue };
            if !first_is_over && by == EndedBy::Resolved {
                held = Some((start, at.max(start)));
                continue;
            }
            turns.push(turn(first_is_over, &mut seq, start, Some((at.max(start), by)), false));
            first_is_over = true;
        }
        if let Some((start, end)) = held {
            turns.push(turn(first_is_over, &mut seq, start, Some((end, EndedBy::Resolved)), true));
            first_is_over = true;
        }
        if let Some(start) = waiting {
            turns.push(turn(first_is_over, &mut seq, start, None, false));
        }
        turns
    }

    /// A clock's course under all that ever held.
    fn timeline(
        &self,
        book: &Rulebook,
        kind: ClockKind,
        start: DateTime<Utc>,
        stopped: Vec<Interval>,
    ) -> Timeline {
        let mut edges: Vec<DateTime<Utc>> =
            self.attributes.iter().map(|(from, _)| *from).chain(book.edges()).collect();
        edges.retain(|edge| *edge > start);
        edges.push(start);
        edges.sort_unstable();
        edges.dedup();
        let rules = edges.into_iter().map(|at| book.rule_at(at, self.attributes_at(at), kind));
        Timeline::new(start, rules, self.pending.clone(), stopped)
    }

    fn attributes_at(&self, at: DateTime<Utc>) -> &Attributes {
        let held = self.attributes.iter().rev().find(|(from, _)| *from <= at);
        &held.or(self.attributes.first()).expect("a ticket has attributes from its beginning").1
    }

    fn clock(&self, timeline: Timeline, turn: &Turn, now: DateTime<Utc>) -> Clock {
        let end =
            [turn.end, self.cancelled.map(|(at, by)| (at.max(turn.start), by)), promise_gone(&timeline, now)]
                .into_iter()
                .flatten()
                .min_by_key(|(at, _)| *at);
        let timeline = match end {
            Some((at, _)) => timeline.ended(at),
            None => timeline,
        };
        let reading = timeline.read(end.map_or(now, |(at, _)| at));
        let in_time = reading.standing != Standing::Breached;
        let verdict = end.map(|(_, by)| match by {
            EndedBy::Reply | EndedBy::Resolved if !timeline.has_target() => Verdict::None,
            EndedBy::Resolved if turn.unanswered && in_time => Verdict::Cancelled,
            EndedBy::Reply | EndedBy::Resolved if in_time => Verdict::Met,
            EndedBy::Reply | EndedBy::Resolved => Verdict::Missed,
            _ => Verdict::Cancelled,
        });
        let lifted = reading.lifted.iter().map(|lifted| Superseded {
            at: lifted.at,
            by: "longer_target".to_owned(),
            due_at: Some(lifted.due_at),
            ended_at: None,
            was: "breached".to_owned(),
        });
        Clock {
            kind: turn.kind,
            seq: turn.seq,
            ended_at: end.map(|(at, _)| at),
            ended_by: end.map(|(_, by)| by),
            verdict,
            superseded: lifted.collect(),
            // What is paused is due at no time; a breach stays one.
            reading: match reading.paused && end.is_none() {
                true => Reading { warn_at: reading.warn_at.filter(|at| *at <= now), ..reading },
                false => reading,
            },
            timeline,
        }
    }

    /// What a clock had come to each time before the ticket was reopened; `in_time` is what it was called then.
    fn reopened(&self, clock: &Clock, in_time: &str) -> Vec<Superseded> {
        let over = self.resolved.iter().filter_map(|interval| Some((interval.from, interval.to?)));
        let over = over.filter(|(from, _)| *from >= clock.timeline.start);
        let known = over.filter(|(_, to)| clock.ended_at.is_none_or(|end| *to <= end)).take(MAX_REOPENED);
        known
            .map(|(from, to)| {
                let reading = clock.timeline.ended(from).read(from);
                let met = reading.standing != Standing::Breached;
                Superseded {
                    at: to,
                    by: "reopened".to_owned(),
                    due_at: reading.due_at,
                    ended_at: Some(from),
                    was: if met { in_time } else { "missed" }.to_owned(),
                }
            })
            .collect()
    }
}

fn turn(
    first_is_over: bool,
    seq: &mut i32,
    start: DateTime<Utc>,
    end: Option<(DateTime<Utc>, EndedBy)>,
    unanswered: bool,
) -> Turn {
    if !first_is_over {
        return Turn { kind: ClockKind::FirstResponse, seq: 1, start, end, unanswered };
    }
    *seq += 1;
    Turn { kind: ClockKind::NextResponse, seq: *seq, start, end, unanswered }
}

/// When the last promise was withdrawn without another one in its place.
fn promise_gone(timeline: &Timeline, now: DateTime<Utc>) -> Option<(DateTime<Utc>, EndedBy)> {
    let last = timeline.rules().last().filter(|rule| rule.target.is_none() && rule.from <= now)?;
    let any: Option<&Target> = timeline.rules().iter().find_map(|rule| rule.target.as_ref());
    any.map(|_| (last.from, EndedBy::NoTarget))
}

/// The statuses that a ticket has had, from when on.
fn statuses(facts: &Facts, start: DateTime<Utc>) -> Vec<(DateTime<Utc>, String)> {
    let changes: Vec<&Change> = facts.changes.iter().filter(|change| change.field == "status").collect();
    let text = |value: &Option<serde_json::Value>| {
        value.as_ref().and_then(|value| value.as_str().map(str::to_owned))
    };
    let first = match changes.first() {
        Some(change) => text(&change.old).unwrap_or_else(|| "open".to_owned()),
        None => facts.status.clone(),
    };
    // A ticket that was over when we first heard of it ended with its last message.
    let began = match first.as_str() {
        "resolved" | "closed" if changes.is_empty() => {
            facts.messages.iter().map(|message| message.at).max().unwrap_or(start)
        }
        _ => start,
    };
    let mut statuses = vec![(began, first)];
    let mut last = began;
    for change in changes {
        last = last.max(change.at);
        statuses.push((last, text(&change.new).unwrap_or_else(|| "open".to_owned())));
    }
    statuses
}

/// What decided about the policy, from when on: what it is now, walked back through its changes.
fn attributes(facts: &Facts) -> Vec<(DateTime<Utc>, Attributes)> {
    let mut current = facts.attributes.clone();
    let mut found = Vec::new();
    for change in facts.changes.iter().rev() {
        let before = current.clone();
        let old = change.old.clone();
        let text = || old.as_ref().and_then(|value| value.as_str().map(str::to_owned));
        match change.field.as_str() {
            "priority" => current.priority = text().unwrap_or_else(|| "normal".to_owned()),
            "channel" => current.channel = text().unwrap_or_default(),
            "department" => current.department = text(),
            "customer_tier" => current.customer_tier = text(),
            "tags" => {
                current.tags = old.and_then(|value| serde_json::from_value(value).ok()).unwrap_or_default()
            }
            _ => continue,
        }
        found.push((change.at, before));
    }
    found.push((DateTime::<Utc>::MIN_UTC, current));
    found.reverse();
    found
}

/// When and why nothing about the ticket is to be met any more.
fn cancelled(facts: &Facts) -> Option<(DateTime<Utc>, EndedBy)> {
    let since = |field: &str| {
        let last = facts.changes.iter().rev().find(|change| change.field == field);
        last.map_or(facts.created_at, |change| change.at)
    };
    [
        (facts.is_spam, "is_spam", EndedBy::Spam),
        (facts.is_suspended, "suspended_reason", EndedBy::Suspended),
        (facts.is_merged, "merged_into", EndedBy::Merged),
        (facts.is_archived, "archived_at", EndedBy::Archived),
    ]
    .into_iter()
    .filter(|(is_so, _, _)| *is_so)
    .map(|(_, field, by)| (since(field), by))
    .min_by_key(|(at, _)| *at)
}

/// The version of the policy that a clock follows.
pub fn policy_version(clock: &Clock, now: DateTime<Utc>) -> Option<Uuid> {
    clock.rule(now).and_then(|rule| rule.policy_version)
}
