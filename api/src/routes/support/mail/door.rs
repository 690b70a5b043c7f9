//! The door at which programs and mail services hand mail in: kept as it came, with the job that takes it in, and answered.

use accounts::api_keys::Scope;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header, request::Parts};
use axum::response::{IntoResponse, Response};
use chrono::Utc;
use database::Role;
use database::ids::TenantId;
use serde::Serialize;
use support::mail::inbound::{self, Arrival, ReceiveError};
use support::mail::mailboxes;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::state::AppState;
use crate::web::auth;
use crate::web::body;
use crate::web::correlation;
use crate::web::problem::{Problem, ProblemDocument};
use crate::web::query::Params;

/// The header with a mailbox's token.
const TOKEN_HEADER: &str = "x-mailbox-token";

/// What became of a mail that was handed in.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"mail_id": "0199c0de-7e1a-7c51-8f3a-2b9d5e6f7a81", "state": "waiting"}))]
pub struct MailAnswer {
    /// The mail, as in GET /api/mail/inbound.
    pub mail_id: Uuid,
    /// waiting, taken, suspended or unreadable.
    pub state: String,
    /// Why it is suspended or unreadable.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// Hand a mail in, as it came (RFC 5322).
///
/// Either with a key that may write webhooks, and the mailbox's address as `mailbox`; or with the mailbox's own token as
/// `X-Mailbox-Token`. The same mail once more has the same answer. What is `suspended` is kept and shown with its reason.
#[utoipa::path(
    post,
    path = "/api/mail/inbound",
    tag = "mail",
    params(
        ("mailbox" = Option<String>, Query, description = "the mailbox's address, when a key is sent"),
        ("envelope_from" = Option<String>, Query, description = "the sender of the envelope; empty or `<>` for none, as bounces have it"),
        ("X-Mailbox-Token" = Option<String>, Header, description = "the mailbox's token"),
    ),
    request_body(content((Vec<u8> = "message/rfc822"))),
    responses(
        (status = 202, description = "kept", body = MailAnswer),
        (status = 200, description = "kept before; how it stands", body = MailAnswer),
        (status = 400, description = "no mail, or a mailbox that is not the shop's", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 401, description = "neither a key nor a token that is good", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 413, description = "longer than DESK_MAIL_MAX_BYTES", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 415, description = "plainly another thing than a mail", body = ProblemDocument, content_type = "application/problem+json"),
    ),
    security(("api_key" = []), ("bearer" = []), ()),
)]
pub async fn receive(State(state): State<AppState>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let outcome = take(&state, &parts, body).await;
    let name = match &outcome {
        Ok((StatusCode::OK, _)) => "repeated",
        Ok((_, answer)) if answer.state == "suspended" => "suspended",
        Ok(_) => "taken",
        Err(problem) => problem.kind,
    };
    metrics::counter!("deskwork_mails_received_total", "by" => "http", "outcome" => name).increment(1);
    match outcome {
        Ok((status, answer)) => (status, axum::Json(answer)).into_response(),
        Err(problem) => problem.into_response(),
    }
}

async fn take(state: &AppState, parts: &Parts, body: Body) -> Result<(StatusCode, MailAnswer), Problem> {
    check_type(&parts.headers)?;
    let params = Params::of(&parts.uri, &["mailbox", "envelope_from"])?;
    let (tenant, mailbox) = mailbox(state, parts, &params).await?;
    let raw = body::read(&parts.headers, body, state.settings.mail_max_bytes).await?;
    let envelope_from = envelope_from(&params)?;
    let correlation_id = correlation::current();
    let trace_parent = boot::telemetry::trace_parent_of_current_span();
    let arrival = Arrival {
        tenant,
        mailbox,
        raw: &raw,
        envelope_from,
        came_by: "http",
        correlation_id: correlation_id.as_str(),
        trace_parent: trace_parent.as_deref(),
        now: Utc::now(),
    };
    let mut tx = state.db.tenant_tx(Role::Support, tenant).await?;
    let received = inbound::receive(&mut tx, arrival).await.map_err(|error| match error {
        ReceiveError::Head(error) => Problem::bad_request("body", error.to_string()),
        ReceiveError::Queue(error) => error.into(),
    })?;
    state.db.commit(tx).await?;
    state.dispatch.announce(received.announcement);
    let status = if received.is_new { StatusCode::ACCEPTED } else { StatusCode::OK };
    Ok((status, MailAnswer { mail_id: received.id, state: received.state, reason: received.reason }))
}

/// Who sent the envelope. A bounce has the null reverse path (RFC 5321, section 4.5.5): `<>`, or nothing.
fn envelope_from(params: &Params) -> Result<Option<&str>, Problem> {
    const NAME: &str = "envelope_from";
    if params.all(NAME).eq([""]) {
        return Ok(Some(""));
    }
    Ok(params.text(NAME)?.map(|from| from.trim_matches(['<', '>'])))
}

/// Whose mailbox it is for: by its token, or by a key and its address.
async fn mailbox(state: &AppState, parts: &Parts, params: &Params) -> Result<(TenantId, Uuid), Problem> {
    if let Some(token) = parts.headers.get(TOKEN_HEADER) {
        let token = token.to_str().unwrap_or_default();
        let (tenant, mailbox) = mailboxes::read_token(token).ok_or_else(not_proven)?;
        let mut tx = state.db.tenant_tx(Role::Support, tenant).await?;
        let proven = mailboxes::proves(&mut tx, mailbox, token).await?;
        tx.commit().await?;
        return if proven { Ok((tenant, mailbox)) } else { Err(not_proven()) };
    }
    let caller = auth::identity(&parts.extensions)?.ok_or_else(not_proven)?;
    caller.require(Scope::WebhooksWrite)?;
    let needed = || Problem::bad_request("mailbox", "must name a mailbox of the shop by its address");
    let address = params.text("mailbox")?.ok_or_else(needed)?;
    let mut tx = state.db.tenant_tx(Role::Support, caller.tenant).await?;
    let found = mailboxes::of_address(&mut tx, address).await?;
    tx.commit().await?;
    match found {
        Some((tenant, mailbox)) if tenant == caller.tenant => Ok((tenant, mailbox)),
        _ => Err(needed()),
    }
}

fn not_proven() -> Problem {
    Problem {
        detail: "send a key with the scope webhooks:write, or the mailbox's token as X-Mailbox-Token".into(),
        ..Problem::unauthenticated()
    }
}

/// What says that it is another thing is refused before it is read.
fn check_type(headers: &HeaderMap) -> Result<(), Problem> {
    let Some(value) = headers.get(header::CONTENT_TYPE) else { return Ok(()) };
    let value = value.to_str().unwrap_or("?").to_ascii_lowercase();
    let essence = value.split(';').next().unwrap_or_default().trim();
    let fits =
        ["message/rfc822", "message/global", "text/plain", "application/octet-stream", ""].contains(&essence);
    if fits { Ok(()) } else { Err(Problem::unsupported_media_type("message/rfc822")) }
}
