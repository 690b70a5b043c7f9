//! The words of a rule's text form, each with its place.

use chrono::NaiveDate;
use rust_decimal::Decimal;

use super::rule;
use super::text_error::{TextError, at};

/// A word, sign or literal.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Token {
    /// A word without quotation marks; it may contain dots.
    Word(String),
    /// A text in quotation marks.
    Text(String),
    /// Digits, perhaps with a sign and a point.
    Number(Decimal),
    /// A date as in 2026-01-31.
    Date(NaiveDate),
    /// One of = != < <= > >= ( ) ,
    Sign(&'static str),
    /// The end of the text.
    End,
}

impl Token {
    /// The token for messages.
    pub(super) fn shown(&self) -> String {
        match self {
            Token::Word(word) => format!("`{}`", word.chars().take(40).collect::<String>()),
            Token::Text(text) => format!("the text {:?}", text.chars().take(40).collect::<String>()),
            Token::Number(number) => format!("the number {number}"),
            Token::Date(day) => format!("the date {day}"),
            Token::Sign(sign) => format!("`{sign}`"),
            Token::End => "the end".to_owned(),
        }
    }
}

/// A token and where it begins, in characters from the start of the text.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Placed {
    pub(super) token: Token,
    pub(super) start: usize,
}

/// The tokens of a text; the last one is [`Token::End`].
pub(super) fn tokens(source: &str) -> Result<Vec<Placed>, TextError> {
    let chars: Vec<char> = source.chars().collect();
    let mut tokens = Vec::new();
    let mut place = 0;
    while let Some(first) = chars.get(place).copied() {
        if first.is_whitespace() {
            place += 1;
            continue;
        }
        let rest = &chars[place..];
        let (token, length) = match first {
            '"' | '\'' => quoted(rest, first).map_err(|message| at(source, place, message))?,
            '0'..='9' | '-' | '.' => number(rest).map_err(|message| at(source, place, message))?,
            c if c.is_ascii_alphabetic() || c == '_' => word(rest),
            _ => sign(rest).ok_or_else(|| {
                at(source, place, format!("{first:?} has no meaning here; texts stand in quotation marks"))
            })?,
        };
        tokens.push(Placed { token, start: place });
        place += length;
    }
    tokens.push(Placed { token: Token::End, start: chars.len() });
    Ok(tokens)
}

fn word(rest: &[char]) -> (Token, usize) {
    let is_part = |c: &&char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.');
    let word: String = rest.iter().take_while(is_part).collect();
    let length = word.len();
    (Token::Word(word), length)
}

fn quoted(rest: &[char], mark: char) -> Result<(Token, usize), String> {
    let mut text = String::new();
    let mut place = 1;
    loop {
        match (rest.get(place).copied(), rest.get(place + 1).copied()) {
            (None, _) => return Err(format!("the text has no closing {mark}")),
            (Some(c), _) if c == mark => return Ok((Token::Text(text), place + 1)),
            (Some('\\'), Some(c)) if matches!(c, '\\' | '"' | '\'') => {
                text.push(c);
                place += 2;
            }
            (Some('\\'), _) => {
                return Err("in a text, \\ stands only before \\ or a quotation mark".to_owned());
            }
            (Some(c), _) => {
                text.push(c);
                place += 1;
            }
        }
    }
}

fn number(rest: &[char]) -> Result<(Token, usize), String> {
    let is_part = |c: &&char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_');
    let text: String = rest.iter().take_while(is_part).collect();
    if let Some(day) = rule::date(&text) {
        return Ok((Token::Date(day), text.len()));
    }
    let digits = text.strip_prefix('-').unwrap_or(&text);
    let (whole, part) = digits.split_once('.').unwrap_or((digits, "0"));
    let is_digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let shown: String = text.chars().take(40).collect();
    if !is_digits(whole) || !is_digits(part) {
        return Err(format!("`{shown}` is no number and no date; write 49.90 or 2026-01-31"));
    }
    let number = Decimal::from_str_exact(&text).map_err(|_| format!("`{shown}` has too many digits"))?;
    Ok((Token::Number(number), text.len()))
}

fn sign(rest: &[char]) -> Option<(Token, usize)> {
    let is = |sign: &str| sign.chars().zip(rest).filter(|(a, b)| a == *b).count() == sign.len();
    let sign = ["!=", "<=", ">=", "=", "<", ">", "(", ")", ","].into_iter().find(|sign| is(sign))?;
    Some((Token::Sign(sign), sign.len()))
}
