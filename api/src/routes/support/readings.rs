//! What was read out of a ticket's messages, and what waits to be read.

use accounts::api_keys::Scope;
use axum::extract::{Path, State};
use axum::http::Uri;
use database::Role;
use serde::Serialize;
use support::analysis::{self, Analysed};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::drafts::find;
use crate::state::AppState;
use crate::web::auth::Caller;
use crate::web::problem::{Problem, ProblemDocument};
use crate::web::query::Params;

/// The routes of readings.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(of_ticket))
}

/// What the messages of a ticket say.
#[derive(Debug, Serialize, ToSchema)]
struct Readings {
    /// Our ticket.
    ticket_id: Uuid,
    /// Messages that wait to be read; until then the ticket counts as neutral.
    pending: usize,
    /// Message by message, the newest first.
    #[schema(value_type = Vec<serde_json::Value>)]
    messages: Vec<Analysed>,
}

/// Mood, intent, language and topics of a ticket's messages, and who read them.
#[utoipa::path(
    get,
    path = "/api/tickets/{id}/analysis",
    tag = "tickets",
    params(("id" = String, Path, description = "our ticket id, or the help desk's")),
    responses(
        (status = 200, description = "what was read; `analysed_by` says by whom", body = Readings),
        (status = 404, description = "there is no such ticket", body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
async fn of_ticket(
    State(state): State<AppState>,
    caller: Caller,
    Path(reference): Path<String>,
    uri: Uri,
) -> Result<axum::Json<Readings>, Problem> {
    caller.require(Scope::TicketsRead)?;
    Params::of(&uri, &[])?;
    let mut tx = state.db.tenant_tx(Role::Support, caller.tenant).await?;
    let ticket = find(&mut tx, &reference).await?;
    let messages = analysis::of_ticket(&mut tx, ticket.id).await?;
    tx.commit().await?;
    let pending = messages.iter().filter(|message| message.analysed_at.is_none()).count();
    Ok(axum::Json(Readings { ticket_id: ticket.id.0, pending, messages }))
}
