//! Opening a ticket: everything that stands beside it in one answer, by two statements, one for the desk's side and one for
//! what the shop knows of the customer.

use std::sync::Arc;

use accounts::api_keys::Scope;
use axum::Extension;
use axum::Json as Shown;
use axum::extract::{Path, State};
use axum::response::Response;
use database::Role;
use platform::customers::Contact;
use serde::Serialize;
use serde_json::{Value, json};
use support::gorgias::PROVIDER;
use support::tickets;
use support::tickets::full::{self, Full};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{TicketView, ticket_id, unknown};
use crate::routes::platform::intelligence::{Memory, known_of_named};
use crate::state::AppState;
use crate::web::auth::Caller;
use crate::web::etag;
use crate::web::problem::{Problem, ProblemDocument};

/// A ticket with what stands beside it.
#[derive(Debug, Serialize, ToSchema)]
pub struct OpenedTicket {
    /// The ticket.
    #[serde(flatten)]
    pub ticket: TicketView,
    /// The message that was added last; a reply names it as `last_seen_message_id`.
    pub last_message_id: Option<Uuid>,
    /// How many notes it has.
    pub note_count: i64,
    /// Whose it is: id, name, is_present, availability.
    pub assignee: Option<Value>,
    /// What is known of the customer, as GET /api/intelligence/customers/{id}, or the reason why not.
    pub intelligence: Value,
    /// Its clocks: kind, state, standing, due_at, verdict. GET /api/sla/tickets/{id} explains them.
    pub clocks: Value,
    /// The current draft with `stale`; none when there is none.
    pub draft: Option<Value>,
    /// What the caller is writing.
    pub reply_text: Option<Value>,
    /// Agents and keys who are writing as well.
    pub other_writers: Value,
    /// What is under way for it, with `what`, `since` and, where it is known, why it waits (`because`): a `reply` that has not
    /// left, the `reading` of a message, a `draft` that is being made, a change that the `help_desk` has not taken.
    pub pending: Value,
    /// Tickets that were merged into it.
    pub merged_from: Value,
    /// Tickets that follow it.
    pub follow_ups: Value,
    /// What the smart order's key is made of.
    pub rank_terms: Value,
}

/// Open a ticket: with customer, assignment, clocks, intelligence and the current draft.
#[utoipa::path(
    get,
    path = "/api/tickets/{id}",
    tag = "tickets",
    params(("id" = String, Path, description = "our ticket id, or the help desk's")),
    responses(
        (status = 200, description = "the ticket; its ETag is its version", body = OpenedTicket),
        (status = 404, description = "there is no such ticket", body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
pub async fn open(
    State(state): State<AppState>,
    Extension(memory): Extension<Arc<Memory>>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    caller.require(Scope::TicketsRead)?;
    let mut tx = state.db.tenant_tx(Role::Support, caller.tenant).await?;
    let id = match ticket_id(&id) {
        Ok(id) => id,
        Err(refusal) => tickets::find(&mut tx, PROVIDER, &id).await?.ok_or(refusal)?.id,
    };
    let mut full = full::get(&mut tx, id, caller.counted_as()).await?.ok_or_else(unknown)?;
    // As the routes of drafts need it.
    if caller.require(Scope::AiRead).is_err() {
        full.draft = None;
    }
    let named = &full.whole.ticket;
    let contact = Contact {
        customer_id: named.customer_id.as_deref(),
        email: named.customer_email.as_deref(),
        desk_id: named.customer_external_id.as_deref(),
    };
    let intelligence = if caller.require(Scope::CustomersRead).is_ok() {
        known_of_named(&memory, &mut tx, caller.tenant, contact).await?
    } else {
        json!({ "available": false, "reason": "this needs the permission customers:read" })
    };
    // Nothing was written, so nobody waits for the transaction's end.
    drop(tx);
    let version = full.whole.version;
    Ok(etag::with_version(version, Shown(opened(full, intelligence))))
}

fn opened(full: Full, intelligence: Value) -> OpenedTicket {
    let rank_terms = full.whole.rank_terms.clone();
    OpenedTicket {
        ticket: full.whole.into(),
        last_message_id: full.last_message_id.map(|message| message.0),
        note_count: full.note_count,
        assignee: full.assignee,
        intelligence,
        clocks: full.clocks,
        draft: full.draft,
        reply_text: full.reply_text,
        other_writers: full.other_writers,
        pending: full.pending,
        merged_from: full.merged_from,
        follow_ups: full.follow_ups,
        rank_terms,
    }
}
