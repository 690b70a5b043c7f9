//! Who looks at a ticket at this moment.

use accounts::api_keys::Scope;
use axum::Json as Shown;
use axum::extract::{Path, State};
use database::Role;
use serde::Serialize;
use support::live;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::state::AppState;
use crate::web::auth::Caller;
use crate::web::problem::{Problem, ProblemDocument};
use crate::web::query;

/// Somebody who looks at a ticket.
#[derive(Debug, Serialize, ToSchema)]
pub struct ViewerView {
    /// Who.
    pub agent_id: Uuid,
    /// Whether they write an answer at this moment.
    pub is_typing: bool,
}

/// Those who look at a ticket.
#[derive(Debug, Serialize, ToSchema)]
pub struct Viewers {
    /// They, by id.
    pub items: Vec<ViewerView>,
}

/// Who looks at a ticket at this moment, over all processes, seconds late at most.
#[utoipa::path(
    get, path = "/api/tickets/{id}/viewers", tag = "live",
    params(("id" = Uuid, Path, description = "the ticket")),
    responses(
        (status = 200, description = "they", body = Viewers),
        (status = 404, description = "there is no such ticket", body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
pub async fn viewers(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Shown<Viewers>, Problem> {
    caller.require(Scope::TicketsRead)?;
    let ticket = query::id("id", &id)?;
    let mut tx = state.db.tenant_tx(Role::Support, caller.tenant).await?;
    let is_there = live::has_ticket(&mut tx, ticket).await?;
    tx.commit().await?;
    if !is_there {
        return Err(Problem::not_found("there is no such ticket"));
    }
    let viewers = state.live.whispers.viewers(caller.tenant, ticket).into_iter();
    let items =
        viewers.map(|viewer| ViewerView { agent_id: viewer.agent.0, is_typing: viewer.is_typing }).collect();
    Ok(Shown(Viewers { items }))
}
