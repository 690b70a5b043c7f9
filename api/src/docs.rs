//! The description of the API: `/openapi.json`, and `/docs`, a page that shows it and lets one try it
//! out. The page is part of the program and loads nothing from elsewhere.

use axum::{Router, http::header, routing::get};
use bytes::Bytes;
use utoipa::openapi::schema::AdditionalProperties;
use utoipa::openapi::{OpenApi, RefOr, Schema};

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
    let mut document = document.clone();
    open_what_is_extended(&mut document);
    serde_json::to_string_pretty(&document).expect("an OpenAPI document is plain data")
}

/// A schema that others extend by fields of their own cannot say that it has no others than its own: an answer has both.
/// What a request may have is checked when it is read.
fn open_what_is_extended(document: &mut OpenApi) {
    let Some(components) = &mut document.components else { return };
    let parts = components.schemas.values().filter_map(|schema| match schema {
        RefOr::T(Schema::AllOf(all)) => Some(&all.items),
        _ => None,
    });
    let extended: Vec<String> = parts
        .flatten()
        .filter_map(|part| match part {
            RefOr::Ref(name) => name.ref_location.strip_prefix("#/components/schemas/").map(str::to_owned),
            RefOr::T(_) => None,
        })
        .collect();
    for name in extended {
        if let Some(RefOr::T(Schema::Object(object))) = components.schemas.get_mut(&name)
            && matches!(object.additional_properties.as_deref(), Some(AdditionalProperties::FreeForm(false)))
        {
            object.additional_properties = None;
        }
    }
}

async fn page() -> impl axum::response::IntoResponse {
    const POLICY: &str =
        "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'";
    (
        [(header::CONTENT_TYPE, "text/html; charset=utf-8"), (header::CONTENT_SECURITY_POLICY, POLICY)],
        include_str!("docs.html"),
    )
}
