//! Sending a reply again that could not be sent.

use accounts::api_keys::Scope;
use axum::extract::{Path, State};
use database::Role;
use database::ids::MessageId;
use serde_json::json;
use sha2::{Digest, Sha256};
use support::tickets::send_again;

use super::messages::{AddedMessage, message_as_shown};
use super::{Cause, ticket_id};
use crate::state::AppState;
use crate::web::auth::Caller;
use crate::web::idempotency::{self, Answer, IdempotencyKey};
use crate::web::problem::{Problem, ProblemDocument};
use crate::web::query;
use crate::web::trail;

/// Send a reply again that failed, as it was written.
///
/// It can be taken back for as long as any reply. One that still lacks what it lacked is refused with 409, and `reason` says
/// what: `no_mailbox`, `no_mail_server` or `no_address`; its text stays.
#[utoipa::path(
    post,
    path = "/api/tickets/{id}/messages/{message_id}/send-again",
    tag = "tickets",
    params(
        ("id" = Uuid, Path, description = "the ticket"),
        ("message_id" = Uuid, Path, description = "the reply"),
        ("Idempotency-Key" = Option<String>, Header, description = "the same key and request have the same answer"),
    ),
    responses(
        (status = 200, description = "it is on its way", body = AddedMessage),
        (status = 404, description = "there is no such reply", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 409, description = "it did not fail, or still cannot leave", body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
pub async fn send_again(
    State(state): State<AppState>,
    caller: Caller,
    Path((id, message_id)): Path<(String, String)>,
    key: IdempotencyKey,
) -> Result<Answer, Problem> {
    caller.require(Scope::TicketsWrite)?;
    let id = ticket_id(&id)?;
    let message = query::id("message_id", &message_id).map(MessageId)?;
    let digest: [u8; 32] = Sha256::digest(format!("send-again:{id}:{message}")).into();
    let mut tx = state.db.tenant_tx(Role::Support, caller.tenant).await?;
    if let Some(answer) = idempotency::replay(&mut tx, caller.tenant, &key, &digest).await? {
        return Ok(answer);
    }
    let cause = Cause::of(&caller);
    let (stored, version, announcement) =
        send_again::send_again(&mut tx, &cause.acting(&caller), id, message).await?;
    let answer = Answer::ok(&message_as_shown(&mut tx, stored, version).await?);
    idempotency::keep(&mut tx, caller.tenant, &key, &digest, &answer).await?;
    let detail = json!({ "message_id": message });
    trail::record(&mut tx, &caller, "ticket.send_again", &format!("ticket:{id}"), detail).await?;
    state.db.commit(tx).await?;
    state.dispatch.announce(announcement);
    Ok(answer)
}
