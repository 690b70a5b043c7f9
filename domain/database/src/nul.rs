//! Postgres stores no NUL character, neither in text nor in jsonb, but JSON may contain one. Dropping it is better
//! than refusing a customer's message for it.

use std::borrow::Cow;

use serde_json::Value;

/// The text without NUL characters.
pub fn strip_text(text: &str) -> Cow<'_, str> {
    if text.contains('\0') { Cow::Owned(text.replace('\0', "")) } else { Cow::Borrowed(text) }
}

/// The value without NUL characters in texts and names; copied only when there are any.
pub fn strip_json(value: &Value) -> Cow<'_, Value> {
    if contains(value) { Cow::Owned(stripped(value)) } else { Cow::Borrowed(value) }
}

fn contains(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains('\0'),
        Value::Array(items) => items.iter().any(contains),
        Value::Object(map) => map.iter().any(|(name, item)| name.contains('\0') || contains(item)),
        _ => false,
    }
}

fn stripped(value: &Value) -> Value {
    match value {
        Value::String(text) => Value::String(text.replace('\0', "")),
        Value::Array(items) => items.iter().map(stripped).collect(),
        Value::Object(map) => {
            map.iter().map(|(name, item)| (strip_text(name).into_owned(), stripped(item))).collect()
        }
        other => other.clone(),
    }
}
