//! What the shop has written down that fits the customer's message: of the article that the full-text search put first, the one
//! sentence that has most of the message's words.

use std::collections::HashSet;

use super::languages::{self, Language};
use crate::draft::input::{DraftInput, KnownArticle};
use crate::draft::words::sentences;

/// Letters by which two words count as the same one in another form.
const STEM_CHARS: usize = 5;
/// Shorter words say nothing of a matter.
const SHORTEST_CHARS: usize = 4;
/// A sentence has at least so many words; fewer are a heading.
const FEWEST_WORDS: usize = 5;
/// A longer sentence is no sentence for a letter.
const LONGEST_CHARS: usize = 240;
/// Characters of a title in a remark.
const TITLE_CHARS: usize = 100;

/// The best article that is in the reply's language, and its sentence that fits, if it has one that could stand in a reply;
/// else the best one, of which nothing can.
pub fn fitting<'i>(
    input: &'i DraftInput,
    language: &Language,
) -> Option<(&'i KnownArticle, Option<&'i str>)> {
    let is_in_it = |article: &&KnownArticle| {
        languages::of(&article.language).is_some_and(|written| written.code == language.code)
    };
    let Some(article) = input.articles.iter().find(is_in_it) else {
        return input.articles.first().map(|article| (article, None));
    };
    let asked: HashSet<String> = stems(&input.subject).chain(stems(input.last_customer_text())).collect();
    let hits = |sentence: &str| stems(sentence).collect::<HashSet<_>>().intersection(&asked).count();
    let can_stand = |sentence: &&str| {
        sentence.ends_with(['.', '!'])
            && sentence.chars().count() <= LONGEST_CHARS
            && sentence.split_whitespace().count() >= FEWEST_WORDS
    };
    let candidates =
        sentences(&article.text).into_iter().map(|range| article.text[range].trim()).filter(can_stand);
    // Of equals the first one: articles say first what matters most.
    let best = candidates.map(|sentence| (hits(sentence), sentence)).filter(|(hits, _)| *hits > 0);
    let best = best.reduce(|best, next| if next.0 > best.0 { next } else { best });
    Some((article, best.map(|(_, sentence)| sentence)))
}

/// What an agent is told of it.
pub fn remark(article: &KnownArticle, is_quoted: bool) -> String {
    let title: String = article.title.chars().take(TITLE_CHARS).collect();
    let what = match is_quoted {
        true => "it answers with a sentence of it",
        false => "nothing of it could be quoted, so read it before you answer",
    };
    format!("Of the shop's articles \"{title}\" (version {}) fits the message best: {what}.", article.version)
}

fn stems(text: &str) -> impl Iterator<Item = String> + '_ {
    text.split(|c: char| !c.is_alphanumeric())
        .filter(|word| word.chars().count() >= SHORTEST_CHARS)
        .map(|word| word.to_lowercase().chars().take(STEM_CHARS).collect())
}
