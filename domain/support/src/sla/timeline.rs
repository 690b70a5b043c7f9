//! The arithmetic of one clock: how much of it has run, when it runs out, and how it stands.
//!
//! A clock is a start, the rules that held from which instant on, and the times at which it does not run. Counting goes
//! over the stretches between those instants: each is counted, closed, a holiday, paused, stopped, or without a target.
//! It is due at the earliest instant at which what has elapsed reaches the target that is in force then. A longer target
//! lifts that again, and a shorter one is due at its own beginning at the earliest.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;
use uuid::Uuid;

use super::calendar::{Calendar, Hours};

/// How far a due time is looked for. Targets that no calendar reaches within are refused when they are stored.
pub const HORIZON: TimeDelta = TimeDelta::days(10 * 366);

/// A stretch of time; without an end it goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interval {
    /// Its first instant.
    pub from: DateTime<Utc>,
    /// The first instant after it.
    pub to: Option<DateTime<Utc>>,
}

impl Interval {
    fn holds(&self, at: DateTime<Utc>) -> bool {
        self.from <= at && self.to.is_none_or(|to| at < to)
    }
}

/// What is promised from an instant on.
#[derive(Clone, Debug, PartialEq)]
pub struct Rule {
    /// From when on it holds; the first rule of a clock holds from its beginning.
    pub from: DateTime<Utc>,
    /// None: nothing is promised, and nothing counts.
    pub target: Option<Target>,
    /// Whether the clock stands still while the ticket is pending.
    pub pauses: bool,
    /// The version of the policy that says so; none for what holds without a policy.
    pub policy_version: Option<Uuid>,
}

impl Rule {
    /// Whether the other promises the same, whoever says so.
    fn is_like(&self, other: &Rule) -> bool {
        self.target == other.target && self.pauses == other.pauses
    }
}

/// How long something may take.
#[derive(Clone, Debug)]
pub struct Target {
    /// In minutes.
    pub minutes: i64,
    /// The opening hours that count and the id of their version; none counts all time.
    pub calendar: Option<(Uuid, Arc<Calendar>)>,
}

impl PartialEq for Target {
    fn eq(&self, other: &Target) -> bool {
        let version = |target: &Target| target.calendar.as_ref().map(|(version, _)| *version);
        self.minutes == other.minutes && version(self) == version(other)
    }
}

impl Target {
    fn length(&self) -> TimeDelta {
        TimeDelta::minutes(self.minutes)
    }
}

/// A clock's course.
#[derive(Clone, Debug)]
pub struct Timeline {
    /// When it starts.
    pub start: DateTime<Utc>,
    /// What is promised, in order; no rule is like the one before it.
    rules: Vec<Rule>,
    /// When the ticket was pending.
    pending: Vec<Interval>,
    /// When the ticket was resolved: that never counts.
    stopped: Vec<Interval>,
}

/// What time was spent on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Spent {
    /// It counts.
    Counted,
    /// The shop was closed.
    Closed,
    /// The shop was closed on a holiday.
    Holiday,
    /// The ticket was pending, and the policy lets the clock stand still then.
    Paused,
    /// The ticket was resolved.
    Resolved,
    /// No target was in force.
    NoTarget,
}

/// A stretch of a clock's course.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stretch {
    /// Its first instant.
    pub from: DateTime<Utc>,
    /// The first instant after it.
    pub to: DateTime<Utc>,
    /// What it was spent on.
    pub spent: Spent,
    /// Which rule was in force, from 0.
    pub rule: usize,
}

/// How a clock stands.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, serde::Deserialize, sqlx::Type,
)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum Standing {
    /// Less than 80 % has elapsed.
    WithinSla,
    /// 80 % or more has elapsed.
    AtRisk,
    /// It is past its due time.
    Breached,
}

impl Standing {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Standing::WithinSla => "within_sla",
            Standing::AtRisk => "at_risk",
            Standing::Breached => "breached",
        }
    }
}

/// A due time that a longer target lifted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lifted {
    /// When it had been due.
    pub due_at: DateTime<Utc>,
    /// When it was lifted.
    pub at: DateTime<Utc>,
}

