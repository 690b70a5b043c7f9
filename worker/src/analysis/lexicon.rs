//! Reading a message by words that are known, without a model. Crude and honest: what it does not know is neutral, and
//! who asks is told that a lexicon read.

use support::analysis::{Reading, words};

use super::matters::{COMPENSATION, TOPICS};
use super::moods::{MOODS, NEGATIONS, NEGATIONS_BEHIND, SIGNS, STRONG};
use super::{excerpt, language};
use crate::draft::template::languages::{self, Language};
use crate::draft::template::{Intent, Written, intent_of, is_thanks, stops_a_newsletter};
use crate::draft::words::normalised;

/// Words before a word that may turn it round.
const REACH: usize = 3;
/// What is left of a word's weight when it is turned round: "not good" is less than "bad".
const TURNED: f32 = -0.75;
/// How quickly a sum of weights comes near the ends of the scale, as in VADER (Hutto and Gilbert, 2014).
const SPREAD: f32 = 15.0;

/// What the words of a message and of its subject say, and what is to be known of the reading. Mood and wishes are the text's
/// alone; a message of two words often has its matter in the subject.
pub fn read(written: &Written<'_>) -> (Reading, Option<&'static str>) {
    let text = excerpt(written.text);
    let written = &Written { text: &text, ..*written };
    let language = language::of_message(written.subject, &text);
    let lists: Vec<&[(&str, f32)]> = match language {
        // Not told: a word counts in whichever language has it.
        None => MOODS.iter().map(|(_, list)| *list).collect(),
        Some(language) => MOODS.iter().filter(|(name, _)| *name == language).map(|(_, list)| *list).collect(),
    };
    let is_of_newsletter = stops_a_newsletter(written);
    let topics_of = |spaced: &str| -> Vec<&'static str> {
        topics(spaced).filter(|topic| !(is_of_newsletter && *topic == "cancellation")).collect()
    };
    let said = spaced(&text);
    let mut topics = topics_of(&said);
    let known = language.and_then(languages::of);
    let first = |topics: &[&'static str]| topics.iter().find_map(|topic| words::intent(topic));
    let intent = if is_thanks(written, known) {
        Some("thanks")
    } else {
        let text_alone = Written { subject: "", ..*written };
        // The subject says what thanks are for, and may name the newsletter.
        let fits = |intent: &&str| *intent != "thanks" && !(is_of_newsletter && *intent == "cancellation");
        first(&topics)
            .or_else(|| heard(&text_alone, known).filter(fits))
            .or_else(|| first(&topics_of(&spaced(written.subject))))
            .or_else(|| heard(written, known))
    };
    // What the drafter's words or the subject tell is a topic as well.
    if let Some(topic) = intent.and_then(words::topic)
        && !topics.contains(&topic)
    {
        topics.push(topic);
    }
    let reading = Reading {
        sentiment: sentiment(&said, &text, &lists),
        intent: Some(intent.unwrap_or("other")),
        language: language.map(str::to_owned),
        asks_compensation: says(&said, COMPENSATION),
        mentions_price: topics.contains(&"price"),
        asks_discount: topics.contains(&"discount"),
        topics,
    };
    let is_strange = reading.sentiment.is_none() && text.chars().any(char::is_alphabetic);
    (reading, is_strange.then_some("the lexicon has no words of this language"))
}

/// Whether a text names something that is settled only by an answer. Where a parcel is and what a product is like is no such
/// matter: who is content speaks of them, too.
pub fn names_a_matter(text: &str) -> bool {
    let spaced = spaced(text);
    let mut matters = topics(&spaced).filter_map(words::intent);
    matters.any(|intent| !matches!(intent, "order_status" | "product_question"))
}

/// Whether a text speaks of lawyers and the like.
pub fn speaks_of_law(text: &str) -> bool {
    topics(&spaced(text)).any(|topic| topic == "legal")
}

/// The topics whose phrases a text has.
fn topics(spaced: &str) -> impl Iterator<Item = &'static str> + '_ {
    TOPICS.iter().filter(move |(_, phrases)| says(spaced, phrases)).map(|(topic, _)| *topic)
}

/// The words of a text in lower case, each between spaces.
fn spaced(text: &str) -> String {
    let words: String =
        normalised(text).chars().map(|c| if c.is_alphanumeric() || c == '\'' { c } else { ' ' }).collect();
    words.split_whitespace().fold(String::from(" "), |all, word| all + word + " ")
}

/// Whether one of the phrases begins at a word of a text.
fn says(spaced: &str, phrases: &[&str]) -> bool {
    phrases.iter().any(|phrase| spaced.contains(&format!(" {phrase}")))
}

