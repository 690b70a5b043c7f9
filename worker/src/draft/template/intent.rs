//! What a customer's message is about, told by its words. Crude on purpose: a wrong guess costs a sentence
//! that the agent changes, and the order of the rules puts the costlier matters first.

use crate::draft::words::normalised;

/// The matters that the drafter knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Intent {
    /// Something arrived broken, or not what was ordered.
    DamagedOrWrong,
    /// A refund or a return.
    RefundOrReturn,
    /// An order shall be cancelled.
    Cancellation,
    /// Where the parcel is.
    WhereIsMyOrder,
    /// Dissatisfaction.
    Complaint,
    /// A question about a product.
    ProductQuestion,
    /// Thanks.
    Thanks,
    /// Anything else.
    Other,
}

impl Intent {
    /// Whether facts about orders belong into the answer.
    pub fn is_about_an_order(self) -> bool {
        matches!(
            self,
            Self::DamagedOrWrong | Self::RefundOrReturn | Self::Cancellation | Self::WhereIsMyOrder
        )
    }

    /// A few words for the agent.
    pub fn label(self) -> &'static str {
        match self {
            Self::DamagedOrWrong => "a damaged or wrong item",
            Self::RefundOrReturn => "sending something back",
            Self::Cancellation => "cancelling an order",
            Self::WhereIsMyOrder => "the whereabouts of an order",
            Self::Complaint => "a complaint",
            Self::ProductQuestion => "a question about a product",
            Self::Thanks => "thanks",
            Self::Other => "a matter that the drafter did not recognise",
        }
    }
}

/// The matter of a message.
pub fn intent_of(text: &str) -> Intent {
    let text: String =
        normalised(text).chars().map(|c| if c.is_alphanumeric() || c == '\'' { c } else { ' ' }).collect();
    let text = text.split_whitespace().fold(String::from(" "), |all, word| all + word + " ");
    let hit = |words: &[&str]| words.iter().any(|word| text.contains(&format!(" {word}")));
    RULES.iter().find(|(_, words)| hit(words)).map_or(Intent::Other, |(intent, _)| *intent)
}

/// Whether a message asks for haste or threatens.
pub fn is_pressing(text: &str) -> bool {
    let text = normalised(text);
    ["urgent", " asap", "immediately", "lawyer", "solicitor", "chargeback", "legal action"]
        .iter()
        .any(|word| text.contains(word))
}

/// Beginnings of words, by matter, the first match wins.
const RULES: &[(Intent, &[&str])] = &[
    (
        Intent::DamagedOrWrong,
        &[
            "damaged",
            "broken",
            "broke ",
            "defect",
            "faulty",
            "cracked",
            "smashed",
            "torn",
            "wrong item",
            "wrong product",
            "wrong size",
            "wrong colour",
            "wrong color",
            "not what i ordered",
            "missing item",
            "missing from",
            "doesn't work",
            "does not work",
            "not working",
            "stopped working",
        ],
    ),
    (
        Intent::RefundOrReturn,
        &[
            "refund",
            "return ",
            "returning",
            "returns ",
            "money back",
            "send it back",
            "send back",
            "exchange ",
        ],
    ),
    (Intent::Cancellation, &["cancel"]),
    (
        Intent::WhereIsMyOrder,
        &[
            "where is my",
            "where's my",
            "where are my",
            "track",
            "not arrived",
            "hasn't arrived",
            "not received",
            "haven't received",
            "never arrived",
            "still waiting",
            "when will my",
            "when will it",
            "delivery",
            "delivered",
            "shipped",
            "shipping",
            "dispatched",
            "parcel",
            "order status",
            "status of my order",
        ],
    ),
    (
        Intent::Complaint,
        &[
            "complain",
            "disappointed",
            "unacceptable",
            "terrible",
            "awful",
            "worst",
            "unhappy",
            "angry",
            "frustrat",
            "not happy",
            "poor service",
            "bad service",
            "appalling",
            "ridiculous",
            "rude",
        ],
    ),
    (
        Intent::ProductQuestion,
        &[
            "in stock",
            "available",
            "availability",
            "do you have",
            "do you sell",
            "what size",
            "which size",
            "dimensions",
            "how big",
            "how long is",
            "what colour",
            "what color",
            "material",
            "compatible",
            "ingredients",
            "washable",
            "does it come",
            "is it suitable",
            "how do i use",
            "price of",
            "how much is",
        ],
    ),
    (Intent::Thanks, &["thank", "cheers ", "much appreciated", "great service", "love it", "perfect "]),
];
