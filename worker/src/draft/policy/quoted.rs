//! What is somebody else's word in a reply: a quotation of the conversation, or a sentence that the shop has published.

use crate::draft::words::normalised;

/// Fewer words are no sentence that anybody published.
const FEWEST_WORDS: usize = 4;
/// Fewer words between marks only stress a word.
const FEWEST_QUOTED: usize = 3;
/// The marks between which people quote.
const MARKS: &[(char, char)] = &[
    ('"', '"'),
    ('\u{201c}', '\u{201d}'),
    ('\u{201e}', '\u{201c}'),
    ('\u{ab}', '\u{bb}'),
    ('\u{bb}', '\u{ab}'),
];

/// The reply without what it quotes word for word of `said`, which is normalised.
pub(super) fn without(reply: &str, said: &[String]) -> String {
    let mut left = String::with_capacity(reply.len());
    let mut rest = reply;
    while let Some((before, opening, inside)) = next_mark(rest) {
        left.push_str(before);
        let closing = MARKS.iter().filter(|(open, _)| *open == opening);
        let quoted = closing
            .filter_map(|(_, close)| inside.split_once(*close))
            .find(|(quote, _)| is_said(quote, said));
        match quoted {
            Some((_, after)) => {
                left.push(' ');
                rest = after;
            }
            None => {
                left.push(opening);
                rest = inside;
            }
        }
    }
    left.push_str(rest);
    left
}

/// The text before the next mark, the mark, and the text behind it.
fn next_mark(text: &str) -> Option<(&str, char, &str)> {
    let (at, mark) = text.char_indices().find(|(_, c)| MARKS.iter().any(|(open, _)| open == c))?;
    Some((&text[..at], mark, &text[at + mark.len_utf8()..]))
}

fn is_said(quote: &str, said: &[String]) -> bool {
    let quote = normalised(quote);
    let quote = quote.trim_matches(|c: char| !c.is_alphanumeric());
    quote.split_whitespace().count() >= FEWEST_QUOTED && said.iter().any(|text| text.contains(quote))
}

/// Whether a sentence stands word for word in one of these texts, which are normalised.
pub(super) fn stands_in(sentence: &str, texts: &[String]) -> bool {
    let sentence = normalised(sentence);
    let is_long = sentence.split_whitespace().count() >= FEWEST_WORDS;
    is_long && texts.iter().any(|text| text.contains(sentence.as_str()))
}
