//! What is the same id, address or number, however it was written.

use crate::orders::statement::{ID_LIMIT, Party};

/// An id as the shop means it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Id {
    /// Known to the last digit.
    Exact(String),
    /// A number that a program rounded (`1.23E+11`): its other digits are lost, and many ids look like this.
    Rounded(String),
}

/// Reads an id. Programs that take ids for numbers write `17850.0` for 17850, and `1.23E+11` for what they cannot
/// show; one in whose digits nothing is lost (`1.7850E+4`) is written out.
pub fn id(text: &str) -> Option<Id> {
    let text = text.trim();
    if text.is_empty() || text.chars().count() > ID_LIMIT || text.chars().any(char::is_control) {
        return None;
    }
    if let Some((whole, fraction)) = text.split_once('.')
        && is_digits(whole)
        && !fraction.is_empty()
        && fraction.bytes().all(|byte| byte == b'0')
    {
        return Some(Id::Exact(whole.to_owned()));
    }
    Some(scientific(text).unwrap_or_else(|| Id::Exact(text.to_owned())))
}

/// A number in scientific notation, as spreadsheets write it: one digit, more behind the point, an exponent with its
/// sign. Ids such as `12E5` are not written so.
fn scientific(text: &str) -> Option<Id> {
    let (mantissa, exponent) = text.split_once(['E', 'e'])?;
    let exponent = exponent.strip_prefix('+')?;
    let (first, fraction) = mantissa.split_once(['.', ',']).unwrap_or((mantissa, ""));
    if first.len() != 1
        || !is_digits(first)
        || !(fraction.is_empty() || is_digits(fraction))
        || !is_digits(exponent)
    {
        return None;
    }
    let exponent: usize = exponent.parse().ok()?;
    // A program that rounds shows fewer digits than there are; one that shows all of them lost nothing.
    if fraction.len() >= exponent && fraction.bytes().skip(exponent).all(|byte| byte == b'0') {
        return Some(Id::Exact(format!("{first}{}", &fraction[..exponent])));
    }
    Some(Id::Rounded(text.to_owned()))
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// An address as it is compared, see there.
pub use database::address::compared as email;

/// A number as E.164 has it, where it says its country itself: `+` or `00`, then eight to fifteen digits with blanks,
/// dots, dashes, brackets and slashes between them. A `(0)` behind the country is not dialled. Others depend on where the caller is and name nobody here.
pub fn phone(text: &str) -> Option<String> {
    // A spreadsheet's apostrophe says that what follows is a text.
    let text = text.trim().trim_start_matches('\'').replace("(0)", "");
    let international = text.strip_prefix('+').or_else(|| text.strip_prefix("00"))?;
    let mut digits = String::from("+");
    for c in international.chars() {
        match c {
            '0'..='9' => digits.push(c),
            ' ' | '\u{a0}' | '\u{202f}' | '.' | '-' | '\u{2010}'..='\u{2013}' | '(' | ')' | '/' => {}
            _ => return None,
        }
    }
    let plausible = (9..=16).contains(&digits.len()) && !digits.starts_with("+0");
    plausible.then_some(digits)
}

/// What a customer is known by first, and what their orders are stored under when nothing else is known of them.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Key {
    /// The shop's own id; an address where the shop uses addresses for ids.
    Shop(String),
    /// Only an address is known.
    Email(String),
    /// Only a number is known.
    Phone(String),
}

impl Key {
    /// The id of a customer who is known by nothing else.
    pub fn text(&self) -> &str {
        match self {
            Key::Shop(text) | Key::Email(text) | Key::Phone(text) => text,
        }
    }
}

/// Why nobody can be named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Nobody {
    /// There is neither id, nor address, nor a number with its country.
    Unnamed,
    /// The id lost its digits and there is nothing else. Orders of many people would become those of one.
    Rounded,
}

