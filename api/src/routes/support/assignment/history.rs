//! Whose a ticket was, with the scores of each decision.

use accounts::api_keys::Scope;
use axum::Json;
use axum::extract::{Path, State};
use chrono::{DateTime, Utc};
use database::Role;
use database::ids::TicketId;
use serde::Serialize;
use serde_json::Value;
use support::assignment::{AssignError, read};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use crate::state::AppState;
use crate::web::auth::Caller;
use crate::web::problem::{Problem, ProblemDocument};
use crate::web::query;

/// The routes.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(history))
}

/// One assignment of a ticket.
#[derive(Debug, Serialize, ToSchema)]
pub struct AssignmentView {
    /// The assignment.
    pub id: Uuid,
    /// Whose it was.
    pub agent_id: Uuid,
    /// Their name.
    pub agent_name: String,
    /// manual, auto_routing, transfer, escalation, self_claimed, returning or offered_again.
    pub reason: String,
    /// assigned, accepted or in_progress; of an ended one completed, transferred or unassigned.
    pub state: String,
    /// Who decided: `agent:ID`, `key:ID` or `job:KIND`.
    pub decided_by: String,
    /// What a person said of it.
    pub why: Option<String>,
    /// How it came about, in words.
    pub explanation: String,
    /// Every candidate with its points; of a person's decision the agent's load and capacity.
    #[schema(value_type = Option<Object>)]
    pub scores: Option<Value>,
    /// What the ticket weighed.
    pub units: i32,
    /// When it began.
    pub from: DateTime<Utc>,
    /// When it ended; null for the present one.
    pub until: Option<DateTime<Utc>>,
    /// What was said when it ended.
    pub end_why: Option<String>,
}

/// A ticket's assignments.
#[derive(Debug, Serialize, ToSchema)]
pub struct Assignments {
    /// The newest first, a hundred at most.
    pub items: Vec<AssignmentView>,
}

impl From<read::Entry> for AssignmentView {
    fn from(entry: read::Entry) -> AssignmentView {
        AssignmentView {
            explanation: entry.in_words(),
            id: entry.id,
            agent_id: entry.agent_id.0,
            agent_name: entry.agent_name,
            reason: entry.reason,
            state: entry.state,
            decided_by: entry.decided_by,
            why: entry.why,
            scores: entry.scores,
            units: entry.units,
            from: entry.from_at,
            until: entry.until_at,
            end_why: entry.end_why,
        }
    }
}

/// Whose a ticket was, and why.
#[utoipa::path(
    get, path = "/api/tickets/{id}/assignments", tag = "assignment",
    params(("id" = Uuid, Path, description = "the ticket")),
    responses(
        (status = 200, description = "its assignments", body = Assignments),
        (status = 404, description = "there is no such ticket", body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
async fn history(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<Assignments>, Problem> {
    caller.require(Scope::TicketsRead)?;
    let ticket = TicketId(query::id("id", &id)?);
    let mut tx = state.db.tenant_tx(Role::Support, caller.tenant).await?;
    if read::standing(&mut tx, ticket).await?.is_none() {
        return Err(AssignError::NoTicket.into());
    }
    let items = read::history(&mut tx, ticket).await?.into_iter().map(AssignmentView::from).collect();
    tx.commit().await?;
    Ok(Json(Assignments { items }))
}
