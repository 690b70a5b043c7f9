//! Reads the text form of a rule by recursive descent: `or` binds weakest, then `and`, then `not`.
//!
//! ```text
//! any       = all { "or" all }
//! all       = part { "and" part }
//! part      = "not" part | "(" any ")" | "in" "segment" TEXT | condition
//! condition = FIELD ( SIGN value | ["not"] "in" list | "between" value "and" value | "contains" value
//!           | "starts" "with" value | "ends" "with" value | "has" ["any" list | "all" list | value]
//!           | "is" ("known" | "unknown") ) [STRENGTH]
//! list      = "(" value { "," value } ")"
//! ```

use super::field::{Field, STRENGTHS};
use super::nearest::nearest;
use super::operator::{Operator, Wants};
use super::rule::{Condition, Literal, MAX_LIST, MAX_TEXT, Part, Rule};
use super::text_error::{TextError, at};
use super::token::{Placed, Token, tokens};

/// How many bytes a rule's text may have.
const MAX_SOURCE: usize = 20_000;

/// How deep parentheses and negations may stand in each other while reading.
const MAX_OPEN: usize = 64;

/// Words with a meaning, which are no bare values.
const RESERVED: [&str; 13] = [
    "and", "or", "not", "in", "segment", "between", "contains", "starts", "ends", "with", "has", "is", "any",
];

/// Reads a rule.
///
/// # Errors
/// The first place at which the text is no rule.
pub fn parse(source: &str) -> Result<Rule, TextError> {
    if source.len() > MAX_SOURCE {
        return Err(at("", 0, format!("a rule has at most {MAX_SOURCE} bytes")));
    }
    let tokens = tokens(source)?;
    let mut parser = Parser { source, tokens, next: 0, open: 0 };
    let rule = parser.any()?;
    if parser.peek() != &Token::End {
        return Err(parser.unexpected("`and`, `or` or the end"));
    }
    rule.check().map_err(|bound| at(source, 0, bound.to_string()))?;
    Ok(rule)
}

struct Parser<'a> {
    source: &'a str,
    tokens: Vec<Placed>,
    next: usize,
    open: usize,
}

