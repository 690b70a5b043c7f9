//! What a reader of JSON says of a value that does not fit, in plain words: what was seen, and what is allowed. The reader says
//! it in the names of Rust's types (`invalid type: string "x", expected i32`), by which nobody can mend a request.
//!
//! Its words are serde's and those of the types that are read (`uuid`, `chrono`, `rust_decimal`); they are known here alone.

use std::borrow::Cow;

use serde_json::Value;

/// Characters of a value that are repeated.
const SEEN_CHARS: usize = 40;

/// What is said where the reader knows no more than that nothing fits.
const NO_FORM: &str = "has none of the forms that are taken here; GET /openapi.json describes them";

/// What a reader says of a value.
#[derive(Debug, PartialEq, Eq)]
enum Said<'a> {
    /// It is of another kind, or beyond what its kind takes.
    Unfit { seen: &'a str, expected: &'a str },
    /// It is no word of a list.
    NoWord { seen: &'a str, known: &'a str },
    /// It has a field that there is not.
    NoField { name: &'a str, known: &'a str },
    /// It lacks a field.
    Missing(&'a str),
    /// It has a field twice.
    Twice(&'a str),
    /// Something else, in the words of its type.
    Own(&'a str),
}

/// A reader's message in plain words. `value` is what stood at the place, where that is known, and `allowed` what would be
/// right there, where the message does not say it.
pub fn plain(message: &str, value: Option<&Value>, allowed: Option<&str>) -> String {
    let must_be = |right: &str, seen: Option<String>| match seen {
        Some(seen) => format!("must be {right}, not {seen}"),
        None => format!("must be {right}"),
    };
    match said(message) {
        Said::Unfit { seen: told, expected } => {
            match expectation(expected, seen_number(told)).as_deref().or(allowed) {
                // A list of so many was read as fields by their places.
                Some("an object") if told.starts_with(|c: char| c.is_ascii_digit()) => {
                    must_be("an object", Some("a list".to_owned()))
                }
                Some(right) => must_be(right, Some(seen(told))),
                None => NO_FORM.to_owned(),
            }
        }
        Said::NoWord { seen: told, known } => match names(known) {
            known if known.is_empty() => NO_FORM.to_owned(),
            known => format!("must be among {known}, not {}", shown_text(told)),
        },
        Said::NoField { name, known } => match names(known) {
            known if known.is_empty() => format!("there is no field `{}` here, and no other", cut(name)),
            known => format!("there is no field `{}` here; there are {known}", cut(name)),
        },
        Said::Missing(name) => match allowed {
            Some(right) => format!("`{name}` is missing; it must be {right}"),
            None => format!("`{name}` is missing"),
        },
        Said::Twice(name) => format!("`{name}` stands here twice"),
        Said::Own(text) if own(text).is_none() && is_plain(text) => text.to_owned(),
        // A day is given where a time is wanted.
        Said::Own(text) if own(text) == Some(DAY_OR_TIME) && value.is_some_and(is_day) => {
            must_be("a time such as 2026-01-31T12:00:00Z", value.map(shown))
        }
        Said::Own(text) => match own(text).or(allowed) {
            Some(right) => must_be(right, value.map(shown)),
            None => NO_FORM.to_owned(),
        },
    }
}

/// Where in a document the value is that a message is about, when it can be about one alone: what may have one of several
/// forms is read twice, and the second reader does not know its place any more.
pub fn culprit(document: &Value, message: &str) -> Option<String> {
    let Said::Unfit { seen, .. } = said(message) else { return None };
    if as_read(document) == seen {
        return None;
    }
    let mut found = Vec::new();
    look_for(document, seen, "", &mut found);
    match found.as_slice() {
        [only] => Some(only.clone()),
        _ => None,
    }
}

fn look_for(value: &Value, seen: &str, place: &str, found: &mut Vec<String>) {
    if as_read(value) == seen {
        found.push(place.to_owned());
    }
    match value {
        Value::Object(fields) => {
            for (name, part) in fields {
                let dot = if place.is_empty() { "" } else { "." };
                look_for(part, seen, &format!("{place}{dot}{name}"), found);
            }
        }
        Value::Array(items) => {
            for (at, item) in items.iter().enumerate() {
                look_for(item, seen, &format!("{place}[{at}]"), found);
            }
        }
        _ => {}
    }
}

/// A value in the reader's words.
fn as_read(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(value) => format!("boolean `{value}`"),
        Value::Number(number) if number.is_f64() => format!("floating point `{number}`"),
        Value::Number(number) => format!("integer `{number}`"),
        Value::String(text) => format!("string {text:?}"),
        Value::Array(_) => "sequence".to_owned(),
        Value::Object(_) => "map".to_owned(),
    }
}

/// What a reader's message says to be right at the place; none when it does not say it in words that people know.
pub fn allowed(message: &str) -> Option<String> {
    match said(message) {
        Said::Unfit { seen, expected } => expectation(expected, seen_number(seen)).map(Cow::into_owned),
        Said::NoWord { known, .. } => Some(names(known))
            .filter(|names| !names.is_empty())
            .map(|names| if names.contains(", ") { format!("one of {names}") } else { names }),
        Said::Own(text) => own(text).map(str::to_owned),
        Said::NoField { .. } | Said::Missing(_) | Said::Twice(_) => None,
    }
}

/// Whether the message says itself what would be right.
pub fn says_what_is_allowed(message: &str) -> bool {
    matches!(said(message), Said::NoField { .. } | Said::Twice(_)) || allowed(message).is_some()
}

/// Whether a whole number is beyond what its type takes, and the message says no more than that type's range.
pub fn is_beyond_its_type(message: &str) -> bool {
    let Said::Unfit { seen, expected } = said(message) else { return false };
    seen_number(seen) && expected.split_whitespace().any(|word| range_of(word).is_some())
}

/// A value as it is repeated: short, a text in quotes.
pub fn shown(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(value) => value.to_string(),
        Value::Number(number) => format!("the number {}", cut(&number.to_string())),
        Value::String(text) => shown_text(text),
        Value::Array(_) => "a list".to_owned(),
        Value::Object(_) => "an object".to_owned(),
    }
}

