//! Query parameters and path parts, read by name; whatever is unknown, repeated or malformed is
//! refused with its name. Ranges and lengths are checked before, by [`crate::web::parameters`].

use std::borrow::Cow;

use axum::extract::Query;
use axum::http::Uri;
use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::web::plain::shown_text;
use crate::web::problem::Problem;

/// The query parameters of a request.
#[derive(Clone, Debug, Default)]
pub struct Params {
    path: String,
    pairs: Vec<(String, String)>,
}

impl Params {
    /// The parameters of the address, all of which must be among `known`.
    ///
    /// # Errors
    /// 400 naming the unknown parameter.
    pub fn of(uri: &Uri, known: &[&str]) -> Result<Params, Problem> {
        let Query(pairs): Query<Vec<(String, String)>> = Query::try_from_uri(uri)
            .map_err(|_| Problem::bad_request("query", "the query cannot be read"))?;
        if let Some((name, _)) = pairs.iter().find(|(name, _)| !known.contains(&name.as_str())) {
            return Err(unknown(name, known.iter().copied()));
        }
        Ok(Params { path: uri.path().to_owned(), pairs })
    }

    /// As [`Params::of`], from a query text.
    ///
    /// # Errors
    /// 400 naming the unknown parameter.
    #[cfg(test)]
    pub(crate) fn parse(query: &str, known: &[&str]) -> Result<Params, Problem> {
        Params::of(&format!("/?{query}").parse().expect("an address"), known)
    }

    /// The path that was asked, as it was sent.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The parameter's text.
    ///
    /// # Errors
    /// 400 when it is given twice, or empty.
    pub fn text(&self, name: &'static str) -> Result<Option<&str>, Problem> {
        let mut values = self.all(name);
        let Some(value) = values.next() else { return Ok(None) };
        if values.next().is_some() {
            return Err(Problem::bad_request(name, "may be given once"));
        }
        if value.is_empty() {
            return Err(Problem::bad_request(name, "must not be empty"));
        }
        Ok(Some(value))
    }

    /// The parameter's text without the blanks around it.
    ///
    /// # Errors
    /// 400 as for [`Params::text`], and when there is nothing but blanks.
    pub fn word(&self, name: &'static str) -> Result<Option<&str>, Problem> {
        match self.text(name)?.map(str::trim) {
            Some("") => Err(Problem::bad_request(name, "must have something besides blanks")),
            word => Ok(word),
        }
    }

    /// Every value of a parameter that may be repeated.
    pub fn all(&self, name: &'static str) -> impl Iterator<Item = &str> {
        self.pairs.iter().filter(move |(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// Every value of a parameter that may be repeated and may be a list with commas; none when it is not given.
    ///
    /// # Errors
    /// 400 when one is empty.
    pub fn list(&self, name: &'static str) -> Result<Vec<&str>, Problem> {
        let items: Vec<&str> = self.all(name).flat_map(|value| value.split(',')).map(str::trim).collect();
        match items.contains(&"") {
            true => Err(Problem::bad_request(name, "must not be empty, nor have an empty item")),
            false => Ok(items),
        }
    }

    /// A whole number, within the range that the API's description states.
    ///
    /// # Errors
    /// 400 when it is none.
    pub fn number(&self, name: &'static str) -> Result<Option<i64>, Problem> {
        let Some(text) = self.text(name)? else { return Ok(None) };
        text.parse().map(Some).map_err(|_| must_be(name, "a whole number", text))
    }

    /// An id.
    ///
    /// # Errors
    /// 400 when it is no UUID.
    pub fn id(&self, name: &'static str) -> Result<Option<Uuid>, Problem> {
        self.text(name)?.map(|text| id(name, text)).transpose()
    }

    /// A time as in RFC 3339.
    ///
    /// # Errors
    /// 400 with an example.
    pub fn time(&self, name: &'static str) -> Result<Option<DateTime<Utc>>, Problem> {
        let Some(text) = self.text(name)? else { return Ok(None) };
        match DateTime::parse_from_rfc3339(text) {
            Ok(time) => Ok(Some(time.with_timezone(&Utc))),
            Err(_) => Err(must_be(name, "a time such as 2026-01-31T12:00:00Z", text)),
        }
    }
}

/// An id out of a path or a parameter.
///
/// # Errors
/// 400 naming where it stood.
pub fn id(name: &'static str, text: &str) -> Result<Uuid, Problem> {
    text.parse().map_err(|_| must_be(name, "a UUID", text))
}

/// A refusal of a parameter that is not among the known ones.
pub fn unknown<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Problem {
    let known: Vec<&str> = known.collect();
    let detail = match known.is_empty() {
        true => "unknown parameter; there are none".to_owned(),
        false => format!("unknown parameter; known are {}", known.join(", ")),
    };
    Problem::bad_request(name.chars().take(100).collect::<String>(), detail)
}

/// A refusal of a text that says what is allowed, and what was seen.
pub fn must_be(name: impl Into<Cow<'static, str>>, allowed: &str, text: &str) -> Problem {
    Problem::bad_request(name, format!("must be {allowed}, not {}", shown_text(text)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_repeated_and_malformed_parameters_are_named() {
        let known = ["state", "from", "id", "n"];
        let field = |problem: Problem| problem.field.expect("a field").into_owned();
        assert_eq!(field(Params::parse("colour=red", &known).expect_err("unknown")), "colour");
        let params =
            Params::parse("n=1&n=2&from=yesterday&id=7&state=done,dead&state=ready", &known).expect("known");
        assert_eq!(field(params.number("n").expect_err("twice")), "n");
        assert_eq!(field(params.time("from").expect_err("no time")), "from");
        assert_eq!(field(params.id("id").expect_err("no id")), "id");
        assert_eq!(params.list("state"), Ok(vec!["done", "dead", "ready"]));
        for empty in ["state=", "state=done,,dead", "state=done,", "state=%20", "state=done&state="] {
            let params = Params::parse(empty, &known).expect("known");
            assert_eq!(field(params.list("state").expect_err(empty)), "state", "{empty}");
        }
        let params = Params::parse("from=%20VIP%20&id=%20%20", &known).expect("known");
        assert_eq!(params.word("from"), Ok(Some("VIP")));
        assert_eq!(params.word("n"), Ok(None));
        assert_eq!(field(params.word("id").expect_err("blanks")), "id");
    }

    #[test]
    fn a_plus_in_a_time_zone_must_be_escaped_and_z_needs_no_escape() {
        let params = Params::parse("from=2026-01-31T12:00:00%2B01:00", &["from"]).expect("known");
        assert_eq!(
            params.time("from").expect("a time").expect("given").to_rfc3339(),
            "2026-01-31T11:00:00+00:00"
        );
    }
}
