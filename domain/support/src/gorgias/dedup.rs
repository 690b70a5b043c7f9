//! What makes two deliveries the same one: the event's id, else the message's, else the body's hash.

use sha2::{Digest, Sha256};

use super::delivery::Delivery;

/// The deduplication key of a delivery, unique within tenant and provider.
pub fn key(delivery: &Delivery, raw_body: &[u8]) -> String {
    if let Some(event) = &delivery.event_id {
        return format!("event:{event}");
    }
    if let Some(message) = &delivery.message {
        return format!("message:{}", message.id);
    }
    format!("body:{}", hex::encode(Sha256::digest(raw_body)))
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
}
