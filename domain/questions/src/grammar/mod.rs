//! What a question asks for, without a model: a small grammar over the tools' vocabulary.
//!
//! It answers only what it understands in full. Every word must be known, or be a slip of a known one; every number must
//! have a unit; and what the question is about must be exactly what one variant of a tool is about. Anything else is asked
//! back or declined, with what could be asked instead. A question that goes on from the one before it takes its tool, its
//! customer and its time.

pub mod concepts;
mod going_on;
pub mod intents;
mod manner;
pub mod names;
mod outside;
pub mod parameters;
mod phrases;
mod places;
#[cfg(test)]
mod reading_tests;
mod rules;
mod spelling;
mod times;
mod tokens;
mod two;
mod words;

use chrono::NaiveDate;
use serde_json::{Map, Value, json};

use crate::tools::{Call, CallError};
use concepts::{Concept, Concepts};
use intents::{Rule, best};
use names::Names;
use parameters::{Objection, Read};
use rules::{LOOKUPS, RULES};

/// A question as it was read.
#[derive(Debug, Clone, PartialEq)]
pub struct Reading {
    /// What it asks for.
    pub understood: Understood,
    /// How it was read where that is not what it says: slips, and times of the calendar.
    pub remarks: Vec<String>,
}

/// What a question asks for.
#[derive(Debug, Clone, PartialEq)]
pub enum Understood {
    /// This call.
    Call(Box<Call>),
    /// It could be several things, or lacks something.
    AskBack {
        /// What is not clear.
        text: String,
        /// Questions that it could have been.
        suggestions: Vec<String>,
    },
    /// Nothing that the tools know.
    Decline {
        /// Why.
        text: String,
        /// Questions that can be answered.
        suggestions: Vec<String>,
    },
}

/// Variants whose rows stand in an order that is none of size.
const UNRANKED: [&str; 7] = [
    "segment_overview",
    "segment_comparison",
    "behavioral",
    "rfm_score",
    "category_repurchase_rate",
    "seasonal_segments",
    "purchase_cadence",
];

/// What a question may be about that wants a list of customers sorted.
const SORTED_BY: &[Concept] = &[
    Concept::Leave,
    Concept::Rate,
    Concept::Spend,
    Concept::Money,
    Concept::Ltv,
    Concept::Forecast,
    Concept::Drift,
    Concept::Customer,
    Concept::They,
    Concept::Vip,
    Concept::Best,
    Concept::Most,
];

/// Suggestions at most.
const MOST_SUGGESTIONS: usize = 4;

/// Reads a question of a day, after one that was answered by `last`, if any was.
pub fn understand(question: &str, last: Option<&Call>, today: NaiveDate) -> Reading {
    understand_in(&Names::default(), question, last, today)
}

/// The same in a shop that has archetypes and segments of these names.
pub fn understand_in(shop: &Names, question: &str, last: Option<&Call>, today: NaiveDate) -> Reading {
    let (question, named) = shop.take(question);
    let read = parameters::read(&question, &named, today);
    let unsaid = two::unsaid(&question).map(|word| {
        let text = format!(
            "What do you want to know by \"{word}\" at the end? Please ask that in a question of its own."
        );
        ask_back(&text, read.about)
    });
    let understood =
        unsaid.or_else(|| two::questions(&question, &named, today)).unwrap_or_else(|| of(&read, last));
    let says_ones = read.says_ones;
    let is_of_all = (read.goes_on || read.says_ones) && !read.is_whole;
    // How words were read is of no use where nothing is answered, and odd in a language that is not read.
    let mut remarks = if matches!(understood, Understood::Decline { .. }) { Vec::new() } else { read.slips };
    if let (Understood::Call(call), Some(remark)) = (&understood, read.time_remark)
        && (call.months().is_some() || matches!(**call, Call::ForecastMetrics(_)))
    {
        remarks.push(remark);
    }
    if let (Understood::Call(call), Some(last)) = (&understood, last)
        && is_of_all
        && going_on::is_other_list(call, last, says_ones)
    {
        remarks.push(match last.filter().and_then(|filter| filter.group) {
            Some(_) => "This is of all customers of the kind, not of those in the list before.".to_owned(),
            None => "This is of all customers of the kind, not of those in the list before; a question that begins with \
                     \u{201c}only\u{201d} narrows that list down."
                .to_owned(),
        });
    }
    Reading { understood, remarks }
}

