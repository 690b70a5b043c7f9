//! The shop's own words: names of archetypes and segments, taken out of a question before its other words are read.
//!
//! A name that is made of common words, such as "at risk", is taken for one only where the question says so: in quotation
//! marks, or beside the word segment or archetype.

use database::Tx;
use database::ids::TenantId;
use marketing::segments::facts;
use platform::insights::InsightError;
use platform::insights::current::current;

use super::words::{self, Meaning};

/// What a name is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// An archetype.
    Archetype,
    /// A segment, saved or of an axis.
    Segment,
}

/// The names that a shop has.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Names {
    /// What each is of, its words in small letters, and itself.
    known: Vec<(Kind, Vec<String>, String)>,
}

/// What a question names.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Named {
    /// An archetype.
    pub archetype: Option<String>,
    /// A segment.
    pub segment: Option<String>,
    /// The code of a country.
    pub country: Option<&'static str>,
    /// A name that is quoted as that of a segment or archetype, and is none.
    pub unknown: Option<String>,
    /// A name that is one of both, or names of two segments or archetypes.
    pub unclear: Option<String>,
}

impl Named {
    /// Whether a list is narrowed down by it.
    pub fn narrows(&self) -> bool {
        self.conditions().next().is_some()
    }

    /// What a list is narrowed down to by it, as fields of a filter.
    pub fn conditions(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let all = [
            ("archetype", self.archetype.as_deref()),
            ("segment", self.segment.as_deref()),
            ("country", self.country),
        ];
        all.into_iter().filter_map(|(field, name)| Some((field, name?)))
    }
}

/// The names of a tenant, those of saved segments only for whoever may see them (marketing role).
///
/// # Errors
/// The database failed.
pub async fn read(tx: &mut Tx, tenant: TenantId, with_saved: bool) -> Result<Names, InsightError> {
    let segmentation = current(tx).await?.and_then(|run| run.segmentation);
    let found = facts::names(tx, tenant, segmentation).await?;
    // Without a run the names of a segmentation that is being made would be those of nobody.
    let (archetypes, axes) = match segmentation {
        Some(_) => (found.archetypes, found.axes),
        None => (Vec::new(), None),
    };
    let archetypes = archetypes.iter().map(|archetype| (Kind::Archetype, archetype.name().to_owned()));
    let of_axes = axes.into_iter().flatten().flatten().map(|name| (Kind::Segment, name));
    let saved = found.segments.into_keys().filter(|_| with_saved).map(|name| (Kind::Segment, name));
    Ok(Names::new(archetypes.chain(of_axes).chain(saved)))
}

const QUOTES: [char; 6] = ['"', '\u{201c}', '\u{201d}', '\u{201e}', '\u{ab}', '\u{bb}'];
/// Words that say what a name is of.
const OF_ARCHETYPE: [&str; 2] = ["archetype", "archetypes"];
const OF_SEGMENT: [&str; 5] = ["segment", "segments", "group", "groups", "cluster"];

impl Names {
    /// These names.
    pub fn new(names: impl IntoIterator<Item = (Kind, String)>) -> Names {
        let mut known: Vec<(Kind, Vec<String>, String)> = names
            .into_iter()
            .map(|(kind, name)| (kind, name.split_whitespace().map(small).collect(), name))
            .filter(|(_, words, _): &(Kind, Vec<String>, String)| words.iter().any(|word| !word.is_empty()))
            .collect();
        known.sort_by(|one, other| {
            (other.1.len(), &one.1, one.0 as u8).cmp(&(one.1.len(), &other.1, other.0 as u8))
        });
        known.dedup_by(|one, other| (one.0, &one.1) == (other.0, &other.1));
        Names { known }
    }

