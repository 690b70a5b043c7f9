//! Rules: writing and listing them, switching them on, trying them on the past, and reading what they did.

mod list;
mod log;
mod trials;
mod vocabulary;
mod write;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use support::rules::spec::{Action, Event, Spec};
use support::rules::store::{SaveError, Stored};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use crate::state::AppState;
use crate::web::problem::Problem;

/// The routes of rules.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list::page, write::create))
        .routes(routes!(vocabulary::vocabulary))
        .routes(routes!(list::secret))
        .routes(routes!(write::order))
        .routes(routes!(list::show, write::change, write::remove))
        .routes(routes!(write::switch_on))
        .routes(routes!(write::switch_off))
        .routes(routes!(list::versions))
        .routes(routes!(log::of_rule))
        .routes(routes!(log::calls))
        .routes(routes!(log::of_ticket))
        .routes(routes!(trials::ask))
        .routes(routes!(trials::show))
}

/// A rule.
#[derive(Debug, Serialize, ToSchema)]
pub struct RuleView {
    /// The rule.
    id: Uuid,
    /// Its place in the list, from 0.
    position: i32,
    /// Grows with each change of what it says; its entity tag.
    version: i32,
    /// Whether it is looked at.
    is_on: bool,
    /// Since when; what happened before is none of its business.
    on_since: Option<chrono::DateTime<chrono::Utc>>,
    /// Why it was switched off by itself.
    off_reason: Option<String>,
    /// When that was.
    off_at: Option<chrono::DateTime<chrono::Utc>>,
    /// What it names that is gone; it is not run then.
    problem: Option<String>,
    /// agent:ID or key:ID.
    made_by: String,
    /// What it says.
    #[serde(flatten)]
    #[schema(value_type = RuleBody)]
    spec: Spec,
    /// When it was made.
    created_at: chrono::DateTime<chrono::Utc>,
    /// When it was changed.
    updated_at: chrono::DateTime<chrono::Utc>,
}

impl RuleView {
    fn of(stored: Stored, problem: Option<String>) -> RuleView {
        RuleView {
            id: stored.id,
            position: stored.position,
            version: stored.version,
            is_on: stored.is_on,
            on_since: stored.on_since,
            off_reason: stored.off_reason,
            off_at: stored.off_at,
            problem,
            made_by: stored.made_by,
            spec: stored.spec,
            created_at: stored.created_at,
            updated_at: stored.updated_at,
        }
    }
}

/// What a rule says.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "name": "Angry customers first",
    "event": "message_received",
    "conditions": {"all": [{"field": "sentiment", "op": "at_most", "value": 0.3},
                           {"field": "customer_tier", "op": "one_of", "value": ["gold", "platinum"]}]},
    "actions": [{"do": "add_tags", "tags": ["angry"]}, {"do": "set_priority", "priority": "high"}],
    "hourly_budget": 10
}))]
pub struct RuleBody {
    /// For people, 1 to 200 characters.
    name: String,
    /// ticket_created, message_received, ticket_updated, tag_added, rating_received, sla_warning or sla_breach.
    #[schema(value_type = String)]
    event: Event,
    /// How long after it the rule looks, 1 to 129600; at once when missing.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 129_600)]
    after_minutes: Option<i32>,
    /// What must hold: {"all": [...]}, {"any": [...]} or {"field", "op", "value"}; see GET /api/rules/fields.
    #[serde(default)]
    #[schema(value_type = Option<Object>)]
    conditions: Option<Value>,
    /// What must not.
    #[serde(default)]
    #[schema(value_type = Option<Object>)]
    unless: Option<Value>,
    /// What is done, in this order; see GET /api/rules/fields.
    #[schema(value_type = Vec<Object>)]
    actions: Vec<Action>,
    /// How often it may fire for one ticket within an hour, 1 to 1000; 10 when missing.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 1_000)]
    hourly_budget: Option<i32>,
}

impl RuleBody {
    fn spec(self) -> Spec {
        Spec {
            name: self.name.trim().to_owned(),
            event: self.event,
            after_minutes: self.after_minutes,
            conditions: self.conditions.unwrap_or_else(|| json!({ "all": [] })),
            unless: self.unless,
            actions: self.actions,
            hourly_budget: self.hourly_budget.unwrap_or(10),
        }
    }
}

/// The addresses that a rule calls must be such that may be called.
fn check_addresses(state: &AppState, spec: &Spec) -> Result<(), Problem> {
    let loopback = match state.settings.people.allow_loopback {
        true => accounts::base_url::Loopback::Allowed,
        false => accounts::base_url::Loopback::Refused,
    };
    for (place, action) in spec.actions.iter().enumerate() {
        if let Action::CallWebhook { url } = action
            && let Err(error) = accounts::base_url::check(url, loopback)
        {
            return Err(Problem::unprocessable(format!("actions[{place}].url"), error.to_string()));
        }
    }
    Ok(())
}

pub(super) fn refused(error: SaveError) -> Problem {
    let detail = error.to_string();
    match error {
        SaveError::Fault(fault) => Problem::unprocessable(fault.field, fault.what),
        SaveError::Missing => Problem::not_found("there is none of this id"),
        SaveError::Changed(version) => Problem::precondition_failed(json!({ "version": version })),
        SaveError::TooMany => Problem::conflict(detail),
        SaveError::Db(error) => error.into(),
    }
}
