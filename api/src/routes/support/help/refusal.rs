//! Refusals on the pages that customers open. What is refused before a route is asked, or has none, is told to programs in a
//! problem document; a person is told with a page, in the language that their browser asks for.

use axum::extract::Request;
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::Response;
use support::customer_words::Words;

use super::html;
use crate::routes::support::language;

/// Whether an address is one of the pages that customers open.
pub fn is_public(path: &str) -> bool {
    ["/help/", "/my/", "/r/"].iter().any(|pages| path.starts_with(pages))
}

/// Answers with a page where a customer's page was refused otherwise, with the same status. Who asks for another form than a
/// page's, or for none, is a program.
pub async fn as_page(request: Request, next: Next) -> Response {
    let is_for_people = is_public(request.uri().path()) && takes_pages(request.headers());
    if !is_for_people {
        return next.run(request).await;
    }
    let (method, headers) = (request.method().clone(), request.headers().clone());
    let answer = next.run(request).await;
    let status = answer.status();
    let is_page = answer.headers().get(header::CONTENT_TYPE).is_some_and(|kind| is_html(kind.as_bytes()));
    if is_page || !(status.is_client_error() || status.is_server_error()) {
        return answer;
    }
    let words = language::words(None, &headers, None);
    let mut page = html::bare(status, words, sentence(status, &method, words), &headers);
    // When to come back, and what may be asked here, is true of the page as well.
    for name in [header::RETRY_AFTER, header::ALLOW] {
        if let Some(value) = answer.headers().get(&name) {
            page.headers_mut().insert(name, value.clone());
        }
    }
    page
}

fn takes_pages(headers: &HeaderMap) -> bool {
    let values = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let mut kinds = values.flat_map(|value| value.split(','));
    kinds.any(|kind| matches!(kind.split(';').next().unwrap_or_default().trim(), "text/html" | "*/*"))
}

fn is_html(kind: &[u8]) -> bool {
    kind.starts_with(b"text/html")
}

/// What a person can make of it.
fn sentence(status: StatusCode, method: &Method, words: &Words) -> &'static str {
    match status {
        StatusCode::BAD_REQUEST if *method == Method::POST => words.form.does_not_fit,
        StatusCode::PAYLOAD_TOO_LARGE => words.too_long,
        StatusCode::TOO_MANY_REQUESTS => words.own.too_many,
        status if status.is_server_error() => words.try_again,
        _ => words.help.no_page,
    }
}
