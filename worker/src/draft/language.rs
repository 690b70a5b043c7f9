//! The customer's language: which one a reply should be in, and whether a reply is certainly in another. Certain is what is
//! long enough, what the detector calls reliable, and what it tells apart well.

use support::analysis::Languages;
use whatlang::Lang;

use super::fault::Fault;
use super::input::{Author, DraftInput, ThreadMessage};
use crate::analysis;
use crate::language::{code, detect, readable};

/// Fewer letters than these say too little.
const LETTERS: usize = 40;
/// Customer's messages that are looked at, the newest.
const MESSAGES: usize = 3;

/// The fault, if the reply is certainly in another language than the customer's messages.
pub fn other_language(reply: &str, input: &DraftInput) -> Option<Fault> {
    let ((customer, _), (answered, _)) = (of_customer(&input.messages)?, language(reply)?);
    (customer != answered).then(|| Fault::OtherLanguage { reply: name(answered), customer: name(customer) })
}

/// The language of the customer's messages (ISO 639-1), where they tell it for certain.
pub fn told(messages: &[ThreadMessage]) -> Option<&'static str> {
    let (found, text) = of_customer(messages)?;
    code(found, &text)
}

/// The language that a reply should be in.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Chosen {
    /// As ISO 639-1 names it; none when not even the shop has said one.
    pub language: Option<String>,
    /// Whether nothing of the customer's tells it, so that it is the shop's.
    pub is_assumed: bool,
}

/// The language that a reply should be in, where the messages do not tell one for certain: what is known of the ticket's, else
/// what the latest message, or the subject of a ticket without any, is probably in, else the shop's.
pub fn likely(messages: &[ThreadMessage], subject: &str, known: Languages) -> Chosen {
    let latest = latest(messages).next().unwrap_or(subject);
    let likely = known.of_ticket.or_else(|| analysis::language::of(latest).map(str::to_owned));
    Chosen { is_assumed: likely.is_none(), language: likely.or(known.of_shop) }
}

/// The language of the customer's messages and the text that tells it. The latest message decides; where it is too short,
/// those before it are read along.
fn of_customer(messages: &[ThreadMessage]) -> Option<(Lang, String)> {
    let texts: Vec<&str> = latest(messages).take(MESSAGES).collect();
    (1..=texts.len()).find_map(|n| language(&texts[..n].join("\n")))
}

fn latest(messages: &[ThreadMessage]) -> impl Iterator<Item = &str> {
    let of_customer = messages.iter().rev().filter(|message| message.author == Author::Customer);
    of_customer.map(|message| message.text.as_str())
}

fn language(text: &str) -> Option<(Lang, String)> {
    let text = readable(text, LETTERS)?;
    let found = detect(&text)?;
    (found.is_reliable() && KNOWN.contains(&found.lang())).then(|| (found.lang(), text))
}

/// In English, for models and agents.
fn name(language: Lang) -> &'static str {
    if language == Lang::Dan { "Danish or Norwegian" } else { language.eng_name() }
}

/// Languages of shops and their customers. Close relatives (Czech and Slovak) are left out: they are taken for each other;
/// Danish is Norwegian as well.
const KNOWN: &[Lang] = &[
    Lang::Eng,
    Lang::Deu,
    Lang::Fra,
    Lang::Spa,
    Lang::Ita,
    Lang::Por,
    Lang::Nld,
    Lang::Swe,
    Lang::Dan,
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
    use crate::draft::template::tests::an_input;

    const GERMAN: &str =
        "Guten Tag, ich habe vor zwei Wochen eine Lampe bestellt und sie ist noch nicht angekommen.";
    const ENGLISH: &str =
        "Thank you for your message. I am looking into where your lamp is and will write to you soon.";
    const FRENCH: &str = "Merci beaucoup pour votre message. Je regarde où se trouve votre lampe, j'ai demandé au \
        transporteur ce qui s'est passé, et je reviens vers vous dès que j'en sais plus.";
    const DANISH: &str =
        "Hej, jeg har stadig ikke modtaget min pakke, og jeg har ventet i to uger. Hvornår kommer den?";

    fn reply_of(customer: &str, reply: &str) -> Option<Fault> {
        other_language(reply, &an_input(customer))
    }

    #[test]
    fn another_language_is_told_when_both_are_certain() {
        let fault = reply_of(GERMAN, ENGLISH).expect("a fault");
        assert_eq!(fault.to_string(), "the reply is in English, but the customer writes German");
        assert!(reply_of(ENGLISH, FRENCH).is_some());
        assert_eq!(reply_of(GERMAN, GERMAN), None);
        assert_eq!(reply_of(ENGLISH, ENGLISH), None);
        let fault = reply_of(DANISH, ENGLISH).expect("a fault");
        assert_eq!(fault.to_string(), "the reply is in English, but the customer writes Danish or Norwegian");
    }

    #[test]
    fn what_is_short_or_mixed_is_not_judged() {
        for short in [
            "",
            "Hallo?",
            "Wo ist 536365?",
            "https://shop.example/bestellung/536365/danke-fuer-ihren-einkauf",
        ] {
            assert_eq!(reply_of(short, ENGLISH), None, "{short}");
        }
        assert_eq!(reply_of(GERMAN, "OK."), None);
    }

    #[test]
    fn the_latest_message_decides() {
        let mut input = an_input(GERMAN);
        input.messages.push(ThreadMessage { text: ENGLISH.into(), ..input.messages[0].clone() });
        assert_eq!(other_language(ENGLISH, &input), None);
        assert_eq!(told(&input.messages), Some("en"));
        input.messages.push(ThreadMessage { text: "Danke!".into(), ..input.messages[0].clone() });
        assert_eq!(
            other_language(ENGLISH, &input),
            None,
            "the short one is read together with the one before"
        );
        input.messages.push(ThreadMessage { text: DANISH.into(), ..input.messages[0].clone() });
        assert_eq!(told(&input.messages), Some("da"));
    }

    #[test]
    fn what_messages_do_not_tell_comes_from_the_ticket_a_guess_or_the_shop() {
        let known = |of_ticket: Option<&str>, of_shop: Option<&str>| Languages {
            of_ticket: of_ticket.map(str::to_owned),
            of_shop: of_shop.map(str::to_owned),
        };
        let of = |text: &str, known| {
            let messages = an_input(text).messages;
            assert_eq!(told(&messages), None, "{text}");
            likely(&messages, "", known)
        };
        let told_by = |language: &str| Chosen { language: Some(language.to_owned()), is_assumed: false };
        assert_eq!(of("Wo ist mein Paket?", known(Some("fr"), Some("en"))), told_by("fr"));
        assert_eq!(of("Wo ist mein Paket?", known(None, Some("en"))), told_by("de"));
        let assumed =
            |language: Option<&str>| Chosen { language: language.map(str::to_owned), is_assumed: true };
        assert_eq!(of("536365?", known(None, Some("nl"))), assumed(Some("nl")));
        assert_eq!(of("Kde je moje zásilka?", known(None, Some("de"))), assumed(Some("de")));
        assert_eq!(of("Wo isch mis Päckli?", known(None, Some("fr"))), told_by("de"));
        assert_eq!(of("536365?", known(None, None)), assumed(None));
        assert_eq!(likely(&[], "Où est mon colis ?", known(None, Some("en"))), told_by("fr"));
    }
}
