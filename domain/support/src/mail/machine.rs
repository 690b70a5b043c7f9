//! Which mails machines sent. They are kept and flagged: nothing answers them, and they reopen nothing and start no clock
//! (RFC 3834, section 2; RFC 3464).
//!
//! What came through a list (`Precedence: bulk`, `List-Id`) is none of these. Nothing answers it by itself, for an answer may
//! reach everybody of the list; but a person wrote most of it: whoever shares an address with colleagues, as a group at a mail
//! host, writes through a list, and would wait for ever if no clock ran for them. A newsletter that starts one is put aside by
//! a person in a moment, and by a rule from then on; a customer whom nobody answers is lost.

use mail_parser::{Message, MimeHeaders};

/// What the head says about who wrote it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Signs {
    /// Why a machine sent it; none when a person did.
    pub machine: Option<&'static str>,
    /// Whether it must get no automatic answer, although a person may have written it.
    pub no_automatic_answer: bool,
}

/// What the head and the envelope say. `envelope_from` is empty for a report, none when it is not known.
pub fn signs(message: &Message<'_>, sender: Option<&str>, envelope_from: Option<&str>) -> Signs {
    let machine = by_report(message)
        .or_else(|| by_auto_submitted(message))
        .or_else(|| by_return_path(message, envelope_from))
        .or_else(|| by_sender(sender));
    let is_bulk = words(message, "Precedence").any(|word| matches!(&*word, "bulk" | "list" | "junk"))
        || OF_LISTS.iter().any(|name| has(message, name))
        || sender.is_some_and(answers_reach_nobody)
        // An answer goes there, whoever wrote.
        || answers_go_to(message)
            .is_some_and(|to| answers_reach_nobody(&to) || by_sender(Some(&to)).is_some());
    let suppresses = words(message, "X-Auto-Response-Suppress").any(|word| word != "none");
    Signs { machine, no_automatic_answer: machine.is_some() || is_bulk || suppresses }
}

/// What programs that send to many put into a mail (RFC 2369, RFC 2919; Feedback-ID by those who send for others).
const OF_LISTS: [&str; 9] = [
    "List-Id",
    "List-Unsubscribe",
    "List-Unsubscribe-Post",
    "List-Post",
    "List-Help",
    "List-Subscribe",
    "List-Owner",
    "List-Archive",
    "Feedback-ID",
];

/// Addresses behind which nobody reads, or everybody of a list (RFC 3834, section 2).
fn answers_reach_nobody(sender: &str) -> bool {
    let local = sender.split('@').next().unwrap_or_default();
    let plain: String = local.chars().filter(char::is_ascii_alphanumeric).collect();
    local.starts_with("owner-")
        || ["-request", "-owner", "-bounces", "-bounce"].iter().any(|end| local.ends_with(end))
        || ["noreply", "donotreply", "bounce", "bounces"].contains(&plain.as_str())
}

fn answers_go_to(message: &Message<'_>) -> Option<String> {
    Some(message.reply_to()?.first()?.address()?.to_lowercase())
}

