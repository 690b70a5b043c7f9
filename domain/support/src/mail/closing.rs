//! Parts of a mail that nobody closed: a program that was careless, or a mail that was cut on its way. A reader that looks for
//! the end of such a part finds none and takes it for a file, so the ends that are missing are written before it is read.

use mail_parser::{Message, MimeHeaders, PartType};

/// Parts of parts in one mail, at most; what has more is read as it came.
const MOST: usize = 10;

/// Parts between two boundaries.
struct Multipart<'m> {
    boundary: &'m str,
    begin: usize,
    end: usize,
}

/// The mail with the ends that are missing; none when it is fine, or could be read without them. `message` is how it was
/// read, `raw` what it was read of.
pub(super) fn closed(message: &Message<'_>, raw: &[u8]) -> Option<Vec<u8>> {
    // What has no end could not be decoded.
    if !message.parts.iter().any(|part| part.is_encoding_problem) {
        return None;
    }
    let is_multipart = |body: &PartType<'_>| matches!(body, PartType::Multipart(_));
    let mut parts: Vec<Multipart<'_>> = Vec::new();
    let mut missing: Vec<(usize, &str)> = Vec::new();
    for part in message.parts.iter().filter(|part| is_multipart(&part.body)) {
        let Some(boundary) = part.content_type().and_then(|kind| kind.attribute("boundary")) else {
            continue;
        };
        if boundary.is_empty() {
            continue;
        }
        if parts.len() == MOST {
            return None;
        }
        let begin = part.offset_body as usize;
        let end = place(raw, begin, format!("--{boundary}--").as_bytes()).unwrap_or_else(|| {
            let around = parts.iter().filter(|other| (other.begin..other.end).contains(&begin));
            let ends = around.filter_map(|other| delimiter(raw, begin, other.boundary));
            let end = ends.min().unwrap_or(raw.len());
            missing.push((end, boundary));
            end
        });
        parts.push(Multipart { boundary, begin, end });
    }
    // The innermost ends first.
    missing.reverse();
    missing.sort_by_key(|(end, _)| *end);
    let (mut closed, mut done) = (Vec::with_capacity(raw.len() + 1_000), 0);
    for (end, boundary) in &missing {
        closed.extend_from_slice(&raw[done..*end]);
        if closed.last().is_some_and(|byte| *byte != b'\n') {
            closed.extend_from_slice(b"\r\n");
        }
        closed.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
        done = *end;
    }
    closed.extend_from_slice(&raw[done..]);
    (!missing.is_empty()).then_some(closed)
}

/// Where the next line begins that is a boundary and not the beginning of a longer one.
fn delimiter(raw: &[u8], from: usize, boundary: &str) -> Option<usize> {
    let line = format!("\n--{boundary}");
    let mut at = from.saturating_sub(1);
    loop {
        let found = place(raw, at, line.as_bytes())?;
        at = found + line.len();
        let rest = &raw[at..];
        if rest.first().is_none_or(u8::is_ascii_whitespace) || rest.starts_with(b"--") {
            return Some(found + 1);
        }
    }
}

fn place(raw: &[u8], from: usize, what: &[u8]) -> Option<usize> {
    let found = raw.get(from..)?.windows(what.len()).position(|window| window == what)?;
    Some(from + found)
}

#[cfg(test)]
mod tests {
    use mail_parser::MessageParser;

    use super::*;

    fn mended(raw: &str) -> Option<String> {
        let message = MessageParser::new().with_mime_headers().parse(raw).expect("it is read");
        closed(&message, raw.as_bytes()).map(|closed| String::from_utf8(closed).expect("it is text"))
    }

    #[test]
    fn missing_ends_are_written_where_what_is_around_goes_on() {
        let head = "From: a@x.example\r\nContent-Type: multipart/mixed; boundary=o\r\n\r\n";
        let inner = "--o\r\nContent-Type: multipart/mixed; boundary=o-i\r\n\r\n--o-i\r\n\r\nHello\r\n";
        assert_eq!(
            mended(&format!("{head}--o\r\n\r\nHello")),
            Some(format!("{head}--o\r\n\r\nHello\r\n--o--\r\n"))
        );
        for (rest, end) in [("--o--\r\n", ""), ("--o\r\n\r\nBye\r\n--o--\r\n", ""), ("", "--o--\r\n")] {
            assert_eq!(
                mended(&format!("{head}{inner}{rest}")),
                Some(format!("{head}{inner}--o-i--\r\n{rest}{end}")),
                "{rest}"
            );
        }
        assert_eq!(mended(&format!("{head}{inner}--o-i--\r\n--o--\r\n")), None, "all are closed");
        assert_eq!(mended(&format!("{head}{inner}--o-i--\r\n")), None, "nothing is lost");
        assert_eq!(mended("From: a@x.example\r\n\r\nHello"), None, "there are no parts");
    }
}
