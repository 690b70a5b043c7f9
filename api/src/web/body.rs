//! JSON bodies: bounded, strict, and refused with the place of the fault, what was seen there and what is allowed ([`plain`]).
//! Objects are read by the names of their fields ([`ByName`]), never from a list.

use std::{error::Error, iter::successors};

use axum::{
    body::Body,
    extract::{FromRequest, MatchedPath, Request},
    http::{HeaderMap, Method, header},
};
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;
use jobs::by_name::ByName;
use serde::de::{DeserializeOwned, IgnoredAny};
use serde_json::Value;
use serde_path_to_error::{Path, Segment};
use sha2::{Digest, Sha256};
use tower_http::timeout::TimeoutError;

use crate::web::door;
use crate::web::packing::{Packing, Unpacker};
use crate::web::plain;
use crate::web::problem::Problem;
use crate::web::ranges;

/// The largest body where a route says nothing else, in bytes.
pub const DEFAULT_LIMIT_BYTES: usize = 512 * 1024;

/// A JSON body of at most `LIMIT_BYTES`. An empty body counts as `{}`.
///
/// Too large, also after unpacking: 413. Not JSON, or not of this form, or with a text that cannot be stored: 400 naming
/// line and field. Another content type or packing: 415.
#[derive(Debug)]
pub struct Json<T, const LIMIT_BYTES: usize = DEFAULT_LIMIT_BYTES> {
    /// What was sent.
    pub value: T,
    /// SHA-256 of method, path and body: equal for a repetition of the same request.
    pub digest: [u8; 32],
}

impl<S: Sync, T: DeserializeOwned, const LIMIT_BYTES: usize> FromRequest<S> for Json<T, LIMIT_BYTES> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        check_content_type(request.headers())?;
        let (parts, body) = request.into_parts();
        let bytes = read(&parts.headers, body, LIMIT_BYTES).await?;
        let digest = Sha256::new()
            .chain_update(parts.method.as_str())
            .chain_update([0])
            .chain_update(parts.uri.path())
            .chain_update([0])
            .chain_update(&bytes)
            .finalize()
            .into();
        let operation = parts.extensions.get::<MatchedPath>().map(|path| (&parts.method, path.as_str()));
        Ok(Json { value: parse(&bytes, operation)?, digest })
    }
}

/// The whole body, if it has at most `limit_bytes`.
///
/// # Errors
/// 413 when it has more, also after unpacking; 415 for a packing that is not known; 400 when the caller broke off, 408 when it stopped sending.
pub async fn read(headers: &HeaderMap, body: Body, limit_bytes: usize) -> Result<Bytes, Problem> {
    let declared =
        headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    if declared.is_some_and(|length| length > limit_bytes) {
        return Err(Problem::too_large("body", limit_bytes));
    }
    let packing = Packing::of(headers)?;
    let mut unpacker = Unpacker::new(packing, limit_bytes);
    let mut stream = body.into_data_stream();
    let mut bytes = BytesMut::with_capacity(declared.unwrap_or(0));
    let mut came = 0;
    while let Some(chunk) = stream.next().await {
        let chunk = chunk.map_err(|error| broken(&error))?;
        came += chunk.len();
        if came > limit_bytes {
            return Err(Problem::too_large("body", limit_bytes));
        }
        match packing {
            Packing::Plain => bytes.extend_from_slice(&chunk),
            _ => bytes.extend_from_slice(&unpacker.unpack(&chunk)?),
        }
    }
    bytes.extend_from_slice(&unpacker.finish()?);
    Ok(bytes.freeze())
}

