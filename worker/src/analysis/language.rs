//! The language of a message as ISO 639-1 names it, when it can be told.

use whatlang::{Detector, Lang};

use super::is_reply;
use crate::language::{self, Words, by_words, detect, readable};

/// Fewer letters than these tell nothing.
const LETTERS: usize = 12;
/// A text with fewer letters than these is short, and its subject may tell what it does not.
const SHORT: usize = 40;
/// Fewer little words than these are of any language.
const WORDS: usize = 2;

/// The language; none of what is too short, mixed, or no language at all.
pub fn of(text: &str) -> Option<&'static str> {
    let text = readable(text, LETTERS)?;
    let found = detect(&text)?;
    if found.is_reliable() {
        return language::code(found.lang(), &text);
    }
    // A sentence is too short to be told from all languages of the world, but not from those of most shops.
    let among = Detector::with_allowlist(COMMON.to_vec()).detect(&text)?;
    let common = language::code(among.lang(), &text);
    match by_words(&text, WORDS, &[]) {
        // A dialect may have little words of another language; what is told in two ways is not told.
        Words::Of(language) if among.is_reliable() && common.is_some_and(|common| common != language) => None,
        Words::Of(language) => Some(language),
        Words::OfSeveral => None,
        Words::Unknown => common.filter(|_| among.confidence() > 0.5),
    }
}

/// The language of a message: its text's, else, where that is short, its subject's if that is the customer's own.
pub fn of_message(subject: &str, text: &str) -> Option<&'static str> {
    let is_long = || readable(text, SHORT).is_some();
    of(text).or_else(|| if is_reply(subject) || is_long() { None } else { of(subject) })
}

const COMMON: &[Lang] = &[
    Lang::Eng,
    Lang::Deu,
    Lang::Fra,
    Lang::Spa,
    Lang::Ita,
    Lang::Nld,
    Lang::Por,
    Lang::Pol,
    Lang::Swe,
    Lang::Dan,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dialect_is_its_language_and_what_is_not_sure_is_none() {
        for (text, language) in [
            ("Wo isch mis Päckli? Ich ha no nüt übercho.", Some("de")),
            ("Grüezi, ich ha mis Päckli no nöd übercho, wenn chunnt das?", Some("de")),
            ("Das Päckli isch kaputt aacho. Ich wett mis Gäld zrugg.", Some("de")),
            ("No ha llegado mi pedido, ¿dónde está?", Some("es")),
            ("hi, paket noch nicht da", Some("de")),
            ("Kde je moje zásilka? Ještě nedorazila.", None),
            ("Siparişim nerede? Hala gelmedi.", None),
            ("荷物はどこですか", None),
        ] {
            assert_eq!(of(text), language, "{text}");
        }
    }

    #[test]
    fn the_subject_tells_the_language_of_a_short_text() {
        for (subject, text, language) in [
            ("Wo bleibt meine Bestellung", "???", Some("de")),
            ("Où est mon colis ?", "536365", Some("fr")),
            // The words behind such a mark may be the shop's.
            ("Re: Where is my order?", "???", None),
            ("AW: Wo bleibt meine Bestellung", "???", None),
            ("Frage", "???", None),
        ] {
            assert_eq!(of_message(subject, text), language, "{subject}: {text}");
        }
    }
}
