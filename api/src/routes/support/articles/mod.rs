//! Articles: writing, publishing and finding what a shop knows, and whether its help page helps.

mod write;

use std::collections::BTreeMap;

use accounts::api_keys::Scope;
use axum::extract::State;
use axum::http::Uri;
use axum::response::Response;
use chrono::{DateTime, Duration, Utc};
use database::Role;
use serde::{Deserialize, Serialize};
use serde_json::json;
use support::articles::deflection::{self, Deflected};
use support::articles::help::{self, HelpPage};
use support::articles::search::{self, Found};
use support::articles::store::{Article, Content, Text};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::rules::refused;
use crate::state::AppState;
use crate::web::auth::{Allowed, Caller};
use crate::web::body::Json;
use crate::web::problem::{Problem, ProblemDocument};
use crate::web::query::Params;
use crate::web::{etag, trail};

/// The routes of articles and of the help page's looks.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(write::page, write::create))
        .routes(routes!(find))
        .routes(routes!(deflected))
        .routes(routes!(write::show, write::change, write::remove))
        .routes(routes!(write::versions))
        .routes(routes!(write::publish))
        .routes(routes!(write::unpublish))
        .routes(routes!(write::preview))
        .routes(routes!(looks, put_looks))
}

/// An article in one language.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ArticleText {
    /// 1 to 200 characters.
    title: String,
    /// Markdown, 1 to 100,000 characters.
    body: String,
}

/// What an article is to be.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "slug": "returns", "category": "Orders", "is_public": true, "default_language": "en",
    "texts": {"en": {"title": "Returns", "body": "You have **30 days**."}}
}))]
pub struct ArticleBody {
    /// Its name in addresses: 1 to 100 of a-z, 0-9 and -.
    slug: String,
    /// Where it is listed.
    #[serde(default)]
    category: Option<String>,
    /// Whether customers may read it.
    #[serde(default)]
    is_public: bool,
    /// By language (ISO 639-1).
    texts: BTreeMap<String, ArticleText>,
    /// The language of readers whose own has no text.
    default_language: String,
}

impl From<ArticleBody> for Content {
    fn from(body: ArticleBody) -> Content {
        let text = |text: ArticleText| Text { title: text.title, body: text.body };
        Content {
            slug: body.slug,
            category: body.category,
            is_public: body.is_public,
            texts: body.texts.into_iter().map(|(language, one)| (language, text(one))).collect(),
            default_language: body.default_language,
        }
    }
}

/// An article.
#[derive(Debug, Serialize, ToSchema)]
pub struct ArticleView {
    /// The article.
    id: Uuid,
    /// Its name in addresses.
    slug: String,
    /// Where it is listed.
    category: Option<String>,
    /// Whether customers may read it.
    is_public: bool,
    /// The newest version; its entity tag.
    version: i32,
    /// The version that is published; null is a draft.
    published_version: Option<i32>,
    /// What the newest version says, by language.
    #[schema(value_type = std::collections::BTreeMap<String, ArticleText>)]
    texts: BTreeMap<String, Text>,
    /// The language of readers whose own has no text.
    default_language: String,
    /// agent:ID or key:ID.
    changed_by: String,
    /// When it was made.
    created_at: DateTime<Utc>,
    /// When it was changed.
    updated_at: DateTime<Utc>,
}

impl From<Article> for ArticleView {
    fn from(stored: Article) -> ArticleView {
        ArticleView {
            id: stored.id,
            slug: stored.slug,
            category: stored.category,
            is_public: stored.is_public,
            version: stored.version,
            published_version: stored.published_version,
            texts: stored.texts,
            default_language: stored.default_language,
            changed_by: stored.changed_by,
            created_at: stored.created_at,
            updated_at: stored.updated_at,
        }
    }
}

/// What was found.
#[derive(Debug, Serialize, ToSchema)]
pub struct FoundArticles {
    /// The best first.
    #[schema(value_type = Vec<serde_json::Value>)]
    items: Vec<Found>,
}

/// Published articles with these words, in the languages that search of tickets knows.
#[utoipa::path(
    get,
    path = "/api/articles/search",
    tag = "articles",
    params(
        ("q" = String, Query, description = "words, \"phrases\"; the last word may be unfinished"),
        ("language" = Option<String>, Query, description = "the page of an article that is shown, where it has one"),
        ("public" = Option<bool>, Query, description = "true: only what customers may read"),
    ),
    responses((status = 200, description = "20 at most", body = FoundArticles)),
)]
async fn find(
    State(state): State<AppState>,
    caller: Caller,
    uri: Uri,
) -> Result<axum::Json<FoundArticles>, Problem> {
    caller.require(Scope::TicketsRead)?;
    let params = Params::of(&uri, &["q", "language", "public"])?;
    let text = params.text("q")?.ok_or_else(|| Problem::bad_request("q", "must be given"))?;
    let public = match params.text("public")? {
        None | Some("false") => false,
        Some("true") => true,
        Some(_) => return Err(Problem::bad_request("public", "must be true or false")),
    };
    let language = params.text("language")?;
    let mut tx = state.db.tenant_tx(Role::Support, caller.tenant).await?;
    let items = search::typed(&mut tx, text, language, public, 20).await?;
    tx.commit().await?;
    Ok(axum::Json(FoundArticles { items }))
}

