//! Files of messages and notes: sent first, then named by the message that they go with. They are only ever downloaded,
//! never shown in a page of ours, and what they are is found in their bytes.

use accounts::api_keys::Scope;
use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use database::Role;
use futures_util::StreamExt;
use serde::Serialize;
use serde_json::json;
use sha2::{Digest, Sha256};
use support::tickets::attachments::{self, Attachment, NewAttachment, SNIFFED_BYTES};
use upstreams::files::{FilesError, Incoming, Place};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::state::AppState;
use crate::web::auth::{Allowed, Caller};
use crate::web::body;
use crate::web::idempotency::{self, Answer, IdempotencyKey};
use crate::web::problem::{Problem, ProblemDocument};
use crate::web::query::{self, Params};
use crate::web::trail;

/// A file.
#[derive(Debug, Serialize, ToSchema)]
pub struct AttachmentView {
    /// Names it in `attachment_ids`.
    pub id: Uuid,
    /// Its name.
    pub name: String,
    /// What it is, by its first bytes.
    pub content_type: String,
    /// How long it is.
    pub size_bytes: i64,
    /// When it came.
    pub created_at: DateTime<Utc>,
}

impl From<Attachment> for AttachmentView {
    fn from(file: Attachment) -> AttachmentView {
        let Attachment { id, name, content_type, size_bytes, created_at, .. } = file;
        AttachmentView { id, name, content_type, size_bytes, created_at }
    }
}

