//! Entity tags: a caller that polls with what it has seen is told that nothing changed (304).

use axum::{
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use sha2::{Digest, Sha256};

use crate::web::problem::Problem;

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

/// The tag of a thing that counts its changes.
pub fn of_version(version: i64) -> String {
    format!("\"{version}\"")
}

/// The version that `If-Match` names; none when there is no such header, or it says that any will do. What is no tag of
/// ours names a version that nothing has.
///
/// # Errors
/// 400 when it names several.
pub fn expected_version(headers: &HeaderMap) -> Result<Option<i64>, Problem> {
    let mut values = headers.get_all(header::IF_MATCH).iter();
    let Some(value) = values.next() else { return Ok(None) };
    let text = value.to_str().unwrap_or_default().trim();
    if values.next().is_some() || text.contains(',') {
        return Err(Problem::bad_request("If-Match", "must name one ETag, as the answer before had it"));
    }
    if text == "*" {
        return Ok(None);
    }
    let digits = text.trim_start_matches("W/").strip_prefix('"').and_then(|text| text.strip_suffix('"'));
    Ok(Some(digits.and_then(|digits| digits.parse().ok()).unwrap_or(-1)))
}

/// Whether `If-Match` allows a change of what has this tag now, or this version: each tag that an answer had names either.
/// Without the header anything does.
pub fn allows(headers: &HeaderMap, tag: &str, version: i64) -> bool {
    let version = of_version(version);
    let mut named = headers
        .get_all(header::IF_MATCH)
        .iter()
        .flat_map(|value| value.to_str().unwrap_or_default().split(','))
        .map(|named| named.trim().trim_start_matches("W/"))
        .peekable();
    named.peek().is_none() || named.any(|named| named == tag || named == version || named == "*")
}

/// An answer with the tag of its version.
pub fn with_version(version: i64, answer: impl IntoResponse) -> Response {
    let mut response = answer.into_response();
    if let Ok(tag) = HeaderValue::from_str(&of_version(version)) {
        response.headers_mut().insert(header::ETAG, tag);
    }
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    response
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
    fn a_version_is_expected_by_its_tag() {
        let expected = |value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::IF_MATCH, value.parse().expect("a header value"));
            expected_version(&headers)
        };
        assert_eq!(expected_version(&HeaderMap::new()), Ok(None));
        assert_eq!(expected(&of_version(7)), Ok(Some(7)));
        assert_eq!(expected("W/\"7\""), Ok(Some(7)));
        assert_eq!(expected("*"), Ok(None));
        for foreign in ["7", "\"x\"", "", "\""] {
            assert_eq!(expected(foreign), Ok(Some(-1)), "{foreign}");
        }
        assert!(expected("\"1\", \"2\"").is_err());
    }

    #[test]
    fn a_change_is_allowed_by_the_tag_or_the_version_that_was_seen() {
        let tag = of(b"{}");
        let mut headers = HeaderMap::new();
        assert!(allows(&headers, &tag, 7));
        for (value, allowed) in [
            (tag.clone(), true),
            (of_version(7), true),
            ("*".to_owned(), true),
            (format!("\"other\", {tag}"), true),
            (of_version(6), false),
            ("7".to_owned(), false),
            (String::new(), false),
        ] {
            headers.insert(header::IF_MATCH, value.parse().expect("a header value"));
            assert_eq!(allows(&headers, &tag, 7), allowed, "{value}");
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
