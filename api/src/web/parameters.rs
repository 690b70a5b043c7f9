//! What the parameters of a query may be, checked by the API's own description before any route sees them. A range, a length or
//! a list of words is stated once, in the description (`routes/described.rs` completes it), so what is described is what is
//! taken, and nothing besides; a route only reads the value. What else makes a value wrong (a cursor of another list, a tag that
//! nobody has) is the route's to say.

use std::borrow::Cow;
use std::collections::HashMap;

use axum::http::Method;
use chrono::{DateTime, NaiveDate};
use serde_json::Value;
use utoipa::Number;
use utoipa::openapi::path::{Parameter, ParameterIn, PathItem};
use utoipa::openapi::schema::{KnownFormat, Object, SchemaFormat, SchemaType, Type};
use utoipa::openapi::{OpenApi, RefOr, Schema};
use uuid::Uuid;

use crate::web::problem::Problem;
use crate::web::query::{must_be, unknown};

/// What a parameter may be.
#[derive(Clone, Debug, PartialEq)]
pub enum Form {
    /// A whole number from the first to the second.
    Whole(i64, i64),
    /// A number from the first to the second.
    Real(f64, f64),
    /// A text of at most so many characters.
    Text(usize),
    /// The same in ASCII alone: a token, or words of ours. Percent-encoded it takes a quarter of what any text may.
    Ascii(usize),
    /// One of these words.
    Word(Vec<Cow<'static, str>>),
    /// A UUID.
    Id,
    /// A time as in RFC 3339.
    Time,
    /// A day as in ISO 8601.
    Day,
    /// `true` or `false`.
    Flag,
}

/// How a text in ASCII is described.
const ASCII: &str = r"^[\x01-\x7F]*$";

impl Form {
    /// What a schema states; none where it leaves a range or a length open.
    pub fn of(schema: &Object) -> Option<Form> {
        let SchemaType::Type(kind) = &schema.schema_type else { return None };
        let format = match &schema.format {
            Some(SchemaFormat::KnownFormat(format)) => Some(format),
            _ => None,
        };
        match (kind, format) {
            (Type::Boolean, _) => Some(Form::Flag),
            (Type::Integer, _) => Some(Form::Whole(whole(&schema.minimum)?, whole(&schema.maximum)?)),
            (Type::Number, _) => Some(Form::Real(real(&schema.minimum)?, real(&schema.maximum)?)),
            (Type::String, Some(KnownFormat::Uuid)) => Some(Form::Id),
            (Type::String, Some(KnownFormat::DateTime)) => Some(Form::Time),
            (Type::String, Some(KnownFormat::Date)) => Some(Form::Day),
            (Type::String, _) => match &schema.enum_values {
                Some(words) => {
                    let words = words.iter().map(|word| Some(Cow::Owned(word.as_str()?.to_owned())));
                    words.collect::<Option<Vec<_>>>().map(Form::Word)
                }
                None => {
                    let is_ascii = schema.pattern.as_deref() == Some(ASCII);
                    schema.max_length.map(if is_ascii { Form::Ascii } else { Form::Text })
                }
            },
            _ => None,
        }
    }

    /// States it in a schema.
    pub fn describe(&self, schema: &mut Object) {
        let format = |format| Some(SchemaFormat::KnownFormat(format));
        match self {
            Form::Whole(least, most) => {
                (schema.minimum, schema.maximum) = (Some((*least).into()), Some((*most).into()));
            }
            Form::Real(least, most) => {
                (schema.minimum, schema.maximum) = (Some((*least).into()), Some((*most).into()));
            }
            Form::Text(most_chars) => schema.max_length = Some(*most_chars),
            Form::Ascii(most_chars) => {
                (schema.max_length, schema.pattern) = (Some(*most_chars), Some(ASCII.to_owned()));
            }
            Form::Word(words) => {
                schema.enum_values = Some(words.iter().map(|word| Value::from(&**word)).collect());
            }
            Form::Id => schema.format = format(KnownFormat::Uuid),
            Form::Time => schema.format = format(KnownFormat::DateTime),
            Form::Day => schema.format = format(KnownFormat::Date),
            Form::Flag => schema.schema_type = SchemaType::Type(Type::Boolean),
        }
    }

    fn fits(&self, value: &str) -> bool {
        match self {
            Form::Whole(least, most) => {
                value.parse::<i64>().is_ok_and(|number| (*least..=*most).contains(&number))
            }
            Form::Real(least, most) => {
                value.parse::<f64>().is_ok_and(|number| (*least..=*most).contains(&number))
            }
            // A character has four bytes at most, so most texts need not be counted.
            Form::Text(most_chars) => value.len() <= *most_chars || value.chars().count() <= *most_chars,
            Form::Ascii(most_chars) => value.len() <= *most_chars && value.is_ascii(),
            Form::Word(words) => words.iter().any(|word| word == value),
            Form::Id => value.parse::<Uuid>().is_ok(),
            Form::Time => DateTime::parse_from_rfc3339(value).is_ok(),
            // Read and written again, because what reads a day forgives digits that are left out.
            Form::Day => value.parse::<NaiveDate>().is_ok_and(|day| day.to_string() == value),
            Form::Flag => matches!(value, "true" | "false"),
        }
    }

