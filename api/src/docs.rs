//! The description of the API: `/openapi.json`, and `/docs`, a page that shows it and lets one try it
//! out. The page is part of the program and loads nothing from elsewhere.

use axum::{Router, http::header, routing::get};
use bytes::Bytes;
use utoipa::openapi::OpenApi;

use crate::state::AppState;

/// The document and the page.
pub fn routes(document: &OpenApi) -> Router<AppState> {
    let json = Bytes::from(json(document));
    Router::new()
        .route("/openapi.json", get(async move || ([(header::CONTENT_TYPE, "application/json")], json)))
        .route("/docs", get(page))
}

/// The document as JSON, indented for people.
pub fn json(document: &OpenApi) -> String {
    serde_json::to_string_pretty(document).expect("an OpenAPI document is plain data")
}

async fn page() -> impl axum::response::IntoResponse {
    const POLICY: &str =
        "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'";
    (
        [(header::CONTENT_TYPE, "text/html; charset=utf-8"), (header::CONTENT_SECURITY_POLICY, POLICY)],
        include_str!("docs.html"),
    )
}
