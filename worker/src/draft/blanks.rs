//! Blanks that a model left to be filled in, in the forms that people and mail programs know. The gate of outgoing texts
//! refuses what nobody writes on purpose (`[name]`, `{{name}}`); people may write `$HOME` or `(date)`, so these are looked
//! for in a model's answers alone, where a false alarm costs a second question.
//!
//! | Form | Found | Passes |
//! | --- | --- | --- |
//! | a name between two equal marks | `%name%`, `#NAME#`, `@first_name@`, `*\|FNAME\|*`, `«name»` | `100%`, `#1234`, `@shop`, `a@b.example` |
//! | a name behind a sign | `$NAME`, `$first_name`, `%s` | `$20`, `US$`, `$USD` |
//! | nothing between brackets, or what is known as a blank | `[...]`, `[ ]`, `(Name)`, `(insert date)` | `(Mo-Fr)`, `(the small one)` |
//! | capitals | `INSERT NAME HERE`, `YOUR NAME`, `ORDER_NUMBER`, `TBD`, `XX.XX.2026` | `XXL`, `USB` |
//! | points for a name | `Dear ...,`, `…………` | `Well...` |

use super::words::normalised;

/// Longest name of a variable, in characters.
const NAME_CHARS: usize = 40;

/// Whether a reply holds a blank.
pub fn has_blank(reply: &str) -> bool {
    between_marks(reply)
        || behind_signs(reply)
        || between_brackets(reply)
        || in_capitals(reply)
        || to_be_inserted(&normalised(reply))
        || of_points(reply)
}

/// Marks between which programs put their variables.
const PAIRS: &[(&str, &str)] = &[
    ("%%", "%%"),
    ("%", "%"),
    ("##", "##"),
    ("#", "#"),
    ("@@", "@@"),
    ("@", "@"),
    ("$$", "$$"),
    ("$", "$"),
    ("*|", "|*"),
    ("|", "|"),
    ("__", "__"),
    ("--", "--"),
    ("~", "~"),
    ("\u{ab}", "\u{bb}"),
    ("\u{2039}", "\u{203a}"),
    ("\u{3010}", "\u{3011}"),
    ("\u{27e8}", "\u{27e9}"),
];

/// A name between two marks that touch nothing else: `5%off%` and `anna@b@c` are none.
fn between_marks(text: &str) -> bool {
    PAIRS.iter().any(|(open, close)| {
        text.match_indices(open).any(|(at, _)| {
            let is_free = !text[..at].ends_with(|c: char| c.is_alphanumeric());
            let inside = &text[at + open.len()..];
            let Some((name, after)) = inside.split_once(close) else { return false };
            let is_closed = !after.starts_with(|c: char| c.is_alphanumeric());
            // Between quotation marks, dashes and the like people write words.
            let is_plain = !matches!(*open, "%" | "%%" | "#" | "##" | "@" | "@@" | "*|" | "$$");
            is_free && is_closed && is_variable(name) && (!is_plain || is_known(name) || is_shouted(name))
        })
    })
}

/// What a variable can be called: letters, digits and what joins words, at most three of them.
fn is_variable(name: &str) -> bool {
    let joins = |c: char| matches!(c, '_' | '.' | '-' | ' ' | ':');
    (2..=NAME_CHARS).contains(&name.chars().count())
        && name.starts_with(char::is_alphabetic)
        && name.ends_with(char::is_alphanumeric)
        && name.chars().all(|c| c.is_alphanumeric() || joins(c))
        && name.split_whitespace().count() <= 3
}

/// `FIRST_NAME`: capitals, joined.
fn is_shouted(name: &str) -> bool {
    name.contains('_') && name.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_')
}