    /// What it may be, in the words of a refusal: `must be ...`.
    fn allowed(&self) -> Cow<'static, str> {
        match self {
            Form::Whole(least, most) => format!("a whole number from {least} to {most}").into(),
            Form::Real(least, most) => format!("a number from {least:e} to {most:e}").into(),
            Form::Text(most_chars) => format!("a text of at most {most_chars} characters").into(),
            Form::Ascii(most_chars) => format!("a text of at most {most_chars} ASCII characters").into(),
            Form::Word(words) => format!("among {}", words.join(", ")).into(),
            Form::Id => "a UUID".into(),
            Form::Time => "a time such as 2026-01-31T12:00:00Z".into(),
            Form::Day => "a day such as 2026-01-31".into(),
            Form::Flag => "true or false".into(),
        }
    }
}

fn whole(number: &Option<Number>) -> Option<i64> {
    match number {
        Some(Number::Int(number)) => i64::try_from(*number).ok(),
        Some(Number::UInt(number)) => i64::try_from(*number).ok(),
        Some(Number::Float(_)) | None => None,
    }
}

fn real(number: &Option<Number>) -> Option<f64> {
    match number {
        Some(Number::Float(number)) => Some(*number),
        Some(Number::Int(number)) => Some(*number as f64),
        Some(Number::UInt(number)) => Some(*number as f64),
        None => None,
    }
}

/// The parameters of an operation's query, by name, with what each may be as far as that is stated.
type Query = Vec<(String, Option<Form>)>;

/// Whether a path takes parameters that are not described, because other systems put what they like behind it: the pages that
/// anybody opens, the answers of sign-ins and shops, and what is sent by a shop, a help desk or Slack.
fn takes_anything(path: &str) -> bool {
    const SENT: [&str; 6] = [
        "/api/gorgias/webhook",
        "/api/webhooks/shopify",
        "/api/slack/chart",
        "/api/slack/commands",
        "/api/slack/events",
        "/api/slack/interactions",
    ];
    !path.starts_with("/api/") || path.ends_with("/callback") || SENT.contains(&path)
}

/// What every operation's query may have.
#[derive(Debug, Default)]
pub struct Parameters {
    /// By the pattern of the path.
    operations: HashMap<String, Vec<(Method, Query)>>,
}

impl Parameters {
    /// What a description states.
    pub fn of(document: &OpenApi) -> Parameters {
        let operations = document.paths.paths.iter().map(|(path, item)| (path.clone(), queries(item)));
        Parameters { operations: operations.collect() }
    }

    /// Refuses a query with a parameter or a value that its operation does not take.
    ///
    /// # Errors
    /// 400 naming the parameter, and what it may be or which there are.
    pub fn check(&self, method: &Method, pattern: &str, query: &str) -> Result<(), Problem> {
        if query.is_empty() {
            return Ok(());
        }
        // HEAD is answered as GET is.
        let method = if method == Method::HEAD { Method::GET } else { method.clone() };
        let mut operations = self.operations.get(pattern).into_iter().flatten();
        let Some((_, known)) = operations.find(|(of, _)| *of == method) else { return Ok(()) };
        for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
            match known.iter().find(|(known, _)| *known == name) {
                Some((_, Some(form))) if !form.fits(&value) => {
                    return Err(must_be(name.into_owned(), &form.allowed(), &value));
                }
                None if !takes_anything(pattern) => {
                    return Err(unknown(&name, known.iter().map(|(known, _)| known.as_str())));
                }
                _ => {}
            }
        }
        Ok(())
    }
}

/// The queries of a path's operations.
fn queries(item: &PathItem) -> Vec<(Method, Query)> {
    let operations = [
        (Method::GET, &item.get),
        (Method::PUT, &item.put),
        (Method::POST, &item.post),
        (Method::PATCH, &item.patch),
        (Method::DELETE, &item.delete),
    ];
    let operations =
        operations.into_iter().filter_map(|(method, operation)| Some((method, operation.as_ref()?)));
    operations
        .map(|(method, operation)| {
            let parameters = operation.parameters.iter().flatten();
            (method, parameters.filter_map(query_parameter).collect())
        })
        .collect()
}

fn query_parameter(parameter: &RefOr<Parameter>) -> Option<(String, Option<Form>)> {
    let RefOr::T(parameter) = parameter else { return None };
    let form = match &parameter.schema {
        Some(RefOr::T(Schema::Object(schema))) => Form::of(schema),
        _ => None,
    };
    (parameter.parameter_in == ParameterIn::Query).then(|| (parameter.name.clone(), form))
}

#[cfg(test)]
mod tests {
    use utoipa::openapi::schema::ObjectBuilder;

    use super::*;

