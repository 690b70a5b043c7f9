//! Texts without differences of case, of any alphabet. Rules, the index and the database have to agree on that whatever locale a
//! server was made with, so the database does only what no locale changes: ASCII by the collation "C", other letters by
//! `translate` with those that the rule's texts have.

use std::collections::{BTreeSet, HashMap};
use std::sync::LazyLock;

/// Behind the last letter that has another case.
const END: u32 = 0x2_0000;

/// The letters beside ASCII that fold to another one, by that one.
static OTHERS: LazyLock<HashMap<char, Vec<char>>> = LazyLock::new(|| {
    let mut others: HashMap<char, Vec<char>> = HashMap::new();
    for letter in (0x80..END).filter_map(char::from_u32) {
        let small = folded(letter);
        if small != letter {
            others.entry(small).or_default().push(letter);
        }
    }
    others
});

/// A text in which no letter differs by its case alone. It has as many characters: `ß` stays one, beside `ẞ`, and is not `ss`.
pub fn fold(text: &str) -> String {
    text.chars().map(folded).collect()
}

/// Whether two texts are the same but for case.
pub fn is_same(one: &str, other: &str) -> bool {
    one.chars().map(folded).eq(other.chars().map(folded))
}

fn folded(letter: char) -> char {
    if letter.is_ascii() {
        return letter.to_ascii_lowercase();
    }
    // By its capital, of which a small letter may have two forms (the sigma at the end of a word).
    let capital = only(letter.to_uppercase()).unwrap_or(letter);
    let small = only(capital.to_lowercase()).unwrap_or(capital);
    // The sign for kelvin is no k: the database takes ASCII by itself.
    if small.is_ascii() { letter } else { small }
}

fn only(mut letters: impl Iterator<Item = char>) -> Option<char> {
    letters.next().filter(|_| letters.next().is_none())
}

/// What the database has to put in place of what, letter for letter, so that a text that is compared with one of these is folded
/// as far as it matters. `folded` are folded, and so is ASCII in what they are compared with.
pub(super) fn translation(folded: &[String]) -> (String, String) {
    let letters: BTreeSet<char> = folded.iter().flat_map(|text| text.chars()).collect();
    let (mut from, mut to) = (String::new(), String::new());
    for small in letters {
        for other in OTHERS.get(&small).into_iter().flatten() {
            from.push(*other);
            to.push(small);
        }
    }
    (from, to)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_does_not_matter_in_any_alphabet() {
        for (one, other) in [
            ("B\u{dc}CKEBURG", "B\u{fc}ckeburg"),
            ("\u{141}\u{d3}D\u{179}", "\u{142}\u{f3}d\u{17a}"),
            ("\u{39f}\u{394}\u{39f}\u{3a3}", "\u{3bf}\u{3b4}\u{3bf}\u{3c2}"),
            ("\u{41c}\u{43e}\u{441}\u{43a}\u{432}\u{430}", "\u{43c}\u{43e}\u{441}\u{43a}\u{412}\u{410}"),
            ("STRA\u{1e9e}E", "stra\u{df}e"),
            ("\u{1f145}z", "\u{1f145}Z"),
        ] {
            assert_eq!(fold(one), fold(other), "{one}");
            assert!(is_same(one, other), "{one}");
        }
        for (one, other) in [
            ("stra\u{df}e", "strasse"),
            ("k", "\u{212a}"),
            ("i", "\u{131}"),
            ("i", "\u{130}"),
            ("u", "\u{fc}"),
        ] {
            assert!(!is_same(one, other), "{one} {other}");
        }
    }

    #[test]
    fn a_folded_letter_stays_one_and_every_other_case_of_it_is_known() {
        for letter in ('\0'..=char::MAX).filter(|letter| folded(*letter) != *letter) {
            let small = folded(letter);
            assert_eq!(folded(small), small, "{letter:?}");
            assert_eq!(letter.is_ascii(), small.is_ascii(), "{letter:?}");
            let (from, to) = translation(&[small.to_string()]);
            assert_eq!(from.contains(letter), !letter.is_ascii(), "{letter:?}");
            assert_eq!(to.chars().count(), from.chars().count());
            assert!(to.chars().all(|one| one == small), "{letter:?}");
        }
        assert_eq!(translation(&["ca".to_owned(), "\u{65e5}".to_owned()]), (String::new(), String::new()));
    }
}