/// A text as it is repeated.
pub fn shown_text(text: &str) -> String {
    format!("\"{}\"", cut(text))
}

fn cut(text: &str) -> String {
    let mut kept: String = text.chars().filter(|c| !c.is_control()).take(SEEN_CHARS).collect();
    if text.chars().nth(SEEN_CHARS).is_some() {
        kept.push('…');
    }
    kept
}

fn said(message: &str) -> Said<'_> {
    let message = without_line(message);
    for start in ["invalid type: ", "invalid value: ", "invalid length "] {
        // What was seen may hold any words; what was expected holds none of the caller's.
        if let Some((seen, expected)) =
            message.strip_prefix(start).and_then(|rest| rest.rsplit_once(", expected "))
        {
            return Said::Unfit { seen, expected };
        }
    }
    if let Some(rest) = message.strip_prefix("unknown variant `") {
        let (seen, known) = rest.rsplit_once("`, expected ").unwrap_or((rest, ""));
        return Said::NoWord { seen, known };
    }
    if let Some(rest) = message.strip_prefix("unknown field `") {
        let (name, known) = rest.rsplit_once("`, expected ").unwrap_or((rest, ""));
        return Said::NoField { name: name.trim_end_matches("`, there are no fields"), known };
    }
    if let Some(name) = message.strip_prefix("missing field `") {
        return Said::Missing(name.trim_end_matches('`'));
    }
    if let Some(name) = message.strip_prefix("duplicate field `") {
        return Said::Twice(name.trim_end_matches('`'));
    }
    Said::Own(message)
}

/// A message without the line and column, which are of use only where the text is no JSON.
fn without_line(message: &str) -> &str {
    let is_place = |place: &str| {
        place.split_once(" column ").is_some_and(|(line, column)| {
            [line, column].iter().all(|number| number.bytes().all(|byte| byte.is_ascii_digit()))
        })
    };
    match message.rsplit_once(" at line ") {
        Some((rest, place)) if is_place(place) => rest,
        _ => message,
    }
}

/// "one of `a`, `b`" and "`a` or `b`" as a list with commas.
fn names(known: &str) -> String {
    let names: Vec<&str> = known.split('`').skip(1).step_by(2).collect();
    names.join(", ")
}

