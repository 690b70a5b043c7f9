//! A mail as it was read: who wrote it, what it answers, what it says, what came with it. It needs no database; whatever a
//! mail contains, it is read to an end within bounds, and what is left out is said.

use std::borrow::Cow;

use mail_parser::{
    ContentType, Encoding, HeaderName, HeaderValue, Message, MessageParser, MessagePart, MimeHeaders,
    PartType,
};

use super::header::{Head, end_of_head, id};
use super::machine::{self, Signs};
use super::report::{self, Report};
use super::{bounds, closing, html, mend, normal_address, quotes};
use crate::gorgias::html::written;
use crate::tickets::attachments::{MOST_OF_A_MESSAGE, SNIFFED_BYTES, harmless_name, sniff};
use crate::tickets::words::{SUBJECT_LIMIT, TEXT_LIMIT};

/// Mails that a mail says it answers, at most; a long thread's newest and oldest say enough.
pub const MOST_REFERENCES: usize = 30;
/// Characters of a name.
const NAME_CHARS: usize = 200;
/// Parts that are looked at.
const MOST_PARTS: usize = 500;
/// Addresses that a mail server's report names, at most.
const MOST_NAMED: usize = 50;
/// What no address contains and stands between or before some.
const BETWEEN_ADDRESSES: [char; 10] = [':', ';', ',', '<', '>', '(', ')', '[', ']', '"'];
/// What stands for words that were erased.
const ERASED: &str = "[erased]";

const NOT_UTF8: &str =
    "a part is not in UTF-8 although it says so or says nothing, so it was read as Windows-1252";
const UNDIVIDED: &str =
    "it says that it has several parts and not where they begin, so all of it is shown as text, as it came";

const UNCLOSED: &str = "it says that it has several parts and not where the last of them ends, so that one was taken to the \
                        end; some of it may be missing";

/// A mail that was read.
#[derive(Debug, Clone, Default)]
pub struct Letter {
    /// Its Message-ID.
    pub message_id: Option<String>,
    /// The Message-IDs of the mails that it answers, the nearest first.
    pub references: Vec<String>,
    /// Who wrote it.
    pub sender: Option<Person>,
    /// Where it wants answers, when that is somewhere else.
    pub reply_to: Option<Person>,
    /// The subject.
    pub subject: Option<String>,
    /// All that it says, as plain text.
    pub text: String,
    /// What its writer wrote, without history.
    pub stripped: Option<String>,
    /// Its HTML, safe to show.
    pub html: Option<String>,
    /// Whether a machine sent it.
    pub signs: Signs,
    /// What it reports of a mail of ours.
    pub report: Option<Report>,
    /// Files that came with it.
    pub files: Vec<LetterFile>,
    /// What was left out, for people.
    pub remarks: Vec<String>,
}

/// Who wrote a mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// The address, in small letters.
    pub address: String,
    /// The name.
    pub name: Option<String>,
}

/// A file of a mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LetterFile {
    /// Its name, harmless.
    pub name: String,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

/// Why a mail cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// It has no headers.
    #[error(
        "it has no headers, so it is no mail; look at it as it came, and ask its sender to send it again"
    )]
    NoHeaders,
    /// Nobody is named as its writer.
    #[error("it names nobody as its sender, so nobody could be answered; look at it as it came")]
    NoSender,
    /// It would take for ever.
    #[error(
        "it is made of more parts or headers than any mail program writes, so it was not read; look at it as it came, and \
         ask its sender to send it again"
    )]
    TooMuch,
}

/// Reads a mail. `file_limit_bytes` is how long a file may be.
///
/// # Errors
/// It has no headers, nobody as its sender and is no machine's either, or it is a bomb.
pub fn read(
    raw: &[u8],
    head: &Head,
    envelope_from: Option<&str>,
    file_limit_bytes: usize,
) -> Result<Letter, Unreadable> {
    let came = mended(raw);
    bounds::fits(&came, bounds::MOST_IN_A_JOB).map_err(|_| Unreadable::TooMuch)?;
    let flat = bounds::flat(&came);
    let message = parser().parse(&*flat).ok_or(Unreadable::NoHeaders)?;
    let closed = closing::closed(&message, &came);
    let Some(closed) = &closed else {
        return of_message(&message, &came, &flat, head, envelope_from, file_limit_bytes);
    };
    let flat = bounds::flat(closed);
    let message = parser().parse(&*flat).ok_or(Unreadable::NoHeaders)?;
    let mut letter = of_message(&message, closed, &flat, head, envelope_from, file_limit_bytes)?;
    letter.remarks.insert(0, UNCLOSED.to_owned());
    Ok(letter)
}

