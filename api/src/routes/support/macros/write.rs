//! Macros as they are written and listed.

use accounts::api_keys::Scope;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::Response;
use database::Role;
use serde::Serialize;
use serde_json::json;
use support::macros::store::{self, Folder, Wanted};
use utoipa::ToSchema;

use super::super::rules::refused;
use super::{MacroBody, MacroView};
use crate::state::AppState;
use crate::web::auth::{Allowed, Caller};
use crate::web::body::Json;
use crate::web::idempotency::{self, Answer, IdempotencyKey};
use crate::web::page::{Page, PageRequest, bad_cursor};
use crate::web::problem::{Problem, ProblemDocument};
use crate::web::query::{self, Params};
use crate::web::{etag, trail};

/// Macros by name.
#[utoipa::path(
    get,
    path = "/api/macros",
    tag = "macros",
    params(
        ("folder" = Option<String>, Query, description = "those of a folder"),
        ("q" = Option<String>, Query, description = "those with all of these words in their name, folder or texts"),
        ("limit" = Option<i64>, Query, description = "1 to 100; 50 when missing"),
        ("cursor" = Option<String>, Query, description = "next_cursor of the page before"),
    ),
    responses((status = 200, description = "a page", body = Page<MacroView>)),
)]
pub async fn page(
    State(state): State<AppState>,
    caller: Caller,
    uri: Uri,
) -> Result<axum::Json<Page<MacroView>>, Problem> {
    caller.require(Scope::TicketsRead)?;
    let params = Params::of(&uri, &["folder", "q", "limit", "cursor"])?;
    let page = PageRequest::of(&params)?;
    let after = match page.after.as_deref() {
        None => None,
        Some(text) => {
            let (id, name) = text.split_once(' ').ok_or_else(bad_cursor)?;
            Some((name.to_owned(), id.parse().map_err(|_| bad_cursor())?))
        }
    };
    let wanted = Wanted { folder: params.text("folder")?, words: params.text("q")?, after };
    let mut tx = state.db.tenant_tx(Role::Support, caller.tenant).await?;
    let found = store::list(&mut tx, &wanted, page.limit_and_one()).await?;
    tx.commit().await?;
    let found: Vec<MacroView> = found.into_iter().map(MacroView::from).collect();
    Ok(axum::Json(page.page(found, |one| format!("{} {}", one.id, one.name.to_lowercase()))))
}

/// The folders.
#[derive(Debug, Serialize, ToSchema)]
pub struct FolderList {
    /// By name.
    #[schema(value_type = Vec<serde_json::Value>)]
    items: Vec<Folder>,
}

/// The folders of macros, with how many each has.
#[utoipa::path(
    get,
    path = "/api/macros/folders",
    tag = "macros",
    responses((status = 200, description = "by name", body = FolderList)),
)]
pub async fn folders(
    State(state): State<AppState>,
    caller: Caller,
    uri: Uri,
) -> Result<axum::Json<FolderList>, Problem> {
    caller.require(Scope::TicketsRead)?;
    Params::of(&uri, &[])?;
    let mut tx = state.db.tenant_tx(Role::Support, caller.tenant).await?;
    let items = store::folders(&mut tx).await?;
    tx.commit().await?;
    Ok(axum::Json(FolderList { items }))
}

pub(super) fn unknown() -> Problem {
    Problem::not_found("there is no such macro; GET /api/macros lists them")
}

