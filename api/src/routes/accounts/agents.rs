//! Agents: the people of a desk, what they are and what they can.
//!
//! A person has two faces under one id: a login (who may sign in, and as what) and an agent (what assignment knows). Both
//! are written in one transaction. Nobody gives a role with permissions that they do not have, or changes somebody who
//! has one; the last admin stays.

use std::collections::HashMap;

use accounts::api_keys::Scope;
use accounts::people::links::{self, Purpose};
use accounts::people::logins::{self, Change, Login, LoginError};
use accounts::people::permissions::Role;
use accounts::people::{email, sessions};
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::Response;
use chrono::{DateTime, Utc};
use database::act_as;
use database::ids::AgentId;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use support::agents::{self, Agent, Attributes};
use support::assignment::offline;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::link_mail::{self, Addressee};
use super::passwords::{LinkView, fill_link, kept_link};
use super::sign_in::person;
use crate::state::AppState;
use crate::web::auth::Caller;
use crate::web::body::Json;
use crate::web::etag;
use crate::web::idempotency::{self, Answer, IdempotencyKey};
use crate::web::page::{Page, PageRequest, bad_cursor};
use crate::web::problem::{Problem, ProblemDocument};
use crate::web::query::{Params, id};
use crate::web::trail;

/// Departments, skills and languages that one person may have.
const MAX_WORDS: usize = 50;

/// The routes.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(me, change_me))
        .routes(routes!(get, change, disable))
}

/// A person of the desk.
#[derive(Debug, Serialize, ToSchema)]
pub struct AgentView {
    /// The person.
    pub id: Uuid,
    /// Name for people.
    pub name: String,
    /// The person's address.
    pub email: String,
    /// viewer, agent, senior_agent, team_lead, manager or admin.
    pub role: Option<&'static str>,
    /// Departments that the person works for.
    pub departments: Vec<String>,
    /// What the person knows.
    pub skills: Vec<String>,
    /// ISO 639-1 codes; none means any.
    pub languages: Vec<String>,
    /// Units of open work that automatic assignment may fill.
    pub capacity: i32,
    /// Units of open work that the person has.
    pub load: i32,
    /// Whether automatic assignment may give anything.
    pub accepts_new_tickets: bool,
    /// What the person says of themselves: online, busy, away or offline.
    pub availability: String,
    /// Whether any connection of theirs is open.
    pub is_present: bool,
    /// When work was last assigned.
    pub last_assigned_at: Option<DateTime<Utc>>,
    /// Whether a password was chosen; until then the invitation is open.
    pub has_password: bool,
    /// The last sign-in.
    pub last_login_at: Option<DateTime<Utc>>,
    /// Grows with every change of what can be changed here.
    pub version: i64,
    /// When the person came.
    pub created_at: DateTime<Utc>,
    /// When it was last changed.
    pub updated_at: DateTime<Utc>,
    /// Since when the person may not sign in.
    pub disabled_at: Option<DateTime<Utc>>,
}

impl AgentView {
    fn of(agent: Agent, login: Option<&Login>) -> AgentView {
        AgentView {
            id: agent.id.0,
            name: agent.name,
            email: agent.email,
            role: login.map(|login| login.role.name()),
            departments: agent.departments,
            skills: agent.skills,
            languages: agent.languages,
            capacity: agent.capacity,
            load: agent.load,
            accepts_new_tickets: agent.accepts_new,
            availability: agent.availability,
            is_present: agent.is_present,
            last_assigned_at: agent.last_assigned_at,
            has_password: login.is_some_and(|login| login.has_password),
            last_login_at: login.and_then(|login| login.last_login_at),
            version: agent.version,
            created_at: agent.created_at,
            updated_at: agent.updated_at,
            disabled_at: agent.disabled_at,
        }
    }
}

/// Goes on only when the caller has every permission of the role.
///
/// # Errors
/// 403 naming the role.
pub(super) fn check_may_change(caller: &Caller, role: Role) -> Result<(), Problem> {
    if role.is_within(&caller.scopes) {
        return Ok(());
    }
    Err(Problem::forbidden(format!(
        "the role {role} has permissions that you do not have, so you can neither give it nor change who has it"
    ))
    .at("role"))
}

