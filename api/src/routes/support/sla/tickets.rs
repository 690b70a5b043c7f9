//! How the clocks of a ticket stand, with every interval of their time.

use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::Response;
use chrono::{DateTime, Utc};
use database::Role;
use serde::Serialize;
use support::gorgias::PROVIDER;
use support::sla::explain::{ClockView, explained};
use support::sla::{alerts, clocks, facts};
use support::tickets;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::{may_read, tagged};
use crate::state::AppState;
use crate::web::auth::Caller;
use crate::web::problem::{Problem, ProblemDocument};

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(show))
}

/// The clocks of a ticket.
#[derive(Debug, Serialize, ToSchema)]
pub struct TicketClocks {
    /// The ticket.
    ticket_id: Uuid,
    /// When they were read.
    read_at: DateTime<Utc>,
    /// Every clock. Each `interval` is counted, closed, holiday, paused, resolved or no_target, with how much had
    /// elapsed at its end; the newest 500 are told.
    #[schema(value_type = Vec<Object>)]
    clocks: Vec<ClockView>,
}

/// Every clock of a ticket, with what every interval of its time was spent on.
///
/// It is derived from the ticket's messages and history at this moment; times are in the zone of the opening hours.
#[utoipa::path(
    get,
    path = "/api/sla/tickets/{id}",
    tag = "sla",
    params(("id" = String, Path, description = "our ticket id, or the help desk's")),
    responses(
        (status = 200, description = "the clocks", body = TicketClocks),
        (status = 404, description = "there is no such ticket", body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
async fn show(
    State(state): State<AppState>,
    caller: Caller,
    Path(reference): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    may_read(&caller)?;
    if reference.len() > 255 || reference.contains('\0') {
        return Err(Problem::bad_request("id", "must have 1 to 255 bytes"));
    }
    let mut tx = state.db.tenant_tx(Role::Support, caller.tenant).await?;
    let now = alerts::now(&mut tx).await?;
    let ticket = tickets::find(&mut tx, PROVIDER, &reference).await?;
    let ticket = ticket.ok_or_else(|| Problem::not_found("there is no such ticket"))?;
    let (facts, book) = facts::read(&mut tx, &[ticket.id]).await?;
    tx.commit().await?;
    let clocks = facts
        .iter()
        .flat_map(|facts| clocks::derive(facts, &book, now))
        .map(|clock| explained(&clock, now))
        .collect();
    tagged(&TicketClocks { ticket_id: ticket.id.0, read_at: now, clocks }, &headers)
}
