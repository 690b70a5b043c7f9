//! Numbers as people and programs write them, read in one form for a whole file.
//!
//! `1.299` is one and a bit in one file and thirteen hundred in another. A cell alone does not say which; a file mostly
//! does, because somewhere in it stands `12.50` or `1.299,00`. So all cells of a file are looked at as [`Evidence`]
//! first, and then read in the form that was found or stated; what neither proves is never guessed.

mod currency;
mod evidence;
#[cfg(test)]
mod tests;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use currency::{Money, without_currency};
pub use currency::{SharedSign, currency_of};
pub use evidence::{Evidence, Verdict, Witness};

/// What stands before the decimals.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DecimalMark {
    /// `1,299.50`
    Point,
    /// `1.299,50`
    Comma,
}

impl DecimalMark {
    fn other(self) -> DecimalMark {
        match self {
            DecimalMark::Point => DecimalMark::Comma,
            DecimalMark::Comma => DecimalMark::Point,
        }
    }
}

/// A number that was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Number {
    /// Its value.
    pub value: Decimal,
    /// Code of the currency that was written with it (`12.50 EUR`, `€12.50`), in capitals.
    pub currency: Option<[u8; 3]>,
    /// The sign that was written with it where several currencies have it (`$12.50`) and no code says which.
    pub sign: Option<SharedSign>,
    /// Whether it has exactly three decimals that might have been a group of thousands (`1.299`), had the file not said
    /// otherwise.
    pub is_like_thousands: bool,
}

/// Why a cell is no number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NumberError {
    /// It is not written as a number.
    #[error("is not a number")]
    NotANumber,
    /// A power of ten: its last digits may have been cut off.
    #[error("is written as a power of ten, in which digits may be lost; write it out")]
    PowerOfTen,
    /// Read with a point it is one number, with a comma another, and the file does not say which.
    #[error("may have decimals or a group of thousands, and the file does not show which; state `decimal`")]
    Open,
    /// It is unmistakable, and of the other form than the rest of the file.
    #[error(
        "has a decimal mark that the rest of the file does not have; state `decimal` if the rest was taken wrong"
    )]
    OtherForm,
    /// More digits than are kept.
    #[error("has too many digits")]
    TooLong,
}

/// How the numbers of a file are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NumberForm {
    /// All have this mark before their decimals, if they have any.
    Mark(DecimalMark),
    /// Cells of both forms: each that is unmistakable is read as it is, and others are refused.
    Both,
}

/// Reads a cell. Blanks around it, signs on either side, parentheses for negative amounts, a currency, a dash for no cents
/// (`12,-`), and groups by point, comma, blank or apostrophe are understood.
pub fn parse(text: &str, form: NumberForm) -> Result<Number, NumberError> {
    if form == NumberForm::Mark(DecimalMark::Point)
        && let Some(number) = plain(text)
    {
        return Ok(number);
    }
    let look = Look::of(text)?;
    let mark = match (form, look.proof) {
        (NumberForm::Mark(mark), Proof::Of(other)) if mark != other => return Err(NumberError::OtherForm),
        (NumberForm::Mark(mark), _) => mark,
        (NumberForm::Both, Proof::Of(mark)) => mark,
        (NumberForm::Both, Proof::None) => DecimalMark::Point,
        (NumberForm::Both, Proof::Open(_)) => return Err(NumberError::Open),
    };
    look.read(mark)
}

/// What most cells are: digits, at most one point, a minus before them.
fn plain(text: &str) -> Option<Number> {
    let bytes = text.as_bytes();
    let (is_negative, digits) = match bytes.split_first()? {
        (b'-', rest) => (true, rest),
        _ => (false, bytes),
    };
    if digits.len() > 18 {
        return None;
    }
    let mut mantissa: i64 = 0;
    let mut point = None;
    for (index, byte) in digits.iter().enumerate() {
        match byte {
            b'0'..=b'9' => mantissa = mantissa * 10 + i64::from(byte - b'0'),
            b'.' if point.is_none() => point = Some(index),
            _ => return None,
        }
    }
    let decimals = match point {
        Some(at) if at == 0 || at + 1 == digits.len() => return None,
        Some(at) => digits.len() - at - 1,
        None if digits.is_empty() => return None,
        None => 0,
    };
    let is_like_thousands = decimals == 3 && point.is_some_and(|at| at <= 3) && !digits.starts_with(b"0");
    let value = Decimal::new(if is_negative { -mantissa } else { mantissa }, u32::try_from(decimals).ok()?);
    Some(Number { value, currency: None, sign: None, is_like_thousands })
}

