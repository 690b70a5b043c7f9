//! Conditions: a tree of all and any over tests of fields, read from JSON with the place of every fault, and evaluated
//! test by test, so that each result can be shown.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::Fault;
use super::facts::Facts;
use super::fields::{self, Kind, Now, Op};

/// Tests of one tree.
const MOST_TESTS: usize = 50;
/// Levels of one tree.
const MOST_LEVELS: usize = 5;
/// Values of one test, and characters of one of them.
const MOST_VALUES: usize = 100;
const VALUE_LIMIT: usize = 200;

/// A condition.
#[derive(Debug, Clone, PartialEq)]
pub enum Tree {
    /// Every one of them.
    All(Vec<Tree>),
    /// One of them at least.
    Any(Vec<Tree>),
    /// A test of a field.
    Test(Test),
}

/// A test of a field.
#[derive(Debug, Clone, PartialEq)]
pub struct Test {
    /// Where it stands.
    pub path: String,
    /// The field.
    pub field: String,
    /// The comparison.
    pub op: Op,
    /// With what.
    pub value: Operand,
}

/// What is compared with.
#[derive(Debug, Clone, PartialEq)]
pub enum Operand {
    /// Nothing.
    None,
    /// Words or phrases, in small letters.
    Words(Vec<String>),
    /// A number.
    Number(f64),
    /// Yes or no.
    Flag(bool),
}

/// What a test found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Found {
    /// Where the test stands.
    pub path: String,
    /// The field.
    pub field: String,
    /// The comparison.
    pub op: String,
    /// With what.
    pub value: Value,
    /// What the field was; of what people wrote, the words that were found in it.
    pub was: Value,
    /// Whether it holds.
    pub holds: bool,
}

/// Reads a tree.
///
/// # Errors
/// Names the place, and what would be right.
pub fn read(value: &Value, at: &str) -> Result<Tree, Fault> {
    let mut tests = 0;
    read_level(value, at, 1, &mut tests)
}

fn read_level(value: &Value, at: &str, level: usize, tests: &mut usize) -> Result<Tree, Fault> {
    const FORMS: &str =
        "must be {\"all\": [...]}, {\"any\": [...]} or {\"field\": ..., \"op\": ..., \"value\": ...}";
    let object = value.as_object().ok_or_else(|| Fault::at(at, FORMS))?;
    if level > MOST_LEVELS {
        return Err(Fault::at(at, format!("has more than {MOST_LEVELS} levels")));
    }
    let list = |name: &str| object.get(name).filter(|_| object.len() == 1).and_then(Value::as_array);
    for name in ["all", "any"] {
        let Some(parts) = list(name) else { continue };
        let mut read = Vec::with_capacity(parts.len().min(MOST_TESTS));
        for (place, part) in parts.iter().enumerate() {
            read.push(read_level(part, &format!("{at}.{name}[{place}]"), level + 1, tests)?);
        }
        if name == "any" && read.is_empty() {
            return Err(Fault::at(
                format!("{at}.any"),
                "must have at least one condition; of none, none can hold",
            ));
        }
        return Ok(if name == "all" { Tree::All(read) } else { Tree::Any(read) });
    }
    if !object.contains_key("field") {
        return Err(Fault::at(at, FORMS));
    }
    *tests += 1;
    if *tests > MOST_TESTS {
        return Err(Fault::at(at, format!("is one of more than {MOST_TESTS} conditions")));
    }
    read_test(object, at).map(Tree::Test)
}

fn read_test(object: &serde_json::Map<String, Value>, at: &str) -> Result<Test, Fault> {
    if let Some(other) = object.keys().find(|key| !matches!(key.as_str(), "field" | "op" | "value")) {
        let other: String = other.chars().take(64).collect();
        return Err(Fault::at(format!("{at}.{other}"), "is not known; a condition has field, op and value"));
    }
    let name = object.get("field").and_then(Value::as_str).unwrap_or_default();
    let Some(field) = fields::find(name) else {
        let known: Vec<&str> = fields::FIELDS.iter().map(|field| field.name).collect();
        let what = format!("there is no such field; there are {} and custom.KEY", known.join(", "));
        return Err(Fault::at(format!("{at}.field"), what));
    };
    let is_custom = name.starts_with("custom.");
    let ops: &[Op] = if is_custom { fields::OPS_OF_OWN } else { field.kind.ops() };
    let word = object.get("op").and_then(Value::as_str).unwrap_or_default();
    let Some(op) = ops.iter().copied().find(|op| op.name() == word) else {
        let names: Vec<&str> = ops.iter().map(|op| op.name()).collect();
        return Err(Fault::at(format!("{at}.op"), format!("must be one of {}", names.join(", "))));
    };
    let value = object.get("value").unwrap_or(&Value::Null);
    let operand = operand(field.kind, is_custom, op, value)
        .and_then(|operand| within_choices(field.choices, operand))
        .map_err(|what| Fault::at(format!("{at}.value"), what))?;
    Ok(Test { path: at.to_owned(), field: name.to_owned(), op, value: operand })
}

