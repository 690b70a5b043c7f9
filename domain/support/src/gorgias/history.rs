//! What of a mail's quotations is history, which the conversation has already, and what is the customer's to tell: a mail
//! that they forward, a passage that they quote. In doubt it is theirs.

use database::address::compared;

use super::fields::is_nothing;
use crate::mail::quotes;

/// How a mail program marks what it quotes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// What it appends to a reply.
    Appended,
    /// A quotation that stands alone, as people make one.
    Passage,
    /// All below a header of sender, time and subject, which replies and forwarded mails have alike.
    BelowHeader,
}

/// What is known of the conversation in which a mail came.
#[derive(Default)]
pub(super) struct Conversation<'a> {
    /// The mail's subject and the ticket's.
    pub(super) subjects: Vec<&'a str>,
    /// Addresses of those who write in it, in the form in which addresses are compared.
    pub(super) ours: Vec<String>,
}

/// What stands above a forwarded mail, in the languages of the usual programs.
const FORWARDED: [&str; 24] = [
    "forwarded message",
    "begin forwarded message",
    "forwarded mail",
    "weitergeleitete nachricht",
    "anfang der weitergeleiteten nachricht",
    "weitergeleitete e-mail",
    "message transféré",
    "message transmis",
    "début du message transféré",
    "début du message réexpédié",
    "mensaje reenviado",
    "inicio del mensaje reenviado",
    "messaggio inoltrato",
    "inizio messaggio inoltrato",
    "doorgestuurd bericht",
    "begin doorgestuurd bericht",
    "mensagem encaminhada",
    "início da mensagem reencaminhada",
    "wiadomość przekazana dalej",
    "przekazana wiadomość",
    "vidarebefordrat meddelande",
    "videresendt melding",
    "videresendt besked",
    "přeposlaná zpráva",
];
/// What programs write before the subject of a mail that is forwarded.
const FORWARDING: [&str; 10] = ["fw", "fwd", "wg", "tr", "rv", "i", "enc", "pd", "vb", "vs"];
/// What they write before the subject of a reply.
const REPLYING: [&str; 8] = ["re", "aw", "antw", "antwort", "sv", "odp", "res", "r"];
const FROM: [&str; 9] = ["from:", "von:", "de:", "da:", "van:", "od:", "från:", "fra:", "mittente:"];
const SUBJECT: [&str; 9] =
    ["subject:", "betreff:", "objet:", "asunto:", "oggetto:", "onderwerp:", "assunto:", "temat:", "ämne:"];
/// In how many lines a header stands.
const HEADER_LINES: usize = 10;

/// Whether a quotation, after which nothing comes, is history. `before` is the text above it.
pub(super) fn is_history(
    kind: Kind,
    before: &str,
    quoted: &str,
    conversation: Option<&Conversation<'_>>,
) -> bool {
    let mut lines = quoted.lines().map(str::trim).filter(|line| !line.is_empty());
    let above = before.trim_end().lines().next_back().unwrap_or_default();
    if is_forwarding_line(above) || lines.next().is_some_and(is_forwarding_line) {
        return false;
    }
    match (kind, conversation) {
        (Kind::Appended, _) | (Kind::BelowHeader, None) => true,
        // Who wrote it when stands above it then.
        (Kind::Passage, _) => above.trim_end().ends_with(':') && above.contains(|c: char| c.is_ascii_digit()),
        (Kind::BelowHeader, Some(conversation)) => is_of(conversation, quoted),
    }
}

/// A plain text without the history at its end; none when there is none, when it may be a mail that is forwarded, or when
/// marks before its lines say that it is quoted.
pub(crate) fn without(text: &str) -> Option<String> {
    let text = text.replace("\r\n", "\n");
    let own = quotes::stripped(&text)?;
    let behind = text.trim_start().strip_prefix(own.as_str()).unwrap_or_default().trim_start().to_lowercase();
    let is_header = behind.starts_with("---") || FROM.iter().any(|from| behind.starts_with(from));
    let may_be_forwarded = is_header || text.lines().any(is_forwarding_line);
    (!may_be_forwarded && !behind.starts_with('>') && !is_told_by_hand(&behind)).then_some(own)
}

/// Whether people tell themselves what they wrote earlier, as in `Am 12. November schrieb ich Ihnen:`, in lower case. A program
/// names an address or a time of day there, or marks the lines that it quotes.
fn is_told_by_hand(behind: &str) -> bool {
    let mut lines = behind.lines();
    let above = [lines.next(), lines.next()].map(Option::unwrap_or_default).join(" ");
    let has_time = above
        .as_bytes()
        .windows(3)
        .any(|at| at[0].is_ascii_digit() && at[1] == b':' && at[2].is_ascii_digit());
    let is_marked = behind.lines().any(|line| line.trim_start().starts_with('>'));
    let says_line = above.contains(':') && !behind.starts_with("--");
    says_line && !is_marked && !has_time && !above.contains('@')
}