/// A variable behind a dollar sign, and the slots of `printf`.
fn behind_signs(text: &str) -> bool {
    let dollars = text.match_indices('$').any(|(at, _)| {
        let is_free = !text[..at].ends_with(|c: char| c.is_alphanumeric());
        let rest = text[at + 1..].trim_start_matches(['{', '(']);
        let name: String =
            rest.chars().take_while(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.')).collect();
        let name = name.trim_end_matches(['.', '_']);
        let is_capital = name.len() >= 4 && name.bytes().all(|b| b.is_ascii_uppercase() || b == b'_');
        let is_joined = name.contains(['_', '.']) && name.len() >= 4;
        let begins = name.starts_with(|c: char| c.is_ascii_alphabetic());
        is_free && begins && (is_capital || is_joined || is_known(name))
    });
    let slots = text.match_indices('%').any(|(at, _)| {
        let is_free = !text[..at].trim_end().ends_with(|c: char| c.is_ascii_digit());
        let rest = text[at + 1..].trim_start_matches(|c: char| c.is_ascii_digit() || c == '$');
        let is_slot = rest.starts_with(['s', 'd']) && !rest[1..].starts_with(|c: char| c.is_alphanumeric());
        is_free && is_slot
    });
    dollars || slots
}

/// Brackets around nothing, or around what is known as a blank.
fn between_brackets(text: &str) -> bool {
    [('[', ']'), ('{', '}'), ('<', '>'), ('(', ')')].iter().any(|(open, close)| {
        text.match_indices(*open).any(|(at, _)| {
            let Some((inside, _)) = text[at + 1..].split_once(*close) else { return false };
            let words = inside.trim().trim_matches(['.', '\u{2026}', '_', '-', '*']);
            if words.is_empty() {
                // A call of a program ends with `()`, and `<>` is another sign for "not equal".
                return *open == '[' || (!inside.is_empty() && *open != '<');
            }
            let lower = normalised(words);
            inside.chars().count() <= NAME_CHARS && (is_known(words) || says_to_fill(&lower))
        })
    })
}

/// Whether a text between brackets says what to put there.
fn says_to_fill(lower: &str) -> bool {
    let is_of_a_blank = KNOWN.iter().any(|known| lower.contains(&format!(" {known} ")));
    is_of_a_blank && FILL.iter().any(|fill| lower.contains(fill))
}

/// Words in capitals that are a blank: at least two in a row that name one and say to fill it, or one that is joined.
fn in_capitals(text: &str) -> bool {
    let words: Vec<&str> = text
        .split_whitespace()
        .map(|word| word.trim_matches(|c: char| !c.is_alphanumeric() && c != '_'))
        .collect();
    let is_capital = |word: &&str| {
        word.chars().count() >= 2 && word.chars().all(|c| c.is_uppercase() || c == '_' || c == '\'')
    };
    let is_short = |word: &&str| matches!(*word, "TBD" | "TBA" | "FIXME" | "T.B.D" | "t.b.d");
    let is_joined = |word: &&str| is_shouted(word) && (is_known(word) || word.split('_').any(is_known));
    words.iter().any(|word| is_short(word) || is_joined(word) || is_of_x(word))
        || words.chunk_by(|one, two| is_capital(one) && is_capital(two)).any(|run| {
            let lower = normalised(&run.join(" "));
            run.len() >= 2 && (says_to_fill(&lower) || ends_in_your_name(&lower))
        })
}

/// `YOUR NAME`, `IHR NAME`: in capitals nobody signs so.
fn ends_in_your_name(lower: &str) -> bool {
    [
        " your ", " ihr ", " dein ", " votre ", " su ", " tu ", " il tuo ", " uw ", " seu ", " twoje ",
        " ditt ", " dit ",
    ]
    .iter()
    .any(|yours| lower.strip_prefix(yours).is_some_and(|rest| is_known(rest.trim())))
}

/// `XX.XX.2026`, `XX-XXX`: groups of X.
fn is_of_x(word: &str) -> bool {
    let groups = word.split(['.', '/', '-', ':']);
    let is_x = |group: &str| group.len() >= 2 && group.chars().all(|c| c == 'X' || c == 'x');
    groups.clone().count() >= 2
        && groups.clone().filter(|group| is_x(group)).count() >= 2
        && groups.clone().all(|group| is_x(group) || group.chars().all(|c| c.is_ascii_digit()))
}

/// `insert name here`, whatever the letters: the word for filling in, a blank, and a place.
fn to_be_inserted(lower: &str) -> bool {
    const BEGINS: &[&str] = &[" insert ", " enter "];
    const THE: &[&str] = &["the ", "a ", "customer's ", "customer ", "correct ", "actual "];
    // That is what customers do on a page.
    let lower = lower.replace(" enter the ", " ");
    BEGINS.iter().any(|begin| {
        lower.match_indices(begin).any(|(at, _)| {
            let mut rest = &lower[at + begin.len()..];
            while let Some(shorter) = THE.iter().find_map(|the| rest.strip_prefix(the)) {
                rest = shorter;
            }
            rest.split_once(" here").is_some_and(|(blank, _)| is_known(blank) && !blank.starts_with("your "))
        })
    })
}

/// Points where a name or a word belongs: in an opening (`Dear ...,`), or a whole row of them.
fn of_points(text: &str) -> bool {
    let is_points = |word: &str| {
        let points = word.trim_end_matches([',', '!', ':']);
        let count: usize = points.chars().map(|c| if c == '\u{2026}' { 3 } else { 1 }).sum();
        (points.chars().all(|c| matches!(c, '.' | '\u{2026}')) && count >= 3)
            .then_some((count, points != word))
    };
    text.lines().filter(|line| line.contains(char::is_alphabetic)).any(|line| {
        line.split_whitespace().filter_map(is_points).any(|(count, is_opening)| is_opening || count >= 9)
    })
}

/// Whether a name is known as one of a blank; `first_name`, `First name` and `firstName` are one.
fn is_known(name: &str) -> bool {
    let mut words = String::new();
    let mut was_lower = false;
    for c in name.trim().chars() {
        if matches!(c, '_' | '-' | '.') || (was_lower && c.is_uppercase()) {
            words.push(' ');
        }
        if !matches!(c, '_' | '-' | '.') {
            words.extend(c.to_lowercase());
        }
        was_lower = c.is_lowercase();
    }
    KNOWN.contains(&words.split_whitespace().collect::<Vec<_>>().join(" ").as_str())
}

/// What says to fill something in, as words are normalised.
const FILL: &[&str] = &[
    " insert ",
    " enter ",
    " add ",
    " fill in",
    " here ",
    " einfügen ",
    " eintragen ",
    " einsetzen ",
    " ergänzen ",
    " hier ",
    " insérer ",
    " ajouter ",
    " compléter ",
    " ici ",
    " insertar ",
    " inserte ",
    " completar ",
    " aquí ",
    " inserire ",
    " inserisci ",
    " qui ",
    " invullen ",
    " invoegen ",
    " inserir ",
    " preencher ",
    " aqui ",
    " wstaw ",
    " wpisz ",
    " uzupełnij ",
    " tutaj ",
    " infoga ",
    " fyll i ",
    " här ",
    " indsæt ",
    " udfyld ",
    " sett inn ",
    " fyll inn ",
];

/// What blanks are called in the languages that the drafter writes.
const KNOWN: &[&str] = &[
    "name",
    "first name",
    "firstname",
    "fname",
    "lname",
    "last name",
    "lastname",
    "surname",
    "full name",
    "fullname",
    "customer name",
    "customername",
    "customer",
    "client name",
    "agent name",
    "agent",
    "company name",
    "company",
    "shop name",
    "store name",
    "your name",
    "order number",
    "order id",
    "order no",
    "ordernumber",
    "tracking number",
    "tracking link",
    "tracking code",
    "date",
    "delivery date",
    "amount",
    "product name",
    "signature",
    "vorname",
    "nachname",
    "kundenname",
    "kunde",
    "kundin",
    "ihr name",
    "dein name",
    "firmenname",
    "firma",
    "bestellnummer",
    "auftragsnummer",
    "kundennummer",
    "sendungsnummer",
    "datum",
    "betrag",
    "produktname",
    "unterschrift",
    "nom",
    "prénom",
    "votre nom",
    "nom du client",
    "entreprise",
    "numéro de commande",
    "numéro de suivi",
    "montant",
    "nombre",
    "apellido",
    "su nombre",
    "tu nombre",
    "nombre del cliente",
    "empresa",
    "número de pedido",
    "fecha",
    "importe",
    "nome",
    "cognome",
    "il tuo nome",
    "nome del cliente",
    "azienda",
    "numero ordine",
    "numero d'ordine",
    "importo",
    "naam",
    "voornaam",
    "achternaam",
    "uw naam",
    "jouw naam",
    "klantnaam",
    "bestelnummer",
    "bedrag",
    "sobrenome",
    "seu nome",
    "nome do cliente",
    "número do pedido",
    "número da encomenda",
    "imię",
    "nazwisko",
    "imię i nazwisko",
    "twoje imię",
    "imię klienta",
    "numer zamówienia",
    "kwota",
    "namn",
    "förnamn",
    "efternamn",
    "ditt namn",
    "kundens namn",
    "ordernummer",
    "belopp",
    "navn",
    "fornavn",
    "efternavn",
    "etternavn",
    "dit navn",
    "ditt navn",
    "kundens navn",
    "ordrenummer",
    "beløb",
    "beløp",
    "dato",
];

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::draft::template::tests::every_sentence;

    #[test]
    fn blanks_are_found_in_every_form() {
        for reply in [
            "Hello %name%, hello.",
            "Hello %%name%%, hello.",
            "Hello $NAME, hello.",
            "Hello $name, hello.",
            "Hello $first_name, hello.",
            "Hello ${customer.name}, hello.",
            "Hello #NAME#, hello.",
            "Hello ##vorname##, hello.",
            "Hello @name@, hello.",
            "Hello *|FNAME|*, hello.",
            "Hello |NAME|, hello.",
            "Hello __NAME__, hello.",
            "Hello --name--, hello.",
            "Hello \u{ab}name\u{bb}, hello.",
            "Hello \u{3010}name\u{3011}, hello.",
            "Hello \u{27e8}name\u{27e9}, hello.",
            "Hello %s, hello.",
            "It left on [...].",
            "It left on [\u{2026}].",
            "It left on [ ].",
            "It left on (...).",
            "Hello (Name), hello.",
            "Hello (Vorname), hello.",
            "Bonjour (prénom), bonjour.",
            "It left on (insert date).",
            "Hallo (Bitte Name einsetzen), hallo.",
            "Hello INSERT NAME HERE, hello.",
            "Hello insert name here, hello.",
            "Kind regards,\nYOUR NAME",
            "Your order ORDER_NUMBER has left.",
            "It arrives TBD.",
            "It left on XX.XX.2026.",
            "It left on xx/xx/2026.",
            "Sehr geehrter Herr/Frau ..., hallo.",
            "Dear ...,\nhello.",
            "Your lamp is with \u{2026}\u{2026}\u{2026}\u{2026} now.",
        ] {
            assert!(has_blank(reply), "{reply}");
        }
    }

    #[test]
    fn what_only_looks_like_a_blank_passes() {
        let replies = [
            "It costs $20, US$20, 20 $ or $1,234.50; in $USD or A$ as you like.",
            "Your order #1234 and #5678# belong together.",
            "Follow @lampshop and @bulbs, or write to help@shop.example and anna@b.example.",
            "We are here (Mo-Fr), (Mon to Fri), (9-17 h) and (on most days).",
            "It is 20% off the list, 30 % on two and 100%cotton or 50% wool.",
            "The date (12 March) and the name (as you wrote it) are right.",
            "Use size XXL, the USB port and the X-X plug.",
            "PLEASE READ THE NOTE ON THE BOX.",
            "Well... I will look. And so on ...",
            "Please enter your name here: see the form. Insert the battery here.",
            "You can enter the tracking number here: https://shop.example/track.",
            "The lamp -- the small one -- left us, and the bulb | plug | cable follow.",
            "She said \u{ab}bonjour\u{bb} and __really__ meant it ~ thank you ~.",
            "____________\nThe shop",
            "Press f() or <enter>, and 3 <> 4.",
            "See [1] and [our page](https://shop.example/a%20b%20c), 10%s of it.",
            "-- \nThe shop",
            "Your receipt has a #tag, and #sale #lamp are others.",
        ];
        for reply in replies.map(str::to_owned).into_iter().chain(every_sentence()) {
            assert!(!has_blank(&reply), "{reply}");
        }
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "[a-zX%$#@|*_«» .…(){}\\[\\]<>é-]{0,40}") {
            let _ = has_blank(&text);
        }
    }
}
