//! Two questions in one: each is understood by itself, and together they would be a third. They are asked back one by one.
//! And a question and a half, whose end asks for something that it does not say.

use chrono::NaiveDate;

use super::Understood;
use super::intents::{self, Rule};
use super::names::Named;
use super::parameters::{self, Read};
use super::rules::{LOOKUPS, RULES};

/// Words that begin a question after "and".
const BEGIN: [&str; 18] = [
    "who", "whos", "whom", "whose", "which", "what", "whats", "when", "how", "will", "is", "are", "do",
    "does", "show", "list", "forecast", "compare",
];

/// Words that ask for something more when nothing follows them: "who are our VIPs, and how?"
const ASK_MORE: [&str; 9] = ["how", "when", "where", "what", "why", "who", "whom", "which", "whose"];

/// The word at the end with which a question asks for something more that it does not say.
pub(super) fn unsaid(question: &str) -> Option<&'static str> {
    let question = question.to_lowercase();
    let words: Vec<&str> =
        question.trim_end_matches(|sign: char| !sign.is_alphanumeric()).split_whitespace().collect();
    let [begin @ .., before, last] = words.as_slice() else { return None };
    // "And when?" alone goes on from what was asked before.
    let is_more = !begin.is_empty() && (["and", "or"].contains(before) || before.ends_with([',', ';']));
    ASK_MORE.into_iter().find(|word| is_more && word == last)
}

/// Asks back when there are several questions; none when there is one.
pub(super) fn questions(question: &str, named: &Named, today: NaiveDate) -> Option<Understood> {
    let clauses = clauses(question);
    if clauses.len() < 2 {
        return None;
    }
    let mut customer: Option<String> = None;
    let mut asked: Vec<(&'static Rule, String)> = Vec::new();
    for clause in clauses {
        let read = parameters::read(&clause, named, today);
        customer = read.customer.clone().or(customer);
        let Some(rule) = by_itself(&read, customer.is_some()) else { continue };
        if !asked.iter().any(|(known, _)| (known.tool, known.variant) == (rule.tool, rule.variant)) {
            let example = match &customer {
                Some(id) => rule.example.replace("C-0123ABCD", id),
                None => rule.example.to_owned(),
            };
            asked.push((rule, example));
        }
    }
    if asked.len() < 2 {
        return None;
    }
    Some(Understood::AskBack {
        text: "These are several questions; please ask one at a time.".to_owned(),
        suggestions: asked.into_iter().map(|(_, example)| example).take(super::MOST_SUGGESTIONS).collect(),
    })
}

/// What a part asks for by itself.
fn by_itself(read: &Read, has_customer: bool) -> Option<&'static Rule> {
    if read.objection.is_some() {
        return None;
    }
    let refers = read.customer.is_some() || read.about != read.about.without_pronouns();
    let rules = if has_customer && refers { LOOKUPS } else { RULES };
    let about = if has_customer { read.about.without_pronouns() } else { read.about };
    let chosen = super::choose(rules, about, read.limit).ok();
    chosen.or_else(|| intents::narrowed(about).filter(|_| !has_customer).map(|(rule, _)| rule))
}

/// The parts that could be questions.
fn clauses(question: &str) -> Vec<String> {
    let mut clauses = vec![String::new()];
    let words: Vec<&str> = question.split_whitespace().collect();
    for (place, word) in words.iter().enumerate() {
        let small = word.to_lowercase();
        let joins = matches!(super::words::in_full(&small), "and" | "also" | "plus" | "&" | "then");
        let begins = words.get(place + 1).is_some_and(|next| {
            let next = next.to_lowercase().replace(['\'', '\u{2019}'], "");
            BEGIN.contains(&super::words::in_full(&next))
        });
        let clause = clauses.last_mut().expect("there is one");
        if joins && begins {
            clauses.push(String::new());
            continue;
        }
        clause.push_str(word);
        clause.push(' ');
        if word.ends_with(['?', ';', '!', '.']) {
            clauses.push(String::new());
        }
    }
    clauses.retain(|clause| !clause.trim().is_empty());
    clauses
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_begin_with_words_that_ask() {
        let parts = |question: &str| {
            clauses(question).iter().map(|clause| clause.trim().to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(parts("who are vips and which segments grow"), ["who are vips", "which segments grow"]);
        assert_eq!(parts("Hi. Who? What!"), ["Hi.", "Who?", "What!"]);
        assert_eq!(parts("recency, frequency and money"), ["recency, frequency and money"]);
    }
}
