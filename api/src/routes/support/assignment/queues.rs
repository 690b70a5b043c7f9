//! The waiting queue, and an agent's own.

use accounts::api_keys::Scope;
use axum::Json as Shown;
use axum::extract::{Path, State};
use axum::http::Uri;
use chrono::{DateTime, Utc};
use database::Role;
use database::ids::AgentId;
use serde::Serialize;
use support::assignment::read::{self, Queued};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use crate::state::AppState;
use crate::web::auth::Caller;
use crate::web::page::{Page, PageRequest, bad_cursor};
use crate::web::problem::{Problem, ProblemDocument};
use crate::web::query::{self, Params};

/// The routes.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(waiting)).routes(routes!(queue))
}

/// A ticket in a queue.
#[derive(Debug, Serialize, ToSchema)]
pub struct QueuedTicket {
    /// The ticket.
    pub id: Uuid,
    /// Its number.
    pub number: i64,
    /// What it is about.
    pub subject: Option<String>,
    /// Channel name.
    pub channel: String,
    /// urgent, high, normal or low.
    pub priority: String,
    /// open or pending.
    pub status: String,
    /// What it weighs in its agent's load now.
    pub units: i32,
    /// Its language, when it is known.
    pub language: Option<String>,
    /// The department that it was sent to.
    pub department: Option<String>,
    /// What one must know to answer it.
    pub skills: Vec<String>,
    /// assigned, accepted or in_progress; null while nobody has it.
    pub assignment_state: Option<String>,
    /// The oldest customer's message that nobody has answered.
    pub waiting_since: Option<DateTime<Utc>>,
    /// When it came.
    pub created_at: DateTime<Utc>,
    /// Its place: a greater one comes first.
    pub rank: f64,
}

impl From<Queued> for QueuedTicket {
    fn from(ticket: Queued) -> QueuedTicket {
        QueuedTicket {
            id: ticket.id.0,
            number: ticket.number,
            subject: ticket.subject,
            channel: ticket.channel,
            priority: ticket.priority,
            status: ticket.status,
            units: ticket.units,
            language: ticket.language,
            department: ticket.department,
            skills: ticket.skills,
            assignment_state: ticket.assignment_state,
            waiting_since: ticket.waiting_since,
            created_at: ticket.created_at,
            rank: ticket.rank,
        }
    }
}

/// Tickets that nobody has, in the order in which they are given out.
#[utoipa::path(
    get, path = "/api/tickets/unassigned", tag = "assignment",
    params(
        ("limit" = Option<i64>, Query, description = "1 to 100, 50 when missing"),
        ("cursor" = Option<String>, Query, description = "next_cursor of the page before"),
    ),
    responses((status = 200, description = "a page of them", body = Page<QueuedTicket>)),
)]
async fn waiting(
    State(state): State<AppState>,
    caller: Caller,
    uri: Uri,
) -> Result<Shown<Page<QueuedTicket>>, Problem> {
    caller.require(Scope::TicketsRead)?;
    let request = PageRequest::of(&Params::of(&uri, &["limit", "cursor"])?)?;
    let after = place(&request)?;
    let mut tx = state.db.tenant_tx(Role::Support, caller.tenant).await?;
    let found = read::waiting(&mut tx, after, request.limit_and_one()).await?;
    tx.commit().await?;
    Ok(Shown(page(&request, found)))
}

/// What an agent has, open and pending, the most important first.
#[utoipa::path(
    get, path = "/api/agents/{id}/queue", tag = "assignment",
    params(
        ("id" = String, Path, description = "the agent, or `me`"),
        ("limit" = Option<i64>, Query, description = "1 to 100, 50 when missing"),
        ("cursor" = Option<String>, Query, description = "next_cursor of the page before"),
    ),
    responses(
        (status = 200, description = "a page of them", body = Page<QueuedTicket>),
        (status = 404, description = "there is no such agent", body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
async fn queue(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
    uri: Uri,
) -> Result<Shown<Page<QueuedTicket>>, Problem> {
    caller.require(Scope::TicketsRead)?;
    let agent = agent_id(&caller, &id)?;
    let request = PageRequest::of(&Params::of(&uri, &["limit", "cursor"])?)?;
    let after = place(&request)?;
    let mut tx = state.db.tenant_tx(Role::Support, caller.tenant).await?;
    if !read::is_agent(&mut tx, agent).await? {
        return Err(unknown_agent());
    }
    let found = read::queue(&mut tx, agent, after, request.limit_and_one()).await?;
    tx.commit().await?;
    Ok(Shown(page(&request, found)))
}

/// The agent that a path names; `me` is the person who calls.
pub(super) fn agent_id(caller: &Caller, text: &str) -> Result<AgentId, Problem> {
    if text == "me" {
        return super::asked::person(caller);
    }
    query::id("id", text).map(AgentId)
}

pub(super) fn unknown_agent() -> Problem {
    Problem::not_found("there is no such agent")
}

fn page(request: &PageRequest, found: Vec<Queued>) -> Page<QueuedTicket> {
    let items = found.into_iter().map(QueuedTicket::from).collect();
    // The bits of the number, so that the next page begins exactly behind it.
    request.page(items, |ticket: &QueuedTicket| format!("{} {}", ticket.rank.to_bits(), ticket.id))
}

fn place(request: &PageRequest) -> Result<Option<(f64, Uuid)>, Problem> {
    let Some(text) = &request.after else { return Ok(None) };
    let (bits, id) = text.split_once(' ').ok_or_else(bad_cursor)?;
    let rank =
        bits.parse().map(f64::from_bits).ok().filter(|rank| rank.is_finite()).ok_or_else(bad_cursor)?;
    Ok(Some((rank, id.parse().map_err(|_| bad_cursor())?)))
}