/// What a cell says about the file's decimal mark.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Proof {
    /// Nothing: it has no mark.
    None,
    /// It can only have this one.
    Of(DecimalMark),
    /// This sign stands once, with three digits behind it and one to three before it.
    Open(DecimalMark),
}

/// A cell taken apart.
struct Look {
    is_negative: bool,
    currency: Option<[u8; 3]>,
    sign: Option<SharedSign>,
    /// Digits, points and commas; other groupings are gone.
    core: [u8; CORE_LIMIT],
    length: usize,
    proof: Proof,
}

const CORE_LIMIT: usize = 40;

impl Look {
    fn of(text: &str) -> Result<Look, NumberError> {
        let mut text = text.trim_matches(is_blank);
        let (mut is_negative, mut has_sign) = (false, false);
        let (mut currency, mut shared) = (None, None);
        // A sign and a currency, in either order, on either side; `$(12.50)` has them as `($12.50)` has.
        for _ in 0..3 {
            text = without_dash(text);
            if !has_sign && let Some(inner) = text.strip_prefix('(').and_then(|rest| rest.strip_suffix(')')) {
                (is_negative, has_sign, text) = (true, true, without_dash(inner.trim_matches(is_blank)));
            }
            let (rest, minus) = without_sign(text);
            if rest.len() != text.len() {
                if has_sign {
                    return Err(NumberError::NotANumber);
                }
                (has_sign, is_negative, text) = (true, minus, rest);
            }
            let (rest, found) = without_currency(text);
            if rest.len() != text.len() {
                match found {
                    Some(Money::Of(code)) if currency.is_some_and(|known| known != code) => {
                        return Err(NumberError::NotANumber);
                    }
                    Some(Money::Of(code)) => currency = Some(code),
                    Some(Money::OneOf(sign)) => shared = Some(sign),
                    None => {}
                }
                text = rest;
            }
        }
        let sign = shared.filter(|_| currency.is_none());
        let mut look =
            Look { is_negative, currency, sign, core: [0; CORE_LIMIT], length: 0, proof: Proof::None };
        look.take(text)?;
        look.proof = look.judge()?;
        Ok(look)
    }

    /// Keeps digits, points and commas; blanks and apostrophes must stand between groups of three.
    fn take(&mut self, text: &str) -> Result<(), NumberError> {
        let mut since_group = 0;
        let mut grouped = None;
        let mut in_decimals = false;
        for sign in text.chars() {
            match sign {
                '0'..='9' => since_group += 1,
                '.' | ',' => {
                    if grouped.is_some() {
                        // Behind groups by blank only the decimals can come.
                        if since_group != 3 || in_decimals {
                            return Err(NumberError::NotANumber);
                        }
                        in_decimals = true;
                    }
                    since_group = 0;
                }
                'e' | 'E'
                    if self.length > 0
                        && text.chars().all(|c| c.is_ascii_digit() || ".,eE+-".contains(c)) =>
                {
                    return Err(NumberError::PowerOfTen);
                }
                _ if is_blank(sign) || matches!(sign, '\'' | '\u{2019}') => {
                    let is_first = grouped.is_none();
                    let mark = if is_blank(sign) { ' ' } else { '\'' };
                    let fits = if is_first {
                        (1..=3).contains(&since_group)
                            && !self.core[..self.length].iter().any(|b| !b.is_ascii_digit())
                    } else {
                        since_group == 3 && !in_decimals && grouped == Some(mark)
                    };
                    if !fits {
                        return Err(NumberError::NotANumber);
                    }
                    grouped = Some(mark);
                    since_group = 0;
                    continue;
                }
                _ => return Err(NumberError::NotANumber),
            }
            if self.length == CORE_LIMIT {
                return Err(NumberError::TooLong);
            }
            // Only ASCII comes here.
            self.core[self.length] = u8::try_from(sign).map_err(|_| NumberError::NotANumber)?;
            self.length += 1;
        }
        if grouped.is_some() && !in_decimals && since_group != 3 {
            return Err(NumberError::NotANumber);
        }
        if grouped.is_some() && in_decimals {
            // `1 234.500` has decimals, whatever their number: groups are written otherwise here.
            self.proof = Proof::Of(self.first_mark().unwrap_or(DecimalMark::Point));
        }
        Ok(())
    }

    fn core(&self) -> &[u8] {
        &self.core[..self.length]
    }

    fn first_mark(&self) -> Option<DecimalMark> {
        self.core().iter().find_map(|byte| match byte {
            b'.' => Some(DecimalMark::Point),
            b',' => Some(DecimalMark::Comma),
            _ => None,
        })
    }

