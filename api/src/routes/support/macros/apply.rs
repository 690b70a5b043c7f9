//! A macro on a ticket: what it would say and do, and doing it.

use accounts::api_keys::Scope;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use database::Role;
use database::ids::{MessageId, TicketId};
use serde::{Deserialize, Serialize};
use serde_json::json;
use support::macros::apply::{self, Applied, Preview, Use};
use support::macros::store;
use support::rules::spec::Action;
use support::tickets::message;
use utoipa::ToSchema;
use uuid::Uuid;

use super::beside;
use super::write::unknown;
use crate::routes::support::tickets::{Cause, MessageView};
use crate::state::AppState;
use crate::web::auth::Allowed;
use crate::web::body::Json;
use crate::web::idempotency::{self, Answer, IdempotencyKey};
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
    Allowed(caller): Allowed<{ Scope::TicketsRead as u8 }>,
    Path(id): Path<String>,
    body: Json<PreviewWish>,
) -> Result<axum::Json<Preview>, Problem> {
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
    /// The reply, if there is one. It leaves after the time to take it back.
    message_id: Option<Uuid>,
    /// Why the reply has no way to leave: no_mailbox, no_mail_server or no_address.
    not_sent_because: Option<String>,
    /// What was not done beside, because the reply has no way to leave: what sets the status or puts to sleep.
    #[schema(value_type = Vec<Object>)]
    left_out: Vec<Action>,
}

/// Use a macro: its reply and what it does beside, all in one step or nothing.
///
/// When something was added since `last_seen_message_id`, nothing is done: 409 says what is new (`new_messages`), and the
/// text is kept as the caller's (`reply_text`).
#[utoipa::path(
    post,
    path = "/api/macros/{id}/apply",
    tag = "macros",
    params(
        ("id" = Uuid, Path, description = "the macro"),
        ("Idempotency-Key" = Option<String>, Header, description = "the same key and request have the same answer"),
    ),
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
    Allowed(caller): Allowed<{ Scope::TicketsWrite as u8 }>,
    Path(id): Path<String>,
    key: IdempotencyKey,
    body: Json<UseWish>,
) -> Result<Response, Problem> {
    let id = query::id("id", &id)?;
    let digest = body.digest;
    let wish = body.value;
    let ticket = TicketId(wish.ticket_id);
    let mut tx = state.db.tenant_tx(Role::Support, caller.tenant).await?;
    if let Some(answer) = idempotency::replay(&mut tx, caller.tenant, &key, &digest).await? {
        return Ok(answer.into_response());
    }
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
        Applied::Done { reply, left_out, version, announcement } => {
            let (message_id, not_sent_because) =
                reply.map_or((None, None), |reply| (Some(reply.id.0), reply.not_sent_because));
            let used = Used { ticket_id: ticket.0, version, message_id, not_sent_because, left_out };
            let answer = Answer::ok(&used);
            idempotency::keep(&mut tx, caller.tenant, &key, &digest, &answer).await?;
            let detail = json!({ "ticket_id": ticket, "forced": wish.force });
            trail::record(&mut tx, &caller, "macro.apply", &format!("macro:{id}"), detail).await?;
            state.db.commit(tx).await?;
            state.dispatch.announce(announcement);
            Ok(answer.into_response())
        }
        Applied::Unseen { news, kept } => {
            let last = message::last_added(&mut tx, ticket).await?;
            state.db.commit(tx).await?;
            let ids: Vec<Uuid> = news.iter().map(|one| one.id.0).collect();
            let views: Vec<MessageView> = news.into_iter().map(MessageView::from).collect();
            let problem = Problem::conflict(
                "something was added to the ticket that you have not seen: look at new_messages, and send again with \
                 last_seen_message_id as it is here, or with force; your text is kept as reply_text",
            );
            Err(problem
                .at("last_seen_message_id")
                .with("new_messages", serde_json::to_value(&views).map_err(|_| Problem::internal())?)
                .with("new_message_ids", json!(ids))
                .with("last_message_id", json!(last))
                .with("reply_text", json!({ "version": kept.version, "updated_at": kept.updated_at })))
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