fn of(read: &Read, last: Option<&Call>) -> Understood {
    if let Some(objection) = &read.objection {
        return match (objection, last) {
            (Objection::Negation(word), Some(last))
                if word == "only" && read.begins_only && read.objections == 1 =>
            {
                going_on::only(read, last).unwrap_or_else(|| objected(read, objection, None))
            }
            _ => objected(read, objection, last),
        };
    }
    if read.says_instead && last.is_none() {
        return objected(read, &Objection::Negation("instead".to_owned()), None);
    }
    if read.begins_just
        && let Some(understood) = last.and_then(|last| going_on::only(read, last))
    {
        return understood;
    }
    // "Loyal ones?" and "which ones are loyal?" go on from what was answered, without a word that says so.
    if last.is_some() && !read.goes_on && (read.says_ones || read.says_instead) {
        let points = read.points || (read.says_ones && read.is_whole);
        return of(&Read { goes_on: true, points, ..read.clone() }, last);
    }
    if read.begins_sort
        && last.is_some_and(Call::lists_customers)
        && !read.about.is_within(Concepts::of(SORTED_BY))
    {
        return unsorted();
    }
    if let Some(understood) = last.and_then(|last| going_on::in_order(read, last)) {
        return understood;
    }
    if let Some(understood) = last.and_then(|last| going_on::of_list(read, last)) {
        return understood;
    }
    let is_of_one = read.customer.is_some() || matches!(last, Some(Call::LookupCustomer(_)));
    if read.points && !is_of_one {
        let text =
            "I cannot narrow a question down to what was answered before; please name whom or what you mean.";
        return ask_back(text, read.about);
    }
    let is_of_itself = !read.goes_on && read.customer.is_none() && intents::names_group(read.about);
    if is_of_itself && let Some(understood) = list(read) {
        return understood;
    }
    if let Some(call) = last
        && let Some(understood) = going_on::understand(read, call)
    {
        return understood;
    }
    let mut about = read.about;
    // "Which customers changed their behaviour" names whom it means itself.
    if about.has(Concept::Customer) {
        about = about.without(Concept::They);
    }
    if read.customer.is_none()
        && let Some(understood) = list(read)
    {
        return understood;
    }
    let refers = about.has(Concept::Pronoun) || about.has(Concept::They);
    if refers && read.customer.is_none() {
        if let Some(gap) = outside::gap(about) {
            return fallen_into(gap, read);
        }
        return ask_back("Whom do you mean? Please name a customer, such as C-0123ABCD.", about);
    }
    let rules = if read.customer.is_some() { LOOKUPS } else { RULES };
    match choose(rules, about.without_pronouns(), read.limit) {
        // "Customers who bought what C-0123ABCD bought" is not about what that one bought.
        Ok(rule) if read.customer.is_some() && read.is_of_others && rule.variant == "purchase_history" => {
            fallen_into(&outside::OTHERS, read)
        }
        Ok(rule) => call(rule, read, Map::new()),
        Err(_) if about == Concepts::of(&[Concept::More]) => ask_back("More of what?", about),
        Err(closest) => unclear(read, &closest),
    }
}

