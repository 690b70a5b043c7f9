//! Entity tags: a caller that polls with what it has seen is told that nothing changed (304).

use axum::{
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use sha2::{Digest, Sha256};

/// The tag of a body.
pub fn of(body: &[u8]) -> String {
    format!("\"{}\"", URL_SAFE_NO_PAD.encode(&Sha256::digest(body)[..12]))
}

/// Whether `If-None-Match` names the tag, or anything.
pub fn is_known(headers: &HeaderMap, tag: &str) -> bool {
    headers
        .get_all(header::IF_NONE_MATCH)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(|known| known.trim().trim_start_matches("W/"))
        .any(|known| known == tag || known == "*")
}

/// Answers a JSON body with its tag: 200, or 304 without the body when the caller has it.
pub fn answer(headers: &HeaderMap, body: Vec<u8>) -> Response {
    let tag = of(&body);
    let known = is_known(headers, &tag);
    let tag = HeaderValue::from_str(&tag).expect("a tag is a header value");
    let common =
        [(header::ETAG, tag), (header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache"))];
    if known {
        return (StatusCode::NOT_MODIFIED, common).into_response();
    }
    (common, [(header::CONTENT_TYPE, "application/json")], body).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_known_tag_is_found_in_lists_and_in_its_weak_form() {
        let tag = of(b"{}");
        let mut headers = HeaderMap::new();
        assert!(!is_known(&headers, &tag));
        for (value, known) in [
            (tag.clone(), true),
            (format!("\"other\", W/{tag}"), true),
            ("*".to_owned(), true),
            ("\"other\"".to_owned(), false),
        ] {
            headers.insert(header::IF_NONE_MATCH, value.parse().expect("a header value"));
            assert_eq!(is_known(&headers, &tag), known, "{value}");
        }
    }

    #[test]
    fn what_is_known_is_not_sent_again() {
        let mut headers = HeaderMap::new();
        assert_eq!(answer(&headers, b"{}".to_vec()).status(), StatusCode::OK);
        headers.insert(header::IF_NONE_MATCH, of(b"{}").parse().expect("a header value"));
        assert_eq!(answer(&headers, b"{}".to_vec()).status(), StatusCode::NOT_MODIFIED);
    }
}
