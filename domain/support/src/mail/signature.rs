//! What stands at the end of mails and is said to nobody: where a mail was sent from, what lawyers want to be read, a name. In
//! doubt it is said: who leaves an order number below a line of their own means it.

/// How a line begins that says with what a mail was sent, in small letters.
const SENT: [&str; 34] = [
    "sent from",
    "sent via",
    "sent with",
    "sent by",
    "get outlook",
    "gesendet von",
    "gesendet mit",
    "gesendet über",
    "von meinem",
    "diese nachricht wurde",
    "diese e-mail wurde",
    "holen sie sich outlook",
    "outlook für",
    "envoyé de",
    "envoyé depuis",
    "envoyé à partir",
    "obtenir outlook",
    "télécharger outlook",
    "enviado desde",
    "enviado do",
    "enviado de",
    "enviado a partir",
    "obtener outlook",
    "inviato da",
    "scarica outlook",
    "verzonden vanaf",
    "verstuurd vanaf",
    "verzonden met",
    "wysłane z",
    "wysłano z",
    "skickat från",
    "sendt fra",
    "lähetetty",
    "odesláno z",
];
/// What it is sent with, as a part of a word.
const DEVICES: [&str; 26] = [
    "phone",
    "ipad",
    "ipod",
    "mac",
    "android",
    "handy",
    "mobil",
    "móvil",
    "samsung",
    "galaxy",
    "huawei",
    "xiaomi",
    "blackberry",
    "pixel",
    "outlook",
    "mail",
    "gmx",
    "web.de",
    "windows",
    "tablet",
    "téléphone",
    "telefon",
    "teléfono",
    "telemóvel",
    "cellulare",
    "puhelim",
];
/// What a disclaimer speaks of: the mail, that it is secret, and whom it is for. It says all three.
const DISCLAIMED: [&[&str]; 3] = [
    &[
        "mail",
        "message",
        "nachricht",
        "courriel",
        "mensaje",
        "correo",
        "messaggio",
        "bericht",
        "mensagem",
        "wiadomo",
        "meddelande",
    ],
    &["confiden", "vertraulich", "riservat", "vertrouwelijk", "poufn", "konfiden", "fortrolig", "privileged"],
    &[
        "recipient",
        "addressee",
        "adressat",
        "empfänger",
        "destinat",
        "geadresseerde",
        "adresat",
        "mottagare",
        "mottaker",
        "modtager",
    ],
];
/// The longest line that says with what a mail was sent, in characters.
const SENT_CHARS: usize = 80;
/// How many lines a signature has at most, as people write them.
const LINES: usize = 10;

/// What is left of what stands below a quotation when it is no more than a signature: a name, or nothing. None when somebody
/// may say something there.
pub(crate) fn name_below(tail: &str) -> Option<String> {
    let lines = without_known(tail);
    (lines.len() <= 3 && lines.iter().all(|line| is_name(line))).then(|| lines.join("\n"))
}

/// Whether what stands below a line of two dashes looks like a signature: names, what they are, and how they are reached. A
/// number that is neither a telephone's nor a town's is none.
pub(super) fn looks_like_one(block: &str) -> bool {
    let lines = without_known(block);
    lines.len() <= LINES && lines.iter().all(|line| is_contact(line) || is_title(line) || is_town(line))
}

/// The lines with something in them, without those that mail programs and lawyers add.
fn without_known(text: &str) -> Vec<&str> {
    text.split("\n\n")
        .filter(|paragraph| !is_disclaimer(paragraph))
        .flat_map(str::lines)
        .map(str::trim)
        .filter(|line| line.chars().any(char::is_alphanumeric) && !is_sent_with(line))
        .collect()
}

fn is_sent_with(line: &str) -> bool {
    let lower = line.to_lowercase();
    let lower = lower.trim_start_matches(|c: char| !c.is_alphanumeric());
    lower.chars().count() <= SENT_CHARS
        && !lower.contains('?')
        && longest_number(lower) < 5
        && SENT.iter().any(|sent| lower.starts_with(sent))
        && DEVICES.iter().any(|device| lower.contains(device))
}

fn is_disclaimer(paragraph: &str) -> bool {
    let lower = paragraph.to_lowercase();
    !lower.contains('?') && DISCLAIMED.iter().all(|words| words.iter().any(|word| lower.contains(word)))
}

/// One or two words as names are written.
fn is_name(line: &str) -> bool {
    let words: Vec<&str> = line.trim_end_matches(',').split_whitespace().collect();
    let is_part = |word: &&str| {
        word.chars().next().is_some_and(|c| c.is_alphabetic() && !c.is_lowercase())
            && word.chars().all(|c| c.is_alphabetic() || matches!(c, '-' | '\'' | '\u{2019}'))
    };
    matches!(words.len(), 1 | 2) && words.iter().all(is_part)
}

