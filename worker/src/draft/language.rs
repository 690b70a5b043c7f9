//! Whether a reply is in the customer's language. Told only when it is certain of both: the texts are long enough, the
//! detector calls its own finding reliable, and both languages are among those that it tells apart well.

use whatlang::{Lang, detect};

use super::fault::Fault;
use super::input::{Author, DraftInput};
use crate::language::readable;

/// Fewer letters than these say too little.
const LETTERS: usize = 40;
/// Customer's messages that are looked at, the newest.
const MESSAGES: usize = 3;

/// The fault, if the reply is certainly in another language than the customer's messages.
pub fn other_language(reply: &str, input: &DraftInput) -> Option<Fault> {
    let of_customer = input.messages.iter().rev().filter(|message| message.author == Author::Customer);
    let texts: Vec<&str> = of_customer.take(MESSAGES).map(|message| message.text.as_str()).collect();
    // The latest message decides; where it is too short, those before it are read along.
    let (customer, answered) =
        ((1..=texts.len()).find_map(|n| language(&texts[..n].join("\n")))?, language(reply)?);
    (customer != answered)
        .then(|| Fault::OtherLanguage { reply: answered.eng_name(), customer: customer.eng_name() })
}

fn language(text: &str) -> Option<Lang> {
    let found = detect(&readable(text, LETTERS)?)?;
    (found.is_reliable() && KNOWN.contains(&found.lang())).then(|| found.lang())
}

/// Languages of shops and their customers. Close relatives (Danish and Norwegian, Czech and Slovak) are left out:
/// they are taken for each other.
const KNOWN: &[Lang] = &[
    Lang::Eng,
    Lang::Deu,
    Lang::Fra,
    Lang::Spa,
    Lang::Ita,
    Lang::Por,
    Lang::Nld,
    Lang::Swe,
    Lang::Fin,
    Lang::Pol,
    Lang::Hun,
    Lang::Tur,
    Lang::Rus,
    Lang::Ell,
    Lang::Jpn,
    Lang::Cmn,
    Lang::Kor,
    Lang::Ara,
    Lang::Heb,
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::draft::input::ThreadMessage;
    use crate::draft::template::tests::an_input;

    const GERMAN: &str =
        "Guten Tag, ich habe vor zwei Wochen eine Lampe bestellt und sie ist noch nicht angekommen.";
    const ENGLISH: &str =
        "Thank you for your message. I am looking into where your lamp is and will write to you soon.";
    const FRENCH: &str = "Merci beaucoup pour votre message. Je regarde où se trouve votre lampe, j'ai demandé au \
        transporteur ce qui s'est passé, et je reviens vers vous dès que j'en sais plus.";

    fn told(customer: &str, reply: &str) -> Option<Fault> {
        other_language(reply, &an_input(customer))
    }

    #[test]
    fn another_language_is_told_when_both_are_certain() {
        let fault = told(GERMAN, ENGLISH).expect("a fault");
        assert_eq!(fault.to_string(), "the reply is in English, but the customer writes German");
        assert!(told(ENGLISH, FRENCH).is_some());
        assert_eq!(told(GERMAN, GERMAN), None);
        assert_eq!(told(ENGLISH, ENGLISH), None);
    }

    #[test]
    fn what_is_short_or_mixed_is_not_judged() {
        for short in [
            "",
            "Hallo?",
            "Wo ist 536365?",
            "https://shop.example/bestellung/536365/danke-fuer-ihren-einkauf",
        ] {
            assert_eq!(told(short, ENGLISH), None, "{short}");
        }
        assert_eq!(told(GERMAN, "OK."), None);
    }

    #[test]
    fn the_latest_message_decides() {
        let mut input = an_input(GERMAN);
        input.messages.push(ThreadMessage { text: ENGLISH.into(), ..input.messages[0].clone() });
        assert_eq!(other_language(ENGLISH, &input), None);
        input.messages.push(ThreadMessage { text: "Danke!".into(), ..input.messages[0].clone() });
        assert_eq!(
            other_language(ENGLISH, &input),
            None,
            "the short one is read together with the one before"
        );
    }
}
