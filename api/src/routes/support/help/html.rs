//! The frame of the public pages, and what every answer of them carries.

use accounts::tenants;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use database::ids::TenantId;
use database::{DbError, Tx};
use support::articles::help::{self, HelpPage};
use support::customer_words::Words;

use crate::routes::support::language;
use crate::web::etag;

/// Makes a text safe between tags and in attributes.
pub fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            c if c.is_control() && c != '\n' => {}
            c => safe.push(c),
        }
    }
    safe
}

/// The style of every page; the colour stands in a rule of its own before it.
const STYLE: &str = "body{font:16px/1.6 system-ui,sans-serif;margin:0;color:#1b1f24;background:#fff}\
header{background:var(--shop);padding:1.5rem}\
header a,header strong{color:#fff;text-decoration:none;font-size:1.4rem;font-weight:600}\
main{max-width:44rem;margin:0 auto;padding:1.5rem}a{color:var(--shop)}\
input,textarea,button{font:inherit;padding:.5rem;border:1px solid #8a929c;border-radius:.4rem;box-sizing:border-box}\
input[type=text],input[type=email],input[type=search],textarea{width:100%}label{display:block;margin:.8rem 0 .2rem}\
button{background:var(--shop);color:#fff;border:0;padding:.6rem 1.2rem;cursor:pointer}\
:focus-visible{outline:3px solid #ffb300;outline-offset:2px}.trap{position:absolute;left:-9999px}\
table{border-collapse:collapse}td,th{border:1px solid #c9ced4;padding:.3rem .6rem}pre{overflow:auto}\
.from{border-left:4px solid var(--shop);padding-left:.8rem;margin:1rem 0;white-space:pre-wrap}\
@media(prefers-color-scheme:dark){body{background:#14171a;color:#e8eaed}a{color:#9db8ff}\
input,textarea{background:#1f2429;color:inherit}}";

/// The colour of a page that has none of its own.
const COLOUR: &str = "#1f5eff";

/// How long an answer may be kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kept {
    /// For a minute, by anybody.
    Public,
    /// By nobody.
    Never,
}

/// What a page is about.
pub struct About<'a> {
    /// The shop's slug.
    pub slug: &'a str,
    /// How its page looks.
    pub page: &'a HelpPage,
    /// The words of its language.
    pub words: &'static Words,
    /// The title of this page.
    pub title: &'a str,
}

/// How a page looks that a shop has given no looks.
pub fn plain(title: &str, words: &Words) -> HelpPage {
    HelpPage {
        is_on: false,
        title: title.to_owned(),
        colour: COLOUR.to_owned(),
        language: words.code.to_owned(),
        has_form: false,
        version: 0,
    }
}

/// How a shop's pages look, and its slug.
pub struct Looks {
    /// The shop's slug.
    pub slug: String,
    /// Its help page's looks; of a shop without one, its name and no colour.
    pub page: HelpPage,
}

/// How the pages of the transaction's shop look (support role); none when there is no such shop.
///
/// # Errors
/// The database failed.
pub async fn looks(tx: &mut Tx, tenant: TenantId, words: &Words) -> Result<Option<Looks>, DbError> {
    let Some(tenant) = tenants::get(tx, tenant).await? else { return Ok(None) };
    let page = help::get(tx).await?.unwrap_or_else(|| plain(&tenant.name, words));
    Ok(Some(Looks { slug: tenant.slug, page }))
}

/// A whole page. `headers` are the request's: what is known already is not sent again.
pub fn page(
    status: StatusCode,
    about: &About<'_>,
    content: &str,
    kept: Kept,
    headers: &HeaderMap,
) -> Response {
    let (title, shop) = (escaped(about.title), escaped(&about.page.title));
    // The colour has the form of one, by a constraint of the table; the slug is of letters and digits.
    let style = format!(":root{{--shop:{}}}{STYLE}", about.page.colour);
    // A shop whose help page is off has none that its name could lead to.
    let shop = match about.page.is_on {
        true => format!("<a href=\"/help/{}\">{shop}</a>", about.slug),
        false => format!("<strong>{shop}</strong>"),
    };
    let robots = if kept == Kept::Never { "<meta name=\"robots\" content=\"noindex\">" } else { "" };
    let text = format!(
        "<!doctype html><html lang=\"{}\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">{robots}<title>{title}</title>\
         <style>{style}</style></head><body><header>{shop}</header>\
         <main>{content}</main></body></html>",
        about.words.code
    );
    answer(status, text, &style, kept, headers)
}

fn answer(status: StatusCode, text: String, style: &str, kept: Kept, headers: &HeaderMap) -> Response {
    let tag = etag::of(text.as_bytes());
    let is_known = kept == Kept::Public && status == StatusCode::OK && etag::is_known(headers, &tag);
    let mut response =
        if is_known { StatusCode::NOT_MODIFIED.into_response() } else { (status, text).into_response() };
    let policy = format!(
        "default-src 'none'; style-src 'sha256-{}'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
        hash_of(style)
    );
    let kept =
        if kept == Kept::Public { "public, max-age=60, stale-while-revalidate=600" } else { "no-store" };
    let fixed = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CACHE_CONTROL, kept),
        (header::VARY, "accept-language"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::CONTENT_SECURITY_POLICY, policy.as_str()),
        (header::ETAG, tag.as_str()),
    ];
    for (name, value) in fixed {
        if let Ok(value) = HeaderValue::from_str(value) {
            response.headers_mut().insert(name, value);
        }
    }
    response
}

/// The hash by which the policy knows the page's own style.
fn hash_of(style: &str) -> String {
    use base64::Engine as _;
    use sha2::Digest as _;
    base64::engine::general_purpose::STANDARD.encode(sha2::Sha256::digest(style.as_bytes()))
}

/// There is no such page, of any shop. `headers` are the request's, whose language it is in.
pub fn nowhere(headers: &HeaderMap) -> Response {
    let words = language::words(None, headers, None);
    bare(StatusCode::NOT_FOUND, words, words.help.no_page, headers)
}

/// A page of no shop, of one sentence. `headers` are the request's.
pub fn bare(status: StatusCode, words: &Words, sentence: &str, headers: &HeaderMap) -> Response {
    let title = if status == StatusCode::NOT_FOUND { words.help.not_found } else { sentence };
    let text = format!(
        "<!doctype html><html lang=\"{}\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"><title>{title}</title></head>\
         <body><h1>{sentence}</h1></body></html>",
        words.code
    );
    answer(status, text, "", Kept::Never, headers)
}
