//! What a rule says, as it is written and stored; and the same read, with every word checked.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use super::Fault;
use super::tree::{self, Tree};
use crate::tickets::state::Status;
use crate::tickets::words::{self, Priority};

/// Actions of a rule or macro.
pub const MOST_ACTIONS: usize = 20;
/// Minutes that a rule may wait, and that a ticket may be put to sleep: 90 days.
pub const MOST_MINUTES: i64 = 129_600;
/// How often a rule may fire for one ticket within an hour, at most.
const MOST_BUDGET: i32 = 1_000;
/// Characters of a note that a rule writes.
const NOTE_LIMIT: usize = 5_000;
/// Characters of an address that is called.
const URL_LIMIT: usize = 2_000;

/// What can happen to a ticket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum Event {
    /// It was made.
    TicketCreated,
    /// Its customer wrote.
    MessageReceived,
    /// A field of it changed.
    TicketUpdated,
    /// It got a tag.
    TagAdded,
    /// Its customer rated the help.
    RatingReceived,
    /// A clock is at risk.
    SlaWarning,
    /// A clock is breached.
    SlaBreach,
}

impl Event {
    /// Every event.
    pub const ALL: [Event; 7] = [
        Event::TicketCreated,
        Event::MessageReceived,
        Event::TicketUpdated,
        Event::TagAdded,
        Event::RatingReceived,
        Event::SlaWarning,
        Event::SlaBreach,
    ];

    /// Its name on the wire and in the database.
    pub fn name(self) -> &'static str {
        match self {
            Event::TicketCreated => "ticket_created",
            Event::MessageReceived => "message_received",
            Event::TicketUpdated => "ticket_updated",
            Event::TagAdded => "tag_added",
            Event::RatingReceived => "rating_received",
            Event::SlaWarning => "sla_warning",
            Event::SlaBreach => "sla_breach",
        }
    }
}

/// What a rule does, or a macro beside its text.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case", deny_unknown_fields)]
pub enum Action {
    /// Adds tags.
    AddTags {
        /// The tags.
        tags: Vec<String>,
    },
    /// Takes tags away.
    RemoveTags {
        /// The tags.
        tags: Vec<String>,
    },
    /// Gives the ticket to an agent, whatever room they have.
    AssignAgent {
        /// The agent.
        agent_id: Uuid,
    },
    /// Gives it to whoever of a department has room.
    AssignDepartment {
        /// The department.
        department: String,
    },
    /// Lets only agents with these skills get it.
    RequireSkills {
        /// The skills, besides those that it needs already.
        skills: Vec<String>,
    },
    /// Sets how urgent it is.
    SetPriority {
        /// To what.
        priority: Priority,
    },
    /// Sets where it stands.
    SetStatus {
        /// To what.
        status: Status,
    },
    /// Puts it to sleep.
    Snooze {
        /// For how long.
        minutes: i64,
    },
    /// Answers the customer with a macro's text.
    Reply {
        /// The macro.
        macro_id: Uuid,
    },
    /// Writes a note for colleagues; variables as in macros.
    Note {
        /// The text.
        text: String,
    },
    /// Tells an agent, or the one who has the ticket when none is named.
    Notify {
        /// Whom.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        agent_id: Option<Uuid>,
    },
    /// Calls another system.
    CallWebhook {
        /// Its address: https and public.
        url: String,
    },
}

impl Action {
    /// Checks what can be checked without knowing the shop.
    ///
    /// # Errors
    /// Names what does not fit.
    pub fn check(&self, at: &str) -> Result<(), Fault> {
        let fits = |field: &'static str, given: &[String]| {
            if given.is_empty() {
                return Err(Fault::at(format!("{at}.{field}"), "must name at least one"));
            }
            words::words(field, given)
                .map(drop)
                .map_err(|error| Fault::at(format!("{at}.{field}"), error.to_string()))
        };
        match self {
            Action::AddTags { tags } | Action::RemoveTags { tags } => fits("tags", tags),
            Action::RequireSkills { skills } => fits("skills", skills),
            Action::AssignDepartment { department } => words::short("department", department, 100)
                .map(drop)
                .map_err(|_| Fault::at(format!("{at}.department"), "must have 1 to 100 characters")),
            Action::Snooze { minutes } if !(1..=MOST_MINUTES).contains(minutes) => {
                Err(Fault::at(format!("{at}.minutes"), format!("must be 1 to {MOST_MINUTES}")))
            }
            Action::Note { text } => {
                words::text("text", text, NOTE_LIMIT).map_err(|_| {
                    Fault::at(format!("{at}.text"), format!("must have 1 to {NOTE_LIMIT} characters"))
                })?;
                crate::macros::variables::check(text, &format!("{at}.text"))
            }
            Action::CallWebhook { url } if !(1..=URL_LIMIT).contains(&url.len()) => {
                Err(Fault::at(format!("{at}.url"), format!("must have 1 to {URL_LIMIT} bytes")))
            }
            Action::AssignAgent { .. }
            | Action::SetPriority { .. }
            | Action::SetStatus { .. }
            | Action::Snooze { .. }
            | Action::Reply { .. }
            | Action::Notify { .. }
            | Action::CallWebhook { .. } => Ok(()),
        }
    }

    /// Whether a macro may have it: what it does to the ticket itself.
    pub fn is_for_macros(&self) -> bool {
        !matches!(self, Action::Reply { .. } | Action::CallWebhook { .. } | Action::Notify { .. })
    }
}

