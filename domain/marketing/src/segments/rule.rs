//! The tree of a rule. A condition can only be made typed: its operator is one of its field's, its values are of its
//! field's type. What depends on a tenant, such as the names of segments, is checked in [`super::resolve`].

use chrono::NaiveDate;
use rust_decimal::Decimal;

use super::field::{Field, Kind};
use super::operator::{Operator, Wants};

/// How deep a rule may be nested; a lone condition is 1 deep.
pub const MAX_DEPTH: usize = 8;
/// How many conditions a rule may have.
const MAX_CONDITIONS: usize = 100;
/// How many values a list may have.
pub const MAX_LIST: usize = 100;
/// How many characters a text or name may have.
pub const MAX_TEXT: usize = 200;

/// A rule: it holds for a customer or it does not. A condition about something unknown does not hold, so its
/// negation does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rule {
    /// Every part holds.
    All(Vec<Rule>),
    /// At least one part holds.
    Any(Vec<Rule>),
    /// The part does not hold.
    Not(Box<Rule>),
    /// A field compares like this.
    Is(Condition),
    /// The customer is a member of another segment, as of its last evaluation.
    InSegment(String),
}

/// A field, an operator that the field has, and values of its type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Condition {
    field: Field,
    operator: Operator,
    values: Vec<Value>,
}

/// A value of a condition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// A number, at most 15 digits, so that JSON's readers do not lose any.
    Number(Decimal),
    /// A day.
    Date(NaiveDate),
    /// A text, a name or a word.
    Text(String),
    /// True or false.
    Flag(bool),
}

/// A value as it was written, before its field is looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Literal {
    /// Digits.
    Number(Decimal),
    /// A date without quotation marks.
    Date(NaiveDate),
    /// A text in quotation marks.
    Text(String),
    /// A word without them.
    Word(String),
    /// JSON's true or false.
    Flag(bool),
}

/// What is wrong with a condition, and where in it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Fault {
    /// The part at fault.
    pub part: Part,
    /// What is wrong and what would be right.
    pub message: String,
}

/// A part of a condition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// The operator.
    Operator,
    /// All of its values.
    Values,
    /// One of them.
    Value(usize),
}

/// A rule that is too large or has an empty part.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Bound {
    /// It is nested too deep.
    #[error("the rule is nested more than {MAX_DEPTH} deep")]
    TooDeep,
    /// It has too many conditions.
    #[error("the rule has more than {MAX_CONDITIONS} conditions")]
    TooManyConditions,
    /// A group has no parts.
    #[error("all and any need at least one part")]
    Empty,
}

impl Rule {
    /// Checks depth and number of conditions.
    ///
    /// # Errors
    /// The bound that is exceeded.
    pub fn check(&self) -> Result<(), Bound> {
        let mut conditions = 0;
        self.measure(1, &mut conditions)
    }

    fn measure(&self, depth: usize, conditions: &mut usize) -> Result<(), Bound> {
        if depth > MAX_DEPTH {
            return Err(Bound::TooDeep);
        }
        match self {
            Rule::All(parts) | Rule::Any(parts) => {
                if parts.is_empty() {
                    return Err(Bound::Empty);
                }
                parts.iter().try_for_each(|part| part.measure(depth + 1, conditions))
            }
            Rule::Not(part) => part.measure(depth + 1, conditions),
            Rule::Is(_) | Rule::InSegment(_) => {
                *conditions += 1;
                if *conditions > MAX_CONDITIONS { Err(Bound::TooManyConditions) } else { Ok(()) }
            }
        }
    }

    /// The conditions on fields, in order.
    pub fn conditions(&self) -> Vec<&Condition> {
        match self {
            Rule::All(parts) | Rule::Any(parts) => parts.iter().flat_map(Rule::conditions).collect(),
            Rule::Not(part) => part.conditions(),
            Rule::Is(condition) => vec![condition],
            Rule::InSegment(_) => Vec::new(),
        }
    }

    /// The other segments that it names, in order.
    pub fn segments(&self) -> Vec<&str> {
        match self {
            Rule::All(parts) | Rule::Any(parts) => parts.iter().flat_map(Rule::segments).collect(),
            Rule::Not(part) => part.segments(),
            Rule::Is(_) => Vec::new(),
            Rule::InSegment(name) => vec![name],
        }
    }

    /// Whether any condition is about such a field.
    pub fn asks(&self, about: impl Fn(Field) -> bool) -> bool {
        self.conditions().iter().any(|condition| about(condition.field))
    }
}

