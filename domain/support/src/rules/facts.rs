//! What conditions are held against: a ticket as it is, or as it was at a moment of the past, which its history tells.
//!
//! Which tier the customer had is told by the history too. What others know of them (archetype, spend) is looked up by whoever
//! runs or tries rules, as of the moment as far as it is known.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, Duration, Utc};
use database::Tx;
use database::ids::TicketId;
use serde_json::{Map, Value};
use sqlx::FromRow;
use sqlx::types::Json;
use uuid::Uuid;

use super::causes::Cause;
use super::spec::{Action, Event};
use crate::sla::calendar::Calendar;
use crate::sla::calendars;
use crate::tickets::{TicketError, tags};

/// A ticket, a cause, and what is known around them.
#[derive(Clone, Default, PartialEq)]
pub struct Facts {
    /// The ticket's channel.
    pub channel: String,
    /// The customer's language, a code of two letters.
    pub language: Option<String>,
    /// The subject.
    pub subject: Option<String>,
    /// The text of the message that came, of the first of a new ticket, else of the customer's last one until then.
    pub message: Option<String>,
    /// What the customer wants, as it was read out of the message.
    pub intent: Option<String>,
    /// What the message is about.
    pub topics: Vec<String>,
    /// Its mood, 0 (angry) to 1.
    pub sentiment: Option<f32>,
    /// Whether it asks for compensation.
    pub asks_compensation: Option<bool>,
    /// The ticket's tags.
    pub tags: Vec<String>,
    /// Its status.
    pub status: String,
    /// Its priority.
    pub priority: String,
    /// Whose it is, by the id of the agent.
    pub assignee: Option<String>,
    /// The department that it is for.
    pub department: Option<String>,
    /// Skills that it needs.
    pub skills: Vec<String>,
    /// Whether it sleeps.
    pub is_snoozed: bool,
    /// Whether an agent opened it.
    pub opened_by_agent: bool,
    /// The customer's tier.
    pub customer_tier: Option<String>,
    /// Its own fields by name.
    pub custom: Map<String, Value>,
    /// Whether the shop is open at that moment.
    pub in_business_hours: bool,
    /// Fields that the cause changed.
    pub changed: Vec<String>,
    /// Tags that the cause added.
    pub added_tags: Vec<String>,
    /// The rating that came, 1 to 5.
    pub rating: Option<f64>,
    /// The clock that is at risk or was missed.
    pub clock: Option<String>,
    /// Whether an agent answered since the cause.
    pub answered_since: bool,
    /// Whether the customer wrote since the cause.
    pub customer_wrote_since: bool,
    /// What others know of the customer.
    pub outside: Outside,
    /// Why no rule is looked at, if none is.
    pub skipped: Option<&'static str>,
}

impl std::fmt::Debug for Facts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Facts")
            .field("status", &self.status)
            .field("tags", &self.tags.len())
            .finish_non_exhaustive()
    }
}

/// What the shop's other data say of the customer behind a ticket; whoever runs rules looks it up.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Outside {
    /// The archetype's id.
    pub archetype: Option<String>,
    /// low, medium, high, critical.
    pub churn_band: Option<String>,
    /// Money spent, net of returns.
    pub spend: Option<f64>,
    /// Orders placed.
    pub orders: Option<i32>,
}

/// How the ticket is to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// As it is; its row is locked.
    Now(DateTime<Utc>),
    /// As it was then.
    Then(DateTime<Utc>),
}

impl When {
    /// The moment.
    pub fn at(self) -> DateTime<Utc> {
        match self {
            When::Now(at) | When::Then(at) => at,
        }
    }
}

#[derive(FromRow)]
struct Row {
    channel: String,
    language: Option<String>,
    subject: Option<String>,
    tags: Vec<String>,
    status: String,
    priority: String,
    assignee_id: Option<Uuid>,
    department: Option<String>,
    skills: Vec<String>,
    snoozed_until: Option<DateTime<Utc>>,
    opened_by_agent: bool,
    customer_tier: Option<String>,
    custom: Json<Map<String, Value>>,
    is_spam: bool,
    suspended_reason: Option<String>,
    merged_into: Option<Uuid>,
    archived_at: Option<DateTime<Utc>>,
}

