//! Words that deny what they name: "we cannot offer you a refund" grants nothing. A denial counts only where it stands right
//! before the word, with nothing between them but what belongs to both: "we do not want you to wait and refund you" denies
//! something else.

use super::terms::{self, Kind};

/// Words that may stand between a denial and what it denies.
const BETWEEN: usize = 5;

/// Whether a text, normalised, has a word of a kind that is not denied.
pub(super) fn mentions(lower: &str, kind: Kind) -> bool {
    terms::all(kind).any(|term| lower.match_indices(term).any(|(at, _)| !is_denied(word_before(lower, at))))
}

/// The text before the word in which a place is: a term may begin within one (`erstattung` in `Rückerstattung`).
fn word_before(lower: &str, at: usize) -> &str {
    let before = &lower[..at];
    if lower[at..].starts_with(' ') { before } else { before.rfind(' ').map_or("", |space| &before[..space]) }
}

/// Whether a text, normalised, ends in a denial of what follows it.
pub(super) fn is_denied(before: &str) -> bool {
    let mut rest = before.trim_end();
    for _ in 0..=BETWEEN {
        if terms::all(|terms| terms.denials).any(|denial| rest.ends_with(denial)) {
            return true;
        }
        let Some(shorter) = terms::all(|terms| terms.between).find_map(|word| rest.strip_suffix(word)) else {
            return false;
        };
        rest = shorter.trim_end();
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::draft::words::normalised;

    #[test]
    fn a_denial_counts_for_what_it_denies() {
        let granted = |text: &str| mentions(&normalised(text), |terms| terms.refunds);
        for text in [
            "We cannot refund you.",
            "We can't offer you a refund.",
            "It won't be refunded.",
            "There is no refund.",
            "Wir bieten keine Rückerstattung an.",
            "Nous ne pouvons pas vous rembourser.",
        ] {
            assert!(!granted(text), "{text}");
        }
        for text in [
            "We do not want you to wait and refund you.",
            "We can't wait to refund you.",
            "We will not only refund you.",
            "Do not worry, a refund is under way.",
            "No problem, we refund you.",
            "We cannot refund the bulb, but a refund of the lamp is under way.",
        ] {
            assert!(granted(text), "{text}");
        }
    }
}