/// Whom a source names: by id, else by address, else by number.
///
/// # Errors
/// Why it names nobody.
pub fn key(party: &Party) -> Result<Key, Nobody> {
    let shop = party.shop_id.as_deref().and_then(id);
    if let Some(Id::Exact(text)) = &shop {
        return Ok(match email(text) {
            Some(address) if text.contains('@') => Key::Email(address),
            _ => Key::Shop(text.clone()),
        });
    }
    let short = |text: &String| text.chars().count() <= ID_LIMIT;
    if let Some(address) = party.email.as_deref().and_then(email).filter(short) {
        return Ok(Key::Email(address));
    }
    if let Some(number) = party.phone.as_deref().and_then(phone) {
        return Ok(Key::Phone(number));
    }
    Err(if shop.is_some() { Nobody::Rounded } else { Nobody::Unnamed })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn ids_that_programs_took_for_numbers() {
        let exact = |text: &str| Some(Id::Exact(text.to_owned()));
        assert_eq!(id(" 17850.0 "), exact("17850"));
        assert_eq!(id("17850.00"), exact("17850"));
        assert_eq!(id("A-1.0"), exact("A-1.0"));
        assert_eq!(id("1.7850E+4"), exact("17850"));
        assert_eq!(id("1.23E+11"), Some(Id::Rounded("1.23E+11".to_owned())));
        assert_eq!(id("1,23E+11"), Some(Id::Rounded("1,23E+11".to_owned())));
        assert_eq!(id("12E5"), exact("12E5"));
        assert_eq!(id("007"), exact("007"));
        assert_eq!(id("  "), None);
    }

    #[test]
    fn addresses_in_several_spellings() {
        for text in [
            "Maya@Example.com",
            " maya@example.com ",
            "Maya Lind <MAYA@example.com>",
            "mailto:maya@example.com",
            "maya\u{200b}@example.com",
            "ｍａｙａ@example.com",
        ] {
            assert_eq!(email(text).as_deref(), Some("maya@example.com"), "{text}");
        }
        assert_eq!(email("jose\u{301}@example.com"), email("jos\u{e9}@example.com"));
        assert_ne!(email("maya+shop@example.com"), email("maya@example.com"));
        for text in ["", "maya", "@example.com", "maya@", "maya lind@example.com"] {
            assert_eq!(email(text), None, "{text}");
        }
    }

    #[test]
    fn numbers_that_say_their_country() {
        for text in ["+49 (0)30 123-4567", "0049 30 1234567", "'+49301234567", "+49/30/1234567"] {
            assert_eq!(phone(text).as_deref(), Some("+49301234567"), "{text}");
        }
        for text in ["030 1234567", "+0301234567", "+49", "call me", "+49 30 12x4567", "+1234567890123456"] {
            assert_eq!(phone(text), None, "{text}");
        }
    }

    #[test]
    fn whom_a_source_names() {
        let party = |shop: &str, email: &str, phone: &str| Party {
            shop_id: Some(shop.to_owned()),
            email: Some(email.to_owned()),
            phone: Some(phone.to_owned()),
            name: None,
        };
        assert_eq!(key(&party("17850.0", "a@b.example", "")), Ok(Key::Shop("17850".to_owned())));
        assert_eq!(key(&party("A@B.example", "", "")), Ok(Key::Email("a@b.example".to_owned())));
        assert_eq!(key(&party("1.23E+11", "A@b.example", "")), Ok(Key::Email("a@b.example".to_owned())));
        assert_eq!(key(&party("", "", "+49 30 1234567")), Ok(Key::Phone("+49301234567".to_owned())));
        assert_eq!(key(&party("1.23E+11", "", "030")), Err(Nobody::Rounded));
        assert_eq!(key(&party("", "none", "")), Err(Nobody::Unnamed));
    }

    proptest! {
        #[test]
        fn what_is_normal_stays_as_it_is(text in "\\PC{0,40}") {
            if let Some(normal) = email(&text) {
                prop_assert_eq!(email(&normal), Some(normal));
            }
            if let Some(normal) = phone(&text) {
                prop_assert_eq!(phone(&normal), Some(normal));
            }
            if let Some(Id::Exact(normal)) = id(&text) {
                prop_assert!(id(&normal).is_some());
            }
        }
    }
}
