//! The words that rules and macros are written in, and the values that the shop has for them at present.

use std::collections::BTreeMap;

use accounts::api_keys::Scope;
use axum::extract::State;
use axum::http::Uri;
use database::Role;
use serde::Serialize;
use serde_json::json;
use support::analysis::words::{INTENTS, TOPICS};
use support::macros::variables::{VARIABLES, Variable};
use support::rules::fields::{CHANGES, FIELDS, Field, OPS_OF_OWN, Op};
use support::rules::known::{self, Known};
use support::rules::spec::Event;
use support::tickets::fields as custom;
use support::tickets::words::Channel;
use utoipa::ToSchema;

use crate::state::AppState;
use crate::web::auth::Caller;
use crate::web::problem::Problem;
use crate::web::query::Params;

/// The words that rules and macros are written in.
#[derive(Debug, Serialize, ToSchema)]
pub struct RuleWords {
    /// What can happen.
    events: Vec<&'static str>,
    /// Fields of conditions; those of the shop's own are `custom.KEY`.
    #[schema(value_type = Vec<serde_json::Value>)]
    fields: &'static [Field],
    /// The shop's own fields, each with name, label, kind (text, number, boolean, date, choice) and choices.
    #[schema(value_type = Vec<serde_json::Value>)]
    own_fields: Vec<OwnField>,
    /// Words that a field can have at present, by its name, where `choices` does not list them.
    #[schema(value_type = std::collections::BTreeMap<String, Vec<String>>)]
    values: BTreeMap<&'static str, Vec<String>>,
    /// Comparisons by the kind of a field; `own` are those of the shop's own fields.
    #[schema(value_type = serde_json::Value)]
    comparisons: BTreeMap<String, Vec<&'static str>>,
    /// What can be done, as examples.
    #[schema(value_type = Vec<serde_json::Value>)]
    actions: Vec<serde_json::Value>,
    /// Variables of texts.
    #[schema(value_type = Vec<serde_json::Value>)]
    variables: &'static [Variable],
}

/// A field of the shop's own.
#[derive(Debug, Serialize)]
struct OwnField {
    name: String,
    label: String,
    kind: custom::Kind,
    choices: Vec<String>,
}

impl OwnField {
    fn of(field: custom::Field) -> OwnField {
        let custom::Field { key, label, kind, choices, .. } = field;
        OwnField { name: format!("custom.{key}"), label, kind, choices }
    }
}

/// The words that rules and macros are written in: events, fields, comparisons, actions, variables.
#[utoipa::path(
    get,
    path = "/api/rules/fields",
    tag = "rules",
    responses((status = 200, description = "all of them", body = RuleWords)),
)]
pub async fn vocabulary(
    State(state): State<AppState>,
    caller: Caller,
    uri: Uri,
) -> Result<axum::Json<RuleWords>, Problem> {
    caller.require(Scope::TicketsRead)?;
    Params::of(&uri, &[])?;
    let mut tx = state.db.tenant_tx(Role::Support, caller.tenant).await?;
    let known = known::known(&mut tx).await?;
    let own = custom::list(&mut tx).await?;
    tx.commit().await?;
    let kind = |kind| serde_json::to_value(kind).ok().and_then(|word| word.as_str().map(str::to_owned));
    let names = |ops: &[Op]| ops.iter().map(|op| op.name()).collect();
    let comparisons = FIELDS
        .iter()
        .filter_map(|field| Some((kind(field.kind)?, names(field.kind.ops()))))
        .chain([("own".to_owned(), names(OPS_OF_OWN))])
        .collect();
    let id = "0199c0de-7e1a-7c51-8f3a-2b9d5e6f7a81";
    Ok(axum::Json(RuleWords {
        events: Event::ALL.map(Event::name).to_vec(),
        fields: FIELDS,
        own_fields: own.into_iter().filter(|field| field.archived_at.is_none()).map(OwnField::of).collect(),
        values: values(&known),
        comparisons,
        actions: vec![
            json!({"do": "add_tags", "tags": ["refund"]}),
            json!({"do": "remove_tags", "tags": ["refund"]}),
            json!({"do": "assign_agent", "agent_id": id}),
            json!({"do": "assign_department", "department": "billing"}),
            json!({"do": "require_skills", "skills": ["returns"]}),
            json!({"do": "set_priority", "priority": "high"}),
            json!({"do": "set_status", "status": "pending"}),
            json!({"do": "snooze", "minutes": 1440}),
            json!({"do": "reply", "macro_id": id}),
            json!({"do": "note", "text": "{{customer.first_name | The customer}} asks for money."}),
            json!({"do": "notify", "agent_id": id}),
            json!({"do": "call_webhook", "url": "https://shop.example/hooks/desk"}),
        ],
        variables: VARIABLES,
    }))
}

/// What is not listed with the field itself, because it grows, or is the shop's.
fn values(known: &Known) -> BTreeMap<&'static str, Vec<String>> {
    let of = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
    BTreeMap::from([
        ("channel", Channel::ALL.map(|channel| channel.name().to_owned()).to_vec()),
        ("intent", of(INTENTS)),
        ("topics", of(TOPICS)),
        ("changed", of(CHANGES)),
        ("department", known.departments().to_vec()),
        ("skills", known.skills().to_vec()),
    ])
}
