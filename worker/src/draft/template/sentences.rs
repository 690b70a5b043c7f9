//! The sentences of the built-in drafter, and the choice among them. Each constant is exactly one sentence
//! and promises nothing; a test holds both.

use super::intent::Intent;
use crate::draft::style::Tone;

/// Picks `wanted` (2 to 6) sentences in reading order: what happens next, what the shop has written down and a question come
/// first, then an opening, the facts, and what fills up a longer letter.
pub fn choose<'s>(
    intent: Intent,
    tone: Tone,
    fact: Option<&'s str>,
    quote: Option<&'s str>,
    wanted: usize,
) -> Vec<&'s str> {
    let (topic, next, ask) = of_intent(intent);
    let closing =
        if intent == Intent::Thanks { "Have a lovely day." } else { "Thank you for your patience." };
    let by_reading_order: [(usize, Option<&str>); 7] = [
        (3, Some(opening(intent, tone))),
        (4, Some(fact.unwrap_or(topic))),
        (1, quote),
        (0, Some(next)),
        (2, Some(ask)),
        (5, Some("You can simply reply to this message.")),
        (6, Some(closing)),
    ];
    // Without something to quote everything behind it moves up.
    let last = if quote.is_some() { wanted } else { wanted + 1 };
    by_reading_order
        .into_iter()
        .filter(|(rank, _)| *rank < last)
        .filter_map(|(_, sentence)| sentence)
        .collect()
}

pub(super) fn opening(intent: Intent, tone: Tone) -> &'static str {
    match (tone, intent) {
        (Tone::Friendly, Intent::Thanks) => "You are very welcome, and thank you for the kind words!",
        (Tone::Friendly, _) => "Thanks so much for getting in touch!",
        (Tone::Professional, _) => "Thank you for your message.",
        (Tone::Empathetic, Intent::Thanks) => "It means a lot to us that you took the time to write.",
        (Tone::Empathetic, _) => "Thank you for telling us, and I understand why this matters to you.",
        (Tone::Apologetic, Intent::Thanks) => "Thank you for bearing with us.",
        (Tone::Apologetic, _) => "I am sorry for the trouble that this has caused you.",
    }
}

/// What the message is about, what happens next, and what to ask.
pub(super) fn of_intent(intent: Intent) -> (&'static str, &'static str, &'static str) {
    match intent {
        Intent::DamagedOrWrong => (
            "You told us that something in your order was not as it should be.",
            "I am looking into what went wrong with your order.",
            "Could you send us a photo of the item and of its packaging?",
        ),
        Intent::RefundOrReturn => (
            "I have read what you wrote about sending something back.",
            "I am checking your return request against the details of your order.",
            "Could you tell me which item it is and what the reason is?",
        ),
        Intent::Cancellation => (
            "You would like to cancel an order.",
            "I am checking how far your order has got and whether it can still be stopped.",
            "Could you confirm which order you mean?",
        ),
        Intent::WhereIsMyOrder => (
            "You would like to know where your order is.",
            "I am checking the status of your order and will write to you as soon as I know more.",
            "Could you tell me whether the delivery address is still the same?",
        ),
        Intent::Complaint => (
            "You were not happy with how things went, and we take that seriously.",
            "I am going through what happened so that I can give you a proper answer.",
            "Could you tell me what would help you most right now?",
        ),
        Intent::ProductQuestion => (
            "You have a question about one of our products.",
            "I am checking the details so that you get a correct answer.",
            "Could you tell me which product you mean and what you need it for?",
        ),
        Intent::Thanks => (
            "Messages like yours are good to read.",
            "We are glad that we could help.",
            "Is there anything else that we can do for you?",
        ),
        Intent::Other => (
            "I have read your message carefully.",
            "I am looking into it and will come back to you with a proper answer.",
            "Is there anything else that I should know?",
        ),
    }
}
