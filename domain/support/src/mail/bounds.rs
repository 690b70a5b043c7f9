//! What a mail may be made of before it is read. Whoever writes one decides what its lines are, and a few bytes over and over
//! are millions of parts or headers, boundaries that are looked for to the end again and again, or mails within mails until
//! the stack is at its end. So its lines are counted first, which costs one pass; and a mail within a mail is a file of it
//! that nobody looks into.

use std::borrow::Cow;

/// Parts and lines of headers together, as far as they can be told from their looks. What is read of one takes some 130 bytes.
const MOST_PIECES: usize = 100_000;
/// Bytes that are looked at for the ends of parts and of encoded words, all attempts together, while somebody waits: less than
/// a second.
pub(super) const MOST_AT_THE_DOOR: u64 = 1 << 30;
/// The same in a job: some seconds.
pub(super) const MOST_IN_A_JOB: u64 = 1 << 32;

/// A mail is made of more than anybody wrote.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TooMuch;

/// Whether a mail, or the head of one, can be read in a time and memory that are known before.
pub(super) fn fits(raw: &[u8], most_looked_at: u64) -> Result<(), TooMuch> {
    let (mut pieces, mut cost, mut boundaries) = (0, 0_u64, 0_u64);
    // What a head may be: the first lines, and those behind whatever looks like a boundary, until an empty one.
    let mut head = Some(Head::default());
    for line in raw.split_inclusive(|byte| *byte == b'\n') {
        let runs = Runs::of(line);
        pieces += runs.count;
        cost = cost.saturating_add(runs.squares);
        if matches!(line, b"\n" | b"\r\n") {
            cost = cost.saturating_add(head.take().unwrap_or_default().cost());
        } else if runs.count > 0 {
            head.get_or_insert_default();
        }
        if let Some(head) = &mut head {
            head.add(line);
            pieces += usize::from(line.contains(&b':'));
            boundaries += u64::from(has_word(line, b"boundary"));
        }
        if pieces > MOST_PIECES {
            return Err(TooMuch);
        }
    }
    cost = cost.saturating_add(head.unwrap_or_default().cost());
    cost = cost.saturating_add(boundaries.saturating_mul(raw.len() as u64));
    if cost > most_looked_at { Err(TooMuch) } else { Ok(()) }
}

/// Lines that may be headers.
#[derive(Default)]
struct Head {
    bytes: u64,
    encoded_words: u64,
    continued: u64,
}

impl Head {
    fn add(&mut self, line: &[u8]) {
        self.bytes += line.len() as u64;
        self.encoded_words += line.windows(2).filter(|pair| *pair == b"=?").count() as u64;
        self.continued += line.iter().filter(|byte| **byte == b'*').count() as u64;
    }

    /// The end of each encoded word may be looked for to the end of its header, and each parameter that goes on (RFC 2231) is
    /// compared with the others.
    fn cost(&self) -> u64 {
        self.encoded_words
            .saturating_mul(self.bytes)
            .saturating_add(self.continued.saturating_mul(self.continued))
    }
}

/// Two dashes or more, with which a boundary begins wherever it stands.
struct Runs {
    count: usize,
    /// Of their lengths: a boundary of dashes is compared at each of them.
    squares: u64,
}

impl Runs {
    fn of(line: &[u8]) -> Runs {
        let dashes = line.split(|byte| *byte != b'-').map(<[u8]>::len).filter(|length| *length >= 2);
        dashes.fold(Runs { count: 0, squares: 0 }, |runs, length| Runs {
            count: runs.count + 1,
            squares: runs.squares.saturating_add((length as u64).saturating_mul(length as u64)),
        })
    }
}

fn has_word(line: &[u8], word: &[u8]) -> bool {
    line.windows(word.len()).any(|window| window.eq_ignore_ascii_case(word))
}

/// Types of parts whose content is a mail of its own, and what they become: of the same length, so every place stays.
const NESTING: [(&[u8; 6], &[u8; 6]); 3] = [(b"rfc822", NESTED), (b"global", NESTED), (b"digest", b"mixed ")];
/// The subtype of `message` that a mail within a mail has once it is [`flat`].
pub(super) const NESTED: &[u8; 6] = b"octets";

/// The mail with mails within it as files; borrowed when there are none.
pub(super) fn flat(raw: &[u8]) -> Cow<'_, [u8]> {
    let mut flat = Cow::Borrowed(raw);
    let (mut at, mut is_type) = (0, false);
    for line in raw.split_inclusive(|byte| *byte == b'\n') {
        // Lines that begin with a blank go on with the header before them.
        let goes_on = matches!(line.first(), Some(b' ' | b'\t')) && is_type;
        is_type = goes_on || names_a_type(line);
        if is_type {
            for (place, other) in nesting(line) {
                flat.to_mut()[at + place..at + place + other.len()].copy_from_slice(other);
            }
        }
        at += line.len();
    }
    flat
}