/// How often the help page answered a question before it was sent.
#[derive(Debug, Serialize, ToSchema)]
pub struct Deflection {
    /// From when on.
    from: DateTime<Utc>,
    /// Until when.
    until: DateTime<Utc>,
    /// shown, opened, sent, deflected (opened and not sent within an hour), open (nobody can say yet).
    #[serde(flatten)]
    #[schema(value_type = serde_json::Value)]
    counts: Deflected,
}

/// How often the help page answered a question before it was sent.
#[utoipa::path(
    get,
    path = "/api/articles/deflection",
    tag = "articles",
    params(("days" = Option<i64>, Query, description = "how many days back, 1 to 366; 30 when missing")),
    responses((status = 200, description = "the counts", body = Deflection)),
)]
async fn deflected(
    State(state): State<AppState>,
    caller: Caller,
    uri: Uri,
) -> Result<axum::Json<Deflection>, Problem> {
    caller.require(Scope::ReportsRead)?;
    let days = Params::of(&uri, &["days"])?.number("days")?.unwrap_or(30);
    let until = Utc::now();
    let from = until - Duration::days(days);
    let mut tx = state.db.tenant_tx(Role::Support, caller.tenant).await?;
    let counts = deflection::report(&mut tx, from, until).await?;
    tx.commit().await?;
    Ok(axum::Json(Deflection { from, until, counts }))
}

/// How the help page looks.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"is_on": true, "title": "Help", "colour": "#1f5eff", "language": "en", "has_form": true}))]
pub struct HelpLooks {
    /// Whether it is there, under /help/SLUG.
    is_on: bool,
    /// 1 to 200 characters.
    title: String,
    /// As #1f5eff.
    colour: String,
    /// Shown to whoever asks for no language that there is.
    language: String,
    /// Whether one can ask there.
    has_form: bool,
}

impl HelpLooks {
    fn before_it_is_set_up() -> HelpLooks {
        HelpLooks {
            is_on: false,
            title: "Help".to_owned(),
            colour: "#1f5eff".to_owned(),
            language: "en".to_owned(),
            has_form: true,
        }
    }
}

impl From<HelpPage> for HelpLooks {
    fn from(page: HelpPage) -> HelpLooks {
        let HelpPage { is_on, title, colour, language, has_form, .. } = page;
        HelpLooks { is_on, title, colour, language, has_form }
    }
}

/// How the shop's help page looks.
#[utoipa::path(
    get,
    path = "/api/help",
    tag = "articles",
    responses(
        (status = 200, description = "how it looks; off, until it is set up", body = HelpLooks),
    ),
)]
async fn looks(State(state): State<AppState>, caller: Caller, uri: Uri) -> Result<Response, Problem> {
    caller.require(Scope::TicketsRead)?;
    Params::of(&uri, &[])?;
    let mut tx = state.db.tenant_tx(Role::Support, caller.tenant).await?;
    let page = help::get(&mut tx).await?;
    tx.commit().await?;
    let (version, looks) = page
        .map_or_else(|| (0, HelpLooks::before_it_is_set_up()), |page| (page.version, HelpLooks::from(page)));
    Ok(etag::with_version(version, axum::Json(looks)))
}

/// Set the shop's help page up.
#[utoipa::path(
    put,
    path = "/api/help",
    tag = "articles",
    request_body = HelpLooks,
    responses(
        (status = 200, description = "how it looks now", body = HelpLooks),
        (status = 422, description = "something in it cannot be; the field says what", body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
async fn put_looks(
    State(state): State<AppState>,
    Allowed(caller): Allowed<{ Scope::SettingsWrite as u8 }>,
    body: Json<HelpLooks>,
) -> Result<Response, Problem> {
    let HelpLooks { is_on, title, colour, language, has_form } = body.value;
    let wanted = HelpPage { is_on, title, colour, language, has_form, version: 0 };
    let mut tx = state.db.tenant_tx(Role::Support, caller.tenant).await?;
    let stored = help::put(&mut tx, caller.tenant, &wanted).await.map_err(refused)?;
    trail::record(&mut tx, &caller, "help_page.put", "help_page", json!({ "is_on": is_on })).await?;
    state.db.commit(tx).await?;
    Ok(etag::with_version(stored.version, axum::Json(HelpLooks::from(stored))))
}
