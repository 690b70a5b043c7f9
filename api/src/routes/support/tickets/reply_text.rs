//! What the caller is writing to a customer: kept here, so that no text is lost and others see that somebody writes.

use accounts::api_keys::Scope;
use axum::Json as Shown;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use database::ids::{MessageId, TicketId};
use database::{Role, Tx};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use support::tickets::reply_text::{self as texts, ReplyText};
use support::tickets::{self, TicketError};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{Cause, ticket_id, unknown};
use crate::state::AppState;
use crate::web::auth::{Allowed, Caller};
use crate::web::body::Json;
use crate::web::etag;
use crate::web::problem::{Problem, ProblemDocument};

/// A text that is being written.
#[derive(Debug, Serialize, ToSchema)]
pub struct ReplyTextView {
    /// The text.
    pub text: String,
    /// The last message that its writer had seen.
    pub last_seen_message_id: Option<Uuid>,
    /// Grows with each change; the entity tag.
    pub version: i64,
    /// When it was changed.
    pub updated_at: DateTime<Utc>,
}

impl From<ReplyText> for ReplyTextView {
    fn from(text: ReplyText) -> ReplyTextView {
        ReplyTextView {
            text: text.body_text,
            last_seen_message_id: text.last_seen_message_id.map(|message| message.0),
            version: text.version,
            updated_at: text.updated_at,
        }
    }
}

/// The text as it is now.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"text": "Dear Ann,"}))]
pub struct ReplyTextBody {
    /// The text, 20,000 characters at most.
    pub text: String,
    /// The last message that its writer has seen.
    #[serde(default)]
    pub last_seen_message_id: Option<Uuid>,
}

/// What the caller is writing.
#[utoipa::path(
    get,
    path = "/api/tickets/{id}/reply-text",
    tag = "tickets",
    params(("id" = Uuid, Path, description = "the ticket")),
    responses(
        (status = 200, description = "the text; its ETag is its version", body = ReplyTextView),
        (status = 404, description = "there is none", body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
pub async fn show(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    caller.require(Scope::TicketsWrite)?;
    let id = ticket_id(&id)?;
    let mut tx = state.db.tenant_tx(Role::Support, caller.tenant).await?;
    let text = texts::get(&mut tx, id, caller.counted_as()).await?;
    tx.commit().await?;
    let text = text.ok_or_else(|| Problem::not_found("you have no text for this ticket"))?;
    Ok(etag::with_version(text.version, Shown(ReplyTextView::from(text))))
}

/// Keep what the caller is writing.
#[utoipa::path(
    put,
    path = "/api/tickets/{id}/reply-text",
    tag = "tickets",
    params(
        ("id" = Uuid, Path, description = "the ticket"),
        ("If-Match" = Option<String>, Header, description = "the ETag of the text that is known"),
    ),
    request_body = ReplyTextBody,
    responses(
        (status = 200, description = "it is kept", body = ReplyTextView),
        (status = 404, description = "there is no such ticket", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 412, description = "another window of the caller changed it; `current` is how it is", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 413, description = "the text is too long", body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
pub async fn put(
    State(state): State<AppState>,
    Allowed(caller): Allowed<{ Scope::TicketsWrite as u8 }>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Json<ReplyTextBody>,
) -> Result<Response, Problem> {
    let id = ticket_id(&id)?;
    let version = etag::expected_version(&headers)?;
    let mut tx = state.db.tenant_tx(Role::Support, caller.tenant).await?;
    let cause = Cause::of(&caller);
    let seen = body.value.last_seen_message_id.map(MessageId);
    let kept = match texts::put(&mut tx, &cause.acting(&caller), id, &body.value.text, seen, version).await {
        Ok(kept) => kept,
        Err(error) => return Err(refusal(&mut tx, id, caller.counted_as(), error).await),
    };
    state.db.commit(tx).await?;
    Ok(etag::with_version(kept.version, Shown(ReplyTextView::from(kept))))
}

/// Throw away what the caller was writing.
#[utoipa::path(
    delete,
    path = "/api/tickets/{id}/reply-text",
    tag = "tickets",
    params(
        ("id" = Uuid, Path, description = "the ticket"),
        ("If-Match" = Option<String>, Header, description = "the ETag of the text that is known"),
    ),
    responses(
        (status = 204, description = "there is none any more"),
        (status = 404, description = "there is no such ticket", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 412, description = "another window of the caller changed it; `current` is how it is", body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
pub async fn delete(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    caller.require(Scope::TicketsWrite)?;
    let id = ticket_id(&id)?;
    let version = etag::expected_version(&headers)?;
    let mut tx = state.db.tenant_tx(Role::Support, caller.tenant).await?;
    tickets::get(&mut tx, id).await?.ok_or_else(unknown)?;
    if let Err(error) = texts::delete(&mut tx, id, caller.counted_as(), version).await {
        return Err(refusal(&mut tx, id, caller.counted_as(), error).await);
    }
    state.db.commit(tx).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

async fn refusal(tx: &mut Tx, ticket: TicketId, writer: Uuid, error: TicketError) -> Problem {
    if !matches!(error, TicketError::Stale(_)) {
        return error.into();
    }
    match texts::get(tx, ticket, writer).await {
        Ok(text) => {
            let current = text.map(ReplyTextView::from).and_then(|view| serde_json::to_value(view).ok());
            Problem::precondition_failed(current.unwrap_or(Value::Null))
        }
        Err(error) => error.into(),
    }
}
