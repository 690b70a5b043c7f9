//! JSON bodies: bounded, strict, and refused with the place of the fault.

use std::{error::Error, iter::successors};

use axum::{
    body::Body,
    extract::{FromRequest, Request},
    http::{HeaderMap, header},
};
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;
use serde::de::{DeserializeOwned, IgnoredAny};
use sha2::{Digest, Sha256};
use tower_http::timeout::TimeoutError;

use crate::web::door;
use crate::web::packing::{Packing, Unpacker};
use crate::web::problem::Problem;

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
        Ok(Json { value: parse(&bytes)?, digest })
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

/// A JSON text of exactly this form.
///
/// # Errors
/// 400 naming the line and the field.
pub fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    let text = if bytes.is_empty() { b"{}" } else { bytes };
    door::check_json(text)?;
    // It would be taken as the fields in the order of their declaration, which nobody means and nothing promises.
    if text.trim_ascii_start().starts_with(b"[") {
        return Err(Problem::bad_request("body", "an object ({...}) is expected, not a list"));
    }
    let mut reader = serde_json::Deserializer::from_slice(text);
    let value = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let path = error.path().to_string();
        let error = error.into_inner();
        // serde_json calls it a fault of syntax when it meets, say, a number in place of a word.
        let is_json = error.is_data() || serde_json::from_slice::<IgnoredAny>(text).is_ok();
        let message = error.to_string();
        Problem::bad_request(if is_json { field_of(&path, &message) } else { "body".to_owned() }, message)
    })?;
    reader.end().map_err(|error| Problem::bad_request("body", error.to_string()))?;
    Ok(value)
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
        let problem = parse::<Order>(text.as_bytes()).expect_err(text);
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
        assert_eq!(field(r#"{"lines": []} {}"#), "body");
    }

    #[test]
    fn a_line_is_named_where_the_text_breaks() {
        let problem = parse::<Order>(b"{\n\"lines\": [,]}").expect_err("not JSON");
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
