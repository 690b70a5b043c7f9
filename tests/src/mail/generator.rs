//! Mails as mailboxes are full of: every charset, alternatives, files, calendars, forwarded mails, lists, answers with and
//! without all references, delivery reports and machines that answer by themselves; made from a seed, each with the thread
//! that it belongs to.

use std::fmt::Write as _;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};

/// A mail that was made.
#[derive(Debug, Clone)]
pub struct Generated {
    /// As it is handed over.
    pub raw: Vec<u8>,
    /// The sender of the envelope; empty for reports.
    pub envelope_from: String,
    /// The thread that it belongs to.
    pub thread: usize,
    /// What it is.
    pub kind: Kind,
    /// Its Message-ID.
    pub message_id: String,
    /// A word that its text must still have when it was read.
    pub word: String,
}

/// What a mail is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A person's first mail.
    Opening,
    /// A person's answer within a thread.
    Answer,
    /// A person's mail by a list.
    List,
    /// A machine that answers by itself.
    AutoReply,
    /// A delivery report.
    Report,
}

impl Kind {
    /// Whether a machine sent it.
    pub fn is_machine(self) -> bool {
        matches!(self, Kind::AutoReply | Kind::Report)
    }
}

struct Thread {
    ids: Vec<String>,
    subject: String,
    customer: String,
}

/// Charsets, how they are named, and a word that they can write.
const CHARSETS: [(&str, &str, &[u8]); 9] = [
    ("utf-8", "Gr\u{fc}\u{df}e", "Gr\u{fc}\u{df}e".as_bytes()),
    ("iso-8859-1", "Gr\u{fc}\u{df}e", b"Gr\xfc\xdfe"),
    ("iso-8859-15", "10\u{20ac}", b"10\xa4"),
    ("windows-1252", "\u{201c}hi\u{201d}", b"\x93hi\x94"),
    ("koi8-r", "\u{43f}\u{440}\u{438}\u{432}\u{435}\u{442}", b"\xd0\xd2\xc9\xd7\xc5\xd4"),
    ("shift_jis", "\u{65e5}\u{672c}", b"\x93\xfa\x96\x7b"),
    ("gb2312", "\u{4f60}\u{597d}", b"\xc4\xe3\xba\xc3"),
    ("euc-kr", "\u{d55c}\u{ad6d}", b"\xc7\xd1\xb1\xb9"),
    ("us-ascii", "hello", b"hello"),
];

/// So many mails of this seed, in the order in which they were written, to this address.
pub fn mails(seed: u64, count: usize, to: &str) -> Vec<Generated> {
    let mut random = StdRng::seed_from_u64(seed);
    let mut threads: Vec<Thread> = Vec::new();
    let mut mails = Vec::with_capacity(count);
    for number in 0..count {
        let kind = match random.random_range(0..100) {
            _ if threads.is_empty() => Kind::Opening,
            0..35 => Kind::Opening,
            35..75 => Kind::Answer,
            75..83 => Kind::List,
            83..93 => Kind::AutoReply,
            _ => Kind::Report,
        };
        mails.push(one(&mut random, &mut threads, number, kind, seed, to));
    }
    mails
}

fn one(
    random: &mut StdRng,
    threads: &mut Vec<Thread>,
    number: usize,
    kind: Kind,
    seed: u64,
    to: &str,
) -> Generated {
    let message_id = format!("m{number}.{seed}@x.example");
    let begins = matches!(kind, Kind::Opening | Kind::List);
    let thread = match begins {
        true => {
            threads.push(Thread {
                ids: Vec::new(),
                subject: format!("Question {number}"),
                customer: format!("customer{number}@x.example"),
            });
            threads.len() - 1
        }
        false => random.random_range(0..threads.len()),
    };
    let (charset, word, bytes) = *CHARSETS.choose(random).expect("there are some");
    let word = format!("w{number} {word}");
    let mut text = format!("w{number} ").into_bytes();
    text.extend_from_slice(bytes);
    let known = &threads[thread];
    let (mut head, envelope_from) = head(random, known, kind, &message_id, begins, to);
    let body = match kind {
        Kind::Report => report(&mut head, &text, charset, known),
        _ => body(random, &mut head, &text, charset, !begins, number),
    };
    let mut raw = head.into_bytes();
    raw.extend_from_slice(b"\r\n");
    raw.extend_from_slice(&body);
    threads[thread].ids.push(message_id.clone());
    Generated { raw, envelope_from, thread, kind, message_id, word }
}

