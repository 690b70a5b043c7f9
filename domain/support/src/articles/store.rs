//! Articles as they are stored: every save a version, one of them perhaps published.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use database::ids::TenantId;
use database::{DbError, Tx};
use serde::{Deserialize, Serialize};
use sqlx::FromRow;
use sqlx::types::Json;
use uuid::Uuid;

use super::page::{self, BODY_LIMIT};
use crate::rules::Fault;
use crate::rules::store::SaveError;
use crate::tickets::words;

/// Articles that a tenant may have.
const MOST_ARTICLES: i64 = 5_000;
/// Languages of one article.
const MOST_LANGUAGES: usize = 20;

/// An article in one language.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Text {
    /// Its title.
    pub title: String,
    /// Markdown.
    pub body: String,
}

/// What an article is to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Content {
    /// Its name in addresses: a-z, 0-9 and -.
    pub slug: String,
    /// Where it is listed.
    pub category: Option<String>,
    /// Whether customers may read it.
    pub is_public: bool,
    /// By language (ISO 639-1).
    pub texts: BTreeMap<String, Text>,
    /// The language of readers whose own has no text.
    pub default_language: String,
}

/// An article with its newest version.
#[derive(Debug, Clone, FromRow)]
pub struct Article {
    /// Its id.
    pub id: Uuid,
    /// Its name in addresses; unique in its shop.
    pub slug: String,
    /// Its category, if it has one.
    pub category: Option<String>,
    /// Whether customers may read it; otherwise it is for colleagues.
    pub is_public: bool,
    /// The number of the newest version.
    pub version: i32,
    /// The version that is shown; none when none is.
    pub published_version: Option<i32>,
    /// The newest version's texts by language.
    #[sqlx(json)]
    pub texts: BTreeMap<String, Text>,
    /// The language of readers whose own has no text.
    pub default_language: String,
    /// Who changed it last, for people.
    pub changed_by: String,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it was changed last.
    pub updated_at: DateTime<Utc>,
}

/// A version of an article.
#[derive(Debug, Clone, Serialize, FromRow)]
pub struct Version {
    /// Its number.
    pub version: i32,
    /// By language.
    #[sqlx(json)]
    pub texts: BTreeMap<String, Text>,
    /// The language of readers whose own has no text.
    pub default_language: String,
    /// Who wrote it.
    pub changed_by: String,
    /// When.
    pub at: DateTime<Utc>,
}

const NEWEST: &str = "
    select a.id, a.slug, a.category, a.is_public, a.version, a.published_version, v.texts, v.default_language, v.changed_by,
           a.created_at, a.updated_at
    from support_app.article a join support_app.article_version v on v.article_id = a.id and v.version = a.version
    where a.tenant_id = shared.current_tenant() and a.archived_at is null";

/// Checks an article.
///
/// # Errors
/// Names what cannot be.
pub fn check(content: &Content) -> Result<(), Fault> {
    let is_word = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let slug = &content.slug;
    let fits = (1..=100).contains(&slug.len()) && slug.chars().all(is_word);
    if !fits || slug.starts_with('-') || slug.ends_with('-') {
        return Err(Fault::at("slug", "must have 1 to 100 of a-z, 0-9 and -, and not begin or end with -"));
    }
    if let Some(category) = &content.category
        && words::short("category", category, 100).is_err()
    {
        return Err(Fault::at("category", "must have 1 to 100 characters"));
    }
    if !(1..=MOST_LANGUAGES).contains(&content.texts.len()) {
        return Err(Fault::at("texts", format!("must have 1 to {MOST_LANGUAGES} languages")));
    }
    if !content.texts.contains_key(&content.default_language) {
        return Err(Fault::at("default_language", "must be one of the languages in texts"));
    }
    for (language, text) in &content.texts {
        let at = format!("texts.{}", language.chars().take(8).collect::<String>());
        if !words::language(language).is_ok_and(|known| known == *language) {
            return Err(Fault::at(at, "must be two small letters such as en (ISO 639-1)"));
        }
        if words::short("title", &text.title, 200).is_err() {
            return Err(Fault::at(format!("{at}.title"), "must have 1 to 200 characters"));
        }
        if words::text("body", &text.body, BODY_LIMIT).is_err() || text.body.contains('\0') {
            return Err(Fault::at(format!("{at}.body"), format!("must have 1 to {BODY_LIMIT} characters")));
        }
    }
    Ok(())
}

