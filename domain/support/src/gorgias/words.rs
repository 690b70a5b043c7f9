//! When two texts are one message: a template may give every message the same id, and nobody's words are lost for that.

use sha2::{Digest, Sha256};

use crate::mail::quotes;

/// The id of a message that has none of its own: the same text again is the same message.
pub(crate) fn id_of(from_agent: bool, text: &str) -> String {
    let digest = Sha256::new().chain_update([u8::from(from_agent)]).chain_update(text).finalize();
    format!("text:{}", hex::encode(&digest[..12]))
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

/// The text alone, without what one form of it writes otherwise than another; all of it when there is nothing else.
fn letters(text: &str) -> String {
    let is_kept = |c: &char| !c.is_whitespace() && !c.is_ascii_punctuation();
    let letters: String = text.chars().filter(is_kept).flat_map(char::to_lowercase).collect();
    if letters.is_empty() { text.to_owned() } else { letters }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_of_one_text_are_one_and_other_words_are_not() {
        let whole = "My lamp broke.\n\nOn Mon, 2 Nov 2026, Shop <shop@example.com> wrote:\n> Welcome!";
        for (one, other) in [
            ("My lamp\nbroke", "my  lamp broke."),
            (whole, "My lamp broke."),
            ("My lamp broke.", whole),
            (":-)", ":-)"),
        ] {
            assert!(are_one(one, other), "{one:?} {other:?}");
        }
        for (one, other) in
            [("Hello", "Hello, where is my lamp?"), (":-)", ":-("), ("Ja", "Jacke"), ("ランプ", "椅子")]
        {
            assert!(!are_one(one, other), "{one:?} {other:?}");
        }
    }
}
