//! The frame of a letter: greeting, body, sign-off. Before the greeting and behind the sign-off stands nothing, so what does is
//! a model that speaks to us; and between them something has to be said. A text without greeting or sign-off, as in a chat,
//! has no such places.

use super::words::normalised;

/// Letters of a body at least; fewer are no sentence in any script.
const FEWEST_LETTERS: usize = 5;
/// Lines of a letter's beginning among which a greeting is looked for.
const BEGINNING: usize = 3;
/// Characters of a text's beginning in which something can be announced.
const ANNOUNCED_WITHIN: usize = 240;
/// Lines behind a sign-off: a name, a role, a shop, where to find it, and what the law asks of it.
const LINES_BEHIND: usize = 12;
/// Words of such a line at most.
const WORDS_BEHIND: usize = 9;
/// So many words that end like a sentence are one.
const SENTENCE_WORDS: usize = 5;
/// So many words between brackets are more than a role.
const REMARK_WORDS: usize = 3;
/// So many digits are a number at which somebody or something is found.
const CONTACT_DIGITS: usize = 5;

/// Whether something stands before the greeting or behind the sign-off.
pub fn has_words_around(reply: &str) -> bool {
    let lines = lines(reply);
    stands_before(&lines) || is_announced(reply) || stands_behind(&lines)
}

/// Whether a reply consists of greeting and sign-off, or of no words at all.
pub fn says_nothing(reply: &str) -> bool {
    let lines = lines(reply);
    let end = lines.iter().position(|line| is_sign_off(line)).unwrap_or(lines.len());
    let letters = |text: &str| text.chars().filter(|c| c.is_alphanumeric()).count();
    let body = lines[..end].iter().enumerate().map(|(at, line)| match at {
        0 if greets(line) => letters(line.split_once([',', '!', '.', ':']).map_or("", |(_, rest)| rest)),
        _ => letters(line),
    });
    body.sum::<usize>() < FEWEST_LETTERS
}

/// The lines that have something in them, as words are normalised, without spaces and emphasis around them.
fn lines(text: &str) -> Vec<String> {
    text.lines()
        .map(|line| normalised(line).trim_matches([' ', '*', '_', '"', '\'']).to_owned())
        .filter(|line| !line.is_empty())
        .collect()
}

fn stands_before(lines: &[String]) -> bool {
    let is_first = lines.first().is_some_and(|line| greets(line));
    !is_first && lines.iter().take(BEGINNING).skip(1).any(|line| greets(line))
}

/// Whether a greeting follows a colon, as in `Here you go: Hello Maya`.
fn is_announced(reply: &str) -> bool {
    let beginning: String = reply.chars().take(ANNOUNCED_WITHIN).collect();
    let text = normalised(&beginning);
    let is_letter = greets(text.trim_start());
    !is_letter
        && text.match_indices(':').any(|(at, _)| {
            greets(
                text[at + 1..]
                    .trim_start_matches([' ', '"', '\'', '*', '_', '\u{201c}', '\u{201e}', '\u{ab}']),
            )
        })
}

fn stands_behind(lines: &[String]) -> bool {
    let Some(end) = lines.iter().rposition(|line| is_sign_off(line)) else { return false };
    // A postscript is for the customer.
    let behind: Vec<&String> = lines[end + 1..].iter().take_while(|line| !is_postscript(line)).collect();
    behind.len() > LINES_BEHIND || behind.iter().any(|line| is_remark(line))
}

fn is_postscript(line: &str) -> bool {
    POSTSCRIPTS.iter().any(|mark| line.starts_with(mark))
}

/// Whether a line behind a sign-off is more than a name or where to find somebody.
fn is_remark(line: &str) -> bool {
    let count = line.split_whitespace().count();
    let is_within = |open: char, close: char| line.starts_with(open) && line.ends_with(close);
    let is_long = count >= REMARK_WORDS || line.contains(|c: char| c.is_ascii_digit());
    count > WORDS_BEHIND
        || line.contains('?')
        || (line.ends_with(['.', '!', ':']) && count >= SENTENCE_WORDS)
        || (line.contains(char::is_alphabetic) && is_long && (is_within('(', ')') || is_within('[', ']')))
        || (line.starts_with("--") && line.contains(char::is_alphabetic))
        || line.split_once(": ").is_some_and(|(label, what)| !is_contact(label, what))
}