/// A list of customers that is narrowed down, or has what they bought last; none when the question is about nothing such.
fn list(read: &Read) -> Option<Understood> {
    let wants_last = read.about.has(Concept::LastOrder);
    // "What did they buy last" of whoever is listed.
    let about = match wants_last {
        true => read.about.without(Concept::LastOrder).without_pronouns().without(Concept::Buy),
        false => read.about,
    };
    if about != about.without_pronouns() || about.is_empty() {
        return None;
    }
    let chosen = match choose(RULES, about, read.limit) {
        Ok(rule) => Some((rule, None)),
        Err(closest) if !closest.is_empty() => return None,
        Err(_) => intents::narrowed(about)
            .or_else(|| intents::momentum_of(about).filter(|_| read.is_momentum_of))
            .map(|(rule, group)| (rule, Some(group))),
    };
    let is_plain = !wants_last && !read.named.narrows() && matches!(chosen, Some((_, None)));
    if is_plain || (chosen.is_none() && !wants_last) {
        return None;
    }
    let mut kept = Map::new();
    if wants_last {
        if !chosen.is_some_and(|(rule, _)| rule.lists_customers()) {
            let text = "What customers bought last is told beside a list of them; of whom?";
            return Some(Understood::AskBack {
                text: text.to_owned(),
                suggestions: vec![
                    "Which VIPs are most likely to leave, and what did they buy last?".to_owned(),
                    "What did our most valuable customers buy last?".to_owned(),
                ],
            });
        }
        kept.insert("with_last_order".to_owned(), json!(true));
    }
    let (rule, group) = chosen?;
    if let Some(group) = group {
        kept.insert("filter_by".to_owned(), json!({ "group": group }));
    }
    Some(call(rule, read, kept))
}

/// A question that cannot be answered whatever it is about, with what can be asked instead.
fn objected(read: &Read, objection: &Objection, last: Option<&Call>) -> Understood {
    let about = read.about;
    let text = objection.text();
    match objection {
        Objection::Outside(topic) => {
            let suggestions = topic.instead.iter().map(|question| (*question).to_owned()).collect();
            return Understood::Decline { text, suggestions };
        }
        Objection::Language(_) => {
            return Understood::Decline { text, suggestions: suggestions(Concepts::default()) };
        }
        Objection::Sort => return unsorted(),
        Objection::Time(other) => {
            // What it would be with a time that can be looked at: "and in May?" is about what was asked before.
            let goes_on = read.customer.is_none() && about.without(Concept::Future).is_empty();
            let rule = match last {
                Some(last) if goes_on => intents::of_call(last),
                _ => choose(RULES, about.without_pronouns(), read.limit).ok(),
            };
            if let Some(rule) = rule
                && let Some(months) = if rule.tool == "forecast_metrics" { other.ahead } else { other.back }
                && let Some(example) = rule.example_of_months(months)
            {
                return Understood::AskBack { text, suggestions: vec![example] };
            }
        }
        _ => {}
    }
    let is_about_something = !about.without(Concept::Customer).without_pronouns().is_empty();
    let suggestions = suggestions(about);
    match is_about_something || read.customer.is_some() {
        true => Understood::AskBack { text, suggestions },
        false => Understood::Decline { text, suggestions },
    }
}

/// What is said to whoever wants a list sorted in an order that it does not have.
fn unsorted() -> Understood {
    Understood::AskBack {
        text: Objection::Sort.text(),
        suggestions: vec![
            "Which customers might leave, sorted by spend?".to_owned(),
            "What did our most valuable customers buy last?".to_owned(),
        ],
    }
}

fn choose(
    rules: &'static [Rule],
    about: Concepts,
    limit: Option<u32>,
) -> Result<&'static Rule, Vec<&'static Rule>> {
    // "Top 10 customers", by spend or by itself, means those who are worth most; "top 3 categories" likewise.
    let bare = about.without(Concept::Spend).without(Concept::Money);
    let is_bare = limit.is_some()
        && (bare == Concepts::of(&[Concept::Customer]) || about == Concepts::of(&[Concept::Category]));
    best(rules, if is_bare { about.with(Concept::Best) } else { about })
}

