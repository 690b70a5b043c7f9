//! Messages of a ticket: reading them, replying, adding what a customer wrote, taking a reply back.

use std::collections::HashMap;

use accounts::api_keys::Scope;
use axum::Json as Shown;
use axum::extract::{Path, State};
use axum::http::Uri;
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use database::ids::{MessageId, TicketId};
use database::{Role, Tx};
use serde::{Deserialize, Serialize};
use serde_json::json;
use sha2::{Digest, Sha256};
use support::tickets::attachments;
use support::tickets::message::{self, Stored, Which};
use support::tickets::reply::{self, NewReply, Replied};
use support::tickets::{Acting, full};
use utoipa::ToSchema;
use uuid::Uuid;

use super::attachments::AttachmentView;
use super::change::Status;
use super::create::Writer;
use super::view::MessageView;
use super::{Cause, ticket_id, unknown};
use crate::state::AppState;
use crate::web::auth::{Allowed, Caller};
use crate::web::body::Json;
use crate::web::idempotency::{self, Answer, IdempotencyKey};
use crate::web::page::{PageRequest, place};
use crate::web::problem::{Problem, ProblemDocument};
use crate::web::query::{self, Params};
use crate::web::trail;

/// Messages of a ticket.
#[derive(Debug, Serialize, ToSchema)]
pub struct MessagePage {
    /// The messages, sent last first.
    pub items: Vec<MessageView>,
    /// Leads to the next page as `?cursor=`; null on the last.
    pub next_cursor: Option<String>,
    /// The message that was added last, note or not; a reply names it as `last_seen_message_id`.
    pub last_message_id: Option<Uuid>,
}

/// A message to be added.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "text": "It left us on Monday.", "last_seen_message_id": "0199c0de-7e1a-7c51-8f3a-2b9d5e6f7a81", "status": "pending"
}))]
pub struct NewMessageBody {
    /// Who writes.
    #[serde(default)]
    pub from: Writer,
    /// What it says: 20,000 characters at most, 50,000 of a customer.
    pub text: String,
    /// Of a reply: `last_message_id` as the ticket was looked at; null when there was none.
    #[serde(default)]
    pub last_seen_message_id: Option<Uuid>,
    /// Send it although something was added that was not seen.
    #[serde(default)]
    pub force: bool,
    /// Not before that time, 60 days away at most.
    #[serde(default)]
    pub send_at: Option<DateTime<Utc>>,
    /// What the ticket becomes with the reply. It stays as it is when the reply has no way to leave (`not_sent_because`), and
    /// is what it was when the reply is taken back; when the reply fails later, it is open.
    #[serde(default)]
    pub status: Option<Status>,
    /// Files that were sent before, 20 at most.
    #[serde(default)]
    pub attachment_ids: Vec<Uuid>,
}

/// A message that was added.
#[derive(Debug, Serialize, ToSchema)]
pub struct AddedMessage {
    /// The message.
    #[serde(flatten)]
    pub message: MessageView,
    /// The version of its ticket.
    pub ticket_version: i64,
    /// What the ticket is now: open, pending, resolved or closed.
    pub ticket_status: String,
    /// The ticket that follows the one that was written to, because that one is final.
    pub follow_up_of: Option<Uuid>,
}

/// Messages between customer and agents, sent last first. `notes=true` has the notes among them.
#[utoipa::path(
    get,
    path = "/api/tickets/{id}/messages",
    tag = "tickets",
    params(
        ("id" = Uuid, Path, description = "the ticket"),
        ("notes" = Option<bool>, Query, description = "true: notes as well"),
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
    let params = Params::of(&uri, &["notes", "limit", "cursor"])?;
    let which = match super::list::flag(&params, "notes")? {
        Some(true) => Which::All,
        _ => Which::Public,
    };
    read(&state, &caller, &id, &params, which).await.map(Shown)
}

pub(super) async fn read(
    state: &AppState,
    caller: &Caller,
    id: &str,
    params: &Params,
    which: Which,
) -> Result<MessagePage, Problem> {
    caller.require(Scope::TicketsRead)?;
    let id = ticket_id(id)?;
    let request = PageRequest::of(params)?;
    let before = request.after_place()?.map(|(at, id)| (at, MessageId(id)));
    let mut tx = state.db.tenant_tx(Role::Support, caller.tenant).await?;
    full::whole(&mut tx, id).await?.ok_or_else(unknown)?;
    let messages = message::list(&mut tx, id, which, before, request.limit_and_one()).await?;
    let last = message::last_added(&mut tx, id).await?;
    let mut files = files_of(&mut tx, &messages).await?;
    tx.commit().await?;
    let page = request.page(messages, |message| place(message.sent_at, message.id.0));
    Ok(MessagePage {
        items: page.items.into_iter().map(|message| with_files(message, &mut files)).collect(),
        next_cursor: page.next_cursor,
        last_message_id: last.map(|message| message.0),
    })
}

