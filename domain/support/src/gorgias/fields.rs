//! Reading single fields out of a JSON body whose author we do not control: what is missing is none, what is
//! of an impossible type is an error that names the field.

use chrono::{DateTime, NaiveDateTime, Utc};
use serde_json::{Map, Value};

use super::delivery::DeliveryError;

/// One object of a body and the path to it, for error messages.
#[derive(Clone, Copy)]
pub(super) struct Object<'a> {
    path: &'a str,
    map: &'a Map<String, Value>,
}

impl<'a> Object<'a> {
    pub(super) fn new(path: &'a str, value: &'a Value) -> Result<Object<'a>, DeliveryError> {
        match value {
            Value::Object(map) => Ok(Object { path, map }),
            _ => Err(wrong(path, "must be an object")),
        }
    }

    pub(super) fn value(&self, name: &str) -> Option<&'a Value> {
        self.map.get(name).filter(|value| !value.is_null())
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.value(name).is_some()
    }

    pub(super) fn path(&self, name: &str) -> String {
        if self.path.is_empty() { name.to_owned() } else { format!("{}.{name}", self.path) }
    }

    /// An id: a number or a text of 1-255 characters.
    pub(super) fn id(&self, name: &str) -> Result<Option<String>, DeliveryError> {
        let id = match self.value(name) {
            None => return Ok(None),
            Some(Value::Number(number)) if number.is_i64() || number.is_u64() => number.to_string(),
            Some(Value::String(text)) => text.trim().to_owned(),
            Some(_) => return Err(wrong(&self.path(name), "must be a whole number or a text")),
        };
        if id.is_empty() || id.chars().count() > 255 || id.contains('\0') {
            return Err(wrong(&self.path(name), "must have 1-255 characters"));
        }
        Ok(Some(id))
    }

    /// A text, cut to `limit` characters. Empty counts as missing. NUL, which Postgres cannot store, is dropped.
    pub(super) fn text(&self, name: &str, limit: usize) -> Result<Option<String>, DeliveryError> {
        match self.value(name) {
            None => Ok(None),
            Some(Value::String(text)) => {
                let text: String = text.trim().chars().filter(|c| *c != '\0').take(limit).collect();
                Ok(Some(text).filter(|text| !text.is_empty()))
            }
            Some(_) => Err(wrong(&self.path(name), "must be a text")),
        }
    }

    /// A truth value; templates often render it as text.
    pub(super) fn flag(&self, name: &str) -> Result<Option<bool>, DeliveryError> {
        match self.value(name) {
            None => Ok(None),
            Some(Value::Bool(flag)) => Ok(Some(*flag)),
            Some(Value::String(text)) => match text.trim().to_ascii_lowercase().as_str() {
                "" => Ok(None),
                "true" | "1" => Ok(Some(true)),
                "false" | "0" => Ok(Some(false)),
                _ => Err(wrong(&self.path(name), "must be true or false")),
            },
            Some(_) => Err(wrong(&self.path(name), "must be true or false")),
        }
    }

    /// A count of 0 to 1,000,000; templates often render it as text.
    pub(super) fn count(&self, name: &str) -> Result<Option<i32>, DeliveryError> {
        let count = match self.value(name) {
            None => return Ok(None),
            Some(Value::String(text)) if text.trim().is_empty() => return Ok(None),
            Some(Value::Number(number)) => number.as_i64(),
            Some(Value::String(text)) => text.trim().parse().ok(),
            Some(_) => None,
        };
        match count {
            Some(count @ 0..=1_000_000) => Ok(i32::try_from(count).ok()),
            _ => Err(wrong(&self.path(name), "must be a whole number from 0 to 1000000")),
        }
    }

    /// A point in time: RFC 3339, or ISO 8601 without an offset, which the help desk means as UTC.
    pub(super) fn time(&self, name: &str) -> Result<Option<DateTime<Utc>>, DeliveryError> {
        let Some(text) = self.text(name, 64)? else { return Ok(None) };
        if let Ok(time) = DateTime::parse_from_rfc3339(&text) {
            return in_range(time.to_utc(), || self.path(name));
        }
        for format in ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f%:z"] {
            if let Ok(time) = NaiveDateTime::parse_from_str(&text, format) {
                return in_range(time.and_utc(), || self.path(name));
            }
        }
        Err(wrong(&self.path(name), "must be an ISO 8601 date and time"))
    }
}

fn in_range(
    time: DateTime<Utc>,
    path: impl FnOnce() -> String,
) -> Result<Option<DateTime<Utc>>, DeliveryError> {
    let year = chrono::Datelike::year(&time);
    if (1990..2200).contains(&year) { Ok(Some(time)) } else { Err(wrong(&path(), "is not a plausible time")) }
}

pub(super) fn wrong(field: &str, problem: &'static str) -> DeliveryError {
    DeliveryError::Wrong { field: field.to_owned(), problem }
}
