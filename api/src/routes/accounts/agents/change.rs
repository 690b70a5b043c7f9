//! Changes a person of the desk, by who leads or by themselves; ends their access.

use accounts::api_keys::Scope;
use accounts::people::links;
use accounts::people::logins::{self, Change};
use accounts::people::permissions::Role;
use accounts::people::sessions;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::Response;
use chrono::Utc;
use database::act_as;
use database::ids::AgentId;
use serde::Deserialize;
use serde_json::{Value, json};
use support::agents::{self, Attributes};
use support::assignment::offline;
use utoipa::ToSchema;

use super::super::sign_in::person;
use super::checked::{capacity, checked_name, languages, login_problem, words};
use super::{AgentView, check_may_change, no_such_person};
use crate::live::availability::Availability;
use crate::state::AppState;
use crate::web::auth::{Allowed, Caller};
use crate::web::body::Json;
use crate::web::problem::{Problem, ProblemDocument};
use crate::web::query::id;
use crate::web::{etag, trail};

/// What is to be changed of a person; what is missing stays.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AgentChange {
    /// Name for people, 1 to 200 characters.
    #[serde(default)]
    pub name: Option<String>,
    /// viewer, agent, senior_agent, team_lead, manager or admin.
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
    /// Units of open work that automatic assignment may fill, 1 to 50.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 50)]
    pub capacity: Option<i32>,
    /// Whether automatic assignment may give anything.
    #[serde(default)]
    pub accepts_new_tickets: Option<bool>,
    /// Whether the person may not sign in any more; true ends their sessions.
    #[serde(default)]
    pub disabled: Option<bool>,
}

