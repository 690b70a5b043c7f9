//! Looking for tickets.

use accounts::api_keys::Scope;
use axum::Json as Shown;
use axum::extract::State;
use axum::http::Uri;
use database::Role;
use database::ids::TicketId;
use serde::Serialize;
use support::tickets::search;
use utoipa::ToSchema;

use super::TicketView;
use crate::state::AppState;
use crate::web::auth::Caller;
use crate::web::page::{Page, PageRequest, place};
use crate::web::problem::{Problem, ProblemDocument};
use crate::web::query::Params;

/// A ticket that was found.
#[derive(Debug, Serialize, ToSchema)]
pub struct FoundTicket {
    /// The ticket.
    #[serde(flatten)]
    pub ticket: TicketView,
    /// Whether its number or address is the very one that was asked for.
    pub is_exact: bool,
}

/// Look for tickets by words of subject, messages, notes, customer and tags.
///
/// All words must be there, in any of their forms in the shop's languages; the last may be unfinished from three letters
/// on, and `"what stands in quotes"` as it is. A ticket's number and a customer's address are found exactly, and come
/// first. The rest comes newest first.
#[utoipa::path(
    get,
    path = "/api/tickets/search",
    tag = "tickets",
    params(
        ("q" = String, Query, description = "what is looked for: 2 to 400 characters, 24 words at most"),
        ("cursor" = Option<String>, Query, description = "next_cursor of the page before"),
        ("limit" = Option<i64>, Query, description = "1 to 100, 50 by default"),
    ),
    responses(
        (status = 200, description = "a page", body = Page<FoundTicket>),
        (status = 400, description = "too little or too much is asked for", body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
pub async fn page(
    State(state): State<AppState>,
    caller: Caller,
    uri: Uri,
) -> Result<Shown<Page<FoundTicket>>, Problem> {
    caller.require(Scope::TicketsRead)?;
    let params = Params::of(&uri, &["q", "limit", "cursor"])?;
    let mut given = params.all("q");
    let text = given.next().ok_or_else(|| Problem::bad_request("q", "is missing: what to search for"))?;
    if given.next().is_some() {
        return Err(Problem::bad_request("q", "may be given once"));
    }
    let query = search::parse(text)?;
    let request = PageRequest::of(&params)?;
    let before = request.after_place()?.map(|(at, id)| (at, TicketId(id)));
    let mut tx = state.db.tenant_tx(Role::Support, caller.tenant).await?;
    let hits = search::search(&mut tx, &query, before, request.limit_and_one()).await?;
    tx.commit().await?;
    // What is exact is shown beside the page, which follows the others' places.
    let (exact, found): (Vec<_>, Vec<_>) = hits.into_iter().partition(|hit| hit.is_exact);
    let page = request.page(found, |hit| place(hit.found_at, hit.whole.ticket.id.0));
    let items = exact.into_iter().chain(page.items);
    Ok(Shown(Page {
        items: items.map(|hit| FoundTicket { is_exact: hit.is_exact, ticket: hit.whole.into() }).collect(),
        next_cursor: page.next_cursor,
    }))
}