/// Send a file, to be named by a message or note afterwards. One that is not within a day is removed.
#[utoipa::path(
    post,
    path = "/api/tickets/attachments",
    tag = "tickets",
    params(
        ("name" = String, Query, description = "its name"),
        ("Idempotency-Key" = Option<String>, Header, description = "the same key and request have the same answer"),
    ),
    request_body(content((Vec<u8> = "application/octet-stream"))),
    responses(
        (status = 201, description = "the file", body = AttachmentView),
        (status = 400, description = "it is empty or has no name", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 413, description = "it is larger than allowed", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 503, description = "the store of files does not take it", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 507, description = "the disk is full", body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
pub async fn send(
    State(state): State<AppState>,
    Allowed(caller): Allowed<{ Scope::TicketsWrite as u8 }>,
    key: IdempotencyKey,
    request: Request,
) -> Result<Answer, Problem> {
    let params = Params::of(request.uri(), &["name"])?;
    let name = params.text("name")?.ok_or_else(|| Problem::bad_request("name", "must name the file"))?;
    let name = attachments::harmless_name(name);
    let limit = state.settings.attachment_max_bytes;
    let too_large = || Problem::too_large("body", usize::try_from(limit).unwrap_or(usize::MAX));
    let declared = request.headers().get(header::CONTENT_LENGTH);
    let declared = declared.and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    if declared.is_some_and(|length| length > limit) {
        return Err(too_large());
    }
    let mut incoming = state.files.receive().await?;
    let (sha256, start) = match take(&mut incoming, request.into_body(), limit).await? {
        Some(taken) => taken,
        None => return Err(too_large()),
    };
    if incoming.size_bytes() == 0 {
        return Err(Problem::bad_request("body", "the file is empty"));
    }
    let digest: [u8; 32] =
        Sha256::new().chain_update(&name).chain_update([0]).chain_update(sha256).finalize().into();
    let mut tx = state.db.tenant_tx(Role::Support, caller.tenant).await?;
    if let Some(answer) = idempotency::replay(&mut tx, caller.tenant, &key, &digest).await? {
        return Ok(answer);
    }
    let left = attachments::forget_left(&mut tx, Utc::now()).await?;
    let id = Uuid::now_v7();
    let new = NewAttachment {
        id,
        name: &name,
        content_type: attachments::sniff(&start),
        size_bytes: i64::try_from(incoming.size_bytes()).unwrap_or(i64::MAX),
        sha256: &sha256,
        uploaded_by: &caller.actor(),
    };
    let stored = attachments::add(&mut tx, caller.tenant, &new).await?;
    let answer = Answer::created(format!("/api/tickets/attachments/{id}"), &AttachmentView::from(stored));
    idempotency::keep(&mut tx, caller.tenant, &key, &digest, &answer).await?;
    let detail = json!({ "size_bytes": new.size_bytes });
    trail::record(&mut tx, &caller, "attachment.create", &format!("attachment:{id}"), detail).await?;
    // The bytes first: a row without them would promise what is not there.
    let place = Place { tenant: caller.tenant.0, id };
    state.files.keep(incoming, place).await?;
    if let Err(error) = state.db.commit(tx).await {
        if !matches!(error, database::DbError::Unanswered(_)) {
            remove(&state, place).await;
        }
        return Err(error.into());
    }
    for id in left {
        remove(&state, Place { tenant: caller.tenant.0, id }).await;
    }
    Ok(answer)
}

/// Writes the body away as it arrives; its digest and its first bytes, or none when it is too large.
async fn take(
    incoming: &mut Incoming,
    body: Body,
    limit: u64,
) -> Result<Option<([u8; 32], Vec<u8>)>, Problem> {
    let (mut digest, mut start) = (Sha256::new(), Vec::with_capacity(SNIFFED_BYTES));
    let mut pieces = body.into_data_stream();
    while let Some(piece) = pieces.next().await {
        let piece = piece.map_err(|error| body::broken(&error))?;
        if incoming.size_bytes() + piece.len() as u64 > limit {
            return Ok(None);
        }
        let missing = SNIFFED_BYTES - start.len();
        start.extend_from_slice(&piece[..piece.len().min(missing)]);
        digest.update(&piece);
        incoming.write(&piece).await?;
    }
    Ok(Some((digest.finalize().into(), start)))
}

async fn remove(state: &AppState, place: Place) {
    if let Err(error) = state.files.remove(place).await {
        tracing::warn!(%error, "the bytes of a file that is forgotten stay where they are");
    }
}

/// Download a file.
#[utoipa::path(
    get,
    path = "/api/tickets/attachments/{id}",
    tag = "tickets",
    params(("id" = Uuid, Path, description = "the file")),
    responses(
        (status = 200, description = "its bytes, of the kind that it was stored with", content_type = "*/*", body = Vec<u8>),
        (status = 404, description = "there is no such file", body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
pub async fn download(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    caller.require(Scope::TicketsRead)?;
    let id = query::id("id", &id)?;
    let mut tx = state.db.tenant_tx(Role::Support, caller.tenant).await?;
    let file = attachments::get(&mut tx, id).await?;
    tx.commit().await?;
    let file = file.ok_or_else(|| Problem::not_found("there is no such file"))?;
    let reading = state.files.read(Place { tenant: caller.tenant.0, id }).await?;
    let mut response = Body::from_stream(reading.bytes).into_response();
    let headers = response.headers_mut();
    let kind = HeaderValue::from_str(&file.content_type);
    headers
        .insert(header::CONTENT_TYPE, kind.unwrap_or(HeaderValue::from_static("application/octet-stream")));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-store"));
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static("default-src 'none'; sandbox"));
    if let Ok(disposition) = HeaderValue::from_str(&disposition(&file.name)) {
        headers.insert(header::CONTENT_DISPOSITION, disposition);
    }
    if let Some(size) = reading.size_bytes {
        headers.insert(header::CONTENT_LENGTH, HeaderValue::from(size));
    }
    Ok(response)
}

/// `attachment` with the name in both forms of RFC 6266.
fn disposition(name: &str) -> String {
    let plain: String = name
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() || " .-_()".contains(c) { c } else { '_' })
        .collect();
    let escaped: String = name
        .bytes()
        .map(|byte| match byte {
            byte if byte.is_ascii_alphanumeric() || b".-_".contains(&byte) => char::from(byte).to_string(),
            byte => format!("%{byte:02X}"),
        })
        .collect();
    format!("attachment; filename=\"{plain}\"; filename*=UTF-8''{escaped}")
}

impl From<FilesError> for Problem {
    fn from(error: FilesError) -> Problem {
        match error {
            FilesError::Missing => Problem::not_found("the file is not in the store"),
            FilesError::Full => {
                tracing::error!(
                    "the disk of the store of files is full: files are refused until there is room"
                );
                Problem {
                    status: axum::http::StatusCode::INSUFFICIENT_STORAGE,
                    kind: "insufficient-storage",
                    title: "There is no room for the file",
                    detail: "the disk of the store is full".into(),
                    ..Problem::internal()
                }
            }
            FilesError::Io(_) | FilesError::Store(_) => {
                tracing::error!(%error, "the store of files failed");
                Problem::unavailable()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_stays_within_its_header() {
        assert_eq!(
            disposition("Rechnung für \u{1f4a5}.pdf"),
            "attachment; filename=\"Rechnung f_r _.pdf\"; filename*=UTF-8''Rechnung%20f%C3%BCr%20%F0%9F%92%A5.pdf"
        );
        assert!(HeaderValue::from_str(&disposition("a\r\nb: c")).is_ok());
    }
}
