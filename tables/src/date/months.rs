//! Names of months in the languages that shops' files are mostly in, in full or at least three letters of them.

/// Names by their number. One that begins as the name of another month of another language does is told apart by its
/// further letters.
const NAMES: [(&[&str], u32); 12] = [
    (&["january", "januar", "j\u{e4}nner", "januari", "janvier", "enero", "gennaio", "janeiro"], 1),
    (&["february", "februar", "februari", "f\u{e9}vrier", "fevrier", "febrero", "febbraio", "fevereiro"], 2),
    (
        &[
            "march",
            "m\u{e4}rz",
            "maerz",
            "mrz",
            "maart",
            "mrt",
            "mars",
            "marzo",
            "mar\u{e7}o",
            "marco",
            "marts",
        ],
        3,
    ),
    (&["april", "avril", "abril", "aprile"], 4),
    (&["may", "mai", "mei", "mayo", "maggio", "maio", "maj"], 5),
    (&["june", "juni", "juin", "junio", "giugno", "junho"], 6),
    (&["july", "juli", "juillet", "julio", "luglio", "julho"], 7),
    (&["august", "augustus", "augusti", "ao\u{fb}t", "aout", "agosto"], 8),
    (&["september", "septembre", "septiembre", "setiembre", "settembre", "setembro"], 9),
    (&["october", "oktober", "octobre", "octubre", "ottobre", "outubro"], 10),
    (&["november", "novembre", "noviembre", "novembro"], 11),
    (
        &[
            "december",
            "dezember",
            "d\u{e9}cembre",
            "decembre",
            "diciembre",
            "dicembre",
            "dezembro",
            "desember",
        ],
        12,
    ),
];

/// The number of the month whose name a word is or begins; none where it begins those of several.
pub(super) fn number(word: &str) -> Option<u32> {
    let word = word.to_lowercase();
    if word.chars().count() < 3 {
        return None;
    }
    let mut found = NAMES
        .iter()
        .filter(|(names, _)| names.iter().any(|name| name.starts_with(word.as_str())))
        .map(|(_, number)| *number);
    let number = found.next()?;
    found.next().is_none().then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_names_one_month_or_none() {
        for (word, expected) in [
            ("Oct", Some(10)),
            ("okt", Some(10)),
            ("MRZ", Some(3)),
            ("M\u{e4}r", Some(3)),
            ("M\u{c4}RZ", Some(3)),
            ("mar", Some(3)),
            ("mai", Some(5)),
            ("juin", Some(6)),
            ("juil", Some(7)),
            // The beginning of June and of July in French.
            ("jui", None),
            ("ao\u{fb}t", Some(8)),
            ("sept", Some(9)),
            ("set", Some(9)),
            ("d\u{e9}c", Some(12)),
            ("ma", None),
            ("", None),
            ("monday", None),
        ] {
            assert_eq!(number(word), expected, "{word}");
        }
        for (names, expected) in NAMES {
            for name in names {
                assert_eq!(number(name), Some(expected), "{name}");
            }
        }
    }
}
