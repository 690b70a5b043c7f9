//! The language of a message as ISO 639-1 names it, when it can be told.

use whatlang::{Detector, Lang};

use crate::language::{self, Words, by_words, detect, readable};

/// Fewer letters than these tell nothing.
const LETTERS: usize = 12;
/// Fewer little words than these are of any language.
const WORDS: usize = 2;

/// The language; none of what is too short, mixed, or no language at all.
pub fn of(text: &str) -> Option<&'static str> {
    let text = readable(text, LETTERS)?;
    let found = detect(&text)?;
    if found.is_reliable() {
        return language::code(found.lang(), &text);
    }
    match by_words(&text, WORDS, &[]) {
        Words::Of(language) => Some(language),
        Words::OfSeveral => None,
        // A sentence is too short to be told from all languages of the world, but not from those of most shops.
        Words::Unknown => {
            let among = Detector::with_allowlist(COMMON.to_vec()).detect(&text)?;
            (among.confidence() > 0.5).then(|| language::code(among.lang(), &text)).flatten()
        }
    }
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