fn is_forwarding_line(line: &str) -> bool {
    let line = line.to_lowercase();
    FORWARDED.contains(&line.trim_matches(|c: char| !c.is_alphanumeric()))
}

/// Whether the mail below a header is one of the conversation: by who wrote it, or by its subject.
fn is_of(conversation: &Conversation<'_>, quoted: &str) -> bool {
    let subjects = || conversation.subjects.iter().copied().filter(|subject| !is_nothing(subject));
    if subjects().any(|subject| begins_with(subject, &FORWARDING).is_some()) {
        return false;
    }
    let header: Vec<&str> = quoted.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let field = |names: &[&str]| {
        header.iter().take(HEADER_LINES).find_map(|line| {
            let lower = line.to_lowercase();
            names.iter().find_map(|name| lower.strip_prefix(name).map(|rest| rest.trim().to_owned()))
        })
    };
    let sender = field(&FROM).and_then(|from| compared(&from));
    if sender.is_some_and(|sender| conversation.ours.contains(&sender)) {
        return true;
    }
    let told = field(&SUBJECT).map(|subject| without_replying(&subject));
    told.is_some_and(|told| !told.is_empty() && subjects().any(|subject| without_replying(subject) == told))
}

/// What follows one of these words and a colon.
fn begins_with<'t>(subject: &'t str, words: &[&str]) -> Option<&'t str> {
    let (word, rest) = subject.split_once(':')?;
    words.contains(&word.trim().to_lowercase().as_str()).then(|| rest.trim())
}

/// A subject in small letters, without what replies have before it.
fn without_replying(subject: &str) -> String {
    let mut subject = subject.trim();
    while let Some(rest) = begins_with(subject, &REPLYING) {
        subject = rest;
    }
    subject.to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_above_forwarded_mails_are_known_however_they_are_drawn() {
        for line in [
            "---------- Forwarded message ---------",
            "Begin forwarded message:",
            "-------- Weitergeleitete Nachricht --------",
            "Début du message transféré :",
        ] {
            assert!(is_forwarding_line(line), "{line}");
        }
        for line in ["", "---", "I got a forwarded message", "From: DHL"] {
            assert!(!is_forwarding_line(line), "{line}");
        }
    }

    #[test]
    fn plain_texts_lose_their_history_and_nothing_that_is_forwarded() {
        let history = "Yes, please.\r\n\r\nAm Mo., 30. Nov. 2026 um 09:00 Uhr schrieb Shop <help@shop.example>:\r\n> Sollen wir?";
        assert_eq!(without(history).as_deref(), Some("Yes, please."));
        for text in [
            "Yes, please.",
            "They say\n> It is lost",
            "Hello,\nam 12. November schrieb ich Ihnen:\nDie Lampe flackert, bitte helfen Sie mir.",
            "Hello,\non Monday I wrote:\nthe lamp flickers, and nobody has answered.",
            "See below\r\n\r\n-----Original Message-----\r\nFrom: DHL\r\nSent: Monday\r\nSubject: Parcel\r\n\r\nIt is lost",
            "See below\n\n---------- Forwarded message ---------\nFrom: DHL\nDate: Monday\nSubject: Parcel\n\nIt is lost",
            "See below\n\nVon: DHL\nGesendet: Montag\nAn: Maya\nBetreff: Paket\n\nEs ist weg",
        ] {
            assert_eq!(without(text), None, "{text}");
        }
    }

    #[test]
    fn a_mail_below_a_header_is_history_when_it_is_of_the_conversation() {
        let conversation =
            Conversation { subjects: vec!["RE: Aw: My Lamp"], ours: vec!["maya@example.com".to_owned()] };
        let is_history = |quoted: &str| is_history(Kind::BelowHeader, "Thanks", quoted, Some(&conversation));
        assert!(is_history("From: Maya <Maya@example.com>\nSent: Monday\nSubject: Your order\nHi"));
        assert!(is_history("Von: Shop\nGesendet: Montag\nBetreff: my lamp\n\nHallo"));
        assert!(!is_history("From: DHL <no@dhl.example>\nSent: Monday\nSubject: Parcel\nIt is lost"));
        assert!(!is_history("What nobody says who wrote it"));
        let forwarding = Conversation { subjects: vec!["Fwd: My lamp"], ..Conversation::default() };
        let quoted = "From: Shop\nSubject: My lamp\nHi";
        assert!(!super::is_history(Kind::BelowHeader, "Look", quoted, Some(&forwarding)));
        assert!(super::is_history(Kind::BelowHeader, "Look", quoted, None));
    }
}