/// What a mail says. It was read of `flat`; in `raw` the mails within it are as they came.
fn of_message(
    message: &Message<'_>,
    raw: &[u8],
    flat: &[u8],
    head: &Head,
    envelope_from: Option<&str>,
    file_limit_bytes: usize,
) -> Result<Letter, Unreadable> {
    if message.parts.first().is_none_or(|part| part.headers.is_empty()) {
        return Err(Unreadable::NoHeaders);
    }
    let sender = person(message.from()).or_else(|| {
        let address = normal_address(envelope_from?)?;
        Some(Person { address, name: None })
    });
    let address = sender.as_ref().map(|sender| sender.address.as_str());
    // A mail server's name has no address often enough.
    let named = message.from().and_then(|from| from.first()?.address().map(str::to_lowercase));
    let signs = machine::signs(message, address.or(named.as_deref()), envelope_from);
    if sender.is_none() && signs.machine.is_none() {
        return Err(Unreadable::NoSender);
    }
    let mut letter = Letter {
        message_id: head.message_id.clone(),
        references: references(message),
        reply_to: person(message.reply_to()).filter(|person| Some(person.address.as_str()) != address),
        sender,
        subject: message
            .subject()
            .map(|subject| short(subject, SUBJECT_LIMIT))
            .filter(|text| !text.is_empty()),
        report: signs.machine.and_then(|_| report::read(message)),
        signs,
        ..Letter::default()
    };
    if is_undivided(message) {
        take_text(&mut letter, &plain(&mend::any_text(&message.parts[0], flat)), None);
        letter.remarks.push(UNDIVIDED.to_owned());
        return Ok(letter);
    }
    read_text(message, flat, &mut letter);
    read_files(message, raw, file_limit_bytes, &mut letter);
    Ok(letter)
}

impl Letter {
    /// Whom it tells of when a machine sent it: its sender, and of a mail server those whom a mail did not reach.
    pub fn tells_of(&self) -> Vec<String> {
        if self.signs.machine.is_none() {
            return Vec::new();
        }
        let sender = self.sender.iter().map(|person| person.address.clone());
        let is_of_a_server = self.report.is_some()
            || self.sender.as_ref().is_some_and(|person| machine::is_mail_server(&person.address));
        let reported = self.report.iter().flat_map(|report| report.recipients.iter().cloned());
        let around = |c: char| !c.is_alphanumeric();
        let address = |piece: &str| normal_address(piece.trim_matches(around));
        let written = self.text.split_whitespace().filter(|word| word.contains('@'));
        let written = written.filter_map(|word| word.split(BETWEEN_ADDRESSES).find_map(address));
        sender.chain(reported.chain(written).filter(|_| is_of_a_server)).take(MOST_NAMED).collect()
    }

    /// The same without a word and without a name: what is left of a machine's mail about somebody who was erased.
    #[must_use]
    pub fn without_words(self) -> Letter {
        Letter {
            message_id: self.message_id,
            references: self.references,
            text: ERASED.to_owned(),
            signs: self.signs,
            report: self.report.map(|report| Report { diagnosis: None, recipients: Vec::new(), ..report }),
            ..Letter::default()
        }
    }
}

/// The mail as a careful program would have written it.
fn mended(raw: &[u8]) -> Cow<'_, [u8]> {
    let raw = mend::lines(raw);
    let end = end_of_head(&raw);
    let head = mend::head(&raw[..end]);
    match (mend::words(&head), &head) {
        (Cow::Owned(words), _) => Cow::Owned([words.as_slice(), &raw[end..]].concat()),
        (Cow::Borrowed(_), Cow::Owned(head)) => Cow::Owned([head.as_slice(), &raw[end..]].concat()),
        (Cow::Borrowed(_), Cow::Borrowed(_)) => raw,
    }
}