/// The call of a rule with what the question says, over what is kept of the one before.
fn call(rule: &Rule, read: &Read, kept: Map<String, Value>) -> Understood {
    let mut arguments = rule.arguments();
    arguments.extend(kept);
    if let Some(id) = &read.customer {
        arguments.insert("customer_id".to_owned(), json!(id));
    }
    if let Some(limit) = read.limit {
        arguments.insert("limit".to_owned(), json!(limit));
    }
    if read.is_ranked && UNRANKED.contains(&rule.variant) {
        let text = "That is a list of groups which are not ranked, so there is no top of it.";
        return Understood::AskBack { text: text.to_owned(), suggestions: vec![rule.example.to_owned()] };
    }
    if let Some(gap) = manner::misfit(read.manner, read.about, rule) {
        return fallen_into(gap, read);
    }
    if rule.variant == "purchase_history" && (read.is_ranked || read.says_first) {
        return ask_back(
            "Orders are told newest first; they cannot be sorted, or told from the first on.",
            read.about,
        );
    }
    let takes_months = rule.months();
    if read.is_today && (takes_months.is_some() || read.about.has(Concept::Buy)) {
        let text = "I can look at a number of months up to now, but not at a single day.";
        return ask_back(text, read.about);
    }
    if let Some(months) = read.months {
        let Some(name) = takes_months else {
            let suggestions = vec![rule.example.to_owned()];
            let text = "That is told of all of the time up to now; it cannot be asked for a time of its own.";
            return Understood::AskBack { text: text.to_owned(), suggestions };
        };
        if name == "months" && read.is_past {
            return ask_back("A forecast looks ahead; for how many months?", read.about);
        }
        arguments.insert(name.to_owned(), json!(months));
    }
    let mut filter = match arguments.remove("filter_by") {
        Some(Value::Object(filter)) => filter,
        _ => Map::new(),
    };
    for (field, name) in read.named.conditions() {
        filter.insert(field.to_owned(), json!(name));
    }
    if !filter.is_empty() && !rule.can_be_narrowed() {
        let text = "That cannot be narrowed down to a group, an archetype, a segment or a country; lists of customers can, such as who \
             may leave, who looks like a business, or whom to win back, and how often customers order.";
        return ask_back(text, read.about);
    }
    if rule.variant == "momentum_analysis" && read.named.narrows() && !read.is_momentum_of {
        return fallen_into(&outside::MOMENTUM_OF_PART, read);
    }
    let is_risk = rule.variant == "churn_risk" && rule.tool == "analyze_customers";
    if is_risk {
        let about = read.about;
        if about.has(Concept::Average) && !filter.is_empty() {
            let text = "The mean risk is told of all customers, not of a part; a part is listed with its bands of risk.";
            return ask_back(text, about);
        }
        let order = match () {
            () if about.has(Concept::Ltv) => Some("ltv"),
            () if about.has(Concept::Spend) => Some("spend"),
            () => None,
        };
        if let Some(order) = order {
            if about.has(Concept::Average) || !manner::is_order_of_risk(read.manner) {
                return fallen_into(&outside::SPEND_AT_RISK, read);
            }
            arguments.insert("sort_by".to_owned(), json!(order));
        }
        if let Some(band) = read.band {
            if about.has(Concept::Average) {
                let text =
                    "The mean risk is told of all customers, not of a band; how many are in a band is told.";
                return ask_back(text, about);
            }
            filter.insert("churn_band".to_owned(), json!(band));
        }
    }
    if !filter.is_empty() {
        arguments.insert("filter_by".to_owned(), Value::Object(filter));
    }
    if let Some(axis) = read.axis {
        if rule.variant != "segment_comparison" {
            return ask_back("I can compare segments by an axis; is that what you mean?", read.about);
        }
        arguments.insert("axis".to_owned(), json!(axis));
    }
    if matches!(rule.variant, "product_affinity" | "cross_sell_opportunities") {
        if read.about.has(Concept::Category) {
            arguments.insert("by".to_owned(), json!("category"));
        } else if read.about.has(Concept::Product) {
            arguments.remove("by");
        }
    }
    parsed(rule.tool, arguments, read.about)
}

