//! Fetching an archive: it is opened piece by piece while it is sent.

use accounts::api_keys::Scope;
use accounts::sealed_stream::{self, Opener};
use accounts::tenant_keys;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use chrono::Utc;
use database::Role;
use futures_util::StreamExt;
use futures_util::stream;
use serde_json::json;
use support::privacy::requests;
use upstreams::files::Place;

use super::requests::found;
use crate::state::AppState;
use crate::web::auth::Caller;
use crate::web::problem::{Problem, ProblemDocument};
use crate::web::trail;

/// Fetch the archive of an export: `index.html` for people, `data/` for programs, `files/`.
#[utoipa::path(
    get,
    path = "/api/privacy/requests/{id}/archive",
    tag = "privacy",
    params(("id" = Uuid, Path, description = "the request")),
    responses(
        (status = 200, description = "a ZIP archive", content_type = "application/zip", body = Vec<u8>),
        (status = 404, description = "there is no such request, or its archive is gone", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 409, description = "it is sealed under a key that was destroyed", body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
pub async fn download(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    caller.require(Scope::PrivacyWrite)?;
    let mut tx = state.db.tenant_tx(Role::Support, caller.tenant).await?;
    let request = found(&mut tx, &id).await?;
    if request.archive_until.is_none_or(|until| until < Utc::now()) {
        return Err(Problem::not_found("there is no archive: it is not made yet, or its time is over"));
    }
    let mut reading = state.files.read(Place { tenant: caller.tenant.0, id: request.id }).await?;
    let mut start = Vec::new();
    while start.len() < 64 {
        match reading.bytes.next().await {
            Some(piece) => start.extend_from_slice(&piece.map_err(upstreams::files::FilesError::from)?),
            None => break,
        }
    }
    let sealed = sealed_stream::first_sealed(&start);
    let key = tenant_keys::of_value(&mut tx, &state.settings.master_key, caller.tenant, sealed).await?;
    let subject = format!("privacy_request:{}", request.id);
    trail::record(&mut tx, &caller, "privacy.archive", &subject, json!({})).await?;
    state.db.commit(tx).await?;

    let opener = Opener::new(key, requests::archive_owner(request.id));
    let pieces = stream::once(async move { Ok(Bytes::from(start)) }).chain(reading.bytes);
    let mut response = Body::from_stream(opened(opener, pieces)).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/zip"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-store"));
    headers.insert(
        header::CONTENT_DISPOSITION,
        HeaderValue::from_static("attachment; filename=\"personal-data.zip\""),
    );
    if let Some(bytes) = request.archive_bytes.and_then(|bytes| u64::try_from(bytes).ok()) {
        headers.insert(header::CONTENT_LENGTH, HeaderValue::from(bytes));
    }
    Ok(response)
}

/// The pieces in the clear. One that does not open, or an end that is missing, breaks the answer off.
fn opened(
    opener: Opener,
    pieces: impl stream::Stream<Item = std::io::Result<Bytes>> + Send + 'static,
) -> impl stream::Stream<Item = std::io::Result<Bytes>> + Send + 'static {
    let damaged = || std::io::Error::other("the archive is damaged");
    stream::try_unfold((opener, Box::pin(pieces)), move |(mut opener, mut pieces)| async move {
        loop {
            match pieces.next().await {
                Some(piece) => {
                    let plain = opener.push(&piece?).map_err(|_| damaged())?;
                    if !plain.is_empty() {
                        return Ok(Some((Bytes::from(plain), (opener, pieces))));
                    }
                }
                None if opener.is_over() => return Ok(None),
                None => return Err(damaged()),
            }
        }
    })
}