/// Whether it should have parts, and nobody can tell them apart.
fn is_undivided(message: &Message<'_>) -> bool {
    let [only] = message.parts.as_slice() else { return false };
    only.content_type().is_some_and(|kind| kind.ctype().eq_ignore_ascii_case("multipart"))
}

/// Reads those headers whose values are looked at; the others stay as they are written.
fn parser() -> MessageParser {
    MessageParser::new()
        .with_mime_headers()
        .with_message_ids()
        .header_address(HeaderName::From)
        .header_address(HeaderName::ReplyTo)
        .header_text(HeaderName::Subject)
}

fn read_text(message: &Message<'_>, flat: &[u8], letter: &mut Letter) {
    let mut text = String::new();
    let mut from_html = None;
    for part in message.text_bodies().take(MOST_PARTS) {
        let Some((words, is_mended)) = words_of(part, flat) else { continue };
        let more = match &part.body {
            PartType::Html(_) => {
                from_html.get_or_insert_with(|| written(&words, TEXT_LIMIT));
                whole_text(&words)
            }
            _ => plain(&words),
        };
        if more.is_empty() {
            continue;
        }
        if !text.is_empty() {
            text.push_str("\n\n");
        }
        text.push_str(&more);
        if part.is_encoding_problem {
            letter.remarks.push("a part was encoded wrongly, so some of it may be missing".to_owned());
        }
        if is_mended && !letter.remarks.iter().any(|remark| remark == NOT_UTF8) {
            letter.remarks.push(NOT_UTF8.to_owned());
        }
        if text.len() > 4 * TEXT_LIMIT {
            break;
        }
    }
    take_text(letter, &text, from_html);
    let markup: Vec<Cow<'_, str>> = message
        .html_bodies()
        .filter(|part| matches!(part.body, PartType::Html(_)))
        .filter_map(|part| Some(words_of(part, flat)?.0))
        .collect();
    if !markup.is_empty() {
        letter.html = html::sanitised(&markup.join("\n")).map(|html| html.replace('\0', ""));
        if letter.html.is_none() {
            letter
                .remarks
                .push("the HTML was left out: it is empty, too long or nested too deeply".to_owned());
        }
    }
}

/// What a part says, and whether it had to be read otherwise than it says. `flat` is what it was read of.
fn words_of<'m>(part: &'m MessagePart<'_>, flat: &[u8]) -> Option<(Cow<'m, str>, bool)> {
    let (PartType::Text(words) | PartType::Html(words)) = &part.body else { return None };
    Some(match mend::text(part, flat) {
        Some(words) => (Cow::Owned(words), true),
        None => (Cow::Borrowed(words), false),
    })
}

/// Its text, and without history. Of HTML the markup says where that begins; of plain text its words do.
fn take_text(letter: &mut Letter, text: &str, from_html: Option<String>) {
    let cut: String = text.chars().take(TEXT_LIMIT).collect();
    if cut.len() < text.len() {
        letter.remarks.push(format!("the text was cut after {TEXT_LIMIT} characters"));
    }
    letter.stripped = match from_html {
        Some(own) if own != cut && !own.is_empty() => Some(own),
        _ => quotes::stripped(&cut),
    };
    letter.text = cut;
}

/// All of an HTML part as text, the history too.
fn whole_text(markup: &str) -> String {
    plain(&crate::gorgias::html::whole(markup, TEXT_LIMIT))
}

/// Its files. `raw` is the mail as it came: of a mail within it the file is what came.
fn read_files(message: &Message<'_>, raw: &[u8], limit_bytes: usize, letter: &mut Letter) {
    for part in message.attachments().take(MOST_PARTS) {
        let kind = part.content_type();
        let is_mail = kind.is_some_and(|kind| kind.ctype().eq_ignore_ascii_case("message"));
        // The status of a report is read, and says nothing to people.
        if letter.report.is_some() && is_mail {
            continue;
        }
        let as_it_came = (part.offset_body as usize)..(part.offset_end as usize);
        let bytes = match raw.get(as_it_came) {
            Some(bytes) if is_mail && part.encoding == Encoding::None => bytes,
            _ => part.contents(),
        };
        if bytes.is_empty() {
            continue;
        }
        let name = name_of(part, raw, letter.files.len() + 1);
        if letter.files.len() >= MOST_OF_A_MESSAGE {
            letter
                .remarks
                .push(format!("{name} was left out: a message has at most {MOST_OF_A_MESSAGE} files"));
            break;
        }
        if bytes.len() > limit_bytes {
            letter.remarks.push(format!("{name} was left out: it has more than {limit_bytes} bytes"));
            continue;
        }
        if let Some(claim) = false_claim(kind, &name, bytes) {
            letter
                .remarks
                .push(format!("{name} says that it is {claim} and is something else; open it with care"));
        }
        letter.files.push(LetterFile { name, bytes: bytes.to_vec() });
    }
}

