//! Merging tickets, taking it back, and splitting one.

use accounts::api_keys::Scope;
use axum::Json as Shown;
use axum::extract::{Path, State};
use chrono::{DateTime, Utc};
use database::Role;
use database::ids::{MessageId, TicketId};
use serde::{Deserialize, Serialize};
use serde_json::json;
use sha2::{Digest, Sha256};
use support::tickets::merge::{self, Merge};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{Cause, TicketView, ticket_id, view};
use crate::state::AppState;
use crate::web::auth::{Allowed, Caller};
use crate::web::body::Json;
use crate::web::idempotency::{self, Answer, IdempotencyKey};
use crate::web::problem::{Problem, ProblemDocument};
use crate::web::trail;

/// Where the ticket goes.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"into": "0199c0de-7e1a-7c51-8f3a-2b9d5e6f7a81"}))]
pub struct TicketMergeRequest {
    /// The ticket in which both go on; one that was merged itself stands for the one in which it goes on.
    pub into: Uuid,
    /// They may be of different customers.
    #[serde(default)]
    pub confirm_other_customer: bool,
}

/// What becomes a ticket of its own.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"message_id": "0199c0de-7e1a-7c51-8f3a-2b9d5e6f7a81", "subject": "The second question"}))]
pub struct SplitRequest {
    /// The message.
    pub message_id: Uuid,
    /// The new ticket's subject; that of the old one when missing.
    #[serde(default)]
    pub subject: Option<String>,
}

/// A merge of tickets.
#[derive(Debug, Serialize, ToSchema)]
pub struct TicketMergeView {
    /// Identity.
    pub id: Uuid,
    /// The ticket that went.
    pub source_id: Uuid,
    /// The ticket in which both go on.
    pub target_id: Uuid,
    /// Who merged them.
    pub merged_by: String,
    /// When.
    pub merged_at: DateTime<Utc>,
    /// Who took it back.
    pub undone_by: Option<String>,
    /// When.
    pub undone_at: Option<DateTime<Utc>>,
}

impl From<Merge> for TicketMergeView {
    fn from(merge: Merge) -> TicketMergeView {
        let Merge { id, source_id, target_id, merged_by, merged_at, undone_by, undone_at } = merge;
        TicketMergeView {
            id,
            source_id: source_id.0,
            target_id: target_id.0,
            merged_by,
            merged_at,
            undone_by,
            undone_at,
        }
    }
}