/// What the words tell by which the drafter knows a matter, in all languages that it writes; none when they tell nothing. They do
/// not tell what is broken from what is another thing than was ordered, nor who wants money from who sends something back.
fn heard(written: &Written<'_>, language: Option<&'static Language>) -> Option<&'static str> {
    match intent_of(written, language) {
        Intent::DamagedOrWrong => Some("damaged"),
        Intent::RefundOrReturn => Some("return"),
        Intent::Cancellation => Some("cancellation"),
        Intent::WhereIsMyOrder => Some("order_status"),
        Intent::Complaint => Some("complaint"),
        Intent::ProductQuestion => Some("product_question"),
        Intent::Thanks => Some("thanks"),
        Intent::Other => None,
    }
}

/// The mood, 0 to 1; none when the text has neither words that could be known nor signs.
fn sentiment(spaced: &str, text: &str, lists: &[&[(&str, f32)]]) -> Option<f32> {
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let mut sum = 0.0;
    for (place, word) in words.iter().enumerate() {
        let Some(weight) = lists.iter().find_map(|list| weight(&words[place..], word, list)) else {
            continue;
        };
        let before = &words[place.saturating_sub(REACH)..place];
        let behind = &words[(place + 1).min(words.len())..(place + 1 + 2).min(words.len())];
        let turned = before.iter().any(|word| NEGATIONS.contains(word) || word.ends_with("n't"))
            || behind.iter().any(|word| NEGATIONS_BEHIND.contains(word)) && weight > 0.0;
        let strong = before.last().is_some_and(|word| STRONG.contains(word));
        let weight = if strong { weight * 1.4 } else { weight };
        sum += if turned { weight * TURNED } else { weight };
    }
    let signs: Vec<f32> = text
        .chars()
        .filter_map(|c| SIGNS.iter().find(|(sign, _)| *sign == c).map(|(_, weight)| *weight))
        .collect();
    // A row of the same sign says little more than three of it.
    sum += signs.iter().take(3).sum::<f32>();
    if text.contains("!!") {
        sum *= 1.2;
    }
    // The lexicon's words are all written in Latin letters.
    let is_latin = |c: char| c.is_alphabetic() && c <= '\u{24f}';
    let has_words = !lists.is_empty() && words.iter().any(|word| word.chars().any(is_latin));
    if !has_words && signs.is_empty() {
        return None;
    }
    Some((0.5 + 0.5 * sum / (sum * sum + SPREAD).sqrt()).clamp(0.0, 1.0))
}

