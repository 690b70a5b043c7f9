//! What a customer's message is about, told by the words of its language. Crude on purpose: a wrong guess costs a sentence
//! that the agent changes, and the order of the rules puts the costlier matters first. Thanks stand under most requests, so
//! they are the matter only of who asks nothing ([`is_thanks`]).

use std::borrow::Cow;

use super::languages::{ALL, ENGLISH, Heard, Language};
use crate::analysis::{is_reply, lexicon::names_a_matter};
use crate::draft::input::{Author, DraftInput};
use crate::draft::words::normalised;

/// What a customer wrote.
#[derive(Debug, Clone, Copy, Default)]
pub struct Written<'w> {
    /// The ticket's subject; empty when it has none.
    pub subject: &'w str,
    /// The message; empty when the subject is all that there is.
    pub text: &'w str,
    /// Whether it answers something of the shop's: then the subject is that of an earlier matter, and may be settled.
    pub is_answer: bool,
}

impl<'w> Written<'w> {
    /// A message that came without a subject.
    pub fn alone(text: &'w str) -> Self {
        Self { text, ..Self::default() }
    }

    /// What a customer's latest message says in its ticket; `text` is what nobody has answered yet.
    pub fn latest(input: &'w DraftInput, text: &'w str) -> Self {
        let place = input.messages.iter().rposition(|message| message.author == Author::Customer);
        let before = &input.messages[..place.unwrap_or(0)];
        let is_answer =
            before.iter().any(|message| message.author == Author::Agent) || is_reply(&input.subject);
        Self { subject: &input.subject, text, is_answer }
    }
}

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

    /// What a reading calls it; none of what the drafter's own words may tell better.
    pub fn of_reading(intent: &str) -> Option<Self> {
        Some(match intent {
            "damaged" | "defective" | "wrong_item" => Self::DamagedOrWrong,
            "refund" | "return" | "exchange" => Self::RefundOrReturn,
            "cancellation" => Self::Cancellation,
            "order_status" => Self::WhereIsMyOrder,
            "complaint" => Self::Complaint,
            "product_question" => Self::ProductQuestion,
            "thanks" => Self::Thanks,
            "discount" | "billing" | "account" => Self::Other,
            _ => return None,
        })
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

/// The matter of a message: what its text tells, else its subject. People write English among other words as well; where the
/// language is not known, the words of all of them count.
pub fn intent_of(written: &Written<'_>, language: Option<&'static Language>) -> Intent {
    if is_thanks(written, language) {
        return Intent::Thanks;
    }
    let not = stops_a_newsletter(written).then_some(Intent::Cancellation);
    let mut told = [written.text, written.subject].into_iter();
    told.find_map(|text| matter(&spaced(text), language, not)).unwrap_or(Intent::Other)
}

/// Whether somebody says thanks and wants nothing else. A parcel or a lamp is spoken of by who is pleased with it as well; and
/// bare thanks are a polite end where the subject says what is wanted and nobody has answered yet.
pub fn is_thanks(written: &Written<'_>, language: Option<&'static Language>) -> bool {
    let heard = heard(language);
    let is_subject_all = written.text.trim().is_empty();
    let all = if is_subject_all { written.subject } else { written.text };
    let text = spaced(all);
    if !any_says(&heard, &text, |heard| heard.thanks)
        || all.contains(['?', '？', '¿'])
        || any_says(&heard, &text, |heard| heard.asks)
        || names_a_matter(all)
    {
        return false;
    }
    let is_pleased = any_says(&heard, &text, |heard| heard.pleased);
    match matter(&text, language, None) {
        Some(Intent::WhereIsMyOrder | Intent::ProductQuestion) => is_pleased,
        Some(_) => false,
        None if is_pleased || is_subject_all => true,
        None => {
            let subject = spaced(written.subject);
            let is_idle = || subject.trim().is_empty() || any_says(&heard, &subject, |heard| heard.thanks);
            !names_a_number(all) && (written.is_answer || is_idle())
        }
    }
}

/// The first matter, but thanks and what it cannot be, whose words a text has.
fn matter(spaced: &str, language: Option<&'static Language>, not: Option<Intent>) -> Option<Intent> {
    let mut matters = heard(language).into_iter().flat_map(Heard::matters);
    matters.find(|(intent, words)| Some(*intent) != not && says(spaced, words)).map(|(intent, _)| intent)
}

/// Whether a text says one of the words of a kind in one of the languages.
fn any_says(heard: &[&Heard], spaced: &str, words: fn(&Heard) -> &'static [&'static str]) -> bool {
    heard.iter().any(|heard| says(spaced, words(heard)))
}

/// By which words a message in that language is heard.
fn heard(language: Option<&'static Language>) -> Vec<&'static Heard> {
    match language {
        Some(language) => vec![&language.heard, &ENGLISH.heard],
        None => ALL.iter().map(|language| &language.heard).collect(),
    }
}

/// Whether a number stands in a text that is as long as those of orders.
fn names_a_number(text: &str) -> bool {
    const DIGITS: usize = 4;
    let mut numbers = text.split(|c: char| !c.is_ascii_digit());
    numbers.any(|number| number.len() >= DIGITS)
}

/// Whether what a message stops can only be a newsletter: it or its subject names one, and neither an order.
pub fn stops_a_newsletter(written: &Written<'_>) -> bool {
    let [subject, text] = [written.subject, written.text].map(spaced);
    let names = |words: &[&str]| says(&subject, words) || says(&text, words);
    names(NEWSLETTERS) && !names(ORDERS)
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
pub fn is_pressing(text: &str, language: Option<&'static Language>) -> bool {
    let text = spaced(text);
    heard(language).into_iter().any(|heard| says(&text, heard.pressing))
}

/// The words of a text without accents, each between spaces.
fn spaced(text: &str) -> String {
    let text = plain(&normalised(text));
    let text: String = text.chars().map(|c| if c.is_alphanumeric() || c == '\'' { c } else { ' ' }).collect();
    text.split_whitespace().fold(String::from(" "), |all, word| all + word + " ")
}

/// Whether one of the words begins in a text, behind a space or an elision such as `l'`; with its accents left out, or written
/// as `ue` and the like.
fn says(spaced: &str, words: &[&str]) -> bool {
    let begins = |word: &str| spaced.match_indices(word).any(|(at, _)| spaced[..at].ends_with([' ', '\'']));
    words.iter().any(|word| begins(&plain(word)) || written_out(word).is_some_and(|word| begins(&word)))
}

/// A word with the letters that a keyboard may lack written as two; none when it has none of them.
fn written_out(word: &str) -> Option<String> {
    const LETTERS: [(char, &str); 7] =
        [('ä', "ae"), ('ö', "oe"), ('ü', "ue"), ('ß', "ss"), ('å', "aa"), ('ø', "oe"), ('æ', "ae")];
    let two = |c: char| LETTERS.iter().find(|(letter, _)| *letter == c).map(|(_, two)| *two);
    if !word.chars().any(|c| two(c).is_some()) {
        return None;
    }
    let letter = |c: char| two(c).map_or_else(|| Cow::Owned(plain(&c.to_string())), Cow::Borrowed);
    Some(word.chars().map(letter).collect())
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