/// What a file claims to be by its type or its name and is not: a picture, or a PDF, which people open without a thought.
fn false_claim(kind: Option<&ContentType<'_>>, name: &str, bytes: &[u8]) -> Option<&'static str> {
    let subtype = kind.and_then(|kind| kind.subtype()).unwrap_or_default().to_ascii_lowercase();
    let ending = name.rsplit_once('.').map_or(String::new(), |(_, ending)| ending.to_ascii_lowercase());
    // A drawing is a text that may contain programs, and says so.
    let is_picture = kind
        .is_some_and(|kind| kind.ctype().eq_ignore_ascii_case("image") && subtype != "svg+xml")
        || ["png", "jpg", "jpeg", "gif", "webp", "bmp", "heic", "tif", "tiff"].contains(&ending.as_str());
    let is = sniff(&bytes[..bytes.len().min(SNIFFED_BYTES)]);
    if is_picture && !is.starts_with("image/") {
        return Some("a picture");
    }
    ((subtype == "pdf" || ending == "pdf") && is != "application/pdf").then_some("a PDF")
}

fn name_of(part: &MessagePart<'_>, raw: &[u8], number: usize) -> String {
    if let Some(name) = mend::file_name(part, raw).filter(|name| !name.trim().is_empty()) {
        return harmless_name(&name);
    }
    if let Some(name) = part.attachment_name().filter(|name| !name.trim().is_empty()) {
        return harmless_name(name);
    }
    let kind = part.content_type();
    let ending =
        match (kind.map(|kind| kind.ctype().to_ascii_lowercase()), kind.and_then(|kind| kind.subtype())) {
            (Some(kind), _) if kind == "message" => "eml",
            (Some(kind), Some(subtype)) if kind == "text" && subtype.eq_ignore_ascii_case("calendar") => {
                "ics"
            }
            (_, Some(subtype)) if subtype.eq_ignore_ascii_case("pdf") => "pdf",
            (_, Some(subtype)) if subtype.eq_ignore_ascii_case("png") => "png",
            (_, Some(subtype)) if subtype.eq_ignore_ascii_case("jpeg") => "jpg",
            _ => "bin",
        };
    format!("file-{number}.{ending}")
}

/// In-Reply-To first, then References from the nearest to the farthest.
fn references(message: &Message<'_>) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let mut add = |text: &str| {
        if let Some(id) = id(text).filter(|id| !found.contains(id))
            && found.len() < MOST_REFERENCES
        {
            found.push(id);
        }
    };
    ids(message.in_reply_to()).for_each(&mut add);
    ids(message.references()).rev().for_each(&mut add);
    found
}

fn ids<'a>(value: &'a HeaderValue<'_>) -> Box<dyn DoubleEndedIterator<Item = &'a str> + 'a> {
    match value {
        HeaderValue::Text(text) => Box::new(std::iter::once(text.as_ref())),
        HeaderValue::TextList(list) => Box::new(list.iter().map(AsRef::as_ref)),
        _ => Box::new(std::iter::empty()),
    }
}

fn person(addresses: Option<&mail_parser::Address<'_>>) -> Option<Person> {
    let first = addresses?
        .iter()
        .find(|address| address.address().is_some_and(|text| normal_address(text).is_some()))?;
    let address = normal_address(first.address()?)?;
    let name = first.name().map(|name| short(name, NAME_CHARS)).filter(|name| !name.is_empty());
    Some(Person { address, name })
}

fn short(text: &str, limit: usize) -> String {
    let flat: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let words: Vec<&str> = flat.split_whitespace().collect();
    words.join(" ").chars().take(limit).collect()
}

/// Text with line breaks as here, and without characters that nobody wrote.
fn plain(text: &str) -> String {
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    text.chars().filter(|c| !c.is_control() || matches!(c, '\n' | '\t')).collect::<String>().trim().to_owned()
}

