//! Writes a mail as RFC 5322 has it: plain text and HTML that say the same, files beside them, its place in its thread,
//! and, when there is a key, a DKIM signature.

use std::borrow::Cow;
use std::fmt;
use std::time::SystemTime;

use bytes::Bytes;
use lettre::message::dkim::{
    DkimCanonicalization, DkimCanonicalizationType, DkimConfig, DkimSigningAlgorithm, DkimSigningKey,
};
use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::message::{Attachment, Mailbox, Message, MultiPart, SinglePart};

use super::error::SendError;
use crate::outgoing::{Outgoing, Subject};

/// Headers that the signature covers, those of them that a mail has.
const SIGNED: [&str; 9] = [
    "From",
    "To",
    "Subject",
    "Date",
    "Message-ID",
    "In-Reply-To",
    "References",
    "Auto-Submitted",
    "MIME-Version",
];

/// A mail that is to leave.
pub struct Letter<'a> {
    /// Whose it is.
    pub from: Person<'a>,
    /// To whom it goes.
    pub to: Person<'a>,
    /// The subject.
    pub subject: &'a Subject,
    /// Its own id, without angle brackets.
    pub message_id: &'a str,
    /// The mail that it answers.
    pub in_reply_to: Option<&'a str>,
    /// The mails of the thread, the oldest first.
    pub references: &'a [String],
    /// `auto-replied` or `auto-generated`, when a machine wrote it (RFC 3834).
    pub auto_submitted: Option<&'static str>,
    /// What it says.
    pub body: &'a Outgoing,
    /// Files that go with it.
    pub files: &'a [File],
    /// How it is signed.
    pub dkim: Option<&'a Dkim>,
    /// When it is sent.
    pub at: SystemTime,
}

/// An address with a name.
#[derive(Clone, Copy)]
pub struct Person<'a> {
    /// The address.
    pub address: &'a str,
    /// The name.
    pub name: Option<&'a str>,
}

/// A file of a mail.
#[derive(Clone)]
pub struct File {
    /// Its name.
    pub name: String,
    /// What it is.
    pub content_type: String,
    /// Its bytes.
    pub bytes: Bytes,
}

/// The key that signs. Printing it for debugging shows nothing of it.
pub struct Dkim {
    /// For which domain.
    pub domain: String,
    /// Under which selector.
    pub selector: String,
    /// RSA as PKCS#1 in PEM, or Ed25519 as 32 bytes in base64.
    pub key: String,
}

impl fmt::Debug for Dkim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dkim").field("domain", &self.domain).finish_non_exhaustive()
    }
}

/// Whether a text is a key that signs.
///
/// # Errors
/// Says what is taken.
pub fn check_key(text: &str) -> Result<(), &'static str> {
    signing_key(text).map(|_| ()).map_err(|()| {
        "must be an RSA key in PEM that begins with -----BEGIN RSA PRIVATE KEY-----, or 32 bytes of an Ed25519 key in base64"
    })
}

fn signing_key(text: &str) -> Result<DkimSigningKey, ()> {
    let text = text.trim();
    let algorithm = match text.starts_with("-----BEGIN") {
        true => DkimSigningAlgorithm::Rsa,
        false => DkimSigningAlgorithm::Ed25519,
    };
    DkimSigningKey::new(text, algorithm).map_err(|_| ())
}

/// The mail, written out, with its envelope.
///
/// # Errors
/// An address or the key does not fit.
pub fn write(letter: &Letter<'_>) -> Result<Message, SendError> {
    let unfit = |what: &str| SendError::Unfit(what.to_owned());
    let mut builder = Message::builder()
        .from(mailbox(letter.from).ok_or_else(|| unfit("the mailbox's own address is none"))?)
        .to(mailbox(letter.to)
            .ok_or_else(|| unfit("the customer's address is none that mail can be sent to"))?)
        .subject(letter.subject.as_str())
        .date(letter.at)
        .message_id(Some(format!("<{}>", letter.message_id)));
    if let Some(id) = letter.in_reply_to {
        builder = builder.in_reply_to(format!("<{id}>"));
    }
    if !letter.references.is_empty() {
        let ids: Vec<String> = letter.references.iter().map(|id| format!("<{id}>")).collect();
        builder = builder.references(ids.join(" "));
    }
    if let Some(value) = letter.auto_submitted {
        builder = builder.raw_header(header("Auto-Submitted", value));
        // What older programs go by.
        builder = builder.raw_header(header("X-Auto-Response-Suppress", "All"));
    }
    let says =
        MultiPart::alternative_plain_html(letter.body.text().to_owned(), letter.body.html().to_owned());
    let content = match letter.files {
        [] => says,
        files => files
            .iter()
            .fold(MultiPart::mixed().multipart(says), |parts, file| parts.singlepart(attached(file))),
    };
    let mut message = builder.multipart(content).map_err(|_| unfit("the mail cannot be written"))?;
    if let Some(dkim) = letter.dkim {
        let key = signing_key(&dkim.key)
            .map_err(|()| unfit("the key that signs the mailbox's mail cannot be read"))?;
        let signed = SIGNED.iter().filter(|name| message.headers().get_raw(name).is_some());
        let names = signed.map(|name| HeaderName::new_from_ascii_str(name)).collect();
        let relaxed = DkimCanonicalizationType::Relaxed;
        let canonicalization = DkimCanonicalization { header: relaxed, body: relaxed };
        let config =
            DkimConfig::new(dkim.selector.clone(), dkim.domain.clone(), key, names, canonicalization);
        message.sign(&config);
    }
    Ok(message)
}

