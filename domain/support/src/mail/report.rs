//! Delivery reports (RFC 3464): which of our mails did not arrive, and why.

use mail_parser::{Message, MessageParser, MimeHeaders, PartType};

use super::header::id;

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
}

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

/// The report in a mail, if it is one.
pub fn read(message: &Message<'_>) -> Option<Report> {
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
        code.trim().chars().filter(|c| !c.is_control()).take(DIAGNOSIS_CHARS).collect()
    });
    let status = field("Status").map(|status| status.chars().take(20).collect());
    Some(Report { action, status, diagnosis, about: about(message) })
}

/// The Message-ID of the mail that came back: it, or its head, stands in the last part.
fn about(message: &Message<'_>) -> Option<String> {
    message.parts.iter().rev().find_map(|part| {
        if let PartType::Message(inner) = &part.body {
            return inner.message_id().and_then(id);
        }
        let kind = part.content_type()?;
        let is_head = kind.subtype().is_some_and(|subtype| {
            subtype.eq_ignore_ascii_case("rfc822-headers") || subtype.eq_ignore_ascii_case("rfc822")
        });
        if !is_head {
            return None;
        }
        let text = text_of(&part.body);
        let head = MessageParser::default().parse_headers(text.as_bytes())?;
        head.message_id().and_then(id)
    })
}

fn text_of(body: &PartType<'_>) -> String {
    match body {
        PartType::Text(text) | PartType::Html(text) => text.to_string(),
        PartType::Binary(bytes) | PartType::InlineBinary(bytes) => {
            String::from_utf8_lossy(bytes).into_owned()
        }
        PartType::Message(message) => String::from_utf8_lossy(message.raw_message()).into_owned(),
        PartType::Multipart(_) => String::new(),
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
    use super::*;

    const REPORT: &str = "From: MAILER-DAEMON@mx.example\r\nContent-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n\
        --b\r\nContent-Type: text/plain\r\n\r\nSorry.\r\n\
        --b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.example\r\n\r\n\
        Final-Recipient: rfc822; ann@x.example\r\nAction: failed\r\nStatus: 5.1.1\r\nDiagnostic-Code: smtp; 550 5.1.1\r\n  no such user\r\n\
        --b\r\nContent-Type: KIND\r\n\r\nMessage-ID: <reply-1@shop.example>\r\nSubject: Lamp\r\n\r\n--b--\r\n";

    #[test]
    fn a_report_names_the_mail_and_the_reason() {
        for kind in ["text/rfc822-headers", "message/rfc822", "message/rfc822-headers"] {
            let raw = REPORT.replace("KIND", kind);
            let message = MessageParser::default().parse(raw.as_bytes()).expect("a mail");
            let report = read(&message).expect("a report");
            assert_eq!(report.action, Action::Failed, "{kind}");
            assert_eq!(report.status.as_deref(), Some("5.1.1"));
            assert_eq!(report.diagnosis.as_deref(), Some("550 5.1.1 no such user"));
            assert_eq!(report.about.as_deref(), Some("reply-1@shop.example"), "{kind}");
        }
        let delayed = REPORT.replace("Action: failed", "Action: delayed");
        let message = MessageParser::default().parse(delayed.as_bytes()).expect("a mail");
        assert_eq!(read(&message).expect("a report").action, Action::Delayed);
        let none = MessageParser::default().parse(b"From: a@b.example\r\n\r\nHi".as_slice()).expect("a mail");
        assert_eq!(read(&none), None);
    }
}