/// Whether a label and what stands behind it tell where or when somebody is found: by the label, or by an address, a long
/// number or hours (`9-17`).
fn is_contact(label: &str, what: &str) -> bool {
    CONTACTS.iter().any(|contact| label.contains(contact))
        || what.contains('@')
        || what.chars().filter(char::is_ascii_digit).count() >= CONTACT_DIGITS
        || what.split_once('-').is_some_and(|(from, to)| has_digit(from) && has_digit(to))
}

fn has_digit(text: &str) -> bool {
    text.contains(|c: char| c.is_ascii_digit())
}

/// Whether a line begins with a greeting to somebody.
fn greets(line: &str) -> bool {
    let begins = |greeting: &str| {
        line.strip_prefix(greeting)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', ',', '!', '.', ':']))
    };
    let opening = line.split([',', '!', ':', '.']).next().unwrap_or_default();
    let count = opening.split_whitespace().count();
    let is_short = count <= 7;
    let is_named = PARTINGS.iter().any(|greeting| begins(greeting)) && count >= 2;
    is_short && !is_sign_off(line) && (is_named || GREETINGS.iter().any(|greeting| begins(greeting)))
}

/// Whether a line is a formula that ends a letter.
fn is_sign_off(line: &str) -> bool {
    let is_short = line.split_whitespace().count() <= 6 && !line.ends_with(['.', '?', ':']);
    let word = line.trim_end_matches([',', '!']);
    is_short && (CLOSINGS.iter().any(|closing| line.contains(closing)) || CLOSING_WORDS.contains(&word))
}

/// Whether a line, of any length, has a formula that ends a letter, as `Kind regards from Anna and all of the lamp shop`.
pub fn has_formula(line: &str) -> bool {
    let line = normalised(line);
    CLOSINGS.iter().any(|closing| line.contains(closing))
}

/// How letters begin in the languages that the drafter writes.
const GREETINGS: &[&str] = &[
    "hello",
    "hi",
    "hey",
    "dear",
    "good morning",
    "good afternoon",
    "good evening",
    "good day",
    "greetings",
    "hallo",
    "guten tag",
    "guten morgen",
    "guten abend",
    "moin",
    "grüezi",
    "liebe",
    "lieber",
    "liebes",
    "sehr geehrte",
    "sehr geehrter",
    "werte",
    "bonjour",
    "bonsoir",
    "cher",
    "chère",
    "chers",
    "madame",
    "hola",
    "estimado",
    "estimada",
    "estimados",
    "querido",
    "querida",
    "buenos días",
    "buenas tardes",
    "buongiorno",
    "buonasera",
    "gentile",
    "egregio",
    "beste",
    "geachte",
    "goedendag",
    "goedemorgen",
    "goedemiddag",
    "olá",
    "oi",
    "prezado",
    "prezada",
    "bom dia",
    "boa tarde",
    "boa noite",
    "dzień dobry",
    "szanowny",
    "szanowna",
    "szanowni",
    "witam",
    "hei",
    "god dag",
    "god morgen",
    "god morgon",
    "kære",
    "kjære",
];

/// Greetings with which people part as well, or that are words of another meaning: a name has to follow.
const PARTINGS: &[&str] = &["ciao", "salut", "salve", "caro", "cara", "hej", "cześć", "servus", "kära"];

