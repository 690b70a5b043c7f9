//! What happened to a ticket.

use accounts::api_keys::Scope;
use axum::Json as Shown;
use axum::extract::{Path, State};
use axum::http::Uri;
use chrono::{DateTime, Utc};
use database::Role;
use serde::Serialize;
use serde_json::Value;
use support::tickets::history::{self, Changed};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{ticket_id, view};
use crate::state::AppState;
use crate::web::auth::Caller;
use crate::web::page::{Page, PageRequest, place};
use crate::web::problem::{Problem, ProblemDocument};
use crate::web::query::Params;

/// A field of a ticket that changed.
#[derive(Debug, Serialize, ToSchema)]
pub struct ChangeView {
    /// Identity.
    pub id: Uuid,
    /// When, by the clock of whoever changed it.
    pub at: DateTime<Utc>,
    /// Who: `agent:ID`, `key:ID`, `job:KIND` or a help desk.
    pub actor: String,
    /// Why, when it was said.
    pub reason: Option<String>,
    /// What.
    pub field: String,
    /// What it was.
    pub old: Option<Value>,
    /// What it became.
    pub new: Option<Value>,
}

impl From<Changed> for ChangeView {
    fn from(changed: Changed) -> ChangeView {
        let Changed { id, at, actor, reason, field, old, new } = changed;
        ChangeView { id, at, actor, reason, field, old, new }
    }
}

/// What happened to a ticket, newest first.
#[utoipa::path(
    get,
    path = "/api/tickets/{id}/history",
    tag = "tickets",
    params(
        ("id" = Uuid, Path, description = "the ticket"),
        ("cursor" = Option<String>, Query, description = "next_cursor of the page before"),
        ("limit" = Option<i64>, Query, description = "1 to 100, 50 by default"),
    ),
    responses(
        (status = 200, description = "a page", body = Page<ChangeView>),
        (status = 404, description = "there is no such ticket", body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
pub async fn page(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
    uri: Uri,
) -> Result<Shown<Page<ChangeView>>, Problem> {
    caller.require(Scope::TicketsRead)?;
    let id = ticket_id(&id)?;
    let request = PageRequest::of(&Params::of(&uri, &["limit", "cursor"])?)?;
    let before = request.after_place()?;
    let mut tx = state.db.tenant_tx(Role::Support, caller.tenant).await?;
    view(&mut tx, id).await?;
    let changes = history::list(&mut tx, id, before, request.limit_and_one()).await?;
    tx.commit().await?;
    let page = request.page(changes, |change| place(change.at, change.id));
    Ok(Shown(Page {
        items: page.items.into_iter().map(ChangeView::from).collect(),
        next_cursor: page.next_cursor,
    }))
}
