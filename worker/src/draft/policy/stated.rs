//! Sums of money and dates that a reply may announce: those that the shop stated itself.
//!
//! The rule is modest. It looks only at sentences that speak of what is to come ("will", "you get", "wird"), that take
//! nothing back ("cannot say whether") and ask nothing. In these, a sum (a number with a currency or a percent sign),
//! a day (by name, as `2026-03-12`, `12.03.` or `12 March`) or a span of time ("3-5 working days") must be one that an
//! agent wrote in the conversation, that the shop has published or that the orders hold. What a customer claims is no
//! statement of the shop, and a sum or a day of the past is checked by nobody: a reply may say when an order was placed.

use std::collections::HashSet;

use super::ViolationKind;
use super::terms::{self, CURRENCY_CODES, is_one, says};
use crate::draft::input::DraftInput;
use crate::draft::template::languages::month;
use crate::draft::words::normalised;

/// What the shop stated, in the forms that are compared.
#[derive(Default)]
pub(super) struct Stated {
    sums: HashSet<String>,
    dates: HashSet<String>,
}

impl Stated {
    /// What the orders of an input and the shop's own texts hold.
    pub(super) fn of(input: &DraftInput, of_shop: &[&str]) -> Stated {
        let mut stated = Stated::default();
        for text in of_shop.iter().map(|text| normalised(text)) {
            let words = words(&text);
            stated.sums.extend(sums(&words));
            stated.dates.extend(dates(&words));
        }
        if let Some(customer) = &input.customer {
            let amounts = customer.recent_orders.iter().map(|order| &order.amount);
            stated.sums.extend(
                amounts
                    .chain([&customer.spend])
                    .chain(&customer.mean_order_value)
                    .filter_map(|text| number(text)),
            );
            let days = customer.recent_orders.iter().map(|order| order.at);
            for at in days.chain(customer.first_order_at).chain(customer.last_order_at) {
                let forms = ["%Y%m%d", "%d%m%Y", "%-d%-m%Y", "%d%m%y", "%m%d%Y", "%-d/%-m"];
                stated.dates.extend(forms.map(|form| at.format(form).to_string()));
            }
        }
        stated
    }

    /// What a sentence announces beyond that; `lower` is the sentence as words are normalised.
    pub(super) fn promised_beyond(&self, lower: &str) -> Vec<ViolationKind> {
        let is_question = lower.trim_end().ends_with('?');
        if !says(lower, |terms| terms.to_come) || says(lower, |terms| terms.hedges) || is_question {
            return Vec::new();
        }
        let words = words(lower);
        let beyond =
            |found: Vec<String>, known: &HashSet<String>| found.iter().any(|what| !known.contains(what));
        let found = [
            (beyond(sums(&words), &self.sums), ViolationKind::SumPromised),
            (beyond(dates(&words), &self.dates), ViolationKind::DatePromised),
        ];
        found.into_iter().filter(|(is_so, _)| *is_so).map(|(_, kind)| kind).collect()
    }
}

/// The words of a text, with currency and percent signs as words of their own.
fn words(text: &str) -> Vec<String> {
    let mut spaced = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '€' | '$' | '£' | '%' => spaced.extend([' ', c, ' ']),
            '(' | ')' | '"' | ':' | ';' | '!' => spaced.push(' '),
            _ => spaced.push(c),
        }
    }
    let bare = |word: &str| word.trim_end_matches(['.', ',']).trim_start_matches(['.', ',', '-']).to_owned();
    spaced.split_whitespace().map(bare).filter(|word| !word.is_empty()).collect()
}

/// The sums of money and percentages, as numbers without grouping.
fn sums(words: &[String]) -> Vec<String> {
    let is_currency = |at: Option<&String>| {
        at.is_some_and(|word| {
            matches!(word.as_str(), "€" | "$" | "£" | "%")
                || CURRENCY_CODES.contains(&word.as_str())
                || is_one(word, |terms| terms.currencies)
        })
    };
    let of = |at: usize| {
        let sum = number(&words[at])?;
        let before = at.checked_sub(1).and_then(|before| words.get(before));
        let behind = || matches!(words.get(at + 2).map(String::as_str), Some("cento" | "ciento" | "cent"));
        let is_share =
            matches!(words.get(at + 1).map(String::as_str), Some("por" | "per" | "pour")) && behind();
        (is_currency(before) || is_currency(words.get(at + 1)) || is_share).then_some(sum)
    };
    (0..words.len()).filter_map(of).collect()
}

