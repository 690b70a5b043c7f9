//! What a key may do, by the names that people and programs write.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// What a key may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Scope {
    /// See jobs and their results.
    #[serde(rename = "jobs:read")]
    JobsRead,
    /// Enqueue and cancel jobs.
    #[serde(rename = "jobs:write")]
    JobsWrite,
    /// Read drafts and recommendations.
    #[serde(rename = "ai:read")]
    AiRead,
    /// Ask for new drafts.
    #[serde(rename = "ai:write")]
    AiWrite,
    /// Deliver webhooks, and have deliveries taken in once more.
    #[serde(rename = "webhooks:write")]
    WebhooksWrite,
    /// See webhook deliveries.
    #[serde(rename = "webhooks:read")]
    WebhooksRead,
    /// Import orders.
    #[serde(rename = "orders:write")]
    OrdersWrite,
    /// Look up customers.
    #[serde(rename = "customers:read")]
    CustomersRead,
    /// See runs, models, segmentations and what they found of all customers together.
    #[serde(rename = "intelligence:read")]
    IntelligenceRead,
    /// Ask for runs, scores and training; promote models.
    #[serde(rename = "intelligence:write")]
    IntelligenceWrite,
    /// See segments, their members and their history.
    #[serde(rename = "segments:read")]
    SegmentsRead,
    /// Write, evaluate and archive segments.
    #[serde(rename = "segments:write")]
    SegmentsWrite,
    /// See tickets, messages, notes and their clocks.
    #[serde(rename = "tickets:read")]
    TicketsRead,
    /// Create and change tickets, reply, write notes, claim a ticket for oneself.
    #[serde(rename = "tickets:write")]
    TicketsWrite,
    /// Assign, transfer and escalate tickets of others.
    #[serde(rename = "tickets:assign")]
    TicketsAssign,
    /// Create, change and merge customers.
    #[serde(rename = "customers:write")]
    CustomersWrite,
    /// See agents, their availability and load.
    #[serde(rename = "agents:read")]
    AgentsRead,
    /// Invite, change and disable agents; end their sessions.
    #[serde(rename = "agents:write")]
    AgentsWrite,
    /// See SLA policies, calendars and breaches.
    #[serde(rename = "sla:read")]
    SlaRead,
    /// Write SLA policies and calendars.
    #[serde(rename = "sla:write")]
    SlaWrite,
    /// See the dashboards of the desk.
    #[serde(rename = "reports:read")]
    ReportsRead,
    /// Change the desk's settings: departments, custom fields, tags, ratings.
    #[serde(rename = "settings:write")]
    SettingsWrite,
    /// Read the tenant's audit trail.
    #[serde(rename = "audit:read")]
    AuditRead,
    /// See what persons asked for, and the certificates of what was done.
    #[serde(rename = "privacy:read")]
    PrivacyRead,
    /// Export and erase persons, redact messages and files, say how long data are kept.
    #[serde(rename = "privacy:write")]
    PrivacyWrite,
    /// Destroy the key under which the tenant's words are sealed.
    #[serde(rename = "privacy:destroy")]
    PrivacyDestroy,
    /// Everything, for all tenants.
    #[serde(rename = "operator")]
    Operator,
}

impl Scope {
    /// Every scope.
    pub const ALL: [Scope; 27] = [
        Scope::JobsRead,
        Scope::JobsWrite,
        Scope::AiRead,
        Scope::AiWrite,
        Scope::WebhooksWrite,
        Scope::WebhooksRead,
        Scope::OrdersWrite,
        Scope::CustomersRead,
        Scope::IntelligenceRead,
        Scope::IntelligenceWrite,
        Scope::SegmentsRead,
        Scope::SegmentsWrite,
        Scope::TicketsRead,
        Scope::TicketsWrite,
        Scope::TicketsAssign,
        Scope::CustomersWrite,
        Scope::AgentsRead,
        Scope::AgentsWrite,
        Scope::SlaRead,
        Scope::SlaWrite,
        Scope::ReportsRead,
        Scope::SettingsWrite,
        Scope::AuditRead,
        Scope::PrivacyRead,
        Scope::PrivacyWrite,
        Scope::PrivacyDestroy,
        Scope::Operator,
    ];

    /// The text form, as stored and as written in requests.
    pub fn name(self) -> &'static str {
        match self {
            Scope::JobsRead => "jobs:read",
            Scope::JobsWrite => "jobs:write",
            Scope::AiRead => "ai:read",
            Scope::AiWrite => "ai:write",
            Scope::WebhooksWrite => "webhooks:write",
            Scope::WebhooksRead => "webhooks:read",
            Scope::OrdersWrite => "orders:write",
            Scope::CustomersRead => "customers:read",
            Scope::IntelligenceRead => "intelligence:read",
            Scope::IntelligenceWrite => "intelligence:write",
            Scope::SegmentsRead => "segments:read",
            Scope::SegmentsWrite => "segments:write",
            Scope::TicketsRead => "tickets:read",
            Scope::TicketsWrite => "tickets:write",
            Scope::TicketsAssign => "tickets:assign",
            Scope::CustomersWrite => "customers:write",
            Scope::AgentsRead => "agents:read",
            Scope::AgentsWrite => "agents:write",
            Scope::SlaRead => "sla:read",
            Scope::SlaWrite => "sla:write",
            Scope::ReportsRead => "reports:read",
            Scope::SettingsWrite => "settings:write",
            Scope::AuditRead => "audit:read",
            Scope::PrivacyRead => "privacy:read",
            Scope::PrivacyWrite => "privacy:write",
            Scope::PrivacyDestroy => "privacy:destroy",
            Scope::Operator => "operator",
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The text names no scope.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no scope {0:?}; the scopes are {all}", all = Scope::ALL.map(Scope::name).join(", "))]
pub struct UnknownScope(pub String);

impl FromStr for Scope {
    type Err = UnknownScope;

    fn from_str(text: &str) -> Result<Scope, UnknownScope> {
        Scope::ALL.into_iter().find(|scope| scope.name() == text).ok_or_else(|| UnknownScope(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scope_names_round_trip() {
        for scope in Scope::ALL {
            assert_eq!(scope.name().parse(), Ok(scope));
            assert_eq!(serde_json::to_value(scope).expect("serialises"), scope.name());
        }
        assert!("admin".parse::<Scope>().is_err());
    }
}
