//! Fields of an answer, read for what they mean: what does not fit counts as absent. One odd field of one message must not
//! cost a customer their draft, nor a note its place.

use accounts::foreign::time as moments;
use accounts::foreign::value::{Plain, plain, whole};
use chrono::{DateTime, Utc};
use serde::de::{DeserializeOwned, Error};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

fn raw<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Box<RawValue>, D::Error> {
    Box::<RawValue>::deserialize(deserializer)
}

/// A whole number, also as a text or with a fraction of nothing. The one field that is needed.
pub(super) fn id<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    optional_id(deserializer)?.ok_or_else(|| D::Error::custom("there is no id"))
}

pub(super) fn optional_id<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    let digits = match plain(&raw(deserializer)?) {
        Some(Plain::Number(digits)) => whole(digits),
        Some(Plain::Text(text)) => whole(text.trim()),
        _ => None,
    };
    Ok(digits.and_then(|digits| digits.parse().ok()))
}

/// A text; a number is the text of its digits.
pub(super) fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    Ok(match plain(&raw(deserializer)?) {
        Some(Plain::Text(text)) => Some(text),
        Some(Plain::Number(digits)) => Some(digits.to_owned()),
        _ => None,
    })
}

/// A truth value, also as a word or a number.
pub(super) fn flag<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<bool>, D::Error> {
    let word = match plain(&raw(deserializer)?) {
        Some(Plain::Flag(flag)) => return Ok(Some(flag)),
        Some(Plain::Text(text)) => text.trim().to_ascii_lowercase(),
        Some(Plain::Number(digits)) => digits.to_owned(),
        _ => return Ok(None),
    };
    Ok(match word.as_str() {
        "true" | "1" | "yes" => Some(true),
        "false" | "0" | "no" => Some(false),
        _ => None,
    })
}

/// The same; absent is false.
pub(super) fn is_set<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    Ok(flag(deserializer)?.unwrap_or(false))
}

/// A time in any form.
pub(super) fn time<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<DateTime<Utc>>, D::Error> {
    Ok(match plain(&raw(deserializer)?) {
        Some(Plain::Text(text)) => moments::of_text(&text),
        Some(Plain::Number(digits)) => moments::of_number(digits),
        _ => None,
    })
}

/// A part that may be null, which says something else than not to be there.
pub(super) fn said<'de, D: Deserializer<'de>, T: DeserializeOwned>(
    deserializer: D,
) -> Result<Option<Option<T>>, D::Error> {
    let raw = raw(deserializer)?;
    if raw.get() == "null" {
        return Ok(Some(None));
    }
    Ok(serde_json::from_str(raw.get()).ok().map(Some))
}

/// A part that is left out as a whole when it is of another form.
pub(super) fn object<'de, D: Deserializer<'de>, T: DeserializeOwned>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    Ok(serde_json::from_str(raw(deserializer)?.get()).ok())
}

/// The items of a list that have the form; none when it is no list.
pub(super) fn items<'de, D: Deserializer<'de>, T: DeserializeOwned>(
    deserializer: D,
) -> Result<Vec<T>, D::Error> {
    let list = raw(deserializer)?;
    let items: Vec<&RawValue> = serde_json::from_str(list.get()).unwrap_or_default();
    Ok(items.into_iter().filter_map(|item| serde_json::from_str(item.get()).ok()).collect())
}