impl Condition {
    /// A typed condition.
    ///
    /// # Errors
    /// The field has no such operator, or a value is not of its type; the message names field, operator and value.
    pub fn new(field: Field, operator: Operator, literals: &[Literal]) -> Result<Condition, Fault> {
        let kind = field.kind();
        if !kind.operators().contains(&operator) {
            let known: Vec<&str> = kind.operators().iter().map(|operator| operator.words()).collect();
            let message =
                format!("{field} cannot be compared by `{operator}`; its operators are {}", known.join(", "));
            return Err(Fault { part: Part::Operator, message });
        }
        let wanted = match operator.wants() {
            Wants::Nothing => (literals.is_empty(), "no value"),
            Wants::One => (literals.len() == 1, "one value"),
            Wants::Two => (literals.len() == 2, "two values, the lower one first"),
            Wants::Many => ((1..=MAX_LIST).contains(&literals.len()), "a list of 1 to 100 values"),
        };
        if let (false, wanted) = wanted {
            return Err(Fault { part: Part::Values, message: format!("{field} {operator} takes {wanted}") });
        }
        let values = literals
            .iter()
            .enumerate()
            .map(|(n, literal)| {
                value(field, operator, literal).map_err(|message| Fault { part: Part::Value(n), message })
            })
            .collect::<Result<Vec<Value>, Fault>>()?;
        if operator == Operator::Between && is_reversed(&values) {
            let message = format!("{field} between takes the lower value first");
            return Err(Fault { part: Part::Values, message });
        }
        Ok(Condition { field, operator, values })
    }

    /// The field.
    pub fn field(&self) -> Field {
        self.field
    }

    /// The operator.
    pub fn operator(&self) -> Operator {
        self.operator
    }

    /// The values: none, one, two bounds, or a list.
    pub fn values(&self) -> &[Value] {
        &self.values
    }
}

fn is_reversed(values: &[Value]) -> bool {
    match values {
        [Value::Number(low), Value::Number(high)] => low > high,
        [Value::Date(low), Value::Date(high)] => low > high,
        _ => false,
    }
}

/// The value that a literal is for this field, or what is wrong with it.
fn value(field: Field, operator: Operator, literal: &Literal) -> Result<Value, String> {
    let kind = field.kind();
    let wrong = || format!("{field} {operator} takes {}, and this is {}", kind.expects(), shown(literal));
    match (kind, literal) {
        (Kind::Number | Kind::Whole, Literal::Number(number)) => {
            if kind == Kind::Whole && !number.fract().is_zero() {
                return Err(wrong());
            }
            let number = number.normalize();
            if number.mantissa().unsigned_abs() >= 10_u128.pow(15)
                || number.abs() >= Decimal::from(10_i64.pow(15))
            {
                return Err(format!("{field} takes numbers of at most 15 digits"));
            }
            Ok(Value::Number(number))
        }
        (Kind::Date, Literal::Date(day)) => Ok(Value::Date(*day)),
        (Kind::Date, Literal::Text(text)) => date(text).map(Value::Date).ok_or_else(wrong),
        (Kind::Flag, Literal::Flag(flag)) => Ok(Value::Flag(*flag)),
        (Kind::Flag, Literal::Word(word)) => match word.as_str() {
            "true" => Ok(Value::Flag(true)),
            "false" => Ok(Value::Flag(false)),
            _ => Err(wrong()),
        },
        (Kind::Country, Literal::Text(text) | Literal::Word(text)) => {
            let is_code = text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_alphabetic());
            if is_code { Ok(Value::Text(text.to_ascii_uppercase())) } else { Err(wrong()) }
        }
        (Kind::Word(words), Literal::Text(text) | Literal::Word(text)) => {
            let word = text.to_ascii_lowercase();
            if words.contains(&word.as_str()) { Ok(Value::Text(word)) } else { Err(wrong()) }
        }
        (Kind::Text | Kind::Set | Kind::Name, Literal::Text(text) | Literal::Word(text)) => {
            if text.is_empty() || text.chars().count() > MAX_TEXT || text.chars().any(char::is_control) {
                return Err(format!(
                    "{field} takes texts of 1 to {MAX_TEXT} characters without control characters"
                ));
            }
            Ok(Value::Text(text.clone()))
        }
        _ => Err(wrong()),
    }
}

/// A day as in 2026-01-31, between the years 1 and 9999.
pub(super) fn date(text: &str) -> Option<NaiveDate> {
    let is_form = text.len() == 10
        && text
            .bytes()
            .enumerate()
            .all(|(n, byte)| if n == 4 || n == 7 { byte == b'-' } else { byte.is_ascii_digit() });
    if !is_form || text.starts_with("0000") {
        return None;
    }
    NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()
}

fn shown(literal: &Literal) -> String {
    match literal {
        Literal::Number(number) => format!("the number {}", number.normalize()),
        Literal::Date(day) => format!("the date {day}"),
        Literal::Text(text) | Literal::Word(text) => {
            let start: String = text.chars().take(40).collect();
            format!("the text {start:?}")
        }
        Literal::Flag(flag) => flag.to_string(),
    }
}