/// Whether `Content-Type:` stands in it, blanks wherever they are: parsers do not mind them.
fn names_a_type(line: &[u8]) -> bool {
    const NAME: &[u8] = b"content-type:";
    let mut found = 0;
    for byte in line.iter().filter(|byte| !byte.is_ascii_whitespace()).map(u8::to_ascii_lowercase) {
        // The name's first letter is nowhere else in it, so what does not go on begins anew.
        found = if byte == NAME[found] { found + 1 } else { usize::from(byte == NAME[0]) };
        if found == NAME.len() {
            return true;
        }
    }
    false
}

/// The places of the words of [`NESTING`] that are a subtype.
fn nesting(line: &[u8]) -> impl Iterator<Item = (usize, &'static [u8; 6])> + '_ {
    let is_of_a_word =
        |byte: Option<&u8>| byte.is_some_and(|byte| byte.is_ascii_alphanumeric() || b"-_+.".contains(byte));
    line.windows(NESTED.len()).enumerate().filter_map(move |(place, window)| {
        let (_, other) = NESTING.into_iter().find(|(word, _)| window.eq_ignore_ascii_case(*word))?;
        let (before, after) = (&line[..place], line.get(place + other.len()));
        let is_whole = !is_of_a_word(before.last()) && !is_of_a_word(after);
        (is_whole && is_behind_a_slash(before)).then_some((place, other))
    })
}

/// Whether the type ends here and no parameter has begun; what stands in a comment counts for neither.
fn is_behind_a_slash(before: &[u8]) -> bool {
    let Some(slash) = before.iter().position(|byte| *byte == b'/') else { return false };
    let between = &before[slash..];
    between.contains(&b'(') || !between.contains(&b'=')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_people_and_programs_write_fits() {
        let table = "+-----+-----+\n| a:b | c-d |\n".repeat(2_000);
        let css = format!("<style>{}</style><!-- x -->", "p{a:b}\n* {c:d}\n".repeat(5_000));
        let parts = "--b\r\nContent-Type: text/plain\r\n\r\nHello\r\n".repeat(500);
        for body in [table, css, parts] {
            let raw = format!("From: a@x.example\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n{body}");
            assert_eq!(fits(raw.as_bytes(), MOST_IN_A_JOB), Ok(()), "{}", raw.get(..120).unwrap_or_default());
        }
    }

    #[test]
    fn bombs_do_not_fit() {
        let endless = "Content-Type: multipart/mixed; boundary=none\r\n\r\n--b\r\n".repeat(20_000);
        for body in [
            "--b\n".repeat(200_000),
            format!("--b\n{}", "a:\n".repeat(200_000)),
            endless,
            format!("--b\nContent-Type: a/b;{}", " a*1=x;".repeat(100_000)),
            format!("--b\nSubject: {}", "=?aa?q?x".repeat(100_000)),
            // What looks like a boundary within a header begins no other.
            format!("--b\nSubject: {}", "=?aa?q?x--\n ".repeat(100_000)),
            "-".repeat(1_000_000),
        ] {
            let raw = format!("From: a@x.example\nContent-Type: multipart/mixed; boundary=b\n\n{body}");
            assert_eq!(fits(raw.as_bytes(), MOST_IN_A_JOB), Err(TooMuch), "{}", &raw[..120]);
        }
        let head = format!("From: {}\n\n", "=?aa?q?x".repeat(100_000));
        assert_eq!(fits(head.as_bytes(), MOST_AT_THE_DOOR), Err(TooMuch));
    }

    #[test]
    fn a_mail_within_a_mail_is_a_file_however_its_type_is_written() {
        for (written, flat_as) in [
            ("Content-Type: message/rfc822\n", "Content-Type: message/octets\n"),
            ("::content - TYPE : Message / RFC822; x=y\n", "::content - TYPE : Message / octets; x=y\n"),
            ("--bContent-Type: message/global\n", "--bContent-Type: message/octets\n"),
            ("Content-Type: message\n /rfc822\n", "Content-Type: message\n /octets\n"),
            (
                "Content-Type: multipart/digest; boundary=digest\n",
                "Content-Type: multipart/mixed ; boundary=digest\n",
            ),
            ("Content-Type: message/(=a)rfc822\n", "Content-Type: message/(=a)octets\n"),
        ] {
            assert_eq!(String::from_utf8_lossy(&flat(written.as_bytes())), flat_as);
        }
        for other in [
            "Content-Type: text/rfc822-headers\n",
            "Content-Type: message/global-delivery-status\n",
            "Subject: our digest of global news\n",
            "Content-Type: text/plain\nrfc822\n",
        ] {
            assert!(matches!(flat(other.as_bytes()), Cow::Borrowed(_)), "{other}");
        }
    }

    proptest! {
        #[test]
        fn a_mail_stays_as_long_as_it_is(raw in "(Content-Type:|message|/|rfc822|digest|[a-z \n:;-]){0,40}") {
            prop_assert_eq!(flat(raw.as_bytes()).len(), raw.len());
            let _ = fits(raw.as_bytes(), MOST_IN_A_JOB);
        }
    }
}
