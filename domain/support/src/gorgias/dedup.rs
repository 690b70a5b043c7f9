//! What makes two deliveries the same one: that the same happened. A message that is told of again when its ticket is
//! closed is news; the same bytes again are a repetition, unless the ticket changed in between.

use sha2::{Digest, Sha256};

use super::delivery::Delivery;

/// The longest key in bytes; longer ones are hashed, because the database's index has a bound.
const MAX_KEY_BYTES: usize = 200;

/// What a delivery is known by within tenant and provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// Equal for repetitions.
    pub key: String,
    /// Whether a repetition is one at any time, because the sender says which event or which change it is about.
    /// Otherwise only while nothing else is told of the ticket, and for a short time: a ticket without times that is
    /// opened, closed and opened again is told of with the same bytes twice.
    pub is_lasting: bool,
}

/// The identity of a delivery: the event's id with what it is about, else the body's bytes.
pub fn identity(delivery: &Delivery, body_sha256: &[u8; 32]) -> Identity {
    if let Some(event) = &delivery.event_id {
        let message = delivery.message.as_ref().map_or("", |message| message.id.as_str());
        let key = format!("event:{event}:{}:{message}", delivery.ticket.id);
        return Identity { key: bounded(key), is_lasting: true };
    }
    let is_lasting = delivery.ticket.updated_at.is_some() || delivery.occurred_at.is_some();
    Identity { key: format!("body:{}", hex::encode(body_sha256)), is_lasting }
}

fn bounded(key: String) -> String {
    if key.len() <= MAX_KEY_BYTES {
        key
    } else {
        format!("event#{}", hex::encode(Sha256::digest(key.as_bytes())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gorgias::delivery::parse;

    fn of(body: &str) -> Identity {
        identity(&parse(body.as_bytes()).expect("parses"), &Sha256::digest(body).into())
    }

    #[test]
    fn an_events_id_says_what_happened_and_the_bytes_otherwise() {
        let event = of(r#"{"id":"e1","type":"t","data":{"ticket":{"id":1},"message":{"id":9}}}"#);
        assert_eq!(event, Identity { key: "event:e1:1:9".to_owned(), is_lasting: true });
        assert_eq!(of(r#"{"event":{"id":5},"ticket":{"id":1},"message":{"id":9}}"#).key, "event:5:1:9");
        let bare = of(r#"{"id":1}"#);
        assert!(bare.key.starts_with("body:") && !bare.is_lasting);
        assert_ne!(bare, of(r#"{"id":1,"status":"open"}"#));
        assert!(of(r#"{"id":1,"updated_datetime":"2026-11-01T10:00:00Z"}"#).is_lasting);
    }

    #[test]
    fn the_message_alone_is_no_identity() {
        let message = r#""message":{"id":77,"body_text":"Hello?"}"#;
        let created =
            of(&format!(r#"{{"event":{{"type":"ticket-message-created"}},"ticket":{{"id":1}},{message}}}"#));
        let updated =
            of(&format!(r#"{{"event":{{"type":"ticket-updated"}},"ticket":{{"id":1}},{message}}}"#));
        let elsewhere =
            of(&format!(r#"{{"event":{{"type":"ticket-message-created"}},"ticket":{{"id":2}},{message}}}"#));
        assert!(created != updated && created != elsewhere && updated != elsewhere);
        // An id of events that a copied template fills with something else does not merge two tickets.
        let event =
            |ticket: u8| of(&format!(r#"{{"event":{{"id":5}},"ticket":{{"id":{ticket}}},{message}}}"#));
        assert_ne!(event(1), event(2));
    }

    #[test]
    fn a_key_fits_into_the_index_whatever_the_ids_are() {
        let long = "💥".repeat(255);
        let key = of(&format!(
            r#"{{"event":{{"id":"{long}"}},"ticket":{{"id":"{long}"}},"message":{{"id":"{long}"}}}}"#
        ))
        .key;
        assert!(key.len() <= MAX_KEY_BYTES, "{key}");
    }
}
