//! Whose a ticket is: giving, taking, accepting, handing on and up, and back into the queue.
//!
//! Every answer carries the ticket's version as its entity tag; with `If-Match` a decision is carried out only on the
//! ticket as it was looked at.

mod agents;
mod asked;
mod history;
mod policy;
mod queues;

use accounts::api_keys::Scope;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::Response;
use database::Role;
use database::ids::AgentId;
use jobs::{Announcement, NewJob};
use serde::{Deserialize, Serialize};
use serde_json::json;
use support::assignment::commands::{self, Target};
use support::assignment::read;
use support::kinds::AssignTicket;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use asked::{Asked, Wish, person, said};

use crate::state::AppState;
use crate::web::auth::Allowed;
use crate::web::body::Json;
use crate::web::correlation;
use crate::web::idempotency::{self, Answer, IdempotencyKey};
use crate::web::problem::{Problem, ProblemDocument};
use crate::web::trail;

/// The routes.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(assign))
        .routes(routes!(auto_assign))
        .routes(routes!(claim))
        .routes(routes!(accept))
        .routes(routes!(transfer))
        .routes(routes!(escalate))
        .routes(routes!(unassign))
        .merge(history::routes())
        .merge(queues::routes())
        .merge(agents::routes())
        .merge(policy::routes())
}

/// Whose a ticket is now.
#[derive(Debug, Serialize, ToSchema)]
pub struct Assigned {
    /// The ticket.
    pub ticket_id: Uuid,
    /// Whose it is; null while it is in the queue.
    pub agent_id: Option<Uuid>,
    /// The ticket's version, as in its ETag.
    pub version: i64,
    /// Whether the agent has more units than their capacity now, on purpose.
    pub exceeded: bool,
}

/// Who is to have it.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"agent_id": "0199c0de-7e1a-7c51-8f3a-2b9d5e6f7a81", "reason": "knows the customer"}))]
pub struct Assign {
    /// The agent.
    pub agent_id: Uuid,
    /// Also when they have no room or take no new tickets.
    #[serde(default)]
    pub force: bool,
    /// Why; 500 characters at most.
    #[serde(default)]
    pub reason: Option<String>,
}

/// How a ticket is taken.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Claim {
    /// Also beyond one's own capacity.
    #[serde(default)]
    pub force: bool,
}

/// Where a ticket is handed on to: an agent or a department.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"department": "returns", "reason": "the parcel came back"}))]
pub struct Transfer {
    /// To this agent.
    #[serde(default)]
    pub agent_id: Option<Uuid>,
    /// To whoever of this department has room.
    #[serde(default)]
    pub department: Option<String>,
    /// Also when the agent has no room or takes no new tickets.
    #[serde(default)]
    pub force: bool,
    /// Why; 1 to 500 characters.
    pub reason: String,
}

/// Why a ticket is handed up.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Escalate {
    /// Why; 1 to 500 characters.
    pub reason: String,
}

/// Why a ticket goes back.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Unassign {
    /// Why; 500 characters at most.
    #[serde(default)]
    pub reason: Option<String>,
}

/// Nothing has to be said.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Nothing {}

/// A job looks for an agent.
#[derive(Debug, Serialize, ToSchema)]
pub struct Looking {
    /// The job, as in GET /api/jobs/{id}.
    pub job_id: Uuid,
    /// Where it stands.
    pub state: String,
}