/// A macro.
#[utoipa::path(
    get,
    path = "/api/macros/{id}",
    tag = "macros",
    params(("id" = Uuid, Path, description = "the macro")),
    responses(
        (status = 200, description = "the macro", body = MacroView),
        (status = 404, description = "there is none", body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
pub async fn show(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
    uri: Uri,
) -> Result<Response, Problem> {
    caller.require(Scope::TicketsRead)?;
    Params::of(&uri, &[])?;
    let id = query::id("id", &id)?;
    let mut tx = state.db.tenant_tx(Role::Support, caller.tenant).await?;
    let found = store::get(&mut tx, id).await?.ok_or_else(unknown)?;
    tx.commit().await?;
    Ok(etag::with_version(found.version, axum::Json(MacroView::from(found))))
}

/// Make a macro.
#[utoipa::path(
    post,
    path = "/api/macros",
    tag = "macros",
    params(("Idempotency-Key" = Option<String>, Header, description = "the same key and request have the same answer")),
    request_body = MacroBody,
    responses(
        (status = 201, description = "the macro", body = MacroView),
        (status = 422, description = "a variable that does not exist, or something else that cannot be; the field says what", body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
pub async fn create(
    State(state): State<AppState>,
    Allowed(caller): Allowed<{ Scope::SettingsWrite as u8 }>,
    key: IdempotencyKey,
    body: Json<MacroBody>,
) -> Result<Answer, Problem> {
    let mut tx = state.db.tenant_tx(Role::Support, caller.tenant).await?;
    if let Some(answer) = idempotency::replay(&mut tx, caller.tenant, &key, &body.digest).await? {
        return Ok(answer);
    }
    let made =
        store::create(&mut tx, caller.tenant, &body.value.into(), &caller.actor()).await.map_err(refused)?;
    let id = made.id;
    let answer = Answer::created(format!("/api/macros/{id}"), &MacroView::from(made));
    idempotency::keep(&mut tx, caller.tenant, &key, &body.digest, &answer).await?;
    trail::record(&mut tx, &caller, "macro.create", &format!("macro:{id}"), json!({})).await?;
    state.db.commit(tx).await?;
    Ok(answer)
}

/// Replace what a macro says and does.
#[utoipa::path(
    put,
    path = "/api/macros/{id}",
    tag = "macros",
    params(
        ("id" = Uuid, Path, description = "the macro"),
        ("If-Match" = Option<String>, Header, description = "the ETag of the macro that was looked at"),
    ),
    request_body = MacroBody,
    responses(
        (status = 200, description = "the macro as it is now", body = MacroView),
        (status = 404, description = "there is none", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 412, description = "somebody changed it meanwhile", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 422, description = "something in it cannot be; the field says what", body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
pub async fn change(
    State(state): State<AppState>,
    Allowed(caller): Allowed<{ Scope::SettingsWrite as u8 }>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Json<MacroBody>,
) -> Result<Response, Problem> {
    let (id, expected) = (query::id("id", &id)?, etag::expected_version(&headers)?);
    let mut tx = state.db.tenant_tx(Role::Support, caller.tenant).await?;
    let stored =
        store::update(&mut tx, id, expected, &body.value.into(), &caller.actor()).await.map_err(refused)?;
    let version = stored.version;
    trail::record(&mut tx, &caller, "macro.change", &format!("macro:{id}"), json!({ "version": version }))
        .await?;
    state.db.commit(tx).await?;
    Ok(etag::with_version(version, axum::Json(MacroView::from(stored))))
}

/// Put a macro away. Rules that name it are flagged and not run.
#[utoipa::path(
    delete,
    path = "/api/macros/{id}",
    tag = "macros",
    params(("id" = Uuid, Path, description = "the macro")),
    responses(
        (status = 204, description = "it is gone"),
        (status = 404, description = "there is none", body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
pub async fn remove(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<StatusCode, Problem> {
    caller.require(Scope::SettingsWrite)?;
    let id = query::id("id", &id)?;
    let mut tx = state.db.tenant_tx(Role::Support, caller.tenant).await?;
    if !store::archive(&mut tx, id).await? {
        return Err(unknown());
    }
    trail::record(&mut tx, &caller, "macro.remove", &format!("macro:{id}"), json!({})).await?;
    state.db.commit(tx).await?;
    Ok(StatusCode::NO_CONTENT)
}