#[cfg(test)]
mod tests {
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;
    use proptest::prelude::*;

    use super::super::header;
    use super::*;

    fn letter(raw: &[u8]) -> Result<Letter, Unreadable> {
        read(raw, &header::read(raw).expect("a head"), None, 1_000)
    }

    #[test]
    fn text_html_and_files_are_read() {
        let raw = "From: =?utf-8?q?Zo=C3=AB?= <ZOE@x.example>\r\nMessage-ID: <m2@x>\r\nIn-Reply-To: <m1@shop>\r\n\
            References: <m0@x> <m1@shop>\r\nSubject: =?iso-8859-1?q?Gr=FC=DFe?=\r\nReply-To: other@x.example\r\n\
            Content-Type: multipart/mixed; boundary=o\r\n\r\n\
            --o\r\nContent-Type: multipart/alternative; boundary=a\r\n\r\n\
            --a\r\nContent-Type: text/plain; charset=iso-8859-1\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n\
            Gr=FC=DFe!\r\n\r\nOn Monday, Shop <s@shop> wrote:\r\n> Hello\r\n\
            --a\r\nContent-Type: text/html; charset=utf-8\r\n\r\n<p>Gr\u{fc}\u{df}e!<script>x()</script></p>\r\n--a--\r\n\
            --o\r\nContent-Type: image/png; name=\"../lamp.png\"\r\nContent-Disposition: attachment; filename=\"../lamp.png\"\r\nContent-Transfer-Encoding: base64\r\n\r\niVBORw0KGgo=\r\n\
            --o\r\nContent-Type: application/x-big\r\nContent-Disposition: attachment; filename=big.bin\r\n\r\nBIG\r\n--o--\r\n"
            .replace("BIG", &"b".repeat(2_000));
        let letter = letter(raw.as_bytes()).expect("it is read");
        assert_eq!(
            letter.sender,
            Some(Person { address: "zoe@x.example".into(), name: Some("Zo\u{eb}".into()) })
        );
        assert_eq!(letter.reply_to.map(|person| person.address).as_deref(), Some("other@x.example"));
        assert_eq!(letter.references, ["m1@shop", "m0@x"]);
        assert_eq!(letter.subject.as_deref(), Some("Gr\u{fc}\u{df}e"));
        assert!(letter.text.contains("wrote:") && letter.text.starts_with("Gr\u{fc}\u{df}e!"));
        assert_eq!(letter.stripped.as_deref(), Some("Gr\u{fc}\u{df}e!"));
        assert_eq!(letter.html.as_deref().map(str::trim), Some("<p>Gr\u{fc}\u{df}e!</p>"));
        let names: Vec<&str> = letter.files.iter().map(|file| file.name.as_str()).collect();
        assert_eq!(names, ["lamp.png"]);
        assert_eq!(letter.remarks.len(), 1, "{:?}", letter.remarks);
    }

    #[test]
    fn html_alone_has_a_text_without_style_and_history() {
        let raw = "From: a@x.example\r\nContent-Type: text/html\r\n\r\n<style>p{color:red}</style><p>Thanks!</p>\
                   <div class=\"gmail_quote\">On Monday wrote: <blockquote>Hi</blockquote></div>";
        let letter = letter(raw.as_bytes()).expect("it is read");
        assert_eq!(letter.stripped.as_deref(), Some("Thanks!"));
        assert!(
            letter.text.starts_with("Thanks!")
                && letter.text.contains("Hi")
                && !letter.text.contains("color")
        );
    }

