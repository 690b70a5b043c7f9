//! What is promised to whom: policies, the first of which that fits a ticket holds, and what holds without any.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::calendar::Calendar;
use super::hours::HoursSpec;
use super::timeline::{Rule, Target};

/// What a clock measures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum ClockKind {
    /// From the customer's first message to a person's answer.
    FirstResponse,
    /// From the first unanswered message after that to a person's answer.
    NextResponse,
    /// From creation to the last time that the ticket was resolved.
    Resolution,
    /// From creation to the first time that it was resolved.
    FirstResolution,
}

impl ClockKind {
    /// All of them.
    pub const ALL: [ClockKind; 4] = [
        ClockKind::FirstResponse,
        ClockKind::NextResponse,
        ClockKind::Resolution,
        ClockKind::FirstResolution,
    ];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            ClockKind::FirstResponse => "first_response",
            ClockKind::NextResponse => "next_response",
            ClockKind::Resolution => "resolution",
            ClockKind::FirstResolution => "first_resolution",
        }
    }
}

/// A ticket's priority.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Priority {
    /// At once.
    Urgent,
    /// Before others.
    High,
    /// As usual.
    Normal,
    /// When there is time.
    Low,
}

impl Priority {
    /// All of them.
    pub const ALL: [Priority; 4] = [Priority::Urgent, Priority::High, Priority::Normal, Priority::Low];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Priority::Urgent => "urgent",
            Priority::High => "high",
            Priority::Normal => "normal",
            Priority::Low => "low",
        }
    }

    /// The priority of that name; what is none is normal.
    pub fn of(name: &str) -> Priority {
        Priority::ALL.into_iter().find(|priority| priority.name() == name).unwrap_or(Priority::Normal)
    }
}

/// Which time a target counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Time {
    /// All time.
    Calendar,
    /// The opening hours of the policy's calendar.
    Business,
}

/// How long something may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Goal {
    /// In minutes.
    pub minutes: i64,
    /// Which time counts.
    pub time: Time,
}

/// Goals of one priority; what is left out is not promised.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Goals {
    /// Until the first answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_response: Option<Goal>,
    /// Until the answer to each later message.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_response: Option<Goal>,
    /// Until the ticket is resolved for good.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resolution: Option<Goal>,
    /// Until it is resolved for the first time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_resolution: Option<Goal>,
}

impl Goals {
    /// The goal of a clock.
    pub fn of(&self, kind: ClockKind) -> Option<Goal> {
        match kind {
            ClockKind::FirstResponse => self.first_response,
            ClockKind::NextResponse => self.next_response,
            ClockKind::Resolution => self.resolution,
            ClockKind::FirstResolution => self.first_resolution,
        }
    }
}

/// Whom a policy is for: every list that is not empty must hold the ticket's value, or one of its tags.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Conditions {
    /// Channels.
    pub channels: Vec<String>,
    /// Priorities.
    pub priorities: Vec<Priority>,
    /// Tags, one of which the ticket has.
    pub tags: Vec<String>,
    /// Departments.
    pub departments: Vec<String>,
    /// Customers' tiers.
    pub customer_tiers: Vec<String>,
}

/// What a policy says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PolicySpec {
    /// For people.
    pub name: String,
    /// Whom it is for.
    #[serde(default)]
    pub conditions: Conditions,
    /// What is promised, by priority.
    pub targets: BTreeMap<Priority, Goals>,
    /// Whose opening hours count for goals in business time.
    #[serde(default)]
    pub calendar_id: Option<Uuid>,
    /// Which clocks stand still while the ticket is pending.
    #[serde(default = "resolution_pauses")]
    pub pause_while_pending: Vec<ClockKind>,
}

/// Unless a policy differs, only resolution pauses.
pub fn resolution_pauses() -> Vec<ClockKind> {
    vec![ClockKind::Resolution, ClockKind::FirstResolution]
}

/// A version of a policy.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct PolicyVersion {
    /// The version.
    pub id: Uuid,
    /// Whose it is.
    pub policy_id: Uuid,
    /// From when on it holds.
    pub valid_from: DateTime<Utc>,
    /// Until when.
    pub valid_until: Option<DateTime<Utc>>,
    /// The lowest that fits wins.
    pub position: i32,
    /// What it says.
    pub spec: PolicySpec,
}

/// A version of a calendar.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct CalendarVersion {
    /// The version.
    pub id: Uuid,
    /// Whose it is.
    pub calendar_id: Uuid,
    /// From when on it holds.
    pub valid_from: DateTime<Utc>,
    /// Until when.
    pub valid_until: Option<DateTime<Utc>>,
    /// Whether it is the tenant's own calendar, by which reports count business time.
    #[serde(default)]
    pub is_default: bool,
    /// Its hours.
    pub hours: HoursSpec,
}

/// What of a ticket decides which policy holds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct Attributes {
    /// Its channel.
    pub channel: String,
    /// Its priority.
    pub priority: String,
    /// Its tags.
    #[serde(default)]
    pub tags: Vec<String>,
    /// The department that it is for.
    pub department: Option<String>,
    /// The customer's tier.
    pub customer_tier: Option<String>,
}

