//! The shop's mailboxes. Passwords, keys and tokens go in and are never told again; a token is told when it is made.

use accounts::api_keys::Scope;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use database::Role;
use serde::{Deserialize, Serialize};
use serde_json::json;
use support::mail::mailboxes::{self, Dkim, Mailbox, Smtp, Wanted};
use support::tickets::TicketError;
use upstreams::mail::compose::check_key;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::state::AppState;
use crate::web::auth::{Allowed, Caller};
use crate::web::body::Json;
use crate::web::problem::{Problem, ProblemDocument};
use crate::web::query::{self, Params};
use crate::web::{etag, trail};

/// A mailbox.
#[derive(Debug, Serialize, ToSchema)]
pub struct MailboxView {
    /// Identity.
    pub id: Uuid,
    /// Its address.
    pub address: String,
    /// The name beside it.
    pub display_name: Option<String>,
    /// Whether tickets are answered from it that came to no mailbox.
    pub is_default: bool,
    /// The server that its mail leaves through; without one it only receives.
    pub smtp: Option<SmtpView>,
    /// How its mail is signed, if it is.
    pub dkim: Option<DkimView>,
    /// What a customer is told at once; null: nothing.
    pub acknowledgement: Option<String>,
    /// When mail last came.
    pub last_received_at: Option<DateTime<Utc>>,
    /// When mail last left, to the minute.
    pub last_sent_at: Option<DateTime<Utc>>,
    /// What went wrong since.
    pub last_error: Option<String>,
    /// When.
    pub last_error_at: Option<DateTime<Utc>>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it was given up.
    pub disabled_at: Option<DateTime<Utc>>,
}

/// A server that mail leaves through. Its password is not told.
#[derive(Debug, Serialize, ToSchema)]
pub struct SmtpView {
    /// Its name.
    pub host: String,
    /// Its port.
    pub port: i32,
    /// How the way to it is kept secret: tls, starttls or plain.
    pub security: String,
    /// Who signs in there, if anybody does.
    pub username: Option<String>,
}

/// How mail is signed. The key is not told.
#[derive(Debug, Serialize, ToSchema)]
pub struct DkimView {
    /// The domain that answers for the mail.
    pub domain: String,
    /// Under which name the domain has the public key.
    pub selector: String,
}

impl From<Mailbox> for MailboxView {
    fn from(mailbox: Mailbox) -> MailboxView {
        let (host, port) = (mailbox.smtp_host.clone(), mailbox.smtp_port);
        let smtp = host.zip(port).map(|(host, port)| SmtpView {
            host,
            port,
            security: mailbox.smtp_security.clone().unwrap_or_default(),
            username: mailbox.smtp_username.clone(),
        });
        let dkim = mailbox.dkim_domain.clone().zip(mailbox.dkim_selector.clone());
        MailboxView {
            id: mailbox.id,
            smtp,
            dkim: dkim.map(|(domain, selector)| DkimView { domain, selector }),
            address: mailbox.address,
            display_name: mailbox.display_name,
            is_default: mailbox.is_default,
            acknowledgement: mailbox.acknowledgement,
            last_received_at: mailbox.last_received_at,
            last_sent_at: mailbox.last_sent_at,
            last_error: mailbox.last_error,
            last_error_at: mailbox.last_error_at,
            created_at: mailbox.created_at,
            disabled_at: mailbox.disabled_at,
        }
    }
}

/// What a mailbox is to be.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "address": "help@shop.example", "display_name": "Lamp Shop", "is_default": true,
    "smtp": {"host": "smtp.shop.example", "port": 465, "security": "tls", "username": "help", "password": "a secret"}
}))]
pub struct MailboxWanted {
    /// Its address; cannot be changed.
    pub address: String,
    /// The name beside it.
    #[serde(default)]
    pub display_name: Option<String>,
    /// Whether tickets are answered from it that came to no mailbox.
    #[serde(default)]
    pub is_default: bool,
    /// The server that its mail leaves through.
    #[serde(default)]
    pub smtp: Option<SmtpWanted>,
    /// How its mail is signed.
    #[serde(default)]
    pub dkim: Option<DkimWanted>,
    /// What a customer is told at once, once in five minutes and never to machines; null: nothing.
    #[serde(default)]
    pub acknowledgement: Option<String>,
}

