//! What old and careless programs write, mended before it is read: lines that end by a carriage return alone, and text that
//! is Windows-1252 and says that it is UTF-8 or nothing at all.

use std::borrow::Cow;

use mail_parser::decoders::base64::base64_decode;
use mail_parser::decoders::charsets::map::charset_decoder;
use mail_parser::decoders::quoted_printable::quoted_printable_decode;
use mail_parser::{Encoding, MessagePart, MimeHeaders, PartType};

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
fn windows(bytes: &[u8]) -> Option<String> {
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

    proptest! {
        #[test]
        fn a_mail_stays_as_long_as_it_is(raw in "[a\r\n]{0,30}") {
            let mended = lines(raw.as_bytes());
            prop_assert_eq!(mended.len(), raw.len());
            prop_assert!(matches!(lines(&mended), Cow::Borrowed(_)), "they are mended at once");
        }
    }
}
