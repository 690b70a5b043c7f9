//! The built-in drafter: writes a draft without a language model and says so.
//!
//! It writes in the customer's language, as far as it knows one (`languages`); else in English, and says so. It recognises
//! what the customer's last message is about by its words, and puts together sentences from a fixed set with facts from the
//! purchase log, and with a sentence of the article that fits best of those that the shop has published in that language;
//! which one that was is told. It never promises anything, and what does not pass the promise policy (a shop or order whose
//! very name reads like a promise) or the gate of outgoing texts (an article with a blank to be filled in) is left out.

mod advice;
mod intent;
pub mod languages;
mod quote;
mod sentences;

use super::input::{Author, CustomerFacts, Draft, DraftInput, Drafter, RecentOrder};
use super::policy::{KnownFacts, check};
use super::prompt::INSIDE;
use super::style::{Form, Style, sms_parts, style};
use super::words::{identifier, tokens};
use crate::analysis::excerpt;
pub use intent::{Intent, Written, intent_of, is_thanks, stops_a_newsletter};
use languages::{ENGLISH, Greeting, Language, Phrases};
use sentences::{Wanted, choose};
use upstreams::outgoing::objections;

const REMARK: &str = "Written by the built-in template drafter, without a language model.";

/// Writes a draft.
pub fn draft(input: &DraftInput) -> Draft {
    let facts = KnownFacts::of_conversation(input);
    let (language, foreign) = language_of(input);
    // Where the language is a guess, or one that is not written here, words of all of them are heard.
    let heard_in = input.language.as_deref().filter(|_| !input.is_language_assumed).and_then(languages::of);
    let said = unanswered(input);
    let read = input.intent.as_deref().and_then(Intent::of_reading);
    // Thanks under another message that nobody has answered are no more than its end.
    let read = read.filter(|intent| *intent != Intent::Thanks || said.len() < 2);
    let said_all = excerpt(&said.join("\n"));
    let intent = read.unwrap_or_else(|| intent_of(&Written::latest(input, &said_all), heard_in));
    let style = style(input.channel, input.length);
    let passes = |reply: &String| {
        check(reply, &facts).is_empty()
            && style.problems(reply).is_empty()
            && objections(reply, &INSIDE).is_empty()
    };
    // Thanks need no article.
    let found = quote::fitting(input, language).filter(|_| intent != Intent::Thanks);
    let quoted = found.and_then(|(_, sentence)| sentence);
    let details = [Detail::Everything, Detail::NoNames, Detail::NoFacts];
    let ways = quoted
        .into_iter()
        .map(Some)
        .chain([None])
        .flat_map(|quote| details.map(move |detail| (quote, detail)));
    let (reply, is_quoted) = ways
        .map(|(quote, detail)| {
            (compose(input, &language.phrases, intent, &style, detail, quote), quote.is_some())
        })
        .find(|(reply, _)| passes(reply))
        .unwrap_or_else(|| (compose(input, &language.phrases, intent, &style, Detail::NoFacts, None), false));
    let article = found.map(|(article, _)| quote::remark(article, is_quoted));
    Draft {
        sms_parts: if style.form == Form::TextMessage { sms_parts(&reply) } else { Vec::new() },
        reply,
        recommendation: Some(advice::recommendation(input, intent, heard_in, &facts)),
        drafter: Drafter::Template,
        model: None,
        customer: input.customer_lines(),
        remarks: [REMARK.to_owned()].into_iter().chain(article).chain(foreign).collect(),
    }
}

/// The customer's messages that nobody has answered yet, or the latest when an agent spoke last; none of a bare subject.
fn unanswered(input: &DraftInput) -> Vec<&str> {
    let latest = input.messages.iter().rposition(|message| message.author == Author::Customer);
    let Some(latest) = latest else { return Vec::new() };
    let until = &input.messages[..=latest];
    let from = until.iter().rposition(|message| message.author == Author::Agent).map_or(0, |place| place + 1);
    until[from..].iter().map(|message| message.text.as_str()).collect()
}

/// How much of what others wrote goes into the reply.
#[derive(Clone, Copy, PartialEq)]
enum Detail {
    Everything,
    NoNames,
    NoFacts,
}

/// The language that is written, and what an agent is told when it is not the customer's.
fn language_of(input: &DraftInput) -> (&'static Language, Option<String>) {
    let Some(code) = input.language.as_deref() else {
        let remark = "It is not certain which language the customer writes: the draft is in English.";
        return (&ENGLISH, input.is_language_assumed.then(|| remark.to_owned()));
    };
    match languages::of(code) {
        Some(language) => {
            let remark = format!(
                "It is not certain which language the customer writes: the draft is in \"{code}\" (ISO 639-1), as this \
                 customer's or the shop's other tickets are, else the shop's help page."
            );
            (language, input.is_language_assumed.then_some(remark))
        }
        None => {
            let remark = format!(
                "The customer's language seems to be \"{code}\" (ISO 639-1), which this drafter does not write: the draft \
                 is in English."
            );
            (&ENGLISH, Some(remark))
        }
    }
}

