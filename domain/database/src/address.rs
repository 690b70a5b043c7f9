//! What an e-mail address is, and when two are the same one: the one place that decides it, for tickets, mail, forms, requests
//! of persons, the customers of files, and people who sign in.
//!
//! People and programs write an address in many ways: with a name around it, as a link (`mailto:`), in capitals, with marks
//! that nobody sees, and a name of a server in its letters or as browsers and mail write it (`xn--`). All of them have one form.
//! Three questions are asked of it, each stricter than the one before:
//! whom a source means ([`compared`]), whether somebody can be known by it ([`known`]), and whether mail can go to it
//! ([`normal`]). What came by mail, or names a customer, counts although no server would take it: somebody has it.

use std::borrow::Cow;

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// Characters of an address, at most.
pub const LONGEST: usize = 320;
/// Bytes before the `@` (RFC 5321, section 4.5.3.1).
const LONGEST_LOCAL: usize = 64;
/// Bytes behind it.
const LONGEST_DOMAIN: usize = 255;
/// Bytes between two dots of it.
const LONGEST_LABEL: usize = 63;
/// What a link to an address begins with.
const LINK: &str = "mailto:";
/// What a part of a server's name begins with whose letters are encoded (RFC 5890).
const ENCODED: &str = "xn--";

/// Why mail cannot go to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadAddress {
    /// It is none, or more than one.
    #[error("must be one e-mail address alone, such as ann@example.com")]
    NotOne,
    /// It looks like one, and no mail server takes it.
    #[error("must be an address that a mail server takes, such as ann@example.com; this one {0}")]
    Undeliverable(Flaw),
}

/// What is wrong with an address that no mail server takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Flaw {
    /// `a..b@x`
    #[error("has two dots in a row before the @")]
    DotsBefore,
    /// `.a@x`, `a.@x`
    #[error("has a dot at the beginning or right before the @")]
    DotAtEdge,
    /// `a:b@x`
    #[error("has a colon before the @")]
    ColonBefore,
    /// `a@x..y`
    #[error("has two dots in a row behind the @")]
    DotsBehind,
    /// `a@-x`
    #[error("has behind the @ what is no name of a server")]
    NoServer,
}

/// An address that mail can go to, in its one form.
///
/// # Errors
/// It is none, or says why no mail server takes it.
pub fn normal(text: &str) -> Result<String, BadAddress> {
    let address = known(text).ok_or(BadAddress::NotOne)?;
    let (local, domain) = address.rsplit_once('@').ok_or(BadAddress::NotOne)?;
    match flaw(local, domain) {
        Some(flaw) => Err(BadAddress::Undeliverable(flaw)),
        None => Ok(address),
    }
}

fn flaw(local: &str, domain: &str) -> Option<Flaw> {
    let is_label = |label: &str| {
        label.len() <= LONGEST_LABEL
            && !label.starts_with('-')
            && !label.ends_with('-')
            // Beside ASCII there are letters of many scripts, and marks that belong to them.
            && label.chars().all(|c| !c.is_ascii() || c.is_ascii_alphanumeric() || matches!(c, '-' | '_'))
    };
    if local.contains("..") {
        return Some(Flaw::DotsBefore);
    }
    if local.starts_with('.') || local.ends_with('.') {
        return Some(Flaw::DotAtEdge);
    }
    if local.contains(':') {
        return Some(Flaw::ColonBefore);
    }
    if domain.contains("..") {
        return Some(Flaw::DotsBehind);
    }
    (!domain.split('.').all(is_label)).then_some(Flaw::NoServer)
}

/// One address alone by which somebody can be known, in its one form, also when no mail server would take it.
pub fn known(text: &str) -> Option<String> {
    let address = unlinked(&form(text.trim().trim_matches(['<', '>']))).to_owned();
    let address = in_letters(address);
    let (local, domain) = address.rsplit_once('@')?;
    let is_plain = |c: char| !c.is_control() && !c.is_whitespace() && !"<>,;\"()[]\\".contains(c);
    let is_one = !local.is_empty()
        && local.len() <= LONGEST_LOCAL
        && (1..=LONGEST_DOMAIN).contains(&domain.len())
        && address.chars().all(is_plain)
        && !local.contains('@')
        && !domain.starts_with('.')
        && !domain.ends_with('.');
    is_one.then_some(address)
}

/// Whom a source means, whatever it wrote around the address. Postmasters may tell `Maya@` from `maya@`; none is known that
/// does. Dots and `+` parts stay, because they tell people apart at most hosts.
pub fn compared(text: &str) -> Option<String> {
    let written = form(text);
    let written = written.trim();
    let written = written.rsplit_once('<').map_or(written, |(_, after)| after.trim_end_matches('>'));
    let address = unlinked(written);
    let (local, domain) = address.rsplit_once('@')?;
    let is_one = !local.is_empty()
        && !domain.is_empty()
        && !address.chars().any(|c| c.is_whitespace() || c.is_control())
        && address.chars().count() <= LONGEST;
    is_one.then(|| in_letters(address.to_owned()))
}

/// The address with its server's name in letters, as people write it: `ann@xn--bcher-kva.example` is `ann@bücher.example`.
fn in_letters(address: String) -> String {
    match address.rsplit_once('@') {
        Some((local, domain)) if domain.contains(ENCODED) => {
            let labels: Vec<Cow<'_, str>> = domain.split('.').map(label_in_letters).collect();
            format!("{local}@{}", labels.join("."))
        }
        _ => address,
    }
}