/// Give a ticket to an agent.
///
/// Also one that another agent has. Beyond the agent's capacity only with `force`, which the trail and the history keep.
#[utoipa::path(
    post, path = "/api/tickets/{id}/assign", tag = "assignment",
    params(
        ("id" = Uuid, Path, description = "the ticket"),
        ("Idempotency-Key" = Option<String>, Header, description = "the same key and request have the same answer"),
        ("If-Match" = Option<String>, Header, description = "the ETag of the ticket that was looked at"),
    ),
    request_body = Assign,
    responses(
        (status = 200, description = "whose it is now", body = Assigned),
        (status = 404, description = "there is no such ticket", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 409, description = "the ticket or the agent does not allow it", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 412, description = "the ticket was changed meanwhile", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 422, description = "there is no such agent, or it is disabled", body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
async fn assign(
    State(state): State<AppState>,
    Allowed(caller): Allowed<{ Scope::TicketsAssign as u8 }>,
    Path(id): Path<String>,
    key: IdempotencyKey,
    headers: HeaderMap,
    body: Json<Assign>,
) -> Result<Response, Problem> {
    let asked = Asked::of(&state, &caller, &id, &key, &headers, &body.digest)?;
    let why = body.value.reason.map(|reason| said("reason", &reason)).transpose()?;
    let (agent, force) = (AgentId(body.value.agent_id), body.value.force);
    asked.carry_out(&Wish::Assign { agent, force, why }).await
}

/// Let the desk find an agent.
///
/// Tickets that come before it in the smart order go first; when nobody has room it waits.
#[utoipa::path(
    post, path = "/api/tickets/{id}/auto-assign", tag = "assignment",
    params(
        ("id" = Uuid, Path, description = "the ticket"),
        ("Idempotency-Key" = Option<String>, Header, description = "the same key and request have the same answer"),
    ),
    request_body = Nothing,
    responses(
        (status = 200, description = "somebody has it already", body = Assigned),
        (status = 202, description = "a job looks for an agent", body = Looking),
        (status = 404, description = "there is no such ticket", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 409, description = "the ticket is not open", body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
async fn auto_assign(
    State(state): State<AppState>,
    Allowed(caller): Allowed<{ Scope::TicketsAssign as u8 }>,
    Path(id): Path<String>,
    key: IdempotencyKey,
    headers: HeaderMap,
    body: Json<Nothing>,
) -> Result<Answer, Problem> {
    let asked = Asked::of(&state, &caller, &id, &key, &headers, &body.digest)?;
    let mut tx = state.db.tenant_tx(Role::Support, caller.tenant).await?;
    if let Some(answer) = idempotency::replay(&mut tx, caller.tenant, &key, &body.digest).await? {
        return Ok(answer);
    }
    let version = commands::check(&mut tx, &asked.acting(&caller.actor()), asked.ticket).await?;
    let owner = read::standing(&mut tx, asked.ticket).await?.and_then(|(_, owner)| owner);
    let mut announcement = Announcement::default();
    let answer = match owner {
        Some(owner) => Answer::ok(&Assigned {
            ticket_id: asked.ticket.0,
            agent_id: Some(owner.0),
            version,
            exceeded: false,
        }),
        None => {
            let trace_parent = boot::telemetry::trace_parent_of_current_span();
            let job = NewJob::of(caller.tenant, &AssignTicket { ticket_id: asked.ticket.0 })?
                .with_dedup_key(&asked.ticket.to_string())?
                .with_cause(correlation::current().as_str(), trace_parent.as_deref(), "api");
            let (enqueued, told) = jobs::enqueue_one(&mut tx, job).await?;
            announcement = told;
            Answer::accepted(enqueued.id, &Looking { job_id: enqueued.id, state: enqueued.state.to_string() })
        }
    };
    idempotency::keep(&mut tx, caller.tenant, &key, &body.digest, &answer).await?;
    let subject = format!("ticket:{}", asked.ticket);
    trail::record(&mut tx, &caller, "ticket.auto_assign", &subject, json!({ "version": version })).await?;
    state.db.commit(tx).await?;
    state.dispatch.announce(announcement);
    Ok(answer)
}

/// Take a ticket that nobody has.
#[utoipa::path(
    post, path = "/api/tickets/{id}/claim", tag = "assignment",
    params(
        ("id" = Uuid, Path, description = "the ticket"),
        ("Idempotency-Key" = Option<String>, Header, description = "the same key and request have the same answer"),
        ("If-Match" = Option<String>, Header, description = "the ETag of the ticket that was looked at"),
    ),
    request_body = Claim,
    responses(
        (status = 200, description = "it is yours", body = Assigned),
        (status = 404, description = "there is no such ticket", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 409, description = "somebody has it, it is not open, or you have no room", body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
async fn claim(
    State(state): State<AppState>,
    Allowed(caller): Allowed<{ Scope::TicketsWrite as u8 }>,
    Path(id): Path<String>,
    key: IdempotencyKey,
    headers: HeaderMap,
    body: Json<Claim>,
) -> Result<Response, Problem> {
    let agent = person(&caller)?;
    let force = body.value.force;
    Asked::of(&state, &caller, &id, &key, &headers, &body.digest)?
        .carry_out(&Wish::Claim { agent, force })
        .await
}

/// Say that you work on a ticket that you were given.
#[utoipa::path(
    post, path = "/api/tickets/{id}/accept", tag = "assignment",
    params(
        ("id" = Uuid, Path, description = "the ticket"),
        ("Idempotency-Key" = Option<String>, Header, description = "the same key and request have the same answer"),
        ("If-Match" = Option<String>, Header, description = "the ETag of the ticket that was looked at"),
    ),
    request_body = Nothing,
    responses(
        (status = 200, description = "it is accepted", body = Assigned),
        (status = 404, description = "there is no such ticket", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 409, description = "it is not yours", body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
async fn accept(
    State(state): State<AppState>,
    Allowed(caller): Allowed<{ Scope::TicketsWrite as u8 }>,
    Path(id): Path<String>,
    key: IdempotencyKey,
    headers: HeaderMap,
    body: Json<Nothing>,
) -> Result<Response, Problem> {
    let agent = person(&caller)?;
    Asked::of(&state, &caller, &id, &key, &headers, &body.digest)?.carry_out(&Wish::Accept { agent }).await
}

/// Hand a ticket on.
///
/// One's own, or with the permission `tickets:assign` any. To an agent it goes at once; to a department through the queue.
#[utoipa::path(
    post, path = "/api/tickets/{id}/transfer", tag = "assignment",
    params(
        ("id" = Uuid, Path, description = "the ticket"),
        ("Idempotency-Key" = Option<String>, Header, description = "the same key and request have the same answer"),
        ("If-Match" = Option<String>, Header, description = "the ETag of the ticket that was looked at"),
    ),
    request_body = Transfer,
    responses(
        (status = 200, description = "whose it is now", body = Assigned),
        (status = 400, description = "no target, two targets, or no reason", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 404, description = "there is no such ticket", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 409, description = "the ticket or the agent does not allow it", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 422, description = "there is no such agent or department", body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
async fn transfer(
    State(state): State<AppState>,
    Allowed(caller): Allowed<{ Scope::TicketsWrite as u8 }>,
    Path(id): Path<String>,
    key: IdempotencyKey,
    headers: HeaderMap,
    body: Json<Transfer>,
) -> Result<Response, Problem> {
    let asked = Asked::of(&state, &caller, &id, &key, &headers, &body.digest)?;
    let Transfer { agent_id, department, force, reason } = body.value;
    let why = said("reason", &reason)?;
    let to = match (agent_id, department) {
        (Some(agent), None) => Target::Agent(AgentId(agent)),
        (None, Some(department)) => Target::Department(said("department", &department)?),
        _ => return Err(Problem::bad_request("agent_id", "name either agent_id or department")),
    };
    asked.carry_out(&Wish::Transfer { to, force, why }).await
}

/// Hand a ticket up.
///
/// To the person above its agent who has the least to do; those who are there come first, and their capacity may be exceeded.
#[utoipa::path(
    post, path = "/api/tickets/{id}/escalate", tag = "assignment",
    params(
        ("id" = Uuid, Path, description = "the ticket"),
        ("Idempotency-Key" = Option<String>, Header, description = "the same key and request have the same answer"),
        ("If-Match" = Option<String>, Header, description = "the ETag of the ticket that was looked at"),
    ),
    request_body = Escalate,
    responses(
        (status = 200, description = "whose it is now", body = Assigned),
        (status = 404, description = "there is no such ticket", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 409, description = "it is not yours or not open, or nobody is above", body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
async fn escalate(
    State(state): State<AppState>,
    Allowed(caller): Allowed<{ Scope::TicketsWrite as u8 }>,
    Path(id): Path<String>,
    key: IdempotencyKey,
    headers: HeaderMap,
    body: Json<Escalate>,
) -> Result<Response, Problem> {
    let asked = Asked::of(&state, &caller, &id, &key, &headers, &body.digest)?;
    let why = said("reason", &body.value.reason)?;
    asked.carry_out(&Wish::Escalate { why }).await
}

/// Put a ticket back into the queue.
#[utoipa::path(
    post, path = "/api/tickets/{id}/unassign", tag = "assignment",
    params(
        ("id" = Uuid, Path, description = "the ticket"),
        ("Idempotency-Key" = Option<String>, Header, description = "the same key and request have the same answer"),
        ("If-Match" = Option<String>, Header, description = "the ETag of the ticket that was looked at"),
    ),
    request_body = Unassign,
    responses(
        (status = 200, description = "nobody has it", body = Assigned),
        (status = 404, description = "there is no such ticket", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 409, description = "it is not yours, or nobody has it", body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
async fn unassign(
    State(state): State<AppState>,
    Allowed(caller): Allowed<{ Scope::TicketsWrite as u8 }>,
    Path(id): Path<String>,
    key: IdempotencyKey,
    headers: HeaderMap,
    body: Json<Unassign>,
) -> Result<Response, Problem> {
    let asked = Asked::of(&state, &caller, &id, &key, &headers, &body.digest)?;
    let why = body.value.reason.map(|reason| said("reason", &reason)).transpose()?;
    asked.carry_out(&Wish::Unassign { why }).await
}
