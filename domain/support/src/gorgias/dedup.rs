//! What makes two deliveries the same one: the event's id, else the message with what happened and when, else the
//! body's hash.

use sha2::{Digest, Sha256};

use super::delivery::Delivery;

/// The deduplication key of a delivery, unique within tenant and provider.
pub fn key(delivery: &Delivery, raw_body: &[u8]) -> String {
    if let Some(event) = &delivery.event_id {
        return format!("event:{event}");
    }
    if let Some(message) = &delivery.message {
        return of_message(delivery, &message.id);
    }
    format!("body:{}", hex::encode(Sha256::digest(raw_body)))
}

/// The same message is told of again when its ticket is closed, for example; that is news, and not a repetition. What
/// a template leaves out tells nothing apart.
fn of_message(delivery: &Delivery, message: &str) -> String {
    let mut key = format!("message:{message}");
    if let Some(event) = &delivery.event_type {
        key.push_str(&format!(":{event}"));
    }
    if let Some(changed) = delivery.ticket.updated_at.or(delivery.occurred_at) {
        key.push_str(&format!(":{}", changed.timestamp_micros()));
    }
    key
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gorgias::delivery::parse;

    #[test]
    fn the_most_specific_identity_wins() {
        let of = |body: &str| key(&parse(body.as_bytes()).expect("parses"), body.as_bytes());
        assert_eq!(of(r#"{"id":"e1","type":"t","data":{"ticket":{"id":1},"message":{"id":9}}}"#), "event:e1");
        assert_eq!(of(r#"{"event":{"id":5,"type":"t"},"ticket":{"id":1},"message":{"id":9}}"#), "event:5");
        assert_eq!(of(r#"{"ticket":{"id":1},"message":{"id":9}}"#), "message:9");
        let bare = of(r#"{"id":1}"#);
        assert!(bare.starts_with("body:"));
        assert_ne!(bare, of(r#"{"id":1,"status":"open"}"#));
    }

    #[test]
    fn what_happens_to_a_message_later_is_no_repetition() {
        let of = |event: &str, at: &str| {
            let body = format!(
                r#"{{"event":{{"type":"{event}"}},"ticket":{{"id":1,"updated_datetime":"{at}"}},"message":{{"id":9}}}}"#
            );
            key(&parse(body.as_bytes()).expect("parses"), body.as_bytes())
        };
        let created = of("ticket-message-created", "2026-11-01T10:00:00Z");
        assert_eq!(
            created,
            of("ticket-message-created", "2026-11-01T12:00:00+02:00"),
            "the same, sent again"
        );
        assert_ne!(created, of("ticket-updated", "2026-11-01T10:00:00Z"));
        assert_ne!(created, of("ticket-message-created", "2026-11-01T10:00:01Z"));
    }
}
