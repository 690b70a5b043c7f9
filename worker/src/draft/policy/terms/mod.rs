//! The words that the promise policy reacts to, one file a language, for the languages that the built-in drafter writes. They
//! are in the normalised form (lower case, a space before the beginning of a word). A mention counts wherever the words
//! around it are not known, so a language with few phrases is judged more strictly and not less.
//!
//! A reply is held against the words of all languages, whichever it is written in. So a word that several of them have stands
//! once, with one of them.

mod danish;
mod dutch;
mod english;
mod french;
mod german;
mod italian;
mod norwegian;
mod polish;
mod portuguese;
mod spanish;
mod swedish;

#[cfg(test)]
mod tests;

/// All languages. Phrases that overlap (`neutral`) are taken out in this order.
static ALL: [&Terms; 11] = [
    &english::TERMS,
    &german::TERMS,
    &french::TERMS,
    &spanish::TERMS,
    &italian::TERMS,
    &dutch::TERMS,
    &portuguese::TERMS,
    &polish::TERMS,
    &swedish::TERMS,
    &danish::TERMS,
    &norwegian::TERMS,
];

/// Words, or beginnings of them.
pub(super) type Words = &'static [&'static str];

/// Which of a language's words are meant.
pub(super) type Kind = fn(&Terms) -> Words;

/// The words of one language.
pub(super) struct Terms {
    /// How we rate a customer; never for the customer's eyes.
    pub(super) ratings: Words,
    /// Money or goods given back.
    pub(super) refunds: Words,
    /// Something cheaper or free.
    pub(super) discounts: Words,
    /// Phrases in which the words are harmless: they name the customer's request, they grant nothing.
    pub(super) neutral: Words,
    /// Words that take a mention back.
    pub(super) hedges: Words,
    /// Words that grant what the same sentence mentions, hedged or not.
    pub(super) commitments: Words,
    /// Something in the place of what was bought.
    pub(super) replacements: Words,
    /// Words by which the shop sends something, so that a replacement is a promise.
    pub(super) sending: Words,
    /// Words that deny what stands behind them.
    pub(super) denials: Words,
    /// Words that may stand between a denial and what it denies.
    pub(super) between: Words,
    /// Beginnings that make a promise of the term right behind them, line breaks or not.
    pub(super) refused_anywhere: Words,
    /// Words by which a sentence speaks of what is to come.
    pub(super) to_come: Words,
    /// Days by name.
    pub(super) days: Words,
    /// Beginnings of units of time.
    pub(super) spans: Words,
    /// Words between a number and its unit of time.
    pub(super) kinds_of_day: Words,
    /// Currencies by word, as far as they are told apart from other words, and what a percent sign is called.
    pub(super) currencies: Words,
    /// Words by which a sentence speaks of a code.
    pub(super) codes: Words,
    /// Words by which a sentence speaks of an order or of what was paid for one.
    pub(super) orders: Words,
    /// Words by which a sentence speaks of a parcel.
    pub(super) parcels: Words,
}

/// Currencies by code, the same in every language.
pub(super) const CURRENCY_CODES: Words =
    &["eur", "usd", "gbp", "chf", "cad", "aud", "sek", "nok", "dkk", "pln", "jpy"];

/// The words of a kind in all languages.
pub(super) fn all(kind: Kind) -> impl Iterator<Item = &'static str> {
    ALL.iter().flat_map(move |terms| kind(terms)).copied()
}

/// Whether a text, normalised, has a word of a kind.
pub(super) fn says(text: &str, kind: Kind) -> bool {
    all(kind).any(|phrase| text.contains(phrase))
}

/// Whether a word is one of a kind.
pub(super) fn is_one(word: &str, kind: Kind) -> bool {
    all(kind).any(|known| known == word)
}
