//! Articles as they are written, listed and published.

use accounts::api_keys::Scope;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::Response;
use database::Role;
use serde::{Deserialize, Serialize};
use serde_json::json;
use support::articles::page as rendering;
use support::articles::store::{self, Version};
use utoipa::ToSchema;

use super::super::rules::refused;
use super::{ArticleBody, ArticleView};
use crate::state::AppState;
use crate::web::auth::{Allowed, Caller};
use crate::web::body::Json;
use crate::web::idempotency::{self, Answer, IdempotencyKey};
use crate::web::page::{Page, PageRequest};
use crate::web::problem::{Problem, ProblemDocument};
use crate::web::query::{self, Params};
use crate::web::{etag, trail};

/// Bytes of an article with all of its languages.
const BODY_BYTES: usize = 4 << 20;

/// Articles by name, drafts too.
#[utoipa::path(
    get,
    path = "/api/articles",
    tag = "articles",
    params(
        ("limit" = Option<i64>, Query, description = "1 to 100; 50 when missing"),
        ("cursor" = Option<String>, Query, description = "next_cursor of the page before"),
    ),
    responses((status = 200, description = "a page", body = Page<ArticleView>)),
)]
pub async fn page(
    State(state): State<AppState>,
    caller: Caller,
    uri: Uri,
) -> Result<axum::Json<Page<ArticleView>>, Problem> {
    caller.require(Scope::TicketsRead)?;
    let page = PageRequest::of(&Params::of(&uri, &["limit", "cursor"])?)?;
    let mut tx = state.db.tenant_tx(Role::Support, caller.tenant).await?;
    let found = store::list(&mut tx, page.after.as_deref(), page.limit_and_one()).await?;
    tx.commit().await?;
    let found: Vec<ArticleView> = found.into_iter().map(ArticleView::from).collect();
    Ok(axum::Json(page.page(found, |one| one.slug.clone())))
}

fn unknown() -> Problem {
    Problem::not_found("there is no such article; GET /api/articles lists them")
}

/// An article.
#[utoipa::path(
    get,
    path = "/api/articles/{id}",
    tag = "articles",
    params(("id" = Uuid, Path, description = "the article")),
    responses(
        (status = 200, description = "the article as it was saved last", body = ArticleView),
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
    Ok(etag::with_version(found.version.into(), axum::Json(ArticleView::from(found))))
}

/// What an article said over time.
#[derive(Debug, Serialize, ToSchema)]
pub struct ArticleVersions {
    /// The newest first, 100 at most.
    #[schema(value_type = Vec<serde_json::Value>)]
    items: Vec<Version>,
}

