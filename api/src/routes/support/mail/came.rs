//! Mails that came: what became of each, as it came, and letting suspended ones in.

use accounts::api_keys::Scope;
use axum::extract::{Path, State};
use axum::http::{HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use database::Role;
use serde::{Deserialize, Serialize};
use serde_json::json;
use support::mail::inbound::{self, Filter, Mail};
use support::mail::normal_address;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::state::AppState;
use crate::web::auth::{Allowed, Caller};
use crate::web::body::Json;
use crate::web::page::{self, Page, PageRequest};
use crate::web::problem::{Problem, ProblemDocument};
use crate::web::query::{self, Params};
use crate::web::trail;

/// A mail that came.
#[derive(Debug, Serialize, ToSchema)]
pub struct MailView {
    /// Identity.
    pub id: Uuid,
    /// To which mailbox.
    pub mailbox_id: Uuid,
    /// Its Message-ID.
    pub message_id: Option<String>,
    /// Who sent it.
    pub sender: Option<String>,
    /// The sender of the envelope; empty for reports.
    pub envelope_from: Option<String>,
    /// http, smtp or lmtp.
    pub came_by: String,
    /// How long it is.
    pub size_bytes: i64,
    /// waiting, taken, suspended or unreadable.
    pub state: String,
    /// Why it is suspended or unreadable, and what to do about it.
    pub reason: Option<String>,
    /// Why it counts as sent by a machine.
    pub machine: Option<String>,
    /// What was left out of it.
    pub remarks: Vec<String>,
    /// The ticket that it is in.
    pub ticket_id: Option<Uuid>,
    /// The message that it is.
    pub ticket_message_id: Option<Uuid>,
    /// When it came.
    pub received_at: DateTime<Utc>,
    /// When it was taken in.
    pub taken_at: Option<DateTime<Utc>>,
    /// Whether it can still be downloaded as it came.
    pub has_raw: bool,
}

impl From<Mail> for MailView {
    fn from(mail: Mail) -> MailView {
        MailView {
            id: mail.id,
            mailbox_id: mail.mailbox_id,
            message_id: mail.message_id,
            sender: mail.sender,
            envelope_from: mail.envelope_from,
            came_by: mail.came_by,
            size_bytes: mail.size_bytes,
            state: mail.state,
            reason: mail.reason,
            machine: mail.machine,
            remarks: mail.remarks,
            ticket_id: mail.ticket_id.map(|ticket| ticket.0),
            ticket_message_id: mail.message_row,
            received_at: mail.received_at,
            taken_at: mail.taken_at,
            has_raw: mail.has_raw,
        }
    }
}

/// Mails that came, the newest first.
#[utoipa::path(
    get,
    path = "/api/mail/inbound",
    tag = "mail",
    params(
        ("state" = Option<String>, Query, description = "waiting, taken, suspended or unreadable"),
        ("mailbox_id" = Option<Uuid>, Query, description = "to which mailbox"),
        ("sender" = Option<String>, Query, description = "of whom"),
        ("cursor" = Option<String>, Query, description = "next_cursor of the page before"),
        ("limit" = Option<i64>, Query, description = "1 to 100, 50 when missing"),
    ),
    responses((status = 200, description = "a page", body = Page<MailView>)),
)]
pub async fn list(
    State(state): State<AppState>,
    caller: Caller,
    uri: Uri,
) -> Result<axum::Json<Page<MailView>>, Problem> {
    caller.require(Scope::WebhooksRead)?;
    let params = Params::of(&uri, &["state", "mailbox_id", "sender", "cursor", "limit"])?;
    let page = PageRequest::of(&params)?;
    let wanted = params.text("state")?;
    if wanted.is_some_and(|state| !["waiting", "taken", "suspended", "unreadable"].contains(&state)) {
        return Err(Problem::bad_request("state", "must be waiting, taken, suspended or unreadable"));
    }
    let sender = params.text("sender")?.map(address).transpose()?;
    let filter = Filter {
        state: wanted,
        mailbox: params.id("mailbox_id")?,
        sender: sender.as_deref(),
        after: page.after_place()?,
        limit: page.limit_and_one(),
    };
    let mut tx = state.db.tenant_tx(Role::Support, caller.tenant).await?;
    let mails = inbound::list(&mut tx, &filter).await?;
    tx.commit().await?;
    let views = mails.into_iter().map(MailView::from).collect();
    Ok(axum::Json(page.page(views, |mail: &MailView| page::place(mail.received_at, mail.id))))
}

fn address(text: &str) -> Result<String, Problem> {
    normal_address(text).ok_or_else(|| Problem::bad_request("sender", "must be an e-mail address"))
}

fn unknown() -> Problem {
    Problem::not_found("there is no such mail")
}