/// A part of a server's name in letters; one that cannot be read, or has another form then, stays as it is.
fn label_in_letters(label: &str) -> Cow<'_, str> {
    if !label.starts_with(ENCODED) {
        return Cow::Borrowed(label);
    }
    let (letters, read) = idna::domain_to_unicode(label);
    let is_plain = |c: char| c.is_alphanumeric() || c == '-' || is_combining_mark(c);
    let is_sure =
        read.is_ok() && !letters.is_ascii() && form(&letters) == letters && letters.chars().all(is_plain);
    if is_sure { Cow::Owned(letters) } else { Cow::Borrowed(label) }
}

/// Composed (NFKC), in small letters, without what nobody sees.
fn form(text: &str) -> String {
    // Nearly all addresses are ASCII, which is composed and visible; an import asks for each of its orders.
    match text.is_ascii() {
        true => text.to_ascii_lowercase(),
        false => text.nfkc().filter(|c| !is_invisible(*c)).flat_map(char::to_lowercase).nfc().collect(),
    }
}

/// Marks without a width, which are copied along with a text and cannot be seen.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}' | '\u{ad}')
}

/// The address of a link to one, without what the link asks for besides (`?subject=`).
fn unlinked(text: &str) -> &str {
    let mut text = text.trim();
    while let Some(linked) = text.strip_prefix(LINK) {
        text = linked.split('?').next().unwrap_or(linked).trim();
    }
    text
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn one_address_has_one_form() {
        for text in [
            "Ann.Example@Shop.EXAMPLE",
            " ann.example@shop.example ",
            "<Ann.Example@shop.example>",
            "mailto:ann.example@shop.example",
            "MAILTO:Ann.Example@shop.example?subject=Lamp",
            "<mailto: ann.example@shop.example>",
            "ann.example\u{200b}@shop.example",
        ] {
            assert_eq!(normal(text).as_deref(), Ok("ann.example@shop.example"), "{text}");
            assert_eq!(known(text), compared(text), "{text}");
        }
        assert_eq!(compared("Ann <ANN@x.example>").as_deref(), Some("ann@x.example"));
        assert_eq!(
            normal("jos\u{e9}+desk@b\u{fc}cher.example").as_deref(),
            Ok("jos\u{e9}+desk@b\u{fc}cher.example")
        );
        assert!(normal("a+b@x").is_ok(), "a name within a house");
    }

    #[test]
    fn a_servers_name_has_one_form_whoever_wrote_it() {
        for text in ["info@m\u{fc}ller.example", "info@xn--mller-kva.example", "Info@XN--MLLER-KVA.Example"] {
            for read in [known(text), compared(text), normal(text).ok()] {
                assert_eq!(read.as_deref(), Some("info@m\u{fc}ller.example"), "{text}");
            }
        }
        assert_eq!(compared("A <a@shop.xn--mller-kva.example>"), compared("a@shop.m\u{fc}ller.example"));
        for text in ["a@xn--.example", "a@xn--a\u{fc}.example", "xn--mller-kva@x.example", "a@x.example"] {
            assert_eq!(compared(text).as_deref(), Some(text));
        }
    }

    #[test]
    fn what_is_not_one_address_is_none() {
        for text in [
            "",
            "a",
            "@x",
            "a@",
            "a b@x",
            "a@x,b@y",
            "a@\0x",
            "a@b@c",
            "a@.x",
            "MAILER-DAEMON",
            "mailto:",
            "mailto:?to=a@x",
            "Ann <ann@x.example>",
            "\"a b\"@x.example",
            "a@[127.0.0.1]",
        ] {
            assert_eq!((normal(text), known(text)), (Err(BadAddress::NotOne), None), "{text}");
        }
    }

    #[test]
    fn what_no_server_takes_is_named_and_still_somebodys() {
        for (text, flaw) in [
            ("a..b@x.example", "has two dots in a row before the @"),
            (".a@x.example", "has a dot at the beginning or right before the @"),
            ("a.@x.example", "has a dot at the beginning or right before the @"),
            ("smtp:a@x.example", "has a colon before the @"),
            ("a@x..example", "has two dots in a row behind the @"),
            ("a@-x.example", "has behind the @ what is no name of a server"),
            ("a@x!.example", "has behind the @ what is no name of a server"),
        ] {
            let sentence = format!(
                "must be an address that a mail server takes, such as ann@example.com; this one {flaw}"
            );
            assert_eq!(normal(text).map_err(|bad| bad.to_string()), Err(sentence), "{text}");
            assert_eq!(known(text).as_deref(), Some(text));
            assert_eq!(compared(text).as_deref(), Some(text));
        }
        let long = format!("a@{}.example", "x".repeat(64));
        assert!(matches!(normal(&long), Err(BadAddress::Undeliverable(_))));
    }

    proptest! {
        #[test]
        fn the_short_way_of_plain_addresses_and_the_long_one_agree(text in "[ -~]{0,40}") {
            let long: String = text.nfkc().filter(|c| !is_invisible(*c)).flat_map(char::to_lowercase).nfc().collect();
            prop_assert_eq!(form(&text), long);
        }

        #[test]
        fn what_is_in_its_form_stays_so(text in "(mailto:|<|>|\\?| |xn--|@xn--[a-z0-9-]{1,8}|[A-Za-z.@]|\\PC){0,20}") {
            for read in [compared, known] {
                if let Some(address) = read(&text) {
                    prop_assert_eq!(read(&address), Some(address));
                }
            }
            if let Ok(address) = normal(&text) {
                prop_assert_eq!(known(&address), Some(address.clone()));
                prop_assert_eq!(compared(&address), Some(address));
            }
        }
    }
}
