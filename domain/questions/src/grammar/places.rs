//! Countries that questions name: "in Germany", "German customers". Without a word that says how it is meant a country is not
//! taken for one that a list is narrowed down to, because it could be anything: "who leaves Germany".

use super::concepts::Concept;
use super::tokens::TAKEN;
use super::words::{self, Meaning};
use crate::countries;

/// A country as a question has it.
#[derive(Debug, PartialEq, Eq)]
pub enum Place {
    /// Customers of this country are meant, by its code.
    In(&'static str),
    /// It is not said what of it is meant.
    Unsaid,
}

/// What is said where it is not.
pub const UNSAID: &str = "I know countries as those of shipping addresses; please write \u{201c}customers in Germany\u{201d} or \
                          \u{201c}German customers\u{201d}.";

/// Words before a country in which somebody lives.
const BEFORE: [&str; 8] = ["in", "from", "of", "for", "about", "within", "across", "throughout"];

/// The country that is named at a place, and how many words name it. `begins` is where the question begins that goes on from
/// another: "and Germany?" is of the same.
pub fn at(tokens: &[String], place: usize, begins: Option<usize>) -> Option<(Place, usize)> {
    if says_us(tokens, place) {
        return Some((Place::In("US"), 1));
    }
    let (code, used, is_people) = named(&tokens[place..])?;
    let next = tokens.get(place + used);
    let is_meant = if is_people {
        // "German customers", "French one-time buyers".
        next.is_some_and(|next| {
            next == TAKEN || next == "ones" || matches!(words::meaning(next), Some(Meaning::About(_)))
        })
    } else {
        let before = tokens[..place].iter().rfind(|token| *token != "the");
        begins == Some(place)
            || before.is_some_and(|before| BEFORE.contains(&before.as_str()))
            || next.is_some_and(|next| is_whom(next))
    };
    Some((if is_meant { Place::In(code) } else { Place::Unsaid }, used))
}

/// Whether a word is of customers: "UK customers", "Germany VIPs".
fn is_whom(word: &str) -> bool {
    let whom = [Concept::Customer, Concept::Vip, Concept::Loyal, Concept::New, Concept::Company];
    !word.starts_with("who")
        && whom.iter().any(|concept| words::meaning(word) == Some(Meaning::About(*concept)))
}

/// Whether "us customers" are those of a country: "top us customers", but not "show us customers who may leave".
fn says_us(tokens: &[String], place: usize) -> bool {
    const BEFORE_THEM: [&str; 9] = ["our", "top", "best", "the", "which", "all", "of", "are", "do"];
    let before = place.checked_sub(1).map(|before| tokens[before].as_str());
    tokens[place] == "us"
        && tokens.get(place + 1).is_some_and(|next| is_whom(next))
        && before.is_none_or(|before| BEFORE_THEM.contains(&before))
}

/// The country whose name begins here, how many words it has, and whether it is said of people.
fn named(tokens: &[String]) -> Option<(&'static str, usize, bool)> {
    match words::meaning(tokens.first()?) {
        Some(Meaning::Country(code)) => return Some((code, 1, false)),
        Some(Meaning::OfCountry(code)) => return Some((code, 1, true)),
        _ => {}
    }
    countries::ALL.iter().find_map(|country| {
        let begins = |name: &&&str| {
            name.contains(' ')
                && name.split(' ').count() <= tokens.len()
                && name.split(' ').zip(tokens).all(|(word, token)| word == token)
        };
        let name = country.called.iter().find(begins)?;
        Some((country.code, name.split(' ').count(), false))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_country_is_meant_where_it_is_said_how() {
        let found = |question: &str, place: usize| {
            let tokens: Vec<String> = question.split(' ').map(str::to_owned).collect();
            at(&tokens, place, None)
        };
        assert_eq!(found("vips in germany", 2), Some((Place::In("DE"), 1)));
        assert_eq!(found("vips in the united states please", 3), Some((Place::In("US"), 2)));
        assert_eq!(found("customers from new zealand", 2), Some((Place::In("NZ"), 2)));
        assert_eq!(found("swiss customers", 0), Some((Place::In("CH"), 1)));
        assert_eq!(found("french ones", 0), Some((Place::In("FR"), 1)));
        for (question, place) in
            [("who leaves germany", 2), ("vips germany", 1), ("swiss", 0), ("polish it", 0)]
        {
            assert_eq!(found(question, place), Some((Place::Unsaid, 1)), "{question}");
        }
        assert_eq!(found("uk customers", 0), Some((Place::In("GB"), 1)));
        assert_eq!(found("top us customers", 1), Some((Place::In("US"), 1)));
        for (question, place) in
            [("new customers", 0), ("show us customers", 1), ("companies buy from us", 3)]
        {
            assert_eq!(found(question, place), None, "{question}");
        }
        let and: Vec<String> = ["and", "germany"].map(str::to_owned).to_vec();
        assert_eq!(at(&and, 1, Some(1)), Some((Place::In("DE"), 1)));
    }
}
