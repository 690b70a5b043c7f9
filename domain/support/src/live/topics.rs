//! What clients are told: each kind of event with the permission that its GET needs, and the fields of it that leave the
//! house. What is not listed here is told to nobody.

use accounts::api_keys::Scope;
use serde_json::{Map, Value};

/// A kind of event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Topic {
    /// A ticket came.
    NewTicket,
    /// Something of a ticket changed.
    TicketUpdate,
    /// A reply went out.
    ReplySent,
    /// A reply could not be sent.
    ReplyFailed,
    /// A customer rated how a ticket was resolved.
    TicketRated,
    /// A clock is at four fifths.
    SlaWarning,
    /// A clock ran out.
    SlaBreach,
    /// An agent came, went, or says something else of themselves.
    AgentStatus,
    /// Tickets wait for which nobody has room, or none does any more.
    WaitingQueue,
    /// A rule tells an agent of a ticket.
    RuleNotice,
    /// A rule names what is gone, and is not run.
    RuleInvalid,
    /// A rule fired too often for a ticket, and was switched off.
    RuleSwitchedOff,
    /// Mail of one sender comes in a flood, and is held back.
    MailSuspended,
    /// A job that agents wait for is done.
    JobDone,
    /// Somebody writes an answer; it has no number.
    Typing,
    /// Somebody looks at a ticket; it has no number.
    Viewing,
}

impl Topic {
    /// Every kind.
    pub const ALL: [Topic; 16] = [
        Topic::NewTicket,
        Topic::TicketUpdate,
        Topic::ReplySent,
        Topic::ReplyFailed,
        Topic::TicketRated,
        Topic::SlaWarning,
        Topic::SlaBreach,
        Topic::AgentStatus,
        Topic::WaitingQueue,
        Topic::RuleNotice,
        Topic::RuleInvalid,
        Topic::RuleSwitchedOff,
        Topic::MailSuspended,
        Topic::JobDone,
        Topic::Typing,
        Topic::Viewing,
    ];

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Topic::NewTicket => "new_ticket",
            Topic::TicketUpdate => "ticket_update",
            Topic::ReplySent => "reply_sent",
            Topic::ReplyFailed => "reply_failed",
            Topic::TicketRated => "ticket_rated",
            Topic::SlaWarning => "sla_warning",
            Topic::SlaBreach => "sla_breach",
            Topic::AgentStatus => "agent_status",
            Topic::WaitingQueue => "waiting_queue",
            Topic::RuleNotice => "rule_notice",
            Topic::RuleInvalid => "rule_invalid",
            Topic::RuleSwitchedOff => "rule_switched_off",
            Topic::MailSuspended => "mail_suspended",
            Topic::JobDone => "job_done",
            Topic::Typing => "typing",
            Topic::Viewing => "viewing",
        }
    }

    /// The kind of that name.
    pub fn named(name: &str) -> Option<Topic> {
        Topic::ALL.into_iter().find(|topic| topic.name() == name)
    }

    /// What one must be permitted to be told of it: the same as for the GET of what it speaks of.
    pub const fn scope(self) -> Scope {
        match self {
            Topic::NewTicket
            | Topic::TicketUpdate
            | Topic::ReplySent
            | Topic::ReplyFailed
            | Topic::TicketRated
            | Topic::RuleNotice
            | Topic::RuleInvalid
            | Topic::RuleSwitchedOff
            | Topic::Typing
            | Topic::Viewing => Scope::TicketsRead,
            Topic::SlaWarning | Topic::SlaBreach => Scope::SlaRead,
            Topic::AgentStatus => Scope::AgentsRead,
            Topic::WaitingQueue => Scope::TicketsAssign,
            Topic::MailSuspended => Scope::WebhooksRead,
            Topic::JobDone => Scope::AiRead,
        }
    }

    /// The fields of its payload that are told: ids, numbers, times and words of fixed lists.
    pub const fn fields(self) -> &'static [&'static str] {
        match self {
            Topic::NewTicket => &["version", "number", "status", "priority", "channel"],
            Topic::TicketUpdate => {
                &["version", "changed", "status", "priority", "assignee_id", "message_count", "message_id"]
            }
            Topic::ReplySent | Topic::ReplyFailed => &["message_id"],
            Topic::TicketRated => &["score", "source"],
            Topic::SlaWarning | Topic::SlaBreach => &["number", "clock", "due_at", "target_version"],
            Topic::AgentStatus => {
                &["availability", "is_present", "accepts_new", "is_disabled", "load", "capacity"]
            }
            Topic::WaitingQueue => &["waits"],
            Topic::RuleNotice | Topic::RuleInvalid | Topic::RuleSwitchedOff => &["rule_id", "version"],
            Topic::MailSuspended => &["mailbox_id", "limit"],
            Topic::JobDone => &["job_id", "kind"],
            Topic::Typing | Topic::Viewing => &["state"],
        }
    }

    /// What of a payload is told.
    pub fn shown(self, payload: &Value) -> Map<String, Value> {
        let kept = self
            .fields()
            .iter()
            .filter_map(|field| payload.get(*field).map(|value| ((*field).to_owned(), value.clone())));
        kept.collect()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_what_is_listed_leaves_the_house() {
        let payload = json!({ "version": 3, "status": "open", "subject": "a secret", "body": "more" });
        let shown = Topic::TicketUpdate.shown(&payload);
        assert_eq!(Value::Object(shown), json!({ "version": 3, "status": "open" }));
        for topic in Topic::ALL {
            assert_eq!(Topic::named(topic.name()), Some(topic));
            assert!(topic.fields().iter().all(|field| !["subject", "body", "name", "email"].contains(field)));
        }
        assert_eq!(Topic::named("internal_note"), None);
    }
}
