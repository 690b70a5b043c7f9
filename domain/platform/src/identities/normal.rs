//! What is the same id, address or number, however it was written.

use std::borrow::Cow;

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
/// show; one in whose digits nothing is lost (`1.7850E+4`) is written out. Those that must not write it as a text
/// (`'17850`) or a formula (`="00123"`).
pub fn id(text: &str) -> Option<Id> {
    let seen = visible(text);
    let text = seen.trim();
    let text = text.strip_prefix("=\"").and_then(|rest| rest.strip_suffix('"')).unwrap_or(text);
    let text = text.strip_prefix('\'').filter(|rest| is_digits(rest)).unwrap_or(text);
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
    // Where the decimal mark is a comma; three digits behind one may be thousands.
    if let Some((whole, "0" | "00")) = text.split_once(',')
        && is_digits(whole)
    {
        return Some(Id::Exact(whole.to_owned()));
    }
    Some(scientific(text).unwrap_or_else(|| Id::Exact(text.to_owned())))
}

/// A text without the marks that nobody sees; nearly all have none, and an import asks for each of its orders.
fn visible(text: &str) -> Cow<'_, str> {
    match text.is_ascii() {
        true => Cow::Borrowed(text),
        false => Cow::Owned(text.chars().filter(|c| !is_unseen(*c)).collect()),
    }
}

/// Marks without a width, which are copied along with a text: numbers of a telephone's list come with those that turn the
/// direction of writing.
fn is_unseen(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
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
/// dots, dashes, brackets and slashes between them. A `(0)` behind the country is not dialled. Programs write it as a link
/// (`tel:`), spreadsheets with an apostrophe or as a formula. Others depend on where the caller is and name nobody here.
pub fn phone(text: &str) -> Option<String> {
    let seen: String = visible(text).chars().map(half_width).collect();
    let bare = seen.trim_matches(|c: char| c.is_whitespace() || matches!(c, '\'' | '"' | '='));
    let linked = |link: &&str| bare.get(..link.len()).is_some_and(|start| start.eq_ignore_ascii_case(link));
    let link = ["tel:", "sms:", "whatsapp:"].into_iter().find(linked).unwrap_or_default();
    let bare = bare[link.len()..].replace("(0)", "");
    let bare = bare.trim_start_matches(|c: char| c.is_whitespace() || c == '(');
    let international = bare.strip_prefix('+').or_else(|| bare.strip_prefix("00"))?;
    let mut digits = String::from("+");
    for c in international.chars() {
        match c {
            '0'..='9' => digits.push(c),
            '.' | '-' | '\u{2010}'..='\u{2015}' | '\u{2212}' | '(' | ')' | '/' => {}
            c if c.is_whitespace() => {}
            _ => return None,
        }
    }
    let plausible = (9..=16).contains(&digits.len()) && !digits.starts_with("+0");
    plausible.then_some(digits)
}

/// Digits and signs in the width of East Asian letters, as others write them.
fn half_width(c: char) -> char {
    match c {
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(u32::from(c) - 0xfee0).unwrap_or(c),
        c => c,
    }
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
        assert_eq!(id("17850,0"), exact("17850"));
        assert_eq!(id("17,850"), exact("17,850"));
        assert_eq!(id("'17850"), exact("17850"));
        assert_eq!(id("=\"00123\""), exact("00123"));
        assert_eq!(id("'s-1"), exact("'s-1"));
        assert_eq!(id("\u{a0}17850\u{200b}"), exact("17850"));
        assert_eq!(id("\u{200b}"), None);
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
        for text in [
            "+49 (0)30 123-4567",
            "0049 30 1234567",
            "'+49301234567",
            "+49/30/1234567",
            "(+49) 30 1234567",
            "(0049)30/123 4567",
            "tel:+49-30-1234567",
            "WhatsApp:+49301234567",
            "=\"+49301234567\"",
            "\u{202a}+49 30 1234567\u{202c}",
            "+ 49\u{2009}30\t1234567",
            "+49\u{2212}30\u{2015}1234567",
            "\u{ff0b}\u{ff14}\u{ff19}301234567",
        ] {
            assert_eq!(phone(text).as_deref(), Some("+49301234567"), "{text}");
        }
        for text in [
            "030 1234567",
            "+0301234567",
            "+49",
            "call me",
            "tel:",
            "+49 30 12x4567",
            "+1234567890123456",
            "=",
        ] {
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
