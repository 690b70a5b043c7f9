//! Delivery reports: which of our mails did not arrive, and why. Most are written for programs (RFC 3464); those of other mail
//! servers say it in words, with the mail that came back below them.

use mail_parser::{HeaderValue, Message, MessageParser, MimeHeaders, PartType};

use super::bounds::NESTED;
use super::header::id;
use super::normal_address;

/// Characters of a diagnosis that are kept.
const DIAGNOSIS_CHARS: usize = 300;

/// What a report says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// What became of the mail.
    pub action: Action,
    /// Such as `5.1.1`.
    pub status: Option<String>,
    /// What the other server said.
    pub diagnosis: Option<String>,
    /// The Message-ID of the mail that it is about.
    pub about: Option<String>,
    /// Whom it did not reach, at most 20.
    pub recipients: Vec<String>,
}

/// Recipients of a report that are kept.
const MOST_RECIPIENTS: usize = 20;

/// What became of a mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// It did not arrive and will not.
    Failed,
    /// It has not arrived yet.
    Delayed,
    /// It arrived, or went on.
    Other,
}

impl Report {
    /// The reason for people.
    pub fn reason(&self) -> String {
        let status = self.status.as_deref().unwrap_or("5.0.0");
        match &self.diagnosis {
            Some(diagnosis) => format!("the mail came back ({status}): {diagnosis}"),
            None => format!("the mail came back ({status})"),
        }
    }
}

/// The report in what a machine sent, if it is one.
pub fn read(message: &Message<'_>) -> Option<Report> {
    for_programs(message).or_else(|| in_words(message))
}

fn for_programs(message: &Message<'_>) -> Option<Report> {
    let fields = message.parts.iter().find_map(|part| {
        let kind = part.content_type()?;
        let is_status = kind.ctype().eq_ignore_ascii_case("message")
            && kind
                .subtype()
                .is_some_and(|subtype| subtype.to_ascii_lowercase().ends_with("delivery-status"));
        is_status.then(|| text_of(&part.body))
    })?;
    // The report's own fields stand first, then those of each recipient.
    let field = |name: &str| {
        fields_of(&fields).find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    };
    let action = match field("Action").map(|action| action.to_ascii_lowercase()).as_deref() {
        Some("failed") => Action::Failed,
        Some("delayed") => Action::Delayed,
        _ => Action::Other,
    };
    let diagnosis = field("Diagnostic-Code").map(|code| {
        let code = code.split_once(';').map_or(code.as_str(), |(_, text)| text);
        shortened(code)
    });
    let status = field("Status").map(|status| status.chars().take(20).collect());
    let recipients = fields_of(&fields)
        .filter(|(name, _)| {
            ["final-recipient", "original-recipient"].contains(&name.to_ascii_lowercase().as_str())
        })
        .filter_map(|(_, value)| normal_address(value.split_once(';').map_or(value.as_str(), |(_, to)| to)))
        .take(MOST_RECIPIENTS)
        .collect();
    // Some send back nothing of the mail, and answer it.
    Some(Report {
        action,
        status,
        diagnosis,
        about: about(message).or_else(|| answered(message)),
        recipients,
    })
}

/// Words of reports that are written for people.
const FAILED: [&str; 11] = [
    "permanent error",
    "permanent fatal error",
    "could not be delivered",
    "couldn't be delivered",
    "was not delivered",
    "unable to deliver",
    "undeliverable",
    "delivery failed",
    "delivery has failed",
    "returned to sender",
    "konnte nicht zugestellt werden",
];
/// Words of those by which a server says that it goes on trying.
const DELAYED: [&str; 4] = [
    "has not yet been delivered",
    "will be retried",
    "delivery attempts will continue",
    "still being retried",
];
/// Characters of such a report that are looked at; the mail that came back stands below them.
const WORDS_LOOKED_AT: usize = 20_000;