/// A few words without a number, which ask nothing.
fn is_title(line: &str) -> bool {
    line.split_whitespace().count() <= 6
        && !line.contains(|c: char| c.is_numeric() || matches!(c, '?' | '!' | ':'))
}

/// A town with its number, as in `89073 Ulm`.
fn is_town(line: &str) -> bool {
    line.split_once(' ').is_some_and(|(number, town)| {
        number.len() == 5 && number.bytes().all(|b| b.is_ascii_digit()) && is_title(town)
    })
}

/// An address of mail or of the web, or a telephone number.
fn is_contact(line: &str) -> bool {
    let lower = line.to_lowercase();
    let is_alone = lower.split_whitespace().count() <= 3;
    if is_alone && (lower.contains('@') || lower.contains("www.") || lower.contains("://")) {
        return true;
    }
    let number = ["tel", "phone", "fon", "mobil", "fax", "cell", "t:", "m:", "p:"]
        .iter()
        .find_map(|name| lower.strip_prefix(name))
        .map_or(lower.as_str(), |rest| {
            rest.trim_start_matches(|c: char| c.is_alphabetic() || matches!(c, '.' | ':' | ' '))
        });
    // Digits alone may be the number of anything.
    number.starts_with(['+', '0', '('])
        && number.contains(['+', '(', ' ', '/', '-', '.'])
        && number.bytes().filter(u8::is_ascii_digit).count() >= 6
        && number.chars().all(|c| c.is_ascii_digit() || matches!(c, '+' | '(' | ')' | '-' | '/' | '.' | ' '))
}

/// How many digits stand together at most.
fn longest_number(text: &str) -> usize {
    text.split(|c: char| !c.is_ascii_digit()).map(str::len).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const DISCLAIMER: &str = "This e-mail is confidential and may be privileged. If you are not the intended recipient, please delete it.";

    #[test]
    fn what_is_said_to_nobody_is_known_and_a_name_is_kept() {
        for tail in [
            "",
            "\n \n",
            "Sent from my iPhone",
            "Von meinem iPhone gesendet",
            "Gesendet mit der GMX Mail App",
            "Diese Nachricht wurde von meinem Android-Gerät mit K-9 Mail gesendet.",
            "Envoyé de mon iPhone",
            "Enviado desde mi teléfono",
            "Inviato da iPhone",
            "Verzonden vanaf mijn Galaxy S24",
            "Wysłane z iPhone'a",
            "Skickat från min telefon",
            "Get Outlook for Android (https://aka.ms/x)",
            DISCLAIMER,
            "Diese E-Mail ist vertraulich und nur für den Empfänger bestimmt.",
            "--",
        ] {
            assert_eq!(name_below(tail).as_deref(), Some(""), "{tail}");
        }
        assert_eq!(name_below("Maya Lind").as_deref(), Some("Maya Lind"));
        let all = format!("Viele Gr\u{fc}\u{df}e,\nMaya\n\nSent from my iPad\n\n{DISCLAIMER}");
        assert_eq!(name_below("Maya\nSent from my iPhone").as_deref(), Some("Maya"));
        assert_eq!(name_below(&all).as_deref(), Some("Viele Gr\u{fc}\u{df}e,\nMaya"));
    }

    #[test]
    fn what_somebody_may_say_is_no_signature() {
        for tail in [
            "The red one.",
            "on Friday",
            "536365",
            "Order 536365",
            "Really?",
            "Sent from the factory in Ulm, it came broken.",
            "Sent from my phone: where is order 536365?",
            "Please keep my address confidential.",
            "My phone number changed",
        ] {
            assert_eq!(name_below(tail), None, "{tail}");
        }
    }

    #[test]
    fn a_block_of_names_and_numbers_to_reach_them_looks_like_a_signature() {
        for block in [
            "Ann Example\nLamps and more",
            "Ann Example\nann@example.com\nwww.example.com\nTel.: +49 731 123456\n89073 Ulm",
            "Mobil 0171 / 1234567",
            "Sent from my iPhone",
        ] {
            assert!(looks_like_one(block), "{block}");
        }
        for block in [
            "Order 536365",
            "Bestellung: 4711",
            "536365",
            "000536365",
            "Maya\n536365",
            "Can you send it to my neighbour?",
            "It is the red lamp that I bought in May and it never worked.",
        ] {
            assert!(!looks_like_one(block), "{block}");
        }
    }

    proptest! {
        #[test]
        fn a_name_that_is_kept_is_what_stood_there(tail in "([A-Za-z0-9?.,@ -]{0,20}\n){0,5}") {
            if let Some(name) = name_below(&tail) {
                prop_assert!(name.lines().all(|line| tail.contains(line)));
            }
        }
    }
}
