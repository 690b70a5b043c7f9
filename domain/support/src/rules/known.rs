//! Whether what rules name is there: agents, macros, departments, skills, archetypes and fields of the shop's own. A rule that
//! names what is gone is flagged with a sentence and not run.

use database::Tx;
use sqlx::FromRow;
use uuid::Uuid;

use super::spec::{Action, Read, Spec};
use super::tree::{Operand, Test};
use crate::tickets::TicketError;

/// What there is.
#[derive(Debug, Clone, Default, PartialEq, FromRow)]
pub struct Known {
    agents: Vec<Uuid>,
    gone_agents: Vec<Uuid>,
    macros: Vec<Uuid>,
    gone_macros: Vec<Uuid>,
    departments: Vec<String>,
    skills: Vec<String>,
    fields: Vec<String>,
    archetypes: Vec<String>,
}

/// What the rules' actions and conditions may name (support role).
///
/// # Errors
/// The database failed.
pub async fn known(tx: &mut Tx) -> Result<Known, TicketError> {
    Ok(sqlx::query_as(include_str!("known.sql")).fetch_one(&mut **tx).await?)
}

impl Known {
    /// The departments that somebody works in.
    pub fn departments(&self) -> &[String] {
        &self.departments
    }

    /// The skills that somebody has.
    pub fn skills(&self) -> &[String] {
        &self.skills
    }

    /// What the rule names that is not there, as a sentence; none when everything is.
    pub fn fault(&self, spec: &Spec, read: &Read) -> Option<String> {
        self.fault_of(&spec.actions).or_else(|| {
            let unless = read.unless.iter().flat_map(|unless| unless.tests());
            let mut tests = read.conditions.tests().into_iter().chain(unless);
            tests.find_map(|test| self.fault_of_test(test))
        })
    }

    /// The same of one condition. Departments, skills and tags are words that a ticket may have without anybody's doing.
    fn fault_of_test(&self, test: &Test) -> Option<String> {
        if let Some(key) = test.field.strip_prefix("custom.") {
            let is_there = self.fields.iter().any(|field| field == key);
            return (!is_there).then(|| {
                format!(
                    "The field {} of a condition is gone; make it again or change the condition.",
                    test.field
                )
            });
        }
        let Operand::Words(words) = &test.value else { return None };
        words.iter().find_map(|word| match test.field.as_str() {
            "assignee" => {
                let agent = word.parse::<Uuid>().ok();
                if agent.is_some_and(|agent| self.agents.contains(&agent)) {
                    None
                } else if agent.is_some_and(|agent| self.gone_agents.contains(&agent)) {
                    Some(format!(
                        "The agent {word} of a condition was disabled; name another one or take the condition away."
                    ))
                } else {
                    Some(format!("There is no agent {word} of a condition; GET /api/agents lists them."))
                }
            }
            "customer_archetype"
                if !self.archetypes.iter().any(|known| known.to_lowercase() == word.to_lowercase()) =>
            {
                Some(format!(
                    "There is no archetype {word} of a condition any more; GET /api/intelligence/archetypes lists them."
                ))
            }
            _ => None,
        })
    }

    /// The same of actions alone.
    pub fn fault_of(&self, actions: &[Action]) -> Option<String> {
        let has = |list: &[String], wanted: &str| list.iter().any(|known| known.eq_ignore_ascii_case(wanted));
        actions.iter().find_map(|action| match action {
            Action::AssignAgent { agent_id } | Action::Notify { agent_id: Some(agent_id) } => {
                if self.agents.contains(agent_id) {
                    None
                } else if self.gone_agents.contains(agent_id) {
                    Some(format!("The agent {agent_id} was disabled; name another one."))
                } else {
                    Some(format!("There is no agent {agent_id}; GET /api/agents lists them."))
                }
            }
            Action::Reply { macro_id } if !self.macros.contains(macro_id) => {
                Some(match self.gone_macros.contains(macro_id) {
                    true => format!("The macro {macro_id} was put away; name another one."),
                    false => format!("There is no macro {macro_id}; GET /api/macros lists them."),
                })
            }
            Action::AssignDepartment { department } if !has(&self.departments, department) => {
                Some(format!("No agent works in the department {department} any more; name another one."))
            }
            Action::RequireSkills { skills } => {
                let gone = skills.iter().find(|skill| !has(&self.skills, skill))?;
                Some(format!("No agent has the skill {gone} any more; name another one."))
            }
            _ => None,
        })
    }
}