/// A server that mail leaves through.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SmtpWanted {
    /// Its name.
    pub host: String,
    /// Its port, such as 465 or 587.
    #[schema(minimum = 1, maximum = 65_535)]
    pub port: i32,
    /// tls, starttls, or plain for this very machine.
    pub security: String,
    /// Who signs in.
    #[serde(default)]
    pub username: Option<String>,
    /// With what; what is left out stays.
    #[serde(default)]
    pub password: Option<String>,
}

/// How mail is signed.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DkimWanted {
    /// For which domain.
    pub domain: String,
    /// Under which selector.
    pub selector: String,
    /// RSA as PKCS#1 in PEM, or Ed25519 as 32 bytes in base64; what is left out stays.
    #[serde(default)]
    pub private_key: Option<String>,
}

impl TryFrom<MailboxWanted> for Wanted {
    type Error = Problem;

    fn try_from(wanted: MailboxWanted) -> Result<Wanted, Problem> {
        if let Some(key) = wanted.dkim.as_ref().and_then(|dkim| dkim.private_key.as_deref()) {
            check_key(key).map_err(|problem| Problem::bad_request("dkim.private_key", problem))?;
        }
        Ok(Wanted {
            address: wanted.address,
            display_name: wanted.display_name,
            is_default: wanted.is_default,
            smtp: wanted.smtp.map(|smtp| Smtp {
                host: smtp.host,
                port: smtp.port,
                security: smtp.security,
                username: smtp.username,
                password: smtp.password,
            }),
            dkim: wanted.dkim.map(|dkim| Dkim {
                domain: dkim.domain,
                selector: dkim.selector,
                key: dkim.private_key,
            }),
            acknowledgement: wanted.acknowledgement,
        })
    }
}

/// A mailbox that was made, with its token.
#[derive(Serialize, ToSchema)]
pub struct MailboxMade {
    /// The mailbox.
    #[serde(flatten)]
    pub mailbox: MailboxView,
    /// What a program hands mail in with, as X-Mailbox-Token; told this once.
    pub token: String,
}

/// A token.
#[derive(Serialize, ToSchema)]
pub struct TokenView {
    /// What a program hands mail in with, as X-Mailbox-Token; told this once.
    pub token: String,
}

fn unknown() -> Problem {
    Problem::not_found("there is no such mailbox")
}

/// The shop's mailboxes, by address.
#[utoipa::path(
    get,
    path = "/api/mailboxes",
    tag = "mail",
    params(("include_disabled" = Option<bool>, Query, description = "also those that were given up")),
    responses((status = 200, description = "the mailboxes", body = Vec<MailboxView>)),
)]
pub async fn list(
    State(state): State<AppState>,
    caller: Caller,
    uri: Uri,
) -> Result<axum::Json<Vec<MailboxView>>, Problem> {
    caller.require(Scope::TicketsRead)?;
    let params = Params::of(&uri, &["include_disabled"])?;
    let with_disabled = match params.text("include_disabled")? {
        None | Some("false") => false,
        Some("true") => true,
        Some(_) => return Err(Problem::bad_request("include_disabled", "must be true or false")),
    };
    let mut tx = state.db.tenant_tx(Role::Support, caller.tenant).await?;
    let found = mailboxes::list(&mut tx, with_disabled).await?;
    tx.commit().await?;
    Ok(axum::Json(found.into_iter().map(MailboxView::from).collect()))
}

