//! Splitting text into sentences and tokens, for the rules about what a reply may say and how long it may
//! be. The splitting is for our own rules, not for linguistics: it errs towards more and shorter sentences.

use std::ops::Range;

use super::template::languages;

/// The byte ranges of a text's sentences. They cover the text: each takes the whitespace behind it along. A
/// sentence ends at `.`, `!`, `?` or `…` before whitespace, unless a day's number stands there before its month
/// (`12. März`), and at every line break.
pub fn sentences(text: &str) -> Vec<Range<usize>> {
    let mut ranges = Vec::new();
    let mut start = 0;
    let mut ended = false;
    let mut gap = false;
    for (at, c) in text.char_indices() {
        if c.is_whitespace() {
            gap |= ended || c == '\n';
        } else {
            if gap && !is_within_date(&text[start..at], &text[at..]) {
                ranges.push(start..at);
                start = at;
            }
            gap = false;
            ended = is_end(c) || (ended && is_closing(c));
        }
    }
    if start < text.len() {
        ranges.push(start..text.len());
    }
    ranges
}

/// How many real sentences a text has: lines without a sentence's end (a greeting, a sign-off) do not count.
pub fn count_sentences(text: &str) -> usize {
    let finished = |range: &Range<usize>| {
        let sentence = text[range.clone()].trim_end();
        sentence.trim_end_matches(is_closing).ends_with(is_end)
    };
    sentences(text).iter().filter(|range| finished(range)).count()
}

/// Lower case, plain apostrophes and hyphens, single spaces, no invisible characters; a space at both ends,
/// so that ` word` finds the start of a word.
pub fn normalised(text: &str) -> String {
    let mut out = String::from(" ");
    for c in text.chars().filter(|c| !is_invisible(*c)) {
        match c {
            '\u{2018}' | '\u{2019}' | '\u{02bc}' | '`' => out.push('\''),
            '\u{2010}'..='\u{2015}' => out.push('-'),
            _ if c.is_whitespace() => {
                if !out.ends_with(' ') {
                    out.push(' ');
                }
            }
            _ => out.extend(c.to_lowercase()),
        }
    }
    if !out.ends_with(' ') {
        out.push(' ');
    }
    out
}

/// The tokens of a text: pieces between whitespace without the punctuation around them, and the halves of
/// `a:b` and `a=b`. A leading `#` or currency sign and a closing `%` stay.
pub fn tokens(text: &str) -> impl Iterator<Item = String> + '_ {
    text.split(|c: char| {
        c.is_whitespace() || matches!(c, ':' | '=' | '"' | '(' | ')' | ',' | ';' | '|' | '<' | '>')
    })
    .map(|piece| {
        let visible: String = piece.chars().filter(|c| !is_invisible(*c)).collect();
        visible
            .trim_start_matches(|c: char| !c.is_alphanumeric() && !matches!(c, '#' | '$' | '€' | '£'))
            .trim_end_matches(|c: char| !c.is_alphanumeric() && c != '%')
            .to_owned()
    })
    .filter(|token| !token.is_empty())
}

/// A token reduced to its letters and digits in upper case, the form in which identifiers are compared.
pub fn identifier(token: &str) -> String {
    token.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_uppercase).collect()
}

/// Characters that have no width and can split a word without being seen.
pub fn is_invisible(c: char) -> bool {
    matches!(c, '\u{00ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

/// Whether a day's number with a point ends one text on the line on which its month begins the next.
fn is_within_date(before: &str, after: &str) -> bool {
    let Some(numbered) = before.trim_end_matches([' ', '\u{a0}']).strip_suffix('.') else { return false };
    let is_separator = |c: char| !c.is_ascii_digit();
    let day = numbered.rsplit(is_separator).next().unwrap_or_default();
    let stands_alone =
        numbered[..numbered.len() - day.len()].chars().next_back().is_none_or(|c| !c.is_alphanumeric());
    if !(1..=2).contains(&day.len()) || !stands_alone {
        return false;
    }
    let month: String =
        after.chars().take_while(|c| c.is_alphabetic()).flat_map(char::to_lowercase).collect();
    languages::month(&month).is_some()
}

fn is_end(c: char) -> bool {
    matches!(c, '.' | '!' | '?' | '…' | '。' | '！' | '？')
}

fn is_closing(c: char) -> bool {
    matches!(c, '"' | '\'' | ')' | ']' | '\u{201d}' | '\u{2019}' | '*')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn counts_sentences_but_not_greetings() {
        assert_eq!(
            count_sentences(
                "Hello Ann,\n\nThanks! Your total was 12.50 GBP. Is that right?\n\nKind regards,\nUs"
            ),
            3
        );
        assert_eq!(count_sentences("He said \"stop.\" Then he left."), 2);
        assert_eq!(count_sentences("Sie kam am 12. März 2026 an. Die 2. Lampe fehlt."), 3);
        assert_eq!(count_sentences("Afgivet den 15. november 2023. I alt 12. Tak!"), 3);
        assert_eq!(count_sentences(""), 0);
    }

    #[test]
    fn tokens_keep_what_tells_numbers_apart() {
        let found: Vec<String> = tokens("Order: #1001, (20% off) costs £9.99!").collect();
        assert_eq!(found, ["Order", "#1001", "20%", "off", "costs", "£9.99"]);
        assert_eq!(identifier("#1z-99"), "1Z99");
    }

    #[test]
    fn invisible_characters_do_not_hide_words() {
        assert_eq!(normalised("We\u{2019}ll re\u{200b}fund\u{a0}\n you"), " we'll refund you ");
    }

    proptest! {
        #[test]
        fn sentences_cover_the_text(text in "[a-z.!? \n\u{201d}é]{0,80}") {
            let joined: String = sentences(&text).into_iter().map(|range| &text[range]).collect();
            prop_assert_eq!(joined, text);
        }
    }
}
