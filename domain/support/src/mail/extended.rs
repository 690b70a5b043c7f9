//! Names of files as RFC 2231 writes them (`filename*=windows-1252''Gr%FC%DFe.pdf`), also in several pieces (`filename*0*=`,
//! `filename*1*=`). The charset stands in the first piece and is meant for all of them, and a character may begin in one and
//! end in the next, so they are put together before they are read.

use mail_parser::decoders::charsets::map::charset_decoder;
use percent_encoding::percent_decode;

use super::mend::windows;

/// Pieces of a name.
const MOST_PIECES: usize = 50;
/// Parameters of a header that are looked at.
const MOST_PARAMETERS: usize = 200;

/// The name that a part's head gives its file in this way, if it does.
pub(super) fn file_name(head: &[u8]) -> Option<String> {
    if !head.contains(&b'*') {
        return None;
    }
    let of = |header: &str, name: &str| read(&pieces(&value_of(head, header)?, name));
    of("content-disposition", "filename").or_else(|| of("content-type", "name"))
}

/// The value of a header, without the ends of its lines.
fn value_of(head: &[u8], name: &str) -> Option<Vec<u8>> {
    let mut lines = head.split(|byte| *byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    let first = lines.find_map(|line| {
        let colon = line.iter().position(|byte| *byte == b':')?;
        line[..colon].trim_ascii().eq_ignore_ascii_case(name.as_bytes()).then(|| &line[colon + 1..])
    })?;
    let more = lines.take_while(|line| line.first().is_some_and(|byte| matches!(byte, b' ' | b'\t')));
    Some(std::iter::once(first).chain(more).collect::<Vec<_>>().concat())
}

/// A piece of a value.
struct Piece {
    number: usize,
    is_encoded: bool,
    bytes: Vec<u8>,
}

/// The pieces of a parameter, in the order of their numbers.
fn pieces(value: &[u8], name: &str) -> Vec<Piece> {
    let mut found: Vec<Piece> = parameters(value)
        .into_iter()
        .filter_map(|(written, bytes)| {
            let rest = written.strip_prefix(name)?.strip_prefix('*')?;
            let (number, is_encoded) = match rest.strip_suffix('*') {
                // `name*` is the whole value.
                None if rest.is_empty() => ("0", true),
                None => (rest, false),
                Some(number) => (number, true),
            };
            Some(Piece { number: number.parse().ok()?, is_encoded, bytes })
        })
        .take(MOST_PIECES)
        .collect();
    found.sort_by_key(|piece| piece.number);
    found
}

/// Names in small letters and values of parameters; what stands in quotes is read.
fn parameters(value: &[u8]) -> Vec<(String, Vec<u8>)> {
    let mut found = vec![Vec::new()];
    let (mut is_quoted, mut is_escaped) = (false, false);
    for byte in value {
        let is_full = found.len() >= MOST_PARAMETERS;
        let Some(last) = found.last_mut() else { break };
        match byte {
            _ if is_escaped => {
                last.push(*byte);
                is_escaped = false;
            }
            b'\\' if is_quoted => is_escaped = true,
            b'"' => is_quoted = !is_quoted,
            b';' if !is_quoted && is_full => break,
            b';' if !is_quoted => found.push(Vec::new()),
            byte => last.push(*byte),
        }
    }
    let named = found.into_iter().filter_map(|parameter| {
        let equals = parameter.iter().position(|byte| *byte == b'=')?;
        let name = std::str::from_utf8(parameter[..equals].trim_ascii()).ok()?.to_ascii_lowercase();
        Some((name, parameter[equals + 1..].trim_ascii().to_vec()))
    });
    named.collect()
}

/// Puts pieces together. What is in no known charset, or in another than it says, is read as other text that says nothing.
fn read(pieces: &[Piece]) -> Option<String> {
    let first = pieces.first().filter(|piece| piece.number == 0)?;
    let mut quotes = first.bytes.iter().enumerate().filter(|(_, byte)| **byte == b'\'').map(|(at, _)| at);
    // Charset, language, and then the text.
    let (charset, begin) = match (first.is_encoded, quotes.next(), quotes.next()) {
        (true, Some(one), Some(two)) => (&first.bytes[..one], two + 1),
        _ => (&[][..], 0),
    };
    let mut bytes = Vec::new();
    for (expected, piece) in pieces.iter().enumerate() {
        if piece.number != expected {
            // A piece is missing, or there twice.
            break;
        }
        let written = if expected == 0 { &piece.bytes[begin..] } else { &piece.bytes[..] };
        match piece.is_encoded {
            // What only looks like `%FC` is what it is.
            true => bytes.extend(percent_decode(written)),
            false => bytes.extend_from_slice(written),
        }
    }
    let is_utf8 = charset.is_empty()
        || [b"utf-8".as_slice(), b"utf8"].contains(&charset.to_ascii_lowercase().as_slice());
    let text = match charset_decoder(charset).filter(|_| !is_utf8) {
        Some(decoder) => decoder(&bytes),
        None => windows(&bytes).unwrap_or_else(|| String::from_utf8_lossy(&bytes).into_owned()),
    };
    Some(text).filter(|text| !text.trim().is_empty())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_are_read_in_their_charset_also_in_pieces() {
        for (head, name) in [
            (
                "Content-Disposition: attachment; filename*=windows-1252''Gr%FC%DFe%20%80.pdf",
                "Gr\u{fc}\u{df}e \u{20ac}.pdf",
            ),
            (
                "content-disposition: attachment;\r\n FileName*0*=Windows-1252'de'Gr%FC;\r\n filename*1*=%DFe;\r\n\tfilename*2=\".pdf\"",
                "Gr\u{fc}\u{df}e.pdf",
            ),
            // Out of order, and a character that is cut in two.
            ("Content-Disposition: attachment; filename*1*=%BC.pdf; filename*0*=utf-8''T%C3", "T\u{fc}.pdf"),
            ("Content-Disposition: attachment; filename*0=\"a;b\"; filename*1=\"\\\"c.pdf\"", "a;b\"c.pdf"),
            // It says that it is UTF-8, or nothing, and is not.
            ("Content-Disposition: attachment; filename*=UTF-8''Gr%FC%DFe.pdf", "Gr\u{fc}\u{df}e.pdf"),
            ("Content-Disposition: attachment; filename*=Gr%FC%DFe.pdf", "Gr\u{fc}\u{df}e.pdf"),
            ("Content-Disposition: attachment; filename*=martian''Gr%FC%DFe.pdf", "Gr\u{fc}\u{df}e.pdf"),
            ("Content-Type: application/pdf; name*=iso-8859-1''100%25%zz.pdf", "100%%zz.pdf"),
            (
                "Content-Type: text/plain; name=x.pdf\r\nContent-Disposition: attachment; filename=\"x.pdf\"; filename*=iso-8859-1''%FC.pdf",
                "\u{fc}.pdf",
            ),
        ] {
            assert_eq!(
                file_name(format!("X-A: b\r\n{head}\r\n\r\n").as_bytes()).as_deref(),
                Some(name),
                "{head}"
            );
        }
    }

    #[test]
    fn other_names_are_none_of_these() {
        for head in [
            "Content-Disposition: attachment; filename=\"a*b.pdf\"",
            "Content-Disposition: attachment; filename*1*=utf-8''b.pdf",
            "Content-Disposition: attachment; filename*x*=utf-8''b.pdf",
            "Content-Disposition: attachment; filename*=utf-8''",
            "X-Other: attachment; filename*=utf-8''b.pdf",
            "*",
        ] {
            assert_eq!(file_name(head.as_bytes()), None, "{head}");
        }
        let gap = "Content-Disposition: attachment; filename*0*=utf-8''a; filename*2*=c.pdf";
        assert_eq!(file_name(gap.as_bytes()).as_deref(), Some("a"));
    }

    proptest! {
        #[test]
        fn any_head_is_read(head in proptest::collection::vec(prop_oneof![
            Just(b"Content-Disposition:".to_vec()), Just(b"; filename*".to_vec()), Just(b"0*=".to_vec()), Just(b"=".to_vec()),
            Just(b"utf-16'".to_vec()), Just(b"'%F".to_vec()), Just(b"\"".to_vec()), Just(b"\\".to_vec()), Just(b"\r\n ".to_vec()),
            proptest::collection::vec(any::<u8>(), 0..5),
        ], 0..30)) {
            let _ = file_name(&head.concat());
        }
    }
}
