//! The JSON form of a rule, which is the stored one:
//! `{"all": [...]}`, `{"any": [...]}`, `{"not": ...}`, `{"in_segment": "VIP"}` and
//! `{"field": "order_count", "operator": ">=", "value": 3}`. Faults are named by their path.

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use serde_json::{Map, Value as Json, json};

use super::field::Field;
use super::nearest::nearest;
use super::operator::{Operator, Wants};
use super::parse::unknown_field;
use super::rule::{Condition, Literal, MAX_DEPTH, MAX_TEXT, Part, Rule, Value};

/// A JSON value that is no rule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct JsonError {
    /// Where: empty for the whole rule, else for example `all[1].value`.
    pub path: String,
    /// What is wrong and what would be right.
    pub message: String,
}

/// Reads a rule.
///
/// # Errors
/// The first place that is no rule.
pub fn from_json(json: &Json) -> Result<Rule, JsonError> {
    let rule = read(json, "", 1)?;
    rule.check().map_err(|bound| JsonError { path: String::new(), message: bound.to_string() })?;
    Ok(rule)
}

fn read(json: &Json, path: &str, depth: usize) -> Result<Rule, JsonError> {
    // Parts that stand alone are not counted by the rule's own check, yet they must not fill the stack.
    if depth > 4 * MAX_DEPTH {
        return fault(path, "the rule is nested too deep");
    }
    let shapes = "a part of a rule is {\"all\": [...]}, {\"any\": [...]}, {\"not\": ...}, {\"in_segment\": \"name\"} or {\"field\", \"operator\", \"value\"}";
    let Some(object) = json.as_object() else { return fault(path, shapes) };
    if object.contains_key("field") || object.contains_key("operator") {
        return condition(object, path).map(Rule::Is);
    }
    let mut entries = object.iter();
    let (Some((name, inner)), None) = (entries.next(), entries.next()) else { return fault(path, shapes) };
    let place = joined(path, name);
    match name.as_str() {
        "all" | "any" => {
            let Some(items) = inner.as_array().filter(|items| !items.is_empty()) else {
                return fault(&place, "must be a list with at least one part");
            };
            let mut parts = Vec::with_capacity(items.len());
            for (n, item) in items.iter().enumerate() {
                parts.push(read(item, &format!("{place}[{n}]"), depth + 1)?);
            }
            Ok(match (parts.len(), name.as_str()) {
                (1, _) => parts.remove(0),
                (_, "all") => Rule::All(parts),
                _ => Rule::Any(parts),
            })
        }
        "not" => Ok(Rule::Not(Box::new(read(inner, &place, depth + 1)?))),
        "in_segment" => match inner.as_str() {
            Some(name) if !name.trim().is_empty() && name.chars().count() <= MAX_TEXT => {
                Ok(Rule::InSegment(name.to_owned()))
            }
            _ => fault(&place, "must be the name of a segment"),
        },
        _ => fault(&place, shapes),
    }
}

fn condition(object: &Map<String, Json>, path: &str) -> Result<Condition, JsonError> {
    if let Some(name) = object.keys().find(|name| !["field", "operator", "value"].contains(&name.as_str())) {
        return fault(&joined(path, name), "a condition has field, operator and value");
    }
    let text = |name: &str| match object.get(name).and_then(Json::as_str) {
        Some(text) => Ok(text),
        None => fault(&joined(path, name), "must be a text"),
    };
    let name = text("field")?;
    let Some(field) = Field::named(name) else { return fault(&joined(path, "field"), unknown_field(name)) };
    let name = text("operator")?;
    let Some(operator) = Operator::from_wire(name) else {
        return fault(&joined(path, "operator"), unknown_operator(field, name));
    };
    let place = joined(path, "value");
    let literals = match (object.get("value"), operator.wants()) {
        (None | Some(Json::Null), _) => Vec::new(),
        (Some(Json::Array(items)), Wants::Two | Wants::Many) => items
            .iter()
            .enumerate()
            .map(|(n, item)| literal(item, &format!("{place}[{n}]")))
            .collect::<Result<_, _>>()?,
        (Some(value), _) => vec![literal(value, &place)?],
    };
    Condition::new(field, operator, &literals).map_err(|wrong| JsonError {
        path: match wrong.part {
            Part::Operator => joined(path, "operator"),
            Part::Value(n) if matches!(operator.wants(), Wants::Two | Wants::Many) => format!("{place}[{n}]"),
            Part::Values | Part::Value(_) => place,
        },
        message: wrong.message,
    })
}

