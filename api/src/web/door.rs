//! What no part of a request may contain, checked in one place before any route sees it: texts that Postgres cannot store
//! and numbers that it cannot read. It is the caller's mistake, known before any statement, so it is refused by name
//! and never a 500. Nothing is stripped in silence: a payload is the caller's contract.
//!
//! Paths and queries are checked by [`check`] around every route, JSON bodies by [`check_json`] wherever one is read. What a
//! value of a query may be beyond that is what the description says of it ([`Parameters`]).

use std::borrow::Cow;
use std::sync::Arc;

use accounts::foreign::json::{self, Fault};
use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use percent_encoding::percent_decode_str;

use crate::web::parameters::Parameters;
use crate::web::problem::Problem;

/// The longest part of a path and the longest name of a parameter, decoded, in characters.
pub const MAX_PART: usize = 500;

/// The longest value of a query parameter, decoded, in characters.
pub const MAX_VALUE: usize = 8_000;

/// The longest address that the description allows for any operation, percent-encoded, in bytes. One of more than 65,534 is
/// refused by the HTTP library before anything of ours sees it, with 414 and without a document; no request that is described
/// may come to that, and a test holds every operation to it.
pub const MAX_ADDRESS_BYTES: usize = 60_000;

/// A field that is one thing to the request, whatever it holds: what is wrong in it is said behind its name.
const OPAQUE: &str = "payload";

/// Refuses a request whose path or query no route could use.
pub async fn check(State(parameters): State<Arc<Parameters>>, request: Request, next: Next) -> Response {
    let pattern = request.extensions().get::<MatchedPath>().map(MatchedPath::as_str).unwrap_or_default();
    let query = request.uri().query().unwrap_or_default();
    let checked = check_path(request.uri().path(), pattern)
        .and_then(|()| check_query(query))
        .and_then(|()| parameters.check(request.method(), pattern, query));
    match checked {
        Ok(()) => next.run(request).await,
        Err(problem) => problem.into_response(),
    }
}

fn check_path(path: &str, pattern: &str) -> Result<(), Problem> {
    let mut names = pattern.split('/');
    for part in path.split('/') {
        let name = names.next().and_then(|name| name.strip_prefix('{')?.strip_suffix('}'));
        check_text(part, MAX_PART)
            .map_err(|detail| Problem::bad_request(name.unwrap_or("path").to_owned(), detail))?;
    }
    Ok(())
}

fn check_query(query: &str) -> Result<(), Problem> {
    for pair in query.split('&') {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        check_text(name, MAX_PART).map_err(|detail| Problem::bad_request("query", detail))?;
        check_text(value, MAX_VALUE).map_err(|detail| {
            let name = percent_decode_str(name).decode_utf8_lossy().chars().take(100).collect::<String>();
            Problem::bad_request(name, detail)
        })?;
    }
    Ok(())
}

fn check_text(encoded: &str, max_chars: usize) -> Result<(), Cow<'static, str>> {
    // A percent sign without two digits stands for itself.
    let bytes: Cow<'_, [u8]> = percent_decode_str(encoded).into();
    if bytes.contains(&0) {
        return Err("must not contain a NUL character".into());
    }
    let Ok(text) = std::str::from_utf8(&bytes) else {
        return Err("must be UTF-8, percent-encoded; half of a surrogate pair is no character".into());
    };
    if bytes.len() > max_chars && text.chars().count() > max_chars {
        return Err(format!("must have at most {max_chars} characters").into());
    }
    Ok(())
}