fn head(
    random: &mut StdRng,
    thread: &Thread,
    kind: Kind,
    message_id: &str,
    begins: bool,
    to: &str,
) -> (String, String) {
    let (sender, envelope_from) = match kind {
        Kind::Report => ("MAILER-DAEMON@mx.example".to_owned(), String::new()),
        _ => (thread.customer.clone(), thread.customer.clone()),
    };
    let name =
        ["Ann", "\"Example, Ann\"", "=?utf-8?b?QW5uw6k=?=", ""].choose(random).expect("there are some");
    let mut head = format!("From: {name} <{sender}>\r\nTo: <{to}>\r\nMessage-ID: <{message_id}>\r\n");
    let prefix =
        if begins { "" } else { ["Re: ", "AW: ", "Re: Re: "].choose(random).copied().unwrap_or("Re: ") };
    let _ = write!(head, "Subject: {prefix}{}\r\nDate: Mon, 1 Jun 2026 10:00:00 +0200\r\n", thread.subject);
    if !begins {
        let last = thread.ids.last().expect("a thread begins with a mail");
        let _ = write!(head, "In-Reply-To: <{last}>\r\n");
        // Some programs name the last mail alone.
        if random.random_bool(0.7) {
            let ids: Vec<String> = thread.ids.iter().map(|id| format!("<{id}>")).collect();
            let _ = write!(head, "References: {}\r\n", ids.join("\r\n "));
        }
    }
    match kind {
        Kind::List => head += "Precedence: list\r\nList-Id: <lamps.x.example>\r\n",
        Kind::AutoReply => {
            head += [
                "Auto-Submitted: auto-replied\r\n",
                "Auto-Submitted: auto-generated (vacation)\r\n",
                "Return-Path: <>\r\n",
            ]
            .choose(random)
            .expect("there are some");
        }
        _ => {}
    }
    head += "MIME-Version: 1.0\r\n";
    (head, envelope_from)
}