fn operand(kind: Kind, is_custom: bool, op: Op, value: &Value) -> Result<Operand, String> {
    match op {
        Op::IsSet | Op::IsNotSet if value.is_null() => Ok(Operand::None),
        Op::IsSet | Op::IsNotSet => Err("must be left out".to_owned()),
        Op::AtLeast | Op::AtMost => number(value),
        Op::Is | Op::IsNot => match value {
            Value::Bool(flag) if kind == Kind::Flag || is_custom => Ok(Operand::Flag(*flag)),
            Value::Number(_) if kind == Kind::Number || is_custom => number(value),
            Value::String(text) if matches!(kind, Kind::Word | Kind::Text) => {
                words(&[Value::String(text.clone())])
            }
            _ => Err(match kind {
                Kind::Flag => "must be true or false".to_owned(),
                Kind::Number => "must be a number".to_owned(),
                _ if is_custom => "must be a text, a number, true or false".to_owned(),
                _ => "must be a text".to_owned(),
            }),
        },
        Op::OneOf | Op::NoneOf | Op::AllOf | Op::Contains | Op::ContainsNot => match value {
            Value::Array(values) => words(values),
            _ => Err(format!("must be a list of 1 to {MOST_VALUES} texts")),
        },
    }
}

fn number(value: &Value) -> Result<Operand, String> {
    let number = value.as_f64().filter(|number| number.is_finite());
    number.map(Operand::Number).ok_or_else(|| "must be a number".to_owned())
}

fn words(values: &[Value]) -> Result<Operand, String> {
    let read: Option<Vec<String>> = values
        .iter()
        .map(|value| {
            let text = value.as_str()?.trim();
            let fits =
                (1..=VALUE_LIMIT).contains(&text.chars().count()) && !text.chars().any(char::is_control);
            fits.then(|| text.to_lowercase())
        })
        .collect();
    match read {
        Some(words) if (1..=MOST_VALUES).contains(&words.len()) => Ok(Operand::Words(words)),
        _ => Err(format!("must be 1 to {MOST_VALUES} texts of 1 to {VALUE_LIMIT} characters")),
    }
}

fn within_choices(choices: &[&str], operand: Operand) -> Result<Operand, String> {
    match &operand {
        Operand::Words(words)
            if !choices.is_empty() && words.iter().any(|word| !choices.contains(&word.as_str())) =>
        {
            Err(format!("must be among {}", choices.join(", ")))
        }
        _ => Ok(operand),
    }
}

impl Tree {
    /// Whether it holds. Every test is looked at, also where the outcome is clear already, and its finding is added.
    pub fn holds(&self, facts: &Facts, found: &mut Vec<Found>) -> bool {
        match self {
            Tree::All(parts) => {
                parts.iter().map(|part| part.holds(facts, found)).fold(true, |all, holds| all & holds)
            }
            Tree::Any(parts) => {
                parts.iter().map(|part| part.holds(facts, found)).fold(false, |any, holds| any | holds)
            }
            Tree::Test(test) => {
                let finding = test.look(facts);
                let holds = finding.holds;
                found.push(finding);
                holds
            }
        }
    }

    /// Every test in it.
    pub fn tests(&self) -> Vec<&Test> {
        match self {
            Tree::All(parts) | Tree::Any(parts) => parts.iter().flat_map(Tree::tests).collect(),
            Tree::Test(test) => vec![test],
        }
    }
}

impl Test {
    fn look(&self, facts: &Facts) -> Found {
        let now = fields::now(facts, &self.field);
        let (holds, was) = self.compare(&now);
        let value = match &self.value {
            Operand::None => Value::Null,
            Operand::Words(words) if matches!(self.op, Op::Is | Op::IsNot) => json!(words.first()),
            Operand::Words(words) => json!(words),
            Operand::Number(number) => json!(number),
            Operand::Flag(flag) => json!(flag),
        };
        Found {
            path: self.path.clone(),
            field: self.field.clone(),
            op: self.op.name().to_owned(),
            value,
            was,
            holds,
        }
    }