/// Make a mailbox. Its token is told this once.
#[utoipa::path(
    post,
    path = "/api/mailboxes",
    tag = "mail",
    request_body = MailboxWanted,
    responses(
        (status = 201, description = "the mailbox and its token", body = MailboxMade),
        (status = 400, description = "a value does not fit", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 409, description = "the address is a mailbox already", body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
pub async fn make(
    State(state): State<AppState>,
    Allowed(caller): Allowed<{ Scope::SettingsWrite as u8 }>,
    body: Json<MailboxWanted>,
) -> Result<Response, Problem> {
    let wanted = Wanted::try_from(body.value)?;
    let mut tx = state.db.tenant_tx(Role::Support, caller.tenant).await?;
    let (mailbox, token) =
        mailboxes::create(&mut tx, &state.settings.master_key, caller.tenant, &wanted).await?;
    let subject = format!("mailbox:{}", mailbox.id);
    trail::record(&mut tx, &caller, "mailbox.create", &subject, json!({ "address": mailbox.address }))
        .await?;
    state.db.commit(tx).await?;
    let location = [(header::LOCATION, format!("/api/mailboxes/{}", mailbox.id))];
    let made = MailboxMade { mailbox: mailbox.into(), token };
    Ok((StatusCode::CREATED, location, axum::Json(made)).into_response())
}

/// A mailbox, and how it goes.
#[utoipa::path(
    get,
    path = "/api/mailboxes/{id}",
    tag = "mail",
    params(("id" = Uuid, Path, description = "the mailbox")),
    responses(
        (status = 200, description = "the mailbox", body = MailboxView),
        (status = 404, description = "there is no such mailbox", body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
pub async fn show(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    caller.require(Scope::TicketsRead)?;
    let id = query::id("id", &id)?;
    let mut tx = state.db.tenant_tx(Role::Support, caller.tenant).await?;
    let mailbox = mailboxes::get(&mut tx, id).await?;
    tx.commit().await?;
    let mailbox = mailbox.ok_or_else(unknown)?;
    Ok(etag::with_version(mailbox.version, axum::Json(MailboxView::from(mailbox))))
}

/// Change a mailbox. A password or key that is left out stays, unless its server or signature goes.
#[utoipa::path(
    put,
    path = "/api/mailboxes/{id}",
    tag = "mail",
    params(
        ("id" = Uuid, Path, description = "the mailbox"),
        ("If-Match" = Option<String>, Header, description = "the ETag of the mailbox that was looked at"),
    ),
    request_body = MailboxWanted,
    responses(
        (status = 200, description = "the mailbox", body = MailboxView),
        (status = 400, description = "a value does not fit", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 404, description = "there is no such mailbox", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 412, description = "it was changed meanwhile; `current` is how it is", body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
pub async fn put(
    State(state): State<AppState>,
    Allowed(caller): Allowed<{ Scope::SettingsWrite as u8 }>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Json<MailboxWanted>,
) -> Result<Response, Problem> {
    let id = query::id("id", &id)?;
    let version = etag::expected_version(&headers)?;
    let wanted = Wanted::try_from(body.value)?;
    let mut tx = state.db.tenant_tx(Role::Support, caller.tenant).await?;
    let stored = match mailboxes::put(&mut tx, &state.settings.master_key, id, &wanted, version).await {
        Ok(stored) => stored,
        Err(TicketError::Stale(_)) => {
            let current = mailboxes::get(&mut tx, id).await?.ok_or_else(unknown)?;
            return Err(Problem::precondition_failed(json!(MailboxView::from(current))));
        }
        Err(error) => return Err(error.into()),
    };
    let detail = json!({ "version": stored.version });
    trail::record(&mut tx, &caller, "mailbox.put", &format!("mailbox:{id}"), detail).await?;
    state.db.commit(tx).await?;
    Ok(etag::with_version(stored.version, axum::Json(MailboxView::from(stored))))
}

/// Give a mailbox up: nothing comes to it and nothing leaves from it any more. Its mails stay.
#[utoipa::path(
    delete,
    path = "/api/mailboxes/{id}",
    tag = "mail",
    params(("id" = Uuid, Path, description = "the mailbox")),
    responses(
        (status = 204, description = "given up"),
        (status = 404, description = "there is no such mailbox", body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
pub async fn disable(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<StatusCode, Problem> {
    caller.require(Scope::SettingsWrite)?;
    let id = query::id("id", &id)?;
    let mut tx = state.db.tenant_tx(Role::Support, caller.tenant).await?;
    mailboxes::disable(&mut tx, id, Utc::now()).await?;
    trail::record(&mut tx, &caller, "mailbox.delete", &format!("mailbox:{id}"), json!({})).await?;
    state.db.commit(tx).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A new token in place of the one before, told this once.
#[utoipa::path(
    post,
    path = "/api/mailboxes/{id}/token",
    tag = "mail",
    params(("id" = Uuid, Path, description = "the mailbox")),
    responses(
        (status = 200, description = "the token", body = TokenView),
        (status = 404, description = "there is no such mailbox", body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
pub async fn renew(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<axum::Json<TokenView>, Problem> {
    caller.require(Scope::SettingsWrite)?;
    let id = query::id("id", &id)?;
    let mut tx = state.db.tenant_tx(Role::Support, caller.tenant).await?;
    let token = mailboxes::renew_token(&mut tx, caller.tenant, id).await?;
    trail::record(&mut tx, &caller, "mailbox.token", &format!("mailbox:{id}"), json!({})).await?;
    state.db.commit(tx).await?;
    Ok(axum::Json(TokenView { token }))
}
