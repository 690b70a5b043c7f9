//! Adds a person to the desk, with the link by which they choose a password.

use accounts::api_keys::Scope;
use accounts::people::links::{self, Purpose};
use accounts::people::logins;
use accounts::people::permissions::Role;
use axum::extract::State;
use axum::http::StatusCode;
use chrono::Utc;
use database::act_as;
use database::ids::AgentId;
use serde::{Deserialize, Serialize};
use serde_json::json;
use support::agents::{self, Attributes};
use utoipa::ToSchema;

use super::super::link_mail::{self, Addressee};
use super::super::passwords::{LinkView, fill_link, kept_link};
use super::checked::{capacity, checked_name, languages, login_problem, words};
use super::{AgentView, check_may_change};
use crate::state::AppState;
use crate::web::auth::Allowed;
use crate::web::body::Json;
use crate::web::idempotency::{self, Answer, IdempotencyKey};
use crate::web::problem::{Problem, ProblemDocument};
use crate::web::trail;

/// A new person of the desk.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewAgent {
    /// Name for people, 1 to 200 characters.
    pub name: String,
    /// The person's address, unique within the tenant.
    pub email: String,
    /// viewer, agent, senior_agent, team_lead, manager or admin; agent when missing.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub role: Option<Role>,
    /// Departments that the person works for.
    #[serde(default)]
    pub departments: Option<Vec<String>>,
    /// What the person knows.
    #[serde(default)]
    pub skills: Option<Vec<String>>,
    /// ISO 639-1 codes; none means any.
    #[serde(default)]
    pub languages: Option<Vec<String>>,
    /// Units of open work that automatic assignment may fill, 1 to 50; 10 when missing.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 50)]
    pub capacity: Option<i32>,
    /// Whether automatic assignment may give anything; a viewer's never does.
    #[serde(default)]
    pub accepts_new_tickets: Option<bool>,
}

/// The new person, and the link by which they choose a password.
#[derive(Debug, Serialize, ToSchema)]
pub struct Invitation {
    /// The person.
    pub agent: AgentView,
    /// The link.
    pub invitation: LinkView,
}

/// Add a person to the desk, and get the link by which they choose a password.
#[utoipa::path(
    post,
    path = "/api/agents",
    tag = "people",
    params(("Idempotency-Key" = Option<String>, Header, description = "the same key and request have the same answer")),
    request_body(content = NewAgent, example = json!({"name": "Ada", "email": "ada@example.com", "role": "agent", "languages": ["en", "de"]})),
    responses(
        (status = 201, description = "the person and the link", body = Invitation),
        (status = 403, description = "the role is above the caller", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 409, description = "the address is taken", body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
pub(super) async fn create(
    State(state): State<AppState>,
    Allowed(caller): Allowed<{ Scope::AgentsWrite as u8 }>,
    key: IdempotencyKey,
    body: Json<NewAgent>,
) -> Result<Answer, Problem> {
    let new = body.value;
    let role = new.role.unwrap_or(Role::Agent);
    check_may_change(&caller, role)?;
    let email = database::address::normal(&new.email)
        .map_err(|error| Problem::bad_request("email", error.to_string()))?;
    let with = Attributes {
        name: Some(checked_name(&new.name)?),
        seniority: Some(role.seniority()),
        departments: words("departments", new.departments)?,
        skills: words("skills", new.skills)?,
        languages: languages(new.languages)?,
        capacity: capacity(new.capacity)?,
        accepts_new: Some(role != Role::Viewer && new.accepts_new_tickets.unwrap_or(true)),
        ..Attributes::default()
    };
    let now = Utc::now();
    let mut tx = state.db.tenant_tx(database::Role::Support, caller.tenant).await?;
    if let Some(answer) = idempotency::replay(&mut tx, caller.tenant, &key, &body.digest).await? {
        return Ok(with_link(&state, answer));
    }
    let agent = AgentId::new();
    act_as(&mut tx, database::Role::Gateway, None).await?;
    let name = with.name.as_deref().unwrap_or_default();
    logins::create(&mut tx, caller.tenant, agent, name, &email, role).await.map_err(login_problem)?;
    let actor = caller.actor();
    let link = links::make(&mut tx, caller.tenant, agent, Purpose::Invitation, Some(&actor), now).await?;
    let login = logins::get(&mut tx, caller.tenant, agent).await?;
    act_as(&mut tx, database::Role::Support, Some(caller.tenant)).await?;
    let created = agents::create(&mut tx, caller.tenant, agent, &email, &with, now).await?;
    let addressee = Addressee { tenant: caller.tenant, name, email: &email };
    let announcement = link_mail::ask(&mut tx, &state, &addressee, link, Purpose::Invitation).await?;
    let kept = Answer {
        status: StatusCode::CREATED,
        location: Some(format!("/api/agents/{agent}")),
        body: json!({
            "agent": AgentView::of(created, login.as_ref()),
            "invitation": kept_link(link, Purpose::Invitation, announcement.is_some()),
        }),
        replayed: false,
    };
    idempotency::keep(&mut tx, caller.tenant, &key, &body.digest, &kept).await?;
    trail::record(&mut tx, &caller, "agent.create", &format!("agent:{agent}"), json!({ "role": role }))
        .await?;
    state.db.commit(tx).await?;
    state.dispatch.announce(announcement.unwrap_or_default());
    Ok(with_link(&state, kept))
}

/// What is kept for an Idempotency-Key has not what opens the link; the answer has.
fn with_link(state: &AppState, mut answer: Answer) -> Answer {
    let kept = answer.body["invitation"].take();
    answer.body["invitation"] = fill_link(state, kept);
    answer
}