impl Conditions {
    /// Whether a ticket fits.
    pub fn fit(&self, ticket: &Attributes) -> bool {
        let holds = |list: &[String], value: Option<&str>| {
            list.is_empty()
                || value.is_some_and(|value| list.iter().any(|one| one.eq_ignore_ascii_case(value)))
        };
        holds(&self.channels, Some(&ticket.channel))
            && holds(&self.departments, ticket.department.as_deref())
            && holds(&self.customer_tiers, ticket.customer_tier.as_deref())
            && (self.priorities.is_empty() || self.priorities.contains(&Priority::of(&ticket.priority)))
            && (self.tags.is_empty() || ticket.tags.iter().any(|tag| holds(&self.tags, Some(tag))))
    }
}

/// A tenant's policies and calendars, all versions that matter.
#[derive(Debug, Default)]
pub struct Rulebook {
    policies: Vec<PolicyVersion>,
    calendars: Vec<(CalendarVersion, Arc<Calendar>)>,
}

impl Rulebook {
    /// Of these versions. A calendar whose hours are not understood, which only another version of the program can
    /// have stored, counts all time.
    pub fn new(mut policies: Vec<PolicyVersion>, calendars: Vec<CalendarVersion>) -> Rulebook {
        policies.sort_by_key(|version| (version.position, version.policy_id));
        let calendars = calendars
            .into_iter()
            .filter_map(|version| Some((version.hours.read().ok()?, version)))
            .map(|(calendar, version)| (version, Arc::new(calendar)))
            .collect();
        Rulebook { policies, calendars }
    }

    /// The policy that holds for a ticket then; none when the defaults do.
    fn policy_at(&self, at: DateTime<Utc>, ticket: &Attributes) -> Option<&PolicyVersion> {
        let holds = |version: &&PolicyVersion| {
            version.valid_from <= at && version.valid_until.is_none_or(|until| at < until)
        };
        self.policies.iter().filter(holds).find(|version| version.spec.conditions.fit(ticket))
    }

    /// What a clock of that kind is promised then.
    pub fn rule_at(&self, at: DateTime<Utc>, ticket: &Attributes, kind: ClockKind) -> Rule {
        let priority = Priority::of(&ticket.priority);
        let Some(version) = self.policy_at(at, ticket) else {
            let target = default_minutes(priority, kind).map(|minutes| Target { minutes, calendar: None });
            return Rule {
                from: at,
                target,
                pauses: resolution_pauses().contains(&kind),
                policy_version: None,
            };
        };
        let goal = version.spec.targets.get(&priority).and_then(|goals| goals.of(kind));
        let target = goal.map(|goal| Target {
            minutes: goal.minutes,
            calendar: match goal.time {
                Time::Calendar => None,
                Time::Business => version.spec.calendar_id.and_then(|id| self.calendar_at(at, id)),
            },
        });
        let pauses = version.spec.pause_while_pending.contains(&kind);
        Rule { from: at, target, pauses, policy_version: Some(version.id) }
    }

    /// The version of a calendar that holds then. Before its first version the first one holds.
    fn calendar_at(&self, at: DateTime<Utc>, id: Uuid) -> Option<(Uuid, Arc<Calendar>)> {
        let versions = || self.calendars.iter().filter(|(version, _)| version.calendar_id == id);
        let (version, calendar) = versions()
            .filter(|(version, _)| version.valid_from <= at)
            .max_by_key(|(version, _)| version.valid_from)
            .or_else(|| versions().min_by_key(|(version, _)| version.valid_from))?;
        Some((version.id, calendar.clone()))
    }

    /// The tenant's own calendar, as it holds then.
    pub fn default_calendar(&self, at: DateTime<Utc>) -> Option<Arc<Calendar>> {
        let id = self.calendars.iter().find(|(version, _)| version.is_default)?.0.calendar_id;
        self.calendar_at(at, id).map(|(_, calendar)| calendar)
    }

    /// Every instant at which a version begins or ends.
    pub fn edges(&self) -> impl Iterator<Item = DateTime<Utc>> {
        let policies =
            self.policies.iter().flat_map(|version| [Some(version.valid_from), version.valid_until]);
        policies.flatten().chain(self.calendars.iter().map(|(version, _)| version.valid_from))
    }
}

/// Minutes that hold for a tenant without policies: urgent 30 min and 8 h, high 2 h and 24 h, normal 8 h and 48 h, low
/// 24 h and 7 d, all in calendar time; the second is for resolution.
fn default_minutes(priority: Priority, kind: ClockKind) -> Option<i64> {
    match (kind, priority) {
        (ClockKind::FirstResponse, Priority::Urgent) => Some(30),
        (ClockKind::FirstResponse, Priority::High) => Some(120),
        (ClockKind::FirstResponse, Priority::Normal) => Some(480),
        (ClockKind::FirstResponse, Priority::Low) => Some(1_440),
        (ClockKind::Resolution, Priority::Urgent) => Some(480),
        (ClockKind::Resolution, Priority::High) => Some(1_440),
        (ClockKind::Resolution, Priority::Normal) => Some(2_880),
        (ClockKind::Resolution, Priority::Low) => Some(10_080),
        (ClockKind::NextResponse | ClockKind::FirstResolution, _) => None,
    }
}
