//! The pages that are read: the list with its search, and an article.

use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::Response;
use std::fmt::Write as _;
use support::articles::help::{self, Listed};
use support::articles::{deflection, search};
use support::customer_words::Words;
use support::tickets::TicketError;
use uuid::Uuid;

use super::form::parameter;
use super::html::{About, Kept, escaped, nowhere, page};
use super::{Reading, reading, shop};
use crate::state::AppState;
use crate::web::problem::Problem;

/// A shop's help page: its public articles, or those that match.
#[utoipa::path(
    get,
    path = "/help/{shop}",
    tag = "help page",
    security(()),
    params(
        ("shop" = String, Path, description = "the shop's slug"),
        ("q" = Option<String>, Query, description = "words that are looked for"),
        ("lang" = Option<String>, Query, description = "ISO 639-1"),
    ),
    responses(
        (status = 200, description = "the page", body = String, content_type = "text/html"),
        (status = 404, description = "there is none", body = String, content_type = "text/html"),
    ),
)]
pub async fn home(
    State(state): State<AppState>,
    Path(slug): Path<String>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let mut shop = match shop(&state, &slug, &headers).await? {
        Ok(shop) => shop,
        Err(nowhere) => return Ok(nowhere),
    };
    let Reading { articles: language, words } = reading(&uri, &headers, &shop.page);
    let asked = parameter(&uri, "q").filter(|text| !text.trim().is_empty());
    let mut content = search_form(&slug, asked.as_deref().unwrap_or_default(), &language, words);
    match &asked {
        Some(text) => {
            let found = match search::typed(&mut shop.tx, text, Some(&language), true, 20).await {
                Ok(found) => found,
                // Too little or too much to look for finds nothing.
                Err(TicketError::Field { .. }) => Vec::new(),
                Err(error) => return Err(error.into()),
            };
            let _ = write!(content, "<h2>{}</h2><ul>", (words.help.found)(found.len()));
            for one in &found {
                let begin: String = one.plain.chars().take(160).collect();
                let _ = write!(
                    content,
                    "<li><a href=\"/help/{slug}/a/{}?lang={language}\">{}</a><br>{}</li>",
                    one.slug,
                    escaped(&one.title),
                    escaped(&begin)
                );
            }
            content.push_str("</ul>");
        }
        None => list(&mut content, &slug, &language, &help::listed(&mut shop.tx, &language).await?),
    }
    shop.tx.commit().await?;
    if shop.page.has_form {
        let ask = words.ask_us;
        let _ = write!(content, "<p><a href=\"/help/{slug}/contact?lang={language}\">{ask}</a></p>");
    }
    let about = About { slug: &slug, page: &shop.page, words, title: &shop.page.title };
    Ok(page(StatusCode::OK, &about, &content, Kept::Public, &headers))
}

fn search_form(slug: &str, text: &str, language: &str, words: &Words) -> String {
    let search = words.help.search;
    format!(
        "<form role=\"search\" method=\"get\" action=\"/help/{slug}\"><label for=\"q\">{search}</label>\
         <input id=\"q\" type=\"search\" name=\"q\" value=\"{}\" maxlength=\"200\">\
         <input type=\"hidden\" name=\"lang\" value=\"{language}\"></form>",
        escaped(text)
    )
}

fn list(content: &mut String, slug: &str, language: &str, listed: &[Listed]) {
    let mut category: Option<&Option<String>> = None;
    for one in listed {
        if category != Some(&one.category) {
            if category.is_some() {
                content.push_str("</ul>");
            }
            if let Some(name) = &one.category {
                let _ = write!(content, "<h2>{}</h2>", escaped(name));
            }
            content.push_str("<ul>");
            category = Some(&one.category);
        }
        let title = escaped(&one.title);
        let _ =
            write!(content, "<li><a href=\"/help/{slug}/a/{}?lang={language}\">{title}</a></li>", one.slug);
    }
    if category.is_some() {
        content.push_str("</ul>");
    }
}

/// An article.
#[utoipa::path(
    get,
    path = "/help/{shop}/a/{article}",
    tag = "help page",
    security(()),
    params(
        ("shop" = String, Path, description = "the shop's slug"),
        ("article" = String, Path, description = "the article's slug"),
        ("lang" = Option<String>, Query, description = "ISO 639-1"),
        ("from" = Option<String>, Query, description = "the question that it was suggested for"),
    ),
    responses(
        (status = 200, description = "the page", body = String, content_type = "text/html"),
        (status = 404, description = "there is none", body = String, content_type = "text/html"),
    ),
)]
pub async fn article(
    State(state): State<AppState>,
    Path((slug, name)): Path<(String, String)>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let mut shop = match shop(&state, &slug, &headers).await? {
        Ok(shop) => shop,
        Err(nowhere) => return Ok(nowhere),
    };
    let Reading { articles: language, words } = reading(&uri, &headers, &shop.page);
    let is_name =
        name.len() <= 100 && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    let found = if is_name { help::page(&mut shop.tx, &name, &language).await? } else { None };
    let Some(found) = found else { return Ok(nowhere(&headers)) };
    let from = parameter(&uri, "from").and_then(|id| id.parse::<Uuid>().ok());
    if let Some(from) = from {
        deflection::opened(&mut shop.tx, from, found.article_id).await?;
    }
    shop.tx.commit().await?;
    // The article may be in another language than the words around it.
    let mut content = format!(
        "<article lang=\"{}\"><h1>{}</h1>{}</article>",
        escaped(&found.language),
        escaped(&found.title),
        found.html
    );
    if shop.page.has_form {
        let ask = words.help.not_this;
        let _ = write!(content, "<p><a href=\"/help/{slug}/contact?lang={language}\">{ask}</a></p>");
    }
    let about = About { slug: &slug, page: &shop.page, words, title: &found.title };
    // What is opened out of suggestions has to reach us, to be counted.
    let kept = if from.is_some() { Kept::Never } else { Kept::Public };
    Ok(page(StatusCode::OK, &about, &content, kept, &headers))
}