    /// The question without names, and which there were.
    pub fn take(&self, question: &str) -> (String, Named) {
        let mut typed: Vec<&str> = question.split_whitespace().collect();
        let mut named = Named::default();
        for (_, words, _) in &self.known {
            while let Some(place) = self.place(&typed, words) {
                let end = place + words.len();
                let text: Vec<&str> = typed[place..end].iter().map(|word| bare(word)).collect();
                named.add(&self.kinds(words), marker(&typed, place, end), &text.join(" "), words);
                let (from, to) = with_marker(&typed, place, end);
                // The end of a sentence stays one.
                let stop = typed[end - 1].ends_with(['.', '?', '!', ';']).then_some(".");
                typed.splice(from..to, stop);
            }
        }
        if let Some((place, end, text)) = quoted_unknown(&typed) {
            named.unknown = Some(text);
            typed.drain(place..end);
        }
        (typed.join(" "), named)
    }

    /// Where a name stands and is meant.
    fn place(&self, typed: &[&str], words: &[String]) -> Option<usize> {
        let is_common = words.iter().all(|word| is_common(word));
        (0..typed.len().saturating_sub(words.len() - 1)).find(|place| {
            let end = place + words.len();
            let is_it = typed[*place..end].iter().zip(words).enumerate().all(|(n, (word, known))| {
                let word = small(word);
                let is_last = n + 1 == words.len() && known.chars().count() > 3;
                word == *known || (is_last && word.trim_end_matches('s') == known.trim_end_matches('s'))
            });
            is_it && (!is_common || is_quoted(typed, *place, end) || marker(typed, *place, end).is_some())
        })
    }

    /// What a name could be of, and how it is written.
    fn kinds(&self, words: &[String]) -> Vec<(Kind, &str)> {
        self.known
            .iter()
            .filter(|(_, known, _)| known == words)
            .map(|(kind, _, name)| (*kind, name.as_str()))
            .collect()
    }
}

impl Named {
    fn add(&mut self, kinds: &[(Kind, &str)], marked: Option<Kind>, text: &str, words: &[String]) {
        let of = |kind: Kind| kinds.iter().find(|(known, _)| *known == kind).copied();
        // People call archetypes segments, but not the other way round.
        let meant = match marked {
            Some(Kind::Archetype) => of(Kind::Archetype),
            Some(Kind::Segment) => of(Kind::Segment).or(of(Kind::Archetype)),
            None if kinds.len() > 1 => None,
            None => kinds.first().copied(),
        };
        let Some((kind, name)) = meant else {
            self.unclear = Some(shortened(text));
            return;
        };
        // As it was typed, where that is the name.
        let is_typed = text.split_whitespace().map(small).eq(words.iter().cloned());
        let name = if is_typed { text.to_owned() } else { name.to_owned() };
        let place = match kind {
            Kind::Archetype => &mut self.archetype,
            Kind::Segment => &mut self.segment,
        };
        if place.as_ref().is_some_and(|known| !known.eq_ignore_ascii_case(&name)) {
            self.unclear = Some(shortened(text));
        }
        *place = Some(name);
    }
}

/// What the word before or after says that a name is of.
fn marker(typed: &[&str], place: usize, end: usize) -> Option<Kind> {
    let of = |word: &str| match small(word).as_str() {
        word if OF_ARCHETYPE.contains(&word) => Some(Kind::Archetype),
        word if OF_SEGMENT.contains(&word) => Some(Kind::Segment),
        _ => None,
    };
    let before = place.checked_sub(1).and_then(|before| of(typed[before]));
    before.or_else(|| typed.get(end).and_then(|word| of(word)))
}

/// The place of a name together with the word that says what it is of.
fn with_marker(typed: &[&str], place: usize, end: usize) -> (usize, usize) {
    let is_marker = |word: &str| {
        let word = small(word);
        OF_ARCHETYPE.contains(&word.as_str()) || OF_SEGMENT.contains(&word.as_str())
    };
    match place.checked_sub(1) {
        Some(before) if is_marker(typed[before]) => (before, end),
        _ if typed.get(end).is_some_and(|word| is_marker(word)) => (place, end + 1),
        _ => (place, end),
    }
}

/// A quoted text after the word segment or archetype that is no name.
fn quoted_unknown(typed: &[&str]) -> Option<(usize, usize, String)> {
    let place = (1..typed.len())
        .find(|place| typed[*place].starts_with(QUOTES) && marker(typed, *place, typed.len()).is_some())?;
    let end = (place..typed.len()).find(|end| is_closed(typed[*end], *end == place))? + 1;
    let text: Vec<&str> = typed[place..end].iter().map(|word| bare(word)).collect();
    Some((place - 1, end, shortened(&text.join(" "))))
}