    #[test]
    fn what_says_that_it_is_utf8_and_is_windows_1252_is_read_as_that_and_told() {
        let text = b"Gr\xfc\xdfe, das kostet 5 \x80";
        let html = [b"<p>".as_slice(), text, b"</p>"].concat();
        let quoted: Vec<u8> = text
            .iter()
            .flat_map(|byte| if byte.is_ascii() { vec![*byte] } else { format!("={byte:02X}").into_bytes() })
            .collect();
        for (kind, encoding, body) in [
            ("text/plain; charset=utf-8", "8bit", text.to_vec()),
            ("text/plain; charset=\"UTF8\"", "quoted-printable", quoted),
            ("text/plain; charset=UTF-8", "base64", STANDARD.encode(text).into_bytes()),
            ("text/plain", "8bit", text.to_vec()),
            ("text/html; charset=utf-8", "8bit", html),
        ] {
            let head = format!(
                "From: a@x.example\r\nContent-Type: {kind}\r\nContent-Transfer-Encoding: {encoding}\r\n"
            );
            let head = [head.as_bytes(), b"Subject: Gr\xfc\xdfe\r\n\r\n"].concat();
            let letter = letter(&[head.as_slice(), &body, b"\r\n"].concat()).expect("it is read");
            assert_eq!(letter.text, "Gr\u{fc}\u{df}e, das kostet 5 \u{20ac}", "{kind} {encoding}");
            assert_eq!(letter.subject.as_deref(), Some("Gr\u{fc}\u{df}e"));
            assert_eq!(letter.remarks, [NOT_UTF8], "{kind} {encoding}");
            let html =
                kind.starts_with("text/html").then_some("<p>Gr\u{fc}\u{df}e, das kostet 5 \u{20ac}</p>");
            assert_eq!(letter.html.as_deref().map(str::trim), html, "{kind} {encoding}");
        }
        // In parts, of which the other says what it is.
        let raw = [
            b"From: a@x.example\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n".as_slice(),
            text,
            b"\r\n--b\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nGr\xc3\xbc\xc3\x9fe\r\n--b--\r\n",
        ]
        .concat();
        let letter = letter(&raw).expect("it is read");
        assert_eq!(letter.text, "Gr\u{fc}\u{df}e, das kostet 5 \u{20ac}\n\nGr\u{fc}\u{df}e");
        // One letter that was cut in two makes no other text of the rest.
        let raw = b"From: a@x.example\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nGr\xc3\xbc\xc3\x9fe \xc3\r\n";
        let letter = self::letter(raw).expect("it is read");
        assert!(letter.text.starts_with("Gr\u{fc}\u{df}e") && letter.remarks.is_empty(), "{letter:?}");
    }

    #[test]
    fn parts_that_nobody_can_tell_apart_are_text_and_told() {
        for kind in
            ["multipart/mixed", "multipart/alternative; boundary=\"other\"", "multipart/mixed; charset=utf-8"]
        {
            let raw = format!(
                "From: a@x.example\r\nContent-Type: {kind}\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\n\
                 Where is my lamp?\r\n--b--\r\n"
            );
            let letter = letter(raw.as_bytes()).expect("it is read");
            assert!(letter.text.contains("Where is my lamp?"), "{kind}: {letter:?}");
            assert_eq!(
                (letter.remarks.as_slice(), letter.files.len()),
                ([UNDIVIDED.to_owned()].as_slice(), 0)
            );
        }
    }

    #[test]
    fn parts_that_nobody_closed_are_read_and_told() {
        let head = "From: a@x.example\r\nContent-Type: multipart/mixed; boundary=o\r\n\r\n--o\r\n";
        let inner =
            "Content-Type: multipart/alternative; boundary=i\r\n\r\n--i\r\nContent-Type: text/plain\r\n\r\n";
        let said = "Where is my lamp?";
        for (body, has_html) in [
            (format!("Content-Type: text/plain\r\n\r\n{said}"), false),
            (format!("Content-Type: text/plain\r\nContent-Transfer-Encoding: base64\r\n\r\n{}\r\n", STANDARD.encode(said)), false),
            ("Content-Type: text/plain\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\nWhere is my =\r\nlamp=3F\r\n".to_owned(), false),
            (format!("Content-Type: text/html\r\n\r\n<p>{said}</p>\r\n"), true),
            (format!("{inner}{said}\r\n--o--\r\n"), false),
            (format!("{inner}{said}\r\n"), false),
        ] {
            let letter = letter(format!("{head}{body}").as_bytes()).expect("it is read");
            assert_eq!((letter.text.as_str(), letter.html.is_some()), (said, has_html), "{body}");
            assert_eq!((letter.remarks.as_slice(), letter.files.as_slice()), ([UNCLOSED.to_owned()].as_slice(), [].as_slice()));
        }
    }