    fn compare(&self, now: &Now<'_>) -> (bool, Value) {
        match now {
            Now::Word(word) => (self.of_word(word.map(str::to_lowercase).as_deref()), json!(word)),
            Now::Words(words) => {
                let lower: Vec<String> = words.iter().map(|word| word.to_lowercase()).collect();
                (self.of_words(&lower), json!(words))
            }
            Now::Text(text) => self.of_text(text),
            Now::Number(number) => (self.of_number(*number), json!(number)),
            Now::Flag(flag) => (
                matches!((&self.value, flag), (Operand::Flag(wanted), Some(flag)) if wanted == flag),
                json!(flag),
            ),
            Now::Custom(value) => (self.of_custom(*value), Value::Null),
        }
    }

    fn wanted(&self) -> &[String] {
        match &self.value {
            Operand::Words(words) => words,
            _ => &[],
        }
    }

    fn of_word(&self, word: Option<&str>) -> bool {
        let is_among = word.is_some_and(|word| self.wanted().iter().any(|wanted| wanted == word));
        match self.op {
            Op::Is | Op::OneOf => is_among,
            Op::IsNot | Op::NoneOf => !is_among,
            Op::IsSet => word.is_some_and(|word| !word.is_empty()),
            Op::IsNotSet => word.is_none_or(str::is_empty),
            _ => false,
        }
    }

    fn of_words(&self, words: &[String]) -> bool {
        match self.op {
            Op::OneOf => self.wanted().iter().any(|wanted| words.contains(wanted)),
            Op::NoneOf => !self.wanted().iter().any(|wanted| words.contains(wanted)),
            Op::AllOf => self.wanted().iter().all(|wanted| words.contains(wanted)),
            Op::IsSet => !words.is_empty(),
            Op::IsNotSet => words.is_empty(),
            _ => false,
        }
    }

    fn of_text(&self, text: &str) -> (bool, Value) {
        let lower = text.to_lowercase();
        let there: Vec<&String> = self.wanted().iter().filter(|wanted| has_words(&lower, wanted)).collect();
        let is_empty = lower.trim().is_empty();
        let holds = match self.op {
            Op::Contains => !there.is_empty(),
            Op::ContainsNot => there.is_empty(),
            Op::Is => self.wanted().first().is_some_and(|wanted| lower.trim() == wanted),
            Op::IsNot => self.wanted().first().is_none_or(|wanted| lower.trim() != wanted),
            Op::IsSet => !is_empty,
            Op::IsNotSet => is_empty,
            _ => false,
        };
        (holds, json!(there))
    }

    fn of_number(&self, number: Option<f64>) -> bool {
        let Operand::Number(wanted) = self.value else {
            return match self.op {
                Op::IsSet => number.is_some(),
                Op::IsNotSet => number.is_none(),
                _ => false,
            };
        };
        match self.op {
            Op::Is => number == Some(wanted),
            Op::IsNot => number != Some(wanted),
            Op::AtLeast => number.is_some_and(|number| number >= wanted),
            Op::AtMost => number.is_some_and(|number| number <= wanted),
            _ => false,
        }
    }

    fn of_custom(&self, value: Option<&Value>) -> bool {
        match (&self.value, value) {
            (Operand::Flag(wanted), value) => {
                (value.and_then(Value::as_bool) == Some(*wanted)) == (self.op == Op::Is)
            }
            (Operand::Number(_), value) => self.of_number(value.and_then(Value::as_f64)),
            (_, Some(Value::String(text))) => self.of_word(Some(&text.to_lowercase())),
            (_, Some(value)) => self.of_word(Some(&value.to_string())),
            (_, None) => self.of_word(None),
        }
    }
}

