//! The variables of texts: which there are, and putting values in their places.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::Serialize;

use crate::rules::Fault;

/// What kind of value a variable has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A text.
    Text,
    /// A number.
    Number,
    /// A day, as 2026-01-31.
    Date,
}

/// A variable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Variable {
    /// Its name.
    pub name: &'static str,
    /// What kind of value it has.
    pub kind: Kind,
    /// What it is.
    pub about: &'static str,
}

const fn variable(name: &'static str, kind: Kind, about: &'static str) -> Variable {
    Variable { name, kind, about }
}

/// Every variable but those of the shop's own fields, which are `custom.KEY`.
pub const VARIABLES: &[Variable] = &[
    variable("customer.first_name", Kind::Text, "the first word of the customer's name"),
    variable("customer.name", Kind::Text, "the customer's name"),
    variable("customer.email", Kind::Text, "the customer's address"),
    variable("ticket.number", Kind::Number, "the ticket's number"),
    variable("ticket.subject", Kind::Text, "the ticket's subject"),
    variable("ticket.status", Kind::Text, "where the ticket stands"),
    variable("ticket.created_on", Kind::Date, "the day on which the ticket was made"),
    variable("agent.name", Kind::Text, "the name of whoever answers, in a rule of whoever has the ticket"),
    variable("agent.first_name", Kind::Text, "the first word of it"),
    variable("shop.name", Kind::Text, "the shop's name"),
    variable("order.number", Kind::Text, "the customer's last order"),
    variable("order.date", Kind::Date, "the day of the last order"),
    variable("order.amount", Kind::Number, "what the last order was worth"),
    variable("order.currency", Kind::Text, "in which currency"),
];

/// Characters of what stands in for an empty value.
const FALLBACK_LIMIT: usize = 200;

/// The values of a ticket's variables by name; what is missing is empty.
pub type Values = BTreeMap<String, String>;

/// A text with its values, and the variables that were empty.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Rendered {
    /// The text; an empty variable without a stand-in is left as it is written.
    pub text: String,
    /// The names of those, each once.
    pub empty: Vec<String>,
}

enum Piece<'a> {
    Text(&'a str),
    Variable { name: &'a str, fallback: Option<&'a str>, whole: &'a str },
}

/// Cuts a text at its variables. What is opened and never closed is a fault.
fn pieces(text: &str) -> Result<Vec<Piece<'_>>, String> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some(open) = rest.find("{{") {
        let inside = &rest[open + 2..];
        let Some(close) = inside.find("}}") else {
            return Err("has {{ without }} behind it".to_owned());
        };
        let written = &inside[..close];
        let (name, fallback) = match written.split_once('|') {
            Some((name, fallback)) => (name.trim(), Some(fallback.trim())),
            None => (written.trim(), None),
        };
        pieces.push(Piece::Text(&rest[..open]));
        pieces.push(Piece::Variable { name, fallback, whole: &rest[open..open + close + 4] });
        rest = &inside[close + 2..];
    }
    pieces.push(Piece::Text(rest));
    Ok(pieces)
}

/// Checks that every variable of a text exists.
///
/// # Errors
/// Names the one that does not, and those that do.
pub fn check(text: &str, at: &str) -> Result<(), Fault> {
    for piece in pieces(text).map_err(|what| Fault::at(at, what))? {
        let Piece::Variable { name, fallback, .. } = piece else { continue };
        if !exists(name) {
            let shown: String = name.chars().filter(|c| !c.is_control()).take(64).collect();
            let known: Vec<&str> = VARIABLES.iter().map(|variable| variable.name).collect();
            let what = format!("there is no variable {shown}; there are {} and custom.KEY", known.join(", "));
            return Err(Fault::at(at, what));
        }
        if fallback.is_some_and(|fallback| fallback.is_empty() || fallback.chars().count() > FALLBACK_LIMIT) {
            return Err(Fault::at(
                at,
                format!("what stands behind | must have 1 to {FALLBACK_LIMIT} characters"),
            ));
        }
    }
    Ok(())
}

fn exists(name: &str) -> bool {
    let is_key = |key: &str| {
        !key.is_empty()
            && key.len() <= 64
            && key.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
    };
    VARIABLES.iter().any(|variable| variable.name == name) || name.strip_prefix("custom.").is_some_and(is_key)
}

/// Puts the values in their places. Values are not looked at again, so what a customer wrote is never a variable.
pub fn render(text: &str, values: &Values) -> Rendered {
    let mut rendered = Rendered { text: String::with_capacity(text.len()), empty: Vec::new() };
    let Ok(pieces) = pieces(text) else { return Rendered { text: text.to_owned(), empty: Vec::new() } };
    for piece in pieces {
        match piece {
            Piece::Text(text) => rendered.text.push_str(text),
            Piece::Variable { name, fallback, whole } => {
                let value = values.get(name).map(|value| value.trim()).filter(|value| !value.is_empty());
                match value.or(fallback) {
                    Some(value) => rendered.text.push_str(value),
                    None => {
                        let _ = write!(rendered.text, "{whole}");
                        if !rendered.empty.iter().any(|known| known == name) {
                            rendered.empty.push(name.to_owned());
                        }
                    }
                }
            }
        }
    }
    rendered
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn values(pairs: &[(&str, &str)]) -> Values {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn values_come_in_and_what_is_empty_is_named() {
        let values = values(&[("customer.first_name", "{{shop.name}}"), ("shop.name", " ")]);
        let text = "Hi {{ customer.first_name }}, {{order.number}} {{order.number}} {{agent.name | the team}} {{shop.name}}";
        let rendered = render(text, &values);
        assert_eq!(
            rendered.text,
            "Hi {{shop.name}}, {{order.number}} {{order.number}} the team {{shop.name}}"
        );
        assert_eq!(rendered.empty, ["order.number", "shop.name"]);
    }

    #[test]
    fn a_variable_that_does_not_exist_is_refused_by_name() {
        for (text, word) in [
            ("Hi {{customer.shoe}}", "customer.shoe"),
            ("Hi {{customer", "without"),
            ("Hi {{}}", "no variable"),
            ("Hi {{custom.Ä}}", "custom.Ä"),
            ("Hi {{shop.name | }}", "behind |"),
        ] {
            let fault = check(text, "texts.en").expect_err(text);
            assert!(fault.what.contains(word), "{fault}");
        }
        assert!(check("{{custom.size}} {{ shop.name|us }} { } }}", "x").is_ok());
    }

    proptest! {
        #[test]
        fn any_text_is_rendered_without_loss(text in "[a-z{}| .]{0,60}") {
            let rendered = render(&text, &Values::new());
            let has_fallback = text.contains('|');
            prop_assert!(has_fallback || rendered.text == text);
        }
    }
}