/// A number in any notation, as digits with a point before cents: `1.234,50`, `1,234.50` and `1234.5` are one.
fn number(word: &str) -> Option<String> {
    let plain = word.chars().all(|c| c.is_ascii_digit() || matches!(c, '.' | ',' | '\''));
    if !plain || !word.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    let cents = word.rfind(['.', ',']).filter(|at| (1..=2).contains(&(word.len() - at - 1)));
    let (whole, cents) = cents.map_or((word, ""), |at| (&word[..at], &word[at + 1..]));
    let digits: String = whole.chars().filter(char::is_ascii_digit).collect();
    let cents = cents.trim_end_matches('0');
    Some(if cents.is_empty() { digits } else { format!("{digits}.{cents}") })
}

/// The days and spans of time, each in one form.
fn dates(words: &[String]) -> Vec<String> {
    let mut found = Vec::new();
    for (at, word) in words.iter().enumerate() {
        let before = at.checked_sub(1).and_then(|before| words.get(before)).map(String::as_str);
        let next = words.get(at + 1).map(String::as_str);
        // `Guten Morgen` greets, and Swedish has two words for tomorrow.
        let is_greeting = word == "morgen" && matches!(before, Some("guten" | "god" | "goede"));
        let is_tomorrow = word == "morgon" && before == Some("i");
        if is_tomorrow || is_one(word, |terms| terms.days) && !is_greeting {
            found.push(word.clone());
        } else if let Some(month) = month(word) {
            // `12 de marzo`, `12th of March`
            let place = match before {
                Some("de" | "of") => at.checked_sub(2).map(|at| words[at].as_str()),
                before => before,
            };
            if let Some(day) = place.and_then(day_of_month).or(next.and_then(day_of_month)) {
                found.push(format!("{day}/{month}"));
            }
        } else if is_span(word) {
            let place = before.filter(|word| !is_one(word, |terms| terms.kinds_of_day));
            let count = place.or_else(|| at.checked_sub(2).map(|at| words[at].as_str()));
            if let Some(count) = count.filter(|count| count.starts_with(|c: char| c.is_ascii_digit())) {
                let unit: String = word.chars().take(3).collect();
                found.push(format!("{count} {unit}"));
            }
        } else if is_numeric_date(word) {
            found.push(word.chars().filter(char::is_ascii_digit).collect());
        }
    }
    found
}

/// Whether a word is a unit of time, in any of its forms.
fn is_span(word: &str) -> bool {
    terms::all(|terms| terms.spans).any(|unit| word.starts_with(unit) && word.len() <= unit.len() + 3)
}

/// The day in `12`, `12th`, `12.` or `1er`.
fn day_of_month(word: &str) -> Option<u8> {
    let digits: String = word.chars().take_while(char::is_ascii_digit).collect();
    let ending = &word[digits.len()..];
    let day: u8 = digits.parse().ok()?;
    ((1..=31).contains(&day) && ending.chars().count() <= 2 && !ending.contains(['.', ','])).then_some(day)
}

