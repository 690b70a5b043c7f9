//! What is no message of the protocol, or of no revision that is spoken: JSON-RPC's errors for it, in place of the kit's
//! refusals as plain text or of the media type.

use axum::Json;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use rmcp::model::ProtocolVersion;
use serde_json::{Value, json};

/// The error for a body that was sent as JSON and could not be taken; none for another media type, which is refused as such.
pub(super) fn error(headers: &HeaderMap, body: &[u8]) -> Option<Response> {
    let content_type = headers.get(header::CONTENT_TYPE)?.to_str().ok()?;
    let essence = content_type.split(';').next().unwrap_or_default().trim();
    if !essence.eq_ignore_ascii_case("application/json") {
        return None;
    }
    let (code, message, id) = match serde_json::from_slice::<Value>(body) {
        Err(error) => (-32_700, format!("Parse error: {error}"), Value::Null),
        Ok(value) => {
            (-32_600, "Invalid Request: this is no message of JSON-RPC 2.0".to_owned(), id_of(&value))
        }
    };
    let error = json!({ "jsonrpc": "2.0", "id": id, "error": { "code": code, "message": message } });
    Some((StatusCode::BAD_REQUEST, Json(error)).into_response())
}

/// The error for a revision of the protocol that is not known; none when the header has one that is, or none.
pub(super) fn revision(headers: &HeaderMap, body: &[u8]) -> Option<Response> {
    let header = headers.get("mcp-protocol-version")?;
    let requested = String::from_utf8_lossy(header.as_bytes());
    let supported: Vec<&str> = ProtocolVersion::KNOWN_VERSIONS.iter().map(ProtocolVersion::as_str).collect();
    if supported.contains(&requested.as_ref()) {
        return None;
    }
    let id = serde_json::from_slice::<Value>(body).map_or(Value::Null, |message| id_of(&message));
    let requested: String = requested.chars().take(100).collect();
    let error = json!({
        "jsonrpc": "2.0", "id": id,
        "error": {
            "code": -32_022, "message": "Unsupported protocol version",
            "data": { "requested": requested, "supported": supported },
        },
    });
    Some((StatusCode::BAD_REQUEST, Json(error)).into_response())
}

/// The id by which the caller knows what is answered, where one can be read.
fn id_of(message: &Value) -> Value {
    message.get("id").filter(|id| id.is_string() || id.is_number()).cloned().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn sent_as(content_type: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(header::CONTENT_TYPE, HeaderValue::from_static(content_type))])
    }

    #[test]
    fn another_media_type_stays_refused_as_such() {
        assert!(error(&HeaderMap::new(), b"{").is_none());
        assert!(error(&sent_as("text/plain"), b"{").is_none());
        for json in ["application/json", "Application/JSON; charset=utf-8"] {
            assert!(error(&sent_as(json), b"{").is_some(), "{json}");
        }
    }

    #[test]
    fn a_revision_that_is_known_or_not_named_is_no_fault() {
        let with = |version: &'static str| {
            HeaderMap::from_iter([(
                header::HeaderName::from_static("mcp-protocol-version"),
                HeaderValue::from_static(version),
            )])
        };
        assert!(revision(&HeaderMap::new(), b"{}").is_none());
        for known in ["2025-11-25", "2026-07-28"] {
            assert!(revision(&with(known), b"{}").is_none(), "{known}");
        }
        for unknown in ["2099-01-01", "", "2025-11-25 "] {
            assert!(revision(&with(unknown), b"{").is_some(), "{unknown:?}");
        }
    }

    #[test]
    fn an_id_is_answered_where_one_can_be_read() {
        assert_eq!(id_of(&json!({ "id": 7 })), json!(7));
        assert_eq!(id_of(&json!({ "id": "a" })), json!("a"));
        for none in [json!([]), json!({}), json!({ "id": [1] }), json!(1)] {
            assert_eq!(id_of(&none), Value::Null, "{none}");
        }
    }
}