/// Why the rest of a body does not come: its sender broke off (400) or stopped sending (408).
pub fn broken(error: &axum::Error) -> Problem {
    let mut causes = successors(Some(error as &(dyn Error + 'static)), |&error| error.source());
    if causes.any(|cause| cause.is::<TimeoutError>()) {
        return Problem::body_stalled();
    }
    Problem::bad_request("body", "the body ended before it was complete")
}

/// The method and the pattern of the path of a request, by which the API's description is looked into.
type Operation<'a> = (&'a Method, &'a str);

/// A JSON text of exactly this form.
///
/// # Errors
/// 400 naming the line and the field.
fn parse<T: DeserializeOwned>(bytes: &[u8], operation: Option<Operation<'_>>) -> Result<T, Problem> {
    let text = if bytes.is_empty() { b"{}" } else { bytes };
    door::check_json(text)?;
    let mut reader = serde_json::Deserializer::from_slice(text);
    let value = serde_path_to_error::deserialize(ByName(&mut reader))
        .map_err(|error| refused::<T>(text, error, operation))?;
    reader.end().map_err(|error| no_json(&error))?;
    Ok(value)
}

fn no_json(error: &serde_json::Error) -> Problem {
    Problem::bad_request("body", format!("this is no JSON text: {error}"))
}

/// Where a value does not fit, what was seen there, and what is allowed.
fn refused<T: DeserializeOwned>(
    text: &[u8],
    error: serde_path_to_error::Error<serde_json::Error>,
    operation: Option<Operation<'_>>,
) -> Problem {
    let (path, error) = (error.path().clone(), error.into_inner());
    // serde_json calls it a fault of syntax when it meets, say, a number in place of a word.
    if !error.is_data() && serde_json::from_slice::<IgnoredAny>(text).is_err() {
        return no_json(&error);
    }
    let message = error.to_string();
    let field = field_of(&path.to_string(), &message);
    let document: Option<Value> = serde_json::from_slice(text).ok();
    let value = document.as_ref().and_then(|document| at(document, &path));
    let allowed = match plain::says_what_is_allowed(&message) {
        true => None,
        false => {
            document.as_ref().and_then(|document| allowed::<T>(document, &path, &field, missing(&message)))
        }
    };
    // What stands around the fault is not what is wrong.
    let is_around = value.is_some_and(|value| value.is_object() || value.is_array());
    let within = value.filter(|_| is_around).and_then(|value| plain::culprit(value, &message));
    let field = match within {
        Some(within) if field == "body" => within,
        Some(within) if within.starts_with('[') => format!("{field}{within}"),
        Some(within) => format!("{field}.{within}"),
        None => field,
    };
    if plain::is_beyond_its_type(&message)
        && let Some(range) = operation.and_then(|(method, path)| ranges::of(method, path, &field))
        && let Some(seen) = value
    {
        return Problem::bad_request(field, format!("must be {range}, not {}", plain::shown(seen)));
    }
    let said = plain::plain(&message, value.filter(|_| !is_around), allowed.as_deref());
    Problem::bad_request(field, said)
}

/// What a field may be, where the reader's message does not say it: it is read again with a text in its place that no list of
/// words has.
fn allowed<T: DeserializeOwned>(
    document: &Value,
    path: &Path,
    field: &str,
    missing: Option<&str>,
) -> Option<String> {
    let mut tried = document.clone();
    let mut place = at_mut(&mut tried, path)?;
    if let Some(name) = missing {
        place = place.as_object_mut()?.entry(name).or_insert(Value::Null);
    }
    *place = Value::from("\u{fffd}");
    let tried = serde_json::to_vec(&tried).ok()?;
    let mut reader = serde_json::Deserializer::from_slice(&tried);
    match serde_path_to_error::deserialize::<_, T>(ByName(&mut reader)) {
        Ok(_) => Some("a text".to_owned()),
        Err(error) => {
            let (found, message) = (error.path().to_string(), error.inner().to_string());
            match field_of(&found, &message) {
                same if same == field => plain::allowed(&message),
                // The text was taken, and the next field of the same object is missing as well.
                _ if missing.is_some() && self::missing(&message).is_some() && found == path.to_string() => {
                    Some("a text".to_owned())
                }
                _ => None,
            }
        }
    }
}

/// The field that a message says to be missing.
fn missing(message: &str) -> Option<&str> {
    message.strip_prefix("missing field `")?.split_once('`').map(|(name, _)| name)
}

/// The value that a path leads to.
fn at<'a>(document: &'a Value, path: &Path) -> Option<&'a Value> {
    path.iter().try_fold(document, |value, step| match step {
        Segment::Seq { index } => value.get(index),
        Segment::Map { key } => value.get(key),
        Segment::Enum { variant } => Some(value.get(variant).unwrap_or(value)),
        Segment::Unknown => Some(value),
    })
}

fn at_mut<'a>(document: &'a mut Value, path: &Path) -> Option<&'a mut Value> {
    path.iter().try_fold(document, |value, step| match step {
        Segment::Seq { index } => value.get_mut(index),
        Segment::Map { key } => value.get_mut(key),
        Segment::Enum { variant } if value.get(variant).is_some() => value.get_mut(variant),
        Segment::Enum { .. } | Segment::Unknown => Some(value),
    })
}

/// The field at fault: serde's path leads to the object; what is missing or unknown in it stands in
/// the message.
fn field_of(path: &str, message: &str) -> String {
    let named = ["missing field `", "unknown field `"]
        .iter()
        .find_map(|start| message.strip_prefix(start)?.split_once('`').map(|(name, _)| name));
    match (path, named) {
        ("." | "", Some(name)) => name.to_owned(),
        (path, Some(name)) if path != name && !path.ends_with(&format!(".{name}")) => {
            format!("{path}.{name}")
        }
        ("." | "", None) => "body".to_owned(),
        (path, _) => path.to_owned(),
    }
}

fn check_content_type(headers: &HeaderMap) -> Result<(), Problem> {
    let Some(value) = headers.get(header::CONTENT_TYPE) else { return Ok(()) };
    let value = value.to_str().unwrap_or("").to_ascii_lowercase();
    let mut parts = value.split(';').map(str::trim);
    let essence = parts.next().unwrap_or("");
    let is_json =
        essence == "application/json" || (essence.starts_with("application/") && essence.ends_with("+json"));
    let is_utf8 = |charset: &str| matches!(charset.trim_matches('"'), "utf-8" | "utf8" | "us-ascii");
    if is_json && parts.filter_map(|part| part.strip_prefix("charset=")).all(is_utf8) {
        return Ok(());
    }
    Err(Problem::unsupported_media_type("application/json in UTF-8"))
}