    fn judge(&self) -> Result<Proof, NumberError> {
        let core = self.core();
        if !core.iter().any(u8::is_ascii_digit) {
            return Err(NumberError::NotANumber);
        }
        if self.proof != Proof::None {
            return Ok(self.proof);
        }
        let points = core.iter().filter(|byte| **byte == b'.').count();
        let commas = core.iter().filter(|byte| **byte == b',').count();
        let last = core.iter().rposition(|byte| matches!(byte, b'.' | b','));
        let Some(last) = last else { return Ok(Proof::None) };
        let mark = if core[last] == b'.' { DecimalMark::Point } else { DecimalMark::Comma };
        let proof = match (points, commas) {
            (1, 0) | (0, 1) => {
                let (before, after) = (last, core.len() - last - 1);
                if after == 3 && (1..=3).contains(&before) && core[0] != b'0' {
                    Proof::Open(mark)
                } else {
                    Proof::Of(mark)
                }
            }
            (0, _) | (_, 0) => Proof::Of(mark.other()),
            _ => Proof::Of(mark),
        };
        // Unmistakable and wrong (`1,2,3`, `1.29.9,0`) is no number.
        if let Proof::Of(mark) = proof {
            split(core, mark)?;
        }
        Ok(proof)
    }

    fn read(&self, mark: DecimalMark) -> Result<Number, NumberError> {
        let core = self.core();
        let (whole, decimals) = split(core, mark)?;
        let mut mantissa: i128 = 0;
        let mut digits = 0;
        for byte in whole.iter().chain(decimals).filter(|byte| byte.is_ascii_digit()) {
            mantissa = mantissa * 10 + i128::from(byte - b'0');
            digits += usize::from(mantissa != 0);
            if digits > 28 {
                return Err(NumberError::TooLong);
            }
        }
        let scale = u32::try_from(decimals.len()).map_err(|_| NumberError::TooLong)?;
        let value =
            Decimal::try_from_i128_with_scale(if self.is_negative { -mantissa } else { mantissa }, scale)
                .map_err(|_| NumberError::TooLong)?;
        let is_like_thousands = self.proof == Proof::Open(mark);
        Ok(Number { value, currency: self.currency, sign: self.sign, is_like_thousands })
    }
}

/// Whole part and decimals; the groups of the whole part are checked.
fn split(core: &[u8], mark: DecimalMark) -> Result<(&[u8], &[u8]), NumberError> {
    let (mark, group) = match mark {
        DecimalMark::Point => (b'.', b','),
        DecimalMark::Comma => (b',', b'.'),
    };
    let (whole, decimals) = match core.iter().position(|byte| *byte == mark) {
        Some(at) => (&core[..at], &core[at + 1..]),
        None => (core, &core[core.len()..]),
    };
    if !decimals.iter().all(u8::is_ascii_digit) {
        return Err(NumberError::NotANumber);
    }
    let mut groups = whole.split(|byte| *byte == group);
    let first = groups.next().unwrap_or_default();
    let count = groups.clone().count();
    if count > 0 {
        // 1,299,000; in India 12,99,000, where only the last group has three.
        let fits = groups.enumerate().all(|(index, part)| {
            part.iter().all(u8::is_ascii_digit)
                && (part.len() == 3 || (part.len() == 2 && index + 1 < count && group == b','))
        });
        if !fits || first.is_empty() || first.len() > 3 {
            return Err(NumberError::NotANumber);
        }
    }
    Ok((whole, decimals))
}

fn is_blank(sign: char) -> bool {
    matches!(sign, ' ' | '\t' | '\u{a0}' | '\u{2007}' | '\u{2009}' | '\u{202f}')
}

const MINUS: [char; 3] = ['-', '\u{2212}', '\u{2013}'];

/// Takes off the dash that stands for no cents (`12,-`, `12.--`), and leaves the mark: it is no minus.
fn without_dash(text: &str) -> &str {
    const DASHES: [char; 4] = ['-', '\u{2212}', '\u{2013}', '\u{2014}'];
    let whole = text.trim_end_matches(DASHES);
    if whole.len() < text.len() && whole.ends_with([',', '.']) { whole } else { text }
}

/// Takes a sign off either end; true for a minus.
fn without_sign(text: &str) -> (&str, bool) {
    if let Some(rest) = text.strip_prefix(MINUS).or_else(|| text.strip_suffix(MINUS)) {
        return (rest.trim_matches(is_blank), true);
    }
    if let Some(rest) = text.strip_prefix('+') {
        return (rest.trim_matches(is_blank), false);
    }
    (text, false)
}