/// A clock read at an instant.
#[derive(Clone, Debug, PartialEq)]
pub struct Reading {
    /// What counts until then.
    pub elapsed: TimeDelta,
    /// None while it is paused, without a target, or beyond [`HORIZON`].
    pub due_at: Option<DateTime<Utc>>,
    /// When 80 % had or will have elapsed; none as for `due_at`.
    pub warn_at: Option<DateTime<Utc>>,
    /// Whether it is paused then.
    pub paused: bool,
    /// How it stands; a breach outranks a pause.
    pub standing: Standing,
    /// Due times that did not stay.
    pub lifted: Vec<Lifted>,
}

impl Timeline {
    /// A clock that starts then. Of `rules`, which are in order, those before the start shrink to the one that holds
    /// then; a rule that promises what the one before it promises is no change.
    pub fn new(
        start: DateTime<Utc>,
        rules: impl IntoIterator<Item = Rule>,
        pending: Vec<Interval>,
        stopped: Vec<Interval>,
    ) -> Timeline {
        let mut kept: Vec<Rule> = Vec::new();
        for mut rule in rules {
            if rule.from <= start {
                rule.from = start;
                kept.clear();
            }
            if kept.last().is_none_or(|last| !last.is_like(&rule)) {
                kept.push(rule);
            }
        }
        Timeline { start, rules: kept, pending, stopped }
    }

    /// The rules, in order.
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// The rule that holds then.
    pub fn rule_at(&self, at: DateTime<Utc>) -> Option<&Rule> {
        self.rules.iter().rev().find(|rule| rule.from <= at).or(self.rules.first())
    }

    /// Whether anything is promised at any time.
    pub fn has_target(&self) -> bool {
        self.rules.iter().any(|rule| rule.target.is_some())
    }

    /// The clock as it was when it ended: what came later does not concern it.
    #[must_use]
    pub fn ended(&self, at: DateTime<Utc>) -> Timeline {
        let cut = |intervals: &[Interval]| {
            let before = intervals.iter().filter(|interval| interval.from < at);
            before
                .map(|interval| Interval { to: Some(interval.to.map_or(at, |to| to.min(at))), ..*interval })
                .collect()
        };
        Timeline {
            start: self.start,
            rules: self
                .rules
                .iter()
                .filter(|rule| rule.from <= at || rule.from == self.start)
                .cloned()
                .collect(),
            pending: cut(&self.pending),
            stopped: cut(&self.stopped),
        }
    }

    /// The clock's course in [start, until).
    pub fn stretches(&self, until: DateTime<Utc>) -> impl Iterator<Item = Stretch> {
        self.spans(until).into_iter().flat_map(|span| span.stretches())
    }

    /// Reads the clock.
    pub fn read(&self, now: DateTime<Utc>) -> Reading {
        let mut course = Course::default();
        let until = self.start.max(now).max(self.rules.last().map_or(self.start, |rule| rule.from)) + HORIZON;
        let last = self.rules.len().saturating_sub(1);
        let mut elapsed_now = TimeDelta::zero();
        for stretch in self.stretches(until) {
            let Some(rule) = self.rules.get(stretch.rule) else { break };
            course.enter(stretch.rule, rule, stretch.from);
            if stretch.spent == Spent::Counted {
                elapsed_now += (stretch.to.min(now) - stretch.from).max(TimeDelta::zero());
                course.count(&stretch, rule);
            }
            if stretch.to > now && stretch.rule == last && course.due_at.is_some() {
                break;
            }
        }
        let paused = self.is_paused(now);
        let target = self.rule_at(now).and_then(|rule| rule.target.as_ref());
        let standing = match (course.due_at, target) {
            (Some(due), _) if now > due => Standing::Breached,
            (_, Some(target)) if elapsed_now * 5 >= target.length() * 4 => Standing::AtRisk,
            _ => Standing::WithinSla,
        };
        Reading {
            elapsed: elapsed_now,
            due_at: course.due_at,
            warn_at: course.warn_at,
            paused,
            standing,
            lifted: course.lifted,
        }
    }

    /// Whether the clock stands still then because the ticket is pending.
    fn is_paused(&self, at: DateTime<Utc>) -> bool {
        self.rule_at(at).is_some_and(|rule| rule.pauses)
            && self.pending.iter().any(|interval| interval.holds(at))
            && !self.stopped.iter().any(|interval| interval.holds(at))
    }