/// What a report says that has no part for programs. It counts when the mail that came back can be told from it.
fn in_words(message: &Message<'_>) -> Option<Report> {
    let text: String = message.body_text(0)?.chars().take(WORDS_LOOKED_AT).collect();
    let lower = text.to_lowercase();
    let says = |words: &[&str]| words.iter().any(|word| lower.contains(word));
    let is_failure = message.header_raw("X-Failed-Recipients").is_some() || says(&FAILED);
    if !is_failure || says(&DELAYED) {
        return None;
    }
    let id_in = |text: &str| {
        fields_of(text)
            .find(|(name, _)| name.eq_ignore_ascii_case("message-id"))
            .and_then(|(_, value)| id(&value))
    };
    let about = about(message).or_else(|| id_in(&text))?;
    let failed = message.header_raw("X-Failed-Recipients").unwrap_or_default();
    let recipients = failed.split(',').filter_map(normal_address).take(MOST_RECIPIENTS).collect();
    let refusal = text.lines().find_map(|line| Some((line.split_whitespace().find_map(status_in)?, line)));
    Some(Report {
        action: Action::Failed,
        status: refusal.as_ref().map(|(status, _)| status.clone()),
        diagnosis: refusal.map(|(_, line)| shortened(line)),
        about: Some(about),
        recipients,
    })
}

/// Such as `5.1.1`, also in brackets or with a colon behind it.
fn status_in(word: &str) -> Option<String> {
    let word = word.trim_matches(|c: char| !c.is_ascii_digit());
    let mut parts = word.split('.');
    let is_number =
        |part: &str| (1..=3).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit());
    let is_status = parts.next() == Some("5")
        && parts.next().is_some_and(is_number)
        && parts.next().is_some_and(is_number)
        && parts.next().is_none();
    is_status.then(|| word.to_owned())
}

fn shortened(text: &str) -> String {
    text.trim().chars().filter(|c| !c.is_control()).take(DIAGNOSIS_CHARS).collect()
}

/// The Message-ID of the mail that came back: it, or its head, stands in the last part.
fn about(message: &Message<'_>) -> Option<String> {
    message.parts.iter().rev().find_map(|part| {
        let subtype = part.content_type()?.subtype()?.to_ascii_lowercase();
        let is_head =
            ["rfc822-headers", "rfc822"].contains(&subtype.as_str()) || subtype.as_bytes() == NESTED;
        if !is_head {
            return None;
        }
        let text = text_of(&part.body);
        let head = MessageParser::new().header_id("Message-ID").parse_headers(text.as_bytes())?;
        head.message_id().and_then(id)
    })
}

/// The Message-ID of the mail that a report answers.
fn answered(message: &Message<'_>) -> Option<String> {
    let last = |value: &HeaderValue<'_>| match value {
        HeaderValue::Text(text) => id(text),
        HeaderValue::TextList(list) => id(list.last()?),
        _ => None,
    };
    last(message.in_reply_to()).or_else(|| last(message.references()))
}

fn text_of(body: &PartType<'_>) -> String {
    match body {
        PartType::Text(text) | PartType::Html(text) => text.to_string(),
        PartType::Binary(bytes) | PartType::InlineBinary(bytes) => {
            String::from_utf8_lossy(bytes).into_owned()
        }
        PartType::Message(_) | PartType::Multipart(_) => String::new(),
    }
}

/// `Name: value` with folded lines joined.
fn fields_of(text: &str) -> impl Iterator<Item = (&str, String)> {
    let mut lines = text.lines().peekable();
    std::iter::from_fn(move || {
        loop {
            let line = lines.next()?;
            let Some((name, value)) = line.split_once(':') else { continue };
            let mut value = value.trim().to_owned();
            while let Some(more) = lines.next_if(|next| next.starts_with([' ', '\t'])) {
                value.push(' ');
                value.push_str(more.trim());
            }
            return Some((name.trim(), value));
        }
    })
}

#[cfg(test)]
mod tests {
    use super::super::bounds;
    use super::*;

