//! The customer's language: which one a reply should be in, and whether a reply is certainly in another. Certain is what is
//! long enough, what the detector calls reliable, and what it tells apart well.

use support::analysis::{Habits, Languages};
use whatlang::{Detector, Lang};

use super::fault::Fault;
use super::input::{Author, DraftInput, ThreadMessage};
use super::template::languages;
use crate::analysis;
use crate::language::{Words, by_words, code, detect, readable};

/// Fewer letters than these say too little.
const LETTERS: usize = 40;
/// Fewer little words than these are of any language.
const WORDS: usize = 2;
/// Of so many words of a longer text one more is a little word of its language, however it is written.
const WORDS_OF_WHICH_ONE: usize = 20;
/// Customer's messages that are looked at, the newest.
const MESSAGES: usize = 3;

/// The fault, if the reply is certainly in another language than the customer's messages. Where they are too short to tell one
/// for certain, it is enough that what is known of the ticket and what the latest is probably in are the same.
pub fn other_language(reply: &str, input: &DraftInput) -> Option<Fault> {
    let customer = match of_customer(&input.messages) {
        Some((customer, _)) => customer,
        None => lang(known(input).filter(|code| probably(input) == Some(*code))?)?,
    };
    let reply = differing(reply, customer)?;
    Some(Fault::OtherLanguage { reply, customer: name(customer) })
}

/// What an agent is to look at, where the reply is certainly in another language than somebody said the customer's is, and
/// the messages do not tell.
pub fn doubt(reply: &str, input: &DraftInput) -> Option<String> {
    if of_customer(&input.messages).is_some() {
        return None;
    }
    let customer = lang(known(input)?)?;
    let reply = differing(reply, customer)?;
    Some(format!("The reply is in {reply}, and the customer seems to write {}.", name(customer)))
}

/// The language that is known to be the customer's, and not assumed (ISO 639-1).
fn known(input: &DraftInput) -> Option<&str> {
    input.language.as_deref().filter(|_| !input.is_language_assumed)
}

/// What the latest message, or its subject, is probably in (ISO 639-1).
fn probably(input: &DraftInput) -> Option<&'static str> {
    let latest = latest(&input.messages).next().unwrap_or_default();
    analysis::language::of_message(&input.subject, latest)
}

/// In what a text is, in English words, if that is certainly another language.
fn differing(text: &str, language: Lang) -> Option<&'static str> {
    let text = readable(text, LETTERS)?;
    let found = detect(&text)?;
    if found.lang() == language {
        return None;
    }
    let relatives = are_relatives(found.lang(), language);
    // Another script is another language, whichever of its languages that is.
    if !found.script().langs().contains(&language) && !relatives {
        return Some(if found.is_reliable() { name(found.lang()) } else { "another script" });
    }
    let is_other = if found.is_reliable() {
        let own = code(language, &text);
        (KNOWN.contains(&found.lang()) || !relatives)
            && (own.is_none() || by_words(&text, WORDS, &[]).language() != own)
    } else {
        !relatives && is_clear_of(&text, language, found.lang())
    };
    is_other.then(|| name(found.lang()))
}

/// Whether a text is not in a language but rather in another, which itself need not be told from its relatives: between the
/// two the detector is sure, and there are hardly any little words of the first.
fn is_clear_of(text: &str, language: Lang, other: Lang) -> bool {
    let is_long = text.chars().filter(|c| c.is_alphabetic()).count() >= LETTERS * 2;
    let between = Detector::with_allowlist(vec![language, other]).detect(text);
    let is_sure = between.is_some_and(|found| found.is_reliable() && found.lang() == other);
    let least = WORDS + text.split_whitespace().count() / WORDS_OF_WHICH_ONE;
    let own = code(language, text);
    is_long && is_sure && own.is_none_or(|own| by_words(text, least, &[own]) == Words::Unknown)
}

/// Whether two languages are taken for each other in texts as long as a reply.
fn are_relatives(one: Lang, other: Lang) -> bool {
    const FAMILIES: [&[Lang]; 8] = [
        &[Lang::Jpn, Lang::Cmn],
        &[Lang::Ces, Lang::Slk],
        &[Lang::Nld, Lang::Afr],
        &[Lang::Dan, Lang::Nob, Lang::Swe],
        &[Lang::Hrv, Lang::Slv],
        &[Lang::Spa, Lang::Por, Lang::Cat, Lang::Ita, Lang::Epo, Lang::Lat],
        &[Lang::Rus, Lang::Ukr, Lang::Bel, Lang::Bul, Lang::Mkd, Lang::Srp],
        &[Lang::Fin, Lang::Est],
    ];
    FAMILIES.iter().any(|family| family.contains(&one) && family.contains(&other))
}