/// The merges in which a ticket took part, newest first, at most 100.
#[utoipa::path(
    get,
    path = "/api/tickets/{id}/merges",
    tag = "tickets",
    params(("id" = Uuid, Path, description = "the ticket")),
    responses(
        (status = 200, description = "the merges", body = Vec<TicketMergeView>),
        (status = 404, description = "there is no such ticket", body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
pub async fn list(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Shown<Vec<TicketMergeView>>, Problem> {
    caller.require(Scope::TicketsRead)?;
    let id = ticket_id(&id)?;
    let mut tx = state.db.tenant_tx(Role::Support, caller.tenant).await?;
    view(&mut tx, id).await?;
    let merges = merge::of_ticket(&mut tx, id).await?;
    tx.commit().await?;
    Ok(Shown(merges.into_iter().map(TicketMergeView::from).collect()))
}

/// Merge a ticket into another.
///
/// Its messages and what comes later go on there; customers hear nothing of it.
#[utoipa::path(
    post,
    path = "/api/tickets/{id}/merge",
    tag = "tickets",
    params(
        ("id" = Uuid, Path, description = "the ticket that goes"),
        ("Idempotency-Key" = Option<String>, Header, description = "the same key and request have the same answer"),
    ),
    request_body = TicketMergeRequest,
    responses(
        (status = 200, description = "they are one", body = TicketMergeView),
        (status = 400, description = "there is no such other ticket", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 404, description = "there is no such ticket", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 409, description = "it was merged already, or they are of different customers", body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
pub async fn merge_tickets(
    State(state): State<AppState>,
    Allowed(caller): Allowed<{ Scope::TicketsWrite as u8 }>,
    Path(id): Path<String>,
    key: IdempotencyKey,
    body: Json<TicketMergeRequest>,
) -> Result<Answer, Problem> {
    let id = ticket_id(&id)?;
    let mut tx = state.db.tenant_tx(Role::Support, caller.tenant).await?;
    if let Some(answer) = idempotency::replay(&mut tx, caller.tenant, &key, &body.digest).await? {
        return Ok(answer);
    }
    let cause = Cause::of(&caller);
    let wanted = &body.value;
    let into = TicketId(wanted.into);
    let (merge, announcement) =
        merge::merge(&mut tx, &cause.acting(&caller), id, into, wanted.confirm_other_customer).await?;
    let detail = json!({ "into": merge.target_id, "other_customer": wanted.confirm_other_customer });
    let answer = Answer::ok(&TicketMergeView::from(merge));
    idempotency::keep(&mut tx, caller.tenant, &key, &body.digest, &answer).await?;
    trail::record(&mut tx, &caller, "ticket.merge", &format!("ticket:{id}"), detail).await?;
    state.db.commit(tx).await?;
    state.dispatch.announce(announcement);
    Ok(answer)
}

/// Take the merge of a ticket back.
///
/// Its messages are its own again, also those that came since.
#[utoipa::path(
    post,
    path = "/api/tickets/{id}/merge/undo",
    tag = "tickets",
    params(
        ("id" = Uuid, Path, description = "the ticket that went"),
        ("Idempotency-Key" = Option<String>, Header, description = "the same key and request have the same answer"),
    ),
    responses(
        (status = 200, description = "they are two again", body = TicketMergeView),
        (status = 404, description = "there is no such ticket", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 409, description = "it was not merged", body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
pub async fn undo(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
    key: IdempotencyKey,
) -> Result<Answer, Problem> {
    caller.require(Scope::TicketsWrite)?;
    let id = ticket_id(&id)?;
    let digest: [u8; 32] = Sha256::digest(format!("undo-ticket-merge:{id}")).into();
    let mut tx = state.db.tenant_tx(Role::Support, caller.tenant).await?;
    if let Some(answer) = idempotency::replay(&mut tx, caller.tenant, &key, &digest).await? {
        return Ok(answer);
    }
    let cause = Cause::of(&caller);
    let (merge, announcement) = merge::undo(&mut tx, &cause.acting(&caller), id).await?;
    let detail = json!({ "from": merge.target_id });
    let answer = Answer::ok(&TicketMergeView::from(merge));
    idempotency::keep(&mut tx, caller.tenant, &key, &digest, &answer).await?;
    trail::record(&mut tx, &caller, "ticket.undo_merge", &format!("ticket:{id}"), detail).await?;
    state.db.commit(tx).await?;
    state.dispatch.announce(announcement);
    Ok(answer)
}

/// Make a message the first of a new ticket that is linked to its own.
#[utoipa::path(
    post,
    path = "/api/tickets/{id}/split",
    tag = "tickets",
    params(
        ("id" = Uuid, Path, description = "the ticket"),
        ("Idempotency-Key" = Option<String>, Header, description = "the same key and request have the same answer"),
    ),
    request_body = SplitRequest,
    responses(
        (status = 201, description = "the new ticket", body = TicketView),
        (status = 404, description = "there is no such ticket or message", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 409, description = "the message is the only one, or on its way", body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
pub async fn split(
    State(state): State<AppState>,
    Allowed(caller): Allowed<{ Scope::TicketsWrite as u8 }>,
    Path(id): Path<String>,
    key: IdempotencyKey,
    body: Json<SplitRequest>,
) -> Result<Answer, Problem> {
    let id = ticket_id(&id)?;
    let digest = body.digest;
    let mut tx = state.db.tenant_tx(Role::Support, caller.tenant).await?;
    if let Some(answer) = idempotency::replay(&mut tx, caller.tenant, &key, &digest).await? {
        return Ok(answer);
    }
    let cause = Cause::of(&caller);
    let SplitRequest { message_id, subject } = body.value;
    let (new, announcement) =
        merge::split(&mut tx, &cause.acting(&caller), id, MessageId(message_id), subject).await?;
    let answer = Answer::created(format!("/api/tickets/{new}"), &view(&mut tx, new).await?);
    idempotency::keep(&mut tx, caller.tenant, &key, &digest, &answer).await?;
    let detail = json!({ "message_id": message_id, "into": new });
    trail::record(&mut tx, &caller, "ticket.split", &format!("ticket:{id}"), detail).await?;
    state.db.commit(tx).await?;
    state.dispatch.announce(announcement);
    Ok(answer)
}
