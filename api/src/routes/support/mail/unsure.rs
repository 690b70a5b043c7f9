//! Replies whose fate nobody knows, because the mail server's answer was lost. They are never sent again by themselves: a
//! person says whether the customer has it.

use accounts::api_keys::Scope;
use axum::extract::{Path, State};
use axum::http::Uri;
use chrono::{DateTime, Utc};
use database::Role;
use database::ids::MessageId;
use serde::{Deserialize, Serialize};
use serde_json::json;
use support::mail::outbound;
use utoipa::ToSchema;
use uuid::Uuid;

use super::super::tickets::{Cause, MessageView};
use crate::state::AppState;
use crate::web::auth::{Allowed, Caller};
use crate::web::body::Json;
use crate::web::page::{self, Page, PageRequest};
use crate::web::problem::{Problem, ProblemDocument};
use crate::web::query::{self, Params};
use crate::web::trail;

/// A reply whose fate nobody knows.
#[derive(Debug, Serialize, ToSchema)]
pub struct UnsureView {
    /// The message.
    pub message_id: Uuid,
    /// Its ticket.
    pub ticket_id: Uuid,
    /// The ticket's number.
    pub ticket_number: i64,
    /// To whom it was to go.
    pub customer_email: Option<String>,
    /// Why nobody knows.
    pub error: Option<String>,
    /// When it was written.
    pub created_at: DateTime<Utc>,
}

/// Replies whose fate nobody knows, the newest first.
#[utoipa::path(
    get,
    path = "/api/mail/unsure",
    tag = "mail",
    params(
        ("cursor" = Option<String>, Query, description = "next_cursor of the page before"),
        ("limit" = Option<i64>, Query, description = "1 to 100, 50 when missing"),
    ),
    responses((status = 200, description = "a page", body = Page<UnsureView>)),
)]
pub async fn list(
    State(state): State<AppState>,
    caller: Caller,
    uri: Uri,
) -> Result<axum::Json<Page<UnsureView>>, Problem> {
    caller.require(Scope::TicketsRead)?;
    let params = Params::of(&uri, &["cursor", "limit"])?;
    let page = PageRequest::of(&params)?;
    let mut tx = state.db.tenant_tx(Role::Support, caller.tenant).await?;
    let replies = outbound::unsure(&mut tx, page.after_place()?, page.limit_and_one()).await?;
    tx.commit().await?;
    let views = replies.into_iter().map(|reply| UnsureView {
        message_id: reply.id.0,
        ticket_id: reply.ticket_id.0,
        ticket_number: reply.number,
        customer_email: reply.customer_email,
        error: reply.error,
        created_at: reply.created_at,
    });
    let views = views.collect();
    Ok(axum::Json(page.page(views, |reply: &UnsureView| page::place(reply.created_at, reply.message_id))))
}

/// What a person knows of it.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Decision {
    /// Whether the customer has it. When not, it is sent again.
    pub was_sent: bool,
}

/// Say whether a reply arrived whose fate nobody knew. One that did not is sent again.
#[utoipa::path(
    post,
    path = "/api/mail/unsure/{id}",
    tag = "mail",
    params(("id" = Uuid, Path, description = "the message")),
    request_body(content = Decision, example = json!({"was_sent": true})),
    responses(
        (status = 200, description = "the reply as it is now", body = MessageView),
        (status = 404, description = "there is no such reply", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 409, description = "its fate is known", body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
pub async fn decide(
    State(state): State<AppState>,
    Allowed(caller): Allowed<{ Scope::TicketsWrite as u8 }>,
    Path(id): Path<String>,
    body: Json<Decision>,
) -> Result<axum::Json<MessageView>, Problem> {
    let reply = MessageId(query::id("id", &id)?);
    let cause = Cause::of(&caller);
    let was_sent = body.value.was_sent;
    let mut tx = state.db.tenant_tx(Role::Support, caller.tenant).await?;
    let (stored, announcement) = outbound::decide(&mut tx, &cause.acting(&caller), reply, was_sent).await?;
    let subject = format!("ticket:{}", stored.ticket_id);
    let detail = json!({ "message_id": reply, "was_sent": was_sent });
    trail::record(&mut tx, &caller, "reply.decide", &subject, detail).await?;
    state.db.commit(tx).await?;
    state.dispatch.announce(announcement);
    Ok(axum::Json(stored.into()))
}
