//! A clock as people see it: how it stands, by which promise, and on what every interval of its time was spent.

use chrono::{DateTime, FixedOffset, TimeDelta, Utc};
use serde::Serialize;
use uuid::Uuid;

use super::clocks::{Clock, EndedBy, Superseded, Verdict};
use super::policy::ClockKind;
use super::timeline::{Rule, Spent, Standing, Stretch};

/// Intervals of a clock that are told, at most; the oldest are left out.
const MAX_INTERVALS: usize = 500;

/// A clock.
#[derive(Clone, Debug, Serialize)]
pub struct ClockView {
    /// What it measures.
    pub kind: ClockKind,
    /// Its number among those of its kind.
    pub seq: i32,
    /// running, paused or ended.
    pub state: &'static str,
    /// How it stands, or stood when it ended.
    pub standing: Standing,
    /// Whether it stands still because the ticket is pending.
    pub paused: bool,
    /// What became of it.
    pub verdict: Option<Verdict>,
    /// When it started.
    pub started_at: DateTime<FixedOffset>,
    /// When it is due, in the zone of the opening hours; none while it is paused.
    pub due_at: Option<DateTime<FixedOffset>>,
    /// When 80 % had or will have elapsed.
    pub warn_at: Option<DateTime<FixedOffset>>,
    /// When it ended.
    pub ended_at: Option<DateTime<FixedOffset>>,
    /// What ended it.
    pub ended_by: Option<EndedBy>,
    /// Seconds that count.
    pub elapsed_secs: f64,
    /// Seconds that are left of what counts; below zero when more than the target has elapsed.
    pub remaining_secs: Option<f64>,
    /// The target in minutes.
    pub target_minutes: Option<i64>,
    /// `calendar` or `business`.
    pub target_time: Option<&'static str>,
    /// The policy's version; none where the defaults hold.
    pub policy_version: Option<Uuid>,
    /// How many different promises it has had.
    pub target_version: i32,
    /// What it had come to before it went on.
    pub superseded: Vec<Superseded>,
    /// What its time was spent on, when that was asked for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub intervals: Vec<IntervalView>,
}

/// A stretch of a clock's time.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct IntervalView {
    /// Its first instant.
    pub from: DateTime<FixedOffset>,
    /// The first instant after it.
    pub to: DateTime<FixedOffset>,
    /// How long it is.
    pub secs: f64,
    /// What it was spent on.
    pub spent: Spent,
    /// How much counts at its end.
    pub elapsed_secs: f64,
    /// The target that was in force, in minutes.
    pub target_minutes: Option<i64>,
}

/// The clock, read at `now`.
pub(super) fn view(clock: &Clock, now: DateTime<Utc>) -> ClockView {
    let rule = clock.rule(now);
    let target = rule.and_then(|rule| rule.target.as_ref());
    let local = |at: DateTime<Utc>| local(rule, at);
    let reading = &clock.reading;
    ClockView {
        kind: clock.kind,
        seq: clock.seq,
        state: clock.state(),
        standing: reading.standing,
        paused: reading.paused && clock.ended_at.is_none(),
        verdict: clock.verdict,
        started_at: local(clock.timeline.start),
        due_at: reading.due_at.map(local),
        warn_at: reading.warn_at.map(local),
        ended_at: clock.ended_at.map(local),
        ended_by: clock.ended_by,
        elapsed_secs: secs(reading.elapsed),
        remaining_secs: target.map(|target| secs(TimeDelta::minutes(target.minutes) - reading.elapsed)),
        target_minutes: target.map(|target| target.minutes),
        target_time: target.map(|target| if target.calendar.is_some() { "business" } else { "calendar" }),
        policy_version: rule.and_then(|rule| rule.policy_version),
        target_version: clock.target_version(),
        superseded: clock.superseded.clone(),
        intervals: Vec::new(),
    }
}

/// The same with every interval from its start until its end, or until `now`.
pub fn explained(clock: &Clock, now: DateTime<Utc>) -> ClockView {
    ClockView { intervals: intervals(clock, now), ..view(clock, now) }
}

fn intervals(clock: &Clock, now: DateTime<Utc>) -> Vec<IntervalView> {
    let mut joined: Vec<Stretch> = Vec::new();
    for stretch in clock.timeline.stretches(clock.read_at(now)) {
        match joined.last_mut() {
            Some(last) if last.spent == stretch.spent && last.rule == stretch.rule => last.to = stretch.to,
            _ => joined.push(stretch),
        }
    }
    let mut elapsed = TimeDelta::zero();
    let mut views: Vec<IntervalView> = joined
        .into_iter()
        .map(|stretch| {
            if stretch.spent == Spent::Counted {
                elapsed += stretch.to - stretch.from;
            }
            let rule = clock.timeline.rules().get(stretch.rule);
            IntervalView {
                from: local(rule, stretch.from),
                to: local(rule, stretch.to),
                secs: secs(stretch.to - stretch.from),
                spent: stretch.spent,
                elapsed_secs: secs(elapsed),
                target_minutes: rule.and_then(|rule| Some(rule.target.as_ref()?.minutes)),
            }
        })
        .collect();
    views.drain(..views.len().saturating_sub(MAX_INTERVALS));
    views
}

/// Seconds with their fraction.
pub(super) fn secs(time: TimeDelta) -> f64 {
    time.num_microseconds().unwrap_or(i64::MAX) as f64 / 1e6
}

/// The instant as clocks show it where the rule's calendar is; in UTC without one.
pub(super) fn local(rule: Option<&Rule>, at: DateTime<Utc>) -> DateTime<FixedOffset> {
    let calendar = rule.and_then(|rule| rule.target.as_ref()?.calendar.as_ref());
    match calendar {
        Some((_, calendar)) => at.with_timezone(&calendar.zone()).fixed_offset(),
        None => at.fixed_offset(),
    }
}