    /// [start, until) cut where anything but the opening hours changes.
    fn spans(&self, until: DateTime<Utc>) -> Vec<Span<'_>> {
        let edges = |intervals: &[Interval]| -> Vec<DateTime<Utc>> {
            intervals.iter().flat_map(|interval| [Some(interval.from), interval.to]).flatten().collect()
        };
        let mut cuts: Vec<DateTime<Utc>> = self.rules.iter().map(|rule| rule.from).collect();
        cuts.extend(edges(&self.pending));
        cuts.extend(edges(&self.stopped));
        cuts.retain(|cut| self.start < *cut && *cut < until);
        cuts.push(self.start);
        cuts.sort_unstable();
        cuts.dedup();
        let ends = cuts.iter().skip(1).copied().chain([until]);
        let mut rule = 0;
        let mut spans = Vec::with_capacity(cuts.len());
        for (&from, to) in cuts.iter().zip(ends).filter(|(from, to)| *from < to) {
            while self.rules.get(rule + 1).is_some_and(|next| next.from <= from) {
                rule += 1;
            }
            let target = self.rules.get(rule).and_then(|rule| rule.target.as_ref());
            let pauses = self.rules.get(rule).is_some_and(|rule| rule.pauses);
            let how = if self.stopped.iter().any(|interval| interval.holds(from)) {
                How::All(Spent::Resolved)
            } else if pauses && self.pending.iter().any(|interval| interval.holds(from)) {
                How::All(Spent::Paused)
            } else {
                match target {
                    None => How::All(Spent::NoTarget),
                    Some(Target { calendar: None, .. }) => How::All(Spent::Counted),
                    Some(Target { calendar: Some((_, calendar)), .. }) => How::By(calendar),
                }
            };
            spans.push(Span { from, to, rule, how });
        }
        spans
    }
}

/// A stretch in which only the opening hours change.
struct Span<'a> {
    from: DateTime<Utc>,
    to: DateTime<Utc>,
    rule: usize,
    how: How<'a>,
}

enum How<'a> {
    All(Spent),
    By(&'a Calendar),
}

impl<'a> Span<'a> {
    fn stretches(self) -> Box<dyn Iterator<Item = Stretch> + 'a> {
        let (from, to, rule) = (self.from, self.to, self.rule);
        match self.how {
            How::All(spent) => Box::new(std::iter::once(Stretch { from, to, spent, rule })),
            How::By(calendar) => Box::new(calendar.pieces(from, to).map(move |piece| {
                let spent = match piece.hours {
                    Hours::Open => Spent::Counted,
                    Hours::Closed => Spent::Closed,
                    Hours::Holiday => Spent::Holiday,
                };
                Stretch { from: piece.from, to: piece.to, spent, rule }
            })),
        }
    }
}

/// What is known while a course is walked.
#[derive(Default)]
struct Course {
    entered: Option<usize>,
    elapsed: TimeDelta,
    due_at: Option<DateTime<Utc>>,
    warn_at: Option<DateTime<Utc>>,
    lifted: Vec<Lifted>,
}

impl Course {
    /// A rule comes into force: what was reached under the one before it may not be reached any more, or is at once.
    fn enter(&mut self, index: usize, rule: &Rule, at: DateTime<Utc>) {
        if self.entered == Some(index) {
            return;
        }
        self.entered = Some(index);
        let reached = |share: i32| {
            rule.target.as_ref().is_some_and(|target| self.elapsed * 5 >= target.length() * share)
        };
        let (is_due, is_warned) = (reached(5), reached(4));
        match (self.due_at, is_due) {
            (Some(due_at), false) => {
                self.lifted.push(Lifted { due_at, at });
                self.due_at = None;
            }
            (None, true) => self.due_at = Some(at),
            _ => {}
        }
        self.warn_at = if is_warned { self.warn_at.or(Some(at)) } else { None };
    }

    fn count(&mut self, stretch: &Stretch, rule: &Rule) {
        let before = self.elapsed;
        self.elapsed += stretch.to - stretch.from;
        let Some(target) = &rule.target else { return };
        let crossing =
            |goal: TimeDelta| (before < goal && goal <= self.elapsed).then(|| stretch.from + (goal - before));
        // Four fifths of whole minutes are whole seconds.
        self.warn_at = self.warn_at.or_else(|| crossing(target.length() * 4 / 5));
        self.due_at = self.due_at.or_else(|| crossing(target.length()));
    }
}