fn parsed(tool: &str, arguments: Map<String, Value>, about: Concepts) -> Understood {
    match Call::parse(tool, &Value::Object(arguments)) {
        Ok(call) => Understood::Call(Box::new(call)),
        Err(CallError::Parameter { field, problem, .. }) => match field.as_str() {
            "limit" => ask_back("A list has 1 to 100 rows; how many do you want to see?", about),
            "timeframe_months" => ask_back("I can look back on 1 to 36 months; on how many?", about),
            "months" => ask_back("I can look 1 to 24 months ahead; how many?", about),
            _ => ask_back(&format!("That does not fit: {field} {problem}."), about),
        },
        Err(error) => ask_back(&format!("That does not fit: {error}."), about),
    }
}

fn ask_back(text: &str, about: Concepts) -> Understood {
    Understood::AskBack { text: text.to_owned(), suggestions: suggestions(about) }
}

fn unclear(read: &Read, closest: &[&'static Rule]) -> Understood {
    let about = read.about;
    if !closest.is_empty() {
        let suggestions = closest.iter().take(MOST_SUGGESTIONS).map(|rule| rule.example.to_owned()).collect();
        return Understood::AskBack {
            text: "This could mean several things. Which one?".to_owned(),
            suggestions,
        };
    }
    if read.named.country.is_some() {
        return fallen_into(&outside::OF_COUNTRY, read);
    }
    if about.without(Concept::Customer).without_pronouns().is_empty() {
        return Understood::Decline {
            text: "I answer questions about this shop's customers, segments, categories, forecasts and campaigns."
                .to_owned(),
            suggestions: suggestions(about),
        };
    }
    if let Some(gap) = outside::gap(about) {
        return fallen_into(gap, read);
    }
    ask_back("I do not understand this in full. Do you mean one of these?", about)
}

fn fallen_into(gap: &outside::Gap, read: &Read) -> Understood {
    // Of whom the question names, not of an example.
    let named = |question: &&str| match &read.customer {
        Some(id) if id.starts_with("C-") => question.replace(outside::SOMEBODY, id),
        // An address is not repeated.
        Some(id) if id.chars().all(|c| c.is_ascii_alphanumeric()) => {
            question.replace(outside::SOMEBODY, &format!("customer {id}"))
        }
        _ => (*question).to_owned(),
    };
    let suggestions = gap.instead.iter().map(named).collect();
    Understood::AskBack { text: gap.says.to_owned(), suggestions }
}

/// Questions that are closest to what was understood; the most usual ones when nothing was.
fn suggestions(about: Concepts) -> Vec<String> {
    const USUAL: [(&str, &str); 4] = [
        ("analyze_customers", "churn_risk"),
        ("analyze_segments", "segment_overview"),
        ("analyze_products", "revenue_by_category"),
        ("forecast_metrics", "revenue"),
    ];
    let mut close: Vec<(usize, &Rule)> =
        RULES.iter().map(|rule| (rule.touches(about), rule)).filter(|(touched, _)| *touched > 0).collect();
    close.sort_by_key(|(touched, _)| std::cmp::Reverse(*touched));
    let mut examples: Vec<String> = Vec::new();
    for (_, rule) in close {
        if !examples.iter().any(|known| known == rule.example) {
            examples.push(rule.example.to_owned());
        }
    }
    if examples.is_empty() {
        let usual = RULES.iter().filter(|rule| USUAL.contains(&(rule.tool, rule.variant)));
        examples = usual.map(|rule| rule.example.to_owned()).collect();
        examples.dedup();
    }
    examples.truncate(MOST_SUGGESTIONS);
    examples
}
