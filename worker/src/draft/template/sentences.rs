//! The choice among the sentences of a language.

use super::intent::Intent;
use super::languages::Phrases;
use crate::draft::style::Tone;

/// What goes into a body of sentences.
pub struct Wanted<'s> {
    /// The matter.
    pub intent: Intent,
    /// The tone.
    pub tone: Tone,
    /// What the orders say, in place of the topic.
    pub fact: Option<&'s str>,
    /// What the shop has written down.
    pub quote: Option<&'s str>,
    /// How many sentences, 2 to 6.
    pub count: usize,
}

/// Picks sentences in reading order: what happens next, what the shop has written down and a question come first, then an
/// opening, the facts, and what fills up a longer letter.
pub fn choose<'s>(phrases: &'static Phrases, wanted: &Wanted<'s>) -> Vec<&'s str> {
    let matter = phrases.matter(wanted.intent);
    let closing = match wanted.intent {
        Intent::Thanks => phrases.closing_of_thanks,
        _ => phrases.closing,
    };
    let by_reading_order: [(usize, Option<&str>); 7] = [
        (3, Some(phrases.opening(wanted.intent, wanted.tone))),
        (4, Some(wanted.fact.unwrap_or(matter.topic))),
        (1, wanted.quote),
        (0, Some(matter.next)),
        (2, Some(matter.ask)),
        (5, Some(phrases.answer_here)),
        (6, Some(closing)),
    ];
    // Without something to quote everything behind it moves up.
    let last = if wanted.quote.is_some() { wanted.count } else { wanted.count + 1 };
    by_reading_order
        .into_iter()
        .filter(|(rank, _)| *rank < last)
        .filter_map(|(_, sentence)| sentence)
        .collect()
}
