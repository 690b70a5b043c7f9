//! Reading customers' messages: by the model when there is one ([`model`]), else by words ([`lexicon`]), which says so.
//!
//! Pure but for the call itself, which the handler makes.

pub mod language;
pub mod lexicon;
mod matters;
pub mod model;
mod moods;

/// So much of a message's beginning is read.
const HEAD_CHARS: usize = 6_000;
/// And so much of its end.
const TAIL_CHARS: usize = 2_000;

/// The part of a message that is read: all of it, or beginning and end of a very long one.
pub fn excerpt(text: &str) -> String {
    let length = text.chars().count();
    if length <= HEAD_CHARS + TAIL_CHARS {
        return text.to_owned();
    }
    let head = text.chars().take(HEAD_CHARS);
    let tail = text.chars().skip(length - TAIL_CHARS);
    head.chain("\n[...]\n".chars()).chain(tail).collect()
}

/// Whether a subject is that of an answer or of a forwarded mail, so that its words may be the shop's.
pub fn is_reply(subject: &str) -> bool {
    let Some((mark, _)) = subject.split_once(':') else { return false };
    MARKS.contains(&mark.trim().to_lowercase().as_str())
}

/// "Re" and "Fwd" of the mail programs of many countries.
const MARKS: &[&str] = &[
    "re", "aw", "antw", "antwort", "sv", "vs", "odp", "res", "rif", "r", "ré", "rép", "fw", "fwd", "wg",
    "tr", "i", "rv", "enc", "vl", "doorst", "pd",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subject_of_an_answer_is_known_by_its_mark() {
        for subject in
            ["Re: Your order", "AW: Ihre Bestellung", "SV: Din order", "Odp: Zamówienie", "RE : Commande"]
        {
            assert!(is_reply(subject), "{subject}");
        }
        for subject in ["", "Lamp", "Order: 12", "Recommended: a lamp", "12:30"] {
            assert!(!is_reply(subject), "{subject}");
        }
    }

    #[test]
    fn a_megabyte_is_read_at_both_ends() {
        let text = format!("{}{}{}", "a".repeat(10), "b".repeat(1 << 20), "ü".repeat(10));
        let read = excerpt(&text);
        assert!(read.starts_with("aaaaaaaaaab") && read.ends_with("büüüüüüüüüü"));
        assert!(read.chars().count() < 8_100);
        assert_eq!(excerpt("short"), "short");
    }
}
