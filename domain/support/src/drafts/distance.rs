//! How much of a draft was changed before it went out.

/// Cells of the table that are computed at most; longer texts are compared word by word.
const CELLS: usize = 4_000_000;
/// Words of a text that are compared at most.
const WORDS: usize = 3_000;

/// The Levenshtein distance of two texts by the longer one's length, 0 to 1: of characters, of very long texts of words.
pub fn between(one: &str, other: &str) -> f32 {
    if one == other {
        return 0.0;
    }
    let (a, b): (Vec<char>, Vec<char>) = (one.chars().collect(), other.chars().collect());
    if a.len().saturating_mul(b.len()) <= CELLS {
        return normalised(&a, &b);
    }
    let words = |text| str::split_whitespace(text).take(WORDS).collect::<Vec<&str>>();
    normalised(&words(one), &words(other))
}

fn normalised<T: PartialEq>(a: &[T], b: &[T]) -> f32 {
    let longest = a.len().max(b.len());
    if longest == 0 { 0.0 } else { (levenshtein(a, b) as f32 / longest as f32).min(1.0) }
}

/// The fewest insertions, deletions and replacements that make one of the other (Wagner and Fischer, 1974).
fn levenshtein<T: PartialEq>(a: &[T], b: &[T]) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, left) in a.iter().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, right) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(left != right);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn known_distances() {
        assert_eq!(levenshtein(b"kitten", b"sitting"), 3);
        assert_eq!((between("", ""), between("a", ""), between("same", "same")), (0.0, 1.0, 0.0));
        assert!((between("kitten", "sitting") - 3.0 / 7.0).abs() < 1e-6);
        let long = "word ".repeat(20_000);
        assert!(between(&long, &format!("{long}more")) <= 0.01);
    }

    proptest! {
        #[test]
        fn it_is_symmetric_bounded_and_zero_only_for_the_same(a in "[ab ]{0,30}", b in "[ab ]{0,30}") {
            let distance = between(&a, &b);
            prop_assert!((0.0..=1.0).contains(&distance));
            prop_assert_eq!(distance, between(&b, &a));
            prop_assert_eq!(distance == 0.0, a == b);
        }
    }
}
