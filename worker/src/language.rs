//! What a text gives a detector of languages to read: words alone, and enough of them.

/// So much of a text is enough, in characters.
const CHARS: usize = 2_000;

/// The words of a text without addresses and markup; none when they have fewer letters than `least_letters`, which say
/// too little.
pub fn readable(text: &str, least_letters: usize) -> Option<String> {
    let words = text.split_whitespace().filter(|word| !word.contains(['@', '/', '<']));
    let text: String = words.flat_map(|word| word.chars().chain([' '])).take(CHARS).collect();
    (text.chars().filter(|c| c.is_alphabetic()).count() >= least_letters).then_some(text)
}