/// Change a person of the desk. Whoever may less than before is signed out.
///
/// With `If-Match` only what was looked at is changed: 412 with the person as they are now when somebody was faster.
#[utoipa::path(
    patch,
    path = "/api/agents/{id}",
    tag = "people",
    params(
        ("id" = Uuid, Path, description = "the person"),
        ("If-Match" = Option<String>, Header, description = "the ETag of the person that was looked at, or their `version` in quotes"),
    ),
    request_body(content = AgentChange, example = json!({"role": "senior_agent", "capacity": 12})),
    responses(
        (status = 200, description = "the person as they are now", body = AgentView),
        (status = 403, description = "the role, or the person's, is above the caller", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 404, description = "there is no such person", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 409, description = "the last admin stays", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 412, description = "they were changed meanwhile; `current` is how they are", body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
pub(super) async fn change(
    State(state): State<AppState>,
    Allowed(caller): Allowed<{ Scope::AgentsWrite as u8 }>,
    Path(agent): Path<String>,
    headers: HeaderMap,
    body: Json<AgentChange>,
) -> Result<Response, Problem> {
    let agent = AgentId(id("id", &agent)?);
    let change = body.value;
    if let Some(role) = change.role {
        check_may_change(&caller, role)?;
    }
    let with = Attributes {
        name: change.name.as_deref().map(checked_name).transpose()?,
        seniority: change.role.map(Role::seniority),
        departments: words("departments", change.departments)?,
        skills: words("skills", change.skills)?,
        languages: languages(change.languages)?,
        capacity: capacity(change.capacity)?,
        accepts_new: change
            .accepts_new_tickets
            .filter(|_| change.role != Some(Role::Viewer))
            .or((change.role == Some(Role::Viewer)).then_some(false)),
        availability: None,
        is_disabled: change.disabled,
    };
    Ok(tagged(&apply(&state, &caller, agent, change.role, with, &headers).await?))
}

/// The person with the tag that a look at them would have.
fn tagged(person: &AgentView) -> Response {
    etag::answer(&HeaderMap::new(), body_of(person))
}

fn body_of(person: &AgentView) -> Vec<u8> {
    serde_json::to_vec(person).expect("an answer is plain data")
}

/// End a person's access: their sessions end, their links too. What they did stays.
#[utoipa::path(
    delete,
    path = "/api/agents/{id}",
    tag = "people",
    params(("id" = Uuid, Path, description = "the person")),
    responses(
        (status = 204, description = "the person may not sign in any more, on every process within 30 s"),
        (status = 403, description = "the person's role is above the caller", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 404, description = "there is no such person", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 409, description = "the last admin stays", body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
pub(super) async fn disable(
    State(state): State<AppState>,
    caller: Caller,
    Path(agent): Path<String>,
) -> Result<StatusCode, Problem> {
    caller.require(Scope::AgentsWrite)?;
    let agent = AgentId(id("id", &agent)?);
    let with = Attributes { is_disabled: Some(true), ..Attributes::default() };
    apply(&state, &caller, agent, None, with, &HeaderMap::new()).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Changes both faces of a person in one transaction, if they are as `If-Match` says.
async fn apply(
    state: &AppState,
    caller: &Caller,
    agent: AgentId,
    role: Option<Role>,
    with: Attributes,
    headers: &HeaderMap,
) -> Result<AgentView, Problem> {
    let now = Utc::now();
    let mut tx = state.db.gateway_tx().await?;
    let login = logins::lock(&mut tx, caller.tenant, agent).await?.ok_or_else(no_such_person)?;
    check_may_change(caller, login.role)?;
    if headers.contains_key(header::IF_MATCH) {
        // Nobody else changes people of the tenant until the commit.
        act_as(&mut tx, database::Role::Support, Some(caller.tenant)).await?;
        let known = agents::get(&mut tx, agent).await?.ok_or_else(no_such_person)?;
        act_as(&mut tx, database::Role::Gateway, None).await?;
        let known = AgentView::of(known, Some(&login));
        if !etag::allows(headers, &etag::of(&body_of(&known)), known.version) {
            return Err(Problem::precondition_failed(json!(known)));
        }
    }
    let change = Change { name: with.name.as_deref(), role, is_disabled: with.is_disabled };
    logins::change(&mut tx, caller.tenant, agent, &change, now).await.map_err(login_problem)?;
    if with.is_disabled == Some(true) {
        sessions::end_all(&mut tx, agent, "disabled", now).await?;
        links::spend_all(&mut tx, agent, now).await?;
    } else if role.is_some_and(|role| role < login.role) {
        // What is open was opened with the rights of before: streams tell by them what they were asked for.
        sessions::end_all(&mut tx, agent, "role", now).await?;
    }
    let login = logins::get(&mut tx, caller.tenant, agent).await?;
    act_as(&mut tx, database::Role::Support, Some(caller.tenant)).await?;
    let changed = agents::change(&mut tx, agent, &with, now).await?.ok_or_else(no_such_person)?;
    let announcement = offline::agent_changed(&mut tx, caller.tenant, agent).await?;
    let detail = json!({ "fields": written(&with, role), "role": role, "disabled": with.is_disabled });
    trail::record(&mut tx, caller, "agent.change", &format!("agent:{agent}"), detail).await?;
    state.db.commit(tx).await?;
    state.dispatch.announce(announcement);
    state.people.forget(|caller| caller.agent() == Some(agent));
    Ok(AgentView::of(changed, login.as_ref()))
}

/// What a person may change of themselves.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OwnChange {
    /// Name for people, 1 to 200 characters.
    #[serde(default)]
    pub name: Option<String>,
    /// ISO 639-1 codes; none means any.
    #[serde(default)]
    pub languages: Option<Vec<String>>,
    /// Whether automatic assignment may give anything; a viewer's never does.
    #[serde(default)]
    pub accepts_new_tickets: Option<bool>,
    /// online, busy, away or offline.
    #[serde(default)]
    pub availability: Option<Availability>,
}

/// Change oneself.
#[utoipa::path(
    patch,
    path = "/api/agents/me",
    tag = "people",
    params(("If-Match" = Option<String>, Header, description = "the ETag of the answer that was looked at, or its `version` in quotes")),
    request_body(content = OwnChange, example = json!({"availability": "away"})),
    responses(
        (status = 200, description = "the person as they are now", body = AgentView),
        (status = 403, description = "a key is nobody", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 412, description = "they were changed meanwhile; `current` is how they are", body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
pub(super) async fn change_me(
    State(state): State<AppState>,
    caller: Caller,
    headers: HeaderMap,
    body: Json<OwnChange>,
) -> Result<Response, Problem> {
    let agent = person(&caller)?;
    let change = body.value;
    let is_viewer = !caller.scopes.contains(&Scope::TicketsWrite);
    let with = Attributes {
        name: change.name.as_deref().map(checked_name).transpose()?,
        languages: languages(change.languages)?,
        accepts_new: change.accepts_new_tickets.filter(|_| !is_viewer),
        availability: change.availability.map(|availability| availability.name().to_owned()),
        ..Attributes::default()
    };
    Ok(tagged(&apply(&state, &caller, agent, None, with, &headers).await?))
}

/// The names of what was changed; values may be personal.
fn written(with: &Attributes, role: Option<Role>) -> Vec<Value> {
    let fields = [
        ("name", with.name.is_some()),
        ("role", role.is_some()),
        ("departments", with.departments.is_some()),
        ("skills", with.skills.is_some()),
        ("languages", with.languages.is_some()),
        ("capacity", with.capacity.is_some()),
        ("accepts_new_tickets", with.accepts_new.is_some()),
        ("availability", with.availability.is_some()),
        ("disabled", with.is_disabled.is_some()),
    ];
    fields.into_iter().filter(|(_, is_written)| *is_written).map(|(name, _)| name.into()).collect()
}
