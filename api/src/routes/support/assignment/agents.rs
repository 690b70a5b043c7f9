//! Who takes tickets, and the beginning and end of a shift.

use accounts::api_keys::Scope;
use axum::Json as Shown;
use axum::extract::{FromRequestParts, Path, State};
use axum::http::request::Parts;
use chrono::{DateTime, Utc};
use database::Role;
use database::ids::AgentId;
use serde::Serialize;
use serde_json::json;
use support::assignment::offline;
use support::assignment::read::{self, Worker};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::Nothing;
use super::queues::{agent_id, unknown_agent};
use crate::state::AppState;
use crate::web::auth::Caller;
use crate::web::body::Json;
use crate::web::idempotency::{self, Answer, IdempotencyKey};
use crate::web::problem::{Problem, ProblemDocument};
use crate::web::trail;
use support::assignment::AssignError;

/// The routes.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(available)).routes(routes!(begin)).routes(routes!(end))
}

/// An agent who takes tickets at this moment.
#[derive(Debug, Serialize, ToSchema)]
pub struct AvailableAgent {
    /// Who.
    pub id: Uuid,
    /// Their name.
    pub name: String,
    /// 0 agent, 1 senior, 2 leads.
    pub seniority: i16,
    /// Where they work.
    pub departments: Vec<String>,
    /// What they know.
    pub skills: Vec<String>,
    /// What they speak; none means any.
    pub languages: Vec<String>,
    /// Units of open work.
    pub load: i32,
    /// Units that automatic assignment may fill.
    pub capacity: i32,
    /// When they last got a ticket.
    pub last_assigned_at: Option<DateTime<Utc>>,
}

/// Who takes tickets at this moment.
#[derive(Debug, Serialize, ToSchema)]
pub struct AvailableAgents {
    /// Those with the most room first, 200 at most.
    pub items: Vec<AvailableAgent>,
}

impl From<Worker> for AvailableAgent {
    fn from(agent: Worker) -> AvailableAgent {
        AvailableAgent {
            id: agent.id.0,
            name: agent.name,
            seniority: agent.seniority,
            departments: agent.departments,
            skills: agent.skills,
            languages: agent.languages,
            load: agent.load,
            capacity: agent.capacity,
            last_assigned_at: agent.last_assigned_at,
        }
    }
}

/// How an agent says they are.
#[derive(Debug, Serialize, ToSchema)]
pub struct Shift {
    /// Who.
    pub agent_id: Uuid,
    /// online, busy, away or offline.
    pub availability: String,
}

/// Who takes tickets: active, accepting, online and connected.
#[utoipa::path(
    get, path = "/api/agents/available", tag = "assignment",
    responses((status = 200, description = "they, those with the most room first", body = AvailableAgents)),
)]
async fn available(State(state): State<AppState>, caller: Caller) -> Result<Shown<AvailableAgents>, Problem> {
    caller.require(Scope::AgentsRead)?;
    let mut tx = state.db.tenant_tx(Role::Support, caller.tenant).await?;
    let items = read::available(&mut tx).await?.into_iter().map(AvailableAgent::from).collect();
    tx.commit().await?;
    Ok(Shown(AvailableAgents { items }))
}

/// Begin a shift: an offline agent is online from now on. Busy and away stay.
#[utoipa::path(
    post, path = "/api/agents/{id}/login", tag = "assignment",
    params(
        ("id" = String, Path, description = "the agent, or `me`"),
        ("Idempotency-Key" = Option<String>, Header, description = "the same key and request have the same answer"),
    ),
    request_body = Nothing,
    responses(
        (status = 200, description = "how they are", body = Shift),
        (status = 403, description = "it is somebody else", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 404, description = "there is no such agent", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 422, description = "the agent is disabled", body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
async fn begin(
    State(state): State<AppState>,
    who: MayShift,
    key: IdempotencyKey,
    body: Json<Nothing>,
) -> Result<Answer, Problem> {
    shift(&state, &who, &key, &body.digest, true).await
}

/// End a shift: the agent is offline, and their work is offered again by the desk's policy after a grace time.
#[utoipa::path(
    post, path = "/api/agents/{id}/logout", tag = "assignment",
    params(
        ("id" = String, Path, description = "the agent, or `me`"),
        ("Idempotency-Key" = Option<String>, Header, description = "the same key and request have the same answer"),
    ),
    request_body = Nothing,
    responses(
        (status = 200, description = "how they are", body = Shift),
        (status = 403, description = "it is somebody else", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 404, description = "there is no such agent", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 422, description = "the agent is disabled", body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
async fn end(
    State(state): State<AppState>,
    who: MayShift,
    key: IdempotencyKey,
    body: Json<Nothing>,
) -> Result<Answer, Problem> {
    shift(&state, &who, &key, &body.digest, false).await
}

/// Who calls about whose shift, and may: one's own needs no permission, another's is for who manages agents. It goes before the
/// body as [`crate::web::auth::Allowed`] does.
struct MayShift {
    caller: Caller,
    agent: AgentId,
}

impl<S: Send + Sync> FromRequestParts<S> for MayShift {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<MayShift, Problem> {
        let caller = Caller::from_request_parts(parts, state).await?;
        let id = Path::<String>::from_request_parts(parts, state).await;
        let Path(id) = id.map_err(|_| unknown_agent())?;
        let agent = agent_id(&caller, &id)?;
        if caller.agent() != Some(agent) {
            caller.require(Scope::AgentsWrite)?;
        }
        Ok(MayShift { caller, agent })
    }
}

async fn shift(
    state: &AppState,
    who: &MayShift,
    key: &IdempotencyKey,
    digest: &[u8; 32],
    begins: bool,
) -> Result<Answer, Problem> {
    let (caller, agent) = (&who.caller, who.agent);
    let mut tx = state.db.tenant_tx(Role::Support, caller.tenant).await?;
    if let Some(answer) = idempotency::replay(&mut tx, caller.tenant, key, digest).await? {
        return Ok(answer);
    }
    let changed = offline::shift(&mut tx, caller.tenant, agent, begins).await;
    let (availability, announcement) = match changed {
        Err(AssignError::NoAgent) => return Err(unknown_agent()),
        other => other?,
    };
    let answer = Answer::ok(&Shift { agent_id: agent.0, availability });
    idempotency::keep(&mut tx, caller.tenant, key, digest, &answer).await?;
    let action = if begins { "agent.shift.begin" } else { "agent.shift.end" };
    trail::record(&mut tx, caller, action, &format!("agent:{agent}"), json!({})).await?;
    state.db.commit(tx).await?;
    state.dispatch.announce(announcement);
    Ok(answer)
}