fn compose(
    input: &DraftInput,
    phrases: &'static Phrases,
    intent: Intent,
    style: &Style,
    detail: Detail,
    quote: Option<&str>,
) -> String {
    let fact = match &input.customer {
        _ if !intent.is_about_an_order() || detail == Detail::NoFacts => None,
        Some(customer) => order_sentence(input, phrases, customer),
        None => Some(phrases.no_order.to_owned()),
    };
    let count = (*style.sentences.start() + *style.sentences.end()).div_ceil(2);
    let wanted = Wanted { intent, tone: input.tone, fact: fact.as_deref(), quote, count };
    let body = choose(phrases, &wanted).join(" ");
    if style.form != Form::Letter {
        return body;
    }
    let names = detail == Detail::Everything;
    let name = input.customer_name.as_deref().filter(|_| names);
    let greeting = match phrases.greeting {
        Greeting::First(greet) => name.and_then(first_name).map(greet),
        Greeting::Whole(greet) => {
            name.and_then(|name| whole_name(name).or_else(|| first_name(name))).map(greet)
        }
        Greeting::Nameless => None,
    };
    let greeting = greeting.unwrap_or_else(|| phrases.unnamed_greeting.to_owned());
    let body = if phrases.goes_on_in_lower_case { in_lower_case(&body) } else { body };
    let team = match shop_name(&input.shop_name).filter(|_| names) {
        Some(shop) => (phrases.team_of)(shop),
        None => phrases.team.to_owned(),
    };
    format!("{greeting}\n\n{body}\n\n{}\n{team}", phrases.sign_off)
}

/// A text with a small first letter.
fn in_lower_case(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_lowercase().chain(chars).collect())
}

/// The order that the customer names, if we know it, else the latest.
fn order_sentence(input: &DraftInput, phrases: &Phrases, customer: &CustomerFacts) -> Option<String> {
    let named: Vec<String> = tokens(input.last_customer_text()).map(|token| identifier(&token)).collect();
    let is_named = |order: &&RecentOrder| order_id(order).is_some_and(|id| named.contains(&identifier(id)));
    if let Some(order) = customer.recent_orders.iter().find(is_named) {
        return Some((phrases.named_order)(order_id(order)?, &phrases.day_of(order.at)));
    }
    let latest = customer.recent_orders.iter().max_by_key(|order| order.at);
    match latest.map(|order| (order, order_id(order))) {
        Some((order, Some(id))) => Some((phrases.latest_order)(id, &phrases.day_of(order.at))),
        Some((order, None)) => Some((phrases.latest_order_of_day)(&phrases.day_of(order.at))),
        None => customer.last_order_at.map(|at| (phrases.latest_order_of_day)(&phrases.day_of(at))),
    }
}

/// An order id that is fit to be quoted: short, of letters and digits, with a digit in it.
fn order_id(order: &RecentOrder) -> Option<&str> {
    let id = order.order_id.trim();
    let plain = id.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '#'));
    (plain && id.len() <= 24 && id.contains(|c: char| c.is_ascii_digit())).then_some(id)
}

/// The first name, when it looks like one.
fn first_name(name: &str) -> Option<&str> {
    name.split_whitespace().next().filter(|first| is_name(first))
}

/// First and family name, when they look like names; a particle such as `von` may stand between them.
fn whole_name(name: &str) -> Option<&str> {
    let name = name.trim();
    let words: Vec<&str> = name.split(' ').collect();
    let is_particle = |word: &&str| {
        matches!(*word, "von" | "van" | "vom" | "zu" | "zur" | "de" | "del" | "di" | "der" | "den")
    };
    let (first, last) = (words.first()?, words.last()?);
    let fits = is_name(first) && is_name(last) && words.iter().all(|word| is_name(word) || is_particle(word));
    (fits && (2..=4).contains(&words.len())).then_some(name)
}

fn is_name(word: &str) -> bool {
    let plain = word.chars().all(|c| c.is_alphabetic() || matches!(c, '-' | '\''));
    plain && (2..=24).contains(&word.chars().count()) && word.starts_with(char::is_uppercase)
}

fn shop_name(name: &str) -> Option<&str> {
    let name = name.trim().trim_end_matches('.');
    let plain = name.chars().all(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '&' | '\''));
    (plain && (2..=40).contains(&name.chars().count())).then_some(name)
}

#[cfg(test)]
pub(crate) mod tests;
