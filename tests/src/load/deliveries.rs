//! Webhooks as the help desk sends them: each of another ticket, each asking for a draft, about the size
//! of a real one. The same bodies go to our api and to the service that it is compared with.

use serde_json::json;

/// The body of delivery `number` of a run.
pub fn body(number: u64) -> String {
    let ticket = 10_000_000 + number;
    json!({
        "ticket": {
            "id": ticket,
            "subject": format!("Where is order {number}?"),
            "channel": "email",
            "via": "email",
            "status": "open",
            "tags": [{ "name": "shipping" }],
            "customer": {
                "id": 500_000 + number % 5_000,
                "external_id": (1 + number % 5_000).to_string(),
                "name": "Alex Example",
                "email": format!("customer{}@example.org", number % 5_000),
            },
            "created_datetime": "2026-03-01T10:00:00+00:00",
        },
        "message": {
            "id": 90_000_000 + number,
            "from_agent": false,
            "public": true,
            "channel": "email",
            "via": "email",
            "sender": { "name": "Alex Example", "email": format!("customer{}@example.org", number % 5_000) },
            "sent_datetime": "2026-03-01T10:00:00+00:00",
            "body_text": "Hello, I ordered ten days ago and the parcel has not moved for a week. The tracking page \
                says that it left the depot, and nothing since. Could you find out where it is, and when it will \
                be here? I need it for a birthday on Saturday. Thank you very much in advance, Alex",
        },
    })
    .to_string()
}

#[cfg(test)]
mod tests {
    use support::gorgias::{delivery, rules};

    use super::*;

    #[test]
    fn every_delivery_asks_for_a_draft_of_its_own_ticket() {
        let (first, second) = (body(1), body(2));
        let first = delivery::parse(first.as_bytes()).expect("a delivery");
        assert!(matches!(rules::decide(&first), rules::Decision::Draft { .. }));
        assert_ne!(first.ticket.id, delivery::parse(second.as_bytes()).expect("a delivery").ticket.id);
    }
}
