//! What failures have in common: one cause has one fingerprint, whichever job, ticket or moment it was. What an upstream
//! answers with is no particular of a job: 400 and 429 want opposite acts, so they are different causes.

use sha2::{Digest, Sha256};

/// Twelve hex digits of SHA-256 over class and message, in which every word with a digit in it and everything in quotes
/// counts as the same, but for the status of an answer.
pub(super) fn fingerprint(class: &str, message: &str) -> String {
    let mut shape = String::with_capacity(message.len());
    let mut quoted = None;
    let mut before = "";
    for word in message.split_whitespace() {
        let opens = word.chars().find(|c| matches!(c, '"' | '\'' | '`'));
        let is_particular = word.chars().any(|c| c.is_ascii_digit()) && status_after(before, word).is_none();
        let plain = quoted.is_none() && opens.is_none() && !is_particular;
        if plain {
            shape.push_str(word);
            shape.push(' ');
        } else if quoted.is_none() {
            shape.push_str("* ");
        }
        match (quoted, opens) {
            (None, Some(mark)) if word.matches(mark).count() % 2 == 1 => quoted = Some(mark),
            (Some(mark), _) if word.matches(mark).count() % 2 == 1 => quoted = None,
            _ => {}
        }
        before = word;
    }
    let digest = Sha256::digest(format!("{class}\n{shape}").as_bytes());
    digest.iter().take(6).map(|byte| format!("{byte:02x}")).collect()
}

/// The status of the answer that a message tells of.
pub(crate) fn status_in(message: &str) -> Option<u16> {
    let words: Vec<&str> = message.split_whitespace().collect();
    words.windows(2).find_map(|pair| status_after(pair[0], pair[1]))
}

/// The status that `word` is, after a word that announces one.
fn status_after(before: &str, word: &str) -> Option<u16> {
    let bare = |word: &str| word.trim_matches(|c: char| !c.is_ascii_alphanumeric()).to_owned();
    if !matches!(bare(before).as_str(), "status" | "answered") {
        return None;
    }
    bare(word).parse().ok().filter(|status| (100..=599).contains(status))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_of_one_cause_share_a_fingerprint() {
        let of = |message| fingerprint("upstream_unavailable", message);
        assert_eq!(of("gorgias answered 503 for ticket 42"), of("gorgias answered 503 for ticket 4711"));
        assert_eq!(of("the field \"first thing\" is missing"), of("the field \"second\" is missing"));
        assert_ne!(of("the field \"second\" is missing"), of("gorgias answered 503 for ticket 42"));
        assert_ne!(of("it is away"), fingerprint("timeout", "it is away"));
    }

    #[test]
    fn each_status_of_an_upstream_is_a_cause_of_its_own() {
        let statuses = [400, 401, 404, 422, 429, 500];
        for told in [
            |status: u16| format!("gorgias refused the request with status {status} (invalid)"),
            |status: u16| format!("the recording upstream answered {status}"),
            |status: u16| format!("gorgias did not accept the credential (status {status}); check the key"),
        ] {
            let mut causes = statuses.map(|status| fingerprint("upstream", &told(status))).to_vec();
            causes.sort();
            causes.dedup();
            assert_eq!(causes.len(), statuses.len(), "{}", told(400));
            assert_eq!(statuses.map(|status| status_in(&told(status))), statuses.map(Some));
        }
        assert_eq!(status_in("it answered 4711 of 500 tickets"), None);
    }
}
