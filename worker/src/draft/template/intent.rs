//! What a customer's message is about, told by the words of its language. Crude on purpose: a wrong guess costs a sentence
//! that the agent changes, and the order of the rules puts the costlier matters first.

use super::languages::{ENGLISH, Heard, Language};
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

/// The matter of a message that is probably in this language; people write English among other words as well.
pub fn intent_of(text: &str, language: &Language) -> Intent {
    let is_of_newsletter = stops_a_newsletter(text);
    let text = spaced(text);
    let matter = |heard: &Heard| {
        let mut matters = heard.matters().into_iter().filter(|(_, words)| says(&text, words));
        matters
            .find(|(intent, _)| !(is_of_newsletter && *intent == Intent::Cancellation))
            .map(|(intent, _)| intent)
    };
    [language, &ENGLISH].into_iter().find_map(|language| matter(&language.heard)).unwrap_or(Intent::Other)
}

/// Whether what a message stops can only be a newsletter: it names one and no order.
pub fn stops_a_newsletter(text: &str) -> bool {
    let text = spaced(text);
    says(&text, NEWSLETTERS) && !says(&text, ORDERS)
}

/// Mails that nobody ordered, in all languages.
const NEWSLETTERS: &[&str] = &[
    "newsletter",
    "news letter",
    "rundbrief",
    "werbemail",
    "infolettre",
    "lettre d'information",
    "boletín",
    "nieuwsbrief",
    "biuletyn",
    "nyhetsbrev",
    "nyhedsbrev",
    "marketing email",
];

/// How orders are called.
const ORDERS: &[&str] = &[
    "order",
    "purchase",
    "bestell",
    "auftrag",
    "kauf",
    "commande",
    "pedido",
    "encomenda",
    "ordin",
    "ordre",
    "zamówi",
    "beställning",
    "bestilling",
];

/// Whether a message asks for haste or threatens.
pub fn is_pressing(text: &str, language: &Language) -> bool {
    let text = spaced(text);
    [language, &ENGLISH].into_iter().any(|language| says(&text, language.heard.pressing))
}

/// The words of a text without accents, each between spaces.
fn spaced(text: &str) -> String {
    let text = plain(&normalised(text));
    let text: String = text.chars().map(|c| if c.is_alphanumeric() || c == '\'' { c } else { ' ' }).collect();
    text.split_whitespace().fold(String::from(" "), |all, word| all + word + " ")
}

/// Whether one of the words begins in a text, behind a space or an elision such as `l'`.
fn says(spaced: &str, words: &[&str]) -> bool {
    words.iter().any(|word| {
        let word = plain(word);
        let begins = |(at, _): (usize, &str)| spaced[..at].ends_with([' ', '\'']);
        spaced.match_indices(&word).any(begins)
    })
}

/// A text without the accents that people leave out.
fn plain(text: &str) -> String {
    let bare = |c| match c {
        'á' | 'à' | 'â' | 'ä' | 'ã' | 'å' | 'ą' => 'a',
        'ç' | 'ć' | 'č' => 'c',
        'é' | 'è' | 'ê' | 'ë' | 'ę' => 'e',
        'í' | 'ì' | 'î' | 'ï' => 'i',
        'ł' => 'l',
        'ñ' | 'ń' => 'n',
        'ó' | 'ò' | 'ô' | 'ö' | 'õ' | 'ø' => 'o',
        'ś' | 'š' => 's',
        'ú' | 'ù' | 'û' | 'ü' => 'u',
        'ź' | 'ż' | 'ž' => 'z',
        c => c,
    };
    text.chars().map(bare).collect()
}
