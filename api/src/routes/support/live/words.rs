//! What clients say over a WebSocket, and what they are answered.

use database::nul::strip_text;
use jobs::by_name;
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::live::availability::Availability;
use crate::web::plain::plain;

/// How long a message may be, in bytes.
pub const LONGEST: usize = 4_096;

/// What a client says.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum Word {
    /// The agent writes an answer to the ticket.
    Typing {
        /// The ticket.
        ticket_id: Uuid,
    },
    /// The agent looks at the ticket, or at none.
    Viewing {
        /// The ticket.
        #[serde(default)]
        ticket_id: Option<Uuid>,
    },
    /// Everything up to this event was seen.
    Ack {
        /// Its number.
        id: i64,
    },
    /// What the agent says of themselves.
    Availability {
        /// online, busy, away or offline.
        value: Availability,
    },
    /// Is anybody there?
    Ping {},
}

/// Reads a message.
///
/// # Errors
/// What is wrong with it.
pub fn read(text: &str) -> Result<Word, String> {
    if text.len() > LONGEST {
        return Err(format!("a message has at most {LONGEST} bytes"));
    }
    by_name::from_str(text).map_err(|error| strip_text(&plain(&error.to_string(), None, None)).into_owned())
}

/// A frame that says what is wrong and what is allowed.
pub fn error(detail: &str) -> Value {
    json!({
        "type": "error",
        "detail": detail,
        "allowed": [
            { "type": "typing", "ticket_id": "UUID" },
            { "type": "viewing", "ticket_id": "UUID or null" },
            { "type": "ack", "id": "number of an event" },
            { "type": "availability", "value": "online, busy, away or offline" },
            { "type": "ping" },
        ],
        "longest_bytes": LONGEST,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_read_and_others_are_refused_with_a_reason() {
        let id = Uuid::now_v7();
        assert_eq!(
            read(&format!(r#"{{"type":"typing","ticket_id":"{id}"}}"#)),
            Ok(Word::Typing { ticket_id: id })
        );
        assert_eq!(read(r#"{"type":"viewing","ticket_id":null}"#), Ok(Word::Viewing { ticket_id: None }));
        assert_eq!(read(r#"{"type":"ping"}"#), Ok(Word::Ping {}));
        let busy = Word::Availability { value: Availability::Busy };
        assert_eq!(read(r#"{"type":"availability","value":"busy"}"#), Ok(busy));
        for bad in [
            "",
            "null",
            "[]",
            r#"["ping"]"#,
            r#"["ack",1]"#,
            "{",
            r#"{"type":"shout"}"#,
            r#"{"type":"ack","id":"x"}"#,
            r#"{"type":"typing"}"#,
            r#"{"type":"availability","value":"asleep"}"#,
        ] {
            assert!(read(bad).is_err(), "{bad}");
        }
        assert!(read(&" ".repeat(LONGEST + 1)).is_err_and(|detail| detail.contains("4096")));
    }
}
