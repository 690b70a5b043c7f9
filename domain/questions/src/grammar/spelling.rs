//! Slips of the pen: a word that is not known is read as the known one that it can only be.
//!
//! A word of four to six letters may have one slip, a longer one two. Known words, English words that merely look like
//! one ([`NOT_SLIPS`]), short words, and what could be a name, a number or an id are left as they are.

use std::collections::HashSet;
use std::sync::LazyLock;

use super::words;

/// English words that are within reach of a known word and are no slips of it: without them "cost" would be "most".
static NOT_SLIPS: LazyLock<HashSet<&'static str>> = LazyLock::new(|| {
    let lines = include_str!("not_slips.txt").lines().filter(|line| !line.starts_with('#'));
    lines.flat_map(str::split_whitespace).collect()
});

/// Words with fewer letters are close to too many others.
const SHORTEST: usize = 4;

/// The known word that this one is a slip of; none when it is known, or could be several things, or none.
pub fn slip_of(word: &str) -> Option<&'static str> {
    let letters = word.chars().count();
    let slips = match letters {
        0..SHORTEST => return None,
        SHORTEST..=6 => 1,
        _ => 2,
    };
    let is_word = word.chars().all(char::is_alphabetic);
    if !is_word || words::is_known(word) || NOT_SLIPS.contains(word) {
        return None;
    }
    let mut best: Option<(usize, &'static str)> = None;
    let mut is_several = false;
    for candidate in words::all() {
        let length = candidate.chars().count();
        if length < SHORTEST || length.abs_diff(letters) > slips || !begins_alike(word, candidate) {
            continue;
        }
        let distance = distance(word, candidate);
        if distance > slips {
            continue;
        }
        match best {
            Some((closest, _)) if distance > closest => {}
            Some((closest, other)) if distance == closest => {
                is_several |= !means_the_same(other, candidate);
                // The words are in no order; which one is told must not change from process to process.
                best = Some((distance, other.min(candidate)));
            }
            _ => {
                best = Some((distance, candidate));
                is_several = false;
            }
        }
    }
    best.filter(|_| !is_several).map(|(_, known)| known)
}

/// People rarely mistype the first letter, but swap it with the second.
fn begins_alike(word: &str, candidate: &str) -> bool {
    let two = |text: &str| {
        let mut chars = text.chars();
        (chars.next(), chars.next())
    };
    let ((first, second), (wanted, next)) = (two(word), two(candidate));
    first == wanted || (first == next && second == wanted)
}

/// Words that count inside of phrases alone mean different things.
fn means_the_same(one: &str, other: &str) -> bool {
    matches!((words::meaning(one), words::meaning(other)), (Some(one), Some(other)) if one == other)
}

/// Insertions, deletions, replacements and swaps of neighbours from one word to another (Damerau 1964, in the form in
/// which no place is changed twice).
fn distance(one: &str, other: &str) -> usize {
    let (one, other): (Vec<char>, Vec<char>) = (one.chars().collect(), other.chars().collect());
    let mut rows = vec![vec![0; other.len() + 1]; one.len() + 1];
    for (place, row) in rows.iter_mut().enumerate() {
        row[0] = place;
    }
    rows[0] = (0..=other.len()).collect();
    for a in 1..=one.len() {
        for b in 1..=other.len() {
            let replaced = rows[a - 1][b - 1] + usize::from(one[a - 1] != other[b - 1]);
            let mut least = replaced.min(rows[a - 1][b] + 1).min(rows[a][b - 1] + 1);
            if a > 1 && b > 1 && one[a - 1] == other[b - 2] && one[a - 2] == other[b - 1] {
                least = least.min(rows[a - 2][b - 2] + 1);
            }
            rows[a][b] = least;
        }
    }
    rows[one.len()][other.len()]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn slips_are_seen_through() {
        for (slip, word) in [
            ("catgory", "category"),
            ("bougth", "bought"),
            ("custmers", "customers"),
            ("cusotmers", "customers"),
            ("ucstomers", "customers"),
            ("revnue", "revenue"),
            ("moast", "most"),
            ("thier", "their"),
            ("oportunities", "opportunities"),
            ("segements", "segments"),
            ("archtypes", "archetypes"),
            ("yesteday", "yesterday"),
        ] {
            assert_eq!(slip_of(slip), Some(word), "{slip}");
        }
    }

    #[test]
    fn other_words_short_words_and_known_words_stay() {
        for word in [
            "weather",
            "tea",
            "xyzzy",
            "unicorns",
            "cost",
            "coast",
            "boat",
            "sale",
            "host",
            "teh",
            "mot",
            "hte",
            "lest",
            "customers",
            "churn",
            "spend",
            "order",
            "7041",
            "c-0123abcd",
            "x2345",
            "beast",
            "seal",
            "reason",
        ] {
            assert_eq!(slip_of(word), None, "{word}");
        }
    }

    #[test]
    fn the_words_that_are_no_slips_are_needed() {
        for word in NOT_SLIPS.iter() {
            assert!(!words::is_known(word), "{word} is known, so it is never read as another");
        }
    }

    #[test]
    fn distances_are_those_of_single_slips() {
        for (one, other, slips) in [
            ("ab", "ba", 1),
            ("abc", "ab", 1),
            ("abc", "abd", 1),
            ("", "abc", 3),
            ("same", "same", 0),
            ("teh", "the", 1),
            ("kitten", "sitting", 3),
        ] {
            assert_eq!((distance(one, other), distance(other, one)), (slips, slips), "{one} {other}");
        }
    }

    proptest! {
        #[test]
        fn a_known_word_is_never_read_as_another(place in 0..400_usize) {
            let known: Vec<&str> = words::all().collect();
            prop_assert_eq!(slip_of(known[place % known.len()]), None);
        }

        #[test]
        fn one_swap_in_a_long_word_is_seen_through_or_left(place in 0..400_usize, at in 1..6_usize) {
            let long: Vec<&str> = words::all().filter(|word| word.chars().count() > 7).collect();
            let word = long[place % long.len()];
            let mut chars: Vec<char> = word.chars().collect();
            chars.swap(at, at + 1);
            let slip: String = chars.into_iter().collect();
            if slip != word && let Some(read) = slip_of(&slip) {
                prop_assert!(read == word || means_the_same(read, word), "{} as {}", slip, read);
            }
        }
    }
}