/// What stands in the lines that end letters.
const CLOSINGS: &[&str] = &[
    "regards",
    "best wishes",
    "warm wishes",
    "kind wishes",
    "sincerely",
    "yours truly",
    "yours faithfully",
    "all the best",
    "grüße",
    "grüßen",
    "gruß",
    "gruss",
    "grüsse",
    "gruesse",
    "hochachtungsvoll",
    "cordialement",
    "salutations",
    "bien à vous",
    "saludos",
    "un saludo",
    "atentamente",
    "saluti",
    "cordialità",
    "groet",
    "atenciosamente",
    "cumprimentos",
    "abraço",
    "poważaniem",
    "pozdrawiam",
    "pozdrowieni",
    "hälsning",
    "hilsen",
    "hilsner",
    "helsing",
    "beste wensen",
    "hej då",
    "hej hej",
];

/// The same of words that also stand in sentences: the line is nothing else.
const CLOSING_WORDS: &[&str] = &["warmly", "cheers"];

/// How postscripts begin.
const POSTSCRIPTS: &[&str] = &[
    "p.s",
    "ps ",
    "ps:",
    "ps.",
    "p. s.",
    "pd:",
    "pd ",
    "p.d",
    "p. d",
    "posdata",
    "post scriptum",
    "post-scriptum",
    "nb:",
    "nb ",
    "n.b",
];