fn header(name: &'static str, value: &str) -> HeaderValue {
    HeaderValue::new(HeaderName::new_from_ascii_str(name), value.to_owned())
}

fn mailbox(person: Person<'_>) -> Option<Mailbox> {
    let name = person.name.map(|name| name.chars().filter(|c| !c.is_control()).collect::<String>());
    let address = for_servers(person.address).parse().ok()?;
    Some(Mailbox::new(name.filter(|name| !name.trim().is_empty()), address))
}

/// The address with its server's name in ASCII, which every mail server takes.
fn for_servers(address: &str) -> Cow<'_, str> {
    let Some((local, domain)) = address.rsplit_once('@').filter(|(_, domain)| !domain.is_ascii()) else {
        return Cow::Borrowed(address);
    };
    match idna::domain_to_ascii(domain) {
        Ok(domain) => Cow::Owned(format!("{local}@{domain}")),
        Err(_) => Cow::Borrowed(address),
    }
}

fn attached(file: &File) -> SinglePart {
    let kind = ContentType::parse(&file.content_type)
        .or_else(|_| ContentType::parse("application/octet-stream"))
        .expect("a type of the standard's own");
    Attachment::new(file.name.clone()).body(file.bytes.to_vec(), kind)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outgoing::Inside;

    const INSIDE: Inside = Inside { tags: &[], instructions: &[] };

    fn written(letter: &Letter<'_>) -> String {
        String::from_utf8(write(letter).expect("written").formatted()).expect("text")
    }

    fn a_subject() -> Subject {
        Subject::repeated("Re: Gr\u{fc}\u{df}e\r\nBcc: evil@x.example")
    }

    fn a_letter<'a>(subject: &'a Subject, body: &'a Outgoing, references: &'a [String]) -> Letter<'a> {
        Letter {
            from: Person { address: "help@shop.example", name: Some("L\u{e4}mp \"Shop\"") },
            to: Person { address: "ann@x.example", name: None },
            subject,
            message_id: "m1@shop.example",
            in_reply_to: references.last().map(String::as_str),
            references,
            auto_submitted: Some("auto-replied"),
            body,
            files: &[],
            dkim: None,
            at: SystemTime::UNIX_EPOCH,
        }
    }

    #[test]
    fn a_mail_has_its_thread_both_texts_and_no_more_headers_than_it_should() {
        let subject = a_subject();
        let body = Outgoing::pass("Hello \u{1f4a5}", "<p>Hello</p>", &INSIDE).expect("it passes");
        let references = ["a@x".to_owned(), "b@x".to_owned()];
        let text = written(&a_letter(&subject, &body, &references));
        for line in [
            "Message-ID: <m1@shop.example>",
            "In-Reply-To: <b@x>",
            "References: <a@x> <b@x>",
            "Auto-Submitted: auto-replied",
        ] {
            assert!(text.contains(line), "{line}: {text}");
        }
        assert!(
            text.contains("text/plain")
                && text.contains("text/html")
                && text.contains("multipart/alternative")
        );
        assert!(!text.lines().any(|line| line.starts_with("Bcc")), "{text}");
        let file = File {
            name: "L\u{e4}mp.pdf".into(),
            content_type: "application/pdf".into(),
            bytes: Bytes::from_static(b"%PDF"),
        };
        let text = written(&Letter { files: &[file], ..a_letter(&subject, &body, &references) });
        assert!(text.contains("multipart/mixed") && text.contains("application/pdf"), "{text}");
    }

    #[test]
    fn the_name_of_a_server_is_written_as_every_server_takes_it() {
        let subject = a_subject();
        let body = Outgoing::pass("Hello", "<p>Hello</p>", &INSIDE).expect("it passes");
        let to = Person { address: "ann@b\u{fc}cher.example", name: None };
        let text = written(&Letter { to, ..a_letter(&subject, &body, &[]) });
        assert!(text.contains("ann@xn--bcher-kva.example"), "{text}");
    }

    #[test]
    fn what_cannot_be_written_says_why() {
        let subject = a_subject();
        let body = Outgoing::pass("Hello", "<p>Hello</p>", &INSIDE).expect("it passes");
        let to = Person { address: "not an address", name: None };
        assert!(matches!(write(&Letter { to, ..a_letter(&subject, &body, &[]) }), Err(SendError::Unfit(_))));
        assert!(check_key("x").is_err());
        assert!(check_key("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=").is_ok());
    }

    #[test]
    fn a_signature_covers_what_matters() {
        let subject = a_subject();
        let body = Outgoing::pass("Hello", "<p>Hello</p>", &INSIDE).expect("it passes");
        let dkim = Dkim {
            domain: "shop.example".into(),
            selector: "desk".into(),
            key: "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=".into(),
        };
        // Headers are folded where they get long.
        let text =
            written(&Letter { dkim: Some(&dkim), ..a_letter(&subject, &body, &[]) }).replace("\r\n ", " ");
        assert!(
            text.contains("DKIM-Signature: v=1; a=ed25519-sha256; d=shop.example; s=desk; c=relaxed/relaxed"),
            "{text}"
        );
        assert!(!format!("{dkim:?}").contains("AAAA"));
    }
}
