//! Words of a model that are not for the customer: it announces what it wrote, comments on it, or declines.
//!
//! The check works on phrases and is for the mistakes that models make, not for malice. A phrase is in the list only
//! if a reply to a customer has no use for it: "here is the tracking page" passes, "here is the reply" does not.

use super::words::normalised;

/// Whether the reply speaks of itself, of the form that it was asked for, or to the shop instead of the customer.
pub fn speaks_of_itself(reply: &str) -> bool {
    let text = normalised(reply);
    let announces = POINTERS.iter().any(|pointer| {
        text.match_indices(pointer).any(|(at, _)| {
            let rest = &text[at + pointer.len()..];
            let noun =
                ADJECTIVES.iter().fold(rest, |rest, adjective| rest.strip_prefix(adjective).unwrap_or(rest));
            DRAFTS.iter().any(|draft| noun.starts_with(draft))
        })
    });
    let label = text.trim_start_matches([' ', '*', '#', '_']);
    announces
        || COMMENTS.iter().any(|comment| text.contains(comment))
        || LABELS.iter().any(|name| label.starts_with(name))
}

/// Whether the reply is no reply but the model's refusal to write one.
pub fn is_refusal(reply: &str) -> bool {
    let text = normalised(reply);
    REFUSALS.iter().any(|refusal| text.contains(refusal))
}

/// What points at something; a space at both ends, as words are normalised.
const POINTERS: &[&str] = &[
    " here is ",
    " here's ",
    " here are ",
    " below is ",
    " i have written ",
    " i've written ",
    " i have drafted ",
    " i've drafted ",
    " i will write ",
    " i'll write ",
    " i will put ",
    " i'll put ",
    " let me write ",
    " let me draft ",
    " i will draft ",
    " i'll draft ",
    " adjust ",
    " revise ",
    " rewrite ",
    " hier ist ",
    " anbei ",
    " voici ",
    " aquí está ",
    " aquí tienes ",
    " ecco ",
];

/// What may stand between the pointer and the noun.
const ADJECTIVES: &[&str] = &[
    "a ",
    "an ",
    "the ",
    "my ",
    "your ",
    "this ",
    "that ",
    "der ",
    "die ",
    "das ",
    "ein ",
    "eine ",
    "la ",
    "le ",
    "une ",
    "un ",
    "el ",
    "una ",
    "il ",
    "possible ",
    "suggested ",
    "short ",
    "friendly ",
    "final ",
    "polite ",
    "revised ",
    "draft ",
    "customer ",
    "email ",
    "mögliche ",
];

/// What a model calls its answer.
const DRAFTS: &[&str] = &[
    "draft",
    "reply",
    "replies",
    "response",
    "message for the customer",
    "message to the customer",
    "recommendation",
    "json",
    "answer to the customer",
    "text for the customer",
    "entwurf",
    "antwort",
    "réponse",
    "brouillon",
    "respuesta",
    "borrador",
    "risposta",
    "bozza",
    "tone",
];

/// Remarks to the shop.
const COMMENTS: &[&str] = &[
    "this draft",
    "the draft",
    "draft reply",
    "draft response",
    "as requested, ",
    "note to the agent",
    "note to agent",
    "note for the agent",
    "for the agent:",
    "(note:",
    "[note:",
    "talking point",
    "retention probability",
    "retention_probability",
    "revenue_at_risk",
    "talking_points",
    "```",
    " json ",
    "xml tag",
    "in the requested form",
    "word count",
    "i followed the rules",
    "i followed your",
    "the customer's latest message",
    "the customer's message",
    "system prompt",
    "my instructions",
];

/// Labels that a model puts before a reply.
const LABELS: &[&str] = &[
    "reply:",
    "draft:",
    "response:",
    "answer:",
    "antwort:",
    "réponse :",
    "réponse:",
    "respuesta:",
    "subject:",
    "betreff:",
];

/// How models decline.
const REFUSALS: &[&str] = &[
    " as an ai ",
    " as an ai,",
    " an ai language model",
    " an ai assistant",
    " as a language model",
    " als ki-",
    "i can't assist with",
    "i cannot assist with",
    "i can't help with that",
    "i cannot help with that",
    "i can't help with this request",
    "i cannot help with this request",
    "i'm not able to help with that",
    "i am not able to help with that",
    "i can't comply",
    "i cannot comply",
    "i must decline",
    "i won't be able to write",
    "i can't write this",
    "i cannot write this",
    "i can't write a reply",
    "i cannot write a reply",
    "i cannot generate",
    "i can't generate",
    "i cannot provide a reply",
    "against my guidelines",
    "i'm designed to",
    "i am designed to",
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::draft::template::tests::every_sentence;

    #[test]
    fn words_that_are_meant_for_the_shop_are_found() {
        for reply in [
            "Hello Maya, here is a draft: Hello Maya, your lamp left us on Monday.",
            "Sure! Here\u{2019}s the reply:\n\nHello Maya.",
            "Certainly. Here is a possible reply for the customer. Hello Maya.",
            "I will put the reply inside tags. Hello Maya.",
            "Reply: Hello Maya, your lamp left us on Monday.",
            "**Draft:** Hello Maya.",
            "Hello Maya, your lamp left us.\n\n(Note: I kept it short.)",
            "Hello Maya. Let me know if I should adjust the tone.",
            "Hello Maya. I hope this draft helps.",
            "Hier ist die Antwort: Hallo Maya.",
            "Voici la réponse : Bonjour Maya.",
            "In answer to the customer's latest message: hello Maya.",
        ] {
            assert!(speaks_of_itself(reply), "{reply}");
        }
    }

    #[test]
    fn refusals_are_found() {
        for reply in [
            "I\u{2019}m sorry, but I can\u{2019}t assist with that.",
            "As an AI language model, I have no orders.",
            "I cannot write a reply to this message.",
        ] {
            assert!(is_refusal(reply), "{reply}");
        }
    }

    #[test]
    fn replies_pass() {
        let replies = [
            "Hello Maya, your lamp left us on Monday.",
            "Here is the page where you can follow it. Here's what happens next.",
            "I cannot say yet whether it has arrived. This is the third parcel.",
            "We will answer as soon as we can, and I am sorry that our first response took so long.",
            "Hier ist die Adresse. Voici la page.",
            "I have written to the carrier and will come back to you.",
        ];
        for reply in replies.into_iter().chain(every_sentence()) {
            assert!(!speaks_of_itself(reply) && !is_refusal(reply), "{reply}");
        }
    }
}