type FilesByMessage = HashMap<MessageId, Vec<AttachmentView>>;

async fn files_of(tx: &mut Tx, messages: &[Stored]) -> Result<FilesByMessage, Problem> {
    let ids: Vec<MessageId> = messages.iter().map(|message| message.id).collect();
    let mut files = FilesByMessage::new();
    for file in attachments::of_messages(tx, &ids).await? {
        if let Some(message) = file.message_id {
            files.entry(message).or_default().push(file.into());
        }
    }
    Ok(files)
}

fn with_files(message: Stored, files: &mut FilesByMessage) -> MessageView {
    let attachments = files.remove(&message.id).unwrap_or_default();
    MessageView { attachments, ..message.into() }
}

pub(super) async fn shown(tx: &mut Tx, message: Stored) -> Result<MessageView, Problem> {
    let mut files = files_of(tx, std::slice::from_ref(&message)).await?;
    Ok(with_files(message, &mut files))
}

/// A message of an agent as its writer is answered.
pub(super) async fn message_as_shown(
    tx: &mut Tx,
    message: Stored,
    version: i64,
) -> Result<AddedMessage, Problem> {
    let whole = full::whole(tx, message.ticket_id).await?.ok_or_else(unknown)?;
    Ok(AddedMessage {
        message: shown(tx, message).await?,
        ticket_version: version,
        ticket_status: whole.ticket.status,
        follow_up_of: None,
    })
}

