//! The language of a message as ISO 639-1 names it, when it can be told.

use whatlang::{Detector, Lang};

use crate::language::readable;

/// Fewer letters than these tell nothing.
const LETTERS: usize = 12;

/// The language; none of what is too short, mixed, or no language at all.
pub fn of(text: &str) -> Option<&'static str> {
    let text = readable(text, LETTERS)?;
    let found = Detector::new().detect(&text)?;
    if found.is_reliable() {
        return name(found.lang());
    }
    // A sentence is too short to be told from all languages of the world, but not from those of most shops.
    let among = Detector::with_allowlist(COMMON.to_vec()).detect(&text)?;
    (among.confidence() > 0.5).then(|| name(among.lang())).flatten()
}

const COMMON: &[Lang] = &[Lang::Eng, Lang::Deu, Lang::Fra, Lang::Spa];

fn name(language: Lang) -> Option<&'static str> {
    Some(match language {
        Lang::Eng => "en",
        Lang::Deu => "de",
        Lang::Fra => "fr",
        Lang::Spa => "es",
        Lang::Ita => "it",
        Lang::Por => "pt",
        Lang::Nld => "nl",
        Lang::Swe => "sv",
        Lang::Dan => "da",
        Lang::Nob => "nb",
        Lang::Fin => "fi",
        Lang::Pol => "pl",
        Lang::Ces => "cs",
        Lang::Slk => "sk",
        Lang::Hun => "hu",
        Lang::Ron => "ro",
        Lang::Bul => "bg",
        Lang::Hrv => "hr",
        Lang::Tur => "tr",
        Lang::Rus => "ru",
        Lang::Ukr => "uk",
        Lang::Ell => "el",
        Lang::Jpn => "ja",
        Lang::Cmn => "zh",
        Lang::Kor => "ko",
        Lang::Ara => "ar",
        Lang::Heb => "he",
        Lang::Hin => "hi",
        Lang::Vie => "vi",
        Lang::Tha => "th",
        Lang::Ind => "id",
        _ => return None,
    })
}
