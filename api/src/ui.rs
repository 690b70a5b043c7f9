//! The web app: its page under every path that nothing else has, with a nonce of its own each time, and its assets, which
//! never change under one name. Both are part of the program (`build.rs`).

use axum::Router;
use axum::extract::{Path, Request};
use axum::http::{HeaderMap, HeaderValue, Method, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::routes::support::help::refusal::is_public;
use crate::state::AppState;
use crate::web::problem::Problem;

include!(concat!(env!("OUT_DIR"), "/ui.rs"));

/// A file of the build, and what it is packed.
struct Asset {
    name: &'static str,
    plain: &'static [u8],
    brotli: Option<&'static [u8]>,
    gzip: Option<&'static [u8]>,
}

/// What stands in the built page where the nonce belongs.
const PLACE: &str = "__CSP_NONCE__";

/// A worker has the policy that its own script came with, not the page's: it loads scripts of this host and asks its API.
const ASSET_POLICY: &str = "default-src 'none'; script-src 'self'; connect-src 'self'; base-uri 'none'; \
    form-action 'none'; frame-ancestors 'none'";

/// The page of a program that was compiled without the web app.
const NOT_BUILT: &str = "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Deskwork</title>\
    <h1>The web app is not built</h1>\
    <p>Run <code>make build-ui</code>, then <code>make build</code>, and start the api again. \
    The API itself works; <a href=\"/docs\">its description</a> is here.</p></html>\n";

/// The assets.
pub fn routes() -> Router<AppState> {
    Router::new().route("/assets/{name}", get(asset))
}

/// What has no route: the page for a browser that opens an address, otherwise a refusal.
pub async fn page(request: Request) -> Response {
    let path = request.uri().path();
    let is_page = matches!(*request.method(), Method::GET | Method::HEAD)
        && !(path == "/api" || path.starts_with("/api/") || is_public(path))
        && mentions(request.headers(), header::ACCEPT, "text/html");
    if !is_page {
        return Problem::not_found("no route has this path; GET /openapi.json describes them all")
            .into_response();
    }
    let nonce = STANDARD.encode(rand::random::<[u8; 16]>());
    let policy = format!(
        "default-src 'none'; script-src 'self'; style-src 'self' 'nonce-{nonce}'; img-src 'self' data:; \
         font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    );
    let text = match PAGE {
        Some(page) => String::from_utf8_lossy(page).replace(PLACE, &nonce),
        None => NOT_BUILT.to_owned(),
    };
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8")),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-cache")),
        (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
        (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
        (header::CONTENT_SECURITY_POLICY, HeaderValue::from_str(&policy).expect("the nonce is base64")),
    ];
    (headers, text).into_response()
}

async fn asset(Path(name): Path<String>, headers: HeaderMap) -> Response {
    let Ok(place) = ASSETS.binary_search_by(|asset| asset.name.cmp(name.as_str())) else {
        return Problem::not_found("the web app has no such file; reload the page").into_response();
    };
    let asset = &ASSETS[place];
    let accepts = |encoding| mentions(&headers, header::ACCEPT_ENCODING, encoding);
    let (bytes, encoding) = match (asset.brotli, asset.gzip) {
        (Some(bytes), _) if accepts("br") => (bytes, Some("br")),
        (_, Some(bytes)) if accepts("gzip") => (bytes, Some("gzip")),
        _ => (asset.plain, None),
    };
    let mut response = (
        [
            (header::CONTENT_TYPE, content_type(asset.name)),
            (header::CACHE_CONTROL, "public, max-age=31536000, immutable"),
            (header::VARY, "accept-encoding"),
            (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
            (header::CONTENT_SECURITY_POLICY, ASSET_POLICY),
        ],
        bytes,
    )
        .into_response();
    if let Some(encoding) = encoding {
        response.headers_mut().insert(header::CONTENT_ENCODING, HeaderValue::from_static(encoding));
    }
    response
}

/// Whether a header's list names something, weights aside. What browsers send needs no more.
fn mentions(headers: &HeaderMap, header: header::HeaderName, wanted: &str) -> bool {
    let values = headers.get_all(header).iter().filter_map(|value| value.to_str().ok());
    values
        .flat_map(|value| value.split(','))
        .any(|part| part.split(';').next().unwrap_or_default().trim() == wanted)
}

fn content_type(name: &str) -> &'static str {
    match name.rsplit_once('.').map(|(_, ending)| ending) {
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("svg") => "image/svg+xml",
        Some("png") => "image/png",
        Some("woff2") => "font/woff2",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(path: &str, accept: &str) -> Request {
        let request = Request::builder().uri(path).header(header::ACCEPT, accept);
        request.body(axum::body::Body::empty()).expect("a request")
    }

    #[tokio::test]
    async fn a_browser_gets_the_page_with_a_new_nonce_each_time() {
        let policy = async |path: &str| {
            let response = page(asked(path, "text/html,application/xhtml+xml,*/*;q=0.8")).await;
            assert_eq!(response.status(), 200);
            response.headers()[header::CONTENT_SECURITY_POLICY].clone()
        };
        assert_ne!(policy("/").await, policy("/operate/queues").await);
    }

    #[tokio::test]
    async fn a_path_of_the_api_is_never_the_page() {
        for (path, accept) in [("/api/nothing", "text/html"), ("/api", "text/html"), ("/nothing", "*/*")] {
            assert_eq!(page(asked(path, accept)).await.status(), 404, "{path}");
        }
    }
}