/// Refuses JSON with a text, a number or a depth that cannot be stored; what is no JSON at all is left to its reader.
///
/// # Errors
/// 400 naming the field.
pub fn check_json(text: &[u8]) -> Result<(), Problem> {
    let Ok(cleaned) = json::clean(text) else { return Ok(()) };
    for repair in cleaned.repairs {
        let detail = match repair.fault {
            Fault::Nul => "must not contain a NUL character",
            Fault::HalfCharacter => "must not contain half of a surrogate pair",
            Fault::NoUtf8 => "must be UTF-8",
            Fault::Number => "must be a number of at most 400 digits with an exponent of at most 400",
            Fault::Depth => "must not be nested deeper than 64 levels",
            // Faults of form, which the reader names with their line; lengths have bounds of their own.
            Fault::LineEnd
            | Fault::Control
            | Fault::Backslash
            | Fault::Word
            | Fault::NoValue
            | Fault::Comma
            | Fault::Length => continue,
        };
        return Err(match outside_of_payload(&repair.place) {
            Some((field, within)) => Problem::bad_request(field.to_owned(), format!("{within} {detail}")),
            None => Problem::bad_request(repair.place, detail),
        });
    }
    Ok(())
}

/// `jobs[2].payload.names[0]` is the field `jobs[2].payload`, and what stands within it.
fn outside_of_payload(place: &str) -> Option<(&str, &str)> {
    let start = place.find(OPAQUE)?;
    let is_name = start == 0 || place.as_bytes()[start - 1] == b'.';
    let (field, within) = place.split_at(start + OPAQUE.len());
    let within = within.strip_prefix('.').or_else(|| within.starts_with('[').then_some(within))?;
    is_name.then_some((field, within))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(result: Result<(), Problem>) -> String {
        result.expect_err("refused").field.expect("a field").into_owned()
    }

    #[test]
    fn what_cannot_be_stored_is_refused_by_name() {
        for (text, place) in [
            (r#"{"payload":{"name":"a\u0000b"}}"#, "payload"),
            (r#"{"jobs":[{},{},{"payload":{"names":["\ud83d"]}}]}"#, "jobs[2].payload"),
            (r#"{"jobs":[{"payload":["\u0000"]}]}"#, "jobs[0].payload"),
            (r#"{"payload":"\u0000"}"#, "payload"),
            (r#"{"filter":{"kind":"\u0000"}}"#, "filter.kind"),
            (r#"{"reason":"\udc00"}"#, "reason"),
            (r#"{"payload":{"n":1e4000}}"#, "payload"),
            (r#"{"a\u0000":1}"#, "(body)"),
        ] {
            assert_eq!(field(check_json(text.as_bytes())), place, "{text}");
        }
        let deep = format!("{{\"payload\":{}{}}}", "[".repeat(100), "]".repeat(100));
        assert_eq!(field(check_json(deep.as_bytes())), "payload");
        for text in [r#"{"payload":{"name":"\ud83d\ude00","n":1e300}}"#, "{", "[1,]", r#"{"payloads":"x"}"#] {
            assert_eq!(check_json(text.as_bytes()), Ok(()), "{text}");
        }
    }

    #[test]
    fn parts_of_the_address_are_refused_by_name() {
        let pattern = "/api/queues/{name}/pause";
        for part in ["a%20b", &"%F0%9F%92%A5".repeat(500)] {
            assert_eq!(check_path(&format!("/api/queues/{part}/pause"), pattern), Ok(()), "{part}");
        }
        for part in ["a%00", "%ED%A0%80", "%ff", &"x".repeat(501)] {
            assert_eq!(field(check_path(&format!("/api/queues/{part}/pause"), pattern)), "name", "{part}");
        }
        assert_eq!(field(check_path("/%00", "")), "path");
        assert_eq!(check_query(""), Ok(()));
        assert_eq!(check_query("a=1&b=%F0%9F%92%A5+x&c=100%"), Ok(()));
        assert_eq!(field(check_query("a=1&kind=%00")), "kind");
        assert_eq!(field(check_query("a=%C3")), "a");
        assert_eq!(field(check_query("%00=1")), "query");
        assert_eq!(field(check_query(&format!("a={}", "x".repeat(8_001)))), "a");
    }
}