/// What a reader saw, in its own words, in ours.
fn seen(told: &str) -> String {
    let value = told.split('`').nth(1).map(cut).unwrap_or_default();
    match told.split([' ', ':']).next().unwrap_or_default() {
        "string" => {
            let text = told.trim_start_matches("string ").trim_matches('"');
            shown_text(text)
        }
        "integer" | "floating" => format!("the number {value}"),
        "boolean" => value,
        "character" => shown_text(&value),
        "null" | "unit" | "Option" => "null".to_owned(),
        "sequence" => "a list".to_owned(),
        "map" => "an object".to_owned(),
        length if length.bytes().all(|byte| byte.is_ascii_digit()) => format!("{length} of them"),
        _ => "something else".to_owned(),
    }
}

/// Whether a reader saw a whole number.
fn seen_number(told: &str) -> bool {
    told.starts_with("integer ")
}

/// What a reader expected; none when it says no more than the name of a type. The range of a type is told to whoever sent a
/// number beyond it; what is allowed within it is the route's to say, which has not seen the number yet.
fn expectation(expected: &str, is_number: bool) -> Option<Cow<'static, str>> {
    if let Some(range) = expected.split_whitespace().find_map(range_of) {
        return Some(if is_number { range.into() } else { "a whole number".into() });
    }
    let known = names(expected);
    if !known.is_empty() {
        return Some(format!("one of {known}").into());
    }
    let has = |word: &str| expected.contains(word);
    Some(match expected {
        "f32" | "f64" | "a number" => "a number".into(),
        "a boolean" => "true or false".into(),
        "a string" | "a borrowed string" | "str" | "string" => "a text".into(),
        "a character" | "a char" => "one character".into(),
        "a sequence" | "an array" => "a list".into(),
        "a map" | "map" | "map with a single key" => "an object".into(),
        "unit" => "null".into(),
        _ if has("UUID") => "a UUID".into(),
        _ if has("RFC 3339") || has("date and time") => "a time such as 2026-01-31T12:00:00Z".into(),
        _ if has("date string") => "a date such as 2026-01-31".into(),
        _ if has("time string") => "a time of day such as 09:30:00".into(),
        _ if has("ecimal") => "a number".into(),
        _ if expected.starts_with("an array of length ")
            || expected.starts_with("a tuple of size ")
            || expected.starts_with("tuple ") =>
        {
            let many: String = expected.chars().filter(char::is_ascii_digit).collect();
            if many.is_empty() { "a list".into() } else { format!("a list of {many}").into() }
        }
        _ if has("struct ") || has("tagged enum ") => "an object".into(),
        _ if is_plain(expected) => expected.to_owned().into(),
        _ => return None,
    })
}

/// The whole numbers of a type.
fn range_of(word: &str) -> Option<String> {
    let (least, most): (i128, u128) = match word {
        "i8" => (i8::MIN.into(), 127),
        "i16" => (i16::MIN.into(), 32_767),
        "i32" => (i32::MIN.into(), 2_147_483_647),
        "i64" | "isize" => (i64::MIN.into(), 9_223_372_036_854_775_807),
        "u8" => (0, u8::MAX.into()),
        "u16" => (0, u16::MAX.into()),
        "u32" => (0, u32::MAX.into()),
        "u64" | "usize" => (0, u64::MAX.into()),
        "i128" | "u128" => return Some("a whole number".to_owned()),
        _ => return None,
    };
    Some(format!("a whole number from {least} to {most}"))
}

const DAY_OR_TIME: &str =
    "a date such as 2026-01-31, or a time such as 2026-01-31T12:00:00Z where one is asked for";

fn is_day(value: &Value) -> bool {
    value.as_str().is_some_and(|text| text.parse::<chrono::NaiveDate>().is_ok())
}

/// What is allowed where a type says in its own words what it cannot read.
fn own(text: &str) -> Option<&'static str> {
    const TIMES: [&str; 7] = [
        "input is out of range",
        "no possible date and time matching input",
        "input is not enough for unique date and time",
        "input contains invalid characters",
        "premature end of input",
        "trailing input",
        "bad or unsupported format string",
    ];
    if TIMES.contains(&text) {
        return Some(DAY_OR_TIME);
    }
    if text.starts_with("UUID parsing failed") {
        return Some("a UUID");
    }
    if text.contains("ecimal") || text == "number out of range" {
        return Some("a number that is neither too large nor too fine");
    }
    (text == "failed to parse timezone").then_some("a time zone such as Europe/Berlin")
}

