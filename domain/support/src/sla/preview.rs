//! When sample tickets would be due under a policy that is not stored yet.

use std::sync::Arc;

use chrono::{DateTime, FixedOffset, TimeDelta, Utc};
use serde::Serialize;
use uuid::Uuid;

use super::calendar::Calendar;
use super::explain::local;
use super::policy::{Attributes, ClockKind, PolicySpec, Priority, Time};
use super::timeline::{Rule, Target, Timeline};

/// A ticket that could come.
#[derive(Clone, Debug)]
pub struct Sample {
    /// When it comes.
    pub at: DateTime<Utc>,
    /// What decides whether the policy is for it.
    pub attributes: Attributes,
}

/// What would become of it.
#[derive(Clone, Debug, Serialize)]
pub struct Outlook {
    /// When it comes, in the zone of the opening hours.
    pub at: DateTime<FixedOffset>,
    /// Its priority.
    pub priority: Priority,
    /// Whether the policy is for it.
    pub fits: bool,
    /// What would be due when.
    pub clocks: Vec<Due>,
}

/// When something would be due.
#[derive(Clone, Debug, Serialize)]
pub struct Due {
    /// What.
    pub kind: ClockKind,
    /// The target in minutes.
    pub target_minutes: i64,
    /// Which time counts.
    pub time: Time,
    /// When it is due if nobody pauses it.
    pub due_at: Option<DateTime<FixedOffset>>,
    /// When 80 % has elapsed.
    pub warn_at: Option<DateTime<FixedOffset>>,
    /// What the target comes to, for example `48 h on 8 h x 5 days is 6 working days`.
    pub words: String,
}

/// Looks ahead for each sample.
pub fn outlook(spec: &PolicySpec, calendar: Option<&Arc<Calendar>>, samples: &[Sample]) -> Vec<Outlook> {
    samples.iter().map(|sample| of(spec, calendar, sample)).collect()
}

fn of(spec: &PolicySpec, calendar: Option<&Arc<Calendar>>, sample: &Sample) -> Outlook {
    let priority = Priority::of(&sample.attributes.priority);
    let goals = spec.targets.get(&priority).copied().unwrap_or_default();
    let fits = spec.conditions.fit(&sample.attributes);
    let clocks = ClockKind::ALL.into_iter().filter_map(|kind| {
        let goal = goals.of(kind).filter(|_| fits)?;
        let counts = calendar.filter(|_| goal.time == Time::Business);
        let target = Target {
            minutes: goal.minutes,
            calendar: counts.map(|calendar| (Uuid::nil(), calendar.clone())),
        };
        let rule = Rule { from: sample.at, target: Some(target), pauses: false, policy_version: None };
        let reading = Timeline::new(sample.at, [rule.clone()], Vec::new(), Vec::new()).read(sample.at);
        Some(Due {
            kind,
            target_minutes: goal.minutes,
            time: goal.time,
            due_at: reading.due_at.map(|at| local(Some(&rule), at)),
            warn_at: reading.warn_at.map(|at| local(Some(&rule), at)),
            words: words(goal.minutes, counts.map(Arc::as_ref)),
        })
    });
    let at = match calendar {
        Some(calendar) => sample.at.with_timezone(&calendar.zone()).fixed_offset(),
        None => sample.at.fixed_offset(),
    };
    Outlook { at, priority, fits, clocks: clocks.collect() }
}

/// What a target comes to in words.
pub fn words(minutes: i64, calendar: Option<&Calendar>) -> String {
    let target = length(minutes);
    let Some(calendar) = calendar else {
        return format!("{target} of all time, nights and holidays included");
    };
    let days = calendar.open_minutes_a_day();
    let open: Vec<i64> = days.iter().copied().filter(|minutes| *minutes > 0).collect();
    let weekly: i64 = open.iter().sum();
    if open.is_empty() {
        return format!("{target} on a calendar that is never open");
    }
    let are_equal = open.windows(2).all(|pair| pair[0] == pair[1]);
    let hours = match are_equal {
        true => format!("{} x {} {}", length(open[0]), open.len(), plural(open.len() as f64, "day")),
        false => format!("{} a week", length(weekly)),
    };
    let working_days = minutes as f64 * open.len() as f64 / weekly as f64;
    let count = format!("{working_days:.1}");
    let count = count.strip_suffix(".0").unwrap_or(&count);
    format!("{target} on {hours} is {count} working {}", plural(working_days, "day"))
}

fn plural(count: f64, word: &str) -> String {
    if count == 1.0 { word.to_owned() } else { format!("{word}s") }
}

/// Minutes as people say them: 90 min, 48 h, 7 d.
fn length(minutes: i64) -> String {
    let time = TimeDelta::minutes(minutes);
    match minutes {
        _ if minutes % 1_440 == 0 && time.num_days() > 2 => format!("{} d", time.num_days()),
        _ if minutes % 60 == 0 => format!("{} h", time.num_hours()),
        _ if minutes > 120 => format!("{} h {} min", time.num_hours(), minutes % 60),
        _ => format!("{minutes} min"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::hours::HoursSpec;
    use super::*;

    #[test]
    fn targets_are_told_in_working_days() {
        let nine_to_five = r#"[["09:00","17:00"]]"#;
        let week = format!(
            r#"{{"zone":"UTC","week":{{"mon":{nine_to_five},"tue":{nine_to_five},"wed":{nine_to_five},"thu":{nine_to_five},"fri":{nine_to_five}}}}}"#
        );
        let calendar = serde_json::from_str::<HoursSpec>(&week).expect("hours").read().expect("a calendar");
        assert_eq!(words(2_880, Some(&calendar)), "48 h on 8 h x 5 days is 6 working days");
        assert_eq!(words(10_080, Some(&calendar)), "7 d on 8 h x 5 days is 21 working days");
        assert_eq!(words(240, Some(&calendar)), "4 h on 8 h x 5 days is 0.5 working days");
        assert_eq!(words(30, None), "30 min of all time, nights and holidays included");
    }
}
