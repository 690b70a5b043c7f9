//! What old and careless programs write, mended before it is read: lines that end by a carriage return alone, and text that
//! is Windows-1252 and says that it is UTF-8 or nothing at all.

use std::borrow::Cow;
use std::ops::Range;

use mail_parser::decoders::base64::base64_decode;
use mail_parser::decoders::charsets::map::charset_decoder;
use mail_parser::decoders::quoted_printable::quoted_printable_decode;
use mail_parser::{Encoding, MessageParser, MessagePart, MimeHeaders, PartType};

use super::extended;

/// Bytes of an encoded word, at most. The standard has 75, programs write whole subjects.
const LONGEST_WORD: usize = 1_000;

/// The mail with line feeds where its lines end by carriage returns alone; every place stays. Whether they do shows in what
/// stands before the first line feed: no head ends there.
pub(super) fn lines(raw: &[u8]) -> Cow<'_, [u8]> {
    let has_ended = |three: &[u8]| three.starts_with(b"\r\r") && !matches!(three[2], b'\r' | b'\n');
    let is_old = match raw.iter().position(|byte| *byte == b'\n') {
        None => raw.contains(&b'\r'),
        Some(first) => raw[..first].windows(3).any(has_ended),
    };
    if !is_old {
        return Cow::Borrowed(raw);
    }
    let mut mended = raw.to_vec();
    for at in 0..mended.len() {
        if mended[at] == b'\r' && mended.get(at + 1) != Some(&b'\n') {
            mended[at] = b'\n';
        }
    }
    Cow::Owned(mended)
}

/// A head as UTF-8. What is neither that nor ASCII is taken for Windows-1252.
pub(super) fn head(head: &[u8]) -> Cow<'_, [u8]> {
    match windows(head) {
        Some(text) => Cow::Owned(text.into_bytes()),
        None => Cow::Borrowed(head),
    }
}

/// A head whose encoded words (RFC 2047) say what they are: those that say UTF-8 and are none are taken for Windows-1252.
/// Words that follow each other are judged together, for some programs cut a character in two.
pub(super) fn words(head: &[u8]) -> Cow<'_, [u8]> {
    let (mut mended, mut done, mut at) = (Vec::new(), 0, 0);
    while let Some(found) = head[at..].windows(2).position(|pair| pair == b"=?") {
        at += found;
        let mut run: Vec<Word> = Vec::new();
        let mut next = at;
        while let Some(word) = Word::at(head, next) {
            let blanks = head[word.end..].iter().take_while(|byte| byte.is_ascii_whitespace()).count();
            next = word.end + blanks;
            run.push(word);
        }
        let Some(last) = run.last() else {
            at += 2;
            continue;
        };
        at = last.end;
        let said: Vec<u8> = run.iter().flat_map(|word| word.bytes.iter().copied()).collect();
        if windows(&said).is_some() {
            for word in &run {
                mended.extend_from_slice(&head[done..word.charset.start]);
                mended.extend_from_slice(b"windows-1252");
                done = word.charset.end;
            }
        }
    }
    if done == 0 {
        return Cow::Borrowed(head);
    }
    mended.extend_from_slice(&head[done..]);
    Cow::Owned(mended)
}

/// An encoded word that says that it is UTF-8.
struct Word {
    /// Where it says so.
    charset: Range<usize>,
    /// What it says.
    bytes: Vec<u8>,
    end: usize,
}

impl Word {
    fn at(head: &[u8], at: usize) -> Option<Word> {
        let word = &head[at..head.len().min(at + LONGEST_WORD)];
        let mut pieces = word.strip_prefix(b"=?")?.splitn(3, |byte| *byte == b'?');
        let (charset, encoding, data) = (pieces.next()?, pieces.next()?, pieces.next()?);
        // A language may stand behind it.
        let name = charset.split(|byte| *byte == b'*').next()?;
        if !name.eq_ignore_ascii_case(b"utf-8") && !name.eq_ignore_ascii_case(b"utf8") {
            return None;
        }
        let length = data.windows(2).position(|pair| pair == b"?=")?;
        let bytes = match encoding {
            b"q" | b"Q" => quoted_printable_decode(&data[..length])?,
            b"b" | b"B" => base64_decode(&data[..length])?,
            _ => return None,
        };
        let begin = at + 2;
        let end = begin + charset.len() + 1 + encoding.len() + 1 + length + 2;
        Some(Word { charset: begin..begin + name.len(), bytes, end })
    }
}

/// The name of a part that is a file, when it is written in pieces or in a charset of its own, or its head is not in UTF-8
/// although nothing else is said of it. `raw` is what it was read of.
pub(super) fn file_name(part: &MessagePart<'_>, raw: &[u8]) -> Option<String> {
    let written = raw.get(part.offset_header as usize..part.offset_body as usize)?;
    if let Some(name) = extended::file_name(written) {
        return Some(name);
    }
    if !part.attachment_name()?.contains('\u{fffd}') {
        return None;
    }
    let written = head(written);
    let written = words(&written);
    let message = MessageParser::new().with_mime_headers().parse_headers(&*written)?;
    Some(message.parts.first()?.attachment_name()?.to_owned())
}