fn is_quoted(typed: &[&str], place: usize, end: usize) -> bool {
    typed[place].starts_with(QUOTES) && is_closed(typed[end - 1], end - 1 == place)
}

/// Whether a quotation ends with this word.
fn is_closed(word: &str, is_first: bool) -> bool {
    let word = word.trim_end_matches(['.', ',', '?', '!', ';', ':']);
    word.ends_with(QUOTES) && (!is_first || word.chars().count() > 1)
}

/// Whether a word says something to the grammar, so that a name of such words alone may be none.
fn is_common(word: &str) -> bool {
    // "One-time" is made of two.
    if word.contains('-') {
        return word.split('-').filter(|part| !part.is_empty()).all(is_common);
    }
    let meaning = words::meaning(words::in_full(word));
    word.chars().all(|c| c.is_ascii_digit())
        || (words::is_known(word)
            && !matches!(meaning, Some(Meaning::Outside(_) | Meaning::Country(_) | Meaning::OfCountry(_))))
}

fn bare(word: &str) -> &str {
    word.trim_matches(|c: char| !c.is_alphanumeric() && !matches!(c, '&' | '%' | '+' | '#'))
}

fn small(word: &str) -> String {
    bare(word).to_lowercase()
}

fn shortened(text: &str) -> String {
    text.chars().take(40).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn shop() -> Names {
        Names::new([
            (Kind::Archetype, "Steady Regulars".to_owned()),
            (Kind::Archetype, "At Risk".to_owned()),
            (Kind::Segment, "summer buyers".to_owned()),
            (Kind::Segment, "at risk".to_owned()),
            (Kind::Segment, "Champions".to_owned()),
        ])
    }

    #[test]
    fn names_are_taken_out_with_the_word_that_says_what_they_are() {
        for (question, rest, archetype, segment) in [
            ("who of the steady regulars may leave?", "who of the may leave?", Some("steady regulars"), None),
            (
                "at risk customers of the archetype Steady Regular",
                "at risk customers of the",
                Some("Steady Regulars"),
                None,
            ),
            ("VIPs in the Summer Buyers segment?", "VIPs in the", None, Some("Summer Buyers")),
            ("vips in segment \"at risk\"", "vips in", None, Some("at risk")),
            ("archetype at risk please", "please", Some("at risk"), None),
            ("which champions may leave", "which may leave", None, Some("champions")),
            ("Who are the summer buyers? Hello", "Who are the . Hello", None, Some("summer buyers")),
        ] {
            let (left, named) = shop().take(question);
            assert_eq!(
                (left.as_str(), named.archetype.as_deref(), named.segment.as_deref()),
                (rest, archetype, segment),
                "{question}: {named:?}"
            );
            assert_eq!((named.unknown, named.unclear), (None, None), "{question}");
        }
    }

    #[test]
    fn common_words_are_no_names_and_unknown_ones_are_told() {
        let (rest, named) = shop().take("who is at risk");
        assert_eq!((rest.as_str(), named), ("who is at risk", Named::default()));
        let (rest, named) = shop().take("list the vips in segment \"Winter Buyers\", please");
        assert_eq!(
            (rest.as_str(), named.unknown.as_deref()),
            ("list the vips in please", Some("Winter Buyers"))
        );
        assert_eq!(shop().take("\"at risk\" customers").1.unclear.as_deref(), Some("at risk"));
        assert!(shop().take("champions who are summer buyers").1.unclear.is_some());
    }

    proptest! {
        #[test]
        fn no_question_and_no_name_make_it_fall(question in "(?s).{0,80}", name in ".{0,20}") {
            let names = Names::new([(Kind::Segment, name.clone()), (Kind::Archetype, "Steady".to_owned())]);
            let _ = names.take(&question);
            let _ = names.take(&format!("vips in segment \"{name}\" who"));
        }
    }
}