/// A rule, as it is written.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Spec {
    /// For people.
    pub name: String,
    /// What happens.
    pub event: Event,
    /// How long after it the rule looks; at once when missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after_minutes: Option<i32>,
    /// What must hold: `{"all": [...]}`, `{"any": [...]}` or `{"field", "op", "value"}`; an empty list always does.
    #[serde(default = "everything")]
    pub conditions: Value,
    /// What must not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unless: Option<Value>,
    /// What is done, in this order.
    pub actions: Vec<Action>,
    /// How often it may fire for one ticket within an hour.
    #[serde(default = "usual_budget")]
    pub hourly_budget: i32,
}

fn everything() -> Value {
    serde_json::json!({ "all": [] })
}

fn usual_budget() -> i32 {
    10
}

/// A rule that was read: every condition is of a field that exists, with a value that fits.
#[derive(Debug, Clone)]
pub struct Read {
    /// What must hold.
    pub conditions: Tree,
    /// What must not.
    pub unless: Option<Tree>,
}

impl Spec {
    /// Reads the conditions and checks everything else.
    ///
    /// # Errors
    /// Names what does not fit, and what would.
    pub fn read(&self) -> Result<Read, Fault> {
        if !(1..=200).contains(&self.name.trim().chars().count()) || self.name.chars().any(char::is_control) {
            return Err(Fault::at("name", "must have 1 to 200 characters"));
        }
        if self.after_minutes.is_some_and(|minutes| !(1..=MOST_MINUTES).contains(&i64::from(minutes))) {
            return Err(Fault::at("after_minutes", format!("must be 1 to {MOST_MINUTES}")));
        }
        if !(1..=MOST_BUDGET).contains(&self.hourly_budget) {
            return Err(Fault::at("hourly_budget", format!("must be 1 to {MOST_BUDGET}")));
        }
        if !(1..=MOST_ACTIONS).contains(&self.actions.len()) {
            return Err(Fault::at("actions", format!("must be 1 to {MOST_ACTIONS}")));
        }
        for (place, action) in self.actions.iter().enumerate() {
            action.check(&format!("actions[{place}]"))?;
        }
        check_order(&self.actions)?;
        let conditions = tree::read(&self.conditions, "conditions")?;
        let unless = self.unless.as_ref().map(|unless| tree::read(unless, "unless")).transpose()?;
        Ok(Read { conditions, unless })
    }
}

/// Actions that undo each other in one rule are a mistake, whatever their order.
fn check_order(actions: &[Action]) -> Result<(), Fault> {
    let mut added: Vec<&String> = Vec::new();
    let mut removed: Vec<&String> = Vec::new();
    let mut single: Vec<std::mem::Discriminant<Action>> = Vec::new();
    for (place, action) in actions.iter().enumerate() {
        match action {
            Action::AddTags { tags } => added.extend(tags),
            Action::RemoveTags { tags } => removed.extend(tags),
            Action::SetPriority { .. }
            | Action::SetStatus { .. }
            | Action::Snooze { .. }
            | Action::AssignAgent { .. }
            | Action::AssignDepartment { .. }
            | Action::Reply { .. } => {
                let kind = std::mem::discriminant(action);
                if single.contains(&kind) {
                    return Err(Fault::at(
                        format!("actions[{place}]"),
                        "does again what an action before it does",
                    ));
                }
                single.push(kind);
            }
            _ => {}
        }
    }
    let twice = added.iter().find(|tag| removed.contains(tag));
    match twice {
        Some(tag) => Err(Fault::at("actions", format!("add and remove the same tag, {tag}"))),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn spec(change: Value) -> Result<Read, Fault> {
        let mut whole = json!({
            "name": "Refunds", "event": "message_received",
            "conditions": {"all": [{"field": "message", "op": "contains", "value": ["refund"]}]},
            "actions": [{"do": "add_tags", "tags": ["refund"]}],
        });
        for (key, value) in change.as_object().expect("an object") {
            whole[key] = value.clone();
        }
        let spec: Spec = serde_json::from_value(whole).expect("the form of a rule");
        spec.read()
    }

    #[test]
    fn what_cannot_be_is_named() {
        assert!(spec(json!({})).is_ok());
        for (change, field) in [
            (json!({"name": " "}), "name"),
            (json!({"after_minutes": 0}), "after_minutes"),
            (json!({"hourly_budget": 0}), "hourly_budget"),
            (json!({"actions": []}), "actions"),
            (json!({"actions": [{"do": "add_tags", "tags": []}]}), "actions[0].tags"),
            (json!({"actions": [{"do": "snooze", "minutes": 0}]}), "actions[0].minutes"),
            (json!({"actions": [{"do": "note", "text": "Hello {{customer.shoe}}"}]}), "actions[0].text"),
            (
                json!({"actions": [{"do": "add_tags", "tags": ["a"]}, {"do": "remove_tags", "tags": ["a"]}]}),
                "actions",
            ),
            (
                json!({"actions": [{"do": "set_status", "status": "open"}, {"do": "set_status", "status": "closed"}]}),
                "actions[1]",
            ),
            (
                json!({"conditions": {"all": [{"field": "shoe", "op": "is", "value": 1}]}}),
                "conditions.all[0].field",
            ),
            (json!({"unless": {"some": []}}), "unless"),
        ] {
            let fault = spec(change).expect_err(field);
            assert_eq!(fault.field, field, "{fault}");
        }
    }
}