/// The language of a code (ISO 639-1), of those that are told.
fn lang(code: &str) -> Option<Lang> {
    Some(match code {
        "en" => Lang::Eng,
        "de" => Lang::Deu,
        "fr" => Lang::Fra,
        "es" => Lang::Spa,
        "it" => Lang::Ita,
        "pt" => Lang::Por,
        "nl" => Lang::Nld,
        "sv" => Lang::Swe,
        // One stands for the other, see `detect`.
        "da" | "nb" | "nn" | "no" => Lang::Dan,
        "fi" => Lang::Fin,
        "pl" => Lang::Pol,
        "hu" => Lang::Hun,
        "tr" => Lang::Tur,
        "ru" => Lang::Rus,
        "el" => Lang::Ell,
        "ja" => Lang::Jpn,
        "zh" => Lang::Cmn,
        "ko" => Lang::Kor,
        "ar" => Lang::Ara,
        "he" => Lang::Heb,
        _ => return None,
    })
}

/// Whether a reply is in a language whose promises nobody looks for here: another script than the Latin one, or certainly
/// none of those that the built-in drafter writes, which are those that `policy` knows words of.
pub fn is_unchecked(reply: &str) -> bool {
    let is_latin = |c: &char| matches!(c, '\u{0}'..='\u{24f}' | '\u{1e00}'..='\u{1eff}');
    let letters = reply.chars().filter(|c| c.is_alphabetic());
    if letters.clone().filter(is_latin).count() * 2 < letters.count() {
        return true;
    }
    let Some(text) = readable(reply, LETTERS) else { return false };
    let found = detect(&text).filter(|found| found.is_reliable());
    let is_known = |lang| code(lang, &text).is_some_and(|code| languages::of(code).is_some());
    found.is_some_and(|found| !is_known(found.lang()))
}

/// The language of the customer's messages (ISO 639-1), where they tell it for certain.
pub fn told(messages: &[ThreadMessage]) -> Option<&'static str> {
    let (found, text) = of_customer(messages)?;
    code(found, &text)
}

/// The language that a reply should be in.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Chosen {
    /// As ISO 639-1 names it; none when not even the shop has one.
    pub language: Option<String>,
    /// Whether nothing of the ticket tells it, so that it is that of other tickets or of the shop.
    pub is_assumed: bool,
}

/// The language that a reply should be in, where the messages do not tell one for certain: what is known of the ticket's, else
/// what the latest message or its subject is probably in. Where nothing tells, what may be assumed: that of the customer's
/// other tickets, else of most of the shop's, else of its help page.
pub fn likely(messages: &[ThreadMessage], subject: &str, known: Languages, habits: Habits) -> Chosen {
    let latest = latest(messages).next().unwrap_or_default();
    let told = || analysis::language::of_message(subject, latest).map(str::to_owned);
    let likely = known.of_ticket.or_else(told);
    let assumed = || habits.of_customer.or(habits.of_shop).or(known.of_shop);
    Chosen { is_assumed: likely.is_none(), language: likely.or_else(assumed) }
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
    fn a_language_that_is_not_told_apart_from_its_relatives_is_another_all_the_same() {
        const RUSSIAN: &str = "Здравствуйте, спасибо за ваше сообщение. Я проверяю, где находится ваша лампа, и напишу вам, \
             как только узнаю больше.";
        const CZECH: &str = "Dobrý den, děkujeme za Vaši zprávu. Zjišťuji, kde se Vaše lampa nachází, a ozvu se Vám, jakmile \
             budu vědět více. Můžete mi prosím potvrdit, že doručovací adresa stále platí?";
        for reply in [RUSSIAN, CZECH] {
            for customer in [ENGLISH, GERMAN] {
                assert!(reply_of(customer, reply).is_some(), "{reply}");
            }
        }
    }

    #[test]
    fn a_short_message_is_judged_by_what_it_probably_is_in() {
        let judged = |text: &str, language: Option<&str>, reply: &str| {
            let mut input = an_input(text);
            (input.subject, input.language) = (String::new(), language.map(str::to_owned));
            (other_language(reply, &input).is_some(), doubt(reply, &input).is_some())
        };
        let short = "Wo ist mein Paket?";
        assert_eq!(told(&an_input(short).messages), None);
        assert_eq!(judged(short, Some("de"), ENGLISH), (true, true));
        assert_eq!(judged(short, Some("de"), GERMAN), (false, false));
        // What somebody said against what the words tell, and what nobody said.
        assert_eq!(judged(short, Some("fr"), ENGLISH), (false, true));
        assert_eq!(judged("536365?", Some("fr"), ENGLISH), (false, true));
        assert_eq!(judged("536365?", None, ENGLISH), (false, false));
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
            likely(&messages, "", known, Habits::default())
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
        let by_subject = |subject: &str, text: &str, habits: Habits| {
            likely(&an_input(text).messages, subject, known(None, Some("en")), habits)
        };
        assert_eq!(by_subject("Où est mon colis ?", "", Habits::default()), told_by("fr"));
        assert_eq!(by_subject("Wo bleibt meine Bestellung", "???", Habits::default()), told_by("de"));
        // Others' habits are no certainty, and the customer's own say more.
        let habits = |of_customer: Option<&str>| Habits {
            of_customer: of_customer.map(str::to_owned),
            of_shop: Some("de".to_owned()),
        };
        assert_eq!(by_subject("Frage", "???", habits(None)), assumed(Some("de")));
        assert_eq!(by_subject("Frage", "???", habits(Some("pl"))), assumed(Some("pl")));
        assert_eq!(by_subject("Où est mon colis ?", "???", habits(Some("pl"))), told_by("fr"));
    }
}