#[derive(FromRow)]
struct Said {
    body_text: String,
    by_machine: bool,
    sentiment: Option<f32>,
    intent: Option<String>,
    language: Option<String>,
    topics: Option<Vec<String>>,
    asks_compensation: Option<bool>,
}

/// The shop's own calendar, if it has one (support role).
///
/// # Errors
/// The database failed.
pub async fn calendar(tx: &mut Tx) -> Result<Option<Arc<Calendar>>, TicketError> {
    let own = calendars::list(tx).await?.into_iter().find(|calendar| calendar.is_default);
    // Hours that cannot be read were refused when they were stored.
    Ok(own.and_then(|calendar| calendar.hours.read().ok()).map(Arc::new))
}

/// Reads a ticket for a cause (support role); none when it is gone.
///
/// # Errors
/// The database failed.
pub async fn read(
    tx: &mut Tx,
    cause: &Cause,
    when: When,
    calendar: Option<&Calendar>,
    outside: Outside,
) -> Result<Option<Facts>, TicketError> {
    let found: Option<Row> = sqlx::query_as(
        "select channel, language, subject, tags, status, priority, assignee_id, department, skills, snoozed_until,
                opened_by_agent, customer_tier, custom, is_spam, suspended_reason, merged_into, archived_at
         from support_app.ticket where id = $1",
    )
    .bind(cause.ticket)
    .fetch_optional(&mut **tx)
    .await?;
    let Some(mut row) = found else { return Ok(None) };
    if let When::Then(at) = when {
        rewind(tx, cause.ticket, at, &mut row).await?;
    }
    let said = said(tx, cause).await?;
    let since = since(tx, cause, when.at()).await?;
    let at = when.at();
    let skipped = skipped(cause, &row, said.as_ref());
    let words = |name: &str| {
        let list = cause.detail.get(name).and_then(Value::as_array);
        // In an order of their own: the same whether they were noted at once or read out of the history.
        let mut words: Vec<String> =
            list.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect();
        words.sort_unstable();
        words
    };
    let is_open = |calendar: &Calendar| calendar.first_open(at, at + Duration::seconds(1)) == Some(at);
    let mut facts = Facts {
        channel: row.channel,
        language: row.language,
        subject: row.subject,
        tags: row.tags,
        status: row.status,
        priority: row.priority,
        assignee: row.assignee_id.map(|id| id.to_string()),
        department: row.department,
        skills: row.skills,
        is_snoozed: row.snoozed_until.is_some_and(|until| until > at),
        opened_by_agent: row.opened_by_agent,
        customer_tier: row.customer_tier,
        custom: row.custom.0,
        in_business_hours: calendar.is_none_or(is_open),
        changed: words("changed"),
        added_tags: words("tags"),
        rating: cause.detail.get("score").and_then(Value::as_f64),
        clock: cause.detail.get("clock").and_then(Value::as_str).map(str::to_owned),
        answered_since: since.0,
        customer_wrote_since: since.1,
        outside,
        skipped,
        ..Facts::default()
    };
    if let Some(said) = said {
        facts.message = Some(said.body_text);
        facts.intent = said.intent;
        facts.topics = said.topics.unwrap_or_default();
        facts.sentiment = said.sentiment;
        facts.asks_compensation = said.asks_compensation;
        facts.language = said.language.or(facts.language);
    }
    Ok(Some(facts))
}

/// Machines cause nothing, and what is set aside is left alone.
fn skipped(cause: &Cause, row: &Row, said: Option<&Said>) -> Option<&'static str> {
    let by_machine = matches!(cause.event, Event::TicketCreated | Event::MessageReceived)
        && said.is_some_and(|said| said.by_machine);
    if by_machine {
        Some("a machine sent the message")
    } else if row.is_spam {
        Some("the ticket is spam")
    } else if row.suspended_reason.is_some() {
        Some("the ticket is set aside")
    } else if row.merged_into.is_some() {
        Some("the ticket was merged into another")
    } else if row.archived_at.is_some() {
        Some("the ticket was put away")
    } else {
        None
    }
}

