//! What makes two deliveries the same one: that the same happened. A message that is told of again when its ticket is
//! closed is news; the same bytes again are a repetition, unless the ticket changed in between. An event's id alone says
//! nothing: a template may write the ticket's there, or a constant.

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

/// The identity of a delivery: the event's id with what it tells, else the body's bytes.
pub fn identity(delivery: &Delivery, body_sha256: &[u8; 32]) -> Identity {
    // The ticket's own id is every event's.
    if let Some(event) = delivery.event_id.as_ref().filter(|event| **event != delivery.ticket.id) {
        let key = format!("event:{event}:{}:{}", delivery.ticket.id, hex::encode(&happened(delivery)[..12]));
        return Identity { key: bounded(key), is_lasting: true };
    }
    let is_lasting = delivery.ticket.updated_at.is_some() || delivery.occurred_at.is_some();
    Identity { key: format!("body:{}", hex::encode(body_sha256)), is_lasting }
}

/// What a delivery tells, in short: the same however it is written, and whatever else stands beside it. A sender that
/// repeats itself may put a new time of sending or a number of its attempt there.
fn happened(delivery: &Delivery) -> [u8; 32] {
    let ticket = &delivery.ticket;
    let mut digest = Sha256::new();
    // The length before each part, so that no two tell the same by where one ends.
    let mut add = |part: &[u8]| {
        digest.update(part.len().to_be_bytes());
        digest.update(part);
    };
    let customer = &ticket.customer;
    let of_ticket = (
        &delivery.event_type,
        (&customer.id, &customer.external_id, &customer.email, &customer.name),
        &ticket.channel,
        &ticket.subject,
        ticket.status,
        ticket.priority,
        (ticket.spam, ticket.deleted),
        &ticket.tags,
        &ticket.assignee,
        ticket.message_count,
        ticket.updated_at,
    );
    add(format!("{of_ticket:?}").as_bytes());
    for message in ticket.messages.iter().chain(&delivery.message) {
        add(message.id.as_bytes());
        add(&[u8::from(message.from_agent), u8::from(message.internal)]);
        add(message.body_text.as_bytes());
        add(format!("{:?}", message.sent_at).as_bytes());
    }
    digest.finalize().into()
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
        assert!(event.key.starts_with("event:e1:1:") && event.is_lasting, "{event:?}");
        let again =
            of(r#"{"attempt":2, "id":"e1","type":"t","data":{"message":{"id":9},"ticket":{"id":1}}}"#);
        assert_eq!(event, again, "the same is told in other bytes");
        let other = of(r#"{"event":{"id":5},"ticket":{"id":1},"message":{"id":9}}"#);
        assert!(other.key.starts_with("event:5:1:"), "{other:?}");
        let bare = of(r#"{"id":1}"#);
        assert!(bare.key.starts_with("body:") && !bare.is_lasting);
        assert_ne!(bare, of(r#"{"id":1,"status":"open"}"#));
        assert!(of(r#"{"id":1,"updated_datetime":"2026-11-01T10:00:00Z"}"#).is_lasting);
    }

    #[test]
    fn a_constant_id_of_events_makes_no_two_of_them_one() {
        let told = |event: &str, ticket: &str| {
            of(&format!(
                r#"{{"id":"{event}","type":"ticket-updated","data":{{"ticket":{{"id":7,{ticket}}}}}}}"#
            ))
        };
        let one = told("e", r#""messages":[{"id":1,"body_text":"One"}]"#);
        for ticket in [
            r#""messages":[{"id":2,"body_text":"Two"}]"#,
            r#""messages":[{"id":1,"body_text":"Two"}]"#,
            r#""messages":[{"id":1,"body_text":"One"},{"id":2,"body_text":"Two"}]"#,
            r#""messages":[{"id":1,"body_text":"One","sent_datetime":"2026-11-20T10:00:00Z"}]"#,
            r#""messages":[{"id":1,"body_text":"One"}],"status":"closed""#,
            r#""messages":[{"id":1,"body_text":"One"}],"tags":["no-ai"]"#,
            r#""messages":[{"id":1,"body_text":"One"}],"customer":{"email":"maya@example.com"}"#,
        ] {
            assert_ne!(one, told("e", ticket), "{ticket}");
        }
        assert_eq!(one, told("e", r#""messages":[{"id":1,"body_text":"One"}]"#));
        // The ticket's id is no event's.
        let by_ticket = told("7", r#""status":"open""#);
        assert!(by_ticket.key.starts_with("body:") && !by_ticket.is_lasting, "{by_ticket:?}");
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
        let key =
            of(&format!(r#"{{"event":{{"id":"{long}"}},"ticket":{{"id":1}},"message":{{"id":"{long}"}}}}"#))
                .key;
        assert!(key.starts_with("event#") && key.len() <= MAX_KEY_BYTES, "{key}");
    }
}
