//! The tags that the shop's tickets have.

use accounts::api_keys::Scope;
use axum::Json as Shown;
use axum::extract::State;
use axum::http::Uri;
use database::Role;
use serde::Serialize;
use support::tickets::tags;
use utoipa::ToSchema;

use crate::state::AppState;
use crate::web::auth::Caller;
use crate::web::page::{Page, PageRequest};
use crate::web::problem::{Problem, ProblemDocument};
use crate::web::query::Params;

/// A tag.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = TicketTag)]
pub struct TagView {
    /// Its name.
    pub tag: String,
    /// How many tickets have it.
    pub tickets: i64,
}

/// The tags that tickets have, in the order of their names.
#[utoipa::path(
    get,
    path = "/api/tickets/tags",
    tag = "tickets",
    params(
        ("prefix" = Option<String>, Query, description = "only those that begin so, in any case"),
        ("cursor" = Option<String>, Query, description = "next_cursor of the page before"),
        ("limit" = Option<i64>, Query, description = "1 to 100, 50 by default"),
    ),
    responses(
        (status = 200, description = "a page", body = Page<TagView>),
        (status = 400, description = "a bad cursor", body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
pub async fn page(
    State(state): State<AppState>,
    caller: Caller,
    uri: Uri,
) -> Result<Shown<Page<TagView>>, Problem> {
    caller.require(Scope::TicketsRead)?;
    let params = Params::of(&uri, &["prefix", "cursor", "limit"])?;
    let request = PageRequest::of(&params)?;
    let prefix = params.text("prefix")?.unwrap_or_default().trim_start();
    let mut tx = state.db.tenant_tx(Role::Support, caller.tenant).await?;
    let found = tags::list(&mut tx, prefix, request.after.as_deref(), request.limit_and_one()).await?;
    tx.commit().await?;
    let items = found.into_iter().map(|tag| TagView { tag: tag.tag, tickets: tag.tickets }).collect();
    Ok(Shown(request.page(items, |item: &TagView| item.tag.clone())))
}