    #[test]
    fn words_of_headers_that_say_utf8_and_are_windows_1252_are_read_as_that() {
        let raw = [
            b"From: =?utf-8?Q?J=FCrgen?= <j@x.example>\r\nSubject: =?utf-8?Q?Gr=FC=DFe?=\r\n".as_slice(),
            b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\n=?utf-8?Q?=FC?=\r\n",
            b"--b\r\nContent-Type: application/zip\r\nContent-Disposition: attachment; filename=\"=?utf-8?Q?Gr=FC=DFe.zip?=\"\r\n\r\nx\r\n",
            b"--b\r\nContent-Type: application/zip; name=\"T\xfcr.zip\"\r\n\r\nx\r\n",
            "--b\r\nContent-Type: application/zip; name=\"T\u{fc}r.zip\"\r\n\r\nx\r\n".as_bytes(),
            b"--b\r\nContent-Type: application/zip\r\nContent-Disposition: attachment; filename*0*=windows-1252''T%FC;\r\n filename*1*=%DF.zip\r\n\r\nx\r\n--b--\r\n",
        ]
        .concat();
        let letter = letter(&raw).expect("it is read");
        assert_eq!(letter.subject.as_deref(), Some("Gr\u{fc}\u{df}e"));
        assert_eq!(letter.sender.and_then(|person| person.name).as_deref(), Some("J\u{fc}rgen"));
        assert_eq!(letter.text, "=?utf-8?Q?=FC?=", "what is no header is as it came");
        let names: Vec<&str> = letter.files.iter().map(|file| file.name.as_str()).collect();
        assert_eq!(names, ["Gr\u{fc}\u{df}e.zip", "T\u{fc}r.zip", "T\u{fc}r.zip", "T\u{fc}\u{df}.zip"]);
    }

    #[test]
    fn lines_that_end_by_carriage_returns_alone_are_lines() {
        let raw = "From: Ann <ann@x.example>\rSubject: Lamp\rContent-Type: multipart/mixed; boundary=b\r\r--b\r\
                   Content-Type: text/plain\r\rHello\rthere\r--b\rContent-Type: message/rfc822\r\rSubject: x\r\rHi\r--b--\r";
        let letter = letter(raw.as_bytes()).expect("it is read");
        assert_eq!((letter.subject.as_deref(), letter.text.as_str()), (Some("Lamp"), "Hello\nthere"));
        assert_eq!(letter.sender.map(|person| person.address).as_deref(), Some("ann@x.example"));
        assert_eq!(letter.files.len(), 1);
    }

    #[test]
    fn a_machine_tells_of_its_sender_and_a_mail_server_of_whom_it_did_not_reach() {
        let text = "Delivery to <ann@x.example>: failed.\r\nsmtp;550 (bob@x.example), mailto:eve@x.example";
        let of = |head: &str| {
            let raw = format!("{head}\r\n{text}\r\n");
            letter(raw.as_bytes()).expect("it is read").tells_of()
        };
        assert!(of("From: zoe@x.example\r\n").is_empty(), "a person");
        assert_eq!(of("From: zoe@x.example\r\nAuto-Submitted: auto-replied\r\n"), ["zoe@x.example"]);
        assert_eq!(
            of("From: MAILER-DAEMON@mx.example\r\n"),
            ["mailer-daemon@mx.example", "ann@x.example", "bob@x.example", "eve@x.example"]
        );
    }

    #[test]
    fn nobody_and_nothing_are_told() {
        assert_eq!(letter(b"Subject: x\r\n\r\nhello").err(), Some(Unreadable::NoSender));
        assert!(letter(b"From: not an address\r\n\r\nhello").is_err());
        assert!(letter(b"From: MAILER-DAEMON\r\nAuto-Submitted: auto-replied\r\n\r\nhello").is_ok());
    }

