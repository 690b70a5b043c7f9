//! The text form of a rule: its printer. The reader is in [`super::parse`].
//!
//! ```text
//! total_order_value >= 500 and (churn_risk in (high, critical) or not marketing_opt_in = true)
//!     and segment.purchase_frequency = "Weekly regulars" strong
//! ```

use std::fmt::{self, Display, Write};

use super::field::Kind;
use super::operator::{Operator, Wants};
use super::rule::{Condition, Rule, Value};
use super::text_error::{TextError, at};
use super::token::Token;

/// The error at the first place where a text in quotation marks has this content; none when it stands nowhere.
pub fn point_at(source: &str, content: &str, message: &str) -> Option<TextError> {
    let tokens = super::token::tokens(source).ok()?;
    let is_it = |token: &Token| matches!(token, Token::Text(text) | Token::Word(text) if text == content);
    let found = tokens.iter().find(|placed| is_it(&placed.token))?;
    Some(at(source, found.start, message))
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Rule::All(parts) => join(f, parts, " and "),
            Rule::Any(parts) => join(f, parts, " or "),
            Rule::Not(part) => {
                f.write_str("not ")?;
                write_part(f, part)
            }
            Rule::Is(condition) => condition.fmt(f),
            Rule::InSegment(name) => {
                f.write_str("in segment ")?;
                quote(f, name)
            }
        }
    }
}

fn join(f: &mut fmt::Formatter<'_>, parts: &[Rule], between: &str) -> fmt::Result {
    for (n, part) in parts.iter().enumerate() {
        if n > 0 {
            f.write_str(between)?;
        }
        write_part(f, part)?;
    }
    Ok(())
}

/// A part in parentheses where it needs them, or where a reader is glad of them.
fn write_part(f: &mut fmt::Formatter<'_>, part: &Rule) -> fmt::Result {
    match part {
        Rule::All(_) | Rule::Any(_) => write!(f, "({part})"),
        _ => part.fmt(f),
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.field(), self.operator())?;
        let is_word = matches!(self.field().kind(), Kind::Word(_));
        match self.operator().wants() {
            Wants::Nothing => Ok(()),
            Wants::Many => {
                f.write_str(" (")?;
                for (n, value) in self.values().iter().enumerate() {
                    if n > 0 {
                        f.write_str(", ")?;
                    }
                    write_value(f, value, is_word)?;
                }
                f.write_char(')')
            }
            Wants::One | Wants::Two => {
                for (n, value) in self.values().iter().enumerate() {
                    f.write_str(if n > 0 && self.operator() == Operator::Between { " and " } else { " " })?;
                    write_value(f, value, is_word)?;
                }
                Ok(())
            }
        }
    }
}

fn write_value(f: &mut fmt::Formatter<'_>, value: &Value, is_word: bool) -> fmt::Result {
    match value {
        Value::Number(number) => number.fmt(f),
        Value::Date(day) => write!(f, "{}", day.format("%Y-%m-%d")),
        Value::Flag(flag) => flag.fmt(f),
        Value::Text(text) if is_word => f.write_str(text),
        Value::Text(text) => quote(f, text),
    }
}

fn quote(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    f.write_char('"')?;
    for c in text.chars() {
        if matches!(c, '"' | '\\') {
            f.write_char('\\')?;
        }
        f.write_char(c)?;
    }
    f.write_char('"')
}
