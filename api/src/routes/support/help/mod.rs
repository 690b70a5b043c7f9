//! The public help page of a shop: its articles, search, and a form by which one asks; and the page behind a customer's
//! link. Written by the server, without a script, and with a policy that loads nothing but its own style.

mod contact;
mod customer;
mod form;
pub(super) mod html;
mod pages;
pub mod refusal;

use std::num::NonZeroU32;
use std::sync::Arc;

use accounts::tenants::{self, Tenant};
use axum::Extension;
use axum::http::{HeaderMap, Uri};
use axum::response::Response;
use database::{Role, Tx};
use support::articles::help::{self, HelpPage};
use support::customer_words::Words;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::routes::support::language;
use crate::state::AppState;
use crate::web::limiter::Limiter;
use crate::web::problem::Problem;

/// How many questions one address may send a minute.
const QUESTIONS: NonZeroU32 = NonZeroU32::new(5).expect("not zero");

/// How often each address has asked.
type Asked = Arc<Limiter>;

/// The routes of the public pages.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(pages::home))
        .routes(routes!(pages::article))
        .routes(routes!(contact::blank, contact::submit))
        .routes(routes!(customer::link))
        .routes(routes!(customer::page, customer::answer))
        .layer(Extension::<Asked>(Arc::new(Limiter::new(QUESTIONS))))
}

/// A shop's page, in a transaction of its tenant.
struct Shop {
    tenant: Tenant,
    page: HelpPage,
    tx: Tx,
}

/// The shop of that slug, if it has a page; else the answer that there is none, in the language of the request's `headers`.
async fn shop(state: &AppState, slug: &str, headers: &HeaderMap) -> Result<Result<Shop, Response>, Problem> {
    let is_slug = (1..=63).contains(&slug.len())
        && slug.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    if !is_slug {
        return Ok(Err(html::nowhere(headers)));
    }
    let mut tx = state.db.gateway_tx().await?;
    let tenant = tenants::find_by_slug(&mut tx, slug).await?;
    tx.commit().await?;
    let Some(tenant) = tenant else { return Ok(Err(html::nowhere(headers))) };
    let mut tx = state.db.tenant_tx(Role::Support, tenant.id).await?;
    match help::get(&mut tx).await?.filter(|page| page.is_on) {
        Some(page) => Ok(Ok(Shop { tenant, page, tx })),
        None => Ok(Err(html::nowhere(headers))),
    }
}

/// Which language a help page is read in.
struct Reading {
    /// That of its articles, where they are in it (ISO 639-1): what `lang` asks for, else what the browser does, else the page's
    /// own.
    articles: String,
    /// The words around them, in the first of these languages that there are words in.
    words: &'static Words,
}

/// Which language is asked for by `lang` and by the browser.
fn reading(uri: &Uri, headers: &HeaderMap, page: &HelpPage) -> Reading {
    let fits = |text: &String| text.len() == 2 && text.bytes().all(|b| b.is_ascii_lowercase());
    let asked = form::parameter(uri, "lang").filter(fits);
    let words = language::words(asked.as_deref(), headers, Some(&page.language));
    let by_browser = || language::accepted(headers).map(|words| words.code.to_owned());
    let articles = asked.or_else(by_browser).unwrap_or_else(|| page.language.clone());
    Reading { articles, words }
}
