//! Notes of a ticket, for colleagues. They never leave the house.

use accounts::api_keys::Scope;
use axum::Json as Shown;
use axum::extract::{Path, State};
use axum::http::Uri;
use database::Role;
use serde::Deserialize;
use serde_json::json;
use support::tickets::message::{self, Which};
use utoipa::ToSchema;

use super::messages::{AddedMessage, MessagePage, message_as_shown, read};
use super::{Cause, ticket_id};
use crate::state::AppState;
use crate::web::auth::{Allowed, Caller};
use crate::web::body::Json;
use crate::web::idempotency::{self, Answer, IdempotencyKey};
use crate::web::problem::{Problem, ProblemDocument};
use crate::web::query::Params;
use crate::web::trail;

/// A note to be added.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"text": "She called; wait for the photo."}))]
pub struct NewNoteBody {
    /// What it says, 50,000 characters at most.
    pub text: String,
    /// Files that were sent before, 20 at most.
    #[serde(default)]
    pub attachment_ids: Vec<uuid::Uuid>,
}

/// Notes of a ticket, newest first.
#[utoipa::path(
    get,
    path = "/api/tickets/{id}/notes",
    tag = "tickets",
    params(
        ("id" = Uuid, Path, description = "the ticket"),
        ("cursor" = Option<String>, Query, description = "next_cursor of the page before"),
        ("limit" = Option<i64>, Query, description = "1 to 100, 50 by default"),
    ),
    responses(
        (status = 200, description = "a page", body = MessagePage),
        (status = 404, description = "there is no such ticket", body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
pub async fn page(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
    uri: Uri,
) -> Result<Shown<MessagePage>, Problem> {
    let params = Params::of(&uri, &["limit", "cursor"])?;
    read(&state, &caller, &id, &params, Which::Notes).await.map(Shown)
}

/// Add a note.
#[utoipa::path(
    post,
    path = "/api/tickets/{id}/notes",
    tag = "tickets",
    params(
        ("id" = Uuid, Path, description = "the ticket"),
        ("Idempotency-Key" = Option<String>, Header, description = "the same key and request have the same answer"),
    ),
    request_body = NewNoteBody,
    responses(
        (status = 201, description = "the note", body = AddedMessage),
        (status = 404, description = "there is no such ticket", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 409, description = "the ticket was merged into another", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 413, description = "the text is too long", body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
pub async fn add(
    State(state): State<AppState>,
    Allowed(caller): Allowed<{ Scope::TicketsWrite as u8 }>,
    Path(id): Path<String>,
    key: IdempotencyKey,
    body: Json<NewNoteBody>,
) -> Result<Answer, Problem> {
    let id = ticket_id(&id)?;
    let mut tx = state.db.tenant_tx(Role::Support, caller.tenant).await?;
    if let Some(answer) = idempotency::replay(&mut tx, caller.tenant, &key, &body.digest).await? {
        return Ok(answer);
    }
    let cause = Cause::of(&caller);
    let added =
        message::note(&mut tx, &cause.acting(&caller), id, &body.value.text, &body.value.attachment_ids)
            .await?;
    let stored = message::get(&mut tx, id, added.message).await?.ok_or_else(Problem::internal)?;
    let answer = Answer::created(
        format!("/api/tickets/{id}/notes"),
        &message_as_shown(&mut tx, stored, added.version).await?,
    );
    idempotency::keep(&mut tx, caller.tenant, &key, &body.digest, &answer).await?;
    let detail = json!({ "message_id": added.message });
    trail::record(&mut tx, &caller, "ticket.note", &format!("ticket:{id}"), detail).await?;
    state.db.commit(tx).await?;
    state.dispatch.announce(added.announcement);
    Ok(answer)
}