impl Parser<'_> {
    fn any(&mut self) -> Result<Rule, TextError> {
        let mut parts = vec![self.all()?];
        while self.take_word("or") {
            parts.push(self.all()?);
        }
        Ok(if parts.len() == 1 { parts.remove(0) } else { Rule::Any(parts) })
    }

    fn all(&mut self) -> Result<Rule, TextError> {
        let mut parts = vec![self.part()?];
        while self.take_word("and") {
            parts.push(self.part()?);
        }
        Ok(if parts.len() == 1 { parts.remove(0) } else { Rule::All(parts) })
    }

    fn part(&mut self) -> Result<Rule, TextError> {
        let start = self.start();
        if self.take_word("not") {
            self.enter(start)?;
            let part = self.part()?;
            self.open -= 1;
            return Ok(Rule::Not(Box::new(part)));
        }
        if self.take_sign("(") {
            self.enter(start)?;
            let part = self.any()?;
            if !self.take_sign(")") {
                return Err(self.unexpected("`and`, `or` or `)`"));
            }
            self.open -= 1;
            return Ok(part);
        }
        if self.take_word("in") {
            return self.in_segment();
        }
        self.condition()
    }

    fn enter(&mut self, start: usize) -> Result<(), TextError> {
        self.open += 1;
        if self.open > MAX_OPEN {
            return Err(at(self.source, start, "the rule is nested too deep"));
        }
        Ok(())
    }

    fn in_segment(&mut self) -> Result<Rule, TextError> {
        if !self.take_word("segment") {
            return Err(self.unexpected("`segment` and its name: in segment \"VIP\""));
        }
        match self.peek().clone() {
            Token::Text(name) if !name.trim().is_empty() && name.chars().count() <= MAX_TEXT => {
                self.next += 1;
                Ok(Rule::InSegment(name))
            }
            _ => Err(self.unexpected("the segment's name in quotation marks")),
        }
    }

    fn condition(&mut self) -> Result<Rule, TextError> {
        let field = self.field()?;
        let operator_at = self.start();
        let operator = self.operator(field)?;
        let values_at = self.start();
        let mut places = Vec::new();
        let literals = match operator.wants() {
            Wants::Nothing => Vec::new(),
            Wants::One => vec![self.value(field, &mut places)?],
            Wants::Two => {
                let low = self.value(field, &mut places)?;
                if !self.take_word("and") {
                    return Err(self.unexpected("`and` and the upper bound"));
                }
                vec![low, self.value(field, &mut places)?]
            }
            Wants::Many => self.list(field, &mut places)?,
        };
        let condition = Condition::new(field, operator, &literals).map_err(|fault| {
            let place = match fault.part {
                Part::Operator => operator_at,
                Part::Values => values_at,
                Part::Value(n) => places.get(n).copied().unwrap_or(values_at),
            };
            at(self.source, place, fault.message)
        })?;
        self.with_strength(condition)
    }

    /// A strength after a segment asks for both.
    fn with_strength(&mut self, condition: Condition) -> Result<Rule, TextError> {
        let Field::Segment(axis) = condition.field() else { return Ok(Rule::Is(condition)) };
        let Token::Word(word) = self.peek().clone() else { return Ok(Rule::Is(condition)) };
        if !STRENGTHS.contains(&word.to_ascii_lowercase().as_str()) {
            return Ok(Rule::Is(condition));
        }
        if !matches!(condition.operator(), Operator::Is | Operator::In) {
            let message =
                format!("a strength stands after `=` or `in`, not after `{}`", condition.operator());
            return Err(at(self.source, self.start(), message));
        }
        let strength = Condition::new(Field::Strength(axis), Operator::Is, &[Literal::Word(word)])
            .map_err(|fault| at(self.source, self.start(), fault.message))?;
        self.next += 1;
        Ok(Rule::All(vec![Rule::Is(condition), Rule::Is(strength)]))
    }

    fn field(&mut self) -> Result<Field, TextError> {
        let Token::Word(word) = self.peek().clone() else {
            return Err(self.unexpected("a field, `not`, `(` or `in segment`"));
        };
        if RESERVED.contains(&word.to_ascii_lowercase().as_str()) {
            return Err(self.unexpected("a field, `not`, `(` or `in segment`"));
        }
        let field = Field::named(&word).ok_or_else(|| at(self.source, self.start(), unknown_field(&word)))?;
        self.next += 1;
        Ok(field)
    }

    fn operator(&mut self, field: Field) -> Result<Operator, TextError> {
        if let Token::Sign(sign) = *self.peek()
            && let Some(operator) = Operator::ALL.into_iter().find(|operator| operator.words() == sign)
        {
            self.next += 1;
            return Ok(operator);
        }
        for operator in [
            Operator::NotIn,
            Operator::In,
            Operator::Between,
            Operator::Contains,
            Operator::StartsWith,
            Operator::EndsWith,
            Operator::HasAny,
            Operator::HasAll,
            Operator::Has,
            Operator::Known,
            Operator::Unknown,
        ] {
            let words: Vec<&str> = operator.words().split(' ').collect();
            if words.iter().enumerate().all(|(n, word)| self.is_word(n, word)) {
                self.next += words.len();
                return Ok(operator);
            }
        }
        let known: Vec<&str> = field.kind().operators().iter().map(|operator| operator.words()).collect();
        Err(self.unexpected(&format!("an operator of {field}: {}", known.join(", "))))
    }

    fn list(&mut self, field: Field, places: &mut Vec<usize>) -> Result<Vec<Literal>, TextError> {
        if !self.take_sign("(") {
            return Err(self.unexpected("a list in parentheses"));
        }
        let mut values = vec![self.value(field, places)?];
        while self.take_sign(",") {
            if values.len() == MAX_LIST {
                return Err(at(self.source, self.start(), format!("a list has at most {MAX_LIST} values")));
            }
            values.push(self.value(field, places)?);
        }
        if !self.take_sign(")") {
            return Err(self.unexpected("`,` or `)`"));
        }
        Ok(values)
    }

    fn value(&mut self, field: Field, places: &mut Vec<usize>) -> Result<Literal, TextError> {
        let literal = match self.peek().clone() {
            Token::Number(number) => Literal::Number(number),
            Token::Date(day) => Literal::Date(day),
            Token::Text(text) => Literal::Text(text),
            Token::Word(word) if !RESERVED.contains(&word.to_ascii_lowercase().as_str()) => {
                Literal::Word(word)
            }
            _ => return Err(self.unexpected(&format!("a value of {field}: {}", field.kind().expects()))),
        };
        places.push(self.start());
        self.next += 1;
        Ok(literal)
    }

    fn peek(&self) -> &Token {
        &self.tokens[self.next.min(self.tokens.len() - 1)].token
    }

    fn start(&self) -> usize {
        self.tokens[self.next.min(self.tokens.len() - 1)].start
    }

    fn is_word(&self, ahead: usize, wanted: &str) -> bool {
        let token = self.tokens.get(self.next + ahead).map(|placed| &placed.token);
        matches!(token, Some(Token::Word(word)) if word.eq_ignore_ascii_case(wanted))
    }

    fn take_word(&mut self, wanted: &str) -> bool {
        let found = self.is_word(0, wanted);
        self.next += usize::from(found);
        found
    }

    fn take_sign(&mut self, wanted: &str) -> bool {
        let found = matches!(self.peek(), Token::Sign(sign) if *sign == wanted);
        self.next += usize::from(found);
        found
    }

    fn unexpected(&self, expected: &str) -> TextError {
        at(self.source, self.start(), format!("expected {expected}, found {}", self.peek().shown()))
    }
}

/// The message about a field that there is not, with the one that may be meant.
pub(super) fn unknown_field(name: &str) -> String {
    let names: Vec<String> = Field::all().map(|field| field.to_string()).collect();
    let shown: String = name.chars().take(60).collect();
    match nearest(&shown, names.iter().map(String::as_str)) {
        Some(near) => format!("there is no field `{shown}`; did you mean `{near}`?"),
        None => format!("there is no field `{shown}`; the fields are {}", names.join(", ")),
    }
}
