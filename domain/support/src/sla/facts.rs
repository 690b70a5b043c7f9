//! What clocks are derived from, read in one statement for any number of tickets.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sqlx::FromRow;
use sqlx::types::Json;
use uuid::Uuid;

use database::ids::TicketId;
use database::{DbError, Tx};

use super::policy::{Attributes, CalendarVersion, PolicyVersion, Rulebook};

/// A ticket with what happened to it.
#[derive(Clone, Debug, Deserialize)]
pub struct Facts {
    /// The ticket.
    pub id: TicketId,
    /// When it came into being.
    pub created_at: DateTime<Utc>,
    /// open, pending, resolved or closed.
    pub status: String,
    /// What decides about its policy, now.
    #[serde(flatten)]
    pub attributes: Attributes,
    /// It is spam.
    pub is_spam: bool,
    /// It is suspended.
    pub is_suspended: bool,
    /// It went into another one.
    pub is_merged: bool,
    /// It was put away.
    pub is_archived: bool,
    /// When its first clock runs out, as it is stored.
    pub sla_due_at: Option<DateTime<Utc>>,
    /// How it stands, as it is stored.
    pub sla_state: Option<String>,
    /// Messages between customer and people, in order.
    pub messages: Vec<MessageFact>,
    /// Its history as far as it concerns clocks, in order.
    pub changes: Vec<Change>,
    /// Messages of tickets merged into it that nobody has answered.
    pub inherited: Vec<Inherited>,
    /// Its clocks as they are stored.
    pub clocks: Vec<StoredClock>,
}

impl Facts {
    /// The customer is in another tier from `at` on, which stands in the history once the row is written.
    pub(super) fn change_tier(&mut self, tier: Option<&str>, at: DateTime<Utc>) {
        let before = std::mem::replace(&mut self.attributes.customer_tier, tier.map(str::to_owned));
        let field = "customer_tier".to_owned();
        self.changes.push(Change { at, field, old: before.map(Value::from), new: tier.map(Value::from) });
        // A help desk's clock may be ahead of ours.
        self.changes.sort_by_key(|change| change.at);
    }
}

/// A message.
#[derive(Clone, Copy, Debug, Deserialize)]
pub struct MessageFact {
    /// When it was sent.
    pub at: DateTime<Utc>,
    /// By a person of the desk; otherwise by the customer.
    pub from_agent: bool,
}

/// A change of a field.
#[derive(Clone, Debug, Deserialize)]
pub struct Change {
    /// When, by the clock of whoever changed it.
    pub at: DateTime<Utc>,
    /// The field.
    pub field: String,
    /// What it was.
    pub old: Option<Value>,
    /// What it became.
    pub new: Option<Value>,
}

/// A customer's message that came with a merged ticket.
#[derive(Clone, Copy, Debug, Deserialize)]
pub struct Inherited {
    /// When its ticket was merged.
    pub at: DateTime<Utc>,
    /// When it was sent.
    pub since: DateTime<Utc>,
}

/// A clock as it is stored: what changes only with facts, so that it can be compared.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StoredClock {
    /// Its kind.
    pub kind: String,
    /// Its number among those of its kind.
    pub seq: i32,
    /// When it started.
    pub started_at: DateTime<Utc>,
    /// running, paused, ended.
    pub state: String,
    /// within_sla, at_risk, breached.
    pub standing: String,
    /// When it is due.
    pub due_at: Option<DateTime<Utc>>,
    /// When 80 % has elapsed.
    pub warn_at: Option<DateTime<Utc>>,
    /// When it ended.
    pub ended_at: Option<DateTime<Utc>>,
    /// met, missed, cancelled, none.
    pub verdict: Option<String>,
    /// How many different promises it has had.
    pub target_version: i32,
    /// The policy's version.
    pub policy_version: Option<Uuid>,
    /// The target in minutes.
    pub target_minutes: Option<i64>,
    /// What was announced of this promise: 0 nothing, 1 the warning, 2 the breach.
    pub announced: i16,
    /// When the next is to be announced.
    pub next_alert_at: Option<DateTime<Utc>>,
    /// What it had come to before it went on.
    pub superseded: Value,
}

#[derive(FromRow)]
struct Row {
    tickets: Json<Vec<Facts>>,
    policies: Json<Vec<PolicyVersion>>,
    calendars: Json<Vec<CalendarVersion>>,
}

/// Reads the facts of these tickets and the versions that ever concerned them (support role). Tickets that are not
/// there are left out.
///
/// # Errors
/// The database failed.
pub async fn read(tx: &mut Tx, tickets: &[TicketId]) -> Result<(Vec<Facts>, Rulebook), DbError> {
    let row: Row = sqlx::query_as(include_str!("facts.sql")).bind(tickets).fetch_one(&mut **tx).await?;
    Ok((row.tickets.0, Rulebook::new(row.policies.0, row.calendars.0)))
}
