//! When two texts are one message: a template may give every message the same id, and nobody's words are lost for that.

use chrono::{DateTime, Utc};
use sha2::{Digest, Sha256};

use crate::mail::quotes;

/// What ids of texts begin with.
const OF_TEXT: &str = "text:";

/// The id of a message that has none of its own: the same text again is the same message.
pub(crate) fn id_of(from_agent: bool, text: &str) -> String {
    named(Sha256::new().chain_update([u8::from(from_agent)]).chain_update(text))
}

/// The id of one whose text was said before, and is said again at a time of its own.
pub(crate) fn id_at(from_agent: bool, text: &str, at: DateTime<Utc>) -> String {
    let micros = at.timestamp_micros().to_be_bytes();
    named(Sha256::new().chain_update([u8::from(from_agent)]).chain_update(micros).chain_update(text))
}

/// Whether it is the id of a message that has none of its own.
pub(super) fn is_of_text(id: &str) -> bool {
    id.starts_with(OF_TEXT)
}

fn named(digest: Sha256) -> String {
    format!("{OF_TEXT}{}", hex::encode(&digest.finalize()[..12]))
}

/// Whether two texts say the same: apart from spaces, marks and capitals, or without the history that mail programs append
/// to one of them. A help desk has both forms of each message.
pub(super) fn are_one(one: &str, other: &str) -> bool {
    one == other || {
        let (one, other) = (forms(one), forms(other));
        one.iter().any(|form| other.contains(form))
    }
}

/// The words of a text, and those of it without its history.
fn forms(text: &str) -> [String; 2] {
    [letters(text), letters(quotes::stripped(text).as_deref().unwrap_or(text))]
}

/// The text alone, without what one form of it writes otherwise than another; all of it when there is nothing else. A mark
/// between two digits is part of their number.
fn letters(text: &str) -> String {
    let is_digit = |c: Option<char>| c.is_some_and(|c| c.is_ascii_digit());
    let mut before = None;
    let mut rest = text.chars().peekable();
    let mut letters = String::with_capacity(text.len());
    while let Some(c) = rest.next() {
        let is_within_number = is_digit(before) && is_digit(rest.peek().copied());
        if !c.is_whitespace() && (!c.is_ascii_punctuation() || is_within_number) {
            letters.extend(c.to_lowercase());
        }
        before = Some(c);
    }
    if letters.is_empty() { text.to_owned() } else { letters }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_at_a_time_is_of_that_time() {
        let at = |secs| DateTime::from_timestamp(secs, 0).expect("a time");
        assert_eq!(id_at(false, "ok", at(1)), id_at(false, "ok", at(1)));
        assert_ne!(id_at(false, "ok", at(1)), id_at(false, "ok", at(2)));
        assert_ne!(id_at(false, "ok", at(1)), id_of(false, "ok"));
        assert!(
            is_of_text(&id_of(true, "ok")) && is_of_text(&id_at(true, "ok", at(1))) && !is_of_text("815")
        );
    }

    #[test]
    fn forms_of_one_text_are_one_and_other_words_are_not() {
        let whole = "My lamp broke.\n\nOn Mon, 2 Nov 2026, Shop <shop@example.com> wrote:\n> Welcome!";
        for (one, other) in [
            ("My lamp\nbroke", "my  lamp broke."),
            (whole, "My lamp broke."),
            ("My lamp broke.", whole),
            (":-)", ":-)"),
            ("It costs 5.", "it costs 5"),
        ] {
            assert!(are_one(one, other), "{one:?} {other:?}");
        }
        for (one, other) in [
            ("Hello", "Hello, where is my lamp?"),
            (":-)", ":-("),
            ("Ja", "Jacke"),
            ("ランプ", "椅子"),
            ("Order 5.5", "Order 55"),
        ] {
            assert!(!are_one(one, other), "{one:?} {other:?}");
        }
    }
}