/// What an article said over time.
#[utoipa::path(
    get,
    path = "/api/articles/{id}/versions",
    tag = "articles",
    params(("id" = Uuid, Path, description = "the article")),
    responses(
        (status = 200, description = "its versions, each with who wrote it", body = ArticleVersions),
        (status = 404, description = "there is none", body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
pub async fn versions(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
    uri: Uri,
) -> Result<axum::Json<ArticleVersions>, Problem> {
    caller.require(Scope::TicketsRead)?;
    Params::of(&uri, &[])?;
    let id = query::id("id", &id)?;
    let mut tx = state.db.tenant_tx(Role::Support, caller.tenant).await?;
    store::get(&mut tx, id).await?.ok_or_else(unknown)?;
    let items = store::versions(&mut tx, id, 100).await?;
    tx.commit().await?;
    Ok(axum::Json(ArticleVersions { items }))
}

/// Make an article. It is a draft until it is published.
#[utoipa::path(
    post,
    path = "/api/articles",
    tag = "articles",
    params(("Idempotency-Key" = Option<String>, Header, description = "the same key and request have the same answer")),
    request_body = ArticleBody,
    responses(
        (status = 201, description = "the article", body = ArticleView),
        (status = 422, description = "something in it cannot be; the field says what", body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
pub async fn create(
    State(state): State<AppState>,
    Allowed(caller): Allowed<{ Scope::SettingsWrite as u8 }>,
    key: IdempotencyKey,
    body: Json<ArticleBody, BODY_BYTES>,
) -> Result<Answer, Problem> {
    let mut tx = state.db.tenant_tx(Role::Support, caller.tenant).await?;
    if let Some(answer) = idempotency::replay(&mut tx, caller.tenant, &key, &body.digest).await? {
        return Ok(answer);
    }
    let made =
        store::create(&mut tx, caller.tenant, &body.value.into(), &caller.actor()).await.map_err(refused)?;
    let id = made.id;
    let answer = Answer::created(format!("/api/articles/{id}"), &ArticleView::from(made));
    idempotency::keep(&mut tx, caller.tenant, &key, &body.digest, &answer).await?;
    trail::record(&mut tx, &caller, "article.create", &format!("article:{id}"), json!({})).await?;
    state.db.commit(tx).await?;
    Ok(answer)
}

/// Save an article anew. What is published stays until the new version is.
#[utoipa::path(
    put,
    path = "/api/articles/{id}",
    tag = "articles",
    params(
        ("id" = Uuid, Path, description = "the article"),
        ("If-Match" = Option<String>, Header, description = "the ETag of the article that was looked at"),
    ),
    request_body = ArticleBody,
    responses(
        (status = 200, description = "the article as it is now", body = ArticleView),
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
    body: Json<ArticleBody, BODY_BYTES>,
) -> Result<Response, Problem> {
    let (id, expected) = (query::id("id", &id)?, etag::expected_version(&headers)?);
    let mut tx = state.db.tenant_tx(Role::Support, caller.tenant).await?;
    let stored = store::update(&mut tx, caller.tenant, id, expected, &body.value.into(), &caller.actor())
        .await
        .map_err(refused)?;
    let version = stored.version;
    let detail = json!({ "version": version });
    trail::record(&mut tx, &caller, "article.change", &format!("article:{id}"), detail).await?;
    state.db.commit(tx).await?;
    Ok(etag::with_version(version.into(), axum::Json(ArticleView::from(stored))))
}

/// Put an article away.
#[utoipa::path(
    delete,
    path = "/api/articles/{id}",
    tag = "articles",
    params(("id" = Uuid, Path, description = "the article")),
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
    trail::record(&mut tx, &caller, "article.remove", &format!("article:{id}"), json!({})).await?;
    state.db.commit(tx).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// What is published.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PublishWish {
    /// Which version; the newest when missing.
    #[serde(default)]
    version: Option<i32>,
}

/// Publish an article: its newest version, or an older one.
#[utoipa::path(
    post,
    path = "/api/articles/{id}/publish",
    tag = "articles",
    params(("id" = Uuid, Path, description = "the article")),
    request_body = PublishWish,
    responses(
        (status = 200, description = "the article", body = ArticleView),
        (status = 404, description = "there is none", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 422, description = "there is no such version", body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
pub async fn publish(
    State(state): State<AppState>,
    Allowed(caller): Allowed<{ Scope::SettingsWrite as u8 }>,
    Path(id): Path<String>,
    body: Json<PublishWish>,
) -> Result<axum::Json<ArticleView>, Problem> {
    let id = query::id("id", &id)?;
    let mut tx = state.db.tenant_tx(Role::Support, caller.tenant).await?;
    let stored = store::publish(&mut tx, caller.tenant, id, body.value.version).await.map_err(refused)?;
    let detail = json!({ "version": stored.published_version });
    trail::record(&mut tx, &caller, "article.publish", &format!("article:{id}"), detail).await?;
    state.db.commit(tx).await?;
    Ok(axum::Json(stored.into()))
}

/// Take an article off.
#[utoipa::path(
    post,
    path = "/api/articles/{id}/unpublish",
    tag = "articles",
    params(("id" = Uuid, Path, description = "the article")),
    responses(
        (status = 200, description = "the article", body = ArticleView),
        (status = 404, description = "there is none", body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
pub async fn unpublish(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<axum::Json<ArticleView>, Problem> {
    caller.require(Scope::SettingsWrite)?;
    let id = query::id("id", &id)?;
    let mut tx = state.db.tenant_tx(Role::Support, caller.tenant).await?;
    let stored = store::unpublish(&mut tx, id).await.map_err(refused)?;
    trail::record(&mut tx, &caller, "article.unpublish", &format!("article:{id}"), json!({})).await?;
    state.db.commit(tx).await?;
    Ok(axum::Json(stored.into()))
}

/// A text to be seen as it would be shown.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"body": "You have **30 days**."}))]
pub struct PreviewText {
    /// Markdown.
    body: String,
}

/// A text as it would be shown.
#[derive(Debug, Serialize, ToSchema)]
pub struct Shown {
    /// HTML that is safe to show.
    html: String,
}

/// A text as the help page would show it. Nothing is stored.
#[utoipa::path(
    post,
    path = "/api/articles/preview",
    tag = "articles",
    request_body = PreviewText,
    responses((status = 200, description = "its HTML", body = Shown)),
)]
pub async fn preview(
    _: Allowed<{ Scope::TicketsRead as u8 }>,
    body: Json<PreviewText>,
) -> Result<axum::Json<Shown>, Problem> {
    if body.value.body.chars().count() > rendering::BODY_LIMIT {
        return Err(Problem::too_long("body", rendering::BODY_LIMIT));
    }
    Ok(axum::Json(Shown { html: rendering::html_of(&body.value.body) }))
}