/// The text of a part that is not in UTF-8 although nothing else is said of it. `raw` is what it was read of.
pub(super) fn text(part: &MessagePart<'_>, raw: &[u8]) -> Option<String> {
    let (PartType::Text(shown) | PartType::Html(shown)) = &part.body else { return None };
    if !shown.contains('\u{fffd}') {
        return None;
    }
    let charset = part.content_type().and_then(|kind| kind.attribute("charset"));
    if charset.is_some_and(|charset| !["utf-8", "utf8"].contains(&charset.to_ascii_lowercase().as_str())) {
        return None;
    }
    windows(&bytes(part, raw)?)
}

/// All of a part as text, whatever it says that it is.
pub(super) fn any_text(part: &MessagePart<'_>, raw: &[u8]) -> String {
    let bytes = bytes(part, raw).unwrap_or_default();
    windows(&bytes).unwrap_or_else(|| String::from_utf8_lossy(&bytes).into_owned())
}

fn bytes<'m>(part: &MessagePart<'_>, raw: &'m [u8]) -> Option<Cow<'m, [u8]>> {
    let body = raw.get(part.offset_body as usize..part.offset_end as usize)?;
    match part.encoding {
        Encoding::None => Some(Cow::Borrowed(body)),
        Encoding::Base64 => base64_decode(body).map(Cow::Owned),
        Encoding::QuotedPrintable => quoted_printable_decode(body).map(Cow::Owned),
    }
}

/// Bytes of which more is no UTF-8 than is, beside ASCII. One character that was cut in two makes no other text of it.
pub(super) fn windows(bytes: &[u8]) -> Option<String> {
    let (mut is, mut is_not) = (0, 0);
    for chunk in bytes.utf8_chunks() {
        is += chunk.valid().chars().filter(|c| !c.is_ascii()).count();
        is_not += chunk.invalid().len();
    }
    let decode = charset_decoder(b"windows-1252").filter(|_| is_not > is)?;
    Some(decode(bytes))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn lines_of_old_programs_end() {
        assert_eq!(&*lines(b"From: a\rTo: b\r\rHello\rthere\r"), b"From: a\nTo: b\n\nHello\nthere\n");
        assert_eq!(&*lines(b"From: a\rTo: b\r\rHello\nthere\r\n"), b"From: a\nTo: b\n\nHello\nthere\r\n");
        for fine in [
            b"From: a\r\nSubject: one\rtwo\r\r\n\r\nHello\r\r\r\n".as_slice(),
            b"From: a\r\r\nTo: b\r\r\n\r\r\nHello\r\r\n",
            b"From: a\n\nHello\r\rthere\r",
            b"no lines at all",
        ] {
            assert!(matches!(lines(fine), Cow::Borrowed(_)), "{}", String::from_utf8_lossy(fine));
        }
    }

    #[test]
    fn what_is_no_utf8_is_windows_1252_unless_most_of_it_is() {
        assert_eq!(windows(b"Gr\xfc\xdfe \x80").as_deref(), Some("Gr\u{fc}\u{df}e \u{20ac}"));
        assert_eq!(windows("Gr\u{fc}\u{df}e".as_bytes()), None);
        assert_eq!(windows(b"plain"), None);
        assert_eq!(
            windows(
                "Gr\u{fc}\u{df}e, \u{e4}\u{f6} "
                    .as_bytes()
                    .iter()
                    .chain(b"\xf0\x9f")
                    .copied()
                    .collect::<Vec<_>>()
                    .as_slice()
            ),
            None
        );
    }

    #[test]
    fn encoded_words_that_are_no_utf8_are_windows_1252() {
        for (written, mended) in [
            ("Subject: =?utf-8?Q?Gr=FC=DFe?=\r\n", "Subject: =?windows-1252?Q?Gr=FC=DFe?=\r\n"),
            ("=?UTF-8*de?b?R3L832U=?= x", "=?windows-1252*de?b?R3L832U=?= x"),
            (
                "=?a =?utf8?q?=FC?=\r\n =?utf-8?q?=DF?=",
                "=?a =?windows-1252?q?=FC?=\r\n =?windows-1252?q?=DF?=",
            ),
        ] {
            assert_eq!(String::from_utf8_lossy(&words(written.as_bytes())), mended);
        }
        for fine in [
            "=?utf-8?Q?Gr=C3=BC=C3=9Fe?=",
            "=?utf-8?Q?Gr=C3?= =?utf-8?Q?=BC=C3=9Fe?=",
            "=?iso-8859-1?Q?Gr=FC=DFe?=",
            "=?utf-8?Q?Gr=FC=DFe",
            "=?utf-8?X?Gr=FC=DFe?=",
            "=?",
            "",
        ] {
            assert!(matches!(words(fine.as_bytes()), Cow::Borrowed(_)), "{fine}");
        }
    }

    proptest! {
        #[test]
        fn any_head_is_mended_and_loses_nothing(head in r"(=\?|utf-8|\?|q|b|=FC|=C3=BC|R3L832U=|\?=|[ \na*]){0,40}") {
            let mended = words(head.as_bytes());
            prop_assert!(mended.len() >= head.len() && mended.is_ascii());
        }

        #[test]
        fn a_mail_stays_as_long_as_it_is(raw in "[a\r\n]{0,30}") {
            let mended = lines(raw.as_bytes());
            prop_assert_eq!(mended.len(), raw.len());
            prop_assert!(matches!(lines(&mended), Cow::Borrowed(_)), "they are mended at once");
        }
    }
}