/// One mail.
#[utoipa::path(
    get,
    path = "/api/mail/inbound/{id}",
    tag = "mail",
    params(("id" = Uuid, Path, description = "the mail")),
    responses(
        (status = 200, description = "the mail", body = MailView),
        (status = 404, description = "there is no such mail", body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
pub async fn show(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<axum::Json<MailView>, Problem> {
    caller.require(Scope::WebhooksRead)?;
    let id = query::id("id", &id)?;
    let mut tx = state.db.tenant_tx(Role::Support, caller.tenant).await?;
    let mail = inbound::get(&mut tx, id).await?;
    tx.commit().await?;
    Ok(axum::Json(mail.ok_or_else(unknown)?.into()))
}

/// Download a mail as it came, for 30 days.
#[utoipa::path(
    get,
    path = "/api/mail/inbound/{id}/raw",
    tag = "mail",
    params(("id" = Uuid, Path, description = "the mail")),
    responses(
        (status = 200, description = "the mail", content_type = "application/octet-stream", body = Vec<u8>),
        (status = 404, description = "there is no such mail, or it is not kept any more", body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
pub async fn raw(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    caller.require(Scope::WebhooksRead)?;
    let id = query::id("id", &id)?;
    let mut tx = state.db.tenant_tx(Role::Support, caller.tenant).await?;
    let raw = inbound::raw(&mut tx, id).await?;
    tx.commit().await?;
    let raw = raw.ok_or_else(|| Problem::not_found("there is no such mail, or it is not kept any more"))?;
    let mut response = raw.into_response();
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CONTENT_TYPE, "application/octet-stream"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::CACHE_CONTROL, "private, no-store"),
        (header::CONTENT_SECURITY_POLICY, "default-src 'none'; sandbox"),
        (header::CONTENT_DISPOSITION, "attachment; filename=\"mail.eml\""),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    Ok(response)
}

/// Let a suspended mail in, or have one read again that could not be.
#[utoipa::path(
    post,
    path = "/api/mail/inbound/{id}/recover",
    tag = "mail",
    params(("id" = Uuid, Path, description = "the mail")),
    responses(
        (status = 202, description = "it is being taken in", body = MailView),
        (status = 404, description = "there is no such mail", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 409, description = "it is neither suspended nor unreadable, or not kept any more", body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
pub async fn recover(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<(StatusCode, axum::Json<MailView>), Problem> {
    caller.require(Scope::SettingsWrite)?;
    let id = query::id("id", &id)?;
    let mut tx = state.db.tenant_tx(Role::Support, caller.tenant).await?;
    let announcement = inbound::recover(&mut tx, caller.tenant, id).await?;
    let mail = inbound::get(&mut tx, id).await?.ok_or_else(unknown)?;
    let Some(announcement) = announcement else {
        let detail = format!(
            "the mail is {}; only suspended and unreadable ones that are kept are let in",
            mail.state
        );
        return Err(Problem::conflict(detail));
    };
    trail::record(&mut tx, &caller, "mail.recover", &format!("mail:{id}"), json!({})).await?;
    state.db.commit(tx).await?;
    state.dispatch.announce(announcement);
    Ok((StatusCode::ACCEPTED, axum::Json(mail.into())))
}

/// Whose suspended mails are let in.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Recovery {
    /// The sender's address.
    pub sender: String,
    /// Only those to this mailbox.
    #[serde(default)]
    pub mailbox_id: Option<Uuid>,
}

/// How many were let in.
#[derive(Debug, Serialize, ToSchema)]
pub struct Recovered {
    /// How many, 500 at most; ask again until it is 0.
    pub recovered: usize,
}

/// Let suspended mails of a sender in, the oldest 500 at a time.
#[utoipa::path(
    post,
    path = "/api/mail/recover",
    tag = "mail",
    request_body(content = Recovery, example = json!({"sender": "ann@example.com"})),
    responses(
        (status = 202, description = "they are being taken in", body = Recovered),
        (status = 400, description = "no address", body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
pub async fn recover_sender(
    State(state): State<AppState>,
    Allowed(caller): Allowed<{ Scope::SettingsWrite as u8 }>,
    body: Json<Recovery>,
) -> Result<(StatusCode, axum::Json<Recovered>), Problem> {
    let sender = address(&body.value.sender)?;
    let mut tx = state.db.tenant_tx(Role::Support, caller.tenant).await?;
    let (recovered, announcement) =
        inbound::recover_sender(&mut tx, caller.tenant, &sender, body.value.mailbox_id).await?;
    // The trail names no customer.
    let detail = json!({ "mails": recovered, "mailbox_id": body.value.mailbox_id });
    trail::record(&mut tx, &caller, "mail.recover", "mail", detail).await?;
    state.db.commit(tx).await?;
    state.dispatch.announce(announcement);
    Ok((StatusCode::ACCEPTED, axum::Json(Recovered { recovered })))
}
