//! What a person wrote in a plain text mail, without the history that mail programs append and the signature. What stands
//! between quoted lines stays with them: it answers them.

use super::signature;

/// Lines above a block of headers that mail programs write over the mail that they quote.
const HEADER_LINES: usize = 6;
/// How a line ends that says who wrote what follows, in the languages of the usual programs.
const WROTE: [&str; 12] = [
    "wrote:",
    "schrieb:",
    "a écrit :",
    "a écrit:",
    "escribió:",
    "ha scritto:",
    "schreef:",
    "escreveu:",
    "napisał:",
    "skrev:",
    "napsal:",
    "kirjoitti:",
];
/// What such a line begins with.
const ON: [&str; 12] =
    ["on ", "am ", "le ", "el ", "il ", "op ", "em ", "dnia ", "den ", "dne ", "at ", "w dniu "];
/// Lines that part the mail from the one that it answers.
const PARTINGS: [&str; 6] = [
    "original message",
    "ursprüngliche nachricht",
    "message d'origine",
    "mensaje original",
    "messaggio originale",
    "oorspronkelijk bericht",
];
const FROM: [&str; 7] = ["from:", "von:", "de:", "da:", "van:", "od:", "från:"];
const SENT: [&str; 9] =
    ["sent:", "date:", "gesendet:", "datum:", "envoyé:", "enviado:", "inviato:", "verzonden:", "data:"];

/// The text without its history; none when there is none, or nothing else.
pub fn stripped(text: &str) -> Option<String> {
    let lines: Vec<&str> = text.lines().collect();
    let mut end = (0..lines.len()).find(|at| begins_history(&lines, *at)).unwrap_or(lines.len());
    // A block of quoted lines at the end, whoever is said to have written them.
    let is_quote = |line: &str| line.trim_start().starts_with('>');
    let without_quote = lines[..end].iter().rposition(|line| !is_quote(line) && !line.trim().is_empty());
    end = without_quote.map_or(0, |at| at + 1);
    // The signature, which begins so by convention. Without the blank, people draw lines of their own so.
    let begins_signature = |at: usize| match lines[at] {
        "-- " => true,
        "--" => signature::looks_like_one(&lines[at + 1..end].join("\n")),
        _ => false,
    };
    if let Some(at) = (0..end).find(|at| begins_signature(*at)) {
        end = at;
    }
    let kept = lines[..end].join("\n");
    let kept = kept.trim();
    (!kept.is_empty() && kept != text.trim()).then(|| kept.to_owned())
}

fn begins_history(lines: &[&str], at: usize) -> bool {
    let line = lines[at].trim();
    if line.is_empty() || line.len() > 400 {
        return false;
    }
    let lower = line.to_lowercase();
    let dashes = lower.trim_matches(|c: char| c == '-' || c == '_' || c.is_whitespace());
    if lower.starts_with("--") && PARTINGS.contains(&dashes) {
        return true;
    }
    if ON.iter().any(|on| lower.starts_with(on)) {
        // The line may be broken once, and quoted lines or nothing stand below it.
        let next = lines.get(at + 1).map_or("", |next| next.trim());
        let two = format!("{lower} {}", next.to_lowercase());
        let says = |line: &str| WROTE.iter().any(|wrote| line.trim_end().ends_with(wrote));
        if says(&lower) || (next.len() <= 200 && says(&two)) {
            return true;
        }
        // "Am 1. Mai schrieb Ann <a@b>:" has the word within.
        if (lower.contains(" schrieb ") || lower.contains(" schreef ")) && lower.ends_with(':') {
            return true;
        }
    }
    if FROM.iter().any(|from| lower.starts_with(from)) {
        let below = lines[at + 1..].iter().take(HEADER_LINES).map(|line| line.trim().to_lowercase());
        return below.into_iter().any(|line| SENT.iter().any(|sent| line.starts_with(sent)));
    }
    false
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn history_and_signatures_are_left_out() {
        for text in [
            "Thank you!\n\nOn Mon, 1 Jun 2026 at 10:00, Shop <help@shop.example> wrote:\n> Hello\n> It left.",
            "Thank you!\n\nOn Mon, 1 Jun 2026 at 10:00, Shop\n<help@shop.example> wrote:\n\n> Hello",
            "Thank you!\n\nAm 01.06.2026 um 10:00 schrieb Shop <help@shop.example>:\n> Hallo",
            "Thank you!\n\nLe lun. 1 juin 2026, Shop a écrit :\n> Bonjour",
            "Thank you!\n-----Original Message-----\nFrom: Shop\nSent: Monday\nTo: Ann\nSubject: Lamp\n\nHello",
            "Thank you!\n\nVon: Shop <help@shop.example>\nGesendet: Montag\nAn: Ann\nBetreff: Lampe\n\nHallo",
            "Thank you!\n> Hello\n> It left.\n",
            "Thank you!\n-- \nAnn Example\nLamps and more",
            "Thank you!\n--\nAnn Example\nLamps and more",
        ] {
            assert_eq!(stripped(text).as_deref(), Some("Thank you!"), "{text}");
        }
    }

    #[test]
    fn what_is_no_history_stays() {
        for text in [
            "On Monday I wrote a mail to you, and nobody answered.",
            "> Is it broken?\nYes.\n> Since when?\nMonday.",
            "From: the factory in Ulm it came broken.",
            "Where is it?\n--\nOrder 536365",
            "> All that I have is this quote",
            "",
        ] {
            assert_eq!(stripped(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_left_is_a_beginning(text in "([a-zA-Z:> \\-]{0,20}\n){0,12}") {
            if let Some(kept) = stripped(&text) {
                prop_assert!(text.trim_start().starts_with(&kept));
            }
        }
    }
}
