//! The words of fixed lists that a reading is made of. A topic is never renamed: alerts, rules and stored rows name it.

/// What a customer may want.
pub const INTENTS: &[&str] = &[
    "damaged",
    "defective",
    "wrong_item",
    "refund",
    "return",
    "exchange",
    "cancellation",
    "order_status",
    "complaint",
    "discount",
    "billing",
    "account",
    "product_question",
    "thanks",
    "other",
];

/// What a message may be about.
pub const TOPICS: &[&str] = &[
    "damaged",
    "defective",
    "wrong_item",
    "refund",
    "return",
    "exchange",
    "cancellation",
    "order_status",
    "complaint",
    "discount",
    "billing",
    "account",
    "product_question",
    "shipping",
    "price",
    "quality",
    "legal",
];

/// The intent of this name.
pub fn intent(name: &str) -> Option<&'static str> {
    INTENTS.iter().find(|intent| **intent == name).copied()
}

/// The topic of this name.
pub fn topic(name: &str) -> Option<&'static str> {
    TOPICS.iter().find(|topic| **topic == name).copied()
}