    fn every_form() -> [(Type, Form); 9] {
        [
            (Type::Integer, Form::Whole(-7, i64::MAX)),
            (Type::Number, Form::Real(0.0, 1.5)),
            (Type::String, Form::Text(3)),
            (Type::String, Form::Ascii(3)),
            (Type::String, Form::Word(vec!["open".into(), "closed".into()])),
            (Type::String, Form::Id),
            (Type::String, Form::Time),
            (Type::String, Form::Day),
            (Type::Boolean, Form::Flag),
        ]
    }

    #[test]
    fn what_is_described_is_read_back() {
        for (kind, form) in every_form() {
            let mut schema = ObjectBuilder::new().schema_type(kind).build();
            form.describe(&mut schema);
            assert_eq!(Form::of(&schema), Some(form));
        }
        for kind in [Type::Integer, Type::Number, Type::String] {
            assert_eq!(Form::of(&ObjectBuilder::new().schema_type(kind).build()), None, "it is left open");
        }
    }

    #[test]
    fn both_ends_fit_and_nothing_beyond_them() {
        let id = "0199c0de-7e1a-7c51-8f3a-2b9d5e6f7a81";
        let fits: [&[&str]; 9] = [
            &["-7", "0", "9223372036854775807"],
            &["0", "1.5", "1e-3"],
            &["", "abc", "\u{1F4A5}\u{1F4A5}\u{1F4A5}"],
            &["", "abc", "\r\n~"],
            &["open", "closed"],
            &[id],
            &["2026-01-31T12:00:00Z", "2026-01-31T12:00:00+01:00"],
            &["2026-01-31"],
            &["true", "false"],
        ];
        let does_not: [&[&str]; 9] = [
            &["", "-8", "9223372036854775808", "1.5", "x"],
            &["", "-0.1", "1.6", "NaN", "inf", "1e400"],
            &["abcd", "\u{1F4A5}\u{1F4A5}\u{1F4A5}\u{1F4A5}"],
            &["abcd", "\u{e9}"],
            &["", "shut", "Open"],
            &["", "7"],
            &["", "yesterday", "2026-01-31"],
            &["", "2026-02-30", "2026-1-31", "+2026-1-01", " 2026-01-31", "2026-01-31T12:00:00Z"],
            &["", "1", "True"],
        ];
        for (((_, form), fits), does_not) in every_form().iter().zip(fits).zip(does_not) {
            assert!(fits.iter().all(|value| form.fits(value)), "{form:?}");
            assert!(!does_not.iter().any(|value| form.fits(value)), "{form:?}");
        }
    }

    #[test]
    fn a_refusal_names_the_parameter_and_what_it_may_be() {
        let query = vec![
            ("limit".to_owned(), Some(Form::Whole(1, 100))),
            ("q".to_owned(), Some(Form::Text(3))),
            ("open".to_owned(), None),
        ];
        let post = (Method::POST, Vec::new());
        let operations = HashMap::from([("/api/things/{id}".to_owned(), vec![(Method::GET, query), post])]);
        let parameters = Parameters { operations };
        let check = |method: &Method, query: &str| parameters.check(method, "/api/things/{id}", query);
        for fits in ["", "limit=1&q=abc", "open=x&limit=100", "q=%F0%9F%92%A5%20"] {
            assert_eq!(check(&Method::GET, fits), Ok(()), "{fits}");
        }
        let refused = check(&Method::HEAD, "q=abc&limit=101").expect_err("too many");
        assert_eq!(refused.field.as_deref(), Some("limit"));
        assert_eq!(refused.detail, "must be a whole number from 1 to 100, not \"101\"");
        let refused = check(&Method::GET, "q=a+bc").expect_err("a plus is a blank");
        assert_eq!(refused.detail, "must be a text of at most 3 characters, not \"a bc\"");
        assert_eq!(check(&Method::PUT, "limit=101"), Ok(()), "it has no such operation");
        assert_eq!(parameters.check(&Method::GET, "/api/others", "limit=101"), Ok(()));

        let refused = check(&Method::GET, "limit=1&colour=red").expect_err("unknown");
        assert_eq!(refused.field.as_deref(), Some("colour"));
        assert_eq!(refused.detail, "unknown parameter; known are limit, q, open");
        let refused = check(&Method::POST, "limit=1").expect_err("another operation");
        assert_eq!(refused.detail, "unknown parameter; there are none");
    }

    #[test]
    fn what_other_systems_call_takes_what_they_put_behind_it() {
        let paths = [
            "/help/{shop}",
            "/my/{token}",
            "/r/{token}",
            "/health",
            "/api/auth/oidc/callback",
            "/api/slack/events",
            "/api/webhooks/shopify",
        ];
        let query = || vec![("lang".to_owned(), Some(Form::Text(3)))];
        let operations = paths.map(|path| (path.to_owned(), vec![(Method::GET, query())]));
        let parameters = Parameters { operations: HashMap::from(operations) };
        for path in paths {
            assert_eq!(parameters.check(&Method::GET, path, "utm_source=mail&lang=en"), Ok(()), "{path}");
            assert!(parameters.check(&Method::GET, path, "lang=long").is_err(), "{path}");
        }
    }
}