/// The message of the cause: the one that came, the first of a new ticket, else the customer's last one until then.
async fn said(tx: &mut Tx, cause: &Cause) -> Result<Option<Said>, TicketError> {
    let which = match (cause.event, cause.message) {
        (_, Some(_)) => "m.id = $2",
        (Event::TicketCreated, None) => "not m.internal and $2::uuid is null",
        _ => "not m.internal and not m.from_agent and $2::uuid is null and m.created_at <= $3",
    };
    let order = if cause.event == Event::TicketCreated { "asc" } else { "desc" };
    Ok(sqlx::query_as(sqlx::AssertSqlSafe(format!(
        "select m.body_text, m.by_machine, a.sentiment, a.intent, a.language, a.topics, a.asks_compensation
         from support_app.message m left join support_app.message_analysis a
             on a.message_id = m.id and a.analysed_at is not null
         where m.ticket_id = $1 and {which} and $3::timestamptz is not null
         order by m.created_at {order}, m.id {order} limit 1"
    )))
    .bind(cause.ticket)
    .bind(cause.message)
    .bind(cause.at)
    .fetch_optional(&mut **tx)
    .await?)
}

/// Whether somebody was asked to read the cause's message and has not yet (support role).
///
/// # Errors
/// The database failed.
pub async fn is_unread(tx: &mut Tx, cause: &Cause) -> Result<bool, TicketError> {
    Ok(sqlx::query_scalar(
        "select exists (
             select from support_app.message_analysis a join support_app.message m on m.id = a.message_id
             where m.ticket_id = $1 and a.analysed_at is null and ($2::uuid is null or m.id = $2))",
    )
    .bind(cause.ticket)
    .bind(cause.message)
    .fetch_one(&mut **tx)
    .await?)
}

/// Whether a person replied, and whether the customer wrote, after the cause and until then.
async fn since(tx: &mut Tx, cause: &Cause, until: DateTime<Utc>) -> Result<(bool, bool), TicketError> {
    if until <= cause.at {
        return Ok((false, false));
    }
    Ok(sqlx::query_as(
        "select coalesce(bool_or(m.from_agent and (m.delivery is null or m.delivery in ('queued', 'sent'))), false),
                coalesce(bool_or(not m.from_agent and m.id is distinct from $4), false)
         from support_app.message m
         where m.ticket_id = $1 and not m.internal and not m.by_machine and m.sent_at > $2 and m.sent_at <= $3",
    )
    .bind(cause.ticket)
    .bind(cause.at)
    .bind(until)
    .bind(cause.message)
    .fetch_one(&mut **tx)
    .await?)
}

#[derive(FromRow)]
struct Change {
    at: DateTime<Utc>,
    field: String,
    old: Option<Value>,
    new: Option<Value>,
}

/// Takes back what changed after the moment.
async fn rewind(tx: &mut Tx, ticket: TicketId, at: DateTime<Utc>, row: &mut Row) -> Result<(), TicketError> {
    let changes: Vec<Change> = sqlx::query_as(
        "select at, field, old, new from support_app.ticket_change where ticket_id = $1 and at > $2
         order by at desc, id",
    )
    .bind(ticket)
    .bind(at)
    .fetch_all(&mut **tx)
    .await?;
    for (field, old) in values_before(&changes) {
        let old = old.cloned().unwrap_or(Value::Null);
        let text = || old.as_str().map(str::to_owned);
        let list = || -> Vec<String> {
            old.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
        };
        let time =
            || old.as_str().and_then(|text| DateTime::parse_from_rfc3339(text).ok()).map(|at| at.to_utc());
        match field {
            "status" => row.status = text().unwrap_or_default(),
            "priority" => row.priority = text().unwrap_or_default(),
            "assignee_id" => row.assignee_id = old.as_str().and_then(|id| id.parse().ok()),
            "department" => row.department = text(),
            "skills" => row.skills = list(),
            "tags" => row.tags = list(),
            "subject" => row.subject = text(),
            "channel" => row.channel = text().unwrap_or_default(),
            "language" => row.language = text(),
            "customer_tier" => row.customer_tier = text(),
            "custom" => row.custom = Json(old.as_object().cloned().unwrap_or_default()),
            "snoozed_until" => row.snoozed_until = time(),
            "is_spam" => row.is_spam = old.as_bool().unwrap_or_default(),
            "suspended_reason" => row.suspended_reason = text(),
            "merged_into" => row.merged_into = old.as_str().and_then(|id| id.parse().ok()),
            "archived_at" => row.archived_at = time(),
            _ => {}
        }
    }
    Ok(())
}

