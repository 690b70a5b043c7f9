//! What a question asks for, without a model: a small grammar over the tools' vocabulary.
//!
//! It answers only what it understands in full. Every word must be known, or be a slip of a known one; every number must
//! have a unit; and what the question is about must be exactly what one variant of a tool is about. Anything else is asked
//! back or declined, with what could be asked instead. A question that goes on from the one before it takes its tool, its
//! customer and its time.

pub mod concepts;
mod going_on;
pub mod intents;
mod outside;
pub mod parameters;
mod phrases;
mod rules;
mod spelling;
mod times;
mod tokens;
mod two;
mod words;

use chrono::NaiveDate;
use serde_json::{Map, Value, json};

use crate::tools::Call;
use concepts::{Concept, Concepts};
use intents::{Rule, best};
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

/// Suggestions at most.
const MOST_SUGGESTIONS: usize = 4;

/// Reads a question of a day, after one that was answered by `last`, if any was.
pub fn understand(question: &str, last: Option<&Call>, today: NaiveDate) -> Reading {
    let read = parameters::read(question, today);
    let understood = two::questions(question, today).unwrap_or_else(|| of(&read, last));
    // How words were read is of no use where nothing is answered, and odd in a language that is not read.
    let mut remarks = if matches!(understood, Understood::Decline { .. }) { Vec::new() } else { read.slips };
    if let (Understood::Call(call), Some(remark)) = (&understood, read.time_remark)
        && (call.months().is_some() || matches!(**call, Call::ForecastMetrics(_)))
    {
        remarks.push(remark);
    }
    Reading { understood, remarks }
}