#[cfg(test)]
mod tests {
    use axum::http::StatusCode;
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Order {
        #[allow(dead_code, reason = "only reading it is tested")]
        lines: Vec<Line>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Line {
        #[allow(dead_code, reason = "only reading it is tested")]
        amount: u8,
    }

    fn field(text: &str) -> String {
        let problem = parse::<Order>(text.as_bytes(), None).expect_err(text);
        assert_eq!(problem.status, StatusCode::BAD_REQUEST);
        problem.field.expect("a field is named").into_owned()
    }

    #[test]
    fn the_field_at_fault_is_named_with_its_place() {
        assert_eq!(field("{}"), "lines");
        assert_eq!(field(""), "lines");
        assert_eq!(field(r#"{"lines": [], "colour": 1}"#), "colour");
        assert_eq!(field(r#"{"lines": [{"amount": 1}, {"amount": 300}]}"#), "lines[1].amount");
        assert_eq!(field(r#"{"lines": [{}]}"#), "lines[0].amount");
        assert_eq!(field(r#"{"lines": [{"amount": 1, "x": 2}]}"#), "lines[0].x");
        assert_eq!(field(r#"{"lines": "#), "body");
        assert_eq!(field(r#" [[{"amount": 1}]]"#), "body", "a list is no object by the order of its values");
        assert_eq!(field(r#"{"lines": [{"amount": 1}, [2]]}"#), "lines[1]", "at no depth");
        assert_eq!(field(r#"{"lines": []} {}"#), "body");
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Wish {
        #[allow(dead_code, reason = "only reading it is tested")]
        tone: Option<Tone>,
        #[allow(dead_code, reason = "only reading it is tested")]
        id: uuid::Uuid,
        #[allow(dead_code, reason = "only reading it is tested")]
        name: String,
        #[allow(dead_code, reason = "only reading it is tested")]
        place: Option<Place>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(rename_all = "lowercase")]
    enum Tone {
        Warm,
        Plain,
    }

    #[derive(Debug, Deserialize)]
    #[serde(tag = "kind", rename_all = "lowercase")]
    enum Place {
        Host {
            #[allow(dead_code, reason = "only reading it is tested")]
            port: u16,
        },
    }

    #[test]
    fn what_was_seen_and_what_is_allowed_are_said_without_a_name_of_rust() {
        let id = r#""id":"0199c0de-7e1a-7c51-8f3a-2b9d5e6f7a81","name":"x""#;
        let with = |more: &str| format!("{{{id},{more}}}");
        for (text, field, detail) in [
            (with(r#""tone":7"#), "tone", "must be one of warm, plain, not the number 7"),
            (with(r#""tone":[]"#), "tone", "must be one of warm, plain"),
            (with(r#""tone":"cold""#), "tone", "must be among warm, plain, not \"cold\""),
            (with(r#""tune":1"#), "tune", "there is no field `tune` here; there are tone, id, name, place"),
            (
                with(r#""place":{"kind":"host","port":"x"}"#),
                "place.port",
                "must be a whole number, not \"x\"",
            ),
            (with(r#""place":{"kind":"host"}"#), "place.port", "`port` is missing"),
            (with(r#""place":7"#), "place", "must be an object, not the number 7"),
            (with(r#""place":["host",7]"#), "place", "must be an object, not a list"),
            (r#"{"name":"x"}"#.to_owned(), "id", "`id` is missing; it must be a UUID"),
            ("{}".to_owned(), "id", "`id` is missing; it must be a UUID"),
            (r#"{"id":"7"}"#.to_owned(), "id", "must be a UUID, not \"7\""),
            (r#"{"id":{}}"#.to_owned(), "id", "must be a UUID, not an object"),
            (
                r#"{"id":"0199c0de-7e1a-7c51-8f3a-2b9d5e6f7a81"}"#.to_owned(),
                "name",
                "`name` is missing; it must be a text",
            ),
            ("7".to_owned(), "body", "must be an object, not the number 7"),
            ("[\"warm\"]".to_owned(), "body", "must be an object, not a list"),
        ] {
            let problem = parse::<Wish>(text.as_bytes(), None).expect_err(&text);
            let found = (problem.field.as_deref().unwrap_or_default(), problem.detail.as_ref());
            assert_eq!(found, (field, detail), "{text}");
        }
    }

    #[test]
    fn a_line_is_named_where_the_text_breaks() {
        let problem = parse::<Order>(b"{\n\"lines\": [,]}", None).expect_err("not JSON");
        assert!(problem.detail.contains("line 2"), "{}", problem.detail);
    }

    #[tokio::test]
    async fn a_body_beyond_the_limit_is_refused() {
        let read_all =
            async |length: usize| read(&HeaderMap::new(), Body::from(vec![b' '; length]), 10).await;
        assert_eq!(read_all(10).await.map(|bytes| bytes.len()), Ok(10));
        assert_eq!(read_all(11).await, Err(Problem::too_large("body", 10)));
    }
}