    #[test]
    fn nested_mails_come_to_an_end() {
        let mut raw = String::from("From: a@x.example\r\n");
        for depth in 0..2_000 {
            raw += &format!("Content-Type: multipart/mixed; boundary=b{depth}\r\n\r\n--b{depth}\r\n");
        }
        let letter = letter(raw.as_bytes());
        assert!(letter.is_ok_and(|letter| letter.files.len() <= MOST_OF_A_MESSAGE));
        let mut raw = String::from("From: a@x.example\r\n");
        raw += &"Content-Type: message/rfc822\r\n\r\nFrom: b@x.example\r\n".repeat(100_000);
        assert!(self::letter(raw.as_bytes()).is_ok());
        // The same, hidden in an encoding that such a part must not have.
        let hidden = STANDARD.encode("Content-Type: message/rfc822\n\n".repeat(20_000));
        let raw = format!(
            "From: a@x.example\r\nContent-Type: message/rfc822\r\nContent-Transfer-Encoding: base64\r\n\r\n{hidden}\r\n"
        );
        assert!(self::letter(raw.as_bytes()).is_ok());
        let digest = "Content-Type: multipart/digest; boundary=d\r\n\r\n--d\r\n\r\n";
        assert!(self::letter(format!("From: a@x.example\r\n{}", digest.repeat(5_000)).as_bytes()).is_ok());
    }

    #[test]
    fn a_file_that_claims_to_be_harmless_and_is_not_is_told() {
        for (kind, name, claim) in [
            ("image/png", "lamp.png", Some("a picture")),
            ("application/octet-stream", "lamp.JPG", Some("a picture")),
            ("application/pdf", "invoice", Some("a PDF")),
            ("text/plain", "invoice.pdf", Some("a PDF")),
            ("image/svg+xml", "drawing.svg", None),
            ("application/zip", "all.zip", None),
        ] {
            let raw = format!(
                "From: a@x.example\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: {kind}\r\n\
                 Content-Disposition: attachment; filename=\"{name}\"\r\n\r\nMZ\u{1}\r\n--b--\r\n"
            );
            let remarks = letter(raw.as_bytes()).expect("it is read").remarks;
            match claim {
                Some(claim) => {
                    assert!(remarks.len() == 1 && remarks[0].contains(claim), "{name}: {remarks:?}")
                }
                None => assert!(remarks.is_empty(), "{name}: {remarks:?}"),
            }
        }
    }

    #[test]
    fn bombs_are_told_and_not_read() {
        for body in ["--b\n".repeat(500_000), format!("--b\n{}", "a:\n".repeat(500_000))] {
            let raw = format!("From: a@x.example\nContent-Type: multipart/mixed; boundary=b\n\n{body}");
            assert_eq!(letter(raw.as_bytes()).err(), Some(Unreadable::TooMuch));
        }
    }

    #[test]
    fn a_mail_within_a_mail_is_a_file_as_it_came() {
        let inner = "From: b@x.example\r\nContent-Type: multipart/mixed; boundary=i\r\n\r\n--i\r\n\
                     Content-Type: message/rfc822\r\n\r\nSubject: innermost\r\n\r\nHi\r\n--i--";
        let raw = format!(
            "From: a@x.example\r\nContent-Type: multipart/mixed; boundary=o\r\n\r\n--o\r\n\r\nSee below.\r\n--o\r\n\
             Content-Type: message/rfc822\r\n\r\n{inner}\r\n--o--\r\n"
        );
        let letter = letter(raw.as_bytes()).expect("it is read");
        assert_eq!(letter.text, "See below.");
        let [file] = letter.files.as_slice() else { panic!("{:?}", letter.files) };
        assert_eq!(
            (file.name.as_str(), String::from_utf8_lossy(&file.bytes).as_ref()),
            ("file-1.eml", inner)
        );
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(pieces in proptest::collection::vec(prop_oneof![
            Just(b"From: a@x.example\r\n".to_vec()), Just(b"Content-Type: multipart/mixed; boundary=b\r\n".to_vec()),
            Just(b"Content-Type: text/html; charset=utf-16\r\n".to_vec()), Just(b"Content-Type: message/rfc822\r\n".to_vec()),
            Just(b"Content-Transfer-Encoding: base64\r\n".to_vec()), Just(b"\r\n--b\r\n".to_vec()), Just(b"\r\n".to_vec()),
            Just(b"References: <a> <b>\r\n c\r\n".to_vec()), proptest::collection::vec(any::<u8>(), 0..30),
        ], 0..25)) {
            let raw = pieces.concat();
            if let Ok(head) = header::read(&raw)
                && let Ok(letter) = read(&raw, &head, Some(""), 1_000)
            {
                prop_assert!(letter.text.chars().count() <= TEXT_LIMIT);
                prop_assert!(letter.files.len() <= MOST_OF_A_MESSAGE && letter.references.len() <= MOST_REFERENCES);
            }
        }
    }
}
