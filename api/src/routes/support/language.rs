//! In which language a page for customers is: the one they are known to write, else one that their browser asks for, else the
//! shop's, else English; the first of them that there are words in.

use axum::http::{HeaderMap, header};
use support::customer_words::{self, ENGLISH, Words};

/// Bytes of `Accept-Language` that are read, of all its lines together. Browsers send a few dozen.
const HEADER_BYTES: usize = 1_000;

/// The words of a page: `known` is the customer's language or what they chose, `of_shop` the shop's (ISO 639-1).
pub fn words(known: Option<&str>, headers: &HeaderMap, of_shop: Option<&str>) -> &'static Words {
    let of = |code: Option<&str>| code.and_then(customer_words::of);
    of(known).or_else(|| accepted(headers)).or_else(|| of(of_shop)).unwrap_or(&ENGLISH)
}

/// The language that `Accept-Language` asks for most, of those that there are words in (RFC 9110, section 12.5.4). Of those
/// that it asks for alike the first counts; what is not written as it should be asks for nothing, and `*` leaves it to us.
pub fn accepted(headers: &HeaderMap) -> Option<&'static Words> {
    let mut left = HEADER_BYTES;
    let mut best: Option<(f32, &'static Words)> = None;
    for line in headers.get_all(header::ACCEPT_LANGUAGE) {
        let Ok(line) = line.to_str() else { continue };
        // Only ASCII is text in a header, so it can be cut anywhere.
        let read = &line[..line.len().min(left)];
        left -= read.len();
        for (weight, words) in read.split(',').filter_map(range) {
            if best.is_none_or(|(most, _)| weight > most) {
                best = Some((weight, words));
            }
        }
    }
    best.map(|(_, words)| words)
}

/// A language and how much it is asked for, more than 0 and at most 1.
fn range(text: &str) -> Option<(f32, &'static Words)> {
    let mut parts = text.split(';').map(str::trim);
    let words = customer_words::of(parts.next()?)?;
    let weight = match parts.next() {
        None => 1.0,
        Some(weight) => {
            let (name, number) = weight.split_once('=')?;
            number.trim().parse::<f32>().ok().filter(|_| name.trim().eq_ignore_ascii_case("q"))?
        }
    };
    (weight > 0.0 && weight <= 1.0).then_some((weight, words))
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn asking(lines: &[&[u8]]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(header::ACCEPT_LANGUAGE, HeaderValue::from_bytes(line).expect("a header value"));
        }
        headers
    }

    fn code(line: &str) -> Option<&'static str> {
        accepted(&asking(&[line.as_bytes()])).map(|words| words.code)
    }

    #[test]
    fn the_language_that_is_asked_for_most_counts() {
        for (line, expected) in [
            ("de", "de"),
            ("de-AT,de;q=0.9,en;q=0.8", "de"),
            ("en;q=0.5, fr ; q=0.7", "fr"),
            ("fi, sv;q=0.6, en;q=0.4", "sv"),
            ("nn-NO", "nb"),
            ("pt-BR;Q=1.0", "pt"),
            ("it, es", "it"),
            ("*;q=0.5, nl;q=0.1", "nl"),
            ("en;q=0, da;q=0.001", "da"),
            ("xx;q=9, pl", "pl"),
        ] {
            assert_eq!(code(line), Some(expected), "{line}");
        }
    }

    #[test]
    fn what_is_not_written_as_it_should_be_asks_for_nothing() {
        for line in [
            "", ",", ";", ";;;q=1", "*", "fi,ja", "de;q=0", "de;q=2", "de;q=-1", "de;q=nan", "de;q=inf",
            "de;q", "de;q=", "de;w=1", "german", "d e", "-de",
        ] {
            assert_eq!(code(line), None, "{line}");
        }
        assert!(accepted(&HeaderMap::new()).is_none());
        let bad = asking(&[b"\xff\xfe,de", b"\xc3\xa4;q=1"]);
        assert!(accepted(&bad).is_none());
        let mixed = asking(&[b"\xff", b"fi", b"fr;q=0.3", b"es;q=0.4"]);
        assert_eq!(accepted(&mixed).map(|words| words.code), Some("es"));
    }

    #[test]
    fn only_the_beginning_of_a_long_header_is_read() {
        let long = format!("{}de", "fi,".repeat(HEADER_BYTES / 3));
        assert_eq!(code(&long), None);
        let two = asking(&[long.as_bytes(), b"de"]);
        assert!(accepted(&two).is_none());
    }

    #[test]
    fn the_customer_comes_before_the_browser_and_that_before_the_shop() {
        let (dutch, nothing) = (asking(&[b"nl"]), HeaderMap::new());
        let code = |known, headers, of_shop| words(known, headers, of_shop).code;
        assert_eq!(code(Some("de"), &dutch, Some("fr")), "de");
        assert_eq!(code(Some("fi"), &dutch, Some("fr")), "nl");
        assert_eq!(code(None, &dutch, Some("fr")), "nl");
        assert_eq!(code(Some("fi"), &nothing, Some("fr")), "fr");
        assert_eq!(code(None, &nothing, Some("fi")), "en");
        assert_eq!(code(None, &nothing, None), "en");
    }
}
