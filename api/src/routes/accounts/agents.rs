//! Agents: the people of a desk, what they are and what they can.
//!
//! A person has two faces under one id: a login (who may sign in, and as what) and an agent (what assignment knows). Both
//! are written in one transaction. Nobody gives a role with permissions that they do not have, or changes somebody who
//! has one; the last admin stays.

mod change;
mod checked;
mod create;

use std::collections::HashMap;

use accounts::api_keys::Scope;
use accounts::people::logins::{self, Login};
use accounts::people::permissions::Role;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, Uri};
use axum::response::Response;
use chrono::{DateTime, Utc};
use database::act_as;
use database::ids::AgentId;
use serde::Serialize;
use support::agents::{self, Agent};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::sign_in::person;
use crate::state::AppState;
use crate::web::auth::Caller;
use crate::web::etag;
use crate::web::page::{Page, PageRequest, bad_cursor};
use crate::web::problem::{Problem, ProblemDocument};
use crate::web::query::{Params, id};

/// The routes.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list, create::create))
        .routes(routes!(me, change::change_me))
        .routes(routes!(get, change::change, change::disable))
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
    pub(super) fn of(agent: Agent, login: Option<&Login>) -> AgentView {
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

pub(super) fn no_such_person() -> Problem {
    Problem::not_found("there is no such person")
}