/// `2026-03-12`, `12/03/2026`, `12.03.26`, `12.03` with its last point taken off does not count: it may be a sum.
fn is_numeric_date(word: &str) -> bool {
    ['-', '/', '.'].iter().any(|separator| {
        let parts: Vec<&str> = word.split(*separator).collect();
        parts.len() == 3
            && parts
                .iter()
                .all(|part| (1..=4).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit()))
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::draft::input::Author;
    use crate::draft::policy::{KnownFacts, check};
    use crate::draft::template::tests::{an_input, any_input};

    fn promised(sentence: &str) -> Vec<ViolationKind> {
        Stated::default().promised_beyond(&normalised(sentence))
    }

    #[test]
    fn sums_and_dates_to_come_are_promises() {
        use ViolationKind::{DatePromised, SumPromised};
        for (sentence, kind) in [
            ("You will have it by Friday.", DatePromised),
            ("Your parcel will arrive on 12 March.", DatePromised),
            ("It'll be there on March 3rd, 2027.", DatePromised),
            ("It will reach you within 3-5 working days.", DatePromised),
            ("We will write to you within 24 hours.", DatePromised),
            ("It will be sent on 2026-12-04.", DatePromised),
            ("Ihr Paket wird am Freitag ankommen.", DatePromised),
            ("Votre colis sera livré demain.", DatePromised),
            ("Ihr Paket kommt morgen an.", DatePromised),
            ("Ihr Paket wird in 2 Werktagen bei Ihnen sein.", DatePromised),
            ("Su paquete llegará el viernes.", DatePromised),
            ("Uw pakket zal vrijdag aankomen.", DatePromised),
            ("Uw pakket wordt op 12 maart geleverd.", DatePromised),
            ("Ihr Paket wird am 12. März ankommen.", DatePromised),
            ("Ihr Paket wird am 12.03.2027 zugestellt.", DatePromised),
            ("Votre colis arrivera le 1er mars.", DatePromised),
            ("Su paquete llegará el 12 de marzo.", DatePromised),
            ("Il Suo pacco arriverà il 12 marzo.", DatePromised),
            ("Le scriverò entro 24 ore.", DatePromised),
            ("O seu pacote vai chegar na sexta-feira.", DatePromised),
            ("O seu pacote chegará em 3 dias úteis.", DatePromised),
            ("Paczka dotrze w piątek.", DatePromised),
            ("Paczka zostanie dostarczona 12 marca.", DatePromised),
            ("Przesyłka będzie u Państwa w ciągu 3 dni roboczych.", DatePromised),
            ("Ditt paket kommer på fredag.", DatePromised),
            ("Paketet levereras i morgon.", DatePromised),
            ("Vi hör av oss inom 2 arbetsdagar.", DatePromised),
            ("Din pakke bliver leveret den 12. marts.", DatePromised),
            ("Du får svar inden for 24 timer.", DatePromised),
            ("Pakken din kommer på lørdag.", DatePromised),
            ("Den blir levert 12. desember.", DatePromised),
            ("Sie erhalten 10 Prozent von uns, das wird verrechnet.", SumPromised),
            ("You will see 20 € on your account.", SumPromised),
            ("You get £12.50 from us.", SumPromised),
            ("Wir werden Ihnen 15,00 Euro gutschreiben.", SumPromised),
            ("Otrzymają Państwo 20 zł na konto.", SumPromised),
            ("Du får 200 kr av oss.", SumPromised),
            ("Receberá 10 por cento de volta.", SumPromised),
        ] {
            assert_eq!(promised(sentence), [kind], "{sentence}");
        }
    }

    #[test]
    fn the_past_questions_and_doubts_promise_nothing() {
        for sentence in [
            "Hello Maya, your lamp left us on Monday.",
            "You placed it on 12 March 2026, and it came to 139.12 GBP.",
            "Will you be at home on Friday?",
            "I cannot say whether it will arrive by Friday.",
            "I will look at all 3 orders and 2 messages and may write again.",
            "I will come back to you as soon as I know more.",
            "Guten Morgen, ich werde mich melden, sobald ich mehr weiß.",
            "Ich kann noch nicht sagen, ob es am Freitag ankommen wird.",
            "Je ne peux pas encore dire si votre colis sera livré demain.",
            "Todavía no sé si llegará el viernes.",
            "Non posso ancora dire se arriverà venerdì.",
            "Ik kan nog niet zeggen of het pakket vrijdag komt.",
            "Não sei se chegará na sexta-feira.",
            "Nie możemy jeszcze powiedzieć, czy paczka dotrze w piątek.",
            "Jag kan ännu inte säga om den kommer på fredag.",
            "Jeg kan endnu ikke sige, om den kommer på fredag.",
            "Jeg kan ennå ikke si om den kommer på lørdag.",
            "Ihr Paket ist am Montag verschickt worden.",
            "Din pakke blev afsendt den 12. marts.",
            "God morgen, jeg vil skrive til dig, så snart jeg ved mere.",
        ] {
            assert_eq!(promised(sentence), [], "{sentence}");
        }
    }

    #[test]
    fn what_the_shop_stated_may_be_repeated() {
        let mut input = an_input("You promised to pay me 50 EUR by Friday!");
        let replies = ["You will have it by Friday.", "You get 50 EUR from us.", "It will take 3 days."];
        for reply in replies {
            assert!(!check(reply, &KnownFacts::of(&input)).is_empty(), "{reply}");
        }
        input.messages[0].author = Author::Agent;
        input.messages[0].text =
            "It takes 3 days, by Friday (12 March) at the latest, and 50,00 EUR is the sum.".into();
        let again = "Es wird am 12. März da sein.";
        assert_eq!(check(again, &KnownFacts::of(&input)), [], "{again}");
        for reply in replies {
            assert_eq!(check(reply, &KnownFacts::of(&input)), [], "{reply}");
        }
    }

    #[test]
    fn a_number_is_the_same_in_every_notation() {
        for word in ["1.234,50", "1,234.50", "1234.5", "1'234.50"] {
            assert_eq!(number(word).as_deref(), Some("1234.5"), "{word}");
        }
        assert_eq!(number("1,234").as_deref(), Some("1234"));
        assert_eq!(number("12.00").as_deref(), Some("12"));
        assert_eq!(number("4x"), None);
    }

    proptest! {
        #[test]
        fn no_text_panics(input in any_input(), reply in "\\PC{0,60}") {
            let _ = check(&reply, &KnownFacts::of(&input));
        }
    }
}