/// Whether a text is free of the words of Rust and of its readers.
fn is_plain(text: &str) -> bool {
    const NOT_FOR_PEOPLE: [&str; 23] = [
        "i8", "i16", "i32", "i64", "i128", "isize", "u8", "u16", "u32", "u64", "u128", "usize", "f32", "f64",
        "struct", "enum", "tuple", "newtype", "visitor", "variant", "untagged", "sequence", "Option",
    ];
    text != "expected value"
        && !text.contains("string or map")
        && !text.split(|c: char| !c.is_alphanumeric() && c != '_').any(|word| NOT_FOR_PEOPLE.contains(&word))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_was_seen_and_what_is_allowed_are_said_in_plain_words() {
        for (message, told) in [
            (
                r#"invalid type: string "x, expected y", expected i32 at line 1 column 9"#,
                "must be a whole number, not \"x, expected y\"",
            ),
            (
                "invalid value: integer `300`, expected u8",
                "must be a whole number from 0 to 255, not the number 300",
            ),
            (
                "invalid value: integer `0`, expected a nonzero u16",
                "must be a whole number from 0 to 65535, not the number 0",
            ),
            (
                "invalid type: floating point `1.5`, expected u64",
                "must be a whole number, not the number 1.5",
            ),
            ("invalid type: null, expected a string at line 3 column 4", "must be a text, not null"),
            ("invalid type: boolean `true`, expected a sequence", "must be a list, not true"),
            ("invalid type: sequence, expected struct Order", "must be an object, not a list"),
            ("invalid type: map, expected a boolean", "must be true or false, not an object"),
            ("invalid length 3, expected a tuple of size 2", "must be a list of 2, not 3 of them"),
            ("invalid length 1, expected struct Order with 2 elements", "must be an object, not a list"),
            (
                "invalid type: integer `7`, expected a formatted UUID string",
                "must be a UUID, not the number 7",
            ),
            ("invalid type: integer `7`, expected string or map", NO_FORM),
            (
                "unknown variant `soon`, expected one of `urgent`, `high`",
                "must be among urgent, high, not \"soon\"",
            ),
            ("unknown variant `x`, there are no variants", NO_FORM),
            (
                "unknown field `priorty`, expected `kind` or `priority`",
                "there is no field `priorty` here; there are kind, priority",
            ),
            ("unknown field `x`, there are no fields", "there is no field `x` here, and no other"),
            ("missing field `kind` at line 1 column 2", "`kind` is missing"),
            ("duplicate field `kind`", "`kind` stands here twice"),
            ("data did not match any variant of untagged enum Rule", NO_FORM),
            ("UUID parsing failed: invalid length: found 1", "must be a UUID"),
            ("`sqlite` is no kind of place", "`sqlite` is no kind of place"),
        ] {
            assert_eq!(plain(message, None, None), told, "{message}");
        }
    }

    #[test]
    fn the_value_itself_and_what_is_known_beside_the_message_are_told() {
        let seven = json!(7);
        assert_eq!(
            plain("invalid type: integer `7`, expected string or map", Some(&seven), Some("one of a, b")),
            "must be one of a, b, not the number 7"
        );
        let told = plain("expected value at line 1 column 9", Some(&seven), Some("one of a, b"));
        assert_eq!(told, "must be one of a, b, not the number 7");
        // A day is no time, and is not told to be what is wanted.
        let day = json!("2026-12-31");
        let told = plain("premature end of input", Some(&day), None);
        assert_eq!(told, "must be a time such as 2026-01-31T12:00:00Z, not \"2026-12-31\"");
        assert_eq!(plain("missing field `x`", None, Some("a text")), "`x` is missing; it must be a text");
        let long = Value::from("x".repeat(100));
        let told = plain("UUID parsing failed: invalid character", Some(&long), None);
        assert_eq!(told, format!("must be a UUID, not \"{}…\"", "x".repeat(40)));
    }

    #[test]
    fn the_one_value_that_a_message_can_be_about_is_found() {
        let document = json!({"kind": "s3", "port": "x", "list": [1, {"y": "x y"}, 1]});
        let place = |seen: &str| culprit(&document, &format!("invalid type: {seen}, expected u16"));
        assert_eq!(place("string \"x\"").as_deref(), Some("port"));
        assert_eq!(place("string \"x y\"").as_deref(), Some("list[1].y"));
        assert_eq!(place("sequence").as_deref(), Some("list"));
        assert_eq!(place("integer `1`"), None, "it stands there twice");
        assert_eq!(place("integer `2`"), None);
    }
}