/// Reply to the customer, or, for programs, add what the customer wrote.
///
/// A reply goes out after the time to take it back, or at `send_at`. When something was added since
/// `last_seen_message_id`, it is not sent: 409 says what is new (`new_messages`), and the text is kept as the caller's
/// (`reply_text`). What a customer writes opens the ticket again; one that is final gets a ticket that follows it, in which
/// whatever comes later goes on.
#[utoipa::path(
    post,
    path = "/api/tickets/{id}/messages",
    tag = "tickets",
    params(
        ("id" = Uuid, Path, description = "the ticket"),
        ("Idempotency-Key" = Option<String>, Header, description = "the same key and request have the same answer"),
    ),
    request_body = NewMessageBody,
    responses(
        (status = 201, description = "the message", body = AddedMessage),
        (status = 400, description = "a value does not fit", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 404, description = "there is no such ticket", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 409, description = "something was added that was not seen, or the state does not allow it", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 413, description = "the text is too long", body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
pub async fn add(
    State(state): State<AppState>,
    Allowed(caller): Allowed<{ Scope::TicketsWrite as u8 }>,
    Path(id): Path<String>,
    key: IdempotencyKey,
    body: Json<NewMessageBody>,
) -> Result<Response, Problem> {
    let id = ticket_id(&id)?;
    let digest = body.digest;
    let mut tx = state.db.tenant_tx(Role::Support, caller.tenant).await?;
    if let Some(answer) = idempotency::replay(&mut tx, caller.tenant, &key, &digest).await? {
        return Ok(answer.into_response());
    }
    let cause = Cause::of(&caller);
    let acting = cause.acting(&caller);
    match body.value.from {
        Writer::Customer => hear(&state, &caller, tx, &acting, id, &key, &digest, body.value).await,
        Writer::Agent => answer(&state, &caller, tx, &acting, id, &key, &digest, body.value).await,
    }
}

#[allow(clippy::too_many_arguments, reason = "who writes, where, and what a repetition is known by")]
async fn hear(
    state: &AppState,
    caller: &Caller,
    mut tx: Tx,
    acting: &Acting<'_>,
    id: TicketId,
    key: &IdempotencyKey,
    digest: &[u8; 32],
    body: NewMessageBody,
) -> Result<Response, Problem> {
    if caller.agent().is_some() {
        let problem = "only a program may add what a customer wrote; an agent writes a note about it";
        return Err(Problem::bad_request("from", problem));
    }
    for (field, is_given) in [("send_at", body.send_at.is_some()), ("status", body.status.is_some())] {
        if is_given {
            return Err(Problem::bad_request(field, "is of replies alone"));
        }
    }
    let added = message::hear(&mut tx, acting, id, &body.text, &body.attachment_ids).await?;
    let stored = message::get(&mut tx, added.ticket, added.message).await?.ok_or_else(Problem::internal)?;
    let whole = full::whole(&mut tx, added.ticket).await?.ok_or_else(unknown)?;
    let follow_up_of = whole.follow_up_of.filter(|former| *former == id).map(|former| former.0);
    let answer = Answer::created(
        format!("/api/tickets/{}/messages", added.ticket),
        &AddedMessage {
            message: shown(&mut tx, stored).await?,
            ticket_version: added.version,
            ticket_status: whole.ticket.status,
            follow_up_of,
        },
    );
    idempotency::keep(&mut tx, caller.tenant, key, digest, &answer).await?;
    let detail = json!({ "message_id": added.message, "from": "customer" });
    trail::record(&mut tx, caller, "ticket.message", &format!("ticket:{}", added.ticket), detail).await?;
    state.db.commit(tx).await?;
    state.dispatch.announce(added.announcement);
    Ok(answer.into_response())
}

#[allow(clippy::too_many_arguments, reason = "who writes, where, and what a repetition is known by")]
async fn answer(
    state: &AppState,
    caller: &Caller,
    mut tx: Tx,
    acting: &Acting<'_>,
    id: TicketId,
    key: &IdempotencyKey,
    digest: &[u8; 32],
    body: NewMessageBody,
) -> Result<Response, Problem> {
    let new = NewReply {
        text: &body.text,
        last_seen: body.last_seen_message_id.map(MessageId),
        force: body.force,
        send_at: body.send_at,
        status: body.status.map(Into::into),
        attachments: &body.attachment_ids,
    };
    match reply::reply(&mut tx, acting, id, &new).await? {
        Replied::Unseen { news, kept } => {
            let last = message::last_added(&mut tx, id).await?;
            state.db.commit(tx).await?;
            let views: Vec<MessageView> = news.into_iter().map(MessageView::from).collect();
            let problem = Problem::conflict(
                "something was added to the ticket that you have not seen: look at new_messages, and send again with \
                 last_seen_message_id as it is here, or with force; your text is kept as reply_text",
            );
            Err(problem
                .at("last_seen_message_id")
                .with("new_messages", serde_json::to_value(&views).map_err(|_| Problem::internal())?)
                .with("last_message_id", json!(last))
                .with("reply_text", json!({ "version": kept.version, "updated_at": kept.updated_at })))
        }
        Replied::Queued { message, version, unseen, announcement } => {
            let message_id = message.id;
            let answer = Answer::created(
                format!("/api/tickets/{id}/messages"),
                &message_as_shown(&mut tx, message, version).await?,
            );
            idempotency::keep(&mut tx, caller.tenant, key, digest, &answer).await?;
            let detail = json!({
                "message_id": message_id, "from": "agent", "forced": body.force && unseen > 0, "unseen": unseen,
            });
            trail::record(&mut tx, caller, "ticket.reply", &format!("ticket:{id}"), detail).await?;
            state.db.commit(tx).await?;
            state.dispatch.announce(announcement);
            Ok(answer.into_response())
        }
    }
}

/// Take a reply back that has not left.
///
/// The ticket is again what it was before the reply, unless somebody changed that since.
#[utoipa::path(
    post,
    path = "/api/tickets/{id}/messages/{message_id}/withdraw",
    tag = "tickets",
    params(
        ("id" = Uuid, Path, description = "the ticket"),
        ("message_id" = Uuid, Path, description = "the reply"),
        ("Idempotency-Key" = Option<String>, Header, description = "the same key and request have the same answer"),
    ),
    responses(
        (status = 200, description = "it will not be sent", body = AddedMessage),
        (status = 404, description = "there is no such reply", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 409, description = "it has left, or is leaving", body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
pub async fn withdraw(
    State(state): State<AppState>,
    caller: Caller,
    Path((id, message_id)): Path<(String, String)>,
    key: IdempotencyKey,
) -> Result<Answer, Problem> {
    caller.require(Scope::TicketsWrite)?;
    let id = ticket_id(&id)?;
    let message = query::id("message_id", &message_id).map(MessageId)?;
    let digest: [u8; 32] = Sha256::digest(format!("withdraw:{id}:{message}")).into();
    let mut tx = state.db.tenant_tx(Role::Support, caller.tenant).await?;
    if let Some(answer) = idempotency::replay(&mut tx, caller.tenant, &key, &digest).await? {
        return Ok(answer);
    }
    let cause = Cause::of(&caller);
    let (stored, version, announcement) =
        reply::withdraw(&mut tx, &cause.acting(&caller), id, message).await?;
    let subject = format!("ticket:{}", stored.ticket_id);
    let answer = Answer::ok(&message_as_shown(&mut tx, stored, version).await?);
    idempotency::keep(&mut tx, caller.tenant, &key, &digest, &answer).await?;
    let detail = json!({ "message_id": message });
    trail::record(&mut tx, &caller, "ticket.withdraw", &subject, detail).await?;
    state.db.commit(tx).await?;
    state.dispatch.announce(announcement);
    Ok(answer)
}
