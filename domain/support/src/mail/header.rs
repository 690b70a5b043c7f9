//! What is read of a mail when it arrives, before anybody has time for it: who sent it, and what makes it the same mail
//! when it is handed over twice.

use mail_parser::{HeaderName, MessageParser};
use sha2::{Digest, Sha256};

use super::{bounds, mend, normal_address};

/// The longest head of a mail: real ones have a few kilobytes.
pub const MAX_HEAD_BYTES: usize = 256 * 1024;
/// The longest Message-ID that is kept; a longer one is none.
const MAX_ID_BYTES: usize = 500;

/// The head of a mail, as far as it is needed at the door.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// Its Message-ID, without angle brackets.
    pub message_id: Option<String>,
    /// The address of `From`.
    pub sender: Option<String>,
    /// What makes it this mail.
    pub identity: [u8; 32],
}

/// Why a mail is not taken at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum HeadError {
    /// There is nothing in it.
    #[error("the mail is empty; send it as RFC 5322 has it, headers first")]
    Empty,
    /// Its head does not end.
    #[error(
        "the headers have more than {MAX_HEAD_BYTES} bytes; no mail program writes so many, so send the mail itself"
    )]
    TooLong,
    /// Its head takes too long to read.
    #[error("the headers have more encoded words than any mail program writes, so send the mail itself")]
    TooMuch,
}

/// Reads the head.
///
/// # Errors
/// The mail is empty, or its head does not end within [`MAX_HEAD_BYTES`], or is a bomb.
pub fn read(raw: &[u8]) -> Result<Head, HeadError> {
    if raw.iter().all(u8::is_ascii_whitespace) {
        return Err(HeadError::Empty);
    }
    let raw = mend::lines(raw);
    let end = end_of_head(&raw);
    if end > MAX_HEAD_BYTES {
        return Err(HeadError::TooLong);
    }
    let (head, body) = raw.split_at(end);
    let head = &*mend::head(head);
    bounds::fits(head, bounds::MOST_AT_THE_DOOR).map_err(|_| HeadError::TooMuch)?;
    // Whoever hands it over waits, so no header is taken apart but these two.
    let parser = MessageParser::new().header_id(HeaderName::MessageId).header_address(HeaderName::From);
    let parsed = parser.parse_headers(head);
    let parsed = parsed.as_ref();
    let message_id = parsed.and_then(|message| message.message_id()).and_then(id);
    let sender = parsed
        .and_then(|message| message.from()?.first()?.address().map(str::to_owned))
        .and_then(|address| normal_address(&address));
    // Servers on the way add headers and mend line ends; what the sender wrote stays.
    let mut identity = Sha256::new();
    for name in ["Message-ID", "Date", "From", "To", "Subject"] {
        let value = parsed.and_then(|message| message.header_raw(name)).unwrap_or_default();
        identity.update(value.trim().as_bytes());
        identity.update([0]);
    }
    for line in body.split(|byte| *byte == b'\n') {
        identity.update(line.strip_suffix(b"\r").unwrap_or(line));
        identity.update(b"\n");
    }
    Ok(Head { message_id, sender, identity: identity.finalize().into() })
}

/// A Message-ID that is kept.
pub(super) fn id(text: &str) -> Option<String> {
    let text = text.trim().trim_matches(['<', '>']);
    let fits = (1..=MAX_ID_BYTES).contains(&text.len()) && !text.contains(|c: char| c.is_control());
    fits.then(|| text.to_owned())
}

/// Where the body begins; the whole length when there is none.
pub(super) fn end_of_head(raw: &[u8]) -> usize {
    let mut at = 0;
    for line in raw.split_inclusive(|byte| *byte == b'\n') {
        at += line.len();
        if matches!(line, b"\n" | b"\r\n") || at > MAX_HEAD_BYTES {
            break;
        }
    }
    at
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_mail_is_the_same_whatever_servers_add() {
        let mail = "Message-ID: <a@x.example>\r\nFrom: Ann <ANN@x.example>\r\nSubject: Lamp\r\n\r\nHello\r\n";
        let first = read(mail.as_bytes()).expect("a head");
        assert_eq!(first.message_id.as_deref(), Some("a@x.example"));
        assert_eq!(first.sender.as_deref(), Some("ann@x.example"));
        let again =
            format!("Received: from y\r\nReturn-Path: <ann@x.example>\r\n{mail}").replace("\r\n", "\n");
        assert_eq!(read(again.as_bytes()).expect("a head").identity, first.identity);
        let other = mail.replace("Hello", "Hullo");
        assert_ne!(
            read(other.as_bytes()).expect("a head").identity,
            first.identity,
            "another mail under the same id"
        );
    }

    #[test]
    fn heads_of_old_programs_are_read() {
        let old = b"Message-ID: <a@x.example>\rFrom: Ann <ann@x.example>\rSubject: Gr\xfc\xdfe\r\rHello\r";
        let head = read(old).expect("a head");
        assert_eq!(
            (head.message_id.as_deref(), head.sender.as_deref()),
            (Some("a@x.example"), Some("ann@x.example"))
        );
        let now = "Message-ID: <a@x.example>\r\nFrom: Ann <ann@x.example>\r\nSubject: Gr\u{fc}\u{df}e\r\n\r\nHello\r\n";
        assert_eq!(read(now.as_bytes()).expect("a head").identity, head.identity);
    }

    #[test]
    fn endless_heads_and_nothing_are_refused() {
        assert_eq!(read(b" \r\n"), Err(HeadError::Empty));
        let long = format!("X-A: {}\r\n\r\nHello", "a".repeat(1_000_000));
        assert_eq!(read(long.as_bytes()), Err(HeadError::TooLong));
        let many = "X-A: b\r\n".repeat(200_000);
        assert_eq!(read(many.as_bytes()), Err(HeadError::TooLong));
        let slow = format!("From: {}\r\n\r\nHello", "=?aa?q?x".repeat(30_000));
        assert_eq!(read(slow.as_bytes()), Err(HeadError::TooMuch));
        assert!(read(b"no header at all").is_ok());
    }

    proptest! {
        #[test]
        fn any_bytes_have_a_head(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            if let Ok(head) = read(&bytes) {
                prop_assert_eq!(read(&bytes), Ok(head));
            }
        }
    }
}