/// The people of the desk, by name.
#[utoipa::path(
    get,
    path = "/api/agents",
    tag = "people",
    params(
        ("include_disabled" = Option<bool>, Query, description = "also those who may not sign in any more"),
        ("cursor" = Option<String>, Query, description = "next_cursor of the page before"),
        ("limit" = Option<i64>, Query, description = "1 to 100, 50 by default"),
    ),
    responses((status = 200, description = "a page", body = Page<AgentView>)),
)]
async fn list(
    State(state): State<AppState>,
    caller: Caller,
    uri: Uri,
) -> Result<axum::Json<Page<AgentView>>, Problem> {
    caller.require(Scope::AgentsRead)?;
    let params = Params::of(&uri, &["include_disabled", "cursor", "limit"])?;
    let page = PageRequest::of(&params)?;
    let with_disabled = match params.text("include_disabled")? {
        None | Some("false") => false,
        Some("true") => true,
        Some(_) => return Err(Problem::bad_request("include_disabled", "must be true or false")),
    };
    let after = page.after.as_deref().map(read_place).transpose()?;
    let mut tx = state.db.tenant_tx(database::Role::Support, caller.tenant).await?;
    let agents =
        agents::list(&mut tx, caller.tenant, after.as_ref(), with_disabled, page.limit_and_one()).await?;
    let page = page.page(agents, |agent| format!("{} {}", agent.id, agent.name));
    act_as(&mut tx, database::Role::Gateway, None).await?;
    let ids: Vec<AgentId> = page.items.iter().map(|agent| agent.id).collect();
    let logins = logins::get_all(&mut tx, caller.tenant, &ids).await?;
    tx.commit().await?;
    let logins: HashMap<AgentId, Login> = logins.into_iter().map(|login| (login.id, login)).collect();
    let view = |agent: Agent| {
        let login = logins.get(&agent.id);
        AgentView::of(agent, login)
    };
    let Page { items, next_cursor } = page;
    Ok(axum::Json(Page { items: items.into_iter().map(view).collect(), next_cursor }))
}

fn read_place(text: &str) -> Result<(String, AgentId), Problem> {
    let (id, name) = text.split_once(' ').ok_or_else(bad_cursor)?;
    Ok((name.to_owned(), id.parse().map_err(|_| bad_cursor())?))
}