/// Whether a text has these words as whole words, one after the other. Both are in small letters.
fn has_words(text: &str, wanted: &str) -> bool {
    let is_part = |c: char| c.is_alphanumeric();
    let mut from = 0;
    while let Some(place) = text[from..].find(wanted) {
        let (start, end) = (from + place, from + place + wanted.len());
        let before = text[..start].chars().next_back();
        let after = text[end..].chars().next();
        let first = wanted.chars().next();
        let last = wanted.chars().next_back();
        // A boundary is only asked for where the phrase itself begins or ends with a letter or digit.
        let begins = !(before.is_some_and(is_part) && first.is_some_and(is_part));
        let ends = !(after.is_some_and(is_part) && last.is_some_and(is_part));
        if begins && ends {
            return true;
        }
        from = start + text[start..].chars().next().map_or(1, char::len_utf8);
    }
    false
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn holds(condition: Value, facts: &Facts) -> bool {
        let mut found = Vec::new();
        read(&condition, "conditions").expect("it is right").holds(facts, &mut found)
    }

    #[test]
    fn each_comparison_by_table() {
        let facts = Facts {
            subject: Some("Refund, please".to_owned()),
            message: Some("My refunding took ÄRGER. Re-fund! 20% off".to_owned()),
            tags: vec!["VIP".to_owned(), "late".to_owned()],
            status: "open".to_owned(),
            sentiment: Some(0.25),
            rating: None,
            custom: json!({"size": "L", "amount": 3, "gift": true}).as_object().cloned().expect("an object"),
            ..Facts::default()
        };
        for (field, op, value, expected) in [
            ("subject", "contains", json!(["refund"]), true),
            ("message", "contains", json!(["refund"]), false),
            ("message", "contains", json!(["ärger"]), true),
            ("message", "contains", json!(["took ärger"]), true),
            ("message", "contains", json!(["20%"]), true),
            ("message", "contains_not", json!(["refund"]), true),
            ("tags", "one_of", json!(["vip"]), true),
            ("tags", "all_of", json!(["vip", "late", "x"]), false),
            ("tags", "none_of", json!(["x"]), true),
            ("status", "is", json!("OPEN"), true),
            ("status", "is_not", json!("open"), false),
            ("sentiment", "at_most", json!(0.25), true),
            ("sentiment", "at_least", json!(0.3), false),
            ("rating", "at_most", json!(5), false),
            ("rating", "is_not", json!(5), true),
            ("rating", "is_not_set", Value::Null, true),
            ("is_snoozed", "is", json!(false), true),
            ("custom.size", "one_of", json!(["l", "m"]), true),
            ("custom.amount", "at_least", json!(3), true),
            ("custom.gift", "is", json!(true), true),
            ("custom.gift", "is_not", json!(true), false),
            ("custom.none", "is_set", Value::Null, false),
        ] {
            let condition = match &value {
                Value::Null => json!({"field": field, "op": op}),
                value => json!({"field": field, "op": op, "value": value}),
            };
            assert_eq!(holds(condition.clone(), &facts), expected, "{condition}");
        }
    }

    #[test]
    fn faults_have_their_place() {
        for (condition, field) in [
            (json!(1), "c"),
            (json!({"any": []}), "c.any"),
            (json!({"all": [{"field": "status", "op": "is", "value": "lost"}]}), "c.all[0].value"),
            (json!({"field": "status", "op": "contains", "value": ["x"]}), "c.op"),
            (json!({"field": "sentiment", "op": "at_least", "value": "x"}), "c.value"),
            (json!({"field": "tags", "op": "one_of", "value": []}), "c.value"),
            (json!({"field": "tags", "op": "is_set", "value": 1}), "c.value"),
            (json!({"field": "tags", "op": "one_of", "value": ["x"], "not": true}), "c.not"),
            (
                json!({"all": [{"all": [{"all": [{"all": [{"all": [{"all": []}]}]}]}]}]}),
                "c.all[0].all[0].all[0].all[0].all[0]",
            ),
        ] {
            let fault = read(&condition, "c").expect_err(field);
            assert_eq!(fault.field, field, "{fault}");
        }
    }

    proptest! {
        #[test]
        fn whole_words_are_found_wherever_they_stand(before in "[ .,!]{0,3}", after in "[ .,!]{0,3}", word in "[a-zäß]{1,8}") {
            let text = format!("{before}{word}{after}");
            prop_assert!(has_words(&text, &word));
            let letters = format!("{before}x{word}{after}");
            prop_assert!(!has_words(&letters, &word) || letters.matches(&word).count() > 1);
        }

        /// Any JSON is read or refused, without a panic and within the bounds.
        #[test]
        fn whatever_is_sent_is_read_or_refused(text in "\\PC{0,60}") {
            if let Ok(value) = serde_json::from_str::<Value>(&text) {
                let _ = read(&value, "c");
            }
        }
    }
}