fn body(
    random: &mut StdRng,
    head: &mut String,
    text: &[u8],
    charset: &str,
    is_answer: bool,
    number: usize,
) -> Vec<u8> {
    let mut plain = text.to_vec();
    if is_answer && random.random_bool(0.6) {
        plain.extend_from_slice(
            b"\r\n\r\nOn Mon, 1 Jun 2026, Shop <help@shop.example> wrote:\r\n> history\r\n> more history\r\n",
        );
    }
    let plain_part = encoded(random, &plain, &format!("text/plain; charset={charset}"));
    let mut html = b"<style>p{color:red}</style><p>".to_vec();
    html.extend_from_slice(text);
    html.extend_from_slice(b"</p><script>x()</script>");
    let html_part = encoded(random, &html, &format!("text/html; charset={charset}"));
    let boundary = format!("b{number}");
    let parts = |kind: &str, parts: &[Vec<u8>], head: &mut String| {
        let _ = write!(head, "Content-Type: multipart/{kind}; boundary=\"{boundary}\"\r\n");
        let mut body = Vec::new();
        for part in parts {
            body.extend_from_slice(format!("--{boundary}\r\n").as_bytes());
            body.extend_from_slice(part);
            body.extend_from_slice(b"\r\n");
        }
        body.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
        body
    };
    let single = |part: Vec<u8>, head: &mut String| {
        let at = part.windows(4).position(|four| four == b"\r\n\r\n").expect("a part has a head");
        head.push_str(&String::from_utf8_lossy(&part[..at + 2]));
        part[at + 4..].to_vec()
    };
    match random.random_range(0..8) {
        0 | 1 => single(plain_part, head),
        2 => single(html_part, head),
        3 | 4 => parts("alternative", &[plain_part, html_part], head),
        5 => {
            let picture = STANDARD.encode(b"\x89PNG\r\n\x1a\n and more");
            let file = format!(
                "Content-Type: image/png; name=\"../p{number}.png\"\r\nContent-Transfer-Encoding: base64\r\nContent-Disposition: attachment; filename=\"../p{number}.png\"\r\n\r\n{picture}"
            );
            parts("mixed", &[plain_part, file.into_bytes()], head)
        }
        6 => {
            let calendar = "Content-Type: text/calendar; method=REQUEST; charset=utf-8\r\n\r\nBEGIN:VCALENDAR\r\nMETHOD:REQUEST\r\nEND:VCALENDAR";
            parts("alternative", &[plain_part, calendar.as_bytes().to_vec()], head)
        }
        _ => {
            let forwarded = b"Content-Type: message/rfc822\r\n\r\nFrom: other@y.example\r\nMessage-ID: <inner@y.example>\r\nSubject: inner\r\n\r\ninner text".to_vec();
            parts("mixed", &[plain_part, forwarded], head)
        }
    }
}

fn encoded(random: &mut StdRng, text: &[u8], kind: &str) -> Vec<u8> {
    match random.random_range(0..3) {
        0 => {
            let body = STANDARD.encode(text);
            format!("Content-Type: {kind}\r\nContent-Transfer-Encoding: base64\r\n\r\n{body}").into_bytes()
        }
        1 => {
            let mut body = String::new();
            for byte in text {
                match byte {
                    b'\r' | b'\n' | b' '..=b'<' | b'>'..=b'~' => body.push(char::from(*byte)),
                    byte => {
                        let _ = write!(body, "={byte:02X}");
                    }
                }
            }
            format!("Content-Type: {kind}\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n{body}")
                .into_bytes()
        }
        _ => {
            let mut part =
                format!("Content-Type: {kind}\r\nContent-Transfer-Encoding: 8bit\r\n\r\n").into_bytes();
            part.extend_from_slice(text);
            part
        }
    }
}

fn report(head: &mut String, text: &[u8], charset: &str, thread: &Thread) -> Vec<u8> {
    head.push_str("Content-Type: multipart/report; report-type=delivery-status; boundary=\"r\"\r\n");
    let about = thread.ids.last().expect("a thread begins with a mail");
    let mut body = format!("--r\r\nContent-Type: text/plain; charset={charset}\r\n\r\n").into_bytes();
    body.extend_from_slice(text);
    let rest = format!(
        "\r\n--r\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.example\r\n\r\n\
         Final-Recipient: rfc822; {}\r\nAction: failed\r\nStatus: 5.1.1\r\nDiagnostic-Code: smtp; 550 5.1.1 unknown\r\n\
         \r\n--r\r\nContent-Type: text/rfc822-headers\r\n\r\nMessage-ID: <{about}>\r\nSubject: x\r\n\r\n--r--\r\n",
        thread.customer
    );
    body.extend_from_slice(rest.as_bytes());
    body
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_makes_the_same_mails_of_every_kind() {
        let (one, other) = (mails(7, 300, "help@shop.example"), mails(7, 300, "help@shop.example"));
        assert!(one.iter().zip(&other).all(|(one, other)| one.raw == other.raw));
        assert_ne!(one[0].raw, mails(8, 1, "help@shop.example")[0].raw);
        for kind in [Kind::Opening, Kind::Answer, Kind::List, Kind::AutoReply, Kind::Report] {
            assert!(one.iter().any(|mail| mail.kind == kind), "{kind:?}");
        }
    }
}