/// One person of the desk.
#[utoipa::path(
    get,
    path = "/api/agents/{id}",
    tag = "people",
    params(
        ("id" = Uuid, Path, description = "the person"),
        ("If-None-Match" = Option<String>, Header, description = "the ETag that is known"),
    ),
    responses(
        (status = 200, description = "the person", body = AgentView),
        (status = 304, description = "nothing changed"),
        (status = 404, description = "there is no such person", body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
async fn get(
    State(state): State<AppState>,
    caller: Caller,
    Path(agent): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    caller.require(Scope::AgentsRead)?;
    show(&state, &caller, AgentId(id("id", &agent)?), &headers).await
}

/// Oneself.
#[utoipa::path(
    get,
    path = "/api/agents/me",
    tag = "people",
    params(("If-None-Match" = Option<String>, Header, description = "the ETag that is known")),
    responses(
        (status = 200, description = "the person who is signed in", body = AgentView),
        (status = 304, description = "nothing changed"),
        (status = 403, description = "a key is nobody", body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
async fn me(State(state): State<AppState>, caller: Caller, headers: HeaderMap) -> Result<Response, Problem> {
    let agent = person(&caller)?;
    show(&state, &caller, agent, &headers).await
}

async fn show(
    state: &AppState,
    caller: &Caller,
    agent: AgentId,
    headers: &HeaderMap,
) -> Result<Response, Problem> {
    let mut tx = state.db.tenant_tx(database::Role::Support, caller.tenant).await?;
    let found = agents::get(&mut tx, agent).await?.ok_or_else(no_such_person)?;
    act_as(&mut tx, database::Role::Gateway, None).await?;
    let login = logins::get(&mut tx, caller.tenant, agent).await?;
    tx.commit().await?;
    let body = serde_json::to_vec(&AgentView::of(found, login.as_ref())).expect("an answer is plain data");
    Ok(etag::answer(headers, body))
}

fn no_such_person() -> Problem {
    Problem::not_found("there is no such person")
}

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
async fn create(
    State(state): State<AppState>,
    caller: Caller,
    key: IdempotencyKey,
    body: Json<NewAgent>,
) -> Result<Answer, Problem> {
    caller.require(Scope::AgentsWrite)?;
    let new = body.value;
    let role = new.role.unwrap_or(Role::Agent);
    check_may_change(&caller, role)?;
    let email =
        email::normal(&new.email).map_err(|error| Problem::bad_request("email", error.to_string()))?;
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
    pub capacity: Option<i32>,
    /// Whether automatic assignment may give anything.
    #[serde(default)]
    pub accepts_new_tickets: Option<bool>,
    /// Whether the person may not sign in any more; true ends their sessions.
    #[serde(default)]
    pub disabled: Option<bool>,
}

/// Change a person of the desk.
#[utoipa::path(
    patch,
    path = "/api/agents/{id}",
    tag = "people",
    params(("id" = Uuid, Path, description = "the person")),
    request_body(content = AgentChange, example = json!({"role": "senior_agent", "capacity": 12})),
    responses(
        (status = 200, description = "the person as they are now", body = AgentView),
        (status = 403, description = "the role, or the person's, is above the caller", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 404, description = "there is no such person", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 409, description = "the last admin stays", body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
async fn change(
    State(state): State<AppState>,
    caller: Caller,
    Path(agent): Path<String>,
    body: Json<AgentChange>,
) -> Result<axum::Json<AgentView>, Problem> {
    caller.require(Scope::AgentsWrite)?;
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
    Ok(axum::Json(apply(&state, &caller, agent, change.role, with).await?))
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
async fn disable(
    State(state): State<AppState>,
    caller: Caller,
    Path(agent): Path<String>,
) -> Result<StatusCode, Problem> {
    caller.require(Scope::AgentsWrite)?;
    let agent = AgentId(id("id", &agent)?);
    let with = Attributes { is_disabled: Some(true), ..Attributes::default() };
    apply(&state, &caller, agent, None, with).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Changes both faces of a person in one transaction.
async fn apply(
    state: &AppState,
    caller: &Caller,
    agent: AgentId,
    role: Option<Role>,
    with: Attributes,
) -> Result<AgentView, Problem> {
    let now = Utc::now();
    let mut tx = state.db.gateway_tx().await?;
    let login = logins::lock(&mut tx, caller.tenant, agent).await?.ok_or_else(no_such_person)?;
    check_may_change(caller, login.role)?;
    let change = Change { name: with.name.as_deref(), role, is_disabled: with.is_disabled };
    logins::change(&mut tx, caller.tenant, agent, &change, now).await.map_err(login_problem)?;
    if with.is_disabled == Some(true) {
        sessions::end_all(&mut tx, agent, "disabled", now).await?;
        links::spend_all(&mut tx, agent, now).await?;
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

/// What a person says of themselves.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)]
pub enum Availability {
    Online,
    Busy,
    Away,
    Offline,
}

impl Availability {
    fn name(self) -> &'static str {
        match self {
            Availability::Online => "online",
            Availability::Busy => "busy",
            Availability::Away => "away",
            Availability::Offline => "offline",
        }
    }
}

/// Change oneself.
#[utoipa::path(
    patch,
    path = "/api/agents/me",
    tag = "people",
    request_body(content = OwnChange, example = json!({"availability": "away"})),
    responses(
        (status = 200, description = "the person as they are now", body = AgentView),
        (status = 403, description = "a key is nobody", body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
async fn change_me(
    State(state): State<AppState>,
    caller: Caller,
    body: Json<OwnChange>,
) -> Result<axum::Json<AgentView>, Problem> {
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
    Ok(axum::Json(apply(&state, &caller, agent, None, with).await?))
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

fn login_problem(error: LoginError) -> Problem {
    match error {
        LoginError::EmailTaken => Problem::conflict(error.to_string()).at("email"),
        LoginError::BadName => Problem::bad_request("name", error.to_string()),
        LoginError::LastAdmin => Problem::conflict(error.to_string()),
        LoginError::Db(error) => error.into(),
    }
}

fn checked_name(name: &str) -> Result<String, Problem> {
    let name = name.trim();
    let fits = (1..=200).contains(&name.chars().count()) && !name.contains(char::is_control);
    if fits {
        Ok(name.to_owned())
    } else {
        Err(Problem::bad_request("name", "must have 1 to 200 characters on one line"))
    }
}

fn words(field: &'static str, words: Option<Vec<String>>) -> Result<Option<Vec<String>>, Problem> {
    let Some(words) = words else { return Ok(None) };
    let mut kept: Vec<String> = words.iter().map(|word| word.trim().to_lowercase()).collect();
    kept.sort();
    kept.dedup();
    let is_word =
        |word: &String| (1..=60).contains(&word.chars().count()) && !word.contains(char::is_control);
    if kept.len() <= MAX_WORDS && kept.iter().all(is_word) {
        return Ok(Some(kept));
    }
    Err(Problem::bad_request(field, "must be at most 50 words of 1 to 60 characters"))
}

fn languages(codes: Option<Vec<String>>) -> Result<Option<Vec<String>>, Problem> {
    let codes = words("languages", codes)?;
    let is_code = |code: &String| code.len() == 2 && code.bytes().all(|byte| byte.is_ascii_lowercase());
    if codes.iter().flatten().all(is_code) {
        return Ok(codes);
    }
    Err(Problem::bad_request("languages", "must be ISO 639-1 codes such as en or de"))
}

fn capacity(capacity: Option<i32>) -> Result<Option<i32>, Problem> {
    match capacity {
        Some(units) if !(1..=50).contains(&units) => {
            Err(Problem::bad_request("capacity", "must be a whole number from 1 to 50"))
        }
        other => Ok(other),
    }
}