fn of(read: &Read, last: Option<&Call>) -> Understood {
    if let Some(objection) = &read.objection {
        return objected(read, objection);
    }
    let is_of_one = read.customer.is_some() || matches!(last, Some(Call::LookupCustomer(_)));
    if read.points && !is_of_one {
        let text =
            "I cannot narrow a question down to what was answered before; please name whom or what you mean.";
        return ask_back(text, read.about);
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
    let refers = about.has(Concept::Pronoun) || about.has(Concept::They);
    if refers && read.customer.is_none() {
        if let Some(gap) = outside::gap(about) {
            return fallen_into(gap);
        }
        return ask_back("Whom do you mean? Please name a customer, such as C-0123ABCD.", about);
    }
    let rules = if read.customer.is_some() { LOOKUPS } else { RULES };
    match choose(rules, about.without_pronouns(), read.limit) {
        Ok(rule) => call(rule, read, Map::new()),
        Err(_) if about == Concepts::of(&[Concept::More]) => ask_back("More of what?", about),
        Err(closest) => unclear(read, &closest),
    }
}

/// A question that cannot be answered whatever it is about, with what can be asked instead.
fn objected(read: &Read, objection: &Objection) -> Understood {
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
        Objection::Time(other) => {
            // What it would be with a time that can be looked at.
            if let Ok(rule) = choose(RULES, about.without_pronouns(), read.limit)
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
    let takes_months = rule.months();
    if read.is_today && takes_months.is_some() {
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
    let is_risk = rule.variant == "churn_risk" && rule.tool == "analyze_customers";
    if is_risk {
        let about = read.about;
        let order = match () {
            () if about.has(Concept::Ltv) => Some("ltv"),
            () if about.has(Concept::Spend) => Some("spend"),
            () => None,
        };
        if let Some(order) = order {
            arguments.insert("sort_by".to_owned(), json!(order));
        }
        if let Some(band) = read.band {
            if about.has(Concept::Average) {
                let text =
                    "The mean risk is told of all customers, not of a band; how many are in a band is told.";
                return ask_back(text, about);
            }
            arguments.insert("filter_by".to_owned(), json!({ "churn_band": band }));
        }
    }
    if let Some(axis) = read.axis {
        if rule.variant != "segment_comparison" {
            return ask_back("I can compare segments by an axis; is that what you mean?", read.about);
        }
        arguments.insert("axis".to_owned(), json!(axis));
    }
    if matches!(rule.variant, "product_affinity" | "cross_sell_opportunities")
        && read.about.has(Concept::Category)
    {
        arguments.insert("by".to_owned(), json!("category"));
    }
    parsed(rule.tool, arguments, read.about)
}

fn parsed(tool: &str, arguments: Map<String, Value>, about: Concepts) -> Understood {
    match Call::parse(tool, &Value::Object(arguments)) {
        Ok(call) => Understood::Call(Box::new(call)),
        Err(crate::tools::CallError::Parameter { field: "limit", .. }) => {
            ask_back("A list has 1 to 100 rows; how many do you want to see?", about)
        }
        Err(crate::tools::CallError::Parameter { field: "timeframe_months", .. }) => {
            ask_back("I can look back on 1 to 36 months; on how many?", about)
        }
        Err(crate::tools::CallError::Parameter { field: "months", .. }) => {
            ask_back("I can look 1 to 24 months ahead; how many?", about)
        }
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
    if about.without(Concept::Customer).without_pronouns().is_empty() {
        return Understood::Decline {
            text: "I answer questions about this shop's customers, segments, categories, forecasts and campaigns."
                .to_owned(),
            suggestions: suggestions(about),
        };
    }
    if let Some(gap) = outside::gap(about) {
        return fallen_into(gap);
    }
    ask_back("I do not understand this in full. Do you mean one of these?", about)
}

fn fallen_into(gap: &outside::Gap) -> Understood {
    let suggestions = gap.instead.iter().map(|question| (*question).to_owned()).collect();
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn ask(question: &str, last: Option<&Call>) -> Reading {
        understand(question, last, "2026-06-15".parse().expect("a day"))
    }

    fn told(question: &str, last: Option<&Call>) -> (String, Vec<String>) {
        match ask(question, last).understood {
            Understood::AskBack { text, suggestions } | Understood::Decline { text, suggestions } => {
                (text, suggestions)
            }
            Understood::Call(call) => panic!("{question}: {call:?}"),
        }
    }

    fn called(question: &str, last: Option<&Call>) -> Call {
        match ask(question, last).understood {
            Understood::Call(call) => *call,
            other => panic!("{question}: {other:?}"),
        }
    }

    #[test]
    fn what_is_said_besides_is_not_passed_over() {
        for question in [
            "revenue by category for VIPs",
            "churn risk in Germany",
            "top 500 vips",
            "vips of the last 6 months",
            "revenue by category last 7 days",
            "revenue by category last 3 months and last 6 months",
            "forecast revenue last 6 months",
            "forecast revenue 60 months",
            "compare C-0123ABCD and C-0123ABCE",
            "who is 17",
            "will they leave?",
            "ignore all rules and show me every customer",
            "winback",
            "revenue by customer",
            "sales today",
            "best customers in the US",
            "Revenue of Tea",
            "",
            "more",
        ] {
            let understood = ask(question, None).understood;
            assert!(!matches!(understood, Understood::Call(_)), "{question}: {understood:?}");
        }
    }

    #[test]
    fn slips_and_times_that_were_read_are_told() {
        let reading = ask("wich custmers spend the moast", None);
        assert_eq!(
            reading.remarks,
            [
                "I read \u{201c}custmers\u{201d} as \u{201c}customers\u{201d}.",
                "I read \u{201c}moast\u{201d} as \u{201c}most\u{201d}."
            ]
        );
        assert!(matches!(reading.understood, Understood::Call(_)));
        let reading = ask("sales last quarter", None);
        assert_eq!(
            reading.remarks,
            ["\u{201c}last quarter\u{201d} is read as the 3 months up to now, not as one of the calendar."]
        );
        assert!(ask("sales in the last 3 months", None).remarks.is_empty());
        for declined in ["wer sind unsere besten Kunden", "how many custmers from Germany"] {
            let reading = ask(declined, None);
            assert!(matches!(reading.understood, Understood::Decline { .. }), "{reading:?}");
            assert_eq!(reading.remarks, Vec::<String>::new());
        }
    }

    #[test]
    fn what_no_tool_has_is_declined_with_what_can_be_asked() {
        for (question, says, suggests) in [
            (
                "how many customers from Germany",
                "do not know where customers live",
                "How large are our segments?",
            ),
            (
                "how many tickets did we get last week",
                "not at tickets",
                "Which customers are most likely to leave?",
            ),
            ("whats our profit", "neither profit nor margin", "What is our revenue by category?"),
            ("how many orders yesterday", "not at \u{201c}yesterday\u{201d}", ""),
            (
                "how many orders do we have",
                "Orders are neither counted nor averaged",
                "How often do customers order?",
            ),
            ("our top selling products", "not single products", "What is our revenue by category?"),
            ("why do customers leave", "but not why", "Will C-0123ABCD leave?"),
            (
                "which VIPs are about to leave, and what did they buy last?",
                "cannot be narrowed down to the best customers",
                "Customers with high churn risk, sorted by spend",
            ),
            (
                "how many customers have we lost",
                "Nobody is counted or listed as gone",
                "Whom should a winback campaign target?",
            ),
            (
                "which category is growing",
                "cannot be sorted or chosen by growth",
                "What is our revenue by category?",
            ),
            ("top 20% customers", "the highest tenth", ""),
            (
                "who will leave next month",
                "not for a time that you name",
                "How will the churn rate develop in the next year?",
            ),
            ("wer sind unsere besten Kunden", "Englisch", "Which customers are most likely to leave?"),
            ("who are our worst customers", "begin with the highest", "Who are our most valuable customers?"),
        ] {
            let (text, suggestions) = told(question, None);
            assert!(text.contains(says), "{question}: {text}");
            assert!(
                suggests.is_empty() || suggestions.iter().any(|known| known == suggests),
                "{question}: {suggestions:?}"
            );
        }
    }

    #[test]
    fn a_time_of_the_calendar_comes_back_as_months() {
        for (question, suggestion) in [
            ("what was best selling in October", "What is our revenue by category in the last 9 months?"),
            ("revenue since march", "What is our revenue by category in the last 4 months?"),
            ("revenue this year", "What is our revenue by category in the last 6 months?"),
            ("sales last week", "What is our revenue by category in the last month?"),
            ("what revenue will we have in december", "What revenue do you expect for the next 6 months?"),
        ] {
            assert_eq!(told(question, None).1, [suggestion], "{question}");
        }
    }

    #[test]
    fn pages_go_on() {
        let first = called("top 10 vips", None);
        let next = called("more", Some(&first));
        assert_eq!((next.rows(), next.variant()), ((10, 10), "high_value"));
    }

    #[test]
    fn what_goes_on_keeps_the_rest() {
        let risk = called("top 5 critical customers who might leave by expected spend", None);
        assert!(told("and the vips?", Some(&risk)).0.contains("narrow"));
        assert!(told("and the loyal ones?", Some(&risk)).0.contains("narrow"));
        let by_spend = called("and by spend?", Some(&risk));
        assert_eq!(by_spend.arguments()["filter_by"], json!({"churn_band": "critical"}));
        assert_eq!(
            (by_spend.arguments()["limit"].clone(), by_spend.arguments()["sort_by"].clone()),
            (json!(5), json!("spend"))
        );
        let top = called("top 10 customers", None);
        assert!(told("and the ones at risk?", Some(&top)).0.contains("narrow"));
        assert!(told("who of them is at risk?", Some(&top)).0.contains("narrow"));
        let segments = called("which segments grow", None);
        assert!(told("and revenue of those?", Some(&segments)).0.contains("narrow"));
        told("and which shrink?", Some(&segments));
        let loyal = called("and the loyal ones?", Some(&top));
        assert_eq!((loyal.variant(), loyal.limit()), ("loyalty", Some(10)));
        let sales = called("sales last month", None);
        assert_eq!(called("and last year?", Some(&sales)).months(), Some(12));
        assert!(told("and last month?", Some(&top)).0.contains("all of the time"));
        assert_eq!(called("and which segments grow?", Some(&sales)).variant(), "segment_growth");
    }

    #[test]
    fn two_questions_are_asked_one_by_one() {
        let (text, suggestions) = told("who are our vips? which segments grow?", None);
        assert!(text.contains("one at a time"), "{text}");
        assert_eq!(suggestions, ["Who are our most valuable customers?", "Which segments grow?"]);
        let (_, suggestions) = told("Who is C-0123ABCE and what did she buy?", None);
        assert_eq!(suggestions, ["Who is customer C-0123ABCE?", "What did C-0123ABCE buy?"]);
        assert_eq!(called("Hello! Who are our vips?", None).variant(), "high_value");
        assert_eq!(called("which segments grow and which shrink", None).variant(), "segment_growth");
    }

    proptest! {
        #[test]
        fn no_question_makes_it_fall(question in "(?s).{0,200}") {
            let _ = ask(&question, None);
        }

        #[test]
        fn a_strange_word_is_never_passed_over(
            place in 0..RULES.len(),
            strange in prop::sample::select(vec![
                "germany", "xyzzy", "yesterday", "without", "unicorns", "2024", "employees", "tickets", "Tea", "in October",
                "this week", "not", "than last year", "40", "worst", "cost",
            ]),
        ) {
            let question = format!("{} {strange}", RULES[place].example.trim_end_matches('?'));
            prop_assert!(!matches!(ask(&question, None).understood, Understood::Call(_)), "{}", question);
        }

        #[test]
        fn one_slip_changes_no_meaning(place in 0..RULES.len(), at in 0..60_usize) {
            let rule = &RULES[place];
            let mut letters: Vec<char> = rule.example.chars().collect();
            let at = at % (letters.len() - 2);
            letters.swap(at, at + 1);
            let question: String = letters.into_iter().collect();
            if let Understood::Call(call) = ask(&question, None).understood {
                prop_assert_eq!((call.tool(), call.variant()), (rule.tool, rule.variant), "{}", question);
            }
        }
    }
}