/// Articles by name, behind one, at most `limit` (support role).
///
/// # Errors
/// The database failed.
pub async fn list(tx: &mut Tx, after: Option<&str>, limit: i64) -> Result<Vec<Article>, DbError> {
    Ok(sqlx::query_as(sqlx::AssertSqlSafe(format!(
        "{NEWEST} and ($1::text is null or a.slug collate \"C\" > $1) order by a.slug collate \"C\" limit $2"
    )))
    .bind(after)
    .bind(limit)
    .fetch_all(&mut **tx)
    .await?)
}

/// An article (support role).
///
/// # Errors
/// The database failed.
pub async fn get(tx: &mut Tx, id: Uuid) -> Result<Option<Article>, DbError> {
    Ok(sqlx::query_as(sqlx::AssertSqlSafe(format!("{NEWEST} and a.id = $1")))
        .bind(id)
        .fetch_optional(&mut **tx)
        .await?)
}

/// What an article said over time, the newest first (support role).
///
/// # Errors
/// The database failed.
pub async fn versions(tx: &mut Tx, id: Uuid, limit: i64) -> Result<Vec<Version>, DbError> {
    Ok(sqlx::query_as(
        "select version, texts, default_language, changed_by, at from support_app.article_version
         where article_id = $1 order by version desc limit $2",
    )
    .bind(id)
    .bind(limit)
    .fetch_all(&mut **tx)
    .await?)
}

/// Makes an article; it is a draft until it is published (support role).
///
/// # Errors
/// It does not fit, there are too many, another has its name, or the database failed.
pub async fn create(
    tx: &mut Tx,
    tenant: TenantId,
    content: &Content,
    by: &str,
) -> Result<Article, SaveError> {
    check(content)?;
    let count: i64 = sqlx::query_scalar(
        "select count(*) from support_app.article where tenant_id = shared.current_tenant() and archived_at is null",
    )
    .fetch_one(&mut **tx)
    .await?;
    if count >= MOST_ARTICLES {
        return Err(Fault::at("articles", format!("there are {MOST_ARTICLES}, which is the most")).into());
    }
    let id = Uuid::now_v7();
    sqlx::query("insert into support_app.article (id, tenant_id, slug, category, is_public) values ($1, $2, $3, $4, $5)")
        .bind(id)
        .bind(tenant)
        .bind(&content.slug)
        .bind(&content.category)
        .bind(content.is_public)
        .execute(&mut **tx)
        .await
        .map_err(named)?;
    keep_version(tx, tenant, id, 1, content, by).await?;
    get(tx, id).await?.ok_or(SaveError::Missing)
}

/// Saves an article anew; what is published stays until the new version is (support role).
///
/// # Errors
/// It does not fit, is not there or was changed meanwhile, or the database failed.
pub async fn update(
    tx: &mut Tx,
    tenant: TenantId,
    id: Uuid,
    expected: Option<i64>,
    content: &Content,
    by: &str,
) -> Result<Article, SaveError> {
    check(content)?;
    let version: Option<i32> = sqlx::query_scalar(
        "update support_app.article set version = version + 1, slug = $2, category = $3, is_public = $4, updated_at = now()
         where id = $1 and archived_at is null and ($5::bigint is null or version = $5) returning version",
    )
    .bind(id)
    .bind(&content.slug)
    .bind(&content.category)
    .bind(content.is_public)
    .bind(expected)
    .fetch_optional(&mut **tx)
    .await
    .map_err(named)?;
    let Some(version) = version else {
        return Err(match get(tx, id).await? {
            Some(now) => SaveError::Changed(now.version),
            None => SaveError::Missing,
        });
    };
    keep_version(tx, tenant, id, version, content, by).await?;
    get(tx, id).await?.ok_or(SaveError::Missing)
}

