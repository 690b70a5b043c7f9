//! What is wrong with a policy before it is stored: a fault names the field and says what is allowed.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use super::calendar::Calendar;
use super::hours::Fault;
use super::policy::{ClockKind, Conditions, PolicySpec, Time};
use super::timeline::{Rule, Target, Timeline};

/// The longest target: 366 days.
const MAX_MINUTES: i64 = 366 * 24 * 60;

/// How long after its start a clock must be able to run out.
pub const LONGEST: TimeDelta = TimeDelta::days(3 * 366);

/// Tiers that customers have.
const TIERS: [&str; 4] = ["standard", "silver", "gold", "platinum"];

/// The most values in a condition.
const MAX_VALUES: usize = 50;

/// Checks a policy. `calendar` is the one that it names, if it is there.
///
/// # Errors
/// The first fault.
pub fn policy(spec: &PolicySpec, calendar: Option<&Arc<Calendar>>, now: DateTime<Utc>) -> Result<(), Fault> {
    text("name", &spec.name)?;
    conditions(&spec.conditions)?;
    if spec.calendar_id.is_some() && calendar.is_none() {
        return Err(Fault::at("calendar_id", "there is no such calendar; GET /api/sla/calendars lists them"));
    }
    let mut any = false;
    for (priority, goals) in &spec.targets {
        for kind in ClockKind::ALL {
            let Some(goal) = goals.of(kind) else { continue };
            any = true;
            let field = format!("targets.{}.{}", priority.name(), kind.name());
            if !(1..=MAX_MINUTES).contains(&goal.minutes) {
                let what = format!("must be 1 to {MAX_MINUTES} minutes, which are 366 days");
                return Err(Fault::at(format!("{field}.minutes"), what));
            }
            if goal.time == Time::Business {
                let Some(calendar) = calendar else {
                    let what = "a target in business time needs the calendar whose opening hours count";
                    return Err(Fault::at("calendar_id", what));
                };
                reachable(&field, goal.minutes, calendar, now)?;
            }
        }
    }
    if !any {
        let what = "at least one priority (urgent, high, normal, low) needs a target, such as \
                    {\"first_response\": {\"minutes\": 60, \"time\": \"calendar\"}}";
        return Err(Fault::at("targets", what));
    }
    Ok(())
}

/// From when on a policy holds: now, or a time to come. What has been is not changed.
///
/// # Errors
/// It is in the past or too far away.
pub fn valid_from(wanted: Option<DateTime<Utc>>, now: DateTime<Utc>) -> Result<DateTime<Utc>, Fault> {
    match wanted {
        None => Ok(now),
        Some(at) if at < now - TimeDelta::seconds(5) => Err(Fault::at(
            "valid_from",
            format!(
                "{} is past, and what was promised then does not change; leave it out for now, or name a time to come",
                at.to_rfc3339()
            ),
        )),
        Some(at) if at > now + TimeDelta::days(366) => {
            Err(Fault::at("valid_from", "must be within 366 days from now"))
        }
        Some(at) => Ok(at.max(now)),
    }
}

/// A target that a calendar lets run out in time.
fn reachable(field: &str, minutes: i64, calendar: &Arc<Calendar>, now: DateTime<Utc>) -> Result<(), Fault> {
    let target = Target { minutes, calendar: Some((Uuid::nil(), calendar.clone())) };
    let rule = Rule { from: now, target: Some(target), pauses: false, policy_version: None };
    let due = Timeline::new(now, [rule], Vec::new(), Vec::new()).read(now).due_at;
    if due.is_some_and(|due| due <= now + LONGEST) {
        return Ok(());
    }
    let weekly = calendar.weekly_minutes();
    let what = format!(
        "{minutes} minutes are not open within three years: the calendar opens for {weekly} minutes a week without its \
         holidays"
    );
    Err(Fault::at(field, what))
}

fn conditions(conditions: &Conditions) -> Result<(), Fault> {
    let lists = [
        ("channels", &conditions.channels),
        ("tags", &conditions.tags),
        ("departments", &conditions.departments),
        ("customer_tiers", &conditions.customer_tiers),
    ];
    for (name, values) in lists {
        let field = format!("conditions.{name}");
        if values.len() > MAX_VALUES {
            return Err(Fault::at(field, format!("at most {MAX_VALUES} values are taken")));
        }
        for (index, value) in values.iter().enumerate() {
            text(&format!("{field}[{index}]"), value)?;
            if name == "customer_tiers" && !TIERS.contains(&value.as_str()) {
                return Err(Fault::at(
                    format!("{field}[{index}]"),
                    format!("must be one of {}", TIERS.join(", ")),
                ));
            }
        }
    }
    Ok(())
}

/// A text of 1 to 100 characters.
///
/// # Errors
/// It is empty, longer, or has a NUL.
pub fn text(field: &str, value: &str) -> Result<(), Fault> {
    if value.trim().is_empty() || value.chars().count() > 100 || value.contains('\0') {
        return Err(Fault::at(field, "must have 1 to 100 characters"));
    }
    Ok(())
}
