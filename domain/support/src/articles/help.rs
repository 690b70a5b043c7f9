//! A tenant's public help page: how it looks, what it lists, and its pages.

use chrono::{DateTime, Utc};
use database::ids::TenantId;
use database::{DbError, Tx};
use serde::Serialize;
use sqlx::FromRow;
use uuid::Uuid;

use crate::rules::Fault;
use crate::rules::store::SaveError;
use crate::tickets::words;

/// Articles that one page lists.
const MOST_LISTED: i64 = 500;

/// How a help page looks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, FromRow)]
pub struct HelpPage {
    /// Whether it is there at all.
    pub is_on: bool,
    /// Its title.
    pub title: String,
    /// #rrggbb
    pub colour: String,
    /// Shown to whoever asks for no language that there is.
    pub language: String,
    /// Whether one can ask there.
    pub has_form: bool,
    /// Grows with each change; its entity tag.
    pub version: i64,
}

/// The tenant's page, if it has one (support role).
///
/// # Errors
/// The database failed.
pub async fn get(tx: &mut Tx) -> Result<Option<HelpPage>, DbError> {
    Ok(sqlx::query_as(
        "select is_on, title, colour, language, has_form, version from support_app.help_page
         where tenant_id = shared.current_tenant()",
    )
    .fetch_optional(&mut **tx)
    .await?)
}

/// Writes how it looks (support role).
///
/// # Errors
/// Something does not fit, or the database failed.
pub async fn put(tx: &mut Tx, tenant: TenantId, page: &HelpPage) -> Result<HelpPage, SaveError> {
    if words::short("title", &page.title, 200).is_err() {
        return Err(Fault::at("title", "must have 1 to 200 characters").into());
    }
    let digits = page.colour.strip_prefix('#').unwrap_or_default();
    if digits.len() != 6 || !digits.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b)) {
        return Err(Fault::at("colour", "must be as #1f5eff, in small letters").into());
    }
    if !words::language(&page.language).is_ok_and(|known| known == page.language) {
        return Err(Fault::at("language", "must be two small letters such as en (ISO 639-1)").into());
    }
    Ok(sqlx::query_as(
        "insert into support_app.help_page (tenant_id, is_on, title, colour, language, has_form)
         values ($1, $2, $3, $4, $5, $6)
         on conflict (tenant_id) do update set is_on = excluded.is_on, title = excluded.title, colour = excluded.colour,
             language = excluded.language, has_form = excluded.has_form, version = support_app.help_page.version + 1,
             updated_at = now()
         returning is_on, title, colour, language, has_form, version",
    )
    .bind(tenant)
    .bind(page.is_on)
    .bind(page.title.trim())
    .bind(&page.colour)
    .bind(&page.language)
    .bind(page.has_form)
    .fetch_one(&mut **tx)
    .await?)
}

/// A published article in a list.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct Listed {
    /// Its name in addresses.
    pub slug: String,
    /// Its category, if it has one.
    pub category: Option<String>,
    /// Its title in the language that was found.
    pub title: String,
}

/// Public articles by category and title, each in the language that is asked for or its own (support role).
///
/// # Errors
/// The database failed.
pub async fn listed(tx: &mut Tx, language: &str) -> Result<Vec<Listed>, DbError> {
    Ok(sqlx::query_as(
        "select slug, category, title from (
             select distinct on (a.id) a.slug, a.category, p.title
             from support_app.article a join support_app.article_page p on p.article_id = a.id
             where a.tenant_id = shared.current_tenant() and a.is_public and a.archived_at is null
             order by a.id, (p.language = $1) desc, p.is_default desc
         ) l order by category nulls last, title, slug limit $2",
    )
    .bind(language)
    .bind(MOST_LISTED)
    .fetch_all(&mut **tx)
    .await?)
}

/// A published article as it is shown.
#[derive(Debug, Clone, PartialEq, FromRow)]
pub struct Page {
    /// The article.
    pub article_id: Uuid,
    /// The language of what is shown.
    pub language: String,
    /// The version that is published.
    pub version: i32,
    /// Its title.
    pub title: String,
    /// Its text, made safe when it was published.
    pub html: String,
    /// Since when.
    pub published_at: DateTime<Utc>,
}

/// A public article by its name (support role).
///
/// # Errors
/// The database failed.
pub async fn page(tx: &mut Tx, slug: &str, language: &str) -> Result<Option<Page>, DbError> {
    Ok(sqlx::query_as(
        "select p.article_id, p.language, p.version, p.title, p.html, p.published_at
         from support_app.article a join support_app.article_page p on p.article_id = a.id
         where a.tenant_id = shared.current_tenant() and a.slug = $1 and a.is_public and a.archived_at is null
         order by (p.language = $2) desc, p.is_default desc limit 1",
    )
    .bind(slug)
    .bind(language)
    .fetch_optional(&mut **tx)
    .await?)
}