async fn keep_version(
    tx: &mut Tx,
    tenant: TenantId,
    id: Uuid,
    version: i32,
    content: &Content,
    by: &str,
) -> Result<(), DbError> {
    sqlx::query(
        "insert into support_app.article_version (tenant_id, article_id, version, texts, default_language, changed_by)
         values ($1, $2, $3, $4, $5, $6)",
    )
    .bind(tenant)
    .bind(id)
    .bind(version)
    .bind(Json(&content.texts))
    .bind(&content.default_language)
    .bind(by)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

fn named(error: sqlx::Error) -> SaveError {
    match DbError::from(error) {
        error if error.violates("article_slug_once") => {
            Fault::at("slug", "another article has this name").into()
        }
        error => error.into(),
    }
}

/// Publishes the newest version, or that one (support role): each language is rendered, made safe, and found by its words.
///
/// # Errors
/// There is no such article or version, or the database failed.
pub async fn publish(
    tx: &mut Tx,
    tenant: TenantId,
    id: Uuid,
    version: Option<i32>,
) -> Result<Article, SaveError> {
    let known = get(tx, id).await?.ok_or(SaveError::Missing)?;
    let version = version.unwrap_or(known.version);
    let found: Option<Version> = sqlx::query_as(
        "select version, texts, default_language, changed_by, at from support_app.article_version
         where article_id = $1 and version = $2",
    )
    .bind(id)
    .bind(version)
    .fetch_optional(&mut **tx)
    .await?;
    let found = found.ok_or_else(|| {
        SaveError::Fault(Fault::at("version", format!("there is none; the newest is {}", known.version)))
    })?;
    sqlx::query("delete from support_app.article_page where article_id = $1")
        .bind(id)
        .execute(&mut **tx)
        .await?;
    for (language, text) in &found.texts {
        let plain = page::plain_of(&text.body);
        sqlx::query(
            "insert into support_app.article_page (tenant_id, article_id, language, version, is_default, title, html, plain,
                 document)
             select $1, $2, $3, $4, $5, $6, $7, $8,
                    setweight(support_app.words_of($6, l.languages), 'A') || support_app.words_of($9, l.languages)
             from (select coalesce((select s.search_languages from support_app.ticket_setting s where s.tenant_id = $1),
                                   '{english}') as languages) l",
        )
        .bind(tenant)
        .bind(id)
        .bind(language)
        .bind(version)
        .bind(*language == found.default_language)
        .bind(text.title.trim())
        .bind(page::html_of(&text.body))
        .bind(&plain)
        // The words of more than this are no longer a vector.
        .bind(plain.chars().take(50_000).collect::<String>())
        .execute(&mut **tx)
        .await?;
    }
    sqlx::query("update support_app.article set published_version = $2, updated_at = now() where id = $1")
        .bind(id)
        .bind(version)
        .execute(&mut **tx)
        .await?;
    get(tx, id).await?.ok_or(SaveError::Missing)
}

/// Takes an article off (support role).
///
/// # Errors
/// There is none, or the database failed.
pub async fn unpublish(tx: &mut Tx, id: Uuid) -> Result<Article, SaveError> {
    sqlx::query("delete from support_app.article_page where article_id = $1")
        .bind(id)
        .execute(&mut **tx)
        .await?;
    sqlx::query("update support_app.article set published_version = null, updated_at = now() where id = $1")
        .bind(id)
        .execute(&mut **tx)
        .await?;
    get(tx, id).await?.ok_or(SaveError::Missing)
}

/// Puts an article away (support role). False when there is none.
///
/// # Errors
/// The database failed.
pub async fn archive(tx: &mut Tx, id: Uuid) -> Result<bool, DbError> {
    sqlx::query("delete from support_app.article_page where article_id = $1")
        .bind(id)
        .execute(&mut **tx)
        .await?;
    let done = sqlx::query(
        "update support_app.article set archived_at = now(), published_version = null where id = $1 and archived_at is null",
    )
    .bind(id)
    .execute(&mut **tx)
    .await?;
    Ok(done.rows_affected() == 1)
}