/// Labels of a line that tells where to find somebody.
const CONTACTS: &[&str] = &[
    "tel",
    "fon",
    "phone",
    "mail",
    "web",
    "fax",
    "www",
    "adres",
    "address",
    "mobil",
    "internet",
    "site",
    "vat",
    "ust",
    "hours",
    "zeiten",
    "horaire",
    "horario",
    "orari",
    "whatsapp",
    "tél",
    "courriel",
    "correo",
    "geschäftsführ",
    "sitz",
    "gericht",
    "hotline",
    "instagram",
    "facebook",
    "anschrift",
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::draft::template::tests::every_sentence;

    const LETTER: &str =
        "Hello Maya,\n\nyour lamp left us on Monday.\n\nKind regards,\nYour Corner Shop team";

    #[test]
    fn what_stands_before_a_greeting_is_found() {
        for before in [
            "Here you go:\n\n",
            "Here you go: ",
            "Certainly.\n\n",
            "Email:\n",
            "### Reply\n\n",
            "Reply to customer: ",
            "Here is what I suggest.\n\nTo be sent:\n",
            "(Friendly tone)\n",
            "Language: English\n",
            "Antwort an die Kundin:\n\n",
            "Här är svaret: \"",
            "Voici ce que je propose :\n",
            "Esto es lo que enviaría: ",
            "Ecco cosa scriverei:\n",
            "Dit zou ik sturen:\n",
            "Eis o texto:\n",
            "Oto tekst:\n",
            "Her er teksten:\n",
        ] {
            assert!(has_words_around(&format!("{before}{LETTER}")), "{before}");
        }
        for letter in [
            "Hier bitte:\nGuten Tag Maya,\n\nIhre Lampe ist unterwegs.",
            "Text: Liebe Maya, Ihre Lampe ist unterwegs.",
            "Voilà :\n\nBonjour Maya,\nvotre lampe est partie.",
            "Listo:\nEstimada Maya:\nsu lámpara ha salido.",
            "Ecco:\nGentile Maya,\nla Sua lampada è partita.",
            "Alsjeblieft:\nBeste Maya,\nuw lamp is onderweg.",
            "Pronto:\nOlá, Maya,\no seu candeeiro saiu.",
            "Proszę:\nDzień dobry,\nlampa jest w drodze.",
            "Varsågod:\nHej Maya,\nlampan är på väg.",
            "Værsgo:\nKære Maya,\nlampen er på vej.",
            "Vær så god:\nHei Maya,\nlampen er på vei.",
        ] {
            assert!(has_words_around(letter), "{letter}");
        }
    }

    #[test]
    fn what_stands_behind_a_sign_off_is_found() {
        for behind in [
            "Agent, please check the tracking before you send this.",
            "Would you like me to make it shorter?",
            "-- generated by AI",
            "(57 words)",
            "I have avoided making promises as instructed.",
            "Confidence: 0.8",
            "Recommendation: check the tracking.",
            "Priority: high",
            "Bitte vor dem Senden prüfen.",
            "Remember to replace the name.",
            "The tone is friendly and the length medium.",
            "[Die Kundin ist verärgert]",
            "Word count: 57",
            "Tone: friendly",
        ] {
            assert!(has_words_around(&format!("{LETTER}\n\n{behind}")), "{behind}");
        }
        let german = "Guten Tag,\n\nIhre Lampe ist da.\n\nMit freundlichen Grüßen\nIhr Team\n\nIch habe den Ton freundlich gehalten.";
        assert!(has_words_around(german));
    }

    #[test]
    fn letters_and_chats_pass() {
        let replies = [
            LETTER,
            "Hello Maya, your lamp left us on Monday.",
            "Your lamp left us on Monday.\nIt comes with a bulb: the small one.",
            "To return it:\n1. Pack it.\n2. Hand it in.",
            "Guten Tag Maya,\n\nIhre Lampe ist da.\n\nViele Grüße\nAnna Beispiel\nLampenwelt GmbH\nTel. 030 1234567 (Mo-Fr)\nE-Mail: hilfe@lampen.example",
            "Hola Maya:\n\nsu lámpara ha salido.\n\nUn saludo,\nLámparas S.A.",
            "Sehr geehrte Frau Beispiel,\n\nIhre Lampe ist da.\n\nLiebe Grüße\nIhr Team\n\nP.S. Die Birne liegt bei, sie steckt im kleinen Karton.",
            "Ihre Lampe ist da.\nLiebe Grüße\nIhr Team",
            "La lampada è partita.\nCiao,\nAnna",
            "Lampan är på väg.\nHej då!",
            "You wrote: the lamp is broken. Which bulb did you use?",
            "Hello Maya,\n\nyour lamp left us.\n\nKind regards, Anna from Corner Shop\n(Customer Service)\nT: +44 20 7946 0000\nE: help@shop.example\nMon-Fri: 9am-5pm",
            "Guten Tag,\n\nIhre Lampe ist da.\n\nViele Grüße\nAnna Beispiel (sie/ihr)\nKundenservice\nLampenwelt GmbH\nHauptstraße 1, 12345 Musterstadt\nHotline: 0800 1234567\nMo-Fr: 9-17 Uhr\nGeschäftsführer: Max Beispiel\nSitz der Gesellschaft: Musterstadt\nHRB 12345",
            "Bonjour,\n\nvotre lampe est partie.\n\nCordialement,\nAnna\nTél : 01 23 45 67 89\nCourriel : aide@boutique.example\nLun-ven : 9h-18h\n\nNB : l'ampoule est dans le petit carton.",
            "Estimada Maya:\n\nsu lámpara ha salido.\n\nUn saludo,\nAna\nCorreo: ayuda@tienda.example\n\nP. D.: la bombilla va en la caja pequeña.",
            "Cheers Maya!\nYour lamp left us on Monday, with a bulb.",
            "Cheers, your lamp left us today!",
            "We warmly thank you, Maya!",
            "Uw lamp is onderweg.\nBeste wensen,\nAnna",
        ];
        for reply in replies.map(str::to_owned).into_iter().chain(every_sentence()) {
            assert!(!has_words_around(&reply) && !says_nothing(&reply), "{reply}");
        }
    }

    #[test]
    fn a_reply_has_to_say_something() {
        for reply in [
            "...",
            "----",
            "Ok",
            "Hello Maya,",
            "Hello Ann.",
            "Kind regards,\nCorner shop",
            "Hello Maya,\n\nKind regards,\nCorner shop",
            "Guten Tag Frau Beispiel,\n\nMit freundlichen Grüßen\nIhr Team",
        ] {
            assert!(says_nothing(reply), "{reply}");
        }
        for reply in ["Hello Ann, thank you.", "ランプは月曜日に発送されました。", "Yes, it is."]
        {
            assert!(!says_nothing(reply), "{reply}");
        }
    }
}