fn by_report(message: &Message<'_>) -> Option<&'static str> {
    let kind = message.root_part().content_type()?;
    let is_report = kind.ctype().eq_ignore_ascii_case("multipart")
        && kind.subtype().is_some_and(|subtype| subtype.eq_ignore_ascii_case("report"));
    match kind.attribute("report-type").map(str::to_ascii_lowercase).as_deref() {
        Some("delivery-status") if is_report => Some("it is a delivery report"),
        Some("disposition-notification") if is_report => Some("it says that a mail was read"),
        _ if is_report => Some("it is a report"),
        _ => None,
    }
}

fn by_auto_submitted(message: &Message<'_>) -> Option<&'static str> {
    // Of old programs, which have it instead.
    if has(message, "X-Autoreply") || has(message, "X-Autorespond") || has(message, "X-Auto-Reply") {
        return Some("it says that it answers by itself");
    }
    if words(message, "Precedence").any(|word| word == "auto_reply") {
        return Some("it says that it answers by itself");
    }
    let said = words(message, "Auto-Submitted").find(|word| word != "no")?;
    Some(if said == "auto-replied" {
        "it says that it answers by itself"
    } else {
        "it says that a machine wrote it"
    })
}

fn by_return_path(message: &Message<'_>, envelope_from: Option<&str>) -> Option<&'static str> {
    let is_empty = |value: &str| value.trim().trim_matches(['<', '>']).trim().is_empty();
    let in_head = message
        .headers_raw()
        .any(|(name, value)| name.eq_ignore_ascii_case("Return-Path") && is_empty(value));
    (envelope_from.is_some_and(is_empty) || in_head).then_some("it has no address to return to")
}

fn by_sender(sender: Option<&str>) -> Option<&'static str> {
    is_mail_server(sender?).then_some("a mail server sent it")
}

/// Whether an address, in small letters, is a mail server's.
pub(super) fn is_mail_server(address: &str) -> bool {
    let local = address.split('@').next().unwrap_or_default();
    matches!(local, "mailer-daemon" | "postmaster" | "mail-daemon" | "mailerdaemon")
}

fn has(message: &Message<'_>, name: &'static str) -> bool {
    message.header_raw(name).is_some()
}

/// The first word of each header of this name, in small letters, without parameters and comments. Programs on the way add
/// one of their own to what is there, so any of them counts.
fn words<'m>(message: &'m Message<'_>, name: &'static str) -> impl Iterator<Item = String> + 'm {
    message.headers_raw().filter(move |(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| {
        let value = value.trim().to_ascii_lowercase();
        let end = value.find(|c: char| c == ';' || c == '(' || c.is_whitespace()).unwrap_or(value.len());
        value[..end].to_owned()
    })
}

#[cfg(test)]
mod tests {
    use mail_parser::MessageParser;

    use super::*;

    fn of(head: &str, envelope_from: Option<&str>) -> Signs {
        let raw = format!("From: Ann <ann@x.example>\r\n{head}\r\nHello\r\n");
        let message = MessageParser::default().parse(raw.as_bytes()).expect("a mail");
        let sender = message.from().and_then(|from| from.first()?.address().map(str::to_ascii_lowercase));
        signs(&message, sender.as_deref(), envelope_from)
    }

    #[test]
    fn machines_are_known_by_their_signs() {
        for head in [
            "Auto-Submitted: auto-replied\r\n",
            "Auto-Submitted: AUTO-GENERATED (vacation)\r\n",
            "Auto-Submitted: auto-notified; owner-email=\"a@b\"\r\n",
            "Content-Type: multipart/report; report-type=delivery-status; boundary=x\r\n",
            "Content-Type: multipart/report; report-type=\"disposition-notification\"; boundary=x\r\n",
            "Return-Path: <>\r\n",
            "Precedence: auto_reply\r\n",
            "X-Autoreply: yes\r\n",
            // Of several any counts.
            "Auto-Submitted: auto-replied\r\nAuto-Submitted: no\r\n",
            "Auto-Submitted: no\r\nauto-submitted: auto-generated\r\n",
            "Precedence: auto_reply\r\nPrecedence: normal\r\n",
            "Return-Path: <>\r\nReturn-Path: <ann@x.example>\r\n",
        ] {
            let signs = of(head, None);
            assert!(signs.machine.is_some() && signs.no_automatic_answer, "{head}");
        }
        assert!(of("", Some("")).machine.is_some() && of("", Some("<>")).machine.is_some());
        let daemon = "From: Mail Delivery System <MAILER-DAEMON@mx.example>\r\n\r\nx";
        let message = MessageParser::default().parse(daemon.as_bytes()).expect("a mail");
        assert!(signs(&message, Some("mailer-daemon@mx.example"), None).machine.is_some());
    }

    #[test]
    fn people_on_lists_are_people_and_get_no_automatic_answer() {
        for head in [
            "Precedence: bulk\r\n",
            "Precedence: LIST\r\n",
            "Precedence: junk\r\n",
            "List-Id: <lamps.example>\r\n",
            "List-Unsubscribe: <https://x.example/u>\r\n",
            "List-Post: <mailto:lamps@x.example>\r\n",
            "Feedback-ID: 1:campaign:shop:sender\r\n",
            "X-Auto-Response-Suppress: All\r\n",
            "X-Auto-Response-Suppress: OOF, AutoReply\r\n",
            "X-Auto-Response-Suppress: All\r\nX-Auto-Response-Suppress: None\r\n",
            "Precedence: list\r\nPrecedence: normal\r\n",
            "List-Id: <lamps.example>\r\nList-Id: <more.example>\r\n",
            "Reply-To: <noreply@x.example>\r\n",
            "Reply-To: <MAILER-DAEMON@x.example>\r\n",
        ] {
            assert_eq!(
                of(head, Some("ann@x.example")),
                Signs { machine: None, no_automatic_answer: true },
                "{head}"
            );
        }
        for (sender, reaches_nobody) in [
            ("owner-lamps@x.example", true),
            ("lamps-request@x.example", true),
            ("lamps-bounces@x.example", true),
            ("no-reply@x.example", true),
            ("do_not_reply@x.example", true),
            ("ann@x.example", false),
            ("norebyly@x.example", false),
            ("owner@x.example", false),
        ] {
            assert_eq!(answers_reach_nobody(sender), reaches_nobody, "{sender}");
        }
        for head in [
            "",
            "Auto-Submitted: no\r\n",
            "Auto-Submitted: no\r\nAuto-Submitted: no\r\n",
            "Return-Path: <ann@x.example>\r\n",
            "Precedence: normal\r\n",
        ] {
            assert_eq!(of(head, None), Signs::default(), "{head}");
        }
    }
}
