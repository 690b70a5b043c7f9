//! A macro on a ticket: what it would say and do, and doing it.

use accounts::api_keys::Scope;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use database::Role;
use database::ids::{MessageId, TicketId};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use support::macros::apply::{self, Applied, Preview, Use};
use support::macros::store;
use support::rules::spec::Action;
use support::tickets::reply::Replied;
use utoipa::ToSchema;
use uuid::Uuid;

use super::beside;
use super::write::unknown;
use crate::routes::support::tickets::Cause;
use crate::state::AppState;
use crate::web::auth::Caller;
use crate::web::body::Json;
use crate::web::problem::{Problem, ProblemDocument};
use crate::web::{query, trail};

/// On which ticket.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"ticket_id": "0199c0de-7e1a-7c51-8f3a-2b9d5e6f7a81"}))]
pub struct PreviewWish {
    /// The ticket.
    ticket_id: Uuid,
}

/// What a macro would say and do on a ticket, and which of its variables are empty there.
#[utoipa::path(
    post,
    path = "/api/macros/{id}/preview",
    tag = "macros",
    params(("id" = Uuid, Path, description = "the macro")),
    request_body = PreviewWish,
    responses(
        (status = 200, description = "language, text, empty (names of variables) and actions; nothing is done", body = serde_json::Value),
        (status = 404, description = "there is no such macro or ticket", body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
pub async fn preview(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
    body: Json<PreviewWish>,
) -> Result<axum::Json<Preview>, Problem> {
    caller.require(Scope::TicketsRead)?;
    let (id, ticket) = (query::id("id", &id)?, TicketId(body.value.ticket_id));
    let mut tx = state.db.tenant_tx(Role::Support, caller.tenant).await?;
    let of = store::get(&mut tx, id).await?.ok_or_else(unknown)?;
    let (shop, order) = beside(&mut tx, &caller, ticket).await?;
    let preview = apply::preview(&mut tx, &of, ticket, caller.agent(), &shop, order.as_ref()).await?;
    tx.commit().await?;
    Ok(axum::Json(preview))
}

/// How a macro is used.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "ticket_id": "0199c0de-7e1a-7c51-8f3a-2b9d5e6f7a81",
    "last_seen_message_id": "0199c0de-7e1a-7c51-8f3a-2b9d5e6f7a82"
}))]
pub struct UseWish {
    /// The ticket.
    ticket_id: Uuid,
    /// The text to be sent instead of the macro's, for agents who edited it.
    #[serde(default)]
    text: Option<String>,
    /// The message that was added last as the agent looked, as GET /api/tickets/{id} names it.
    #[serde(default)]
    last_seen_message_id: Option<Uuid>,
    /// Send it whatever was added meanwhile.
    #[serde(default)]
    force: bool,
    /// Only what happens beside, without a reply.
    #[serde(default)]
    without_reply: bool,
}

/// A macro that was used.
#[derive(Debug, Serialize, ToSchema)]
pub struct Used {
    /// The ticket.
    ticket_id: Uuid,
    /// Its version.
    version: i64,
    /// The reply, if one was sent.
    message_id: Option<Uuid>,
}

/// Use a macro: its reply and what it does beside, all in one step or nothing.
#[utoipa::path(
    post,
    path = "/api/macros/{id}/apply",
    tag = "macros",
    params(("id" = Uuid, Path, description = "the macro")),
    request_body = UseWish,
    responses(
        (status = 200, description = "it was used", body = Used),
        (status = 404, description = "there is no such macro or ticket", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 409, description = "something was added meanwhile: the text is kept as what the caller is writing; or the state does not allow it", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 422, description = "variables are empty for this ticket; `empty` names them", body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
pub async fn apply(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
    body: Json<UseWish>,
) -> Result<Response, Problem> {
    caller.require(Scope::TicketsWrite)?;
    let id = query::id("id", &id)?;
    let wish = body.value;
    let ticket = TicketId(wish.ticket_id);
    let mut tx = state.db.tenant_tx(Role::Support, caller.tenant).await?;
    let of = store::get(&mut tx, id).await?.ok_or_else(unknown)?;
    // Giving a ticket to somebody needs what the route for it needs.
    let assigns =
        |action: &Action| matches!(action, Action::AssignAgent { .. } | Action::AssignDepartment { .. });
    if of.actions.iter().any(assigns) {
        caller.require(Scope::TicketsAssign)?;
    }
    let (shop, order) = beside(&mut tx, &caller, ticket).await?;
    let with = Use {
        text: wish.text.as_deref(),
        last_seen: wish.last_seen_message_id.map(MessageId),
        force: wish.force,
        without_reply: wish.without_reply,
    };
    let cause = Cause::of(&caller);
    let acting = cause.acting(&caller);
    match apply::apply(&mut tx, &acting, &of, ticket, &shop, order.as_ref(), &with).await? {
        Applied::Done { reply, version, announcement } => {
            let detail = json!({ "ticket_id": ticket, "forced": wish.force });
            trail::record(&mut tx, &caller, "macro.apply", &format!("macro:{id}"), detail).await?;
            state.db.commit(tx).await?;
            state.dispatch.announce(announcement);
            let used = Used { ticket_id: ticket.0, version, message_id: reply.map(|reply| reply.0) };
            Ok(axum::Json(used).into_response())
        }
        Applied::Unseen(met) => {
            state.db.commit(tx).await?;
            let news: Vec<Value> = match *met {
                Replied::Unseen { news, .. } => news.iter().map(|one| json!(one.id)).collect(),
                Replied::Queued { .. } => Vec::new(),
            };
            let detail = "something was added to the ticket meanwhile; look at it, then send its last message's id, or \
                          force; the text is kept as what you are writing";
            Err(Problem::conflict(detail).at("last_seen_message_id").with("new_message_ids", news.into()))
        }
        Applied::Empty(names) => {
            let detail = format!(
                "these variables are empty for this ticket: {}; send `text` with them filled in",
                names.join(", ")
            );
            Err(Problem::unprocessable("text", detail).with("empty", json!(names)))
        }
    }
}