/// The weight of a word, or of the phrase that begins with it.
fn weight(rest: &[&str], word: &str, list: &[(&str, f32)]) -> Option<f32> {
    list.iter()
        .filter(|(beginning, _)| match beginning.split_once(' ') {
            None => word.starts_with(beginning) && word.len() <= beginning.len() + 6,
            Some(_) => {
                let mut wanted = beginning.split(' ');
                let mut told = rest.iter();
                wanted.all(|part| told.next() == Some(&part))
            }
        })
        // The longest beginning is the one that means the word.
        .max_by_key(|(beginning, _)| beginning.len())
        .map(|(_, weight)| *weight)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(text: &str) -> (Reading, Option<&'static str>) {
        super::read(&Written::alone(text))
    }

    fn mood(text: &str) -> f32 {
        read(text).0.sentiment.unwrap_or_else(|| panic!("{text} has a mood"))
    }

    #[test]
    fn moods_are_told_in_four_languages_and_turned_round() {
        for (good, bad) in [
            ("The lamp is great, I love it, thank you", "The lamp is terrible and I am very disappointed"),
            ("This is good", "This is not good"),
            (
                "Die Lampe ist super, vielen Dank, ich bin sehr zufrieden",
                "Die Lampe ist kaputt, das ist eine Frechheit",
            ),
            ("Das funktioniert gut", "Das funktioniert leider nicht"),
            (
                "La lampe est parfaite, merci beaucoup, je suis ravie",
                "La lampe est cassée, c'est inacceptable et je suis déçu",
            ),
            ("Merci, tout marche", "Elle ne marche pas"),
            (
                "La lámpara es excelente, muchas gracias, estoy muy contenta",
                "La lámpara está rota, es inaceptable, muy mal",
            ),
            ("😍👍", "😡😡😡"),
        ] {
            assert!(mood(good) > 0.55, "{good}: {}", mood(good));
            assert!(mood(bad) < 0.45, "{bad}: {}", mood(bad));
        }
        assert!(mood("not bad") > 0.5, "what is not bad is no complaint");
        assert!(mood("My order number is 12 and it was placed on Monday by my sister.") == 0.5);
    }

    #[test]
    fn matters_are_told() {
        let told = |text: &str| read(text).0;
        assert_eq!(told("Where is my order? I want a refund.").intent, Some("refund"));
        assert_eq!(told("Where is my order?").intent, Some("order_status"));
        assert_eq!(told("Wo ist mein Paket? Es ist noch nicht angekommen.").intent, Some("order_status"));
        let both = told("The vase arrived broken, I want my money back and a discount on the price.");
        assert_eq!(both.intent, Some("damaged"));
        assert!(both.asks_compensation && both.asks_discount && both.mentions_price);
        assert!(both.topics.contains(&"refund"));
        assert_eq!(told("Thanks!").intent, Some("thanks"));
        assert_eq!(told("asdf").intent, Some("other"));
        assert_eq!(
            told("Guten Tag, ich habe vor zwei Wochen eine Lampe bestellt.").language.as_deref(),
            Some("de")
        );
    }

    #[test]
    fn the_drafter_s_words_tell_what_the_lexicon_s_do_not() {
        for (text, language, intent) in [
            ("hi, paket noch nicht da", "de", "order_status"),
            ("Guten Tag, die Lieferung ist unvollständig", "de", "wrong_item"),
            ("ich widerrufe hiermit den Vertrag", "de", "return"),
            ("Dzień dobry, gdzie jest moja paczka? Czekam już dwa tygodnie.", "pl", "order_status"),
            ("Waar blijft mijn bestelling? Ik wacht al twee weken.", "nl", "order_status"),
            ("Hej, jag vill returnera skorna, hur gör jag?", "sv", "return"),
            ("Hej, jeg vil gerne annullere min bestilling", "da", "cancellation"),
            ("Dzień dobry, dostałam zły rozmiar butów.", "pl", "wrong_item"),
            ("Hej, jag vill ha pengarna tillbaka för min beställning", "sv", "refund"),
            ("Olá, o meu pedido chegou danificado.", "pt", "damaged"),
        ] {
            let reading = read(text).0;
            assert_eq!(
                (reading.language.as_deref(), reading.intent),
                (Some(language), Some(intent)),
                "{text}"
            );
            assert!(reading.topics.contains(&intent), "{text}: {:?}", reading.topics);
        }
        assert_eq!(read("Kündigung Newsletter").0.intent, Some("other"));
        assert_eq!(read("Kündigung meiner Bestellung").0.intent, Some("cancellation"));
    }

    #[test]
    fn a_subject_tells_what_a_polite_text_does_not() {
        for (subject, text, intent) in [
            ("Wo ist mein Paket?", "Bitte um Antwort. Danke!", "order_status"),
            ("Wo ist mein Paket?", "Vielen Dank", "order_status"),
            (
                "Falscher Artikel geliefert",
                "Hallo, siehe Betreff. Vielen Dank im Voraus und liebe Gruesse, Maja",
                "wrong_item",
            ),
            ("Rechnung", "Guten Tag, ich braeuchte noch die Rechnung zu Bestellung 11233. Danke!", "billing"),
            ("Rechnung", "Danke!", "billing"),
            ("Haben Sie die Vase noch?", "Danke fuer eine kurze Info", "product_question"),
            ("Where is my order?", "Thanks in advance!", "order_status"),
            ("Remboursement", "Merci d'avance pour votre réponse.", "refund"),
            ("¿Dónde está mi pedido?", "Gracias de antemano", "order_status"),
            ("Feedback", "Alles super angekommen, danke!", "thanks"),
            ("Wo ist mein Paket?", "Alles super angekommen, danke!", "thanks"),
            ("Newsletter", "Hiermit kündige ich. Danke!", "other"),
        ] {
            let reading = super::read(&Written { subject, text, is_answer: false }).0;
            assert_eq!(reading.intent, Some(intent), "{subject}: {text}");
            assert!(intent == "thanks" || intent == "other" || reading.topics.contains(&intent), "{text}");
        }
        // To an answer bare thanks are thanks.
        let reading =
            super::read(&Written { subject: "Wo ist mein Paket?", text: "Vielen Dank!", is_answer: true }).0;
        assert_eq!(reading.intent, Some("thanks"));
    }

    #[test]
    fn what_is_not_known_is_neither_good_nor_bad() {
        for text in ["", "...", "12345", "🚀🚀🚀", "\u{0}\u{202e}"] {
            assert_eq!(read(text).0.sentiment, None, "{text}");
        }
        let (reading, remark) =
            read("Здравствуйте, я заказал лампу две недели назад, и она до сих пор не пришла.");
        assert_eq!(reading.sentiment, None);
        assert!(remark.is_some());
    }

    proptest! {
        #[test]
        fn any_text_is_read(text in "\\PC{0,300}") {
            let (reading, _) = read(&text);
            prop_assert!(reading.sentiment.is_none_or(|mood| (0.0..=1.0).contains(&mood)));
            prop_assert!(reading.intent.is_some_and(|intent| words::INTENTS.contains(&intent)));
            prop_assert!(reading.topics.iter().all(|topic| words::TOPICS.contains(topic)));
        }
    }
}