fn literal(json: &Json, path: &str) -> Result<Literal, JsonError> {
    match json {
        Json::Bool(flag) => Ok(Literal::Flag(*flag)),
        Json::String(text) => Ok(Literal::Text(text.clone())),
        // The shortest text of the number, as its writer saw it.
        Json::Number(number) => match Decimal::from_str_exact(&plain(number)) {
            Ok(number) => Ok(Literal::Number(number)),
            Err(_) => fault(path, "must be a number of at most 15 digits"),
        },
        _ => fault(path, "must be a number, a text, true or false"),
    }
}

/// A number without an exponent.
fn plain(number: &serde_json::Number) -> String {
    match number.as_f64() {
        Some(float) if number.is_f64() => float.to_string(),
        _ => number.to_string(),
    }
}

/// The rule as JSON; [`from_json`] reads the same rule back.
pub fn to_json(rule: &Rule) -> Json {
    match rule {
        Rule::All(parts) => json!({ "all": parts.iter().map(to_json).collect::<Vec<_>>() }),
        Rule::Any(parts) => json!({ "any": parts.iter().map(to_json).collect::<Vec<_>>() }),
        Rule::Not(part) => json!({ "not": to_json(part) }),
        Rule::InSegment(name) => json!({ "in_segment": name }),
        Rule::Is(condition) => {
            let mut object = Map::new();
            object.insert("field".to_owned(), Json::String(condition.field().to_string()));
            object.insert("operator".to_owned(), Json::String(condition.operator().wire()));
            let mut values: Vec<Json> = condition.values().iter().map(value).collect();
            match condition.operator().wants() {
                Wants::Nothing => {}
                Wants::One => {
                    object.insert("value".to_owned(), values.remove(0));
                }
                Wants::Two | Wants::Many => {
                    object.insert("value".to_owned(), Json::Array(values));
                }
            }
            Json::Object(object)
        }
    }
}

/// The path of the first text with this content; none when it stands nowhere.
pub fn path_to(json: &Json, content: &str) -> Option<String> {
    match json {
        Json::String(text) => (text == content).then(String::new),
        Json::Array(items) => items
            .iter()
            .enumerate()
            .find_map(|(n, item)| path_to(item, content).map(|rest| format!("[{n}]{}", dotted(&rest)))),
        Json::Object(entries) => entries
            .iter()
            .find_map(|(name, item)| path_to(item, content).map(|rest| format!("{name}{}", dotted(&rest)))),
        _ => None,
    }
}

fn dotted(rest: &str) -> String {
    if rest.is_empty() || rest.starts_with('[') { rest.to_owned() } else { format!(".{rest}") }
}

fn value(value: &Value) -> Json {
    match value {
        Value::Number(number) if number.fract().is_zero() => json!(number.to_i64()),
        Value::Number(number) => json!(number.to_f64()),
        Value::Date(day) => Json::String(day.format("%Y-%m-%d").to_string()),
        Value::Text(text) => Json::String(text.clone()),
        Value::Flag(flag) => Json::Bool(*flag),
    }
}

fn unknown_operator(field: Field, name: &str) -> String {
    let known: Vec<String> = field.kind().operators().iter().map(|operator| operator.wire()).collect();
    let shown: String = name.chars().take(40).collect();
    let hint = nearest(&shown, known.iter().map(String::as_str));
    let hint = hint.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
    format!("there is no operator `{shown}`; the operators of {field} are {}{hint}", known.join(", "))
}

fn joined(path: &str, name: &str) -> String {
    let name: String = name.chars().take(60).collect();
    if path.is_empty() { name } else { format!("{path}.{name}") }
}

fn fault<T>(path: &str, message: impl Into<String>) -> Result<T, JsonError> {
    Err(JsonError { path: path.to_owned(), message: message.into() })
}