    fn report(raw: &str) -> Option<Report> {
        let flat = bounds::flat(raw.as_bytes());
        read(&MessageParser::default().parse(&*flat).expect("a mail"))
    }

    const REPORT: &str = "From: MAILER-DAEMON@mx.example\r\nContent-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n\
        --b\r\nContent-Type: text/plain\r\n\r\nSorry.\r\n\
        --b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.example\r\n\r\n\
        Final-Recipient: rfc822; ann@x.example\r\nAction: failed\r\nStatus: 5.1.1\r\nDiagnostic-Code: smtp; 550 5.1.1\r\n  no such user\r\n\
        --b\r\nContent-Type: KIND\r\n\r\nMessage-ID: <reply-1@shop.example>\r\nSubject: Lamp\r\n\r\n--b--\r\n";

    #[test]
    fn a_report_names_the_mail_and_the_reason() {
        for kind in ["text/rfc822-headers", "message/rfc822", "message/rfc822-headers"] {
            let report = report(&REPORT.replace("KIND", kind)).expect("a report");
            assert_eq!(report.action, Action::Failed, "{kind}");
            assert_eq!(report.status.as_deref(), Some("5.1.1"));
            assert_eq!(report.diagnosis.as_deref(), Some("550 5.1.1 no such user"));
            assert_eq!(report.about.as_deref(), Some("reply-1@shop.example"), "{kind}");
            assert_eq!(report.recipients, ["ann@x.example"]);
        }
        let delayed = REPORT.replace("Action: failed", "Action: delayed");
        assert_eq!(report(&delayed).expect("a report").action, Action::Delayed);
        assert_eq!(report("From: a@b.example\r\n\r\nHi"), None);
    }

    #[test]
    fn a_report_without_the_mail_is_about_the_one_that_it_answers() {
        let without = REPORT
            .replace("KIND", "text/plain")
            .replace("From:", "In-Reply-To: <reply-2@shop.example>\r\nFrom:");
        assert_eq!(report(&without).and_then(|report| report.about).as_deref(), Some("reply-2@shop.example"));
    }

    #[test]
    fn a_report_in_words_counts_when_it_names_the_mail_and_is_final() {
        let qmail = "From: MAILER-DAEMON@mx.example\r\n\r\nHi. This is the qmail-send program at mx.example.\r\n\
            This is a permanent error; I've given up. Sorry it didn't work out.\r\n\r\n<ann@x.example>:\r\n\
            Remote host said: 550 5.1.1 no such user\r\n\r\n--- Below this line is a copy of the message.\r\n\r\n\
            Return-Path: <help@shop.example>\r\nMessage-ID: <reply-1@shop.example>\r\nSubject: Lamp\r\n\r\nHello\r\n";
        let report = self::report(qmail).expect("a report");
        assert_eq!((report.action, report.about.as_deref()), (Action::Failed, Some("reply-1@shop.example")));
        assert_eq!(report.status.as_deref(), Some("5.1.1"));
        assert_eq!(report.reason(), "the mail came back (5.1.1): Remote host said: 550 5.1.1 no such user");
        let exim = "From: Mail Delivery System <Mailer-Daemon@mx.example>\r\nX-Failed-Recipients: ann@x.example\r\n\
            Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nThis message was created automatically.\r\n\
            --b\r\nContent-Type: message/rfc822\r\n\r\nMessage-Id: <reply-3@shop.example>\r\n\r\nHello\r\n--b--\r\n";
        assert_eq!(
            self::report(exim).and_then(|report| report.about).as_deref(),
            Some("reply-3@shop.example")
        );
        let goes_on = qmail.replace("I've given up", "it will be retried");
        assert_eq!(self::report(&goes_on), None);
        let of_what = qmail.replace("Message-ID", "X-Other");
        assert_eq!(self::report(&of_what), None);
        let away = "From: ann@x.example\r\n\r\nI am away.\r\nMessage-ID: <reply-1@shop.example>\r\n";
        assert_eq!(self::report(away), None);
    }
}