/// The value of each field before the first of these changes, which are given the newest first. Several changes of a
/// field in one transaction have the same time: the first is the one whose old value none of the others made.
fn values_before(changes: &[Change]) -> BTreeMap<&str, Option<&Value>> {
    let mut before: BTreeMap<&str, Option<&Value>> = BTreeMap::new();
    let mut rest = changes;
    while let Some(first) = rest.first() {
        let together = rest.iter().take_while(|change| change.at == first.at).count();
        let (now, earlier) = rest.split_at(together);
        let mut fields: Vec<&str> = now.iter().map(|change| change.field.as_str()).collect();
        fields.sort_unstable();
        fields.dedup();
        for field in fields {
            let of_field: Vec<&Change> = now.iter().filter(|change| change.field == field).collect();
            let start = of_field.iter().find(|change| !of_field.iter().any(|other| other.new == change.old));
            match (start, of_field.as_slice()) {
                (Some(start), _) => {
                    before.insert(field, start.old.as_ref());
                }
                // One alone begins with its own old value.
                (None, [only]) => {
                    before.insert(field, only.old.as_ref());
                }
                // They lead back to where they began, which is what a later change found.
                (None, _) => {}
            }
        }
        rest = earlier;
    }
    before
}

impl Facts {
    /// What the ticket is after an action: the same for a run and for a trial.
    pub fn after(&mut self, action: &Action) {
        match action {
            Action::AddTags { tags } => {
                for tag in tags {
                    if !self.tags.iter().any(|known| tags::are_one(known, tag)) {
                        self.tags.push(tag.clone());
                    }
                }
            }
            Action::RemoveTags { tags } => {
                self.tags.retain(|known| !tags.iter().any(|tag| tags::are_one(known, tag)));
            }
            Action::AssignAgent { agent_id } => self.assignee = Some(agent_id.to_string()),
            Action::AssignDepartment { department } => {
                self.department = Some(department.clone());
                self.assignee = None;
            }
            Action::RequireSkills { skills } => {
                for skill in skills {
                    if !self.skills.contains(skill) {
                        self.skills.push(skill.clone());
                    }
                }
            }
            Action::SetPriority { priority } => priority.name().clone_into(&mut self.priority),
            Action::SetStatus { status } => {
                status.name().clone_into(&mut self.status);
                if !status.is_live() {
                    self.is_snoozed = false;
                }
            }
            Action::Snooze { .. } => self.is_snoozed = true,
            Action::Reply { .. }
            | Action::Note { .. }
            | Action::Notify { .. }
            | Action::CallWebhook { .. } => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn change(secs: i64, field: &str, old: Value, new: Value) -> Change {
        let some = |value: Value| (!value.is_null()).then_some(value);
        let at = DateTime::from_timestamp(secs, 0).expect("a time");
        Change { at, field: field.to_owned(), old: some(old), new: some(new) }
    }

    #[test]
    fn the_past_is_read_back_through_changes_of_one_moment() {
        let changes = [
            change(30, "status", json!("pending"), json!("open")),
            change(20, "tags", json!(["a"]), json!(["a", "b"])),
            change(20, "tags", json!([]), json!(["a"])),
            change(20, "status", json!("open"), json!("pending")),
            change(10, "department", Value::Null, json!("x")),
        ];
        let before = values_before(&changes);
        assert_eq!(before.get("tags"), Some(&Some(&json!([]))));
        assert_eq!(before.get("status"), Some(&Some(&json!("open"))));
        assert_eq!(before.get("department"), Some(&None));
        assert_eq!(before.get("priority"), None);
    }
}
