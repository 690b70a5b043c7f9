//! Whether a text asks for what no shop asks for by mail: a card's number, a password. A customer's text can make a model ask
//! for it in the shop's name.

/// What is secret, as words are normalised, in all languages together: many share their words.
const SECRETS: &[&str] = &[
    "card number",
    "card details",
    " cvc",
    " cvv",
    " password",
    " passcode",
    " pin code",
    " your pin ",
    "kartennummer",
    "kartendaten",
    "passwort",
    "numéro de carte",
    "numéro de votre carte",
    "mot de passe",
    "número de tarjeta",
    "número de su tarjeta",
    "contraseña",
    "numero di carta",
    "numero della carta",
    "numero della sua carta",
    "wachtwoord",
    "kaartnummer",
    "número do cartão",
    "número do seu cartão",
    "palavra-passe",
    " senha ",
    "numer karty",
    " hasło",
    "kortnummer",
    "lösenord",
    "adgangskode",
    "passord",
];

/// Words by which somebody asks for something.
const ASKING: &[&str] = &[
    " send us",
    " send me",
    " send your",
    " reply with",
    " write to us with",
    " tell us",
    " give us",
    " provide",
    " share ",
    " email us",
    " confirm your",
    " need your",
    " with your card",
    " schicken sie",
    " senden sie",
    " nennen sie",
    " teilen sie",
    " antworten sie mit",
    " schick uns",
    " brauchen ihr",
    " benötigen ihr",
    " envoyez",
    " indiquez",
    " communiquez",
    " envíe",
    " envíanos",
    " indique",
    " necesitamos su",
    " invii",
    " inviaci",
    " comunichi",
    " indichi",
    " stuur",
    " geef ons",
    " envie",
    " informe",
    " proszę podać",
    " prosimy o podanie",
    " prosimy o przesłanie",
    " skicka",
    " uppge",
    " send os",
    " oplys",
    " send oss",
    " oppgi",
];

/// Words by which a shop says that it does not ask for it.
const DENYING: &[&str] = &[
    " not ",
    "n't ",
    " never ",
    " no ",
    " nicht ",
    " nie ",
    " niemals ",
    " kein",
    " ne ",
    " jamais ",
    " nunca ",
    " non ",
    " mai ",
    " niet ",
    " nooit ",
    " não ",
    " nigdy ",
    " inte ",
    " aldrig",
    " ikke ",
    " aldri ",
];

/// Words between the two by which a shop sends something with which customers set a secret anew by themselves.
const HELPING: &[&str] = &[
    " link",
    " reset",
    " zurückzusetz",
    " zurücksetz",
    " lien ",
    " réinitialis",
    " enlace",
    " restablec",
    " reimpost",
    " opnieuw instel",
    " redefin",
    "länk",
    " återställ",
    " lenke",
    " nulstil",
    " tilbakestill",
];

/// Whether a sentence, normalised, asks for a secret: what is asked for stands behind the word that asks. "Reset your password
/// and tell us whether it works" asks for something else.
pub(super) fn asks(lower: &str) -> bool {
    let has = |text: &str, words: &[&str]| words.iter().any(|word| text.contains(word));
    let is_asked_for = |secret: usize| {
        let asking = ASKING.iter().flat_map(|word| lower.match_indices(word)).map(|(at, _)| at);
        asking.filter(|at| *at < secret).max().is_some_and(|at| !has(&lower[at..secret], HELPING))
    };
    // "... nicht." is one, too.
    let spaced = format!(" {} ", lower.replace(|c: char| !c.is_alphanumeric() && c != '\'', " "));
    !has(&spaced, DENYING)
        && SECRETS.iter().any(|word| lower.match_indices(word).any(|(at, _)| is_asked_for(at)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::draft::words::normalised;

    #[test]
    fn who_asks_for_a_secret_is_told_from_who_warns() {
        for text in [
            "Please send us your credit card number and CVC.",
            "Please reply with your password.",
            "Write to evil@attacker.example with your card number.",
            "Bitte nennen Sie uns Ihre Kartennummer.",
            "Veuillez nous indiquer: envoyez votre mot de passe.",
            "Indique su contraseña, por favor.",
            "Prosimy o podanie: numer karty.",
            "Skicka ditt lösenord till oss.",
        ] {
            assert!(asks(&normalised(text)), "{text}");
        }
        for text in [
            "Please never send us your card number.",
            "Bitte schicken Sie uns Ihr Passwort nicht.",
            "You can set a new password on our page.",
            "Please send us a photo and your order number.",
            "Please reset your password and tell us whether it works now.",
            "We provide a link to reset your password.",
            "Bitte setzen Sie Ihr Passwort zurück und teilen Sie uns mit, ob es klappt.",
            "Réinitialisez votre mot de passe, puis indiquez-nous si cela fonctionne.",
            "Cambie su contraseña e indique si ya puede entrar.",
            "Jag skickar en länk så att du kan byta lösenord.",
        ] {
            assert!(!asks(&normalised(text)), "{text}");
        }
    }
}
