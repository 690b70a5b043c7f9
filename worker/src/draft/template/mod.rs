//! The built-in drafter: writes a draft without a language model and says so.
//!
//! It recognises what the customer's last message is about by its words, and puts together sentences from a
//! fixed set with facts from the purchase log, and with a sentence of the article that fits best of those that the shop has
//! published; which one that was is told. It never promises anything, and what does not pass the promise policy (a shop or
//! order whose very name reads like a promise) is left out.

mod advice;
mod intent;
mod quote;
mod sentences;

use super::input::{CustomerFacts, Draft, DraftInput, Drafter, RecentOrder};
use super::policy::{KnownFacts, check};
use super::style::{Form, Style, sms_parts, style};
use super::words::{identifier, tokens};
pub use intent::{Intent, intent_of};

const REMARK: &str = "Written by the built-in template drafter, without a language model.";

/// Writes a draft.
pub fn draft(input: &DraftInput) -> Draft {
    let facts = KnownFacts::of(input);
    let intent = intent_of(input.last_customer_text());
    let style = style(input.channel, input.length);
    let passes = |reply: &String| check(reply, &facts).is_empty() && style.problems(reply).is_empty();
    // Thanks need no article.
    let found = quote::fitting(input).filter(|_| intent != Intent::Thanks);
    let quoted = found.and_then(|(_, sentence)| sentence);
    let details = [Detail::Everything, Detail::NoNames, Detail::NoFacts];
    let ways = quoted
        .into_iter()
        .map(Some)
        .chain([None])
        .flat_map(|quote| details.map(move |detail| (quote, detail)));
    let (reply, is_quoted) = ways
        .map(|(quote, detail)| (compose(input, intent, &style, detail, quote), quote.is_some()))
        .find(|(reply, _)| passes(reply))
        .unwrap_or_else(|| (compose(input, intent, &style, Detail::NoFacts, None), false));
    let article = found.map(|(article, _)| quote::remark(article, is_quoted));
    Draft {
        sms_parts: if style.form == Form::TextMessage { sms_parts(&reply) } else { Vec::new() },
        reply,
        recommendation: Some(advice::recommendation(input, intent, &facts)),
        drafter: Drafter::Template,
        model: None,
        customer: input.customer_lines(),
        remarks: [REMARK.to_owned()].into_iter().chain(article).collect(),
    }
}

/// How much of what others wrote goes into the reply.
#[derive(Clone, Copy, PartialEq)]
enum Detail {
    Everything,
    NoNames,
    NoFacts,
}

fn compose(input: &DraftInput, intent: Intent, style: &Style, detail: Detail, quote: Option<&str>) -> String {
    let fact = match &input.customer {
        _ if !intent.is_about_an_order() || detail == Detail::NoFacts => None,
        Some(customer) => order_sentence(input, customer),
        None => Some("I cannot see an order under these contact details yet.".to_owned()),
    };
    let wanted = (*style.sentences.start() + *style.sentences.end()).div_ceil(2);
    let body = sentences::choose(intent, input.tone, fact.as_deref(), quote, wanted).join(" ");
    if style.form != Form::Letter {
        return body;
    }
    let names = detail == Detail::Everything;
    let greeting = match input.customer_name.as_deref().and_then(first_name).filter(|_| names) {
        Some(name) => format!("Hello {name},"),
        None => "Hello,".to_owned(),
    };
    let team = match shop_name(&input.shop_name).filter(|_| names) {
        Some(shop) => format!("Your {shop} team"),
        None => "Your support team".to_owned(),
    };
    format!("{greeting}\n\n{body}\n\nKind regards,\n{team}")
}

/// The order that the customer names, if we know it, else the latest.
fn order_sentence(input: &DraftInput, customer: &CustomerFacts) -> Option<String> {
    let day = |order: &RecentOrder| order.at.format("%-d %B %Y").to_string();
    let named: Vec<String> = tokens(input.last_customer_text()).map(|token| identifier(&token)).collect();
    let is_named = |order: &&RecentOrder| order_id(order).is_some_and(|id| named.contains(&identifier(id)));
    if let Some(order) = customer.recent_orders.iter().find(is_named) {
        let id = order_id(order)?;
        return Some(format!("I can see the order {id} that you mention, placed on {}.", day(order)));
    }
    let latest = customer.recent_orders.iter().max_by_key(|order| order.at);
    match latest.map(|order| (order, order_id(order))) {
        Some((order, Some(id))) => {
            Some(format!("The latest order that I can see is {id}, placed on {}.", day(order)))
        }
        Some((order, None)) => Some(format!("The latest order that I can see was placed on {}.", day(order))),
        None => customer
            .last_order_at
            .map(|at| format!("The latest order that I can see was placed on {}.", at.format("%-d %B %Y"))),
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
    let first = name.split_whitespace().next()?;
    let plain = first.chars().all(|c| c.is_alphabetic() || matches!(c, '-' | '\''));
    let length = first.chars().count();
    (plain && (2..=24).contains(&length) && first.starts_with(char::is_uppercase)).then_some(first)
}

fn shop_name(name: &str) -> Option<&str> {
    let name = name.trim().trim_end_matches('.');
    let plain = name.chars().all(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '&' | '\''));
    (plain && (2..=40).contains(&name.chars().count())).then_some(name)
}

#[cfg(test)]
pub(crate) mod tests;
