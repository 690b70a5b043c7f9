//! What each role may do: one table, which the checks and the documentation are made of.

use std::fmt;
use std::fmt::Write as _;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::api_keys::Scope;

/// What a person is at the desk; a later one stands above the earlier ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum Role {
    /// Looks on and gets no tickets.
    Viewer,
    /// Answers customers.
    Agent,
    /// Answers customers, also those of high tiers.
    SeniorAgent,
    /// Leads agents: assigns their work and sees how it goes.
    TeamLead,
    /// Runs the desk: its people, promises and settings.
    Manager,
    /// Everything in the tenant, and reads who did what.
    Admin,
}

impl Role {
    /// Every role, from the lowest.
    pub const ALL: [Role; 6] =
        [Role::Viewer, Role::Agent, Role::SeniorAgent, Role::TeamLead, Role::Manager, Role::Admin];

    /// The text form, as stored and as written in requests.
    pub fn name(self) -> &'static str {
        match self {
            Role::Viewer => "viewer",
            Role::Agent => "agent",
            Role::SeniorAgent => "senior_agent",
            Role::TeamLead => "team_lead",
            Role::Manager => "manager",
            Role::Admin => "admin",
        }
    }

    /// What assignment knows of it: 0 agent, 1 senior, 2 leads.
    pub fn seniority(self) -> i16 {
        match self {
            Role::Viewer | Role::Agent => 0,
            Role::SeniorAgent => 1,
            Role::TeamLead | Role::Manager | Role::Admin => 2,
        }
    }

    /// What the role may do.
    pub fn scopes(self) -> Vec<Scope> {
        Scope::ALL.into_iter().filter(|scope| holders(*scope).contains(&self)).collect()
    }

    /// Whether somebody with these permissions may give the role to somebody, or change somebody who has it: nobody
    /// hands out what they do not have, be it a person or a key.
    pub fn is_within(self, scopes: &[Scope]) -> bool {
        scopes.contains(&Scope::Operator) || self.scopes().iter().all(|scope| scopes.contains(scope))
    }
}

/// The roles that have a permission. A scope that is missing here does not compile.
fn holders(scope: Scope) -> &'static [Role] {
    use Role::{Admin, Agent, Manager, SeniorAgent, TeamLead, Viewer};
    const ALL: &[Role] = &Role::ALL;
    const WHO_ANSWER: &[Role] = &[Agent, SeniorAgent, TeamLead, Manager, Admin];
    const WHO_LOOK_ON: &[Role] = &[Viewer, TeamLead, Manager, Admin];
    const WHO_LEAD: &[Role] = &[TeamLead, Manager, Admin];
    const WHO_RUN: &[Role] = &[Manager, Admin];
    match scope {
        Scope::TicketsRead | Scope::CustomersRead | Scope::AgentsRead | Scope::SlaRead => ALL,
        Scope::AiRead | Scope::JobsRead => ALL,
        Scope::TicketsWrite | Scope::CustomersWrite | Scope::AiWrite => WHO_ANSWER,
        Scope::ReportsRead | Scope::IntelligenceRead | Scope::SegmentsRead => WHO_LOOK_ON,
        Scope::TicketsAssign => WHO_LEAD,
        Scope::AgentsWrite | Scope::SlaWrite | Scope::SettingsWrite | Scope::JobsWrite => WHO_RUN,
        Scope::OrdersWrite | Scope::IntelligenceWrite | Scope::SegmentsWrite | Scope::WebhooksRead => WHO_RUN,
        Scope::PrivacyRead | Scope::PrivacyWrite => WHO_RUN,
        Scope::AuditRead | Scope::WebhooksWrite | Scope::PrivacyDestroy => &[Admin],
        // Of the cluster, not of a tenant.
        Scope::Operator => &[],
    }
}

/// The table as a document in Markdown: `docs/permissions.md`.
pub fn document() -> String {
    let mut text = String::from(
        "# Permissions\n\nWhat each role may do. Made by `api permissions` from \
         `domain/accounts/src/people/permissions.rs`; a test compares. An API key has scopes of its own choosing; \
         `operator` is for keys of whoever runs the cluster and for no role.\n\n| Permission |",
    );
    for role in Role::ALL {
        let _ = write!(text, " {role} |");
    }
    text.push_str("\n| --- |");
    text.push_str(&" :-: |".repeat(Role::ALL.len()));
    text.push('\n');
    for scope in Scope::ALL {
        let _ = write!(text, "| `{scope}` |");
        for role in Role::ALL {
            text.push_str(if holders(scope).contains(&role) { " yes |" } else { "  |" });
        }
        text.push('\n');
    }
    text.push_str(
        "\nNobody gives a role with permissions that they do not have, nor changes somebody who has one. The last admin of \
         a tenant can be neither disabled nor given another role.\n",
    );
    text
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The text names no role.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no such role; the roles are {all}", all = Role::ALL.map(Role::name).join(", "))]
pub struct UnknownRole;

impl FromStr for Role {
    type Err = UnknownRole;

    fn from_str(text: &str) -> Result<Role, UnknownRole> {
        Role::ALL.into_iter().find(|role| role.name() == text).ok_or(UnknownRole)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documentation_is_the_table() {
        let written = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/permissions.md");
        let written = std::fs::read_to_string(written).expect("docs/permissions.md");
        assert_eq!(written, document(), "run: api permissions > docs/permissions.md");
    }

    #[test]
    fn every_permission_has_somebody_and_an_admin_has_all_of_a_tenant() {
        for scope in Scope::ALL {
            assert_eq!(holders(scope).contains(&Role::Admin), scope != Scope::Operator, "{scope}");
        }
        for role in Role::ALL {
            assert_eq!(role.name().parse(), Ok(role));
            assert_eq!(serde_json::to_value(role).expect("serialises"), role.name());
        }
        let manager = Role::Manager.scopes();
        assert!(Role::Manager.is_within(&manager) && Role::Viewer.is_within(&manager));
        assert!(!Role::Admin.is_within(&manager) && !Role::Agent.is_within(&[Scope::AgentsWrite]));
        assert!(Role::Admin.is_within(&[Scope::Operator]));
        assert!(!Role::Viewer.scopes().iter().any(|scope| scope.name().ends_with("write")));
    }
}
