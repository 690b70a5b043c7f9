//! Redaction of one message or one file, also in tickets that are closed.

use accounts::api_keys::Scope;
use axum::Json as Shown;
use axum::extract::{Path, State};
use chrono::{DateTime, Utc};
use database::Role;
use database::ids::MessageId;
use jobs::NewJob;
use serde::Serialize;
use serde_json::json;
use support::kinds::RedactTraces;
use support::privacy::redact::{self, Redacted};
use support::tickets::attachments;
use upstreams::files::Place;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::state::AppState;
use crate::web::auth::Caller;
use crate::web::problem::{Problem, ProblemDocument};
use crate::web::{correlation, query, trail};

/// What was redacted.
#[derive(Debug, Serialize, ToSchema)]
pub struct RedactedView {
    /// The message or file.
    id: Uuid,
    /// The ticket that it is in.
    ticket_id: Option<Uuid>,
    /// When it was redacted first.
    redacted_at: DateTime<Utc>,
    /// By whom.
    redacted_by: Option<String>,
    /// The job that empties what other jobs keep of it.
    job_id: Option<Uuid>,
}

impl RedactedView {
    fn of(id: Uuid, redacted: Redacted, job_id: Option<Uuid>) -> RedactedView {
        RedactedView {
            id,
            ticket_id: redacted.ticket_id.map(|ticket| ticket.0),
            redacted_at: redacted.redacted_at,
            redacted_by: redacted.redacted_by,
            job_id,
        }
    }
}

/// Redact a message or note: its words go, for good, and with them what was made of them.
///
/// Drafts and advice of the ticket since then, the help desk's deliveries of it, the words of the search, and, by a job, what
/// finished jobs keep of the ticket. A reply that was still to be sent is withdrawn. The help desk's own copy stays.
#[utoipa::path(
    post,
    path = "/api/messages/{id}/redact",
    tag = "privacy",
    params(("id" = Uuid, Path, description = "the message or note")),
    responses(
        (status = 200, description = "it is redacted, now or before", body = RedactedView),
        (status = 404, description = "there is no such message", body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
pub async fn message(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Shown<RedactedView>, Problem> {
    caller.require(Scope::PrivacyWrite)?;
    let id = query::id("id", &id)?;
    let mut tx = state.db.tenant_tx(Role::Support, caller.tenant).await?;
    let redacted = redact::message(&mut tx, MessageId(id), &caller.actor(), Utc::now())
        .await?
        .ok_or_else(|| Problem::not_found("there is no such message"))?;
    let ticket_id = redacted.ticket_id.map(|ticket| ticket.0).ok_or_else(Problem::internal)?;
    let job = NewJob::of(caller.tenant, &RedactTraces { ticket_id })?;
    let job = correlation::caused(job).with_dedup_key(&ticket_id.to_string())?;
    let (enqueued, announcement) = jobs::enqueue_one(&mut tx, job).await?;
    let detail = json!({ "message_id": id });
    trail::record(&mut tx, &caller, "message.redact", &format!("ticket:{ticket_id}"), detail).await?;
    state.db.commit(tx).await?;
    state.dispatch.announce(announcement);
    Ok(Shown(RedactedView::of(id, redacted, Some(enqueued.id))))
}

/// Redact a file: its bytes and its name go, for good; that there was one stays.
#[utoipa::path(
    post,
    path = "/api/tickets/attachments/{id}/redact",
    tag = "privacy",
    params(("id" = Uuid, Path, description = "the file")),
    responses(
        (status = 200, description = "it is redacted, now or before", body = RedactedView),
        (status = 404, description = "there is no such file", body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
pub async fn file(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Shown<RedactedView>, Problem> {
    caller.require(Scope::PrivacyWrite)?;
    let id = query::id("id", &id)?;
    let missing = || Problem::not_found("there is no such file");
    let mut tx = state.db.tenant_tx(Role::Support, caller.tenant).await?;
    attachments::get(&mut tx, id).await?.ok_or_else(missing)?;
    // The bytes first: a row that says they are gone must be right.
    state.files.remove(Place { tenant: caller.tenant.0, id }).await?;
    let redacted = redact::file(&mut tx, id, &caller.actor(), Utc::now()).await?.ok_or_else(missing)?;
    let detail = json!({ "ticket_id": redacted.ticket_id });
    trail::record(&mut tx, &caller, "attachment.redact", &format!("attachment:{id}"), detail).await?;
    state.db.commit(tx).await?;
    Ok(Shown(RedactedView::of(id, redacted, None)))
}
